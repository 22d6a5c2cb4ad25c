package digest

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
)

// level is the level of a record, as Python has it.
type level int

const (
	none     level = iota // before the first record
	info                  // and lower
	trailing              // a traceback under an information
	menus                 // blocks about menus, wherever they stand
	warning
	failure  // ERROR
	critical // and nothing after it
)

// head is the first line of a record: date, time, process, level, database, logger and text.
type head struct {
	level level
	text  []byte
}

// head reads the first line of a record. Others may have put something in front of each line: a
// time, or the name of a container.
func (l *Log) head(line []byte) (head, bool) {
	if at := l.offset; len(line) > at && isTime(line[at:]) {
		return parseHead(line[at:])
	}
	near := line[:min(len(line), learnWithin)]
	for from := 0; ; {
		comma := bytes.IndexByte(near[from:], ',')
		if comma < 0 {
			return head{}, false
		}
		from += comma + 1
		at := from - 1 - len("2006-01-02 15:04:05")
		if at < 0 || !isTime(line[at:]) {
			continue
		}
		h, ok := parseHead(line[at:])
		if ok {
			l.offset = at
		}
		return h, ok
	}
}

// timeShape is how Odoo writes the time of a record; 0 stands for a digit.
const timeShape = "0000-00-00 00:00:00,000 "

func isTime(line []byte) bool {
	if len(line) < len(timeShape) {
		return false
	}
	for at := range len(timeShape) {
		digit := line[at] >= '0' && line[at] <= '9'
		if want := timeShape[at]; want == '0' && !digit || want != '0' && line[at] != want {
			return false
		}
	}
	return true
}

// parseHead reads what stands behind the time: 6138 ERROR db_2586734 odoo.modules: text.
func parseHead(line []byte) (h head, ok bool) {
	_, rest, ok := bytes.Cut(line[len(timeShape):], []byte(" ")) // the process
	if !ok {
		return h, false
	}
	name, rest, ok := bytes.Cut(rest, []byte(" "))
	if !ok {
		return h, false
	}
	switch string(name) {
	case "DEBUG", "INFO", "RUNBOT", "TEST":
		if !bytes.HasSuffix(line, []byte("):")) { // of a menu
			return head{level: info}, true
		}
		h.level = info
	case "WARNING":
		h.level = warning
	case "ERROR":
		h.level = failure
	case "CRITICAL":
		h.level = critical
	default:
		return h, false
	}
	_, rest, _ = bytes.Cut(rest, []byte(" "))               // the database
	if _, h.text, ok = bytes.Cut(rest, []byte(": ")); !ok { // behind the logger
		h.text = rest
	}
	return h, true
}

// ends are what a system or a shell says of a program that it ended.
var ends = [][]byte{[]byte("[ERROR]::"), []byte("Killed"), []byte("Out of memory"), []byte("Segmentation fault"), []byte("exited with code 137")}

func isEnd(line []byte) bool {
	return slices.ContainsFunc(ends, func(text []byte) bool { return bytes.Contains(line, text) })
}

// ended notes a line that says how it ended, outside a record.
func (f *found) ended(line string, number int64) {
	c := Cause{Kind: Other, Title: "Another error: " + shorten(line, maxError), Error: shorten(line, maxError), Advice: "Read the log around this line. " + askOdoo, Count: 1, Line: number, weight: 50}
	if strings.HasPrefix(line, "[ERROR]::") && !strings.HasSuffix(strings.TrimSpace(line), " 137") {
		f.end = &c
		return
	}
	c.Kind, c.Title, c.weight, c.fatal = Resources, "The process was killed: the memory was probably not enough", 96, true
	c.Advice = "Start it again with more memory; on the platform, ask Odoo's support."
	c.key = "killed"
	f.add(c)
}

// colors are the escape sequences of terminals.
var colors = regexp.MustCompile("\x1b\\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b")

func withoutColors(line []byte) []byte { return colors.ReplaceAll(line, nil) }

// block is the lines of a record: the first ones, and of a long one the last ones.
type block struct {
	first, last textLines
	skipped     bool
}

// textLines are lines one after the other.
type textLines struct {
	text  []byte
	ends  []int
	lines []int64 // of the log
}

func (t *textLines) add(line []byte, number int64) {
	t.text = append(t.text, line...)
	t.ends = append(t.ends, len(t.text))
	t.lines = append(t.lines, number)
}

func (t *textLines) reset() { t.text, t.ends, t.lines = t.text[:0], t.ends[:0], t.lines[:0] }

func (b *block) empty() bool { return len(b.first.ends) == 0 }

func (b *block) reset() {
	b.first.reset()
	b.last.reset()
	b.skipped = false
}

// normal appends the lines without numbers.
func (b *block) normal(to []byte) []byte {
	for _, t := range []*textLines{&b.first, &b.last} {
		from := 0
		for _, end := range t.ends {
			if line := t.text[from:end]; bytes.Contains(line, []byte("view_id: ")) || bytes.Contains(line, []byte("ir.ui.view(")) || bytes.Contains(line, []byte("ir.actions.server(")) {
				to = append(to, line...) // whose id matters
			} else {
				to = appendNormal(to, line)
			}
			to = append(to, '\n')
			from = end
		}
	}
	return to
}

func (b *block) add(line []byte, number int64) {
	const perLine = 24 // what a line takes beside its text
	if !b.skipped && len(b.first.text)+perLine*len(b.first.ends)+len(line) <= maxBlock {
		b.first.add(line, number)
		return
	}
	b.skipped = true
	if len(b.last.text)+perLine*len(b.last.ends)+len(line) > maxBlock { // drop the older half
		half := textLines{}
		for n := max(1, len(b.last.ends)/2); n < len(b.last.ends); n++ {
			half.add(b.last.text[b.last.ends[n-1]:b.last.ends[n]], b.last.lines[n])
		}
		b.last = half
	}
	b.last.add(line, number)
}

// part is a part of a record: its own text, or what is said of one menu.
type part struct {
	menu  *menu // nil for none
	line  int64 // of the log
	lines []string
}

// menu is one that cannot be opened.
type menu struct{ xmlID, path string }

// menuLine is how the platform's test names a menu: xml id, id, path, id of its action.
var menuLine = regexp.MustCompile(`^\((?:['"]([\w.\-]*)['"]|None|False), \d+, ['"](.*)['"], (?:\d+|None|False|['"].*['"])\):?\s*$`)

// isMenu reports whether a line may be one about a menu.
func isMenu(line []byte) bool { return len(line) > 2 && line[0] == '(' && menuLine.Match(line) }

// split returns the parts of a record. Each menu begins one.
func (b *block) split() []part {
	parts := []part{{}}
	for _, t := range []*textLines{&b.first, &b.last} {
		from := 0
		for n, end := range t.ends {
			line := t.text[from:end]
			from = end
			if isMenu(line) {
				match := menuLine.FindSubmatch(line)
				parts = append(parts, part{menu: &menu{string(match[1]), string(match[2])}, line: t.lines[n]})
				continue
			}
			at := &parts[len(parts)-1]
			if at.line == 0 {
				at.line = t.lines[n]
			}
			at.lines = append(at.lines, string(bytes.TrimRight(line, " \r")))
		}
	}
	return parts
}
