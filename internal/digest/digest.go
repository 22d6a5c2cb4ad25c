// Package digest finds out why an upgrade failed: it reads the log of one, of thousands of lines,
// and returns the few causes in it, what weighs most first. It also counts what the platform's own
// report of an upgrade lists.
//
// Write the log to a Log, in pieces of any size, and ask it for its Causes; Read does both. A Log
// keeps a bounded amount of memory, whatever is in the log: nothing in it is trusted, and nothing
// of it is shown by this package. The report is read by ReadReport.
package digest

import (
	"bytes"
	"cmp"
	"errors"
	"hash/maphash"
	"io"
	"slices"
	"strings"
)

// Cause is something that went wrong, once for all the times that the log has it.
type Cause struct {
	Kind    Kind   `json:"kind"`
	Title   string `json:"title"`  // what failed: a sentence without a period
	Error   string `json:"error"`  // the error that counts, as the log has it
	Advice  string `json:"advice"` // what to do: one sentence
	Warning bool   `json:"warning,omitempty"`

	Place
	Count int64 `json:"count"` // how often the log has it
	Line  int64 `json:"line"`  // of the log, where it is first; from 1 on

	weight int
	key    string // what equal causes have in common
	fatal  bool   // it ended the upgrade

	inAction bool // raised by the code of a server action
	open     bool // the title does not say it without the error
}

// Text is the cause in one line, without a period.
func (c Cause) Text() string {
	text := c.Title
	if c.open {
		text += ": " + c.Error
	}
	return strings.TrimRight(text, ".: ")
}

// Place says where something went wrong, as far as the log says so.
type Place struct {
	Name     string   `json:"name,omitempty"`   // of a view or a test
	XMLID    string   `json:"xml_id,omitempty"` // like sale.view_order_form
	ID       string   `json:"id,omitempty"`     // of a view or a server action, in the database
	Model    string   `json:"model,omitempty"`
	Module   string   `json:"module,omitempty"`
	File     string   `json:"file,omitempty"`
	FileLine int      `json:"file_line,omitempty"`
	Menus    []string `json:"menus,omitempty"` // paths of menus that cannot be opened because of it, the first ten
}

// Bounds of what is kept.
const (
	maxLine     = 4 << 10  // bytes of a line
	maxBlock    = 96 << 10 // bytes of a record's first and of its last lines, each
	maxCauses   = 400      // different errors, and as many warnings
	maxMenus    = 10
	maxError    = 600   // bytes of an error that is shown
	maxEnd      = 300   // bytes of a line that says how it ended
	maxSeen     = 20000 // records that are remembered
	learnWithin = 100   // bytes of a line within which a record may begin
)

// Log reads a log. Its zero value is ready for use, by one goroutine.
type Log struct {
	rest    []byte // of a line whose end has not arrived
	lines   int64
	records int64
	offset  int // of the records in their lines: others may have put something in front
	level   level
	block   block
	found   found
}

// ErrNotLog says that a file has no record of a log.
var ErrNotLog = errors.New("is not a log of Odoo's: no line of it begins with a time, a process and a level")

// Read reads a whole log. Its error is that of reading it, or ErrNotLog.
func Read(in io.Reader) ([]Cause, error) {
	var l Log
	if _, err := io.CopyBuffer(struct{ io.Writer }{&l}, in, make([]byte, 256<<10)); err != nil {
		return nil, err
	}
	causes := l.Causes()
	if len(causes) == 0 && l.records == 0 && l.lines > 0 {
		return nil, ErrNotLog
	}
	return causes, nil
}

// Write takes the next bytes of the log. It returns no error.
func (l *Log) Write(b []byte) (int, error) {
	n := len(b)
	for {
		end := bytes.IndexByte(b, '\n')
		if end < 0 {
			break
		}
		line := b[:end]
		if b = b[end+1:]; len(l.rest) > 0 {
			l.keep(line)
			line = l.rest
		}
		l.line(cut(line, maxLine))
		l.rest = l.rest[:0]
	}
	l.keep(b)
	return n, nil
}

// keep keeps the beginning of a line whose end has not arrived.
func (l *Log) keep(b []byte) {
	l.rest = append(l.rest, b[:min(len(b), max(0, maxLine+1-len(l.rest)))]...)
}

// Causes ends the log, and returns what it has, what weighs most first; nil for a log without an
// error.
func (l *Log) Causes() []Cause {
	if len(l.rest) > 0 {
		l.line(cut(l.rest, maxLine))
		l.rest = nil
	}
	if l.level == trailing {
		l.level = none
	}
	l.endRecord()
	return l.found.causes()
}

// line takes a line without its end.
func (l *Log) line(line []byte) {
	l.lines++
	if bytes.IndexByte(line, 0x1b) >= 0 {
		line = withoutColors(line)
	}
	if h, ok := l.head(line); ok {
		l.endRecord()
		l.records++
		l.level = h.level
		if l.level == info && isMenu(h.text) {
			l.level = menus
		}
		if l.level >= menus {
			l.block.add(h.text, l.lines)
		}
		return
	}
	if l.offset > 0 && len(line) >= l.offset {
		line = line[l.offset:]
	}
	if l.level == info {
		switch {
		case isMenu(line):
			l.level = menus
		case bytes.HasSuffix(line, []byte(traceback)): // it failed nothing, unless it is the end
			l.level = trailing
		default:
			if len(line) < maxEnd && isEnd(line) {
				l.found.ended(string(line), l.lines)
			}
			return
		}
	}
	l.block.add(line, l.lines)
}

