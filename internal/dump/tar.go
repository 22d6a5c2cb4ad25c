package dump

import (
	"archive/tar"
	"errors"
	"io"
	"path"
	"strings"

	"odoo-upgrade-action/internal/dump/archive"
	"odoo-upgrade-action/internal/dump/script"
	"odoo-upgrade-action/internal/dump/stream"
)

// tar inspects what pg_dump -Ft writes.
func (i *Info) tar(in input, sink script.Sink) error {
	t := archive.NewTar(in.Reader)
	first, err := t.Next()
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return stream.Truncated("in its first member")
	}
	if err != nil {
		return err
	}
	if first.Name != archive.TOC {
		return i.otherTar(first, t)
	}
	head, after, err := t.Read(in.size, in.walk, sink)
	return i.archived(head, after, "tar", err)
}

// maxMembers is how many members of another tar are read.
const maxMembers = 200

// otherTar says what a tar has that pg_dump did not write, or not like this.
func (i *Info) otherTar(first *tar.Header, members *archive.Tar) error {
	i.Kind = OtherTar
	var l layout
	for h, n := first, 0; n < maxMembers; n++ {
		if h.Typeflag == tar.TypeReg {
			l.add(h.Name)
			l.sniff(h.Name, members.Content())
		}
		var err error
		if h, err = members.Next(); err != nil {
			if _, ok := errors.AsType[*stream.Refusal](err); ok {
				return err
			}
			break
		}
	}
	for _, name := range l.folders {
		if name == "." || name == "" {
			i.Kind = Tar
			if !l.restore {
				return archive.FolderInTar
			}
			return archive.Rewritten("toc.dat has to be its first member, by that very name")
		}
	}
	return l.refusal("tar", "extract it")
}

// ext returns the extension of a member's name, in lower case.
func ext(name string) string { return strings.ToLower(path.Ext(name)) }
