//go:build unix

package dump

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"odoo-upgrade-action/internal/realtest"
)

// BenchmarkInspectCustom inspects 10 GiB of a custom archive with offsets,
// whose last table is most of it. Want less than 50 ms.
func BenchmarkInspectCustom(b *testing.B) {
	const size = 10 << 30
	path := filepath.Join(b.TempDir(), "db.dump")
	data := (&maker{version: 114, compression: "none", located: true}).archive(moduleCopy, moduleRows)
	file, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	at, _ := file.Write(data[:len(data)-5])
	head := make([]byte, 5)
	const chunk = 4096
	binary.LittleEndian.PutUint32(head[1:], chunk)
	// Only the last of the chunks are needed; what is before them takes no space.
	large := make([]byte, 5)
	for at < size-(2<<20) {
		n := min(1<<30-1, size-(2<<20)-at)
		binary.LittleEndian.PutUint32(large[1:], uint32(n))
		_, _ = file.WriteAt(large, int64(at))
		at += 5 + n
	}
	for at < size {
		_, _ = file.WriteAt(head, int64(at))
		at += 5 + chunk
	}
	if _, err := file.WriteAt(make([]byte, 5), int64(at)); err != nil || file.Close() != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if i, err := Inspect(b.Context(), path, Options{}); err != nil || i.Problem != nil || i.Series == "" {
			b.Fatal(err, i.Problem)
		}
	}
}

// BenchmarkInspectGzip reads SQL in gzip, in turns with zcat, whose time is 1.
func BenchmarkInspectGzip(b *testing.B) {
	realtest.Need(b, "zcat")
	path := filepath.Join(b.TempDir(), "db.sql.gz")
	file, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	compressed := gzip.NewWriter(file)
	w := bufio.NewWriterSize(compressed, 1<<20)
	_, _ = w.WriteString(goodSQL[:strings.LastIndex(goodSQL, "--\n-- PostgreSQL")])
	_, _ = w.WriteString("\nCOPY public.res_partner (id, name, email, comment) FROM stdin;\n")
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 2_000_000 {
		_, _ = fmt.Fprintf(w, "%d\tCustomer %x\tc%d@bakery.example\tlikes %x bread, delivered on weekdays\n", n, random.Uint64(), n, random.Uint32())
	}
	_, _ = w.WriteString("\\.\n\n" + goodSQL[strings.LastIndex(goodSQL, "--\n-- PostgreSQL"):])
	if w.Flush() != nil || compressed.Close() != nil || file.Close() != nil {
		b.Fatal("writing")
	}
	var ours, theirs []time.Duration
	for b.Loop() {
		start := time.Now()
		if i, err := Inspect(b.Context(), path, Options{}); err != nil || i.Problem != nil || i.SHA256 == "" || len(i.Modules) != 1 {
			b.Fatal(err, i.Problem)
		}
		ours = append(ours, time.Since(start))
		start = time.Now()
		command := exec.Command("zcat", path)
		if err := command.Run(); err != nil { // its output goes to /dev/null
			b.Fatal(err)
		}
		theirs = append(theirs, time.Since(start))
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	b.ReportMetric(ours[len(ours)/2].Seconds()/theirs[len(theirs)/2].Seconds(), "time/zcat")
}

// BenchmarkInspectHostileEnd has a last table whose end is full of chunks that lead past
// each other, and nowhere.
func BenchmarkInspectHostileEnd(b *testing.B) {
	m := &maker{version: 114, compression: "none", located: true}
	data := m.archive(moduleCopy, moduleRows)
	m.Truncate(len(data) - 5)
	m.WriteString(strings.Repeat("\x00\x01\x00\x00\x00x", (maxWalk+2*endWindow)/6))
	m.WriteString("y\x00\x00\x00\x00\x00")
	path := write(b, "x.dump", m.Bytes())
	for b.Loop() {
		if _, err := Inspect(b.Context(), path, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
