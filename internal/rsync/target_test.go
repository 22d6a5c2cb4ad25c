package rsync

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLimits has lists that would make more than a folder may hold, with what is there.
func TestLimits(t *testing.T) {
	many := func(n int, e entry) (list []entry) {
		list = []entry{{name: ".", mode: sentFolder}}
		for i := range n {
			e := e
			e.name = fmt.Sprintf("%05d%s", i, e.name)
			list = append(list, e)
		}
		return list
	}
	for name, test := range map[string]struct {
		list []entry
		says string // "" if it is allowed
	}{
		"what is allowed":        {many(10, entry{size: 50_000, mode: sentFile}), ""},
		"large files":            {many(11, entry{size: 90_000, mode: sentFile}), "bytes would arrive, and only 1000000 are allowed"},
		"a file too many beside": {many(1, entry{size: 910_000, mode: sentFile}), "would arrive, and only 1000000 are allowed"},
		"empty files":            {many(240, entry{mode: sentFile}), "would arrive, and only 1000000 are allowed"},
		"very many empty files":  {many(600, entry{mode: sentFile}), "too many files: 601 files and folders, and only 500 are allowed"},
		"folders":                {many(2, entry{mode: sentFolder}), "in a folder that is not allowed"},
		"files in folders":       {many(2, entry{name: "/x", mode: sentFile}), "in a folder that is not allowed"},
		"the file that is there": {[]entry{{name: ".", mode: sentFolder}, {name: "old", size: 900_000, mode: sentFile}}, ""},
		"files said to be shorter than what is there": {[]entry{{name: ".", mode: sentFolder}, {name: "new", size: 950_000, mode: sentFile}, {name: "old", mode: sentFile}}, "would arrive, and only 1000000 are allowed"},
		"a single file in its place":                  {[]entry{{name: "dump", size: 999_000, mode: sentFile}}, ""},
		"a single file, too large":                    {[]entry{{name: "dump", size: 1_000_001, mode: sentFile}}, "would arrive, and only 1000000 are allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := errors.Join(os.Mkdir(filepath.Join(dir, "original"), 0o700), os.WriteFile(filepath.Join(dir, "original", "old"), make([]byte, 100_000), 0o600)); err != nil {
				t.Fatal(err)
			}
			r := receiver{
				Target: Target{Root: openRoot(t, dir), Name: "original", InPlace: true, Limits: Limits{Bytes: 1_000_000, Entries: 500, Depth: 1}},
				conn:   &conn{protocol: Protocol30}, list: test.list,
			}
			r.single = len(r.list) == 1
			err := r.measure()
			if test.says == "" && err != nil || test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)) {
				t.Errorf("%v, want %q", err, test.says)
			}
		})
	}
}

// TestNamesOfThePeer has names that partial files once had, and that leave no place for an
// ending.
func TestNamesOfThePeer(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	long := strings.Repeat("n", 255)
	for _, name := range []string{"a", ".a.part", "..a.part.part", "partial", ".partial", long} {
		if err := os.WriteFile(filepath.Join(from, name), []byte("content of "+name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	here, there := pair(t)
	done := make(chan error, 1)
	go func() {
		a, err := ParseArgs(PullArgs(Protocol30, "/x"))
		if err == nil {
			var files []File
			if files, err = Local(openRoot(t, from), "."); err == nil {
				_, err = ServeSender(t.Context(), there, a, files, 7)
			}
		}
		done <- err
	}()
	result, _, err := Pull(t.Context(), here, Protocol30, Target{Root: openRoot(t, to), Folder: "arrived", Partial: "partial", Digest: true})
	if err := errors.Join(err, <-done); err != nil {
		t.Fatal(err)
	}
	if len(result.Files) != 6 || result.Skipped != 0 {
		t.Errorf("%d files, %d skipped", len(result.Files), result.Skipped)
	}
	for _, f := range result.Files {
		if text, err := os.ReadFile(filepath.Join(to, "arrived", f.Name)); err != nil || string(text) != "content of "+f.Name {
			t.Errorf("%.20s: %q, %v", f.Name, text, err)
		}
	}
	if left, _ := os.ReadDir(to); len(left) != 1 {
		t.Errorf("left: %v", left)
	}
}

// TestOnly receives one of several items of a list.
func TestOnly(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	for _, name := range []string{"dump.zip", "filestore/ab/x", "filestore.txt", "upgrade.log"} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(from, name)), 0o700), os.WriteFile(filepath.Join(from, name), []byte(name), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	here, there := pair(t)
	go func() {
		a, _ := ParseArgs(PullArgs(Protocol30, "/x"))
		files, _ := Local(openRoot(t, from), ".")
		_, _ = ServeSender(t.Context(), there, a, files, 7)
	}()
	result, _, err := Pull(t.Context(), here, Protocol30, Target{Root: openRoot(t, to), Folder: "arrived", Partial: "partial", Only: "filestore"})
	if err != nil || len(result.Files) != 1 || result.Files[0].Name != "filestore/ab/x" || result.Skipped != 0 {
		t.Errorf("%+v, %v", result, err)
	}
	if left, _ := os.ReadDir(filepath.Join(to, "arrived")); len(left) != 1 {
		t.Errorf("%v", left)
	}
}
