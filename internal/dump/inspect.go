package dump

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"odoo-upgrade-action/internal/dump/archive"
	"odoo-upgrade-action/internal/dump/script"
	"odoo-upgrade-action/internal/dump/stream"
	"odoo-upgrade-action/internal/dump/zip"
)

// Options say how much is to be found out.
type Options struct {
	// Digest wants the SHA-256 even of a file that need not be read whole. The
	// file is then read once from its first byte to its last.
	Digest bool
}

// Inspect says what the file at path is. A file that is not a complete dump is not an
// error: Info.Problem says what is wrong with it. The errors are those of reading it,
// like *fs.PathError, and ctx's cause.
func Inspect(ctx context.Context, path string, o Options) (Info, error) {
	i, file, err := open(path)
	if err == nil && i.Kind == Directory {
		return i, inspectFolder(ctx, &i, o)
	}
	if err != nil || file == nil {
		return i, err
	}
	defer file.Close()
	s := &stream.Source{File: file, Ctx: ctx, Size: i.Size}
	if err := i.inspect(s, o); err != nil {
		return i, err
	}
	if err := i.diagnose(s); err != nil {
		return i, err
	}
	i.checkPart()
	i.checkName()
	if err := i.Unchanged(); err != nil {
		if i.Problem, _ = errors.AsType[*UnusableError](err); i.Problem == nil {
			return i, err
		}
	}
	return i, nil
}

// open opens a regular file; for anything else it fills in the problem and
// returns no file.
func open(path string) (Info, *os.File, error) {
	stat, err := os.Stat(path) // before opening: a pipe would block
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		return Info{}, nil, &fs.PathError{Op: "open", Path: path, Err: failed.Err}
	}
	if err != nil {
		return Info{}, nil, err
	}
	i := Info{
		File:  File{Path: path, Name: filepath.Base(path), Size: stat.Size(), ModTime: stat.ModTime(), stat: stat},
		Facts: Facts{Form: Form{Kind: Unknown}},
	}
	switch {
	case stat.IsDir():
		i.Size = 0
		if _, err := os.Stat(filepath.Join(path, archive.TOC)); err == nil {
			i.Kind = Directory
			return i, nil, nil
		}
		if name := onlyDump(path); name != "" {
			i.refuse("is a folder, and the dump is in it: "+quoteName(name), "give the path of that file")
		}
		i.refuse("is a folder without toc.dat", "give the path of a dump; pg_dump -Fc writes one file, pg_dump -Fd a folder with toc.dat")
		return i, nil, nil
	case !stat.Mode().IsRegular():
		i.refuse("is not a regular file", "write the dump to a file first")
		return i, nil, nil
	case stat.Size() == 0:
		i.Kind = Empty
		i.refuse("is empty", stepFailed)
		return i, nil, nil
	}
	file, err := os.Open(path)
	if err == nil {
		i.stat, err = file.Stat() // it may have been replaced just now
	}
	if err == nil {
		i.Size, i.ModTime = i.stat.Size(), i.stat.ModTime()
	}
	return i, file, err
}

// hashed reads the file once, forward only, and keeps the digest of what passed.
type hashed struct {
	in     io.Reader
	digest hash.Hash
}

func (h *hashed) Read(p []byte) (int, error) {
	n, err := h.in.Read(p)
	h.digest.Write(p[:n])
	return n, err
}

// finish reads what is left and returns the digest of all.
func (h *hashed) finish() (digest string, err error) {
	if _, err := io.CopyBuffer(struct{ io.Writer }{h.digest}, struct{ io.Reader }{h.in}, make([]byte, 256<<10)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.digest.Sum(nil)), nil
}

// inspect reads the first bytes, and then of the rest what their kind asks for.
func (i *Info) inspect(s *stream.Source, o Options) error {
	var err error
	if i.Kind, err = SniffReader(io.NewSectionReader(s, 0, HeadSize)); err != nil {
		return err
	}
	var f facts
	whole := &hashed{s, sha256.New()}
	in := input{Reader: whole, at: s, size: s.Size, whole: true}
	if !o.Digest && (i.Kind == Custom || i.Kind == Tar || i.Kind == Zip) { // which need not be read to the end
		in.Reader, in.whole = s, false
	}
	err = i.content(in, &f)
	missing := i.take(&f)
	if err == nil {
		i.odd(&f)
		err = missing
	}
	if err := i.note(s, err); err != nil {
		return err
	}
	if o.Digest || i.Kind == SQL || i.Wrapper != "" || i.Kind == Gzip {
		i.SHA256, err = whole.finish()
		return err
	}
	return nil
}

// content reads a file of the kind that was sniffed.
func (i *Info) content(in input, sink script.Sink) error {
	if w := WrapperOf(i.Kind); w != "" {
		return i.unwrap(w, in, sink)
	}
	if k := kinds[i.Kind]; k.read != nil && i.Kind != SQL {
		return k.read(i, in, sink)
	}
	c, err := recognize(in.Reader)
	if err != nil {
		return err
	}
	i.Kind = c.kind
	if c.kind == SQL {
		return i.script(input{Reader: c.in, walk: in.walk}, sink)
	}
	if c.kind == Unknown && zip.IsSplitEnd(in.at, in.size) {
		return zip.ErrSplit
	}
	return c.refusal()
}