// endRecord judges the record that ends here.
func (l *Log) endRecord() {
	if !l.block.empty() && l.level != trailing {
		l.found.again(l.level, &l.block)
	}
	l.block.reset()
}

// found collects causes.
type found struct {
	list  []*Cause
	byKey map[string][]*Cause
	end   *Cause // what says that it failed, and nothing else
	tests *Cause // how many tests failed

	seen    map[uint64][]*Cause // what a record came to, by its text without numbers
	now     []*Cause            // what the record in hand came to
	scratch []byte
}

// seed is for the hashes of records.
var seed = maphash.MakeSeed()

// again judges a record, or remembers what the same one came to: an error comes dozens of times.
func (f *found) again(l level, b *block) {
	f.scratch = b.normal(append(f.scratch[:0], byte(l)))
	sum := maphash.Bytes(seed, f.scratch)
	known, ok := f.seen[sum]
	if ok {
		for _, c := range known {
			c.Count++
		}
		return
	}
	f.now = nil
	f.record(record{level: l, parts: b.split()})
	if f.seen == nil {
		f.seen = map[uint64][]*Cause{}
	}
	if len(f.seen) < maxSeen {
		f.seen[sum] = f.now
	}
}

// add counts a cause, as one that is there already if it says the same.
func (f *found) add(c Cause) {
	key := string(c.Kind) + "\n" + normal(cmp.Or(c.key, c.Error))
	for _, known := range f.byKey[key] {
		if known.merge(c) {
			f.now = append(f.now, known)
			return
		}
	}
	same := 0
	for _, known := range f.list {
		if known.Warning == c.Warning {
			same++
		}
	}
	if same >= maxCauses && !c.fatal {
		return
	}
	if f.byKey == nil {
		f.byKey = map[string][]*Cause{}
	}
	f.now = append(f.now, &c)
	f.list = append(f.list, &c)
	f.byKey[key] = append(f.byKey[key], &c)
}

// merge takes another cause with the same error into c, unless they are about different things.
func (c *Cause) merge(other Cause) bool {
	differ := func(a, b string) bool { return a != "" && b != "" && a != b }
	if c.Kind == View && c.XMLID+other.XMLID == "" && differ(c.ID, other.ID) {
		return false
	}
	if differ(c.XMLID, other.XMLID) || differ(c.Name, other.Name) && c.XMLID == "" {
		return false
	}
	c.Count += other.Count
	c.weight, c.fatal = max(c.weight, other.weight), c.fatal || other.fatal
	c.Warning = c.Warning && other.Warning
	if c.XMLID+c.Name == "" && other.XMLID+other.Name != "" || c.File == "" && other.File != "" {
		c.Title, c.Advice = other.Title, other.Advice
	}
	c.Name, c.XMLID, c.ID = cmp.Or(c.Name, other.Name), cmp.Or(c.XMLID, other.XMLID), cmp.Or(c.ID, other.ID)
	c.Model, c.Module = cmp.Or(c.Model, other.Model), cmp.Or(c.Module, other.Module)
	if c.File == "" {
		c.File, c.FileLine = other.File, other.FileLine
	}
	for _, menu := range other.Menus {
		if len(c.Menus) < maxMenus && !slices.Contains(c.Menus, menu) {
			c.Menus = append(c.Menus, menu)
		}
	}
	return true
}

// causes returns what was found, in order of weight.
func (f *found) causes() []Cause {
	var list []Cause
	for _, c := range f.list {
		if !f.isTold(c) {
			list = append(list, *c)
		}
	}
	if len(list) == 0 && f.tests != nil {
		list = append(list, *f.tests)
	}
	if len(list) == 0 && f.end != nil {
		list = append(list, *f.end)
	}
	slices.SortStableFunc(list, func(a, b Cause) int {
		if a.fatal != b.fatal {
			return map[bool]int{true: -1, false: 1}[a.fatal]
		}
		return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.Line, b.Line))
	})
	return list
}

// isTold reports whether another cause says why a module does not load.
func (f *found) isTold(c *Cause) bool {
	return c.Kind == Module && c.Module != "" && c.weight < explains && slices.ContainsFunc(f.list, func(other *Cause) bool {
		return other.Module == c.Module && other.weight >= explains
	})
}

// normal is a text without what differs from one time to the next.
func normal(text string) string { return string(appendNormal(nil, []byte(text))) }

// appendNormal appends a text without numbers that stand alone, and addresses in memory.
func appendNormal(to, text []byte) []byte {
	for at := 0; at < len(text); {
		plain := at
		for plain < len(text) && (text[plain] < '0' || text[plain] > '9') {
			plain++
		}
		to = append(to, text[at:plain]...)
		if at = plain; at == len(text) {
			break
		}
		end, digits := at, true
		for end < len(text) && isWord[text[end]] {
			digits = digits && text[end] <= '9'
			end++
		}
		address := bytes.HasPrefix(text[at:end], []byte("0x"))
		if inName := at > 0 && (isWord[text[at-1]] || text[at-1] == '.'); address || digits && !inName {
			to = append(to, '#')
		} else {
			to = append(to, text[at:end]...)
		}
		at = end
	}
	return to
}

// isWord are the bytes of names.
var isWord = func() (is [256]bool) {
	for c := range 256 {
		is[c] = c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
	}
	return is
}()
