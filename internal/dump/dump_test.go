package dump

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"odoo-upgrade-action/internal/dump/archive"
	"odoo-upgrade-action/internal/dump/script"
	"odoo-upgrade-action/internal/realtest"

	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// maker writes an archive by hand, as the versions of pg_dump do that are not
// installed.
type maker struct {
	bytes.Buffer
	version     int
	compression string
	located     bool
}

func (m *maker) int(n int) {
	sign := byte(0)
	if n < 0 {
		sign, n = 1, -n
	}
	m.WriteByte(sign)
	_ = binary.Write(m, binary.LittleEndian, uint32(n))
}

func (m *maker) text(s string) { m.int(len(s)); m.WriteString(s) }
func (m *maker) null()         { m.int(-1) }

// What the archives of pg_dump have in them (pg_backup_archiver.h), and what is read of them.
const (
	formatCustom  = 1
	blockData     = 1
	offsetUnset   = 1
	offsetSet     = 2
	offsetNone    = 3
	oldestVersion = 112
	newestVersion = 116
	maxWalk       = 32 << 20
	endWindow     = 1 << 20
	maxTag        = 256 << 10
	maxLabel      = 1 << 10
	maxCopyText   = 1 << 20
)

const (
	moduleCopy = "COPY public.ir_module_module (id, name, state, latest_version) FROM stdin;\n"
	moduleRows = "1\tbase\tinstalled\t10.saas~15.1.3\n2\tx\tinstalled\t\\N\n\\.\n\n\n"
	newerCopy  = "COPY public.ir_module_module (id, name, state, db_version) FROM stdin;\n"
)

// archive makes one with a table of modules and a table after it.
func (m *maker) archive(statement, rows string) []byte {
	m.WriteString("PGDMP")
	m.Write([]byte{1, byte(m.version - 100), 0, 4, 8, formatCustom})
	if m.version >= 115 {
		m.WriteByte(map[string]byte{"none": 0, "gzip": 1, "lz4": 2, "zstd": 3}[m.compression])
	} else {
		m.int(map[string]int{"none": 0, "gzip": -1}[m.compression])
	}
	for range 7 {
		m.int(1)
	}
	m.text("bakery")
	m.text("9.6.1")
	m.text("17.2")
	m.int(5)
	var places []int
	m.entry(1, "ENCODING", "ENCODING", "", false)
	m.entry(4, moduleTable, "TABLE", "", false)
	m.entry(5, moduleTable+" ir_module_module_pkey", "CONSTRAINT", "", false)
	places = append(places, m.entry(2, moduleTable, "TABLE DATA", statement, true))
	places = append(places, m.entry(3, "other", "TABLE DATA", "COPY public.other (a) FROM stdin;\n", true))
	for n, data := range []string{rows, "a\n\\.\n\n\n"} {
		if m.located {
			binary.LittleEndian.PutUint64(m.Bytes()[places[n]:], uint64(m.Len()))
		}
		m.WriteByte(blockData)
		m.int(n + 2)
		compressed := m.compress(data)
		for len(compressed) > 0 { // in chunks that cut through everything
			n := min(len(compressed), 7)
			m.text(string(compressed[:n]))
			compressed = compressed[n:]
		}
		m.int(0)
	}
	return m.Bytes()
}

// entry returns where its offset stands.
func (m *maker) entry(id int, tag, desc, statement string, data bool) int {
	m.int(id)
	m.int(map[bool]int{true: 1}[data])
	m.text("1259")
	m.text("16385")
	m.text(tag)
	m.text(desc)
	m.int(3)
	m.text("")
	m.null()
	m.text(statement)
	m.text("public")
	m.null()
	if m.version >= 114 {
		m.text("heap")
	}
	if m.version >= 116 {
		m.int('r')
	}
	m.text("odoo")
	m.text("false")
	m.text("7")
	m.null()
	flag := byte(offsetNone)
	if data {
		flag = map[bool]byte{true: offsetSet, false: offsetUnset}[m.located]
	}
	m.WriteByte(flag)
	m.Write(make([]byte, 8))
	return m.Len() - 8
}

