package requests

import (
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
)

// Engine upgrades what was uploaded.
type Engine interface {
	// Name is a word for the engine, which every response has in its header.
	Name() string
	// About is one sentence on what the engine does, for the sandbox's pages.
	About() string
	// Upgrade writes the upgraded database. What an earlier call left there, which
	// was interrupted, is replaced. It returns ctx's cause when ctx ends.
	Upgrade(context.Context, Work) (Result, error)
}

// Work is what an engine gets.
type Work struct {
	Original string // path of what was uploaded
	Upgraded string // path for the upgraded database
	Filename string // name of the upload, as the request has it
	Target   string // version to upgrade to

	Filestore string    // path of a folder, for files that the upgrade adds
	Log       io.Writer // of the work, for people
}

// Result is what an engine made.
type Result struct {
	Message string // to the customer
	Notes   string // on what the upgrade changed
	Name    string // of the upgraded file, for downloads
}

// Copy is an engine that upgrades nothing: what it hands out is what it was given. As
// upgrades do, it adds a file to the filestore, unless the dump brings its own.
type Copy struct{}

// added is the content of that file.
const added = "This file stands for those that an upgrade adds to the filestore.\n"

// Name implements Engine.
func (Copy) Name() string { return "copy" }

// About implements Engine.
func (Copy) About() string { return "It upgrades nothing." }

// Upgrade implements Engine.
func (Copy) Upgrade(ctx context.Context, w Work) (Result, error) {
	result := Result{
		Message: "This is a sandbox. It upgrades nothing: the upgraded database is the one that was uploaded.",
		Notes:   "The platform describes here what its upgrade has changed. A sandbox changes nothing, so there is nothing to describe.",
		Name:    "upgraded_" + w.Filename,
	}
	_, _ = fmt.Fprintln(w.Log, "Copying the database. It upgrades nothing.")
	if err := os.RemoveAll(w.Upgraded); err != nil { // of a run that was stopped here
		return result, err
	}
	if path.Ext(w.Filename) != ".zip" {
		if err := addFile(w.Filestore, added); err != nil {
			return result, err
		}
	}
	if info, err := os.Stat(w.Original); err == nil && info.IsDir() {
		return result, os.CopyFS(w.Upgraded, os.DirFS(w.Original))
	}
	if os.Link(w.Original, w.Upgraded) == nil {
		return result, nil
	}
	return result, copyFile(ctx, w.Upgraded, w.Original)
}

// addFile adds a file to a filestore, by the name that Odoo gives it.
func addFile(filestore, content string) error {
	name := fmt.Sprintf("%x", sha1.Sum([]byte(content)))
	folder := filepath.Join(filestore, name[:2])
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600)
}

// copyFile writes the file to whole, or not at all.
func copyFile(ctx context.Context, to, from string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = in.Close() })
	_, err = io.Copy(out, in)
	if !stop() {
		err = context.Cause(ctx)
	}
	if err := errors.Join(err, out.Close()); err != nil {
		return errors.Join(err, os.Remove(to+".new"))
	}
	return os.Rename(to+".new", to)
}
