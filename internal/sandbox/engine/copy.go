// Package engine has the engine of a sandbox that upgrades nothing, and what engines share: files
// that are written whole or not at all.
package engine

import (
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"

	"odoo-upgrade-action/internal/sandbox/requests"
)

// Copy is an engine that upgrades nothing: what it hands out is what it was given. As
// upgrades do, it adds a file to the filestore, unless the dump brings its own.
type Copy struct{}

// added is the content of that file.
const added = "This file stands for those that an upgrade adds to the filestore.\n"

// Name implements requests.Engine.
func (Copy) Name() string { return "copy" }

// About implements requests.Engine.
func (Copy) About() string { return "It upgrades nothing." }

// Prepare implements requests.Engine.
func (Copy) Prepare(context.Context, string, func(string)) error { return nil }

// Upgrade implements requests.Engine.
func (Copy) Upgrade(ctx context.Context, w requests.Work) (requests.Result, error) {
	result := requests.Result{
		Message: "This is a sandbox. It upgrades nothing: the upgraded database is the one that was uploaded.",
		Notes:   "The platform describes here what its upgrade has changed. A sandbox changes nothing, so there is nothing to describe.",
		Name:    UpgradedName(w),
	}
	_, _ = fmt.Fprintln(w.Log, "Copying the database. It upgrades nothing.")
	if err := os.RemoveAll(w.Upgraded); err != nil { // of a run that was stopped here
		return result, err
	}
	if path.Ext(w.Filename) != ".zip" {
		if err := AddFile(w.Filestore, added); err != nil {
			return result, err
		}
	}
	if info, err := os.Stat(w.Original); err == nil && info.IsDir() {
		return result, copyFolder(ctx, w.Upgraded, w.Original)
	}
	if os.Link(w.Original, w.Upgraded) == nil {
		return result, nil
	}
	return result, WriteFile(w.Upgraded, func(out io.Writer) error { return CopyTo(ctx, out, w.Original) })
}

// copyFolder copies the files of a folder, which has nothing else in it, until ctx ends.
func copyFolder(ctx context.Context, to, from string) error {
	entries, err := os.ReadDir(from)
	if err == nil {
		err = os.MkdirAll(to, 0o700)
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		source := filepath.Join(from, entry.Name())
		if err := WriteFile(filepath.Join(to, entry.Name()), func(out io.Writer) error { return CopyTo(ctx, out, source) }); err != nil {
			return err
		}
	}
	return nil
}

// UpgradedName is what an upgraded file is called: "upgraded_" and the name of the upload.
func UpgradedName(w requests.Work) string { return "upgraded_" + w.Filename }

// AddFile adds a file to a filestore, by the name that Odoo gives it.
func AddFile(filestore, content string) error {
	name := fmt.Sprintf("%x", sha1.Sum([]byte(content)))
	folder := filepath.Join(filestore, name[:2])
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600)
}

// WriteFile writes the file to whole, or not at all.
func WriteFile(to string, write func(io.Writer) error) error {
	out, err := os.OpenFile(to+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(write(out), out.Close()); err != nil {
		return errors.Join(err, os.Remove(to+".new"))
	}
	return os.Rename(to+".new", to)
}

// Stoppable is a writer until ctx ends.
type Stoppable struct {
	Ctx context.Context
	io.Writer
}

func (s Stoppable) Write(b []byte) (int, error) {
	if s.Ctx.Err() != nil {
		return 0, context.Cause(s.Ctx)
	}
	return s.Writer.Write(b)
}

// CopyTo copies a file until ctx ends.
func CopyTo(ctx context.Context, out io.Writer, path string) error {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	_, err = io.Copy(Stoppable{ctx, out}, in)
	return err
}
