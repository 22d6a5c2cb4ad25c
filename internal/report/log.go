package report

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Limits of what is shown of the platform's log, a run, unless it is a debug run.
const (
	logLines   = 2000
	logBytes   = 1 << 20
	longLine   = 16 << 10 // longer ones are cut into several
	longSecret = 4 << 10  // no secret is longer
	longLast   = 500      // characters of a line in the summary
	lastOfLog  = 40       // lines that the summary of a failure has
	logHeading = "The platform's log"
)

// platformLog shows the platform's log as it arrives.
type platformLog struct {
	rest    []byte // of a line whose end has not arrived
	lines   int
	bytes   int
	left    int // lines that were left out
	last    []string
	grouped bool // the log's group is open
}

// logRead reports what is new in the platform's log.
func (c *console) logRead(text []byte) {
	l := &c.log
	l.rest = append(l.rest, text...)
	for {
		end := bytes.IndexByte(l.rest, '\n')
		switch {
		case end > longLine, end < 0 && len(l.rest) > longLine+longSecret:
			if safe := c.out.Redact(string(l.rest)); safe != string(l.rest) { // no secret is cut in two
				l.rest = []byte(safe)
				continue
			}
			cut := longLine
			for cut > longLine-utf8.UTFMax && !utf8.RuneStart(l.rest[cut]) {
				cut--
			}
			c.logLine(string(l.rest[:cut]))
			l.rest = l.rest[cut:]
		case end >= 0:
			c.logLine(string(l.rest[:end]))
			l.rest = l.rest[end+1:]
		default:
			return
		}
	}
}

func (c *console) logLine(line string) {
	l := &c.log
	line = strings.TrimRight(strings.ToValidUTF8(line, "\uFFFD"), "\r")
	if strings.TrimSpace(line) == "" {
		return
	}
	l.last = append(l.last, line)
	l.last = l.last[max(0, len(l.last)-lastOfLog):]
	l.lines++
	l.bytes += len(line)
	if (l.lines > logLines || l.bytes > logBytes) && !c.out.IsDebug() {
		if l.left++; l.left == 1 {
			c.info(
				fmt.Sprintf(
					"%s is cut here, at %d lines or 1 MiB for each step. For the whole log, add log to download, or run again with debug logging.",
					logHeading,
					logLines,
				),
			)
		}
		return
	}
	if !l.grouped {
		c.out.Group(logHeading)
		l.grouped = true
	}
	c.out.Info(line)
}

// endLog reports the end of the log.
func (c *console) endLog() {
	if rest := c.log.rest; len(rest) > 0 {
		c.log.rest = nil
		c.logLine(string(rest))
	}
	if c.log.left > 0 {
		c.info(fmt.Sprintf("%d lines of the platform's log were left out.", c.log.left))
	}
	c.endLogGroup()
}

// endLogGroup closes the log's group: what else is reported does not belong into it.
func (c *console) endLogGroup() {
	if c.log.grouped {
		c.out.EndGroup()
		c.log.grouped = false
	}
}

// writeLog writes the last lines of the log to a summary: where no cause is known, they are unfolded.
func (c *console) writeLog(b *strings.Builder, open bool) {
	if len(c.log.last) == 0 {
		return
	}
	unfolded := map[bool]string{true: " open"}[open]
	b.WriteString("\n<details" + unfolded + "><summary>The last lines of the platform's log</summary>\n\n<pre>\n")
	for _, line := range c.log.last {
		line = c.out.Redact(line)
		if runes := []rune(line); len(runes) > longLast {
			line = string(runes[:longLast]) + "…"
		}
		b.WriteString(c.text(line) + "\n")
	}
	b.WriteString("</pre>\n\n</details>\n")
}
