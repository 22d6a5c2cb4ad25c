package workspace

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestFolderStaysInTheWorkspace(t *testing.T) {
	workspace, outside := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(workspace, "link")); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"..", "../x", "/tmp/x", "link/x", "a/../../x"} {
		if f, err := Open(workspace, bad); err == nil {
			t.Errorf("%s was opened as %s", bad, f.shown)
		}
	}
	if entries, _ := os.ReadDir(outside); len(entries) != 0 {
		t.Error("something was written outside")
	}
	for path, shown := range map[string]string{"a/b": "a/b/x", filepath.Join(workspace, "c"): "c/x", ".": "x"} {
		f, err := Open(workspace, path)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if f.Path("x") != shown {
			t.Errorf("%s is shown as %s", path, f.Path("x"))
		}
		_ = f.Close()
	}
	if _, err := Open(filepath.Join(workspace, "missing"), "a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing workspace: %v", err)
	}
}
