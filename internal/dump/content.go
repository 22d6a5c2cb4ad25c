package dump

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"odoo-upgrade-action/internal/dump/archive"
	"odoo-upgrade-action/internal/dump/script"
	"odoo-upgrade-action/internal/dump/stream"
)

// content is something that may be a dump: a file, or what is in a gzip or a zip.
type content struct {
	kind   Kind
	head   []byte
	before []byte    // text in front of an archive or something compressed; SQL names its own
	in     io.Reader // all of it
}

// maxLeadingText is how much text there may be in front of a dump: that much and more is
// what pg_dump --verbose says before it writes the first byte.
const maxLeadingText = 4 << 20

// recognize tells what in has, from its first bytes. Where those are text, and not a dump's,
// it looks for a dump behind them.
func recognize(in io.Reader) (content, error) {
	peeked := bufio.NewReaderSize(in, 64<<10)
	head, err := peeked.Peek(HeadSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return content{}, err
	}
	c := content{kind: Sniff(head), head: head, in: peeked}
	if c.kind != Text && c.kind != Unknown && c.kind != Cluster {
		return c, nil
	}
	window, err := io.ReadAll(io.LimitReader(peeked, maxLeadingText))
	if err != nil {
		return content{}, err
	}
	c.head, c.in = window, io.MultiReader(bytes.NewReader(window), peeked)
	if kind := scriptKind(window); kind != "" {
		c.kind = kind
		return c, nil
	}
	if at, kind := behindText(window); at > 0 {
		c.kind, c.before = kind, window[:at]
	}
	return c, nil
}

// magics are what dumps, and what they are wrapped in, begin with, in full: there is text before it.
var magics = []struct {
	kind  Kind
	bytes string
}{{Custom, "PGDMP\x01"}, {Zip, "PK\x03\x04"}, {Gzip, "\x1f\x8b\x08"}, {Tar, archive.TOC + "\x00"}, {"xz", "\xfd7zXZ\x00"}, {"zstd", "\x28\xb5\x2f\xfd"}}

// behindText finds the dump that begins after some text.
func behindText(window []byte) (at int, kind Kind) {
	for _, m := range magics {
		found := bytes.Index(window, []byte(m.bytes))
		if found > 0 && isText(window[:found]) && (at == 0 || found < at) {
			at, kind = found, m.kind
		}
	}
	return at, kind
}

const (
	stepFailed  = "read the log of the step that creates the dump: it failed"
	makeBackup  = "create the backup in Odoo's database manager, or a dump with pg_dump -Fc"
	writeItself = "write the dump with pg_dump -f FILE instead of > FILE: PowerShell changes what a program prints"
)

// refusal says why content that is none of the kinds of dumps cannot be sent. The
// problem is a predicate, as in "the file is empty".
func (c content) refusal() *stream.Refusal {
	if c.before != nil {
		return stream.Refuse(fmt.Sprintf("has text before the dump. The text begins with %s", stream.Quote(c.before)), stream.KeepApart)
	}
	for _, f := range formats {
		if f.kind == c.kind && f.class != usable {
			return f.refusal()
		}
	}
	switch c.kind {
	case Cluster:
		if ends := bannerAt(c.head, "-- PostgreSQL database cluster dump complete"); ends >= 0 && bannerAt(c.head, "-- PostgreSQL database dump") > ends {
			return stream.Refuse("has roles of a server, from pg_dumpall, before the dump of a database", "send the dump alone: "+stream.MakeCustom+", of the Odoo database")
		}
		return stream.Refuse("is a dump of all databases of a server, from pg_dumpall", "dump only the Odoo database, with pg_dump -Fc")
	case HTML:
		return stream.Refuse("is an HTML page", "check the step that fetches the dump: it got an error or a login page")
	case Empty:
		return stream.Refuse("is empty", stepFailed)
	case UTF16:
		return stream.Refuse("is UTF-16 text, which PostgreSQL does not restore", writeItself)
	case Recoded:
		return stream.Refuse("was re-encoded as text, and its bytes are lost", writeItself)
	case Text:
		return textRefusal(c.head)
	case Unknown:
		if len(bytes.Trim(c.head, "\x00")) == 0 {
			return stream.Refuse(
				"begins with nothing but zero bytes",
				"the copy or the download of the dump was not completed; do it again",
			)
		}
	}
	return stream.Refuse("is not a database dump ("+string(c.kind)+")", stream.MakeCustom+", or the backup with Odoo's database manager")
}

// refusalIn says why what a wrapper has inside cannot be sent.
func (c content) refusalIn(w Wrapper) *stream.Refusal {
	once := fmt.Sprintf("decompress it once: %s -dc FILE >NEW", w)
	r := c.refusal()
	if c.before != nil {
		return r
	}
	switch {
	case c.kind == Empty:
		return stream.Refuse(fmt.Sprintf("is an empty %s file", w), r.Do)
	case c.kind != Zip && kinds[c.kind].read != nil: // a dump that this wrapper does not hold
		return stream.Refuse(fmt.Sprintf("is a dump (%s) in %s, which the platform does not take", c.kind, w), once)
	}
	for _, f := range formats {
		switch {
		case f.kind != c.kind:
		case f.class == usable:
			return stream.Refuse(fmt.Sprintf("is compressed twice, with %s and %s", f.kind, w), once)
		case f.class == compressed:
			return stream.Refuse(fmt.Sprintf("is compressed twice, with %s and %s", f.kind, w), once+", and that again: "+f.undo)
		case f.class != foreign:
			return stream.Refuse(r.Problem, fmt.Sprintf("decompress it first: %s -dc FILE >NEW; then %s", w, r.Do))
		}
	}
	return r
}