// Walk tells sink what the dump has, which was inspected and is complete: its definitions, and
// the rows of all tables that sink wants, whatever kind of dump it is. first, unless nil, says
// which tables to read before the others, where the order can be chosen. Errors are those of
// reading it, and ctx's cause.
func (i Info) Walk(ctx context.Context, first func(script.Table) bool, sink script.Sink) error {
	if i.Kind == Directory {
		return i.readFolder(ctx, nil, &archive.Walk{First: first}, sink)
	}
	file, err := i.Open()
	if err != nil {
		return err
	}
	defer file.Close()
	s := &stream.Source{File: file, Ctx: ctx, Size: i.Size}
	again := Info{Facts: Facts{Form: i.Form}}
	switch {
	case i.Wrapper != "":
		again.Kind = wrappers[i.Wrapper].kind
	case i.Kind == OdooZip:
		again.Kind = Zip
	}
	in := input{Reader: s, at: s, size: s.Size, walk: &archive.Walk{At: s, First: first}}
	if err := again.content(in, sink); err != nil {
		return cmp.Or(context.Cause(ctx), err)
	}
	return nil
}

// note makes an error of the content the dump's problem. It returns an error of
// reading the file.
func (i *Info) note(s *stream.Source, err error) error {
	if err == nil {
		return nil
	}
	if s.Ctx.Err() != nil {
		return context.Cause(s.Ctx)
	}
	if _, ok := errors.AsType[*os.PathError](err); ok {
		return err
	}
	i.broken(err)
	return nil
}

// diagnose looks for what damaged a dump, which is a better reason than that it cannot
// be read.
func (i *Info) diagnose(s *stream.Source) error {
	if !i.damaged {
		return nil
	}
	var contents []io.Reader
	if i.Kind != SQL || i.Wrapper != "" {
		contents = append(contents, io.NewSectionReader(s, 0, s.Size))
	}
	if i.Kind != SQL && i.Wrapper != "" {
		if inner, err := i.Wrapper.Reader(io.NewSectionReader(s, 0, s.Size)); err == nil {
			contents = append(contents, inner)
		}
	}
	for _, in := range contents {
		if found := diagnose(in); found != nil {
			i.Problem = &UnusableError{i.Path, found.Problem, found.Do}
			break
		}
	}
	if s.Ctx.Err() != nil {
		return context.Cause(s.Ctx)
	}
	return nil
}

// custom inspects what pg_dump -Fc writes.
func (i *Info) custom(in input, sink script.Sink) error {
	head, after, err := archive.Custom(in.Reader, in.size, in.walk, sink)
	return i.archived(head, after, "archive", err)
}

// archived takes what an archive says about itself.
func (i *Info) archived(head archive.Head, after int64, what string, err error) error {
	i.Compression, i.Database, i.PostgreSQL, i.PgDump = head.Compression, head.Database, head.PostgreSQL, head.PgDump
	if err == nil {
		i.trailing(after, what)
	}
	return err
}

// script inspects plain SQL.
func (i *Info) script(in input, sink script.Sink) error {
	s := script.New(sink).WithInserts()
	i.Compression = "none"
	err := s.Read(in)
	i.PostgreSQL, i.PgDump, i.Database = s.PostgreSQL, s.PgDump, s.Database
	if err != nil {
		return err
	}
	if err := s.Check(); err != nil {
		return err
	}
	i.Warnings = append(i.Warnings, s.Warnings()...)
	return nil
}

// onlyDump returns the name of the one file in a folder, if it seems to be a dump: backup tools
// make a folder for each.
func onlyDump(folder string) string {
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 1 || !entries[0].Type().IsRegular() {
		return ""
	}
	file, err := os.Open(filepath.Join(folder, entries[0].Name()))
	if err != nil {
		return ""
	}
	defer file.Close()
	if kind, _ := SniffReader(file); kinds[kind].read == nil && WrapperOf(kind) == "" {
		return ""
	}
	return entries[0].Name()
}

// partName is how split and its like name the parts of a file; wholeName only resembles one.
var (
	partName  = regexp.MustCompile(`^(.+?)(?:\.[a-z]{2}|\.0[0-9]{1,4}|\.[0-9]{3}|[._-]part[._-]?[0-9a-z]{1,5})$`)
	wholeName = regexp.MustCompile(`\.(?:gz|xz|lz|bz|br|7z|db|pg)$`)
)

// checkPart says of a dump that cannot be read that it seems to be a part of one.
func (i *Info) checkPart() {
	name := partName.FindStringSubmatch(i.Name)
	if name == nil || wholeName.MatchString(i.Name) || i.Problem == nil || !i.damaged && i.Kind != Unknown {
		return
	}
	joined := "cat " + name[1] + i.Name[len(name[1]):len(name[1])+1] + "* >" + name[1]
	if !plainPath.MatchString(name[1]) {
		joined = "cat PARTS >FILE, in their order"
	}
	i.Problem = &UnusableError{i.Path, "seems to be a part of a dump that was split", "join its parts before: " + joined}
}

// checkName warns of a name that says something else than the content.
func (i *Info) checkName() {
	bare, wrapper := cutWrapperName(strings.ToLower(i.Name))
	ext, known, wrong := filepath.Ext(bare), false, true
	for kind, k := range kinds {
		if k.read != nil || kind == OdooZip {
			known = known || slices.Contains(k.names, ext)
			wrong = wrong && !(kind == i.Kind && slices.Contains(k.names, ext))
		}
	}
	if i.Problem == nil && (known && wrong || (known || wrapper != "") && wrapper != i.Wrapper) {
		content := string(i.Kind)
		if i.Wrapper != "" {
			content += " in " + string(i.Wrapper)
		}
		i.warn("The extension of %s does not match its content: %s.", i.Name, content)
	}
}

// cutWrapperName takes a wrapper's extension off a name.
func cutWrapperName(name string) (bare string, in Wrapper) {
	if tgz, ok := strings.CutSuffix(name, ".tgz"); ok {
		return tgz + ".tar", InGzip
	}
	for wrapper, w := range wrappers {
		if bare, ok := strings.CutSuffix(name, w.extension); ok {
			return bare, wrapper
		}
	}
	return name, ""
}
