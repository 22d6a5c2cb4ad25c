package engines

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/sandbox/engine"
	"odoo-upgrade-action/internal/sandbox/program"
	"odoo-upgrade-action/internal/sandbox/requests"
)

// againStatus is a command's exit status for "try again" (sysexits.h, EX_TEMPFAIL).
const againStatus = 75

// Command is an engine that runs a program of its operator's.
//
// The program finds what it needs in its environment: UPGRADE_ORIGINAL and UPGRADE_RESULT
// are the paths of what was uploaded and of what it has to make; UPGRADE_SOURCE and
// UPGRADE_TARGET are versions of Odoo, the first empty where it is not known;
// UPGRADE_KIND says what was uploaded (custom, sql.gz, odoo-zip and the like), and
// UPGRADE_AIM is test or production; UPGRADE_FILESTORE is a folder for files that the
// upgrade adds; with a server, UPGRADE_DATABASE is a database that is dropped when the
// program ends, and PGHOST, PGUSER and the like lead to it: an empty one, or one with the dump
// restored, which is dumped again when the program has written no result. It works in an
// empty folder, UPGRADE_FOLDER, which is removed afterwards and is TMPDIR, too.
//
// What it prints is the request's log. With exit status 0 the upgrade is done, with 75 it is
// tried again later, with any other it has failed, and the last lines are the message.
type Command struct {
	args     []string
	server   *Server
	restores bool
}

// NewCommand returns an engine that runs a program with its arguments. server may be nil;
// restores says whether the program finds the dump in the database.
func NewCommand(args []string, server *Server, restores bool) *Command {
	return &Command{args, server, restores}
}

// Name implements requests.Engine.
func (*Command) Name() string { return "command" }

// About implements requests.Engine.
func (*Command) About() string { return "It upgrades with a program of its operator's." }

// Prepare implements requests.Engine.
func (c *Command) Prepare(ctx context.Context, data string, log func(string)) error {
	path, err := exec.LookPath(c.args[0])
	if err == nil {
		path, err = filepath.Abs(path) // it works in other folders
	}
	if err != nil {
		return fmt.Errorf("the command of the engine cannot be run: %w", err)
	}
	c.args[0] = path
	folder, err := prepareFolder(data)
	if err != nil || c.server == nil {
		return err
	}
	return c.server.prepare(ctx, folder, log)
}

// Upgrade implements requests.Engine.
func (c *Command) Upgrade(ctx context.Context, w requests.Work) (_ requests.Result, err error) {
	if err := errors.Join(os.RemoveAll(w.Upgraded), os.MkdirAll(w.Filestore, 0o700)); err != nil {
		return requests.Result{}, err
	}
	made := filepath.Join(w.Folder, "result")
	work := filepath.Join(w.Folder, "work")
	if err := os.Mkdir(work, 0o700); err != nil {
		return requests.Result{}, err
	}
	env := []string{
		"UPGRADE_ORIGINAL=" + w.Original, "UPGRADE_RESULT=" + made, "UPGRADE_SOURCE=" + w.Dump.Series, "UPGRADE_TARGET=" + w.Target,
		"UPGRADE_AIM=" + w.Aim, "UPGRADE_KIND=" + w.Dump.Form.String(), "UPGRADE_FILESTORE=" + w.Filestore, "UPGRADE_REQUEST=" + strconv.Itoa(w.ID),
		"TMPDIR=" + work,
	}
	var d *scratch
	if c.server != nil {
		if d, err = c.server.create(ctx, strconv.Itoa(w.ID), w.Folder); err != nil {
			return requests.Result{}, err
		}
		defer d.server.discard(ctx, d.name)
		env = append(env, d.variables()...)
	}
	if c.restores {
		if err := d.restore(ctx, w); err != nil {
			return requests.Result{}, err
		}
	}
	if err := c.run(ctx, w, work, env); err != nil {
		return requests.Result{}, err
	}
	if _, err := os.Lstat(made); c.restores && errors.Is(err, fs.ErrNotExist) {
		return done(w), d.dump(ctx, w)
	}
	return done(w), c.take(w, made)
}

// run runs the program, and makes its exit status an error.
func (c *Command) run(ctx context.Context, w requests.Work, folder string, env []string) error {
	said := &program.Lines{To: w.Log}
	err := program.Program{Args: c.args, Env: env, Folder: folder, Stdout: said, Alone: true}.Run(ctx)
	said.End()
	code, ended := program.Status(err)
	switch {
	case ended && code == againStatus:
		return &requests.AgainError{Err: errors.New(cmp.Or(said.Tail(), "the command asks to try again later"))}
	case ended:
		return &requests.FailedError{Message: cmp.Or(said.Tail(), fmt.Sprintf("The command ended with status %d and said nothing.", code))}
	case err != nil:
		return fmt.Errorf("running the command: %w", err)
	}
	return nil
}

// take moves what a program made to its place.
func (c *Command) take(w requests.Work, made string) error {
	info, err := os.Lstat(made)
	if err != nil || !info.IsDir() && (!info.Mode().IsRegular() || info.Size() == 0) {
		return errors.New("the command ended with status 0 but wrote no database to UPGRADE_RESULT")
	}
	if info.IsDir() && w.Dump.Kind != dump.Directory {
		return errors.New("the command wrote a folder to UPGRADE_RESULT, but the dump was a file")
	}
	return os.Rename(made, w.Upgraded)
}

func done(w requests.Work) requests.Result {
	return requests.Result{
		Message: "The database was upgraded. This is a sandbox: its operator decides what an upgrade does.",
		Notes:   "The log of the upgrade tells what was done.",
		Name:    engine.UpgradedName(w),
	}
}
