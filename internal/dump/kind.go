package dump

import "bytes"

// Kind is what a file is, told by its content.
type Kind string

// The kinds that are told apart.
const (
	Custom    Kind = "custom"         // pg_dump -Fc
	Directory Kind = "directory"      // pg_dump -Fd: a folder
	Tar       Kind = "tar"            // pg_dump -Ft
	SQL       Kind = "sql"            // pg_dump -Fp
	OdooZip   Kind = "odoo-zip"       // Odoo's own backup: dump.sql, manifest.json, filestore
	OdooSh    Kind = "odoo-sh-backup" // Odoo.sh's: sources and filestore
	Cluster   Kind = "cluster"        // pg_dumpall
	Zip       Kind = "zip"            // any other zip
	OtherTar  Kind = "other-tar"      // any other tar
	Gzip      Kind = "gzip"           // around anything that is none of the above
	Zstd      Kind = "zstd"
	XZ        Kind = "xz"
	Bzip2     Kind = "bzip2"
	SevenZip  Kind = "7z"
	HTML      Kind = "html" // a page in place of a file
	Text      Kind = "text"
	Empty     Kind = "empty"
	Unknown   Kind = "unknown"
)

// HeadSize is how many bytes Sniff looks at, at most.
const HeadSize = 4096

// magic lists what files begin with.
var magic = []struct {
	kind   Kind
	prefix string
}{
	{Custom, "PGDMP"},
	{Zip, "PK\x03\x04"}, {Zip, "PK\x05\x06"},
	{Gzip, "\x1f\x8b"},
	{Zstd, "\x28\xb5\x2f\xfd"},
	{XZ, "\xfd7zXZ\x00"},
	{Bzip2, "BZh"},
	{SevenZip, "7z\xbc\xaf\x27\x1c"},
}

// Sniff tells what kind of file begins with head, as far as its first bytes
// tell: every zip is a Zip, every tar a Tar.
func Sniff(head []byte) Kind {
	if len(head) == 0 {
		return Empty
	}
	for _, m := range magic {
		if bytes.HasPrefix(head, []byte(m.prefix)) {
			return m.kind
		}
	}
	switch {
	case len(head) > 262 && string(head[257:262]) == "ustar":
		return Tar
	case bytes.Contains(head, []byte("-- PostgreSQL database cluster dump")):
		return Cluster
	case bytes.Contains(head, []byte("-- PostgreSQL database dump")):
		return SQL
	case isHTML(head):
		return HTML
	case isText(head):
		return Text
	}
	return Unknown
}

func isHTML(head []byte) bool {
	text := bytes.ToLower(bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))))
	return bytes.HasPrefix(text, []byte("<!doctype html")) || bytes.HasPrefix(text, []byte("<html"))
}

func isText(head []byte) bool {
	for _, b := range head {
		if b < ' ' && b != '\t' && b != '\n' && b != '\r' && b != '\f' {
			return false
		}
	}
	return true
}

// Extension is how the name of a file of that kind usually ends.
func (k Kind) Extension() string {
	switch k {
	case Custom:
		return ".dump"
	case Directory:
		return ".dir"
	case Tar, OtherTar:
		return ".tar"
	case Zip, OdooZip, OdooSh:
		return ".zip"
	case Gzip:
		return ".gz"
	case SQL, Cluster:
		return ".sql"
	case Zstd:
		return ".zst"
	case XZ:
		return ".xz"
	case Bzip2:
		return ".bz2"
	case SevenZip:
		return ".7z"
	case HTML:
		return ".html"
	case Text, Empty:
		return ".txt"
	}
	return ".bin"
}
