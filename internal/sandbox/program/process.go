// Package program runs other programs to their end, for a sandbox: what they start ends with
// them, their output is bounded, and what handles a stranger's data can read nothing else.
//
// A Program's method Run runs it; Lines takes what it prints; Status tells its exit status from
// other errors.
package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"odoo-upgrade-action/internal/confine"
)

// FolderVariable marks every process of an engine with the folder that it works in, so that
// those of a sandbox that was killed can be found.
const FolderVariable = "UPGRADE_FOLDER"

// stopTime is how long a program may take to end once it was asked to.
const stopTime = 3 * time.Second

// Program is a program to run.
type Program struct {
	Args   []string
	Env    []string // in addition to ours
	Folder string   // where it works
	Stdin  io.Reader
	Stdout io.Writer // also gets standard error where Stderr is nil
	Stderr io.Writer
	Alone  bool     // nothing else works in the folder: what is left there afterwards is killed, too
	Reads  []string // it handles a stranger's data, and can read these paths alone; nil: it can read what this process can
}

// Run runs a program to its end, and ends all that it started. Where ctx ends, so does
// the program: it is asked to, and killed if it takes too long. Errors are an
// *exec.ExitError, ctx's cause, or those of starting it.
func (p Program) Run(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	command := exec.CommandContext(ctx, p.Args[0], p.Args[1:]...)
	command.Dir, command.Env = p.Folder, append(environment(), append(p.Env, FolderVariable+"="+p.Folder)...)
	own(command)
	command.Cancel = func() error { return terminate(command.Process) }
	command.WaitDelay = stopTime
	output, done, err := p.outputs(command)
	if err != nil {
		return err
	}
	input, err := p.input(command)
	if err == nil {
		err = p.start(command)
	}
	if err != nil {
		closeAll(output)
		done()
		return err
	}
	closeAll(output)
	fed := make(chan error, 1)
	go func() { fed <- input() }()
	err = command.Wait()
	killGroup(command.Process)
	if p.Alone {
		KillIn(p.Folder)
	}
	done()
	readError := <-fed
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return errors.Join(readError, err)
}

func (p Program) start(command *exec.Cmd) error {
	if p.Reads == nil {
		return command.Start()
	}
	return confine.Start(command, p.Reads...)
}

// outputs connects a program with pipes: unlike those of package exec, they are read until
// all that it started has ended, and done waits for that; but, for a program that works
// alone, not for long: what it started may have escaped. The caller closes the program's
// ends once it runs.
func (p Program) outputs(command *exec.Cmd) (ends []*os.File, done func(), err error) {
	var (
		reading []chan struct{}
		readers []*os.File
	)
	pipe := func(to io.Writer) (*os.File, error) {
		reader, writer, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		over := make(chan struct{})
		go func() {
			defer close(over)
			_, _ = io.Copy(to, reader)
			_, _ = io.Copy(io.Discard, reader) // a writer that fails must not stop the program
			_ = reader.Close()
		}()
		reading, readers, ends = append(reading, over), append(readers, reader), append(ends, writer)
		return writer, nil
	}
	done = func() {
		if p.Alone {
			defer time.AfterFunc(stopTime, func() {
				for _, reader := range readers {
					_ = reader.SetReadDeadline(time.Now())
				}
			}).Stop()
		}
		for _, over := range reading {
			<-over
		}
	}
	out, err := pipe(p.Stdout)
	if err != nil {
		return nil, done, err
	}
	command.Stdout, command.Stderr = out, out
	if p.Stderr != nil {
		errors, err := pipe(p.Stderr)
		if err != nil {
			closeAll(ends)
			done()
			return nil, done, err
		}
		command.Stderr = errors
	}
	return ends, done, nil
}

// input returns what writes a program's standard input. A program that ends before it has
// read everything is not an error of reading.
func (p Program) input(command *exec.Cmd) (func() error, error) {
	if p.Stdin == nil {
		return func() error { return nil }, nil
	}
	to, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	return func() error {
		defer to.Close()
		from := &readErrors{from: p.Stdin}
		_, _ = io.Copy(to, from)
		return from.err
	}, nil
}

// readErrors keeps an error of reading apart from those of writing.
type readErrors struct {
	from io.Reader
	err  error
}

func (r *readErrors) Read(b []byte) (int, error) {
	n, err := r.from.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}

func closeAll(files []*os.File) {
	for _, file := range files {
		_ = file.Close()
	}
}

// environment is what a program sees of ours: nothing of the sandbox's own settings, which
// hold passwords, and none of libpq's, which would lead elsewhere than database-url.
func environment() (list []string) {
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "ODOO_UPGRADE_") && !strings.HasPrefix(entry, "PG") && !strings.HasPrefix(entry, FolderVariable+"=") {
			list = append(list, entry)
		}
	}
	return list
}

// Status returns a program's exit status, if that is what the error is about.
func Status(err error) (code int, ok bool) {
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() < 0 {
		return 0, false
	}
	return exit.ExitCode(), true
}

// Missing words the error of a program that is not installed.
func Missing(name string, err error) error {
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("%s is not installed, or not in PATH: install PostgreSQL's client programs", name)
	}
	return err
}
