package dump

import (
	"errors"
	"io"
	"slices"

	"github.com/klauspost/compress/gzip"

	"odoo-upgrade-action/internal/dump/archive"
	"odoo-upgrade-action/internal/dump/script"
	"odoo-upgrade-action/internal/dump/stream"
)

// Form is what a dump is, and what it is wrapped in.
type Form struct {
	Kind    Kind
	Wrapper Wrapper // "" for none
}

// String returns a form's name, which users see: the kind, and the wrapper's extension after it,
// like sql.gz.
func (f Form) String() string {
	if w := wrappers[f.Wrapper]; f.Kind != w.kind {
		return string(f.Kind) + w.extension
	}
	return string(f.Kind)
}

// Names returns the names of forms.
func Names(forms []Form) (names []string) {
	for _, f := range forms {
		names = append(names, f.String())
	}
	return names
}

// ParseForm returns the form of a name that String returned.
func ParseForm(name string) Form {
	for in, w := range wrappers {
		for _, kind := range w.holds {
			if f := (Form{kind, in}); name == f.String() {
				return f
			}
		}
	}
	return Form{Kind: Kind(name)}
}

// kinds are those of dumps: how their names end, the usual one first, and how each is read.
var kinds = map[Kind]struct {
	names []string
	read  func(*Info, input, script.Sink) error
}{
	Custom:    {[]string{".dump", ".backup", ".pgdump", ".cdump"}, (*Info).custom},
	Tar:       {[]string{".tar", ".dump", ".backup"}, (*Info).tar},
	SQL:       {[]string{".sql", ".dump", ".backup"}, (*Info).script},
	Zip:       {nil, (*Info).zip}, // which may turn out to be an OdooZip
	OdooZip:   {[]string{".zip", ".dump", ".backup"}, nil},
	Directory: {[]string{".dir"}, nil}, // a folder
	OtherTar:  {[]string{".tar"}, nil},
	OdooSh:    {[]string{".zip"}, nil},
	Cluster:   {[]string{".sql"}, nil},
	HTML:      {[]string{".html"}, nil},
	Text:      {[]string{".txt"}, nil}, Empty: {[]string{".txt"}, nil}, UTF16: {[]string{".txt"}, nil},
}

// input is what a dump is read from.
type input struct {
	io.Reader               // forward
	at        io.ReaderAt   // the file, nil inside of a wrapper
	size      int64         // in bytes, -1 if it is not known
	whole     bool          // all of it is to be checked
	walk      *archive.Walk // all rows are wanted; nil while it is inspected
}

// within returns the input that is inside of this one, and what releases it.
func (in input) within(content io.Reader) (_ input, done func()) {
	inside := input{Reader: content, size: -1, walk: in.walk.InStream()}
	if in.walk == nil {
		return inside, func() {}
	}
	ahead := stream.Ahead(content)
	inside.Reader = ahead
	return inside, func() { _ = ahead.Close() }
}

// Wrapper is what a dump can be in, as a whole.
type Wrapper string

// InGzip is a dump in gzip.
const InGzip Wrapper = "gzip"

// wrappers are those that platforms take, with what may be in them.
var wrappers = map[Wrapper]struct {
	kind      Kind // of what has something else in it
	extension string
	holds     []Kind
	open      func(io.Reader) (io.Reader, error)
	write     func(io.Writer) io.WriteCloser
}{
	InGzip: {Gzip, ".gz", []Kind{SQL, Custom, Tar},
		func(in io.Reader) (io.Reader, error) { return stream.NewMembers(in) },
		func(out io.Writer) io.WriteCloser { return gzip.NewWriter(out) }},
}

// Extension is what a name has after that of what is inside.
func (w Wrapper) Extension() string { return wrappers[w].extension }

// Reader returns what reads the inside of a wrapper, in itself if there is none.
func (w Wrapper) Reader(in io.Reader) (io.Reader, error) {
	if w == "" {
		return in, nil
	}
	return wrappers[w].open(in)
}

// Writer returns what writes a wrapper around what is written to it, up to Close.
func (w Wrapper) Writer(out io.Writer) io.WriteCloser {
	if w == "" {
		return struct {
			io.Writer
			io.Closer
		}{out, io.NopCloser(nil)}
	}
	return wrappers[w].write(out)
}

// WrapperOf returns the wrapper that a kind of file is, "" if it is none.
func WrapperOf(k Kind) Wrapper {
	for in, w := range wrappers {
		if w.kind == k {
			return in
		}
	}
	return ""
}

// unwrap reads what is in a wrapper.
func (i *Info) unwrap(wrapper Wrapper, in input, sink script.Sink) error {
	w := wrappers[wrapper]
	compressed := &stream.Counter{In: in.Reader}
	inside, err := w.open(compressed)
	if err != nil {
		return cutWrapper(wrapper, err)
	}
	c, err := recognize(&stream.Guard{In: inside, From: compressed})
	if err != nil {
		return cutWrapper(wrapper, err)
	}
	i.Kind, i.Wrapper = c.kind, wrapper
	if !slices.Contains(w.holds, c.kind) || c.before != nil {
		return c.refusalIn(wrapper)
	}
	within, done := in.within(c.in)
	defer done()
	err = kinds[c.kind].read(i, within, sink)
	if c.kind == SQL {
		i.Compression = string(wrapper)
	}
	// What follows the dump is read too: the wrapper's own check is at the very end.
	if _, rest := io.Copy(io.Discard, within.Reader); rest != nil {
		return cutWrapper(wrapper, rest)
	}
	return cutWrapper(wrapper, err)
}

// cutWrapper says that the stream around a dump ended early.
func cutWrapper(wrapper Wrapper, err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return stream.Truncated("in the %s around it", wrapper)
	}
	return err
}
