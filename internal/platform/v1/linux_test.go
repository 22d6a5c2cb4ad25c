package v1

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"odoo-upgrade-action/internal/realtest"
	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/workspace"
)

func TestFetchOnAFullDisk(t *testing.T) {
	small := t.TempDir()
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=64k"); err != nil {
		realtest.Skip(t, "no small file system to fill (needs root): "+err.Error())
	}
	t.Cleanup(func() { _ = syscall.Unmount(small, 0) })
	f := fetchFrom(t, &origin{handler: func(w http.ResponseWriter, _ *http.Request) {
		w.(http.Flusher).Flush() // its length is not told
		_, _ = w.Write(content(300_000))
	}})
	f.dir = filepath.Join(small, "out")
	f.open(t)
	_, err := f.get(t.Context())
	if !errors.Is(err, syscall.ENOSPC) || retry.IsTransient(err) {
		t.Errorf("error %v", err)
	}
	if names := f.files(t); len(names) != 0 {
		t.Errorf("left behind: %v", names)
	}
	_ = f.folder.Close()
}

func TestFetchThatDoesNotFit(t *testing.T) {
	small := t.TempDir()
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=512k"); err != nil {
		realtest.Skip(t, "no small file system to fill (needs root): "+err.Error())
	}
	t.Cleanup(func() { _ = syscall.Unmount(small, 0) })
	data := content(300_000)
	o := &origin{data: data, tag: `"a"`}
	f := fetchFrom(t, o)
	f.dir = filepath.Join(small, "out")
	f.open(t)
	ballast := filepath.Join(small, "ballast")
	fails := func(left string) {
		t.Helper()
		_, err := f.get(t.Context())
		if no, ok := errors.AsType[*workspace.NoSpaceError](err); !ok || retry.IsTransient(err) || no.Free >= no.Needs {
			t.Errorf("error %v", err)
		}
		if names := strings.Join(f.files(t), " "); names != left {
			t.Errorf("left behind: %s", names)
		}
	}
	occupy := func(n int) {
		t.Helper()
		if err := os.WriteFile(ballast, make([]byte, n), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	occupy(400_000)
	fails("")
	_ = os.Remove(ballast)
	o.cuts = []int{100_000}
	if _, err := f.get(t.Context()); !retry.IsTransient(err) {
		t.Fatal(err)
	}
	occupy(300_000)
	fails(".upgraded-dump.part .upgraded-dump.part.json")
	_ = os.Remove(ballast)
	got, err := f.get(t.Context())
	f.wantComplete(t, got, err, data)
	_ = f.folder.Close()
}

func TestFolderBelongsToTheWorkspacesOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		realtest.Skip(t, "only root can give files away")
	}
	owned := t.TempDir()
	if err := os.Chown(owned, 1001, 121); err != nil {
		t.Fatal(err)
	}
	f := fetchFrom(t, &origin{data: content(10), tag: `"a"`})
	folder, err := workspace.Open(owned, "a/b")
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	f.folder = folder
	if _, err := f.get(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"a", "a/b", "a/b/upgraded-dump.dump"} {
		info, err := os.Stat(filepath.Join(owned, path))
		if err != nil {
			t.Fatal(err)
		}
		if stat := info.Sys().(*syscall.Stat_t); stat.Uid != 1001 || stat.Gid != 121 {
			t.Errorf("%s belongs to %d:%d", path, stat.Uid, stat.Gid)
		}
	}
}
