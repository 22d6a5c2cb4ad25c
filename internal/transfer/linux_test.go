package transfer

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"odoo-upgrade-action/internal/realtest"
	"odoo-upgrade-action/internal/retry"
)

func TestFetchOnAFullDisk(t *testing.T) {
	small := t.TempDir()
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=64k"); err != nil {
		realtest.Skip(t, "no small file system to fill (needs root): "+err.Error())
	}
	t.Cleanup(func() { _ = syscall.Unmount(small, 0) })
	f := fetchFrom(t, &origin{data: content(300_000), tag: `"a"`})
	f.dir = filepath.Join(small, "out")
	f.open(t)
	_, err := f.fetch(t.Context())
	if !errors.Is(err, syscall.ENOSPC) || retry.IsTransient(err) {
		t.Errorf("error %v", err)
	}
	if names := f.files(t); len(names) != 0 {
		t.Errorf("left behind: %v", names)
	}
	_ = f.folder.Close()
}

func TestFolderBelongsToTheWorkspacesOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		realtest.Skip(t, "only root can give files away")
	}
	workspace := t.TempDir()
	if err := os.Chown(workspace, 1001, 121); err != nil {
		t.Fatal(err)
	}
	f := fetchFrom(t, &origin{data: content(10), tag: `"a"`})
	folder, err := OpenFolder(workspace, "a/b")
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	f.folder = folder
	if _, err := f.fetch(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"a", "a/b", "a/b/upgraded-dump.dump"} {
		info, err := os.Stat(filepath.Join(workspace, path))
		if err != nil {
			t.Fatal(err)
		}
		if stat := info.Sys().(*syscall.Stat_t); stat.Uid != 1001 || stat.Gid != 121 {
			t.Errorf("%s belongs to %d:%d", path, stat.Uid, stat.Gid)
		}
	}
}
