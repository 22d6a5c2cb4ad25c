package rsync

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"odoo-upgrade-action/internal/realtest"
)

func TestParseArgs(t *testing.T) {
	for line, want := range map[string]string{
		"--server -ltre.iLsfxCIvu --delete-after . /data/origin.zip":                                                         "receives delete [/data/origin.zip]",
		"--server -logDtpre.iLsfxCIvu --delete-after . /data/origin.zip":                                                     "receives delete [/data/origin.zip]",
		"--server -ltre.iLsfxCIvu --delete-after --inplace . /data/origin.dump/":                                             "receives delete in place [/data/origin.dump/]",
		"--server --sender -logDtpre.iLsfxCIvu --ignore-missing-args . /data/upgraded.zip /data/filestore /data/upgrade.log": "sends [/data/upgraded.zip /data/filestore /data/upgrade.log]",
	} {
		a, err := ParseArgs(strings.Fields(line))
		got := "receives"
		if a.Sender {
			got = "sends"
		}
		if a.Delete {
			got += " delete"
		}
		if a.InPlace {
			got += " in place"
		}
		if got = fmt.Sprint(got, " ", a.Paths); got != want || err != nil {
			t.Errorf("%s: %s, %v", line, got, err)
		}
	}
	for _, line := range []string{"", "--daemon", "--server --rsync-path=x . /", "--server -z . /", "--server -ltr", "--server -ltr . a b", "--server x . y"} {
		if a, err := ParseArgs(strings.Fields(line)); err == nil {
			t.Errorf("%q: %+v", line, a)
		}
	}
}

func TestIsSafe(t *testing.T) {
	for name, want := range map[string]bool{
		"a": true, "a/b": true, ".hidden": true, "ünï": true, "..a": true, "a..": true,
		"": false, "/a": false, "..": false, "../a": false, "a/../../b": false, "a//b": false, "a/": false, "./a": false, "a\\b": false, "a\nb": false, "a\x00b": false,
	} {
		if isSafe(name) != want {
			t.Errorf("%q: %t", name, !want)
		}
	}
}

// pair is two ends of a connection that buffers.
func pair(t testing.TB) (a, b net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if a, err = net.Dial("tcp", listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if b, err = listener.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = a.Close(), b.Close() })
	return a, b
}

// evil sends a list and whatever else a hostile server would.
func evil(t *testing.T, server func(c *conn)) (Result, error, string) {
	t.Helper()
	here, there := pair(t)
	go func() {
		c, err := serverConn(there)
		if err == nil {
			_, _ = c.int() // filters
			server(c)
			_ = c.out.Flush()
		}
		_ = there.Close()
	}()
	dir := t.TempDir()
	result, _, err := Pull(t.Context(), here, Target{Root: openRoot(t, dir), Keep: true, MaxBytes: 1 << 30})
	return result, err, dir
}

func serverConn(c net.Conn) (*conn, error) { return server(c, 1) }

// put sends an entry of a list as it is.
func (c *conn) put(name string, size int64, mode uint32) {
	c.putByte(flagSameUID | flagSameGID | flagLongName)
	c.putInt(int32(len(name)))
	_, _ = c.out.WriteString(name)
	c.putLong(size)
	c.putInt(1)
	c.putInt(int32(mode))
	if mode&modeType == modeLink {
		c.putInt(4)
		_, _ = c.out.WriteString("/etc")
	}
	if kind := mode & modeType; kind == modeCharDev || kind == modeBlock {
		c.putInt(5)
	}
}

func (c *conn) endList() {
	c.putByte(0)
	for range 3 {
		c.putInt(0)
	}
}

