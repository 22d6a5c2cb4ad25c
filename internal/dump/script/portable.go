package script

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"
)

// ErrZeroByte says that SQL has bytes that are zero: psql passes over the rest of a line
// that has one, and so over rows.
var ErrZeroByte = errors.New("the dump has zero bytes in its SQL")

// Portable copies a dump of SQL, and leaves out what makes a restore on another server fail
// and its data do not need: statements that give objects to roles or grant privileges, as
// pg_restore's --no-owner and --no-privileges do; comments on extensions and on the schema
// public; settings that only some servers know; and \restrict, for a psql that is
// restricted already. It creates the schema public only where that is missing. A byte order mark is left out, too. Errors are those of
// reading and writing, and ErrZeroByte.
func Portable(out io.Writer, in io.Reader) error {
	p := portable{out: out, script: New(nil)}
	p.script.passed = p.piece
	if err := p.script.Read(&portableReader{in, &p}); err != nil {
		return err
	}
	p.write(p.held)
	return p.err
}

// portable decides over the statements of a script, which it holds back that long.
type portable struct {
	script          *Reader
	out             io.Writer
	held            []byte // of the statement at hand
	large           bool   // it is larger than those that are left out, and passes
	ended, commands int    // of the script, before the piece at hand
	err             error
}

// piece takes what the script has taken.
func (p *portable) piece(piece []byte) {
	ended, command := p.script.ended != p.ended, p.script.commands != p.commands
	p.ended, p.commands = p.script.ended, p.script.commands
	switch {
	case p.script.open && !p.large && len(p.held)+len(piece) <= maxStatement:
		p.held = append(p.held, piece...)
	case p.script.open:
		p.large = true
		p.write(p.held)
		p.held = p.held[:0]
		p.write(piece)
	case ended:
		whole := append(p.held, piece...)
		switch text := bytes.TrimSpace(whole); {
		case !p.large && string(text) == createPublic:
			p.write([]byte(createPublicAgain)) // a dump may have dropped it before
		case p.large || !leftOut.Match(text):
			p.write(whole)
		}
		p.held, p.large = p.held[:0], false
	case command && restricts.Match(bytes.TrimSpace(piece)):
	default:
		p.write(piece)
	}
}

func (p *portable) write(b []byte) {
	if p.err == nil && len(b) > 0 {
		_, p.err = p.out.Write(b)
	}
}

// A new database has the schema public.
const (
	createPublic      = "CREATE SCHEMA public;"
	createPublicAgain = "CREATE SCHEMA IF NOT EXISTS public;"
)

// restricts is a command that pg_dump writes since August 2025.
var restricts = regexp.MustCompile(`^\\(?:un)?restrict [0-9A-Za-z]+$`)

// name is one of SQL's, with a schema or not.
const name = `(?:"(?:[^"]|"")+"|[^\s"';,()]+)(?:\.(?:"(?:[^"]|"")+"|[^\s"';,()]+))?`

// leftOut are the statements that are left out, each as pg_dump writes it: on one line. An
// ALTER that does more than set an owner is kept.
var leftOut = regexp.MustCompile(`^(?:` + strings.Join([]string{
	`ALTER (?:TABLE|FOREIGN TABLE|VIEW|MATERIALIZED VIEW|SEQUENCE|TYPE|DOMAIN|SCHEMA|COLLATION|CONVERSION|STATISTICS|EVENT TRIGGER|LARGE OBJECT|LANGUAGE|PROCEDURAL LANGUAGE|PUBLICATION|SUBSCRIPTION|SERVER|FOREIGN DATA WRAPPER|TEXT SEARCH CONFIGURATION|TEXT SEARCH DICTIONARY) ` + name + ` OWNER TO ` + name,
	`ALTER (?:FUNCTION|PROCEDURE|AGGREGATE) ` + name + `\([^';]*\) OWNER TO ` + name,
	`ALTER OPERATOR \S+ \([^';]*\) OWNER TO ` + name,
	`ALTER OPERATOR (?:CLASS|FAMILY) ` + name + ` USING ` + name + ` OWNER TO ` + name,
	`(?:ALTER DEFAULT PRIVILEGES|GRANT|REVOKE) (?:"(?:[^"]|"")*"|[^"';])*`,
	`COMMENT ON (?:EXTENSION ` + name + `|SCHEMA public) IS '(?:[^']|'')*'`,
	`SET SESSION AUTHORIZATION (?:DEFAULT|'(?:[^']|'')*'|` + name + `)`,
	`SET (?:transaction_timeout|default_with_oids) = [0-9a-z]+`,
	`SET default_tablespace = [^';]+`,
}, `|`) + `);$`)

// portableReader reads what has no zero bytes, until writing fails.
type portableReader struct {
	io.Reader
	p *portable
}

func (r *portableReader) Read(b []byte) (int, error) {
	if r.p.err != nil {
		return 0, r.p.err
	}
	n, err := r.Reader.Read(b)
	if bytes.IndexByte(b[:n], 0) >= 0 {
		return 0, ErrZeroByte
	}
	return n, err
}
