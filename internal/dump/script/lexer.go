package script

import "bytes"

// lexer finds where a statement of SQL ends, as psql does (PostgreSQL, psqlscan.l):
// a semicolon ends it that is in no text, name, comment or parenthesis.
type lexer struct {
	mode      lexMode
	depth     int    // of parentheses
	nested    int    // comments around the one at hand
	tag       []byte // that ends a dollar-quoted text
	escapes   bool   // a backslash escapes in the text at hand
	backslash bool   // it does in every text: standard_conforming_strings is off
	before    [2]byte
	message   []byte // a line between those of a statement that is pg_dump's message
	swallowed bool   // a dump begins inside of it, so it is not a statement
}

type lexMode int

const (
	inCode lexMode = iota
	inText         // '…'
	inName         // "…"
	inDollar
	inLine // a comment up to the line's end
	inComment
	inMessage
)

// special are the bytes at which code may turn into something else.
var special = func() (set [256]bool) {
	for _, c := range []byte("'\"$;()-/\\\n") {
		set[c] = true
	}
	return set
}()

// nextSpecial returns where the next special byte is, the length of b if there is none. The
// pieces are short: bytes.IndexAny takes longer to begin than to search.
func nextSpecial(b []byte) int {
	for n, c := range b {
		if special[c] {
			return n
		}
	}
	return len(b)
}

// lookahead is how many bytes say what begins at a special byte: the tag of a
// dollar-quoted text is a name.
const lookahead = 72

// scan goes through b, and returns how many bytes it took, and whether the statement
// ended with them. It calls take with what is not comment. It takes nothing where it
// needs more bytes to tell what comes.
func (l *lexer) scan(b []byte, atEnd bool, take func([]byte)) (n int, ended bool) {
	for n < len(b) && !ended {
		rest, mode, used := b[n:], l.mode, 0
		switch l.mode {
		case inCode:
			used, ended = l.code(rest, atEnd, take)
		case inText:
			used = l.text(rest, atEnd)
			take(rest[:used])
		case inName:
			used = l.upTo(rest, `"`)
			take(rest[:used])
		case inDollar:
			used = l.dollar(rest, atEnd)
			take(rest[:used])
		case inComment:
			used = l.comment(rest, atEnd)
		case inLine, inMessage:
			used = l.line(rest)
		}
		if used > 0 {
			n += used
			l.remember(b[:n])
		} else if l.mode == mode {
			break
		}
	}
	return n, ended
}

// remember keeps the last two bytes, which say whether a quotation mark begins a text
// with escapes, and whether a dollar sign is a part of a name.
func (l *lexer) remember(b []byte) {
	if len(b) > 1 {
		l.before = [2]byte{b[len(b)-2], b[len(b)-1]}
	} else {
		l.before = [2]byte{l.before[1], b[0]}
	}
}

// code takes code up to the next special byte, or that byte.
func (l *lexer) code(b []byte, atEnd bool, take func([]byte)) (n int, ended bool) {
	if at := nextSpecial(b); at != 0 {
		take(b[:at])
		return at, false
	}
	if !atEnd && len(b) < lookahead {
		return 0, false
	}
	n = 1
	switch b[0] {
	case ';':
		ended = l.depth == 0
	case '(':
		l.depth++
	case ')':
		l.depth = max(0, l.depth-1)
	case '\'':
		l.mode, l.escapes = inText, l.backslash || l.before[1]|0x20 == 'e' && !isNameByte(l.before[0])
	case '"':
		l.mode = inName
	case '$':
		if tag := dollarTag(b); tag != nil && !isNameByte(l.before[1]) {
			l.mode, l.tag, n = inDollar, bytes.Clone(tag), len(tag)
		}
	case '\\': // a command of psql's, and \g sends the statement
		if bytes.HasPrefix(b, []byte(`\g`)) {
			return 0, true
		}
		l.mode = inLine
		return 1, false
	case '\n':
		l.swallowed = l.swallowed || bytes.HasPrefix(b[1:], openBanner)
		if isMessage(b[1:]) {
			l.mode, l.message = inMessage, bytes.Clone(b[1:min(len(b), 256)])
		}
	default: // - or /
		if bytes.HasPrefix(b, []byte("--")) {
			l.mode = inLine
			return 2, false
		}
		if bytes.HasPrefix(b, []byte("/*")) {
			l.mode = inComment
			return 2, false
		}
	}
	take(b[:n])
	return n, ended
}

// text takes text up to its end.
func (l *lexer) text(b []byte, atEnd bool) int {
	at := bytes.IndexByte(b, '\'')
	if l.escapes {
		at = bytes.IndexAny(b, `'\`)
	}
	switch {
	case at < 0:
		return len(b)
	case at > 0:
		return at
	case len(b) == 1 && !atEnd:
		return 0
	case len(b) == 1:
		l.mode = inCode
		return 1
	case b[0] == '\\' || b[1] == '\'':
		return 2
	}
	l.mode = inCode
	return 1
}

// upTo takes all up to a byte that ends the mode.
func (l *lexer) upTo(b []byte, end string) int {
	at := bytes.Index(b, []byte(end))
	if at < 0 {
		return len(b)
	}
	l.mode = inCode
	return at + len(end)
}

// dollar takes dollar-quoted text up to its tag.
func (l *lexer) dollar(b []byte, atEnd bool) int {
	if at := bytes.Index(b, l.tag); at >= 0 {
		l.mode = inCode
		return at + len(l.tag)
	}
	if atEnd {
		return len(b)
	}
	return max(0, len(b)-len(l.tag)+1)
}

// comment takes a comment, which may have comments inside.
func (l *lexer) comment(b []byte, atEnd bool) int {
	at := bytes.IndexAny(b, "*/")
	switch {
	case at < 0:
		return len(b)
	case at > 0:
		return at
	case len(b) == 1 && !atEnd:
		return 0
	case bytes.HasPrefix(b, []byte("/*")):
		l.nested++
		return 2
	case bytes.HasPrefix(b, []byte("*/")) && l.nested > 0:
		l.nested--
		return 2
	case bytes.HasPrefix(b, []byte("*/")):
		l.mode = inCode
		return 2
	}
	return 1
}

// line takes the rest of a line. Its end, which shows what the next line is, is code.
func (l *lexer) line(b []byte) int {
	at := bytes.IndexByte(b, '\n')
	if at < 0 {
		return len(b)
	}
	l.mode = inCode
	return at
}

// dollarTag returns the $tag$ that b begins with, nil if there is none.
func dollarTag(b []byte) []byte {
	for n, c := range b[1:min(len(b), lookahead)] {
		switch {
		case c == '$':
			return b[:n+2]
		case !isNameByte(c) || n == 0 && c >= '0' && c <= '9':
			return nil
		}
	}
	return nil
}

func isNameByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80
}
