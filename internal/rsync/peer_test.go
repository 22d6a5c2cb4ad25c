//go:build unix

package rsync

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
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

// eachPeer runs a test with every real rsync.
func eachPeer(t *testing.T, test func(t *testing.T, program string)) {
	for _, program := range realtest.Rsyncs(t) {
		text, err := exec.Command(program, "--version").Output()
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.Fields(string(text))[2], func(t *testing.T) { test(t, program) })
	}
}

// eachPull runs a test with every real rsync and with all capabilities: with arguments for
// a server that sends, and the protocol for them.
func eachPull(t *testing.T, test func(t *testing.T, version Protocol, pull func(paths ...string) *process)) {
	eachPeer(t, func(t *testing.T, program string) {
		eachVersion(t, func(t *testing.T, capabilities string) {
			version := versionFor(capabilities)
			test(t, version, func(paths ...string) *process {
				return start(t, program, offer(PullArgs(version, paths...), capabilities)...)
			})
		})
	})
}

// offer puts capabilities into arguments, unless there are none.
func offer(args []string, capabilities string) []string {
	for i, arg := range args {
		if strings.HasPrefix(arg, "-l") && capabilities != "" {
			options, _, _ := strings.Cut(arg, "e.")
			args[i] = options + "e." + capabilities
		}
	}
	return args
}

// process is a connection to a program's standard input and output.
type process struct {
	io.Reader
	io.WriteCloser
	command *exec.Cmd
	stderr  bytes.Buffer
}

func start(t testing.TB, program string, args ...string) *process {
	t.Helper()
	p := &process{command: exec.Command(program, args...)}
	p.command.Stderr = &p.stderr
	in, err := p.command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.Reader, p.WriteCloser = out, in
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.command.Process.Kill() })
	return p
}

// end closes the connection and returns the exit status and what was said besides.
func (p *process) end() (status int, text string) {
	_ = p.WriteCloser.Close()
	err := p.command.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), p.stderr.String()
	}
	return 0, p.stderr.String()
}

func noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)}).Read(b)
	return b
}

// tree is a folder for tests: names with content.
func tree() map[string][]byte {
	files := map[string][]byte{
		"toc.dat": noise(1, 40_000), "empty": nil, "one": {1}, "blocks": bytes.Repeat([]byte("same "), 200_000),
		"ünï/çødé": []byte("x"), "deep/er/and/deeper": noise(2, 700), "a.b": []byte("1"), "a/b": []byte("2"), "a-b": []byte("3"),
		strings.Repeat("long", 60): []byte("y"), strings.Repeat("dir", 80) + "/" + strings.Repeat("x", 200): []byte("z"),
	}
	for n := range 300 {
		files[fmt.Sprintf("many/%04d.dat", n)] = noise(uint64(n), n*7)
	}
	return files
}

func write(t testing.TB, dir string, files map[string][]byte) {
	t.Helper()
	for name, data := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		past := time.Now().Add(-time.Hour).Truncate(time.Second)
		if err := os.Chtimes(path, past, past); err != nil {
			t.Fatal(err)
		}
	}
}

// same wants the folder to hold just these files, by their content.
func same(t testing.TB, dir string, files map[string][]byte) {
	t.Helper()
	found := 0
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		found++
		name, _ := filepath.Rel(dir, path)
		want, ok := files[name]
		if got, _ := os.ReadFile(path); !ok || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, want %d (expected: %t)", name, len(got), len(want), ok)
		}
		return nil
	})
	if err != nil || found != len(files) {
		t.Errorf("%d files, want %d: %v", found, len(files), err)
	}
}

func openRoot(t testing.TB, dir string) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return root
}

