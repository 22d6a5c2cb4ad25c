package digest

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// record is a record of the log.
type record struct {
	level level
	parts []part
}

// exception is how a traceback ends.
type exception struct {
	class string // like ValueError, with its modules
	text  string // lines
	files []frame
}

// frame is a line of code.
type frame struct {
	file string
	line int
}

// Lines of a traceback.
const traceback = "Traceback (most recent call last):"

var (
	frameLine = regexp.MustCompile(`^\s+File "([^"]+)", line (\d+)`)
	raised    = regexp.MustCompile(`^((?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*)(?:: ?(.*))?$`)
	chained   = regexp.MustCompile(`^(During handling of the above exception|The above exception was the direct cause)`)
	testLine  = regexp.MustCompile(`^(?:.*: )?(?:FAIL|ERROR): ((?:\w+\.)*\w+)(?: \(([\w.]+)\))?\s*$`)
)

// exceptions returns the ends of the tracebacks in a part of a record, in their order, and the
// lines before the first.
func (p part) exceptions() (list []exception, before []string) {
	var current *exception // whose frames are read
	inText := false
	for _, line := range p.lines {
		switch {
		case strings.HasSuffix(line, traceback):
			current, inText = &exception{}, false
		case chained.MatchString(line):
			inText = false
		case current != nil && (strings.HasPrefix(line, " ") || line == ""):
			if match := frameLine.FindStringSubmatch(line); match != nil {
				number, _ := strconv.Atoi(match[2])
				if current.files = append(current.files, frame{match[1], number}); len(current.files) > maxFrames {
					current.files = slices.Delete(current.files, 0, maxFrames/2)
				}
			}
		case current != nil:
			if match := raised.FindStringSubmatch(line); match != nil {
				current.class, current.text = match[1], match[2]
			} else {
				current.text = line
			}
			list = append(list, *current)
			current, inText = nil, true
		case inText:
			last := &list[len(list)-1]
			if len(last.text) < maxText {
				last.text += "\n" + line
			}
		case len(list) == 0 && len(before) < maxBefore:
			before = append(before, line)
		}
	}
	return list, before
}

// Bounds of an exception.
const (
	maxFrames = 64
	maxText   = 8 << 10
	maxBefore = 200 // lines
)

// short is the name of an exception's class.
func (e exception) short() string { return e.class[strings.LastIndex(e.class, ".")+1:] }

// full is an exception as Python writes it.
func (e exception) full() string {
	switch {
	case e.class == "":
		return e.text
	case e.text == "":
		return e.class
	}
	return e.class + ": " + e.text
}

// parsing is where data of a module does not load.
var parsing = regexp.MustCompile(`(?:^|["'] )while parsing (?:file:(?://)?)?(\S+?):(\d+)`)

// followUp is what fails because something else did before.
var followUp = regexp.MustCompile(`InFailedSqlTransaction|cursor already closed|Unable to load \S+-migration file|: invalid manifest`)

// counts returns the exception that counts of a chain, and what is said around it. It is the last
// one, but that some data cannot be loaded has a reason, which is its cause in the chain.
func counts(chain []exception) (e exception, around string) {
	for len(chain) > 1 && followUp.MatchString(chain[len(chain)-1].full()) {
		chain = chain[:len(chain)-1]
	}
	e = chain[len(chain)-1]
	if len(chain) == 1 || e.short() != "ParseError" {
		return e, e.text
	}
	head, inside, _ := strings.Cut(e.text, "\n")
	if !strings.HasSuffix(head, "somewhere inside") && !strings.HasSuffix(head, "near") {
		return e, e.text
	}
	reason := chain[len(chain)-2]
	reason.files = append(slices.Clone(reason.files), e.files...)
	return reason, head + "\n" + inside + "\n" + reason.text
}

// record finds the causes in a record.
func (f *found) record(r record) {
	menus := slices.ContainsFunc(r.parts, func(p part) bool { return p.menu != nil })
	for _, p := range r.parts {
		if p.menu != nil || len(p.lines) > 0 {
			f.part(r, p, menus)
		}
	}
}

// part finds the cause in a part of a record.
func (f *found) part(r record, p part, menus bool) {
	chain, before := p.exceptions()
	test := testName(before)
	c := Cause{Count: 1, Line: p.line, Warning: r.level == warning}
	said := strings.Join(before, "\n") // of the record itself
	switch {
	case len(chain) > 0:
		e, around := counts(chain)
		c.place(around+"\n"+said, e.files)
		c.classify(r, e.class, e.text, around, p.menu, test)
	case menus && p.menu == nil: // what introduces the menus
		return
	default:
		c.place(said, nil)
		c.classify(r, "", said, said, p.menu, test)
	}
	if c.Kind == Other && (r.level == warning || r.level == none && len(chain) == 0) {
		return // nothing failed
	}
	f.judge(c, said)
}

// testName returns the test that lines say has failed.
func testName(lines []string) string {
	for _, line := range lines {
		match := testLine.FindStringSubmatch(line)
		if match == nil {
			continue
		}
		switch name := match[1]; {
		case strings.Contains(name, "."):
			return name
		case match[2] != "": // test_check (odoo.addons.base.tests.test_mock_crawl.TestCrawler)
			return match[2][strings.LastIndex(match[2], ".")+1:] + "." + name
		}
	}
	return ""
}

// firstLine returns the first line that says something.
func firstLine(text string) string {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			return line
		}
	}
	return ""
}

// shorten bounds a text that is shown.
func shorten(text string, most int) string {
	text = strings.TrimSpace(text)
	if len(text) <= most {
		return text
	}
	return string(cut([]byte(text), most)) + "…"
}

// cut returns the first bytes of a text, but no part of what may be a secret: half of one would not
// be masked.
func cut(text []byte, most int) []byte {
	if len(text) <= most {
		return text
	}
	text = text[:most]
	return bytes.ToValidUTF8(bytes.TrimRightFunc(text, mayBeSecret), nil)
}

// mayBeSecret reports whether a character may be one of a key or a token, or is cut itself.
func mayBeSecret(c rune) bool {
	return c == utf8.RuneError || c < utf8.RuneSelf && isWord[c] || strings.ContainsRune("+/=%-.~", c)
}
