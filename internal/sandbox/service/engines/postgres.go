// Package engines has what a sandbox can upgrade with beside the copying engine:
// Postgres, which runs SQL on a real database, and Command, which runs any program.
//
// Give one to a sandbox's Config. Beside its result, an engine leaves nothing behind when it
// returns: no databases, roles, processes or files. What a killed sandbox left is removed
// when the next one starts with the same data folder.
package engines

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"odoo-upgrade-action/internal/sandbox/engine"
	"odoo-upgrade-action/internal/sandbox/program"
	"odoo-upgrade-action/internal/sandbox/requests"
)

// Postgres is an engine that restores a dump into a scratch database, runs SQL files on it,
// and dumps it again as what it was.
type Postgres struct {
	server *Server
	sql    []string
}

// NewPostgres returns an engine that uses a server and SQL files, in this order; of a
// folder, those that end with .sql, by name. They are read again for each upgrade.
func NewPostgres(server *Server, sql []string) *Postgres {
	absolute := make([]string, len(sql))
	for i, path := range sql {
		absolute[i] = path
		if long, err := filepath.Abs(path); err == nil { // programs work in other folders
			absolute[i] = long
		}
	}
	return &Postgres{server, absolute}
}

// Name implements requests.Engine.
func (*Postgres) Name() string { return "postgres" }

// About implements requests.Engine.
func (*Postgres) About() string {
	return "It restores the dump into PostgreSQL, runs its operator's SQL on it, and dumps it again."
}

// Prepare implements requests.Engine.
func (p *Postgres) Prepare(ctx context.Context, data string, log func(string)) error {
	if _, err := p.files(); err != nil {
		return err
	}
	folder, err := prepareFolder(data)
	if err != nil {
		return err
	}
	return p.server.prepare(ctx, folder, log)
}

// prepareFolder ends the processes that an earlier sandbox left, and returns the folder of
// what belongs to no request.
func prepareFolder(data string) (string, error) {
	data, err := filepath.Abs(data)
	if err != nil {
		return "", err
	}
	program.KillIn(data)
	folder := filepath.Join(data, "engine")
	return folder, os.MkdirAll(folder, 0o700)
}

// files lists the SQL files.
func (p *Postgres) files() ([]string, error) {
	var list []string
	for _, path := range p.sql {
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("reading the SQL files: %w", err)
		}
		if !info.IsDir() {
			list = append(list, path)
			continue
		}
		found, err := filepath.Glob(filepath.Join(escapeGlob(path), "*.sql"))
		if err != nil {
			return nil, err
		}
		slices.Sort(found)
		list = append(list, found...)
	}
	return list, nil
}

func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// Upgrade implements requests.Engine.
func (p *Postgres) Upgrade(ctx context.Context, w requests.Work) (_ requests.Result, err error) {
	files, err := p.files()
	if err != nil {
		return requests.Result{}, err
	}
	d, err := p.server.create(ctx, strconv.Itoa(w.ID), w.Folder)
	if err != nil {
		return requests.Result{}, err
	}
	defer d.server.discard(ctx, d.name)
	if err := d.restore(ctx, w); err != nil {
		return requests.Result{}, err
	}
	for _, file := range files {
		_, _ = fmt.Fprintf(w.Log, "Running %s.\n", filepath.Base(file))
		if err := d.runFile(ctx, w, file); err != nil {
			return requests.Result{}, err
		}
	}
	if err := d.dump(ctx, w); err != nil {
		return requests.Result{}, err
	}
	return requests.Result{
		Message: "The database was upgraded by SQL. This is a sandbox: its operator decides what an upgrade does.",
		Notes:   "SQL that was run: " + strings.Join(names(files), ", "),
		Name:    engine.UpgradedName(w),
	}, nil
}

func names(files []string) []string {
	list := make([]string, len(files))
	for i, file := range files {
		list[i] = filepath.Base(file)
	}
	return list
}

// runFile runs a file of the operator's, which may use psql's commands, and the variables
// source, target, aim and request. What it prints is the request's log.
func (d *scratch) runFile(ctx context.Context, w requests.Work, file string) error {
	said := &program.Lines{To: w.Log}
	err := program.Program{
		Args: []string{
			"psql", "-X", "-q", "-d", withoutPassword(d.address), "-v", "ON_ERROR_STOP=1", "-v", "source=" + w.Dump.Series, "-v", "target=" + w.Target,
			"-v", "aim=" + w.Aim, "-v", "request=" + strconv.Itoa(w.ID), "-f", file,
		},
		Env: secrets(d.address), Folder: w.Folder, Stdout: said, Alone: true,
	}.Run(ctx)
	said.End()
	if _, failed := program.Status(err); failed {
		return &requests.FailedError{Message: filepath.Base(file) + " failed: " + said.Tail()}
	}
	return program.Missing("psql", err)
}