// local lists files as a sender does.
func local(t testing.TB, dir, name string) []File {
	t.Helper()
	files, err := Local(openRoot(t, dir), name)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func sha(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func TestPushToRealRsync(t *testing.T) {
	eachPush(t, func(t *testing.T, push func(path string, options ...string) *counter) {
		for name, options := range map[string][]string{"the script's command": nil, "in place": {"--inplace"}} {
			t.Run(name, func(t *testing.T) {
				from, to := t.TempDir(), t.TempDir()
				write(t, from, tree())
				write(t, to, map[string][]byte{"old": []byte("is deleted"), "gone/too": nil, "one": {2, 2}})
				send := func() int64 {
					t.Helper()
					p := push(to+"/", options...)
					said, err := Push(t.Context(), p, local(t, from, "."), PushOptions{Delete: true})
					if status, text := p.end(); err != nil || status != 0 || said != "" || text != "" {
						t.Fatalf("%v, status %d, %q %q", err, status, said, text)
					}
					same(t, to, tree())
					return p.sent
				}
				send()
				noDifference(t, from, to)
				if sent := send(); sent > 64<<10 { // only the list
					t.Errorf("%d bytes were sent again", sent)
				}
			})
		}
	})
}

// eachPush runs a test with every real rsync and with all capabilities.
func eachPush(t *testing.T, test func(t *testing.T, push func(path string, options ...string) *counter)) {
	eachPeer(t, func(t *testing.T, program string) {
		for name, letters := range capabilities {
			if letters == "" {
				continue // uploads need no other protocol
			}
			t.Run(name, func(t *testing.T) {
				test(t, func(path string, options ...string) *counter {
					return &counter{process: start(t, program, offer(PushArgs(path, options...), letters)...)}
				})
			})
		}
	})
}

// noDifference lets rsync itself compare two folders.
func noDifference(t testing.TB, a, b string) {
	t.Helper()
	text, err := exec.Command(realtest.Rsyncs(t)[0], "-rcin", "--delete", a+"/", b+"/").CombinedOutput()
	if err != nil || len(text) > 0 {
		t.Errorf("%v\n%s", err, text)
	}
}

func TestPushAFile(t *testing.T) {
	data := noise(3, 9<<20+17)
	eachPush(t, func(t *testing.T, push func(path string, options ...string) *counter) {
		for name, test := range map[string]struct {
			there []byte
			most  int64 // bytes that are sent
		}{
			"nothing": {nil, 10 << 20}, "a part": {data[:5<<20], 5 << 20}, "all but the time": {data, 1 << 20}, "something else": {noise(4, 3<<20), 10 << 20},
			"more": {append(bytes.Clone(data), "more"...), 1 << 20}, "another beginning": {append([]byte("x"), data[1:6<<20]...), 10 << 20},
		} {
			t.Run(name, func(t *testing.T) {
				from, to := t.TempDir(), t.TempDir()
				write(t, from, map[string][]byte{"db.zip": data})
				if test.there != nil {
					write(t, to, map[string][]byte{"origin.zip": test.there})
				}
				p := push(to+"/origin.zip", "--inplace")
				said, err := Push(t.Context(), p, local(t, from, "db.zip"), PushOptions{Delete: true})
				if status, text := p.end(); err != nil || status != 0 {
					t.Fatalf("%v, status %d, %q %q", err, status, said, text)
				}
				same(t, to, map[string][]byte{"origin.zip": data})
				if p.sent > test.most {
					t.Errorf("%d bytes were sent, want at most %d", p.sent, test.most)
				}
			})
		}
	})
}

func TestPullFromRealRsync(t *testing.T) {
	eachPull(t, func(t *testing.T, version Protocol, pull func(...string) *process) {
		from, to := t.TempDir(), t.TempDir()
		write(t, from, map[string][]byte{"upgraded.zip": noise(5, 5<<20), "upgrade.log": []byte("done")})
		write(t, filepath.Join(from, "filestore"), tree())
		if err := os.Symlink("/etc/passwd", filepath.Join(from, "filestore", "link")); err != nil {
			t.Fatal(err)
		}
		p := pull(from+"/upgraded.zip", from+"/filestore", from+"/missing", from+"/upgrade.log")
		result, said, err := Pull(t.Context(), p, version, Target{Partial: ".partial", Root: openRoot(t, to), Keep: true, Digest: true})
		if status, text := p.end(); err != nil || status != 0 || said != "" {
			t.Fatalf("%v, status %d, %q %q", err, status, said, text)
		}
		want := map[string][]byte{"upgraded.zip": noise(5, 5<<20), "upgrade.log": []byte("done")}
		for name, data := range tree() {
			want["filestore/"+name] = data
		}
		same(t, to, want)
		if result.Skipped != 1 || len(result.Files) != len(want) {
			t.Errorf("%d skipped, %d files of %d", result.Skipped, len(result.Files), len(want))
		}
		for _, f := range result.Files {
			if f.SHA256 != sha(want[f.Name]) || f.Size != int64(len(want[f.Name])) {
				t.Errorf("%s: %+v", f.Name, f)
			}
		}
		if info, err := os.Stat(filepath.Join(to, "upgraded.zip")); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v %v", info.Mode(), err)
		}
	})
}

// TestVanished removes a file once it is in the list.
func TestVanished(t *testing.T) {
	eachPeer(t, func(t *testing.T, program string) {
		from, to := t.TempDir(), t.TempDir()
		files := tree()
		write(t, from, files)
		p := start(t, program, PullArgs(Protocol30, from+"/")...)
		vanishing := &vanishing{process: p, path: filepath.Join(from, "blocks")}
		_, said, err := Pull(t.Context(), vanishing, Protocol30, Target{Partial: ".partial", Root: openRoot(t, to), Keep: true})
		status, text := p.end()
		if !errors.Is(err, ErrNotSent) || status != StatusVanished || !strings.Contains(said+text, "vanished") {
			t.Errorf("%v, status %d, %q %q", err, status, said, text)
		}
		delete(files, "blocks")
		same(t, to, files)
	})
}

// vanishing is a connection on which a file vanishes when files are requested.
type vanishing struct {
	*process
	path   string
	writes int
}

func (v *vanishing) Write(b []byte) (int, error) {
	if v.writes++; v.writes == 4 { // after the version, the checksums and the filters
		_ = os.Remove(v.path)
	}
	return v.process.Write(b)
}

// TestIncRecurse has a server that runs the script's command, whatever it was told.
func TestIncRecurse(t *testing.T) {
	eachPeer(t, func(t *testing.T, program string) {
		from, to := t.TempDir(), t.TempDir()
		write(t, from, tree())
		p := start(t, program, PullArgs(Protocol27, from)...)
		if _, _, err := Pull(t.Context(), p, Protocol30, Target{Partial: ".partial", Root: openRoot(t, to)}); !errors.Is(err, ErrIncRecurse) {
			t.Error(err)
		}
	})
}

// TestOrder sorts a list as a real rsync does.
func TestOrder(t *testing.T) {
	eachPeer(t, func(t *testing.T, program string) {
		dir := t.TempDir()
		write(t, dir, tree())
		for _, name := range []string{"B", "b", "ba", "c.x", "é", "A.b/c", "A/B", "A/b", "A/c.d", "A/c/d", "A0/x", "à/z", "A-/x", "A/c-/d"} {
			write(t, dir, map[string][]byte{name: nil})
		}
		for _, version := range []Protocol{Protocol27, Protocol30} {
			text, err := exec.Command(program, "-r", "-8", "--list-only", "--no-inc-recursive", fmt.Sprintf("--protocol=%d", version), dir+"/").Output()
			if err != nil {
				t.Fatal(err)
			}
			var want, got []string
			for line := range strings.Lines(string(text)) {
				want = append(want, strings.Fields(line)[4])
			}
			list := local(t, dir, ".")
			rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
			c := &conn{out: bufio.NewWriter(io.Discard), protocol: version}
			for _, f := range c.sendList(list, listOptions{}) {
				got = append(got, f.Name)
			}
			if !slices.Equal(got, want) {
				t.Errorf("protocol %d: %q, want %q", version, got, want)
			}
		}
	})
}

// TestPullResumes begins with a partial file.
func TestPullResumes(t *testing.T) {
	realtest.Long(t)
	eachPull(t, func(t *testing.T, version Protocol, pull func(...string) *process) {
		data := noise(6, 8<<20+5)
		repeats := slices.Concat(data[:2<<20], []byte("x"), data[:1<<20], data[3<<20:4<<20])
		for name, test := range map[string]struct {
			part []byte
			most int64 // bytes that come
			data []byte
		}{
			"blocks that come again": {data[:2<<20], 2 << 20, repeats}, "blocks further on": {append([]byte("xyz"), repeats...), 5 << 20, repeats},
			"blocks that were further back": {repeats[100:], 5 << 20, repeats}, // sent again
			"nothing":                       {nil, 9 << 20, data}, "a part": {data[:6<<20+1000], 3 << 20, data}, "all": {data, 1 << 20, data}, "rubbish": {noise(7, 6<<20), 9 << 20, data},
			"too much": {append(bytes.Clone(data), data...), 1 << 20, data}, "zeros": {make([]byte, 3<<20), 9 << 20, data},
			"a hole": {append(append(bytes.Clone(data[:2<<20]), make([]byte, 1<<20)...), data[3<<20:]...), 3 << 20, data},
		} {
			t.Run(name, func(t *testing.T) {
				from, to := t.TempDir(), t.TempDir()
				write(t, from, map[string][]byte{"upgraded.zip": test.data})
				if test.part != nil {
					write(t, to, map[string][]byte{(&receiver{Target: Target{Partial: ".partial"}}).partial("upgraded.zip"): test.part})
				}
				p := &counter{process: pull(from + "/upgraded.zip")}
				var here, total int64
				progress := func(n, of int64) { here, total = n, of }
				_, said, err := Pull(t.Context(), p, version, Target{Partial: ".partial", Root: openRoot(t, to), Keep: true, Progress: progress})
				if here != total || total != int64(len(test.data)) {
					t.Errorf("progress ended with %d of %d", here, total)
				}
				if status, text := p.end(); err != nil || status != 0 {
					t.Fatalf("%v, status %d, %q %q", err, status, said, text)
				}
				same(t, to, map[string][]byte{"upgraded.zip": test.data})
				if p.received > test.most {
					t.Errorf("%d bytes came, want at most %d", p.received, test.most)
				}
			})
		}
	})
}

type counter struct {
	*process
	received, sent int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.process.Read(b)
	c.received += int64(n)
	return n, err
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.process.Write(b)
	c.sent += int64(n)
	return n, err
}

// TestServerFailures has a real server that cannot do what it is told.
func TestServerFailures(t *testing.T) {
	eachPeer(t, func(t *testing.T, program string) {
		from := t.TempDir()
		write(t, from, map[string][]byte{"db.zip": noise(8, 3<<20)})
		for name, test := range map[string]struct {
			args   []string
			status []int
			says   string
		}{
			"a refused option":  {append([]string{"--server", "--no-such-option"}, PushArgs("/tmp/x")[1:]...), []int{StatusUnsupported, StatusNoOption}, "unknown option"},
			"no such folder":    {PushArgs(from + "/a/b/c/d"), []int{StatusNoFolder, StatusFileIO, StatusPartial}, "No such file"},
			"the folder is one": {PushArgs(from + "/db.zip/x"), []int{StatusNoFolder, StatusFileIO, StatusPartial}, "Not a directory"},
		} {
			t.Run(name, func(t *testing.T) {
				p := start(t, program, test.args...)
				said, err := Push(t.Context(), p, local(t, from, "db.zip"), PushOptions{Delete: true})
				status, text := p.end()
				expected := false
				for _, s := range test.status {
					expected = expected || s == status
				}
				if !expected || !strings.Contains(said+text, test.says) {
					t.Errorf("%v, status %d, %q %q", err, status, said, text)
				}
			})
		}
	})
}

// TestRealClients has every real rsync talk to our server.
func TestRealClients(t *testing.T) {
	realtest.Long(t)
	helper := os.Args[0]
	eachPeer(t, func(t *testing.T, program string) {
		for name, test := range map[string]struct {
			options   []string
			checksums string // RSYNC_CHECKSUM_LIST
		}{
			"the script of 2026": {[]string{"--delete-after", "--recursive", "--links", "--times"}, ""}, "the script of 2025": {[]string{"-a", "--delete-after"}, ""},
			"MD5": {[]string{"-a", "--delete-after"}, "md5 xxh64"}, "protocol 27": {[]string{"-a", "--delete-after", "--protocol=27"}, ""},
		} {
			t.Run(name, func(t *testing.T) {
				if test.checksums != "" {
					t.Setenv("RSYNC_CHECKSUM_LIST", test.checksums)
				}
				from, to := t.TempDir(), t.TempDir()
				write(t, from, tree())
				write(t, to, map[string][]byte{"old": nil})
				run(t, program, append(test.options, "--rsh="+helper+" -test.run=^TestHelper$ --", from+"/", "host:"+to+"/")...)
				same(t, to, tree())
				one := filepath.Join(t.TempDir(), "x.zip")
				run(t, program, append(test.options, "--rsh="+helper+" -test.run=^TestHelper$ --", from+"/blocks", "host:"+one)...)
				if got, _ := os.ReadFile(one); !bytes.Equal(got, tree()["blocks"]) {
					t.Errorf("%d bytes", len(got))
				}
			})
		}
		from, to := t.TempDir(), t.TempDir()
		write(t, from, map[string][]byte{"upgraded.dump": noise(1, 100_000)})
		write(t, filepath.Join(from, "filestore"), tree())
		run(t, program, "-a", "--ignore-missing-args", "-e", helper+" -test.run=^TestHelper$ --", "host:"+from+"/upgraded.dump", "host:"+from+"/filestore", "host:"+from+"/none", to)
		want := map[string][]byte{"upgraded.dump": noise(1, 100_000)}
		for name, data := range tree() {
			want["filestore/"+name] = data
		}
		same(t, to, want)
		run(t, program, "-a", "--ignore-missing-args", "-e", helper+" -test.run=^TestHelper$ --", "host:"+from+"/none", t.TempDir())
	})
}

func run(t *testing.T, program string, args ...string) {
	t.Helper()
	command := exec.Command(program, args...)
	command.Env = append(os.Environ(), "ODOO_UPGRADE_TEST_HELPER=1")
	if text, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
}

// TestHelper is our server, as ssh would start it: after -- come the host, the program
// and its arguments.
func TestHelper(t *testing.T) {
	if os.Getenv("ODOO_UPGRADE_TEST_HELPER") == "" {
		t.Skip("it is started by other tests")
	}
	args := os.Args[1:]
	for args[0] != "--" {
		args = args[1:]
	}
	os.Exit(serveStdio(args[3:]))
}

type stdio struct{}

func (stdio) Read(b []byte) (int, error)  { return os.Stdin.Read(b) }
func (stdio) Write(b []byte) (int, error) { return os.Stdout.Write(b) }
func (stdio) Close() error                { return errors.Join(os.Stdin.Close(), os.Stdout.Close()) }

func serveStdio(args []string) int {
	a, err := ParseArgs(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return StatusUnsupported
	}
	const seed = 0xfedcba98 // below zero for rsync
	root, err := os.OpenRoot("/")
	if err != nil {
		return StatusFileIO
	}
	if a.Sender {
		var files []File
		for _, path := range a.Paths {
			list, err := Local(root, strings.TrimPrefix(path, "/"))
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				return StatusPartial
			}
			files = append(files, list...)
		}
		status, _ := ServeSender(context.Background(), stdio{}, a, files, seed)
		return status
	}
	dir, name := filepath.Split(a.Paths[0])
	target, err := os.OpenRoot(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return StatusNoFolder
	}
	_, status, err := ServeReceiver(context.Background(), stdio{}, a, Target{Partial: ".partial", Root: target, Name: name}, seed)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return status
}
