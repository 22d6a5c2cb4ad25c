package v1

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"odoo-upgrade-action/internal/dial"
	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/upgrade"
	"odoo-upgrade-action/internal/workspace"
)

// content is a file of n bytes that differ from place to place.
func content(n int) []byte {
	b := bytes.Repeat([]byte("PGDMP"), n/5+1)[:n]
	for i := 5; i < n; i++ {
		b[i] = byte(i * i / 7)
	}
	return b
}

func sum(b []byte) string {
	digest := sha256.Sum256(b)
	return hex.EncodeToString(digest[:])
}

// origin serves data, and cuts the connection after cuts[0] bytes of the first
// answer, cuts[1] of the second, and so on.
type origin struct {
	data    []byte
	tag     string
	cuts    []int
	ranges  []string // asked for
	handler http.HandlerFunc
}

func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if o.handler != nil {
		o.handler(w, r)
		return
	}
	o.ranges = append(o.ranges, r.Header.Get("Range"))
	w.Header().Set("ETag", o.tag)
	if len(o.cuts) > 0 {
		w = &cutter{ResponseWriter: w, left: o.cuts[0]}
		o.cuts = o.cuts[1:]
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(o.data))
}

type cutter struct {
	http.ResponseWriter
	left int
}

func (c *cutter) Write(b []byte) (int, error) {
	if len(b) >= c.left {
		_, _ = c.ResponseWriter.Write(b[:c.left])
		c.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	c.left -= len(b)
	return c.ResponseWriter.Write(b)
}

type fixture struct {
	*overHTTPS
	url string
	dir string
}

func fetchFrom(t *testing.T, o http.Handler) *fixture {
	t.Helper()
	server := httptest.NewServer(o)
	t.Cleanup(server.Close)
	transport, err := dial.HTTP(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(transport.CloseIdleConnections)
	f := &fixture{overHTTPS: httpsTo(t, server.URL, transport), url: server.URL + "/database/eu1/1/Aw7pItGVKFuZ_FOR3U8VFQ==/upgraded/archive", dir: filepath.Join(t.TempDir(), "a", "b")}
	f.open(t)
	return f
}

func (f *fixture) open(t *testing.T) {
	t.Helper()
	folder, err := workspace.Open("", f.dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = folder.Close() })
	f.folder = folder
}

func (f *fixture) get(ctx context.Context) (workspace.File, error) {
	return f.getAndTell(ctx, func(int64, int64) {})
}

func (f *fixture) getAndTell(ctx context.Context, progress func(done, total int64)) (workspace.File, error) {
	file, _, err := f.fetch(ctx, statusWith(f.url), upgrade.UpgradedDump, progress)
	return file, err
}

// statusWith is a status that says where the upgraded dump is.
func statusWith(url string) (s upgrade.Status) {
	s.SetLink(upgrade.UpgradedDumpLink, url)
	return s
}

// httpsTo is a carrier for the platform at an address.
func httpsTo(t *testing.T, server string, transport http.RoundTripper) *overHTTPS {
	t.Helper()
	api, err := newClient(server, transport)
	if err != nil {
		t.Fatal(err)
	}
	return newHTTPS(api, transport, nil)
}

// files lists what is in the folder.
func (f *fixture) files(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names
}

func (f *fixture) wantComplete(t *testing.T, got workspace.File, err error, data []byte) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(f.dir, "upgraded-dump.dump")
	want := workspace.File{Path: filepath.ToSlash(path), Location: path, Size: int64(len(data)), SHA256: sum(data)}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	onDisk, _ := os.ReadFile(path)
	if !bytes.Equal(onDisk, data) {
		t.Error("other bytes on disk")
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if names := f.files(t); len(names) != 1 {
		t.Errorf("left behind: %v", names)
	}
}

func TestFetchGoesOnWhereItWasCut(t *testing.T) {
	data := content(300_000)
	o := &origin{data: data, tag: `"a"`, cuts: []int{100_000, 1, 150_000}}
	f := fetchFrom(t, o)
	for try := range 3 {
		if _, err := f.get(t.Context()); !retry.IsTransient(err) {
			t.Fatalf("try %d: %v", try, err)
		}
		if names := strings.Join(f.files(t), " "); names != ".upgraded-dump.part .upgraded-dump.part.json" {
			t.Fatalf("after a cut: %v", names)
		}
		f.open(t) // as another process would
	}
	got, err := f.get(t.Context())
	f.wantComplete(t, got, err, data)
	want := []string{"", "bytes=100000-", "bytes=100001-", "bytes=250001-"}
	if fmt.Sprint(o.ranges) != fmt.Sprint(want) {
		t.Errorf("asked for %q, want %q", o.ranges, want)
	}
}

func TestFetchStartsOverWhenTheFileChanged(t *testing.T) {
	o := &origin{data: content(300_000), tag: `"a"`, cuts: []int{100_000}}
	f := fetchFrom(t, o)
	if _, err := f.get(t.Context()); !retry.IsTransient(err) {
		t.Fatal(err)
	}
	o.data, o.tag = bytes.Repeat([]byte("PGDMP!"), 30_000), `"b"`
	got, err := f.get(t.Context())
	f.wantComplete(t, got, err, o.data)
}

func TestFetchStartsOverForAnotherURL(t *testing.T) {
	o := &origin{data: content(300_000), tag: `"a"`, cuts: []int{100_000}}
	f := fetchFrom(t, o)
	if _, err := f.get(t.Context()); !retry.IsTransient(err) {
		t.Fatal(err)
	}
	f.url += "/of-another-request"
	got, err := f.get(t.Context())
	f.wantComplete(t, got, err, o.data)
	if o.ranges[1] != "" {
		t.Errorf("asked for %q of another file", o.ranges[1])
	}
}

func TestFetchNeverAppendsWithoutAStrongValidator(t *testing.T) {
	data := content(300_000)
	o := &origin{data: data, tag: `W/"a"`, cuts: []int{100_000}}
	f := fetchFrom(t, o)
	if _, err := f.get(t.Context()); !retry.IsTransient(err) {
		t.Fatal(err)
	}
	if names := f.files(t); len(names) != 0 {
		t.Errorf("kept %v, which cannot be resumed", names)
	}
	got, err := f.get(t.Context())
	f.wantComplete(t, got, err, data)
	if fmt.Sprint(o.ranges) != fmt.Sprint([]string{"", ""}) {
		t.Errorf("asked for %q", o.ranges)
	}
}

// TestFetchDoesNotBelieveTheServer goes through answers to a resumed download.
func TestFetchDoesNotBelieveTheServer(t *testing.T) {
	data := content(1000)
	cases := []struct {
		name    string
		answer  http.HandlerFunc
		recover bool // the next try gets the whole file
	}{
		{"another range", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Range", "bytes 300-999/1000")
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write(data[300:])
		}, true},
		{"another size", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Range", "bytes 400-1999/2000")
			w.WriteHeader(http.StatusPartialContent)
		}, true},
		{"the same range of another file", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", `"b"`)
			w.Header().Set("Content-Range", "bytes 400-999/1000")
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write(make([]byte, 600))
		}, true},
		{"the same range of a file without a tag", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Range", "bytes 400-999/1000")
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write(make([]byte, 600))
		}, true},
		{"more than the range", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", `"a"`)
			w.Header().Set("Content-Range", "bytes 400-999/1000")
			w.WriteHeader(http.StatusPartialContent)
			for {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil { // chunked, and without an end
					return
				}
			}
		}, true},
		{"no range", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write(data[400:])
		}, true},
		{"not satisfiable", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
		}, true},
		{"unavailable", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }, true},
		{"gone", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusGone) }, false},
		{"compressed", func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Encoding", "gzip") }, false},
		{"no length", func(w http.ResponseWriter, r *http.Request) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			_, _ = conn.Write([]byte("HTTP/1.0 200 OK\r\n\r\nPGDMP"))
			_ = conn.Close()
		}, false},
		{"redirect away", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://elsewhere.example/x", http.StatusFound)
		}, false},
		{"redirect to another port", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/x", http.StatusFound)
		}, false},
		{"redirect in circles", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			o := &origin{data: data, tag: `"a"`, cuts: []int{400}}
			f := fetchFrom(t, o)
			if _, err := f.get(t.Context()); !retry.IsTransient(err) {
				t.Fatal(err)
			}
			o.handler = c.answer
			_, err := f.get(t.Context())
			if err == nil || retry.IsTransient(err) != c.recover || strings.Contains(err.Error(), "Aw7") {
				t.Fatalf("error %v, transient %t", err, retry.IsTransient(err))
			}
			if !c.recover {
				if names := f.files(t); len(names) != 0 {
					t.Errorf("left behind: %v", names)
				}
				return
			}
			o.handler = nil
			got, err := f.get(t.Context())
			f.wantComplete(t, got, err, data)
		})
	}
}

