package dump

import (
	"bytes"
	"io"
	"regexp"
	"unicode/utf8"

	"odoo-upgrade-action/internal/dump/stream"
)

// Kind is what a file is, told by its content.
type Kind string

// The kinds that are told apart. Formats that no one restores from, like the ones of
// encryption programs, have no constant: they are in the table of formats.
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
	UTF16     Kind = "utf-16"         // text, in two bytes for each character
	Recoded   Kind = "re-encoded"     // bytes that a program took for text, and wrote as UTF-8
	HTML      Kind = "html"           // a page in place of a file
	Text      Kind = "text"
	Empty     Kind = "empty"
	Unknown   Kind = "unknown"
)

// HeadSize is how many bytes Sniff reads, at most.
const HeadSize = 4096

// format is a file format that is told by its first bytes.
type format struct {
	kind   Kind
	prefix string
	ext    string
	undo   string // what makes a dump of it: a command, with FILE for the file
	class  class
}

// class is what is wrong with a format.
type class int

const (
	usable     class = iota
	compressed       // some other way than by gzip
	encrypted
	encoded // as text
	foreign // not from PostgreSQL
)

// formats lists what files begin with: of the formats' own specifications, and of
// file(1)'s table.
var formats = []format{
	{Custom, "PGDMP", ".dump", "", usable},
	{Zip, "PK\x03\x04", ".zip", "", usable}, {Zip, "PK\x05\x06", ".zip", "", usable},
	{Gzip, "\x1f\x8b", ".gz", "", usable},
	{"split zip", "PK\x07\x08", ".z01", "zip -s 0 FILE --out NEW, of all its parts", compressed},
	{"zstd", "\x28\xb5\x2f\xfd", ".zst", "zstd -d FILE", compressed},
	{"xz", "\xfd7zXZ\x00", ".xz", "xz -d FILE", compressed},
	{"bzip2", "BZh", ".bz2", "bzip2 -d FILE", compressed},
	{"7z", "7z\xbc\xaf\x27\x1c", ".7z", "7z x FILE", compressed},
	{"lz4", "\x04\x22\x4d\x18", ".lz4", "lz4 -d FILE", compressed}, {"lz4", "\x02\x21\x4c\x18", ".lz4", "lz4 -d FILE", compressed},
	{"lzma", "\x5d\x00\x00", ".lzma", "xz -d --format=lzma FILE", compressed},
	{"lzip", "LZIP", ".lz", "lzip -d FILE", compressed},
	{"lzop", "\x89LZO\x00\r\n\x1a\n", ".lzo", "lzop -d FILE", compressed},
	{"lrzip", "LRZI", ".lrz", "lrzip -d FILE", compressed},
	{"snappy", "\xff\x06\x00\x00sNaPpY", ".sz", "snzip -d FILE", compressed},
	{"compress", "\x1f\x9d", ".Z", "gzip -d FILE", compressed},
	{
		"zlib",
		"\x78\x01",
		".zz",
		"pigz -dz FILE",
		compressed,
	}, {"zlib", "\x78\x9c", ".zz", "pigz -dz FILE", compressed}, {"zlib", "\x78\xda", ".zz", "pigz -dz FILE", compressed},
	{"rar", "Rar!\x1a\x07", ".rar", "unrar x FILE", compressed},
	{"zpaq", "7kSt", ".zpaq", "zpaq x FILE", compressed},
	{"ar", "!<arch>\n", ".ar", "ar x FILE", compressed},
	{"cabinet", "MSCF\x00\x00\x00\x00", ".cab", "cabextract FILE", compressed},
	{"cpio", "070701", ".cpio", "cpio -i <FILE", compressed}, {"cpio", "070707", ".cpio", "cpio -i <FILE", compressed},
	{"openssl", "Salted__", ".enc", "openssl enc -d, with the cipher and the options it was encrypted with", encrypted},
	{"openssl", "U2FsdGVkX1", ".enc", "openssl enc -d -a, with the cipher and the options it was encrypted with", encrypted},
	{"gpg", "-----BEGIN PGP MESSAGE-----", ".gpg", "gpg -d FILE", encrypted},
	{"gpg", "-----BEGIN PGP SIGNED MESSAGE-----", ".gpg", "gpg -d FILE", encrypted},
	{
		"age",
		"age-encryption.org/",
		".age",
		"age -d FILE",
		encrypted,
	}, {"age", "-----BEGIN AGE ENCRYPTED FILE-----", ".age", "age -d FILE", encrypted},
	{"ansible-vault", "$ANSIBLE_VAULT;", ".vault", "ansible-vault decrypt FILE", encrypted},
	{
		"cms",
		"-----BEGIN CMS-----",
		".cms",
		"openssl cms -decrypt",
		encrypted,
	}, {"cms", "-----BEGIN PKCS7-----", ".p7m", "openssl smime -decrypt", encrypted},
	{"git-crypt", "\x00GITCRYPT\x00", ".git-crypt", "git-crypt unlock", encrypted},
	{"luks", "LUKS\xba\xbe", ".luks", "cryptsetup open", encrypted},
	{"mcrypt", "\x00m\x03", ".nc", "mcrypt -d FILE", encrypted},
	{
		"base64",
		"dG9jLmRhd",
		".b64",
		"base64 -d FILE",
		encoded,
	}, {"base64", "UEdETV", ".b64", "base64 -d FILE", encoded}, {"base64", "H4sI", ".b64", "base64 -d FILE", encoded},
	{
		"base64",
		"UEsDB",
		".b64",
		"base64 -d FILE",
		encoded,
	}, {"base64", "LS0KLS0gUG9zdGdyZVNRTCBkYXRhYmFzZSBkdW1w", ".b64", "base64 -d FILE", encoded},
	{"uuencode", "begin 644 ", ".uu", "uudecode FILE", encoded}, {"uuencode", "begin 664 ", ".uu", "uudecode FILE", encoded},
	{"uuencode", "begin 600 ", ".uu", "uudecode FILE", encoded},
	{"SQLite", "SQLite format 3\x00", ".sqlite", "", foreign},
	{"MySQL", "-- MySQL dump ", ".sql", "", foreign}, {"MariaDB", "-- MariaDB dump ", ".sql", "", foreign},
	{"MariaDB", "/*!999999\\- enable the sandbox mode */", ".sql", "", foreign},
	{"MariaDB", "/*M!999999\\- enable the sandbox mode */", ".sql", "", foreign}, {"MySQL", "-- phpMyAdmin SQL Dump", ".sql", "", foreign},
	{"SQL Server", "TAPE\x00\x00", ".bak", "", foreign},
	{"PDF", "%PDF-", ".pdf", "", foreign},
}