func (m *maker) compress(data string) []byte {
	var b bytes.Buffer
	var w io.WriteCloser
	switch m.compression {
	case "gzip":
		w = zlib.NewWriter(&b)
	case "lz4":
		w = lz4.NewWriter(&b)
	case "zstd":
		w, _ = zstd.NewWriter(&b)
	default:
		return []byte(data)
	}
	_, _ = io.WriteString(w, data)
	_ = w.Close()
	return b.Bytes()
}

func write(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func inspect(t testing.TB, name string, data []byte) Info {
	t.Helper()
	i, err := Inspect(t.Context(), write(t, name, data), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// everyPrefix cuts a complete dump shorter and shorter: none of that is a complete one.
// It does so at each byte of a whole sweep, else near the ends and at every 997th between.
func everyPrefix(t *testing.T, path string, options ...Options) {
	t.Helper()
	stat, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	ends, step := int64(50), int64(997)
	if realtest.Whole() {
		ends = stat.Size()
	}
	for n := stat.Size() - 1; n >= 0; n-- {
		if n > ends && n < stat.Size()-ends && n%step != 0 {
			continue
		}
		if err := os.Truncate(path, n); err != nil {
			t.Fatal(err)
		}
		for _, o := range options {
			i, err := Inspect(t.Context(), path, o)
			if err != nil {
				t.Fatalf("%d of %d bytes, %+v: %v", n, stat.Size(), o, err)
			}
			if i.Problem == nil {
				t.Fatalf("%d of %d bytes, %+v: taken for a complete dump", n, stat.Size(), o)
			}
		}
	}
}

func TestArchiveVersions(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	for version := oldestVersion; version <= newestVersion; version++ {
		for _, compression := range []string{"none", "gzip", "lz4", "zstd"} {
			if version < 115 && (compression == "lz4" || compression == "zstd") {
				continue
			}
			for _, located := range []bool{true, false} {
				name := fmt.Sprintf("%d, %s, located %t", version, compression, located)
				statement := moduleCopy
				if version == newestVersion {
					statement = newerCopy
				}
				data := (&maker{version: version, compression: compression, located: located}).archive(statement, moduleRows)
				i := inspect(t, "x.dump", data)
				if i.Problem != nil || i.Series != "10.saas~15" || len(i.Modules) != 2 || i.Compression != compression || i.PostgreSQL != "9.6.1" || i.Database != "bakery" {
					t.Errorf("%s: %+v %v", name, i, i.Problem)
				}
				everyPrefix(t, write(t, "x.dump", data), Options{})
				if i := inspect(t, "x.dump", append(bytes.Clone(data), 'x')); i.Problem != nil || len(i.Warnings) != 1 || !strings.HasPrefix(i.Warnings[0], "There are 1 bytes after the end") {
					t.Errorf("%s, with a byte after the end: %v, %v", name, i.Problem, i.Warnings)
				}
			}
		}
	}
	for _, version := range []int{oldestVersion - 1, newestVersion + 1} {
		if i := inspect(t, "x.dump", (&maker{version: version, compression: "none"}).archive(moduleCopy, moduleRows)); i.Problem != nil || !i.Opaque || len(i.Warnings) != 1 || !strings.Contains(i.Warnings[0], "not known") {
			t.Errorf("version %d: %v %v", version, i.Problem, i.Warnings)
		}
	}
}

// TestLargeLastTable cuts an archive whose last table is too large to be gone
// through.
func TestLargeLastTable(t *testing.T) {
	t.Parallel()
	m := &maker{version: 114, compression: "none", located: true}
	data := m.archive(moduleCopy, moduleRows)
	data = data[:len(data)-5] // its end
	chunk := bytes.Repeat([]byte("some row\n"), 400)
	m.Truncate(len(data))
	for m.Len() < maxWalk+endWindow {
		m.text(string(chunk))
	}
	m.int(0)
	whole := m.Bytes()
	path := write(t, "x.dump", whole)
	if i, err := Inspect(t.Context(), path, Options{}); err != nil || i.Problem != nil || i.Series == "" {
		t.Fatal(err, i.Problem)
	}
	for n := 1; n < 2*len(chunk); n += 1 + n/40 {
		if err := os.Truncate(path, int64(len(whole)-n)); err != nil {
			t.Fatal(err)
		}
		if i, err := Inspect(t.Context(), path, Options{}); err != nil || i.Problem == nil {
			t.Fatalf("%d bytes short: told as whole (%v)", n, err)
		}
	}
}

const goodSQL = "--\n-- PostgreSQL database dump\n--\n\n\\restrict abc\n\n-- Dumped from database version 16.1\n-- Dumped by pg_dump version 17.0\n\n" +
	"CREATE TABLE public.ir_module_module (\n    id integer\n);\n\n" + moduleCopy + "1\tbase\tinstalled\t17.0.1.3\n\\.\n\n" +
	"ALTER TABLE ONLY public.ir_module_module\n    ADD CONSTRAINT ir_module_module_pkey PRIMARY KEY (id);\n\n" +
	"--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict abc\n\n"

func TestWhatIsRefused(t *testing.T) {
	var other, sh, noDump bytes.Buffer
	w := tar.NewWriter(&other)
	_ = w.WriteHeader(&tar.Header{Name: "README", Size: 1, Mode: 0o600})
	_, _ = w.Write([]byte("x"))
	_ = w.Close()
	for out, name := range map[*bytes.Buffer]string{&sh: "home/odoo/data/filestore/db/aa/aa1", &noDump: "README"} {
		z := zip.NewWriter(out)
		f, _ := z.Create(name)
		_, _ = f.Write([]byte("x"))
		_ = z.Close()
	}
	cases := []struct {
		name string
		data string
		kind Kind
		says string
	}{
		{"empty", "", Empty, "is empty"},
		{"text", "hello\n", Text, "not a database dump"},
		{"binary", "\x00\x01\x02", Unknown, "not a database dump"},
		{"page", "  <!DOCTYPE html><html>login", HTML, "HTML page"},
		{"cluster", "--\n-- PostgreSQL database cluster dump\n--\n", Cluster, "pg_dumpall"},
		{"zstd", "\x28\xb5\x2f\xfdxxxx", "zstd", "compressed with zstd"},
		{"xz", "\xfd7zXZ\x00xx", "xz", "compressed with xz"},
		{"bzip2", "BZh91AY", "bzip2", "compressed with bzip2"},
		{"7z", "7z\xbc\xaf\x27\x1cxx", "7z", "compressed with 7z"},
		{"another tar", other.String(), OtherTar, "without a dump: it has 1 files, like \"README\""},
		{"Odoo.sh", sh.String(), OdooSh, "Odoo.sh"},
		{"another zip", noDump.String(), Zip, "without a dump: it has 1 files, like \"README\""},
		{"zip with a page", string(odooZipOf("<html>")), OdooZip, "has a dump.sql that is an HTML page"},
		{"cut zip", noDump.String()[:40], Zip, "truncated"},
		{"gzip of text", string(gzipBytes([]byte("hello"))), Text, "not a database dump"},
		{"gzip of nothing", string(gzipBytes(nil)), Empty, "is an empty gzip file"},
		{"gzip of gzip", string(gzipBytes(gzipBytes([]byte(goodSQL)))), Gzip, "is compressed twice, with gzip and gzip"},
		{"cut gzip", string(gzipBytes([]byte(goodSQL))[:60]), Gzip, "truncated"},
		{"no gzip", "\x1f\x8b\x00\x00\x00", Gzip, ""},
		{"cut SQL", goodSQL[:strings.Index(goodSQL, " dump complete")], SQL, `truncated before the end: the line`},
		{"SQL cut in data", goodSQL[:strings.Index(goodSQL, "\\.\n")], SQL, "truncated in the data of a table"},
		{"SQL cut in a statement after its end", goodSQL + "SELECT 'x", SQL, "truncated in the middle of a statement"},
		{"no version", "PGDMPxxxxxxxxxxxx", Custom, "corrupt"},
		{"no archive", "PGDMP\x01\x0e\x00\x05\x08\x01xxxxxx", Custom, "corrupt"},
	}
	for _, c := range cases {
		i := inspect(t, "x", []byte(c.data))
		if i.Problem == nil || i.Kind != c.kind || !strings.Contains(i.Problem.Error(), c.says) || i.Problem.Do == "" {
			t.Errorf("%s: %s, %v", c.name, i.Kind, i.Problem)
		}
	}
	if _, err := Inspect(t.Context(), filepath.Join(t.TempDir(), "missing"), Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	if i, err := Inspect(t.Context(), t.TempDir(), Options{}); err != nil || i.Problem == nil {
		t.Errorf("a folder: %v %v", i.Problem, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, data := range map[string][]byte{"x.sql": []byte(goodSQL), "x.zip": odooZipOf(goodSQL)} {
		if _, err := Inspect(ctx, write(t, name, data), Options{}); !errors.Is(err, context.Canceled) {
			t.Errorf("stopped at %s: %v", name, err)
		}
	}
}

// TestGzipMembers holds what is taken for whole against what gzip -t does.
func TestGzipMembers(t *testing.T) {
	half := len(goodSQL) / 2
	two := slices.Concat(gzipBytes([]byte(goodSQL[:half])), gzipBytes([]byte(goodSQL[half:])))
	for name, c := range map[string]struct {
		data []byte
		good bool
	}{
		"two members":            {two, true},
		"many empty members":     {slices.Concat(bytes.Repeat(gzipBytes(nil), 1000), two), true},
		"zeros behind":           {slices.Concat(two, make([]byte, 512)), true},
		"a zero behind":          {slices.Concat(two, []byte{0}), true},
		"rubbish behind":         {slices.Concat(two, []byte("rubbish")), false},
		"rubbish behind zeros":   {slices.Concat(two, []byte("\x00\x00rubbish")), false},
		"half a member behind":   {slices.Concat(two, gzipBytes([]byte("more"))[:15]), false},
		"the first of two alone": {two[:len(gzipBytes([]byte(goodSQL[:half])))], false},
	} {
		if i := inspect(t, "x.sql.gz", c.data); (i.Problem == nil) != c.good {
			t.Errorf("%s: %s, %v", name, i.Kind, i.Problem)
		}
	}
}

func odooZipOf(sql string) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, _ := z.Create("dump.sql")
	_, _ = io.WriteString(w, sql)
	_ = z.Close()
	return b.Bytes()
}

func gzipBytes(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(data)
	_ = w.Close()
	return b.Bytes()
}

func TestScripts(t *testing.T) {
	long := strings.Repeat("x", 3*256<<10)
	withLong := func(end string) string {
		return strings.Replace(goodSQL, "--\n-- PostgreSQL database dump complete", "COPY public.t (a) FROM stdin;\n"+long+"\nb\n"+end+"\n\n--\n-- PostgreSQL database dump complete", 1)
	}
	cases := map[string]struct {
		sql   string
		whole bool
	}{
		"as it is":                      {goodSQL, true},
		"Windows line ends":             {strings.ReplaceAll(goodSQL, "\n", "\r\n"), true},
		"a row longer than the buffer":  {withLong("\\."), true},
		"that ends like the end":        {withLong(long + "\\\\.\n\\."), true},
		"without an end":                {withLong("\\\\."), false},
		"a statement longer than that":  {strings.Replace(goodSQL, "CREATE TABLE", "SELECT '"+long+"';\nCREATE TABLE", 1), true},
		"an empty table":                {strings.Replace(goodSQL, "CREATE TABLE", "COPY public.t (a) FROM stdin;\n\\.\nCREATE TABLE", 1), true},
		"a long row in the table":       {strings.Replace(goodSQL, "1\tbase", "9\t"+long+"\tinstalled\t1.0\n1\tbase", 1), true},
		"the same table somewhere else": {strings.Replace(goodSQL, "CREATE TABLE", strings.Replace(moduleCopy, "public", "other", 1)+"1\tbase\tinstalled\t99.0\n\\.\nCREATE TABLE", 1), true},
	}
	for name, c := range cases {
		for size := 1; size < 200_000; size *= 7 { // however it comes in
			var f facts
			s := script.New(&f)
			err := s.Read(&slow{strings.NewReader(c.sql), size})
			if err == nil {
				err = s.Check()
			}
			if (err == nil) != c.whole || f.series != "17.0" || s.PgDump != "17.0" || s.PostgreSQL != "16.1" {
				t.Errorf("%s, %d bytes at a time: %v, %+v", name, size, err, f)
			}
		}
	}
}

type slow struct {
	io.Reader
	n int
}

func (s *slow) Read(p []byte) (int, error) { return s.Reader.Read(p[:min(len(p), s.n)]) }

func TestNames(t *testing.T) {
	for name, fits := range map[string]bool{
		"a.sql": true, "a.sql.gz": false, "a.dump": true, "a.zip": false, "a.tar": false, "a": true, "A.SQL": true, "a.gz": false, "a.bak": true,
	} {
		if i := inspect(t, name, []byte(goodSQL)); (len(i.Warnings) == 0) != fits {
			t.Errorf("SQL named %s: %v", name, i.Warnings)
		}
	}
	for name, fits := range map[string]bool{"a.sql": false, "a.sql.gz": true, "a.gz": true, "a.dump": false, "a": true, "a.tgz": false} {
		if i := inspect(t, name, gzipBytes([]byte(goodSQL))); (len(i.Warnings) == 0) != fits {
			t.Errorf("SQL in gzip named %s: %v", name, i.Warnings)
		}
	}
}

// TestBombs are files that claim or unpack to more than there is.
func TestBombs(t *testing.T) {
	realtest.Long(t) // and not beside others: it counts what is allocated
	tooLong := (&maker{version: 114, compression: "none", located: true}).archive(moduleCopy, moduleRows)
	at := bytes.Index(tooLong, []byte("ENCODING")) - 4
	binary.LittleEndian.PutUint32(tooLong[at:], 1<<31-1)
	var zipped bytes.Buffer
	z := zip.NewWriter(&zipped)
	f, _ := z.Create("dump.sql")
	_, _ = io.WriteString(f, goodSQL)
	endless(f, 200<<20)
	_ = z.Close()
	var g bytes.Buffer
	gw := gzip.NewWriter(&g)
	_, _ = io.WriteString(gw, goodSQL)
	endless(gw, 200<<20)
	_ = gw.Close()
	for name, c := range map[string]struct {
		data []byte
		says string
	}{
		"text of 2 GiB": {tooLong, "a text of 2147483647 bytes"},
		"zip":           {zipped.Bytes(), "more than 500 times its size"},
		"gzip":          {g.Bytes(), "more than 500 times its size"},
	} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		i := inspect(t, "bomb", c.data)
		runtime.ReadMemStats(&after)
		if i.Problem == nil || !strings.Contains(i.Problem.Error(), c.says) {
			t.Errorf("%s: %v", name, i.Problem)
		}
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 16<<20 {
			t.Errorf("%s: took %d MiB of memory", name, grown>>20)
		}
	}
}

func endless(w io.Writer, n int) {
	block := bytes.Repeat([]byte("0"), 64<<10)
	for ; n > 0; n -= len(block) {
		_, _ = w.Write(block)
	}
}

func TestBefore2018(t *testing.T) {
	old := strings.ReplaceAll(strings.Replace(goodSQL, "CREATE TABLE", "SET search_path = other, pg_catalog;\n\nCOPY ir_module_module (name, latest_version) FROM stdin;\nbase\t99.0\n\\.\n\nSET search_path = public, pg_catalog;\n\nCREATE TABLE", 1), "public.ir_", "ir_")
	if i := inspect(t, "a.sql", []byte(old)); i.Problem != nil || !i.Odoo || i.Series != "17.0" {
		t.Errorf("SQL: %+v %v", i, i.Problem)
	}
	m := &maker{version: oldestVersion, compression: "gzip", located: true}
	if i := inspect(t, "a.dump", m.archive(strings.Replace(moduleCopy, "public.", "", 1), moduleRows)); i.Problem != nil || i.Series != "10.saas~15" {
		t.Errorf("custom: %+v %v", i, i.Problem)
	}
}

// TestLargeRowsAtTheEnd has chunks that are larger than the window through
// which the end of a large table is checked, and large objects.
func TestLargeRowsAtTheEnd(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	for _, blobs := range []bool{false, true} {
		m := &maker{version: 114, compression: "none", located: true}
		data := m.archive(moduleCopy, moduleRows)
		last := bytes.LastIndex(data, []byte{blockData, 0, 3, 0, 0, 0})
		if blobs {
			data[last] = 3
		}
		m.Truncate(last + 6)
		row := bytes.Repeat([]byte("x"), 2<<20)
		for n := range 20 {
			if blobs {
				m.int(n + 1)
			}
			m.text(string(row))
			if blobs {
				m.int(0)
			}
		}
		m.int(0)
		if i := inspect(t, "a.dump", m.Bytes()); i.Problem != nil {
			t.Errorf("large objects %t: %v", blobs, i.Problem)
		}
		if i := inspect(t, "a.dump", m.Bytes()[:m.Len()-len(row)/2]); i.Problem == nil {
			t.Errorf("large objects %t, cut: told as whole", blobs)
		}
	}
}

func TestLongNamesAreNotKept(t *testing.T) {
	rows := strings.Repeat("7\t"+strings.Repeat("n", 4000)+"\tinstalled\t1.0\n", 1000)
	if i := inspect(t, "a.sql", []byte(strings.Replace(goodSQL, "1\tbase", rows+"1\tbase", 1))); len(i.Modules) != 1 || i.Series != "17.0" {
		t.Errorf("%d modules kept", len(i.Modules))
	}
}

func TestZipWithOtherContent(t *testing.T) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	f, _ := z.CreateHeader(&zip.FileHeader{Name: "dump.sql"}) // stored, so that it can be changed
	_, _ = io.WriteString(f, goodSQL)
	_ = z.Close()
	if i := inspect(t, "a.zip", b.Bytes()); i.Problem != nil {
		t.Fatal(i.Problem)
	}
	changed := bytes.Replace(b.Bytes(), []byte("\tbase\t"), []byte("\tbest\t"), 1)
	if i := inspect(t, "a.zip", changed); i.Problem == nil || !strings.Contains(i.Problem.Error(), "checksum") {
		t.Errorf("%v", i.Problem)
	}
}

// TestMemoryDoesNotGrowWithAZip has a filestore of many members.
// TestZipWhoseMembersOverlap has many members in one place: each of them, written out, takes
// that place once more.
func TestZipWhoseMembersOverlap(t *testing.T) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range map[string]string{"dump.sql": goodSQL, "filestore/aa/a1": strings.Repeat("x", 1000), "filestore/aa/b1": "y", "filestore/aa/c1": "y"} {
		f, _ := z.CreateHeader(&zip.FileHeader{Name: name}) // stored
		_, _ = io.WriteString(f, content)
	}
	_ = z.Close()
	data := b.Bytes()
	if i := inspect(t, "good.zip", data); i.Problem != nil {
		t.Fatal(i.Problem)
	}
	directory := data[bytes.LastIndex(data, []byte("PK\x05\x06"))+16:]
	at := int(binary.LittleEndian.Uint32(directory))
	large := map[string][]byte{}
	for entry := data[at:]; bytes.HasPrefix(entry, []byte("PK\x01\x02")); {
		length := int(binary.LittleEndian.Uint16(entry[28:]))
		large[string(entry[46:46+length])] = entry
		entry = entry[46+length+int(binary.LittleEndian.Uint16(entry[30:]))+int(binary.LittleEndian.Uint16(entry[32:])):]
	}
	for _, name := range []string{"filestore/aa/b1", "filestore/aa/c1"} {
		copy(large[name][16:28], large["filestore/aa/a1"][16:28]) // its checksum and sizes
		copy(large[name][42:46], large["filestore/aa/a1"][42:46]) // and its place
	}
	if i := inspect(t, "evil.zip", data); i.Problem == nil || !strings.Contains(i.Problem.Problem, "share a place") {
		t.Error(i.Problem)
	}
}

func TestMemoryDoesNotGrowWithAZip(t *testing.T) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	f, _ := z.Create("dump.sql")
	_, _ = io.WriteString(f, goodSQL)
	for n := range 70_000 { // more than a zip without 64-bit records takes
		f, _ := z.CreateHeader(&zip.FileHeader{Name: fmt.Sprintf("filestore/%02x/%040x", n%256, n)})
		if n == 0 {
			_, _ = f.Write([]byte("x"))
		}
	}
	_ = z.Close()
	path := write(t, "odoo.zip", b.Bytes())
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	i, err := Inspect(t.Context(), path, Options{})
	runtime.ReadMemStats(&after)
	if err != nil || i.Problem != nil || !i.Filestore || i.Series != "17.0" || i.Kind != OdooZip {
		t.Errorf("%+v %v", i.Problem, err)
	}
	// Allocations are counted, not what is left of them, which depends on when the
	// garbage is collected. Each member's name is one; keeping members would be several
	// times as much.
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 18<<20 {
		t.Errorf("%d KiB were allocated for %d members", allocated>>10, 70_000)
	}
}

// TestUnchanged replaces a dump by a copy that keeps its size and its time.
func TestUnchanged(t *testing.T) {
	i := inspect(t, "x.sql", []byte(goodSQL))
	if err := os.Link(i.Path, i.Path+".link"); err != nil || i.Unchanged() != nil { // a link changes nothing
		t.Fatal(err, i.Unchanged())
	}
	copied := i.Path + ".copy"
	if err := errors.Join(os.WriteFile(copied, []byte(goodSQL), 0o600), os.Chtimes(copied, i.ModTime, i.ModTime), os.Rename(copied, i.Path)); err != nil {
		t.Fatal(err)
	}
	if i.Unchanged() == nil {
		t.Error("another file counts as the same")
	}
	if file, err := i.Open(); err == nil {
		_ = file.Close()
		t.Error("another file was opened")
	}
}

func TestContractMatches(t *testing.T) {
	i := Facts{contract: "M123456-abcdef"}
	if i.ContractMatches(" M123456-ABCDEF") != SameContract || i.ContractMatches("x") != OtherContract || (Facts{}).ContractMatches("x") != NoContract {
		t.Error("contracts compare wrongly")
	}
}

// The fuzz targets want an answer, whatever comes, in bounded time and memory.

func FuzzArchive(f *testing.F) {
	for version := oldestVersion; version <= newestVersion; version++ {
		f.Add((&maker{version: version, compression: "gzip", located: version%2 == 0}).archive(moduleCopy, moduleRows))
	}
	f.Add((&maker{version: 116, compression: "zstd"}).archive(newerCopy, moduleRows))
	f.Add((&maker{version: 115, compression: "lz4"}).archive(newerCopy, moduleRows))
	f.Fuzz(func(t *testing.T, data []byte) {
		var seeking, streaming Info
		err1 := seeking.custom(input{Reader: bytes.NewReader(data), size: int64(len(data))}, new(facts))
		err2 := streaming.custom(input{Reader: struct{ io.Reader }{bytes.NewReader(data)}, size: -1}, new(facts))
		_, _ = err1, err2
	})
}

func FuzzScript(f *testing.F) {
	f.Add([]byte(goodSQL))
	f.Add([]byte(strings.ReplaceAll(goodSQL, "\n", "\r\n")))
	f.Add([]byte("COPY public.ir_module_module (\"a\", name) FROM stdin;\n\\"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var oneSays, manySay facts
		one, many := script.New(&oneSays), script.New(&manySay)
		if one.Read(bytes.NewReader(data)) != nil || many.Read(&slow{bytes.NewReader(data), 3}) != nil {
			t.Fatal("an error out of nothing")
		}
		// However it comes in, it is the same.
		if (one.Check() == nil) != (many.Check() == nil) || oneSays.series != manySay.series || len(oneSays.modules) != len(manySay.modules) {
			t.Errorf("%+v, %+v", oneSays, manySay)
		}
	})
}

func FuzzZip(f *testing.F) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, _ := z.Create("dump.sql")
	_, _ = io.WriteString(w, goodSQL)
	w, _ = z.Create("manifest.json")
	_, _ = io.WriteString(w, `{"db_name": "x"}`)
	_ = z.Close()
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		var i Info
		_ = i.zip(input{at: bytes.NewReader(data), size: int64(len(data))}, new(facts))
	})
}

func FuzzTar(f *testing.F) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	toc := (&maker{version: 114, compression: "none"}).archive(moduleCopy, moduleRows)
	toc[10] = 3 // tar
	for _, name := range []string{archive.TOC, "2.dat", "restore.sql"} {
		_ = w.WriteHeader(&tar.Header{Name: name, Size: int64(len(toc)), Mode: 0o600})
		_, _ = w.Write(toc)
	}
	_ = w.Close()
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		var i Info
		_ = i.tar(input{Reader: bytes.NewReader(data), size: int64(len(data))}, new(facts))
	})
}