// TestFetchTakesNoPageForADatabase has answers with HTTP 200 that are none.
func TestFetchTakesNoPageForADatabase(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"a login page": func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte("<!DOCTYPE html><html>sign in</html>"))
		},
		"a page by another type": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/octet-stream")
			_, _ = w.Write([]byte("<html>sign in</html>"))
		},
		"a refusal": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"failures": [{"message": "no"}]}`))
		},
		"nothing": func(w http.ResponseWriter, r *http.Request) {},
	} {
		f := fetchFrom(t, &origin{handler: answer})
		passes := name == "a login page" || name == "a refusal" // a proxy's, in the place of a platform that was there
		if got, err := f.get(t.Context()); err == nil || retry.IsTransient(err) != passes {
			t.Errorf("%s: complete as %+v (%v)", name, got, err)
		}
		if names := f.files(t); len(names) != 0 {
			t.Errorf("%s: left behind %v", name, names)
		}
	}
}

// TestFetchFromAnotherInItsPlace has a proxy respond in the place of a platform, which passes, and
// a platform that says that the file is gone.
func TestFetchFromAnotherInItsPlace(t *testing.T) {
	for code, passes := range map[int]bool{
		401: true, 403: true, 408: true, 425: true, 429: true, 500: true, 502: true, 503: true,
		404: false, 407: false, 410: false,
	} {
		f := fetchFrom(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }))
		if _, err := f.get(t.Context()); err == nil || retry.IsTransient(err) != passes {
			t.Errorf("HTTP %d: %v", code, err)
		}
	}
}

func TestFetchTwiceAtOnce(t *testing.T) {
	data := content(300_000)
	f := fetchFrom(t, &origin{data: data, tag: `"a"`})
	got, err := f.getAndTell(t.Context(), func(done, total int64) {
		if _, err := f.get(t.Context()); err == nil || !strings.Contains(err.Error(), "another run") {
			t.Errorf("the second: %v", err)
		}
	})
	f.wantComplete(t, got, err, data)
}

func TestFetchRedirectWithinTheHost(t *testing.T) {
	data := content(1000)
	o := &origin{data: data, tag: `"a"`}
	o.handler = func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Referer") != "" {
			t.Error("the key went along as a referer")
		}
		if !strings.HasSuffix(r.URL.Path, "/node2") {
			http.Redirect(w, r, r.URL.Path+"/node2", http.StatusFound)
			return
		}
		_, _ = w.Write(data)
	}
	f := fetchFrom(t, o)
	got, err := f.get(t.Context())
	f.wantComplete(t, got, err, data)
}

// completePartial has all bytes of a file, which were not given their name yet.
func completePartial(t *testing.T) (*origin, *fixture) {
	t.Helper()
	data := content(1000)
	o := &origin{data: data, tag: `"a"`, cuts: []int{999}}
	f := fetchFrom(t, o)
	if _, err := f.get(t.Context()); !retry.IsTransient(err) {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(f.dir, ".upgraded-dump.part"), data, 0o644); err != nil {
		t.Fatal(err)
	}
	return o, f
}

func TestFetchCompletePartialFile(t *testing.T) {
	o, f := completePartial(t)
	got, err := f.get(t.Context())
	f.wantComplete(t, got, err, o.data)
}

// TestFetchCompletePartialFileOfAnotherFile has all bytes of a file that the platform has
// replaced: a 416 alone does not make it complete.
func TestFetchCompletePartialFileOfAnotherFile(t *testing.T) {
	for name, head := range map[string]map[string]string{
		"another length": {"ETag": `"a"`, "Content-Range": "bytes */900"},
		"another tag":    {"ETag": `"b"`, "Content-Range": "bytes */1000"},
		"no tag":         {"Content-Range": "bytes */1000"},
		"no length":      {"ETag": `"a"`},
	} {
		o, f := completePartial(t)
		o.handler = func(w http.ResponseWriter, r *http.Request) {
			for key, value := range head {
				w.Header().Set(key, value)
			}
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
		}
		if _, err := f.get(t.Context()); !retry.IsTransient(err) {
			t.Errorf("%s: %v", name, err)
		}
		o.handler, o.data, o.tag = nil, content(900), `"b"`
		got, err := f.get(t.Context())
		f.wantComplete(t, got, err, o.data)
	}
}

func TestFetchStopped(t *testing.T) {
	o := &origin{data: content(300_000), tag: `"a"`}
	ctx, cancel := context.WithCancel(t.Context())
	f := fetchFrom(t, o)
	_, err := f.getAndTell(ctx, func(done, total int64) {
		if total != 300_000 {
			t.Errorf("total %d", total)
		}
		cancel()
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	got, err := f.get(t.Context())
	f.wantComplete(t, got, err, o.data)
	if !strings.HasPrefix(o.ranges[1], "bytes=") {
		t.Errorf("did not resume: %q", o.ranges)
	}
}

func TestAllowed(t *testing.T) {
	cases := []struct {
		server, url string
		ok          bool
	}{
		{"https://upgrade.odoo.com", "https://upgrade.odoo.com/x", true},
		{"https://upgrade.odoo.com", "https://UPGRADE.odoo.com:443/x", true},
		{"https://upgrade.odoo.com", "https://eu1.upgrade.odoo.com/x", true},
		{"https://upgrade.odoo.com", "https://odoo.com/x", false},
		{"https://upgrade.odoo.com", "https://evilupgrade.odoo.com/x", false},
		{"https://upgrade.odoo.com", "http://upgrade.odoo.com/x", false},
		{"https://upgrade.odoo.com", "https://upgrade.odoo.com:8443/x", false},
		{"https://upgrade.odoo.com", "https://upgrade.odoo.com.evil.example/x", false},
		{"https://upgrade.odoo.com", "https://upgrade.odoo.com@evil.example/x", false},
		{"https://upgrade.odoo.com", "http://upgrade.odoo.com:443/x", false},
		{"https://upgrade.odoo.com", "file:///etc/passwd", false},
		{"http://127.0.0.1:80", "http://127.0.0.1/x", true},
		{"http://127.0.0.1", "http://9.127.0.0.1/x", false},
	}
	for _, c := range cases {
		h := httpsTo(t, c.server, nil)
		h.folder, _ = workspace.Open("", t.TempDir())
		req, _ := http.NewRequest("GET", c.url, nil)
		if err := h.downloads.allowed(req.URL); (err == nil) != c.ok {
			t.Errorf("%s from %s: %v", c.url, c.server, err)
		}
		if !c.ok {
			if _, _, err := h.fetch(t.Context(), statusWith(c.url), upgrade.UpgradedDump, nil); err == nil {
				t.Errorf("%s was fetched", c.url)
			}
		}
		_ = h.folder.Close()
	}
}

func TestContentRange(t *testing.T) {
	for header, want := range map[string]string{
		"bytes 5-9/10": "5 10 true", "bytes 0-0/1": "0 1 true",
		"bytes 5-9/*": "5 0 false", "bytes */10": "0 10 false", "": "0 0 false", "bytes 5-8/10": "5 10 false", "bytes 9-5/6": "9 6 false",
	} {
		start, total, ok := contentRange(header)
		if got := fmt.Sprint(start, total, ok); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
}
