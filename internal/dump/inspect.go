package dump

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"
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
	s := &source{File: file, ctx: ctx, size: i.Size}
	if err := i.inspect(s, o); err != nil {
		return i, err
	}
	if err := i.diagnose(s); err != nil {
		return i, err
	}
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
	if err != nil {
		return Info{}, nil, err
	}
	i := Info{File: File{Path: path, Name: filepath.Base(path), Size: stat.Size(), ModTime: stat.ModTime(), stat: stat}, Facts: Facts{Kind: Unknown}}
	switch {
	case stat.IsDir():
		i.Size = 0
		if _, err := os.Stat(filepath.Join(path, "toc.dat")); err == nil {
			i.Kind = Directory
			return i, nil, nil
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

// source is the file, which stops being readable when its context ends.
type source struct {
	*os.File
	ctx  context.Context
	size int64
}

func (s *source) Read(p []byte) (int, error) {
	if s.ctx.Err() != nil {
		return 0, context.Cause(s.ctx)
	}
	return s.File.Read(p)
}

// ReadAt is what zips are read by.
func (s *source) ReadAt(p []byte, offset int64) (int, error) {
	if s.ctx.Err() != nil {
		return 0, context.Cause(s.ctx)
	}
	return s.File.ReadAt(p, offset)
}

// WriteTo hides *os.File's, which does not check the context.
func (s *source) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, struct{ io.Reader }{s})
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
func (i *Info) inspect(s *source, o Options) error {
	head := make([]byte, HeadSize)
	n, err := s.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	i.Kind = Sniff(head[:n])
	stream := &hashed{s, sha256.New()}
	switch i.Kind {
	case Gzip:
		err = i.gzip(stream)
	case Custom, Tar:
		if !o.Digest {
			return i.note(s, i.archive(s, s.size))
		}
		err = i.archive(stream, s.size)
	case Zip:
		err = i.zip(s, s.size)
	default:
		if err = i.text(stream); i.Kind == Unknown && isSplitEnd(s, s.size) {
			err = errSplit
		}
	}
	if err := i.note(s, err); err != nil {
		return err
	}
	if i.Kind == SQL || i.Wrapped || i.Kind == Gzip || o.Digest {
		i.SHA256, err = stream.finish()
		return err
	}
	return nil
}

// text inspects what is plain SQL, or no dump at all.
func (i *Info) text(in io.Reader) error {
	c, err := recognize(in)
	if err != nil {
		return err
	}
	i.Kind = c.kind
	if c.kind == SQL {
		return i.script(c.in)
	}
	return c.refusal()
}

// note makes an error of the content the dump's problem. It returns an error of
// reading the file.
func (i *Info) note(s *source, err error) error {
	if err == nil {
		return nil
	}
	if s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	if _, ok := errors.AsType[*os.PathError](err); ok {
		return err
	}
	i.broken(err)
	return nil
}

// diagnose looks for what damaged a dump, which is a better reason than that it cannot
// be read.
func (i *Info) diagnose(s *source) error {
	if !i.damaged {
		return nil
	}
	var contents []io.Reader
	if i.Kind != SQL || i.Wrapped {
		contents = append(contents, io.NewSectionReader(s, 0, s.size))
	}
	if i.Kind != SQL && i.Wrapped {
		if inner, err := newMembers(io.NewSectionReader(s, 0, s.size)); err == nil {
			contents = append(contents, inner)
		}
	}
	for _, in := range contents {
		if found := diagnose(in); found != nil {
			i.Problem = &UnusableError{i.Path, found.problem, found.advice}
			break
		}
	}
	if s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	return nil
}

// archive inspects an archive of pg_dump; size is -1 in a stream of unknown length.
func (i *Info) archive(in io.Reader, size int64) error {
	if i.Kind == Tar {
		return i.tar(in, size)
	}
	return i.custom(in, size)
}

// script inspects plain SQL.
func (i *Info) script(in io.Reader) error {
	s := script{path: schema}
	i.Compression = "none"
	err := s.read(in)
	i.PostgreSQL, i.PgDump, i.Database = s.postgreSQL, s.pgDump, s.database
	missing := i.take(&s.facts)
	if err != nil {
		return err
	}
	if err := s.check(); err != nil {
		return err
	}
	i.Warnings = append(i.Warnings, s.warnings()...)
	i.odd(&s.facts)
	return missing
}

// extensions lists how names end, with the kinds that may be behind that.
var extensions = map[string][]Kind{
	".sql":    {SQL},
	".zip":    {OdooZip},
	".tar":    {Tar},
	".dump":   {Custom, Tar, SQL, OdooZip},
	".backup": {Custom, Tar, SQL, OdooZip},
	".pgdump": {Custom},
	".cdump":  {Custom},
}

// checkName warns of a name that says something else than the content.
func (i *Info) checkName() {
	name := strings.ToLower(i.Name)
	bare, compressed := strings.CutSuffix(name, ".gz")
	if tgz, ok := strings.CutSuffix(name, ".tgz"); ok {
		bare, compressed = tgz+".tar", true
	}
	kinds, known := extensions[filepath.Ext(bare)]
	wrong := known && i.Problem == nil
	for _, kind := range kinds {
		wrong = wrong && kind != i.Kind
	}
	wrapped := i.Wrapped && i.Problem == nil
	if wrong || (known || compressed) && i.Problem == nil && compressed != wrapped {
		content := string(i.Kind)
		if i.Wrapped {
			content += " in gzip"
		}
		i.warn("The extension of %s does not match its content: %s.", i.Name, content)
	}
}
