package script

import (
	"bytes"
	"strings"
)

// tokens is the rest of a statement, of which next takes one token after the other.
type tokens []byte

// token is a name, a word or a sign. A name without quotation marks is in lower case.
type token struct {
	text   string
	quoted bool
}

// word returns the token as a keyword; a quoted name is none.
func (t token) word() string {
	if t.quoted {
		return ""
	}
	return strings.ToUpper(t.text)
}

// next returns the next token, which has no text at the end.
func (t *tokens) next() token {
	rest := bytes.TrimLeft(*t, " \t\r\n\f\v")
	if len(rest) == 0 {
		*t = nil
		return token{}
	}
	if rest[0] == '"' {
		return t.quoted(rest)
	}
	n := 0
	for n < len(rest) && (isNameByte(rest[n]) || n > 0 && rest[n] == '$') {
		n++
	}
	if n == 0 {
		n = 1
		if rest[0] == '\'' {
			n += bytes.IndexByte(rest[1:], '\'') + 1
		}
	}
	*t = rest[n:]
	return token{text: strings.ToLower(string(rest[:n]))}
}

// quoted takes a name in quotation marks, in which two of them are one.
func (t *tokens) quoted(rest []byte) token {
	var name []byte
	for n := 1; n < len(rest); n++ {
		if rest[n] != '"' {
			name = append(name, rest[n])
			continue
		}
		if n+1 < len(rest) && rest[n+1] == '"' {
			name = append(name, '"')
			n++
			continue
		}
		*t = rest[n+1:]
		return token{string(name), true}
	}
	*t = nil
	return token{string(name), true}
}

// table takes the name of a table. One without a schema is in the schema path.
func (t *tokens) table(path string) Table {
	name := t.next()
	for !name.quoted && (name.text == "if" || name.text == "not" || name.text == "exists" || name.text == "only") {
		name = t.next()
	}
	if rest := bytes.TrimLeft(*t, " "); len(rest) > 0 && rest[0] == '.' {
		*t = rest[1:]
		return Table{name.text, t.next().text}
	}
	return Table{path, name.text}
}

// Table is the name of a table with its schema.
type Table struct{ Schema, Name string }

// Public is the schema of names without one, as pg_dump set it before 2018; Odoo uses no other.
const Public = "public"

// Copy is COPY TABLE (COLUMNS) FROM stdin.
type Copy struct {
	Table   Table
	Columns map[string]int // where each stands in a row, by its name: the dump's own order
}

// ParseCopy reads "COPY public.t (a, "b") FROM stdin;" as pg_dump writes it, with and
// without quotation marks around names. A table without a schema is in path.
func ParseCopy(statement, path string) (c Copy, ok bool) {
	if len(statement) > maxCopy {
		return c, false
	}
	t := tokens(statement)
	if t.next().word() != "COPY" {
		return c, false
	}
	c.Table = t.table(path)
	c.Columns = map[string]int{}
	sign := t.next()
	if !sign.quoted && sign.text == "(" {
		for sign.text != ")" || sign.quoted {
			c.Columns[t.next().text] = len(c.Columns)
			if sign = t.next(); sign.text == "" {
				return c, false
			}
		}
		sign = t.next()
	}
	return c, sign.word() == "FROM" && t.next().word() == "STDIN"
}
