//go:build unix

package dump

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"odoo-upgrade-action/internal/dump/archive"
	"odoo-upgrade-action/internal/realtest"
)

// real is a database, and dumps of it.
type real struct {
	*realtest.Cluster
	sql, custom, tar []byte
}

// some adds what makes a dump of each kind larger than the buffers, compressed or not, and
// a large object.
const some = `
CREATE TABLE z_last (id serial PRIMARY KEY, body text);
INSERT INTO z_last (body) SELECT (SELECT string_agg(md5((n * 100 + k)::text), '') FROM generate_series(1, 20) k) FROM generate_series(1, 500) n;
SELECT lo_from_bytea(0, decode(repeat('00ff', 500), 'hex'));
`

func realDumps(t *testing.T) real {
	t.Helper()
	r := real{Cluster: realtest.StartCluster(t)}
	r.Run("createdb", "bakery")
	r.SQL("bakery", bootstrap+some)
	r.sql, r.custom, r.tar = r.dump("-Fp"), r.dump("-Fc"), r.dump("-Ft")
	return r
}

// dump returns what pg_dump writes to a file.
func (r real) dump(flags ...string) []byte {
	path := filepath.Join(r.Dir, "made")
	r.Run("pg_dump", append(flags, "-f", path, "bakery")...)
	data, _ := os.ReadFile(path)
	return data
}

// restored returns what pg_restore makes of the custom archive.
func (r real) restored(flags ...string) []byte {
	from, to := filepath.Join(r.Dir, "archive"), filepath.Join(r.Dir, "script")
	_ = os.WriteFile(from, r.custom, 0o644)
	r.Run("pg_restore", append(flags, "-f", to, from)...)
	data, _ := os.ReadFile(to)
	return data
}

// verdict is what Inspect has to say.
type verdict struct {
	usable bool
	says   string // the problem, or the only warning
	advice string
}

func refused(says, advice string) verdict { return verdict{false, says, advice} }
func warned(says string) verdict          { return verdict{true, says, ""} }

var fine = verdict{usable: true}

