package rsync

import (
	"bufio"
	"bytes"
	"context"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cespare/xxhash/v2"

	"odoo-upgrade-action/internal/realtest"
)

func TestParseArgs(t *testing.T) {
	for line, want := range map[string]string{
		"--server -ltre.iLsfxCIvu --delete-after . /data/origin.zip":                                                         "receives delete, knows iLsfxCIvu [/data/origin.zip]",
		"--server -logDtpre.iLsfxCIvu --delete-after . /data/origin.zip":                                                     "receives delete, knows iLsfxCIvu [/data/origin.zip]",
		"--server -ltre.iLsfxCIvu --delete-after --inplace . /data/origin.dump/":                                             "receives delete in place, knows iLsfxCIvu [/data/origin.dump/]",
		"--server --sender -logDtpre.iLsfxCIvu --ignore-missing-args . /data/upgraded.zip /data/filestore /data/upgrade.log": "sends, knows iLsfxCIvu [/data/upgraded.zip /data/filestore /data/upgrade.log]",
		"--server --sender -logDtpre.LsfxCIvu --ignore-missing-args . /data/upgraded.zip":                                    "sends, knows LsfxCIvu [/data/upgraded.zip]",
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
		if got = fmt.Sprint(got, ", knows ", a.capabilities, " ", a.Paths); got != want || err != nil {
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

// capabilities are what a client may offer a server: as of rsync 3.2, as of a late 3.1, and
// from before the order of MD5's seed was mended. Those of protocol 27 are not used.
var capabilities = map[string]string{"3.2": allCapabilities, "3.1": "LsfxC", "3.0": "Lsfx", "protocol 27": ""}

const allCapabilities = "LsfxCIvu"

// versionFor is the protocol that goes with capabilities.
func versionFor(capabilities string) Protocol {
	if capabilities == "" {
		return Protocol27
	}
	return Protocol30
}

func eachVersion(t *testing.T, test func(t *testing.T, capabilities string)) {
	for name, letters := range capabilities {
		t.Run(name, func(t *testing.T) { test(t, letters) })
	}
}

// evil sends a list and whatever else a hostile server would.
func evil(t *testing.T, capabilities string, hostile func(c *conn)) (_ Result, dir string, err error) {
	t.Helper()
	here, there := pair(t)
	go func() {
		c, err := server(there, capabilities, 1)
		if err == nil {
			_, _ = c.int() // filters
			hostile(c)
			_ = c.out.Flush()
		}
		_ = there.Close()
	}()
	dir = t.TempDir()
	result, _, err := Pull(t.Context(), here, versionFor(capabilities), Target{Partial: ".partial", Root: openRoot(t, dir), Keep: true, MaxBytes: 1 << 30})
	return result, dir, err
}

// put sends an entry of a list as it is.
func (c *conn) put(name string, size int64, mode uint32) {
	c.putFlags(flagSameUID | flagSameGID | flagLongName)
	c.putVarint30(uint32(len(name)))
	_, _ = c.out.WriteString(name)
	c.putLong(size)
	c.putTime(1)
	c.putInt(int32(mode))
	if mode&modeType == modeLink {
		c.putVarint30(4)
		_, _ = c.out.WriteString("/etc")
	}
	if kind := mode & modeType; kind == modeCharDev || kind == modeBlock {
		c.putVarint30(5)
		if c.protocol >= Protocol30 {
			c.putVarint30(6)
		}
	}
}

// putNegative sends a size that is below zero.
func (c *conn) putNegative() {
	if c.protocol < Protocol30 {
		c.putInt(-5)
	} else {
		c.putVarlong(math.MaxUint64-4, 3)
	}
}

// TestHostileNames sends names that would lead out of the folder, links and devices.
func TestHostileNames(t *testing.T) { eachVersion(t, testHostileNames) }

func testHostileNames(t *testing.T, capabilities string) {
	result, dir, err := evil(t, capabilities, func(c *conn) {
		for _, name := range []string{"../out", "/etc/x", "a/../../out", "..", "a\nb", "./x"} {
			c.put(name, 3, sentFile)
		}
		c.put("link", 0, modeLink|0o777)
		c.put("dev", 0, modeCharDev|0o666)
		c.put("../dir", 0, sentFolder)
		c.endList(pullFields)
		for range c.phases() {
			_ = c.out.Flush()
			if n, _ := c.index(); n != done {
				t.Errorf("file %d was requested", n)
			}
			c.putIndex(done)
		}
		for range c.statCount() {
			c.putLong(0)
		}
		_ = c.out.Flush()
		_, _ = c.index() // goodbye
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
func TestHostileServers(t *testing.T) { eachVersion(t, testHostileServers) }

func testHostileServers(t *testing.T, capabilities string) {
	for name, test := range map[string]struct {
		server func(c *conn)
		says   string
	}{
		"a list without end": {func(c *conn) {
			for range maxFiles + 10 {
				c.putFlags(flagSameUID | flagSameGID | flagSameName | flagSameMode | flagSameTime)
				c.putByte(0)
				c.putByte(0)
				c.putLong(0)
			}
		}, "more than"},
		"a long name":     {func(c *conn) { c.putFlags(flagLongName | flagSameUID); c.putVarint30(1 << 30) }, "a count of"},
		"a negative size": {func(c *conn) { c.putFlags(1); c.putByte(1); c.putByte('a'); c.putNegative() }, "a size of"},
		"too large":       {func(c *conn) { c.put("a", 2<<30, sentFile); c.endList(pullFields) }, "are allowed"},
		"not requested":   {func(c *conn) { c.put("a", 3, sentFile); c.endList(pullFields); c.putItem(transferItem(7)) }, "was not requested"},
		"a huge token":    {func(c *conn) { c.put("a", 3, sentFile); c.endList(pullFields); c.request(0); c.putInt(1 << 30) }, "at once"},
		"more than it said": {func(c *conn) {
			c.put("a", 3, sentFile)
			c.endList(pullFields)
			c.request(0)
			c.putInt(4)
			_, _ = c.out.WriteString("1234")
			c.putInt(0)
			_, _ = c.out.Write(make([]byte, c.sums.size))
		}, "it changed"},
		"a block that is not there": {func(c *conn) { c.put("a", 3, sentFile); c.endList(pullFields); c.request(0); c.putInt(-1) }, "block 0 of 0"},
		"damaged twice": {func(c *conn) {
			c.put("a", 3, sentFile)
			c.endList(pullFields)
			for range 2 {
				c.request(0)
				c.putInt(3)
				_, _ = c.out.WriteString("123")
				c.putInt(0)
				_, _ = c.out.Write(make([]byte, c.sums.size))
				_ = c.endPhase()
				_, _ = c.index() // the end of the phase
			}
		}, "damaged twice"},
		"sizes that overflow": {func(c *conn) {
			for _, name := range []string{"a", "b", "c", "d", "e"} {
				c.put(name, 1<<60, sentFile)
			}
			c.endList(pullFields)
		}, "bytes in all"},
		"many long names": {func(c *conn) {
			for i := range maxNames/4000 + 1 {
				c.put(fmt.Sprintf("%04000d", i), 0, sentFile)
			}
			c.endList(pullFields)
		}, "bytes of names"},
		"nothing of what was requested": {func(c *conn) {
			c.put("a", 3, sentFile)
			c.endList(pullFields)
			_ = c.out.Flush()
			_, _ = c.item()
			_, _ = c.recvHead()
			for range c.phases() {
				_, _ = c.index()
				_ = c.endPhase()
			}
			for range c.statCount() {
				c.putLong(0)
			}
			_ = c.out.Flush()
			_, _ = c.index()
		}, "a file was not sent: a"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := evil(t, capabilities, test.server); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Error(err)
			}
		})
	}
}

// TestReport has a server that reports about a file in place of sending it.
func TestReport(t *testing.T) {
	_, _, err := evil(t, allCapabilities, func(c *conn) {
		c.put("a", 3, sentFile)
		c.endList(pullFields)
		_ = c.out.Flush()
		_, _ = c.item()
		_, _ = c.recvHead()
		c.putItem(item{index: 0})
	})
	if err == nil || !strings.Contains(err.Error(), "was not requested") {
		t.Error(err)
	}
}

// TestHostileGreetings has a server that agrees to what was not asked for.
func TestHostileGreetings(t *testing.T) {
	for name, test := range map[string]struct{ sent, says string }{
		"an older version":         {"\x1c\x00\x00\x00", "version 28 of the rsync protocol, which is not supported"},
		"text":                     {"HTTP/1.1 200 OK", `the server sent the text "HTTP/1.1 200 OK"`},
		"text with colors":         {"\x1b[31mWelcome\x07\r\nto the node\r\n", `the server sent the text "[31mWelcome\nto the node"`},
		"incremental recursion":    {"\x1e\x00\x00\x00\x01", "incremental recursion"},
		"no sum that is known":     {"\x1e\x00\x00\x00\x80\x80\x06sha1 x", "no checksum in common"},
		"a long list of sums":      {"\x1e\x00\x00\x00\x80\x80\xff\xff", "a name of 32767 bytes"},
		"the end":                  {"\x1e\x00\x00\x00\x80\x80", "EOF"},
		"a number of seven bytes":  {"\x1e\x00\x00\x00\xff\x01\x02\x03\x04\x05\x06", "a number of"},
		"a number that is too big": {"\x1e\x00\x00\x00\xfb\x01\x02\x03\x04\x05\x06", "a number of"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := Pull(t.Context(), &recording{in: strings.NewReader(test.sent)}, Protocol30, Target{Partial: ".partial", Root: openRoot(t, t.TempDir())})
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Error(err)
			}
		})
	}
}

// TestFrames has messages for people, and some that are not, between the data.
func TestFrames(t *testing.T) {
	join := func(frames ...[]byte) string { return string(slices.Concat(frames...)) }
	for name, test := range map[string]struct {
		sent, data, text string
		failed           bool
		err              error
	}{
		"data":                  {join(frameHeader(0, 2), []byte("ab"), frameHeader(0, 0), frameHeader(0, 1), []byte("c")), "abc", "", false, nil},
		"text":                  {join(frameHeader(codeError, 4), []byte("oops"), frameHeader(0, 1), []byte("c")), "c", "oops", false, nil},
		"not text":              {join(frameHeader(lastCode, 4), make([]byte, 4), frameHeader(lastText+1, 4), make([]byte, 4), frameHeader(0, 1), []byte("c")), "c", "", false, nil},
		"a failure":             {join(frameHeader(codeIOError, 4), []byte{1, 0, 0, 0}, frameHeader(0, 1), []byte("c")), "c", "", true, nil},
		"much text":             {join(frameHeader(codeError, maxSaid+1), make([]byte, maxSaid+1), frameHeader(codeError, 1), []byte("x")), "", strings.Repeat("\x00", maxSaid), false, nil},
		"a code above the last": {join(frameHeader(lastCode+1, 4)), "", "", false, errProtocol},
		"a code below 0":        {join(frameHeader(-1, 4)), "", "", false, errProtocol},
		"half a header":         {"\x01", "", "", false, io.ErrUnexpectedEOF},
		"half a text":           {join(frameHeader(codeError, 4), []byte("oo")), "", "oo", false, io.ErrUnexpectedEOF},
	} {
		t.Run(name, func(t *testing.T) {
			said := new(messages)
			data, err := io.ReadAll(&demux{in: bufio.NewReader(strings.NewReader(test.sent)), said: said})
			if string(data) != test.data || said.text.String() != test.text || said.failed != test.failed || !errors.Is(err, test.err) {
				t.Errorf("%q, %+v, %v", data, said, err)
			}
		})
	}
}

// TestNumbers writes numbers as io.c has them (write_varint, write_varlong, write_ndx), and
// reads them again.
func TestNumbers(t *testing.T) {
	var b bytes.Buffer
	c := &conn{in: bufio.NewReader(&b), out: bufio.NewWriter(&b), protocol: Protocol30, lastIn: -1, lastOut: -1}
	sent := func() string {
		_ = c.out.Flush()
		return hex.EncodeToString(b.Bytes())
	}
	for n, want := range map[uint32]string{
		0: "00", 1: "01", 0x7f: "7f", 0x80: "8080", 0x3fff: "bfff", 0x4000: "c00040", 0x1fffff: "dfffff", 0x200000: "e0000020", 0x0fffffff: "efffffff", 0x10000000: "f000000010", math.MaxUint32: "f0ffffffff",
	} {
		c.putVarint(n)
		if got := sent(); got != want {
			t.Errorf("%x: %s, want %s", n, got, want)
		}
		if got, err := c.varint(); got != n || err != nil {
			t.Errorf("%x: %x, %v", n, got, err)
		}
	}
	for _, test := range []struct {
		n        uint64
		shortest int
		want     string
	}{
		{0, 3, "000000"}, {0x123456, 3, "125634"}, {0x7fffff, 3, "7fffff"}, {0x800000, 3, "80000080"}, {0x12345678, 3, "92785634"}, {0x7fffffff, 3, "c0ffffff7f"},
		{0x65a0b1c2, 4, "65c2b1a0"}, {0x7fffffff, 4, "7fffffff"}, {0x80000000, 4, "8000000080"}, {math.MaxUint64, 4, "f8ffffffffffffffff"}, {1 << 40, 3, "e10000000000"},
	} {
		c.putVarlong(test.n, test.shortest)
		if got := sent(); got != test.want {
			t.Errorf("%x: %s, want %s", test.n, got, test.want)
		}
		if got, err := c.varlong(test.shortest); got != test.n || err != nil {
			t.Errorf("%x: %x, %v", test.n, got, err)
		}
	}
	for bit := 1; bit < 64; bit++ {
		for n := uint64(1)<<bit - 2; n < 1<<bit+2; n++ {
			c.putVarlong(n, 3)
			_ = c.out.Flush()
			if got, err := c.varlong(3); got != n || err != nil || b.Len() > 0 {
				t.Errorf("%x: %x, %v", n, got, err)
			}
		}
	}
	for _, test := range []struct {
		n    int32
		want string
	}{
		{0, "01"}, {1, "01"}, {3, "02"}, {256, "fd"}, {510, "fe00fe"}, {510, "fe0000"}, {done, "00"}, {33_277, "fe7fff"}, {66_045, "fe80fd0101"}, {3, "fe80030000"}, {math.MaxInt32, "feffffffff"}, {7, "fe80070000"},
	} {
		c.putIndex(test.n)
		if got := sent(); got != test.want {
			t.Errorf("%d: %s, want %s", test.n, got, test.want)
		}
		if got, err := c.index(); got != test.n || err != nil || b.Len() > 0 {
			t.Errorf("%d: %d, %v", test.n, got, err)
		}
	}
}

// TestNegotiation has both sides choose a checksum: the client's order decides.
func TestNegotiation(t *testing.T) {
	for theirs, want := range map[string][2]string{ // with us as the client, and as the server
		"xxh128 xxh3 xxh64 md5 md4": {sumXXH64, sumXXH64}, "md5 xxh64": {sumXXH64, sumMD5}, "md5 md4": {sumMD5, sumMD5}, "sha1": {"", ""}, "": {"", ""},
	} {
		names := strings.Fields(theirs)
		if got := [2]string{firstOfOurs(names), firstOfTheirs(names)}; got != want {
			t.Errorf("%s: %q, want %q", theirs, got, want)
		}
	}
}

// TestSums has sums with and without a seed, as rsync takes them.
func TestSums(t *testing.T) {
	data, seed := []byte("some data"), []byte{1, 0, 0, 0}
	join := func(parts ...[]byte) []byte { return slices.Concat(parts...) }
	md5Of := func(b []byte) string { sum := md5.Sum(b); return hex.EncodeToString(sum[:]) }
	md4Of := func(b []byte) string {
		h := newMD4()
		_, _ = h.Write(b)
		return hex.EncodeToString(h.Sum(nil))
	}
	xxh64Of := func(seed uint64) string { // little-endian
		h := xxhash.NewWithSeed(seed)
		_, _ = h.Write(data)
		return hex.EncodeToString(binary.LittleEndian.AppendUint64(nil, h.Sum64()))
	}
	for _, test := range []struct {
		name        string
		seed        uint32
		file, block string
	}{
		{sumXXH64, 1, xxh64Of(0), xxh64Of(1)}, {sumXXH64, 0x80000000, xxh64Of(0), xxh64Of(math.MaxUint64 - 1<<31 + 1)},
		{sumMD4, 1, md4Of(join(seed, data)), md4Of(join(data, seed))}, {sumMD4, 0, md4Of(join(make([]byte, 4), data)), md4Of(data)},
		{sumMD5, 1, md5Of(data), md5Of(join(seed, data))}, {sumMD5, 0, md5Of(data), md5Of(data)},
		{sumMD5Old, 1, md5Of(data), md5Of(join(data, seed))}, {sumMD5Old, 0, md5Of(data), md5Of(data)},
	} {
		s := newSums(test.name, test.seed)
		h := s.file()
		_, _ = h.Write(data)
		block := s.block(data)
		if file, block := hex.EncodeToString(h.Sum(nil)), hex.EncodeToString(block[:s.size]); file != test.file || block != test.block {
			t.Errorf("%s with seed %d: %s and %s, want %s and %s", test.name, test.seed, file, block, test.file, test.block)
		}
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
	write("folder", 1)
	r := receiver{Target: Target{Partial: ".", Root: openRoot(t, dir), MaxBytes: 300}, list: []entry{{name: "a", size: 1000, mode: sentFile}}}
	write(r.partial("a"), 700)
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
func (c *conn) request(index int) {
	_ = c.out.Flush()
	_, _ = c.item()
	head, _ := c.recvHead()
	c.putItem(transferItem(index))
	c.putHead(head)
}

func TestCanceled(t *testing.T) {
	here, there := pair(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	go func() {
		c, _ := server(there, allCapabilities, 1)
		c.put("a", 1000, sentFile)
		c.endList(pullFields)
		c.request(0)
		_ = c.out.Flush()
		cancel(why)
	}()
	if _, _, err := Pull(ctx, here, Protocol30, Target{Partial: ".partial", Root: openRoot(t, t.TempDir())}); !errors.Is(err, why) {
		t.Error(err)
	}
}

// TestEmptyList has a client with nothing to send: what is there stays.
func TestEmptyList(t *testing.T) {
	to := t.TempDir()
	write(t, to, map[string][]byte{"x": []byte("earlier")})
	here, there := pair(t)
	a, _ := ParseArgs(PushArgs("/x"))
	over := make(chan error, 1)
	go func() {
		result, _, err := ServeReceiver(context.Background(), there, a, Target{Partial: ".partial", Root: openRoot(t, to), Name: "x"}, 7)
		if len(result.Files) > 0 {
			err = fmt.Errorf("%+v", result.Files)
		}
		over <- err
	}()
	_, err := Push(t.Context(), here, nil, PushOptions{Delete: true})
	if served := <-over; err != nil || served != nil {
		t.Error(err, served)
	}
	same(t, to, map[string][]byte{"x": []byte("earlier")})
}

// TestSentAgain damages a file on its way: all of it is sent again, and counted once.
func TestSentAgain(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	data := noise(1, 1<<20)
	write(t, from, map[string][]byte{"x": data})
	here, there := pair(t)
	a, _ := ParseArgs(PushArgs("/"))
	over := make(chan error, 1)
	go func() {
		_, _, err := ServeReceiver(context.Background(), &damaging{Conn: there, at: 500_000}, a, Target{Partial: ".partial", Root: openRoot(t, to)}, 7)
		over <- err
	}()
	var sent int64
	_, err := Push(t.Context(), here, local(t, from, "."), PushOptions{Delete: true, Sent: func(n int64) { sent = n }})
	if served := <-over; err != nil || served != nil || sent != int64(len(data)) {
		t.Errorf("%v, %v, %d bytes of %d", err, served, sent, len(data))
	}
	same(t, to, map[string][]byte{"x": data})
}

// damaging is a connection on which one byte arrives as another.
type damaging struct {
	net.Conn
	at int // which; -1 afterwards
}

func (d *damaging) Read(b []byte) (int, error) {
	n, err := d.Conn.Read(b)
	if d.at >= 0 && d.at < n {
		b[d.at] ^= 1
	}
	if d.at >= 0 {
		d.at = max(-1, d.at-n)
	}
	return n, err
}

// cutter breaks a connection after some bytes, either way.
type cutter struct {
	net.Conn
	left atomic.Int64
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
	if c.left.Add(-int64(n)) < 0 {
		_ = c.Conn.Close()
		return io.ErrUnexpectedEOF
	}
	return nil
}

// TestCuts breaks transfers of files and folders, up and down, at pseudo-random bytes,
// and resumes them. ODOO_UPGRADE_TEST_CUTS sets how many; .ci/run makes 300.
func TestCuts(t *testing.T) {
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
		counted := &cutter{Conn: here}
		counted.left.Store(limit)
		over := make(chan error, 1)
		if push {
			a, _ := ParseArgs(PushArgs("/", "--inplace"))
			go func() {
				_, _, err := ServeReceiver(context.Background(), there, a, Target{Partial: ".partial", Root: openRoot(t, to)}, 7)
				_ = there.Close()
				over <- err
			}()
			_, err = Push(t.Context(), counted, local(t, from, "."), PushOptions{Delete: true})
		} else {
			a, _ := ParseArgs(PullArgs(Protocol30, "/"))
			go func() {
				_, err := ServeSender(context.Background(), there, a, local(t, from, "upgraded.dump"), 7)
				_ = there.Close()
				over <- err
			}()
			_, _, err = Pull(t.Context(), counted, Protocol30, Target{Partial: ".partial", Root: openRoot(t, to), Keep: true, Digest: true})
		}
		_ = here.Close()
		served := <-over
		moved += limit - max(0, counted.left.Load())
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
		p := start(t, program, PullArgs(Protocol30, from+"/x")...)
		_, _, err := Pull(t.Context(), p, Protocol30, Target{Partial: ".partial", Root: openRoot(t, dir)})
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
	for _, version := range []Protocol{Protocol27, Protocol30} {
		sender, _ := recorded(f, version)
		f.Add(sender)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		root, err := os.OpenRoot(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		for _, version := range []Protocol{Protocol27, Protocol30} {
			_, _, _ = Pull(t.Context(), &recording{in: bytes.NewReader(data)}, version, Target{Partial: ".partial", Root: root, MaxBytes: 1 << 20, Digest: true})
		}
		a, _ := ParseArgs(PushArgs("/"))
		_, _, _ = ServeReceiver(t.Context(), &recording{in: bytes.NewReader(data)}, a, Target{Partial: ".partial", Root: root, MaxBytes: 1 << 20}, 1)
	})
}

func FuzzSender(f *testing.F) {
	for _, version := range []Protocol{Protocol27, Protocol30} {
		_, receiver := recorded(f, version)
		f.Add(receiver)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		files := []File{{Name: "a", Size: 3, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("abc")), nil }}}
		_, _ = Push(t.Context(), &recording{in: bytes.NewReader(data)}, files, PushOptions{Delete: true})
		a, _ := ParseArgs(PullArgs(Protocol30, "/"))
		_, _ = ServeSender(t.Context(), &recording{in: bytes.NewReader(data)}, a, files, 1)
	})
}

// recording is a connection on which data comes and everything sent is lost.
type recording struct{ in io.Reader }

func (r *recording) Read(b []byte) (int, error)  { return r.in.Read(b) }
func (r *recording) Write(b []byte) (int, error) { return len(b), nil }
func (r *recording) Close() error                { return nil }

// recorded is what the sides of a good transfer send.
func recorded(f *testing.F, version Protocol) (sender, receiver []byte) {
	f.Helper()
	from, to := f.TempDir(), f.TempDir()
	write(f, from, map[string][]byte{"a": []byte("hello"), "b/c": noise(1, 1000)})
	here, there := pair(f)
	var sent, received bytes.Buffer
	a, _ := ParseArgs(PullArgs(version, "/"))
	over := make(chan error, 1)
	go func() {
		files, err := Local(openRoot(f, from), ".")
		if err == nil {
			_, err = ServeSender(context.Background(), &tee{there, &sent}, a, files, 1)
		}
		over <- err
	}()
	_, _, err := Pull(f.Context(), &tee{here, &received}, version, Target{Partial: ".partial", Root: openRoot(f, to)})
	if served := <-over; err != nil || served != nil {
		f.Fatal(err, served)
	}
	return sent.Bytes(), received.Bytes()
}

type tee struct {
	net.Conn
	copy io.Writer
}

func (t *tee) Write(b []byte) (int, error) {
	_, _ = t.copy.Write(b)
	return t.Conn.Write(b)
}