// TestHostileNames sends names that would lead out of the folder, links and devices.
func TestHostileNames(t *testing.T) {
	result, err, dir := evil(t, func(c *conn) {
		for _, name := range []string{"../out", "/etc/x", "a/../../out", "..", "a\nb", "./x"} {
			c.put(name, 3, sentFile)
		}
		c.put("link", 0, modeLink|0o777)
		c.put("dev", 0, modeCharDev|0o666)
		c.put("../dir", 0, sentFolder)
		c.endList()
		for range 2 {
			_ = c.out.Flush()
			if n, _ := c.int(); n != done {
				t.Errorf("file %d was requested", n)
			}
			c.putInt(done)
		}
		for range 3 {
			c.putLong(0)
		}
	})
	if err != nil || len(result.Files) > 0 || result.Skipped != 9 {
		t.Errorf("%+v, %v", result, err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("it wrote %v", left)
	}
	if _, err := os.Lstat(filepath.Join(filepath.Dir(dir), "out")); err == nil {
		t.Error("it wrote outside of the folder")
	}
}

// TestHostileServers violates the protocol in other ways. None of it may succeed, hang or
// need much memory.
func TestHostileServers(t *testing.T) {
	for name, test := range map[string]struct {
		server func(c *conn)
		says   string
	}{
		"a list without end": {func(c *conn) {
			for range maxFiles + 10 {
				c.putByte(flagSameUID | flagSameGID | flagSameName | flagSameMode | flagSameTime)
				c.putByte(0)
				c.putByte(0)
				c.putLong(0)
			}
		}, "more than"},
		"a long name":     {func(c *conn) { c.putByte(flagLongName | flagSameUID); c.putInt(1 << 30) }, "a count of"},
		"a negative size": {func(c *conn) { c.putByte(1); c.putByte(1); c.putByte('a'); c.putInt(-5) }, "a size of"},
		"too large":       {func(c *conn) { c.put("a", 2<<30, sentFile); c.endList() }, "are allowed"},
		"not requested":   {func(c *conn) { c.put("a", 3, sentFile); c.endList(); c.putInt(7) }, "was not requested"},
		"a huge token":    {func(c *conn) { c.put("a", 3, sentFile); c.endList(); c.request(0); c.putInt(1 << 30) }, "at once"},
		"more than it said": {func(c *conn) {
			c.put("a", 3, sentFile)
			c.endList()
			c.request(0)
			c.putInt(4)
			_, _ = c.out.WriteString("1234")
			c.putInt(0)
			_, _ = c.out.Write(make([]byte, sumLength))
		}, "it changed"},
		"a block that is not there": {func(c *conn) { c.put("a", 3, sentFile); c.endList(); c.request(0); c.putInt(-1) }, "block 0 of 0"},
		"damaged twice": {func(c *conn) {
			c.put("a", 3, sentFile)
			c.endList()
			for range 2 {
				c.request(0)
				c.putInt(3)
				_, _ = c.out.WriteString("123")
				c.putInt(0)
				_, _ = c.out.Write(make([]byte, sumLength))
				c.putInt(done)
				_ = c.out.Flush()
				_, _ = c.int() // the end of the phase
			}
		}, "damaged twice"},
		"sizes that overflow": {func(c *conn) {
			for _, name := range []string{"a", "b", "c", "d", "e"} {
				c.put(name, 1<<60, sentFile)
			}
			c.endList()
		}, "bytes in all"},
		"many long names": {func(c *conn) {
			for i := range maxNames/4000 + 1 {
				c.put(fmt.Sprintf("%04000d", i), 0, sentFile)
			}
			c.endList()
		}, "bytes of names"},
		"nothing of what was requested": {func(c *conn) {
			c.put("a", 3, sentFile)
			c.endList()
			_ = c.out.Flush()
			_, _ = c.int()
			_, _ = c.recvHead()
			for range 2 {
				_, _ = c.int() // the end of the phase
				c.putInt(done)
				_ = c.out.Flush()
			}
		}, "did not send a"},
		"an old version": {nil, ""},
	} {
		if test.server == nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			if _, err, _ := evil(t, test.server); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Error(err)
			}
		})
	}
}