func (v verdict) check(t *testing.T, name string, data []byte) {
	t.Helper()
	for _, o := range []Options{{}, {Digest: true}} {
		i, err := Inspect(t.Context(), write(t, "x", data), o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		v.compare(t, fmt.Sprintf("%s, %+v", name, o), i)
	}
}

func (v verdict) compare(t *testing.T, name string, i Info) {
	t.Helper()
	warnings := strings.Join(i.Warnings, "\n")
	switch {
	case !v.usable && i.Problem == nil:
		t.Errorf("%s: taken for usable (%s), %q", name, i.Kind, warnings)
	case !v.usable && (!strings.Contains(i.Problem.Problem, v.says) || !strings.Contains(i.Problem.Do, v.advice)):
		t.Errorf("%s (%s):\n  says %q\n  and  %q\n  want %q\n  and  %q", name, i.Kind, i.Problem.Problem, i.Problem.Do, v.says, v.advice)
	case v.usable && i.Problem != nil:
		t.Errorf("%s: refused (%s): %v", name, i.Kind, i.Problem)
	case v.usable && v.says == "" && warnings != "", v.usable && !strings.Contains(warnings, v.says):
		t.Errorf("%s: warns %q, want %q", name, warnings, v.says)
	}
	if v.usable && (!i.Odoo || i.ContractMatches("M123456-abcdef") != SameContract && !strings.Contains(name, "inserts")) {
		t.Errorf("%s: Odoo %t, Odoo version %q, contract %v", name, i.Odoo, i.Series, i.ContractMatches("M123456-abcdef"))
	}
}

// everywhere checks SQL as it is, in gzip and in a zip.
func (v verdict) everywhere(t *testing.T, name string, sql []byte) {
	t.Helper()
	v.check(t, name, sql)
	v.check(t, name+" in gzip", gzipBytes(sql))
	v.check(t, name+" in a zip", odooZipOf(string(sql)))
}

// archives checks an archive as it is and in gzip.
func (v verdict) archives(t *testing.T, name string, data []byte) {
	t.Helper()
	v.check(t, name, data)
	v.check(t, name+" in gzip", gzipBytes(data))
}

// TestDumpsAsPeopleHaveThem has what people made of their dumps, by public reports.
func TestDumpsAsPeopleHaveThem(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	r := realDumps(t)
	t.Run("as it is", func(t *testing.T) {
		fine.everywhere(t, "SQL", r.sql)
		fine.archives(t, "custom", r.custom)
		fine.archives(t, "tar", r.tar)
	})
	t.Run("a part of it", func(t *testing.T) { testParts(t, r) })
	t.Run("foreign text", func(t *testing.T) { testForeignText(t, r) })
	t.Run("quoted names", func(t *testing.T) { testQuotedNames(t, r) })
	t.Run("compressed or encrypted", func(t *testing.T) { testOtherFormats(t, r) })
	t.Run("around it", func(t *testing.T) { testAround(t, r) })
	t.Run("cut", func(t *testing.T) { testCut(t, r) })
	t.Run("changed on its way", func(t *testing.T) { testChanged(t, r) })
	t.Run("zips and tars", func(t *testing.T) { testLayouts(t, r) })
	t.Run("short texts", func(t *testing.T) { testShortTexts(t) })
}

func testParts(t *testing.T, r real) {
	noRows := refused("has no rows in ir_module_module", "without --schema-only (-s)")
	noTables := refused("has no table definitions", "without --schema-only (-s), --data-only (-a)")
	noRows.everywhere(t, "restored -s", r.restored("-s"))
	noTables.everywhere(t, "restored -a", r.restored("-a"))
	noTables.everywhere(t, "restored --section=data", r.restored("--section=data"))
	for _, format := range []string{"-Fp", "-Fc", "-Ft"} {
		noRows.archives(t, format+" -s", r.dump(format, "-s"))
		noRows.archives(t, format+" --section=pre-data", r.dump(format, "--section=pre-data"))
		noRows.archives(t, format+" --exclude-table-data", r.dump(format, "--exclude-table-data=ir_module_module"))
		noTables.archives(t, format+" -a", r.dump(format, "-a"))
		noTables.archives(t, format+" --section=data", r.dump(format, "--section=data"))
		noTables.archives(t, format+" -a --inserts", r.dump(format, "-a", "--inserts"))
		fine.archives(t, format+" --inserts", r.dump(format, "--inserts"))
		fine.archives(t, format+" --column-inserts --rows-per-insert", r.dump(format, "--column-inserts", "--rows-per-insert=2"))
		warned("no indexes and no constraints").archives(t, format+" without post-data", r.dump(format, "--section=pre-data", "--section=data"))
	}
	for _, flags := range [][]string{{"-Fd"}, {"-Fd", "-Z0"}} {
		folder := filepath.Join(r.Dir, "folder"+strings.Join(flags, ""))
		for name, c := range map[string]struct {
			flag string
			v    verdict
		}{"s": {"-s", noRows}, "a": {"-a", noTables}, "all": {"-v", fine}} {
			r.Run("pg_dump", append(flags, c.flag, "-f", folder+name, "bakery")...)
			i, err := Inspect(t.Context(), folder+name, Options{})
			if err != nil {
				t.Fatal(err)
			}
			c.v.compare(t, "folder "+name, i)
		}
	}
	r.SQL("bakery", "CREATE TABLE kept AS SELECT * FROM ir_module_module; DELETE FROM ir_module_module;")
	for _, format := range []string{"-Fp", "-Fc", "-Ft"} {
		noRows.archives(t, format+" of an empty table", r.dump(format))
	}
	r.SQL("bakery", "INSERT INTO ir_module_module SELECT * FROM kept; DROP TABLE kept;")
}

func testForeignText(t *testing.T, r real) {
	creating := refused(`"pg_dump: creating TABLE x"`, "2>&1")
	lines := regexp.MustCompile(`(?m)^CREATE TABLE`)
	creating.everywhere(t, "before a statement", lines.ReplaceAll(r.sql, []byte("pg_dump: creating TABLE x\n$0")))
	creating.everywhere(t, "in a statement", bytes.Replace(r.sql, []byte("CREATE TABLE public.ir_module_module (\n"), []byte("CREATE TABLE public.ir_module_module (\npg_dump: creating TABLE x\n"), 1))
	creating.everywhere(t, "in the rows that are read", bytes.Replace(r.sql, []byte("FROM stdin;\n1\t16"), []byte("FROM stdin;\npg_dump: creating TABLE x\n1\t16"), 1))
	refused("between the rows of ir_module_module that is not a row", "2>&1").everywhere(t, "another program's text in the rows that are read", bytes.Replace(r.sql, []byte("FROM stdin;\n1\t16"), []byte("FROM stdin;\nPassword:\n1\t16"), 1))
	for _, sentence := range []string{"Start dump at 12:00", "Begin backup of odoo", "begin of the dump", "Set up complete", "load odoo", "With docker"} {
		foreign := refused("that is not SQL: \""+sentence, "docker exec")
		foreign.everywhere(t, sentence, append([]byte(sentence+"\n"), r.sql...))
		foreign.everywhere(t, sentence+" at the end", append(bytes.Clone(r.sql), sentence+"\n"...))
	}
	refused(`"select of everything`, "docker exec").everywhere(t, "a statement with a dump inside", append([]byte("select of everything\n"), r.sql...))
	refused(`"pg_dump: warning: there are circular"`, "2>&1").everywhere(t, "in the middle of a comment", bytes.Replace(r.sql, []byte("; Schema: public"), []byte("; Spg_dump: warning: there are circular\nchema: public"), 1))
	creating.everywhere(t, "in other rows", bytes.Replace(r.sql, []byte("\nline"), []byte("\npg_dump: creating TABLE x\nline"), 1))
	creating.everywhere(t, "after the end", append(bytes.Clone(r.sql), "pg_dump: creating TABLE x\n"...))
	refused(`"WARNING: something"`, "docker exec").everywhere(t, "before the banner", append([]byte("WARNING: something\n"), r.sql...))
	refused(`"Password: `, "docker exec").everywhere(t, "without a line of its own", append([]byte("Password: "), r.sql...))
	verbose, err := r.Command("pg_dump", "-v", "bakery").CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	refused(`is not SQL: "pg_dump: last built-in OID`, "2>&1").everywhere(t, "pg_dump -v 2>&1", verbose)
	long := bytes.Repeat([]byte("pg_dump: finding the columns of something\n"), 3000)
	refused(`"pg_dump: finding the columns of something"`, "2>&1").everywhere(t, "much before", append(long, r.sql...))
	for name, data := range map[string][]byte{"custom": r.custom, "tar": r.tar, "gzip": gzipBytes(r.sql), "zip": odooZipOf(string(r.sql))} {
		before := refused(`has text before the dump. The text begins with "Warning: Permanently added`, "docker exec")
		before.check(t, name, append([]byte("Warning: Permanently added\nsomething\n"), data...))
		refused(`"pg_dump: finding the columns`, "2>&1").check(t, name+" behind much", append(bytes.Clone(long), data...))
		refused(`"Password:"`, "2>&1").archives(t, name+" behind a prompt", append([]byte("Password: "), data...))
	}
	middle := bytes.Index(r.custom, []byte("TABLE DATA")) + 500
	refused(`has a message of pg_dump's in it, "pg_dump: dumping contents"`, "2>&1").archives(t, "in the middle of an archive",
		bytes.Join([][]byte{r.custom[:middle], r.custom[middle:]}, []byte("pg_dump: dumping contents\n")))
	refused(`has text before the dump`, "docker exec").archives(t, "a terminal's title", append([]byte("\x1b]0;root@host: ~\a"), r.custom...))
}

func testQuotedNames(t *testing.T, r real) {
	for _, format := range []string{"-Fp", "-Fc", "-Ft"} {
		fine.archives(t, format, r.dump(format, "--quote-all-identifiers"))
		refused("has no rows in", "").archives(t, format, r.dump(format, "--quote-all-identifiers", "-s"))
	}
	quoted := regexp.MustCompile(`(?m)^(COPY|CREATE TABLE) public\.([a-z_]+)`).ReplaceAll(r.sql, []byte(`$1 "public"."$2"`))
	fine.everywhere(t, "by sed", quoted)
	fine.everywhere(t, "in lower case", regexp.MustCompile(`(?m)^(COPY|CREATE TABLE|ALTER TABLE) `).ReplaceAllFunc(r.sql, bytes.ToLower))
	fine.everywhere(t, "IF NOT EXISTS", bytes.ReplaceAll(r.sql, []byte("\nCREATE TABLE "), []byte("\nCREATE TABLE IF NOT EXISTS ")))
}

func testOtherFormats(t *testing.T, r real) {
	realtest.Need(t, "lz4", "openssl", "bzip2", "xz", "gpg")
	pipe := func(in []byte, name string, args ...string) []byte {
		t.Helper()
		c := exec.Command(name, args...)
		c.Stdin = bytes.NewReader(in)
		c.Env = append(os.Environ(), "GNUPGHOME="+t.TempDir())
		out, err := c.Output()
		if err != nil {
			t.Fatal(name, err)
		}
		return out
	}
	for _, data := range [][]byte{r.sql, r.custom} {
		refused("compressed with lz4", "lz4 -d").compressedOnly(t, "lz4", pipe(data, "lz4", "-c"))
		refused("compressed with xz", "xz -d").compressedOnly(t, "xz", pipe(data, "xz", "-c"))
		refused("compressed with lzma", "xz -d").compressedOnly(t, "lzma", pipe(data, "xz", "-c", "--format=lzma"))
		refused("compressed with bzip2", "bzip2 -d").compressedOnly(t, "bzip2", pipe(data, "bzip2", "-c"))
		for _, flags := range [][]string{{}, {"-a"}} {
			refused("is encrypted (openssl)", "openssl enc -d").archives(t, "openssl", pipe(data, "openssl", append([]string{"enc", "-aes-256-cbc", "-pbkdf2", "-pass", "pass:x"}, flags...)...))
		}
		for _, flags := range [][]string{{}, {"--armor"}} {
			refused("is encrypted (gpg)", "gpg -d").archives(t, "gpg", pipe(data, "gpg", append([]string{"--batch", "--passphrase", "x", "--pinentry-mode", "loopback", "-c", "-o", "-"}, flags...)...))
		}
		refused("is encoded as text (base64)", "base64 -d").archives(t, "base64", []byte(base64.StdEncoding.EncodeToString(data)))
	}
	refused("compressed twice, with gzip and gzip", "decompress it once").check(t, "gzip twice", gzipBytes(gzipBytes(r.sql)))
	refused("compressed twice, with zip and gzip", "decompress it once").check(t, "a zip in gzip", gzipBytes(odooZipOf(string(r.sql))))
	refused("compressed twice, with xz and gzip", "and that again: xz -d").check(t, "xz in gzip", gzipBytes(pipe(r.sql, "xz", "-c")))
	refused("has a dump.sql that is compressed once more, with gzip", "decompress dump.sql").check(t, "gzip in a zip", odooZipOf(string(gzipBytes(r.sql))))
	refused("has a dump.sql that is not SQL, but an archive of pg_dump (custom)", "send that file as it is").check(t, "custom in a zip", odooZipOf(string(r.custom)))
	refused("has a dump.sql that is not SQL, but an archive of pg_dump (tar)", "send that file as it is").check(t, "tar in a zip", odooZipOf(string(r.tar)))
	for name, prefix := range map[string]string{
		"lzip": "LZIP\x01", "age": "age-encryption.org/v1\n", "ansible-vault": "$ANSIBLE_VAULT;1.1;AES256\n", "snappy": "\xff\x06\x00\x00sNaPpY",
		"SQLite": "SQLite format 3\x00", "MySQL": "-- MySQL dump 10.13\n",
	} {
		refused(name, "").archives(t, name, []byte(prefix+strings.Repeat("x", 100)))
	}
	// The banner of an uncompressed block does not make it SQL, nor does one in a line.
	refused("(unknown)", "pg_dump -Fc").check(t, "a banner in the middle", append([]byte("\x01\x02\x03"), r.sql...))
	refused("but text that begins with", "").check(t, "a banner in a line", []byte("see -- PostgreSQL database dump\nand so on\n"))
}

// compressedOnly checks something compressed that is told otherwise inside of gzip.
func (v verdict) compressedOnly(t *testing.T, name string, data []byte) {
	t.Helper()
	v.check(t, name, data)
	refused("compressed twice, with "+strings.TrimPrefix(v.says, "compressed with ")+" and gzip", "decompress it once").check(t, name+" in gzip", gzipBytes(data))
}

func testAround(t *testing.T, r real) {
	connects := warned(`it restores into the database bakery, not into the one you choose`)
	connects.everywhere(t, "restored -C", r.restored("-C"))
	connects.everywhere(t, "pg_dump --create --clean", r.dump("-Fp", "--create", "--clean"))
	connects.everywhere(t, `\c`, append([]byte("\\c bakery\n"), r.sql...))
	fine.archives(t, "custom --create", r.dump("-Fc", "--create"))

	fine.everywhere(t, "BEGIN and COMMIT", bytes.Join([][]byte{[]byte("BEGIN;\n"), r.sql, []byte("COMMIT;\n")}, nil))
	fine.everywhere(t, "settings before, statements after", bytes.Join([][]byte{[]byte("\\set ON_ERROR_STOP on\nSET session_replication_role = replica;\n/* of\nlast night */\n"), r.sql, []byte("\n-- our own\nUPDATE public.a_first SET t = 'x;y'\nWHERE n = 1;\nANALYZE")}, nil))
	fine.everywhere(t, "a byte order mark", append([]byte("\xef\xbb\xbf"), r.sql...))
	fine.everywhere(t, "line ends of Windows", bytes.ReplaceAll(r.sql, []byte("\n"), []byte("\r\n")))
	for n, second := range [][]byte{r.sql, r.sql[:len(r.sql)-500]} {
		refused("has 2 dumps, one after the other", "> in place of >>").everywhere(t, fmt.Sprintf("two dumps, %d", n), append(bytes.Clone(r.sql), second...))
	}

	for _, n := range []int{1, 1000} {
		after := bytes.Repeat([]byte("\n"), n)
		says := fmt.Sprintf("There are %d bytes after the end of the ", n)
		warned(says+"zip").check(t, "zip", append(odooZipOf(string(r.sql)), after...))
		warned(says+"archive").archives(t, "custom", append(bytes.Clone(r.custom), after...))
		warned(says+"tar").archives(t, "tar", append(bytes.Clone(r.tar), after...))
		warned(says+"archive").archives(t, "custom, piped", append([]byte(r.Run("pg_dump", "-Fc", "bakery")), after...))
		refused(fmt.Sprintf("has %d bytes after the end of the gzip data", n), "gzip -dc").check(t, "gzip", append(gzipBytes(r.sql), after...))
		refused(fmt.Sprintf("has %d bytes after the end of the gzip data", n), "gzip -dc").check(t, "custom in gzip", append(gzipBytes(r.custom), after...))
	}
	zeros := make([]byte, 10<<10)
	fine.archives(t, "tar with empty blocks after it", append(bytes.Clone(r.tar), zeros...))
	fine.check(t, "gzip with zeros after it", append(gzipBytes(r.custom), zeros...))
	refused("100000 bytes after the end of the zip", "head -c").check(t, "a zip with much after it", append(odooZipOf(string(r.sql)), make([]byte, 100000)...))
}

func testCut(t *testing.T, r real) {
	for name, data := range map[string][]byte{"custom": r.custom, "custom without compression": r.dump("-Fc", "-Z0")} {
		half := data[:len(data)/2]
		says := fmt.Sprintf("is truncated after %d bytes: at least ", len(half))
		refused(says, "create it again").check(t, name, half)
		refused("bytes are missing", "create it again").check(t, name+" in gzip", gzipBytes(half))
		i := inspect(t, "x", half)
		var missing int
		if _, err := fmt.Sscanf(i.Problem.Problem, says+"%d bytes are missing", &missing); err != nil || missing < 1 || missing > len(data)-len(half) {
			t.Errorf("%s: %d bytes missing of %d: %v", name, missing, len(data)-len(half), i.Problem)
		}
	}
	accents := []byte(goodSQL[:strings.Index(goodSQL, "\\.\n")] + strings.Repeat("2\tC\u00f4t\u00e9 \ufffd\tinstalled\t1.0\n", 500))
	refused("truncated in the data of a table", "create it again").everywhere(t, "SQL with accents", accents)
	refused("truncated in the data of a table", "create it again").everywhere(t, "SQL with line ends of Windows", bytes.ReplaceAll(accents, []byte("\n"), []byte("\r\n")))
	refused("truncated in the data of a table", "create it again").everywhere(t, "SQL with a message among its data", []byte(goodSQL[:strings.Index(goodSQL, "\\.\n")]+"5\tpg_dump: error: x\tinstalled\t1.0\n"))
	at := bytes.Index(r.sql, []byte("COPY public.ir_module_module"))
	for _, n := range []int{100, 115, 130} { // in the rows that are read
		refused("truncated", "create it again").everywhere(t, fmt.Sprintf("SQL cut in a row, %d", n), r.sql[:at+n])
	}
	testCutFolder(t, r)
	refused("truncated", "create it again").archives(t, "tar", r.tar[:len(r.tar)/2])
	refused("truncated", "create it again").check(t, "gzip", gzipBytes(r.sql)[:50_000])
	refused("truncated", "create it again").check(t, "zip", odooZipOf(string(r.sql))[:50_000])
	// The end of a zip that is inside of a zip does not make that one complete.
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, _ := z.Create("dump.sql")
	_, _ = w.Write(r.sql)
	w, _ = z.CreateHeader(&zip.FileHeader{Name: "filestore/aa/aa"})
	_, _ = w.Write(odooZipOf(string(r.sql)))
	cut := b.Len()
	_ = z.Close()
	fine.check(t, "a zip in a zip", b.Bytes())
	refused("is corrupt (its directory is", "").check(t, "cut after the inner one", b.Bytes()[:cut])
	inserted := slices.Insert(bytes.Clone(b.Bytes()), 1000, 'x')
	refused("its directory is 1 bytes away from where it was", "").check(t, "a byte more", inserted)
	refused("its directory is 1 bytes away from where it was", "").check(t, "a byte less", slices.Delete(bytes.Clone(b.Bytes()), 1000, 1001))
}

// testCutFolder takes files of a folder away, or their ends.
func testCutFolder(t *testing.T, r real) {
	for _, flag := range []string{"-Z6", "-Z0"} {
		folder := filepath.Join(r.Dir, "cut"+flag)
		r.Run("pg_dump", "-Fd", flag, "-f", folder, "bakery")
		inspected := func(name string, o Options, v verdict) {
			i, err := Inspect(t.Context(), folder, o)
			if err != nil {
				t.Fatal(err)
			}
			v.compare(t, "folder "+flag+", "+name, i)
		}
		inspected("as it is", Options{Digest: true}, fine)
		entries, _ := os.ReadDir(folder)
		for _, e := range entries {
			path := filepath.Join(folder, e.Name())
			data, _ := os.ReadFile(path)
			if e.Name() == archive.TOC {
				continue
			}
			_ = os.Remove(path)
			inspected("without "+e.Name(), Options{}, refused("truncated without", "create it again"))
			if strings.HasPrefix(e.Name(), "blob") { // the end of a large object is not known
				_ = os.WriteFile(path, data, 0o600)
				continue
			}
			_ = os.WriteFile(path, nil, 0o600)
			inspected("with an empty "+e.Name(), Options{}, refused("truncated in "+e.Name(), "create it again"))
			_ = os.WriteFile(path, data[:len(data)-2], 0o600)
			inspected("with the end of "+e.Name()+" cut", Options{Digest: true}, refused("truncated in "+e.Name(), "create it again"))
			_ = os.WriteFile(path, data, 0o600)
		}
	}
}

func testChanged(t *testing.T, r real) {
	crlf := func(data []byte) []byte { return bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n")) }
	carriage := refused("a carriage return before every line feed", "docker exec without -t")
	for name, data := range map[string][]byte{"custom": r.custom, "tar": r.tar} {
		carriage.archives(t, name, crlf(data))
		carriage.check(t, name+", the gzip around it", crlf(gzipBytes(data)))
	}
	carriage.check(t, "zip", crlf(odooZipOf(string(r.sql))))
	carriage.check(t, "SQL, the gzip around it", crlf(gzipBytes(r.sql)))
	folder := filepath.Join(r.Dir, "changed")
	r.Run("pg_dump", "-Fd", "-f", folder, "bakery")
	toc, _ := os.ReadFile(filepath.Join(folder, "toc.dat"))
	_ = os.WriteFile(filepath.Join(folder, "toc.dat"), crlf(toc), 0o600)
	if i, err := Inspect(t.Context(), folder, Options{}); err != nil {
		t.Error(err)
	} else {
		carriage.compare(t, "folder", i)
	}

	wide := func(order binary.AppendByteOrder, data []byte) []byte {
		out := order.AppendUint16(nil, 0xfeff)
		for _, unit := range utf16.Encode([]rune(string(data))) {
			out = order.AppendUint16(out, unit)
		}
		return out
	}
	two := refused("is UTF-16 text", "pg_dump -f FILE")
	for name, data := range map[string][]byte{"SQL": r.sql, "custom": r.custom} {
		two.archives(t, name+" in UTF-16LE", wide(binary.LittleEndian, data))
		two.archives(t, name+" in UTF-16BE", wide(binary.BigEndian, data))
	}
	two.archives(t, "SQL in UTF-16 without a mark", wide(binary.LittleEndian, r.sql)[2:])
	refused("has a dump.sql that is UTF-16 text", "pg_dump -f FILE").check(t, "in a zip", odooZipOf(string(wide(binary.LittleEndian, r.sql))))

	marks := func(data []byte) []byte {
		out := bytes.Clone(data)
		for n, c := range out {
			if c >= 0x80 {
				out[n] = '?'
			}
		}
		return out
	}
	marked := func(data []byte) []byte {
		return append([]byte("\xef\xbb\xbf"), bytes.ToValidUTF8(data, []byte("\ufffd"))...)
	}
	lost := refused("was re-encoded as text", "pg_dump -f FILE")
	replaced := func(data []byte) []byte { return bytes.ToValidUTF8(data, []byte("\ufffd")) }
	each := func(data []byte) []byte { // for each byte of its own
		var out bytes.Buffer
		for _, c := range string(data) {
			out.WriteRune(c)
		}
		return out.Bytes()
	}
	latin := func(data []byte) []byte {
		var out bytes.Buffer
		for _, c := range data {
			out.WriteRune(rune(c))
		}
		return out.Bytes()
	}
	for _, change := range []func([]byte) []byte{replaced, each, latin, marks, marked, func(b []byte) []byte { return crlf(each(b)) }} {
		lost.archives(t, "custom", change(r.custom))
		lost.check(t, "zip", change(odooZipOf(string(r.sql))))
		lost.check(t, "gzip", change(gzipBytes(r.sql)))
	}
	refused("but text", "").check(t, "PGDMP in a text", []byte("The file begins with PGDMP.\n"))
}

func testLayouts(t *testing.T, r real) {
	realtest.Need(t, "zip", "7z", "tar")
	dir := t.TempDir()
	_ = os.MkdirAll(filepath.Join(dir, "mydb/filestore/aa"), 0o700)
	for name, data := range map[string][]byte{"dump.sql": r.sql, "mydb/dump.sql": r.sql, "mydb/filestore/aa/aa": []byte("x"), "odoo.dump": r.custom} {
		_ = os.WriteFile(filepath.Join(dir, name), data, 0o600)
	}
	run := func(result string, command string) []byte {
		t.Helper()
		c := exec.Command("sh", "-c", command)
		c.Dir = dir
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
		data, _ := os.ReadFile(filepath.Join(dir, result))
		return data
	}
	refused(`is a zip with encrypted files, like "dump.sql"`, "with its password").check(t, "zip -P", run("p.zip", "zip -q -P x p.zip dump.sql"))
	refused("is a zip with encrypted files", "with its password").check(t, "7z -p", run("p7.zip", "7z a -bd -tzip -px -mem=AES256 p7.zip dump.sql"))
	for _, method := range []string{"Deflate64", "bzip2", "LZMA", "PPMd"} {
		refused("compressed with "+method, "with Deflate").check(t, method, run(method+".zip", "7z a -bd -tzip -mm="+method+" "+method+".zip dump.sql"))
	}
	fine.check(t, "7z's Deflate", run("d.zip", "7z a -bd -tzip d.zip dump.sql"))
	fine.check(t, "stored", run("0.zip", "zip -q -0 0.zip dump.sql"))
	inFolder := refused(`whose dump is "mydb/dump.sql"`, `(cd mydb && zip -r`)
	inFolder.check(t, "in a folder", run("f.zip", "zip -q -r f.zip mydb"))
	for name, advice := range map[string]string{"/dump.sql": "SQL file alone", "DUMP.SQL": "rename it to dump.sql", "$(id)/dump.sql": "zip what is inside its folder", `my\db\dump.sql`: "(cd my/db &&"} {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		w, _ := z.Create(name)
		_, _ = w.Write(r.sql)
		_ = z.Close()
		i := inspect(t, "x", b.Bytes())
		if i.Problem == nil || !strings.Contains(i.Problem.Do, advice) || strings.Contains(i.Problem.Do, "cd $") || strings.Contains(i.Problem.Do, "cd /") {
			if name != "/dump.sql" || !strings.Contains(i.Problem.Do, "rename") {
				t.Errorf("%s: %v", name, i.Problem)
			}
		}
	}
	refused(`has "backup" inside, which may be a dump`, "unzip it, and send that file").check(t, "a dump by another name", run("u.zip", "cp odoo.dump backup && zip -q u.zip backup && rm backup"))
	run("", "head -c 300000 /dev/urandom >big && zip -q -s 64k parts.zip big")
	for _, part := range []string{"parts.zip", "parts.z01"} {
		data, _ := os.ReadFile(filepath.Join(dir, part))
		i := inspect(t, "x", data)
		if i.Problem == nil || !strings.Contains(i.Problem.Error(), "split zip") || !strings.Contains(i.Problem.Do, "zip -s 0") {
			t.Errorf("%s: %v", part, i.Problem)
		}
	}
	refused(`has "odoo.dump" inside`, "unzip it, and send that file").check(t, "a dump in a zip", run("c.zip", "zip -q c.zip odoo.dump"))
	refused(`has "odoo.dump" inside`, "extract it, and send that file").archives(t, "a dump in a tar", run("c.tar", "tar -cf c.tar odoo.dump"))
	refused(`has "mydb/dump.sql" inside`, "extract it, and send that file").archives(t, "a backup in a tar", run("m.tar", "tar -cf m.tar mydb"))
	r.Run("pg_dump", "-Fd", "-f", r.Dir+"/asfolder", "bakery")
	_ = exec.Command("cp", "-r", r.Dir+"/asfolder", dir).Run()
	refused(`a dump in directory format, which is in "asfolder"`, "json-rpc").archives(t, "a folder in a tar", run("d.tar", "tar -cf d.tar asfolder"))
	refused(`a dump in directory format, which is in "asfolder"`, "json-rpc").check(t, "a folder in a zip", run("asf.zip", "zip -q -r asf.zip asfolder"))

	// What other programs make of a tar, and what pg_restore makes of that.
	_ = os.WriteFile(filepath.Join(dir, "odoo.tar"), r.tar, 0o600)
	run("", "mkdir members && cd members && tar -xf ../odoo.tar")
	again := refused("another program has written again", "pg_dump -Fc")
	for name, c := range map[string]struct {
		command string
		v       verdict
	}{
		"by a pattern": {"cd members && tar -cf ../1.tar *", again},
		"a folder":     {"cd members && tar -cf ../2.tar .", again},
		"backwards":    {"cd members && tar -cf ../3.tar toc.dat $(tar -tf ../odoo.tar | grep -v toc.dat | tac)", again},
		"in order":     {"cd members && tar -cf ../4.tar $(tar -tf ../odoo.tar)", fine},
		"in pax":       {"cd members && touch -d '2020-01-01 00:00:00.5' * && tar --format=pax -cf ../5.tar $(tar -tf ../odoo.tar)", again},
	} {
		result := regexp.MustCompile(`\d\.tar`).FindString(c.command)
		c.v.archives(t, name, run(result, c.command))
		readable := filepath.Join(r.Dir, result)
		data, _ := os.ReadFile(filepath.Join(dir, result))
		_ = os.WriteFile(readable, data, 0o644)
		err := r.Command("pg_restore", "-f", os.DevNull, readable).Run()
		if (err == nil) != c.v.usable && name != "in pax" { // there it succeeds or crashes
			t.Errorf("%s: pg_restore says %v", name, err)
		}
	}
	toc, _ := os.ReadFile(filepath.Join(dir, "members", archive.TOC))
	forged := slices.Concat(gnuMember("././@LongLink", 'L', []byte(archive.TOC+"\x00")), gnuMember("x", '0', toc), r.tar)
	again.archives(t, "a first member that only GNU tar calls toc.dat", forged)
	for _, format := range []string{"gnu", "pax"} {
		sparse := "cd members && truncate -s 8T huge && tar --format=" + format + " -S -cf ../s.tar "
		refused(`a sparse member, "huge"`, "pg_dump -Fc").archives(t, "sparse, "+format, run("s.tar", sparse+"toc.dat huge"))
		refused(`a sparse member, "huge"`, "pg_dump -Fc").archives(t, "sparse at the front, "+format, run("s.tar", sparse+"huge toc.dat"))
	}
}

// gnuMember is a member of a tar as GNU tar writes it.
func gnuMember(name string, kind byte, content []byte) []byte {
	h := make([]byte, 512)
	copy(h, name)
	copy(h[100:], "0000644\x000000000\x000000000\x00"+fmt.Sprintf("%011o\x00%011o\x00", len(content), 0)+"        "+string(kind))
	copy(h[257:], "ustar  \x00")
	sum := 0
	for _, b := range h {
		sum += int(b)
	}
	copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
	return slices.Concat(h, content, make([]byte, -len(content)&(512-1)))
}

func testShortTexts(t *testing.T) {
	for text, v := range map[string]verdict{
		"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n": refused("a Git LFS pointer", "lfs: true"),
		"pg_dump: error: connection to server failed: timeout\n":                    refused(`"pg_dump: error: connection to server failed: timeout"`, "fix this error"),
		"\n\nError response from daemon: No such container: db\n":                   refused(`"Error response from daemon: No such container: db"`, "fix this error"),
		"<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code></Error>":         refused(`begins with "<?xml`, "the step that fetches the dump"),
		"{\"error\": \"not found\"}":                                                refused(`"{"error": "not found"}"`, "the step that fetches the dump"),
		"hello\n":                                                                   refused(`text that begins with "hello"`, "pg_dump -Fc"),
		" \n\n":                                                                     refused("nothing but white space", "it failed"),
		"CREATE TABLE public.ir_module_module (id integer);\n":                      refused("SQL without the header", "pg_dump -Fc"),
		"[sudo] password for odoo: ":                                                refused(`"[sudo] password for odoo:"`, "fix this error"),
		"/bin/sh: 1: pg_dump: not found\n":                                          refused("not found", "fix this error"),
		"the input device is not a TTY\n":                                           refused("not a TTY", "fix this error"),
		"curl: (22) The requested URL returned error: 404\n":                        refused("curl: (22)", "the step that fetches the dump"),
		"<!-- x --><html>sign in":                                                   refused("an HTML page", "the step that fetches the dump"),
		strings.Repeat("\x00", 5000):                                                refused("nothing but zero bytes", "do it again"),
	} {
		v.check(t, text[:min(20, len(text))], []byte(text))
		v.check(t, text[:min(20, len(text))]+" in gzip", gzipBytes([]byte(text)))
		v.check(t, text[:min(20, len(text))]+" in a zip", odooZipOf(text))
	}
}
