package sandbox

import (
	"archive/zip"
	_ "embed"
	"errors"
	"os"
	"time"
)

// sampleSQL is what PostgreSQL 15's pg_dump made of a small database with some
// of Odoo's tables.
//
//go:embed sample/dump.sql
var sampleSQL []byte

// sampleManifest is the manifest of Odoo's own backup of that database.
const sampleManifest = `{
    "odoo_dump": "1",
    "db_name": "bakery",
    "version": "16.0",
    "version_info": [16, 0, 0, "final", 0, ""],
    "major_version": "16.0",
    "pg_version": "15.0",
    "modules": {"base": "16.0.1.3", "web": "16.0.1.0", "mail": "16.0.1.10", "account": "16.0.1.7", "stock": "16.0.1.5", "bakery_orders": "16.0.2.0.1"}
}
`

// WriteSample writes a backup as Odoo's database manager makes one, of a small
// database.
func WriteSample(path string) (err error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	z := zip.NewWriter(file)
	for _, member := range []struct {
		name    string
		content []byte
	}{
		{"dump.sql", sampleSQL},
		{"manifest.json", []byte(sampleManifest)},
		{"filestore/ee/ee6c2337094e725631ba6cc025c49522a90cf05d", []byte("hello from the filestore\n")},
	} {
		header := &zip.FileHeader{Name: member.name, Method: zip.Deflate, Modified: time.Date(2024, 3, 1, 8, 0, 0, 0, time.UTC)}
		w, err := z.CreateHeader(header)
		if err != nil {
			return err
		}
		if _, err := w.Write(member.content); err != nil {
			return err
		}
	}
	return z.Close()
}
