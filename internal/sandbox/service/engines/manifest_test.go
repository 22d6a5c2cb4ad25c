package engines

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"odoo-upgrade-action/internal/dump"
)

// TestNewManifest keeps what it does not know, and writes versions as Odoo does.
func TestNewManifest(t *testing.T) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, _ := z.Create("manifest.json")
	_, _ = w.Write([]byte(`{"odoo_dump": "1", "version": "16.0", "version_info": [16], "pg_version": "14.0", "modules": {"base": "16.0.1.3"}}`))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	archive, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	for version, want := range map[string]string{"15.18 (Debian 15.18-0+deb12u1)": "15.0", "17beta1": "14.0", "9.6.24": "14.0", "": "14.0", "18.0": "18.0"} {
		text, err := newManifest(archive.File[0], dump.Info{Facts: dump.Facts{Series: "17.0", PostgreSQL: version, Modules: []dump.Module{{Name: "base", Version: "17.0.1.3"}}}})
		var got map[string]any
		if err != nil || json.Unmarshal(text, &got) != nil || got["pg_version"] != want || got["version"] != "17.0" || got["odoo_dump"] != "1" || got["version_info"] != nil {
			t.Errorf("%q: %s, %v", version, text, err)
		}
	}
}

// TestAddFiles adds to a backup what an upgrade has made, but no link and nothing twice.
func TestAddFiles(t *testing.T) {
	folder := t.TempDir()
	for name, content := range map[string]string{"ab/new": "new", "ab/old": "other", "checklist/x": "", "z": "top"} {
		path := filepath.Join(folder, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(folder, "ab", "link")); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	if err := errors.Join(addFiles(t.Context(), z, folder, map[string]bool{"filestore/ab/old": true}), addFiles(t.Context(), z, folder+"/nothing", nil), z.Close()); err != nil {
		t.Fatal(err)
	}
	made, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range made.File {
		names = append(names, f.Name)
	}
	if want := []string{"filestore/ab/new", "filestore/checklist/x", "filestore/z"}; !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
}
