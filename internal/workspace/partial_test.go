//go:build unix

package workspace

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPartialFilesAreOurOwn has something else by the partial file's name: what is written
// must not go there.
func TestPartialFilesAreOurOwn(t *testing.T) {
	for name, make := range map[string]func(precious, part string) error{
		"a symbolic link": func(precious, part string) error { return os.Symlink(filepath.Base(precious), part) },
		"a second name":   os.Link,
	} {
		for _, own := range []string{".upgraded-dump.part", ".upgraded-dump.part.json"} {
			dir := t.TempDir()
			precious := filepath.Join(dir, "db.dump")
			if err := os.WriteFile(precious, []byte("precious"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := make(precious, filepath.Join(dir, own)); err != nil {
				t.Fatal(err)
			}
			folder, err := Open("", dir)
			if err != nil {
				t.Fatal(err)
			}
			part, err := folder.Begin(t.Context(), "upgraded-dump", "source")
			if err == nil {
				err = part.Start("validator", 3)
			}
			if err == nil {
				_, err = part.Write([]byte("new"))
			}
			if err == nil {
				_, err = part.Commit(".dump")
			}
			if text, _ := os.ReadFile(precious); err != nil || string(text) != "precious" {
				t.Errorf("%s as %s: %q, %v", name, own, text, err)
			}
			part.Close(t.Context(), nil)
			_ = folder.Close()
		}
	}
}

// TestFolderInTheWay has a folder where the file is to go.
func TestFolderInTheWay(t *testing.T) {
	dir := t.TempDir()
	folder, err := Open("", dir)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	part, err := folder.Begin(t.Context(), "upgraded-dump", "source")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := part.Write([]byte("new")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "upgraded-dump.dump"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err = part.Commit(".dump")
	part.Close(t.Context(), err)
	kept, _ := os.ReadFile(filepath.Join(dir, ".upgraded-dump.part"))
	if err == nil || !strings.Contains(err.Error(), "is complete, but cannot get its name") || string(kept) != "new" {
		t.Errorf("%v; kept %q", err, kept)
	}
	if _, err := folder.Begin(t.Context(), "upgraded-dump", "source"); err == nil || !strings.Contains(err.Error(), "there is a folder") {
		t.Errorf("begun again: %v", err)
	}
}

// TestFolderByAHiddenName has a folder of the user's where a file arrives, or its note is.
func TestFolderByAHiddenName(t *testing.T) {
	for _, name := range []string{".upgraded-dump.part", ".upgraded-dump.part.json"} {
		dir := t.TempDir()
		precious := filepath.Join(dir, name, "precious")
		if err := errors.Join(os.Mkdir(filepath.Dir(precious), 0o700), os.WriteFile(precious, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
		folder, err := Open("", dir)
		if err != nil {
			t.Fatal(err)
		}
		defer folder.Close()
		if _, err := folder.Begin(t.Context(), "upgraded-dump", "source"); err == nil || !strings.Contains(err.Error(), "where this program has a file") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(precious); err != nil {
			t.Error(err)
		}
	}
}

// TestOneRunAtATime begins what another run has, a file and a folder, and what it has just
// completed.
func TestOneRunAtATime(t *testing.T) {
	for name, begin := range map[string]func(*Folder) (func(), error){
		"file": func(f *Folder) (func(), error) {
			p, err := f.Begin(t.Context(), "x", "source")
			return func() { p.Close(t.Context(), nil) }, err
		},
		"folder": func(f *Folder) (func(), error) {
			p, err := f.BeginFolder("x", "source")
			return func() { p.Close(t.Context(), nil) }, err
		},
	} {
		folder, err := Open("", t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer folder.Close()
		end, err := begin(folder)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := begin(folder); err == nil || !strings.Contains(err.Error(), "another run is downloading x") {
			t.Errorf("%s: %v", name, err)
		}
		end()
		if end, err = begin(folder); err != nil {
			t.Errorf("%s, afterwards: %v", name, err)
			continue
		}
		end()
	}
}
