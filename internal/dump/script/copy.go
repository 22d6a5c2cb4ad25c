package script

import "bytes"

// endOfCopy takes the rest of the line with COPY: data begins with the next one.
func (s *Reader) endOfCopy(b []byte) int {
	at := bytes.IndexByte(b, '\n')
	if at < 0 {
		return len(b)
	}
	s.waiting, s.copying, s.midLine = false, true, false
	return at + 1
}

// skipData skips rows that are not needed, up to the line \. that ends them
// or to where one could still begin. A backslash in data is always doubled, so
// no row can look like that line (PostgreSQL, COPY, "Text Format").
func (s *Reader) skipData(b []byte) int {
	if n := endOfData(b); n > 0 && !s.midLine {
		s.copying = false
		return n
	}
	for from := 0; ; {
		at := bytes.Index(b[from:], []byte("\n\\."))
		if at < 0 {
			break
		}
		from += at + 1
		if n := endOfData(b[from:]); n > 0 {
			s.messageAmong(b[:from])
			s.copying, s.midLine = false, false
			return from + n
		}
	}
	used := max(0, bytes.LastIndexByte(b, '\n')) // which may be the one before \.
	s.messageAmong(b[:used])
	return used
}

// messageAmong looks for a line between the rows that is a message of pg_dump's. A row
// has as many fields as the table has columns; such a line has one.
func (s *Reader) messageAmong(rows []byte) {
	if s.foreign != nil || s.columns < 2 {
		return
	}
	for from := 0; ; {
		if from > 0 || s.midLine || !isMessage(rows) {
			at := bytes.Index(rows[from:], []byte("\npg_"))
			if at < 0 {
				return
			}
			from += at + 1
		}
		line, _, _ := bytes.Cut(rows[from:], []byte("\n"))
		if isMessage(line) && bytes.IndexByte(line, '\t') < 0 {
			s.foreign = bytes.Clone(line[:min(len(line), 256)])
			return
		}
		from++
	}
}

// endOfData returns the length of the line \. if b begins with it, else 0.
func endOfData(b []byte) int {
	for _, line := range []string{"\\.\n", "\\.\r\n"} {
		if bytes.HasPrefix(b, []byte(line)) {
			return len(line)
		}
	}
	return 0
}

// dataLines reads rows as long as they are whole and look like rows, and returns their length.
// What is left is for dataLine, which knows all that may stand between them.
func (s *Reader) dataLines(b []byte) (used int) {
	for !s.midLine {
		at := bytes.IndexByte(b[used:], '\n')
		if at <= 0 {
			break
		}
		line := b[used : used+at]
		if line[0] == '\\' || line[0] == 'p' || line[at-1] == '\r' || s.columns == 0 || bytes.Count(line, tab)+1 != s.columns {
			break
		}
		s.rows(line)
		used += at + 1
	}
	return used
}

// dataLine reads one row and returns its length, 0 if its end is not in b yet.
func (s *Reader) dataLine(b []byte) int {
	at := bytes.IndexByte(b, '\n')
	n, ended := at+1, at >= 0
	if !ended {
		if !s.atEnd {
			return 0
		}
		at, n = len(b), len(b)
	}
	text := bytes.TrimSuffix(b[:at], []byte("\r"))
	switch {
	case s.midLine:
		s.midLine = false
	case string(text) == `\.`:
		s.copying, s.rows = n == at, nil // the last line needs its end
	case isMessage(text) && s.columns > 1 && bytes.IndexByte(text, '\t') < 0:
		if s.foreign == nil {
			s.foreign = bytes.Clone(text[:min(len(text), 256)])
		}
	case ended && s.columns > 0 && bytes.Count(text, []byte("\t"))+1 != s.columns:
		s.damaged = s.table.Name // not quoted: a row may hold a secret
	default:
		s.rows(text)
	}
	return n
}