// openPGP is a binary message of it, which no prefix tells.
var openPGP = format{"gpg", "", ".gpg", "gpg -d FILE", encrypted}

// formatOf returns the format that head begins with, nil for none of the table.
func formatOf(head []byte) *format {
	for n, f := range formats {
		if bytes.HasPrefix(head, []byte(f.prefix)) {
			return &formats[n]
		}
	}
	if isOpenPGP(head) {
		return &openPGP
	}
	if isCMS(head) {
		return &cms
	}
	return nil
}

// cms is a message of the Cryptographic Message Syntax in DER, or in a mail.
var cms = format{"cms", "", ".p7m", "openssl cms -decrypt, with -inform DER or SMIME", encrypted}

// isCMS recognizes it by its object identifier, of enveloped data (RFC 5652, section 6.1),
// or by the mail's header.
func isCMS(head []byte) bool {
	head = head[:min(len(head), 300)]
	der := bytes.Index(head, []byte("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03"))
	return der > 0 && der < 12 && head[0] == 0x30 ||
		bytes.HasPrefix(head, []byte("MIME-Version:")) && bytes.Contains(head, []byte("pkcs7-mime"))
}

// isOpenPGP recognizes binary OpenPGP messages. They begin with a packet that has a
// session key, encrypted for a public key (tag 1, version 3 or 6) or with a password
// (tag 3, version 4 to 6): RFC 9580, sections 4.2, 5.1 and 5.3.
func isOpenPGP(head []byte) bool {
	if len(head) < 6 {
		return false
	}
	tag, version := head[0]>>2&15, byte(0)
	switch {
	case head[0]&0xc0 == 0xc0 && head[1] < 192: // current format, short length
		tag, version = head[0]&0x3f, head[2]
	case head[0]&0xc0 == 0xc0 && head[1] < 224: // and a longer one
		tag, version = head[0]&0x3f, head[3]
	case head[0]&0xc3 == 0x80: // old format, length of one byte
		version = head[2]
	case head[0]&0xc3 == 0x81: // of two
		version = head[3]
	}
	if head[0] == 0xa3 && head[1] >= 1 && head[1] <= 3 { // compressed, of unspecified length
		return true
	}
	return tag == 1 && (version == 3 || version == 6) || tag == 3 && version >= 4 && version <= 6
}

