package engines

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/sandbox/engine"
	"odoo-upgrade-action/internal/sandbox/plain"
	"odoo-upgrade-action/internal/sandbox/program"
	"odoo-upgrade-action/internal/sandbox/requests"
)

// formats are pg_dump's names of the kinds.
var formats = map[dump.Kind]string{dump.SQL: "plain", dump.Custom: "custom", dump.Tar: "tar", dump.Directory: "directory"}

// dump dumps the database as what the upload was, whole or not at all.
func (d *scratch) dump(ctx context.Context, w requests.Work) error {
	_, _ = fmt.Fprintln(w.Log, "Dumping the database.")
	if err := os.RemoveAll(w.Upgraded); err != nil { // of a call that was interrupted
		return err
	}
	if w.Dump.Kind == dump.OdooZip {
		return d.dumpZip(ctx, w)
	}
	format, ok := formats[w.Dump.Kind]
	if !ok {
		return fmt.Errorf("cannot dump a database as %s", w.Dump.Kind)
	}
	made := filepath.Join(w.Folder, "dump") // in the same file system
	if err := d.dumpTo(ctx, w, format, made); err != nil {
		return err
	}
	if w.Dump.Wrapper == "" {
		return os.Rename(made, w.Upgraded)
	}
	return engine.WriteFile(w.Upgraded, func(out io.Writer) error {
		compressed := w.Dump.Wrapper.Writer(out)
		return errors.Join(engine.CopyTo(ctx, compressed, made), compressed.Close())
	})
}

func (d *scratch) dumpTo(ctx context.Context, w requests.Work, format, path string) error {
	said := &program.Lines{To: w.Log}
	err := program.Program{
		Args: []string{"pg_dump", "--no-owner", "--no-privileges", "--format=" + format, "--file=" + path, withoutPassword(d.address)},
		Env:  secrets(d.address), Folder: w.Folder, Stdout: said,
	}.Run(ctx)
	said.End()
	if _, failed := program.Status(err); failed {
		return errors.New("dumping the database: " + said.Tail())
	}
	return program.Missing("pg_dump", err)
}

// maxManifest limits what is read of one.
const maxManifest = 1 << 20

// dumpZip makes Odoo's own backup: the SQL and its manifest are new, the filestore is the
// one that came, with the files that the upgrade added.
func (d *scratch) dumpZip(ctx context.Context, w requests.Work) error {
	made := filepath.Join(w.Folder, plain.Member)
	if err := d.dumpTo(ctx, w, "plain", made); err != nil {
		return err
	}
	info, err := dump.Inspect(ctx, made, dump.Options{})
	if err != nil {
		return err
	}
	original, err := zip.OpenReader(w.Original)
	if err != nil {
		return err
	}
	defer original.Close()
	return engine.WriteFile(w.Upgraded, func(out io.Writer) error {
		z := zip.NewWriter(engine.Stoppable{Ctx: ctx, Writer: out})
		there := map[string]bool{}
		for _, member := range original.File {
			there[member.Name] = true
			if err := replaced(ctx, z, member, made, info); err != nil {
				return err
			}
		}
		if err := addFiles(ctx, z, w.Filestore, there); err != nil {
			return err
		}
		return z.Close()
	})
}

// addFiles adds what is in a folder to a backup's filestore, but for what is there.
func addFiles(ctx context.Context, z *zip.Writer, folder string, there map[string]bool) error {
	root, err := os.OpenRoot(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer root.Close()
	return fs.WalkDir(root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		name := "filestore/" + path
		if err != nil || !d.Type().IsRegular() || there[name] {
			return err
		}
		file, err := root.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		to, err := z.Create(name)
		if err != nil {
			return err
		}
		_, err = io.Copy(engine.Stoppable{Ctx: ctx, Writer: to}, file)
		return err
	})
}

// replaced writes a member of a backup: the SQL and the manifest of the upgraded database,
// and the others as they were.
func replaced(ctx context.Context, z *zip.Writer, member *zip.File, sql string, info dump.Info) error {
	header := &zip.FileHeader{Name: member.Name, Method: zip.Deflate, Modified: info.ModTime}
	switch member.Name {
	case plain.Member:
		to, err := z.CreateHeader(header)
		if err != nil {
			return err
		}
		return engine.CopyTo(ctx, to, sql)
	case plain.Manifest:
		text, err := newManifest(member, info)
		if err != nil {
			return err
		}
		if text == nil {
			return z.Copy(member) // not ours to mend
		}
		to, err := z.CreateHeader(header)
		if err != nil {
			return err
		}
		_, err = to.Write(text)
		return err
	}
	return z.Copy(member)
}

// newManifest is a backup's manifest with what the upgraded database has, nil for one that
// cannot be read. It keeps what it does not know.
func newManifest(member *zip.File, info dump.Info) ([]byte, error) {
	file, err := member.Open()
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxManifest))
	if err != nil {
		return nil, err
	}
	manifest := map[string]any{}
	if len(text) == maxManifest || json.Unmarshal(text, &manifest) != nil {
		return nil, nil
	}
	modules := map[string]string{}
	for _, m := range info.Modules {
		modules[m.Name] = m.Version
	}
	if info.Series != "" {
		manifest["version"], manifest["major_version"], manifest["modules"] = info.Series, info.Series, modules
		delete(manifest, "version_info") // of the Odoo that made the backup
	}
	if major := info.PostgreSQLMajor(); major >= 10 {
		manifest["pg_version"] = fmt.Sprintf("%d.0", major) // as Odoo writes it
	}
	return json.MarshalIndent(manifest, "", "    ")
}
