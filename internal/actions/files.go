package actions

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"odoo-upgrade-action/internal/advice"
)

// Output sets a step output at once: the runner reads the file even when the
// step is killed later. Without GITHUB_OUTPUT it does nothing. The value is made one
// harmless line: a later step may print it. One that could set other outputs is refused.
func (r *Runner) Output(name, value string) error {
	value = strings.ToValidUTF8(value, "\uFFFD")
	for line := range strings.FieldsFuncSeq(value, func(c rune) bool { return c == '\r' || c == '\n' }) {
		// The delimiter of go-githubactions is a constant that any text can contain.
		if strings.TrimSpace(line) == "_GitHubActionsFileCommandDelimeter_" {
			return fmt.Errorf("output %s holds the line that ends an output: not written", name)
		}
	}
	value = Line(value)
	err := r.toFile("GITHUB_OUTPUT", func() { r.gha.SetOutput(name, value) })
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed == nil {
		r.failed = err
	}
	return err
}

// OutputError returns the first error of writing an output: later steps would not see
// it.
func (r *Runner) OutputError() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

// probe is more than all outputs of a run take, about.
const probe = 64 << 10

// CheckOutputs returns an error if outputs could not be written, for want of space
// as well, so that it is known before there is something to hand on.
func (r *Runner) CheckOutputs() error {
	path := r.getenv("GITHUB_OUTPUT")
	if path == "" {
		return nil
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return unwritable(err)
	}
	info, err := file.Stat()
	if err := errors.Join(err, file.Close()); err != nil {
		return unwritable(err)
	}
	if !info.Mode().IsRegular() {
		return nil
	}
	return hasSpace(path)
}

// hasSpace writes as much as outputs take to a file of its own beside the outputs: others
// may append to those at the same time.
func hasSpace(path string) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".odoo-upgrade-space-*")
	if errors.Is(err, fs.ErrPermission) {
		return nil // the outputs' file is writable, its folder is not
	}
	if err == nil {
		_, err = file.Write(make([]byte, probe))
		err = errors.Join(err, file.Close(), os.Remove(file.Name()))
	}
	if err != nil {
		return unwritable(err)
	}
	return nil
}

// Summary appends markdown to the job summary, without secrets and cut to what
// the runner takes. Without GITHUB_STEP_SUMMARY it does nothing.
func (r *Runner) Summary(markdown string) error {
	markdown = cut(r.Redact(markdown), maxSummary)
	return r.toFile("GITHUB_STEP_SUMMARY", func() { r.gha.AddStepSummary(markdown) })
}

// toFile runs write if the environment names the file, and turns
// go-githubactions' panic into an error.
func (r *Runner) toFile(variable string, write func()) (err error) {
	if r.getenv(variable) == "" {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	defer func() {
		if p := recover(); p != nil {
			cause, ok := p.(error)
			if !ok {
				panic(p)
			}
			err = fmt.Errorf("writing the file that %s names: %w", variable, errors.Unwrap(cause))
		}
	}()
	write()
	return nil
}

// Mounted says what to do where the runner's files are not there.
const Mounted = "Where the runner itself is a container, mount its work folder there under the path that it has on the Docker host."

func unwritable(err error) error {
	do := ""
	if errors.Is(err, fs.ErrNotExist) {
		do = "The runner has set GITHUB_OUTPUT to a file that is not there. " + Mounted
	}
	return advice.Give(fmt.Errorf("the outputs cannot be written: %w", err), do)
}