// refusalAsScript says why what a zip has as its dump.sql cannot be sent.
func (c content) refusalAsScript() *stream.Refusal {
	r := c.refusal()
	switch {
	case c.before == nil && (c.kind == Custom || c.kind == Tar):
		r = stream.Refuse(fmt.Sprintf("is not SQL, but an archive of pg_dump (%s)", c.kind), "unzip it, and send that file as it is")
	case c.before == nil && (WrapperOf(c.kind) != "" || c.kind == Zip):
		r = stream.Refuse(fmt.Sprintf("is compressed once more, with %s", c.kind), "unzip it, decompress dump.sql, and send that")
	case c.kind != Text && c.kind != SQL:
		r = stream.Refuse(r.Problem, "unzip it, and see what dump.sql is; "+r.Do)
	}
	return stream.Refuse("has a dump.sql that "+r.Problem, r.Do)
}

// refusal says what to do with a file of a format that is not a dump's.
func (f format) refusal() *stream.Refusal {
	switch f.class {
	case compressed:
		return stream.Refuse("is compressed with "+string(f.kind)+", which the platform does not take",
			"decompress it first ("+f.undo+"), or "+stream.MakeCustom+", which compresses by itself")
	case encrypted:
		return stream.Refuse("is encrypted ("+string(f.kind)+")", "decrypt it first: "+f.undo)
	case encoded:
		return stream.Refuse("is encoded as text ("+string(f.kind)+")", "decode it first: "+f.undo)
	}
	return stream.Refuse("is a "+string(f.kind)+" file, not a PostgreSQL dump", "check the path: Odoo uses PostgreSQL")
}

// textRefusal says what a short text in place of a dump means.
func textRefusal(text []byte) *stream.Refusal {
	trimmed := bytes.TrimSpace(bytes.TrimPrefix(text, stream.BOM))
	begins := func(prefixes ...string) bool {
		for _, prefix := range prefixes {
			if bytes.HasPrefix(trimmed, []byte(prefix)) {
				return true
			}
		}
		return false
	}
	problem := "is not a database dump, but text that begins with " + stream.Quote(text)
	switch {
	case len(trimmed) == 0:
		return stream.Refuse("has nothing but white space", stepFailed)
	case begins("version https://git-lfs.github.com/spec/"):
		return stream.Refuse("is a Git LFS pointer, not the dump itself", "set lfs: true for actions/checkout, or run git lfs pull")
	case begins("/annex/objects/", "../.git/annex/", ".git/annex/"):
		return stream.Refuse("is a git-annex pointer, not the dump itself", "run git annex get in the step before")
	case begins("outs:\n- "):
		return stream.Refuse("is a DVC pointer, not the dump itself", "run dvc pull in the step before, and give the path without .dvc")
	case begins("<?xml", "<Error", `{"`, `[{`, `["`, "HTTP/") || isMentioned(trimmed, failedFetches):
		return stream.Refuse(problem, "check the step that fetches the dump: it got an error message instead")
	case productOf(trimmed) != "":
		return stream.Refuse("is a dump of "+productOf(trimmed)+", not of PostgreSQL itself", stream.MakeCustom+" of PostgreSQL's own programs, from a PostgreSQL server")
	case isMentioned(trimmed, failedPrograms):
		return stream.Refuse(problem, "fix this error of the program that creates the dump")
	case script.IsStatement(trimmed), begins(`\restrict `):
		return stream.Refuse(
			"is SQL without the header and the end that pg_dump writes: it begins with "+stream.Quote(text),
			stream.MakeCustom+": without the end, no one can tell that it is complete",
		)
	}
	return stream.Refuse(problem, stream.MakeCustom+", or the backup with Odoo's database manager")
}

// banners are how dumps of PostgreSQL's relatives begin, after "--".
var banners = map[string]string{
	"-- YSQL database": "YugabyteDB", "-- Greenplum Database database": "Greenplum", "-- Apache Cloudberry": "Cloudberry", "-- EnterpriseDB database": "EnterpriseDB",
	"-- Redshift": "Redshift", "-- CockroachDB": "CockroachDB", "-- openGauss database": "openGauss", "-- Gauss": "openGauss", "-- Kingbase": "Kingbase",
}

// productOf returns the relative of PostgreSQL's that a text is a dump of, "" for none.
func productOf(text []byte) string {
	for banner, product := range banners {
		if bannerStarts(text, banner) {
			return product
		}
	}
	return ""
}

// bannerStarts reports whether one of the first lines begins with a banner.
func bannerStarts(text []byte, banner string) bool {
	lines := 0
	for line := range bytes.Lines(text) {
		if lines++; bytes.HasPrefix(line, []byte(banner)) || lines > 5 {
			return lines <= 5
		}
	}
	return false
}

// What programs say in place of a dump, as parts of a short text's first line.
var (
	failedPrograms = []string{
		"pg_dump",
		"pg_restore",
		"psql",
		"Error response from daemon",
		"OCI runtime",
		"Cannot connect",
		"bash: ",
		"sh: ",
		"sudo",
		"ssh: ",
		"docker",
		"password",
		"Password",
		"Permission denied",
		"not found",
		"not recognized",
		"is not a TTY",
		"Killed",
		"Host key verification",
		"FATAL",
		"ERROR",
		"error: ",
	}
	failedFetches = []string{"curl: ", "wget: ", "AccessDenied", "An error occurred", "404 ", "403 ", "500 ", "502 ", "503 "}
)

func isMentioned(text []byte, list []string) bool {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	for _, word := range list {
		if bytes.Contains(line[:min(len(line), 400)], []byte(word)) {
			return true
		}
	}
	return false
}