// Sniff tells what kind of file begins with head, as far as its first bytes
// tell: every zip is a Zip, every tar a Tar.
func Sniff(head []byte) Kind {
	head = head[:min(len(head), HeadSize)]
	if len(head) == 0 {
		return Empty
	}
	if f := formatOf(head); f != nil {
		return f.kind
	}
	bare, marked := bytes.CutPrefix(head, stream.BOM)
	if f := formatOf(bare); marked && f != nil && f.class != encrypted && f.class != encoded {
		return Recoded // a byte order mark belongs to text
	}
	switch {
	case len(head) > 262 && string(head[257:262]) == "ustar":
		return Tar
	case isUTF16(head):
		return UTF16
	case scriptKind(head) != "":
		return scriptKind(head)
	case isHTML(head):
		return HTML
	case isRecoded(head):
		return Recoded
	case isText(head):
		return Text
	}
	return Unknown
}

// scriptKind tells which of pg_dump's and pg_dumpall's banners comes first in head, if
// there is one.
func scriptKind(head []byte) Kind {
	one, all := bannerAt(head, "-- PostgreSQL database dump"), bannerAt(head, "-- PostgreSQL database cluster dump")
	switch {
	case all >= 0 && (one < 0 || all < one):
		return Cluster
	case one >= 0:
		return SQL
	}
	return ""
}

// bannerAt finds a comment of pg_dump's that is a line of its own, with nothing but
// text before it. It returns -1 if there is none.
func bannerAt(head []byte, banner string) int {
	for from := 0; ; {
		at := bytes.Index(head[from:], []byte(banner))
		if at < 0 {
			return -1
		}
		at += from
		rest := head[at+len(banner):]
		before := bytes.TrimPrefix(head[:at], stream.BOM)
		starts := len(before) == 0 || before[len(before)-1] == '\n'
		if starts && (len(rest) == 0 || rest[0] == '\n' || rest[0] == '\r') {
			if !isText(before) {
				return -1
			}
			return at
		}
		from = at + 1
	}
}

// isUTF16 recognizes UTF-16 by its byte order mark, or text in it without one.
func isUTF16(head []byte) bool {
	if bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")) {
		return true
	}
	if len(head) < 16 {
		return false
	}
	var zeros [2]int
	for n, b := range head[:len(head)&^1] {
		if b == 0 {
			zeros[n%2]++
		}
	}
	half := len(head) / 2
	mostly := half - half/16
	return zeros[0] == 0 && zeros[1] >= mostly || zeros[1] == 0 && zeros[0] >= mostly
}

// SniffReader returns what kind of file a stream is, by its first bytes. What there is of a stream
// that breaks off counts; the error says that it did.
func SniffReader(in io.Reader) (Kind, error) {
	head := make([]byte, HeadSize)
	n, err := io.ReadFull(in, head)
	if err == io.ErrUnexpectedEOF || err == io.EOF {
		err = nil
	}
	return Sniff(head[:n]), err
}

// htmlStart is how a page, or a part of one, begins, after comments.
var htmlStart = regexp.MustCompile(`^(<!--[^>]*>\s*)*<(!doctype html|html|head|body|title|meta|style|script|h[1-6]|p|div|table|center)\b`)

func isHTML(head []byte) bool {
	text := bytes.ToLower(bytes.TrimSpace(bytes.TrimPrefix(head, stream.BOM)))
	return htmlStart.Match(text)
}

func isText(head []byte) bool {
	for _, b := range head {
		if b < ' ' && b != '\t' && b != '\n' && b != '\r' && b != '\f' && b != '\a' && b != '\b' && b != '\x1b' {
			return false
		}
	}
	return true
}

// isUTF8 tells whether b is UTF-8, whose last character may be cut.
func isUTF8(b []byte) bool {
	for n := 0; n < utf8.UTFMax && len(b) > 0 && !utf8.Valid(b); n++ {
		b = b[:len(b)-1]
	}
	return utf8.Valid(b)
}

// Extension is how the name of a file of that kind usually ends.
func (k Kind) Extension() string {
	if names := kinds[k].names; len(names) > 0 {
		return names[0]
	}
	for _, f := range formats {
		if f.kind == k {
			return f.ext
		}
	}
	return ".bin"
}
