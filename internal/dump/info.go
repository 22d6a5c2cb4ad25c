// Package dump recognizes a database dump by its content, without restoring it and
// without trusting a byte of it: lengths, counts and ratios are limited, and memory does
// not grow with the file.
//
// Inspect returns all that is known of a file as an Info. Sniff needs only its first
// bytes, and tells less.
package dump

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"odoo-upgrade-action/internal/advice"
	"odoo-upgrade-action/internal/dump/archive"
	"odoo-upgrade-action/internal/dump/stream"
)

// Info is what is known of a dump: the file, what is in it, and whether it can be sent. What
// could not be found out is zero.
type Info struct {
	File
	Facts
	Verdict
}

// Verdict is whether a dump can be sent.
type Verdict struct {
	Problem  *UnusableError // why it cannot be, nil if it can
	Warnings []string       // what is odd in a dump that can be
	Opaque   bool           // it could not be inspected, complete or not: most of Facts is not known

	damaged bool // it ends early, or has what no dump has
}

// UnusableError says that a file exists but is not a dump that could be sent.
type UnusableError struct {
	Path    string
	Problem string
	Do      string // what to do instead, without a capital letter and a period
}

func (e *UnusableError) Error() string { return e.Path + " " + e.Problem }

// Advice implements advice.Adviser.
func (e *UnusableError) Advice() string { return advice.Sentence(e.Do) }

// refuse notes why the dump cannot be sent; the first reason counts.
func (i *Info) refuse(problem, advice string) {
	if i.Problem == nil {
		i.Problem = &UnusableError{i.Path, problem, advice}
	}
}

// warn notes what is odd.
func (i *Info) warn(format string, args ...any) {
	i.Warnings = append(i.Warnings, fmt.Sprintf(format, args...))
}

const createAgain = "create it again, and check that the backup step succeeded"

// broken notes why the dump cannot be sent: what it has or lacks, or that it ends early
// or has what no dump has.
func (i *Info) broken(err error) {
	if r, ok := errors.AsType[*stream.Refusal](err); ok {
		i.refuse(r.Problem, r.Do)
		return
	}
	if version, ok := errors.AsType[*archive.UnknownVersionError](err); ok {
		i.Opaque = true
		i.warn("The dump could not be inspected: %v.", version)
		return
	}
	i.damaged = i.Problem == nil
	if cut, ok := errors.AsType[*stream.TruncatedError](err); ok {
		i.refuse("is truncated "+cut.Where, createAgain)
		return
	}
	i.refuse("is corrupt ("+err.Error()+")", createAgain)
}

// trailing warns of bytes after the end of something, which a restore ignores.
func (i *Info) trailing(n int64, what string) {
	if n > 0 {
		i.warn("There are %d bytes after the end of the %s. A restore ignores them; find out which step added them.", n, what)
	}
}

// take notes what the tables tell. It returns an error if a complete dump of Odoo has
// more.
func (i *Info) take(f *facts) error {
	i.Odoo = f.defined || f.dumped
	i.Series, i.Modules = cmp.Or(f.series, i.Series), f.modules // else as a manifest says
	slices.SortFunc(i.Modules, func(a, b Module) int { return strings.Compare(a.Name, b.Name) })
	i.others, i.Unfinished, i.Extensions = f.others, f.unfinished, f.extensions
	i.contract, i.UUID, i.Neutralized = f.contract, f.uuid, f.neutralized
	return f.check()
}

// odd warns of what is odd in a complete dump.
func (i *Info) odd(f *facts) {
	if f.unread {
		i.warn("The dump is compressed with a window of more than 8 MiB: its modules were not read.")
	}
	if missing := f.missing(); len(missing) > 0 {
		i.warn("The dump uses %s and does not create it: it seems to be made with -n public. A restore fails at what uses it. Make the dump without -n.",
			strings.Join(missing, " and "))
	}
	if f.defined && f.dumped && !f.keys {
		i.warn("The dump has no indexes and no constraints: it seems to be made without its section post-data.")
	}
}
