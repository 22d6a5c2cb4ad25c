package workspace

import (
	"errors"
	"syscall"
	"testing"

	"odoo-upgrade-action/internal/realtest"
)

func TestFolderInWhichNothingCanBeMade(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_RDONLY, ""); err != nil {
		realtest.Skip(t, "no file system that is read-only (needs root): "+err.Error())
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, 0) })
	if _, err := Open("", dir); !errors.Is(err, syscall.EROFS) {
		t.Errorf("error %v", err)
	}
}