// TestRoomForTheRest resumes a file that does not fit twice: only what is missing counts.
func TestRoomForTheRest(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, size int) {
		if err := os.WriteFile(filepath.Join(dir, name), make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(".a.part", 700)
	write("folder", 1)
	r := receiver{Target: Target{Root: openRoot(t, dir), MaxBytes: 300}, list: []entry{{name: "a", size: 1000, mode: sentFile}}}
	if err := r.measure(); err != nil || r.total != 1000 {
		t.Errorf("%d, %v", r.total, err)
	}
	r.MaxBytes, r.total = 299, 0
	if large, ok := errors.AsType[*TooLargeError](r.measure()); !ok || large.Needs != 300 {
		t.Errorf("%+v", large)
	}
	// What is refused leaves everything here as it was.
	r = receiver{Target: r.Target, list: []entry{{name: ".", mode: sentFolder}, {name: "folder", mode: sentFolder}, {name: "folder/x", size: 1000, mode: sentFile}}}
	r.Name = "folder"
	if err := r.plan(); err == nil {
		t.Error("it was allowed")
	}
	if info, err := os.Stat(filepath.Join(dir, "folder")); err != nil || info.IsDir() {
		t.Errorf("%v, %v", info, err)
	}
}

func TestFinalStatuses(t *testing.T) {
	for status, want := range map[int]bool{-1: false, 0: false, 1: true, 3: true, 10: false, 11: true, 12: false, 20: false, 23: true, 30: false, 127: true, 137: false, 143: false} {
		if IsFinal(status) != want {
			t.Errorf("%d: %t", status, !want)
		}
	}
}

// request waits for a file to be requested, and begins to send it.
func (c *conn) request(index int32) {
	_ = c.out.Flush()
	_, _ = c.int()
	head, _ := c.recvHead()
	c.putInt(index)
	c.putHead(head)
}

func TestCanceled(t *testing.T) {
	here, there := pair(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	go func() {
		c, _ := server(there, 1)
		c.put("a", 1000, sentFile)
		c.endList()
		c.request(0)
		_ = c.out.Flush()
		cancel(why)
	}()
	if _, _, err := Pull(ctx, here, Target{Root: openRoot(t, t.TempDir())}); !errors.Is(err, why) {
		t.Error(err)
	}
}

// cutter breaks a connection after some bytes, either way.
type cutter struct {
	net.Conn
	left int64
}

func (c *cutter) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	return n, errors.Join(err, c.count(n))
}

func (c *cutter) Write(b []byte) (int, error) {
	if err := c.count(len(b)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

func (c *cutter) count(n int) error {
	if c.left -= int64(n); c.left < 0 {
		_ = c.Conn.Close()
		return io.ErrUnexpectedEOF
	}
	return nil
}

// TestCuts breaks transfers of files and folders, up and down, at pseudo-random bytes,
// and resumes them. ODOO_UPGRADE_TEST_CUTS sets how many; .ci/run makes 300.
func TestCuts(t *testing.T) {
	realtest.Long(t)
	realtest.Long(t)
	cuts := 40
	if text := os.Getenv("ODOO_UPGRADE_TEST_CUTS"); text != "" {
		var err error
		if cuts, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	const each = 4
	var moved, wanted int64
	for seed := range uint64(cuts / each) {
		r := rand.New(rand.NewPCG(seed, 9))
		files := map[string][]byte{"upgraded.dump": noise(seed, 16<<20+r.IntN(8<<20))}
		if seed%4 >= 2 {
			files = map[string][]byte{}
			for n := range 40 {
				files[fmt.Sprintf("upgraded.dump/%04d.dat", n)] = noise(seed<<8+uint64(n), r.IntN(1<<20))
			}
		}
		m, w := cutTransfer(t, seed, r, files, each)
		moved, wanted = moved+m, wanted+w
	}
	ratio := float64(moved) / float64(wanted)
	t.Logf("%d cuts, %.3f times the bytes", cuts, ratio)
	if ratio > 1.25 {
		t.Errorf("%.3f times the bytes were sent, want at most 1.25", ratio)
	}
}

// cutTransfer transfers files until they are there, and returns the bytes that were sent
// and those of the files.
func cutTransfer(t *testing.T, seed uint64, r *rand.Rand, files map[string][]byte, cuts int) (moved, wanted int64) {
	t.Helper()
	from, to := t.TempDir(), t.TempDir()
	write(t, from, files)
	for _, data := range files {
		wanted += int64(len(data))
	}
	push := seed%2 == 0
	var err error
	for try := range cuts + 1 {
		limit := int64(1) << 40
		if try < cuts {
			limit = 100 + r.Int64N(wanted/int64(cuts))
		}
		here, there := pair(t)
		counted := &cutter{here, limit}
		over := make(chan error, 1)
		if push {
			a, _ := ParseArgs(PushArgs("/", "--inplace"))
			go func() {
				_, _, err := ServeReceiver(context.Background(), there, a, Target{Root: openRoot(t, to)}, 7)
				_ = there.Close()
				over <- err
			}()
			_, err = Push(t.Context(), counted, local(t, from, "."), PushOptions{Delete: true})
		} else {
			a, _ := ParseArgs(PullArgs("/"))
			go func() {
				_, err := ServeSender(context.Background(), there, a, local(t, from, "upgraded.dump"), 7)
				_ = there.Close()
				over <- err
			}()
			_, _, err = Pull(t.Context(), counted, Target{Root: openRoot(t, to), Keep: true, Digest: true})
		}
		_ = here.Close()
		served := <-over
		moved += limit - max(0, counted.left)
		if try == cuts && (err != nil || served != nil) {
			t.Fatalf("seed %d: %v, %v", seed, err, served)
		}
	}
	same(t, to, files)
	return moved, wanted
}

// TestFullDisk receives more than fits on the disk.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if text, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", dir).CombinedOutput(); err != nil {
		realtest.Skip(t, "no small file system (needs root): "+string(text))
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", dir).Run() })
	from := t.TempDir()
	write(t, from, map[string][]byte{"x": noise(1, 3<<20)})
	eachPeer(t, func(t *testing.T, program string) {
		p := start(t, program, PullArgs(from+"/x")...)
		_, _, err := Pull(t.Context(), p, Target{Root: openRoot(t, dir)})
		if err == nil || !strings.Contains(err.Error(), "no space left") {
			t.Error(err)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
		p = start(t, program, PushArgs(dir+"/y")...)
		said, err := Push(t.Context(), p, local(t, from, "x"), PushOptions{Delete: true})
		if status, text := p.end(); status != StatusFileIO && status != StatusPartial || !strings.Contains(said+text, "No space left") {
			t.Errorf("%v, status %d, %q %q", err, status, said, text)
		}
	})
}

// The fuzz targets want an end, whatever comes, in bounded time and memory.

func FuzzReceiver(f *testing.F) {
	f.Add(recorded(f, true))
	f.Fuzz(func(t *testing.T, data []byte) {
		root, err := os.OpenRoot(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		_, _, _ = Pull(t.Context(), &recording{in: bytes.NewReader(data)}, Target{Root: root, MaxBytes: 1 << 20, Digest: true})
		a, _ := ParseArgs(PushArgs("/"))
		_, _, _ = ServeReceiver(t.Context(), &recording{in: bytes.NewReader(data)}, a, Target{Root: root, MaxBytes: 1 << 20}, 1)
	})
}

func FuzzSender(f *testing.F) {
	f.Add(recorded(f, false))
	f.Fuzz(func(t *testing.T, data []byte) {
		files := []File{{Name: "a", Size: 3, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("abc")), nil }}}
		_, _ = Push(t.Context(), &recording{in: bytes.NewReader(data)}, files, PushOptions{Delete: true})
		a, _ := ParseArgs(PullArgs("/"))
		_, _ = ServeSender(t.Context(), &recording{in: bytes.NewReader(data)}, a, files, 1)
	})
}

// recording is a connection on which data comes and everything sent is lost.
type recording struct{ in io.Reader }

func (r *recording) Read(b []byte) (int, error)  { return r.in.Read(b) }
func (r *recording) Write(b []byte) (int, error) { return len(b), nil }
func (r *recording) Close() error                { return nil }

// recorded is what one side of a good transfer sends: the sender's, or the receiver's.
func recorded(f *testing.F, sender bool) []byte {
	f.Helper()
	from, to := f.TempDir(), f.TempDir()
	write(f, from, map[string][]byte{"a": []byte("hello"), "b/c": noise(1, 1000)})
	here, there := pair(f)
	var sent, received bytes.Buffer
	a, _ := ParseArgs(PullArgs("/"))
	over := make(chan error, 1)
	go func() {
		files, err := Local(openRoot(f, from), ".")
		if err == nil {
			_, err = ServeSender(context.Background(), &tee{there, &sent}, a, files, 1)
		}
		over <- err
	}()
	_, _, err := Pull(f.Context(), &tee{here, &received}, Target{Root: openRoot(f, to)})
	if served := <-over; err != nil || served != nil {
		f.Fatal(err, served)
	}
	if sender {
		return sent.Bytes()
	}
	return received.Bytes()
}

type tee struct {
	net.Conn
	copy io.Writer
}

func (t *tee) Write(b []byte) (int, error) {
	_, _ = t.copy.Write(b)
	return t.Conn.Write(b)
}
