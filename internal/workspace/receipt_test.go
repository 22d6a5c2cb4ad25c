package workspace

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"odoo-upgrade-action/internal/advice"
)

// arriveFolder downloads a folder with one file to dir.
func arriveFolder(t *testing.T, dir, content string) error {
	t.Helper()
	folder, err := Open("", dir)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	part, err := folder.BeginFolder("filestore", "source")
	if err != nil {
		return err
	}
	if err := errors.Join(part.Root.MkdirAll(Arrived+"/filestore/ab", 0o700), part.Root.WriteFile(Arrived+"/filestore/ab/x", []byte(content), 0o600)); err != nil {
		t.Fatal(err)
	}
	_, err = part.Commit("filestore", "")
	part.Close(t.Context(), err)
	return err
}

// TestFoldersOfOthers downloads a folder to a name that is taken: only an earlier download
// that is as it was is replaced.
func TestFoldersOfOthers(t *testing.T) {
	for name, test := range map[string]struct {
		before func(t *testing.T, dir string)
		kept   string // a file that has to be there afterwards; "" where it is replaced
	}{
		"nothing":    {func(*testing.T, string) {}, ""},
		"a download": {func(t *testing.T, dir string) { mustArrive(t, dir) }, ""},
		"a file":     {func(t *testing.T, dir string) { put(t, dir, "filestore", "mine") }, "filestore"},
		"a folder":   {func(t *testing.T, dir string) { put(t, dir, "filestore/aa/precious", "mine") }, "filestore/aa/precious"},
		"an empty folder": {func(t *testing.T, dir string) {
			put(t, dir, "filestore/x", "")
			_ = os.Remove(filepath.Join(dir, "filestore/x"))
		}, "filestore"},
		"a file was added": {func(t *testing.T, dir string) { mustArrive(t, dir); put(t, dir, "filestore/ab/y", "mine") }, "filestore/ab/y"},
		"a file was removed": {func(t *testing.T, dir string) {
			mustArrive(t, dir)
			_ = os.Remove(filepath.Join(dir, "filestore/ab/x"))
		}, "filestore/ab"},
		"a file was changed": {func(t *testing.T, dir string) {
			mustArrive(t, dir)
			put(t, dir, "filestore/ab/x", "old!")
			_ = os.Chtimes(filepath.Join(dir, "filestore/ab/x"), time.Time{}, time.Unix(1, 0))
		}, "filestore/ab/x"},
		"another folder since": {func(t *testing.T, dir string) {
			mustArrive(t, dir)
			_ = os.RemoveAll(filepath.Join(dir, "filestore"))
			put(t, dir, "filestore/aa/precious", "mine")
		}, "filestore/aa/precious"},
		"a folder of the partial one's name": {func(t *testing.T, dir string) { put(t, dir, ".filestore.part.d/precious", "mine") }, ".filestore.part.d/precious"},
		"a folder of the note's name":        {func(t *testing.T, dir string) { put(t, dir, ".filestore.part.d.json/precious", "mine") }, ".filestore.part.d.json/precious"},
		"a folder of the receipt's name":     {func(t *testing.T, dir string) { put(t, dir, ".filestore.received/precious", "mine") }, ".filestore.received/precious"},
		"a link to a folder": {func(t *testing.T, dir string) {
			put(t, dir, "data/precious", "mine")
			_ = os.Symlink("data", filepath.Join(dir, "filestore"))
		}, "filestore/precious"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			test.before(t, dir)
			err := arriveFolder(t, dir, "new")
			if test.kept == "" {
				if text, readErr := os.ReadFile(filepath.Join(dir, "filestore/ab/x")); err != nil || readErr != nil || string(text) != "new" {
					t.Errorf("%v, %v: %q", err, readErr, text)
				}
				return
			}
			if err == nil || !strings.Contains(advice.Of(err), "Move it away") {
				t.Errorf("error %v", err)
			}
			if _, err := os.Stat(filepath.Join(dir, test.kept)); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestIsFree says before a download whether its name is taken, by whatever extension it gets.
func TestIsFree(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"filestore.old/x", "log/x", "notes.html/x", "upgraded-dump.dir/x", "upgraded-sql.old.bak/x"} {
		put(t, dir, name, "mine")
	}
	folder, err := Open("", dir)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	for name, free := range map[string]bool{"filestore": true, "log": true, "notes": false, "upgraded-dump": false, "upgraded-sql": true} {
		if err := folder.IsFree(name, name == "filestore"); (err == nil) != free {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFolderThatAppears has a folder appear while a download is arriving: neither is lost.
func TestFolderThatAppears(t *testing.T) {
	dir := t.TempDir()
	folder, err := Open("", dir)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	part, err := folder.BeginFolder("filestore", "source")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(part.Root.MkdirAll(Arrived+"/filestore", 0o700), part.Root.WriteFile(Arrived+"/filestore/x", []byte("new"), 0o600)); err != nil {
		t.Fatal(err)
	}
	put(t, dir, "filestore/precious", "mine")
	_, err = part.Commit("filestore", "")
	part.Close(t.Context(), err)
	if err == nil || !strings.Contains(err.Error(), "is complete, but cannot get its name") {
		t.Errorf("error %v", err)
	}
	for _, path := range []string{"filestore/precious", ".filestore.part.d/" + Arrived + "/filestore/x"} {
		if _, err := os.Stat(filepath.Join(dir, path)); err != nil {
			t.Error(err)
		}
	}
}

func mustArrive(t *testing.T, dir string) {
	t.Helper()
	if err := arriveFolder(t, dir, "old!"); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}
