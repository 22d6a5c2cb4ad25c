package digest

import (
	"cmp"
	"html"
	"regexp"
	"strings"
)

// Kind is what went wrong.
type Kind string

// The kinds.
const (
	View       Kind = "view"
	Menu       Kind = "menu"
	Action     Kind = "server-action"
	Field      Kind = "field"
	Missing    Kind = "record"
	Model      Kind = "model"
	Module     Kind = "module"
	Data       Kind = "data"
	Constraint Kind = "constraint"
	Database   Kind = "database"
	Script     Kind = "script"
	Test       Kind = "test"
	Resources  Kind = "resources"
	Other      Kind = "other"
)

// Texts that say that it failed, and nothing else.
var (
	ending     = regexp.MustCompile(`Error during the upgrade: command execution has failed|^Failed to load registry\s*$|^Failed to initialize database|^Couldn't load module|At least one menu or view working before upgrade is not working after`)
	testCounts = regexp.MustCompile(`(\d+) failed, (\d+) error\(s\) of (\d+) tests`)
)

// classify says what an error is. Around is the error with what is said beside it.
func (c *Cause) classify(r record, class, text, around string, m *menu, test string) {
	full := quotes.Replace(exception{class: class, text: text}.full())
	around = quotes.Replace(around)
	if m != nil && m.path != "" {
		c.Menus = []string{m.path}
	}
	c.Kind, c.Error, c.weight = Other, shorten(firstLine(full), maxError), 50
	c.Title, c.Advice = "Another error: "+shorten(firstLine(full), maxError), "Read the log at this line. "+askOdoo
	for _, known := range rows {
		from := full
		if !strings.Contains(from, known.has) {
			if from = around; !strings.Contains(from, known.has) {
				continue
			}
		}
		match := known.pattern.FindStringSubmatch(from)
		if match == nil {
			continue
		}
		groups := map[string]string{}
		for n, name := range known.pattern.SubexpNames() {
			if name != "" {
				groups[name] = shorten(match[n], maxError)
			}
		}
		if known.has == "validating view" {
			groups["why"] = viewReason(from)
		}
		line := lineWith(from, known.has)
		if known.kind == Data && from == around {
			line = firstLine(full)
		}
		c.known(known, groups, line, lineAfter(from, known.has))
		c.key = keyOf(match, groups, known.pattern)
		break
	}
	c.within(m, test, full, around)
	if c.Warning {
		c.weight -= 80
	}
	c.fatal = r.level == critical && !strings.HasPrefix(text, "Couldn't load module")
}

// within says what an error is by where it was raised: in a server action, a data file, a test or
// behind a menu.
func (c *Cause) within(m *menu, test, full, around string) {
	switch {
	case c.inAction && c.Kind != Action:
		c.Kind, c.weight, c.open, c.key = Action, 92, false, c.ID+"\n"+c.Error
		c.Title, c.Advice = c.action()+" fails: "+c.Error, "Correct or deactivate it before the upgrade."
	case c.inAction:
		c.key = c.ID + "\n" + c.key
	case c.Kind == Action && strings.Contains(around, "while parsing "): // a value in a data file
		c.Kind, c.weight, c.open = Data, 95, true
		c.Title, c.Advice = c.data()+" does not load", "Correct or remove what the error names. "+askOdoo
	}
	if c.Kind == Other {
		c.key = c.Error + "\n" + c.File
	}
	if test != "" && c.Kind == Other {
		c.Kind, c.Name, c.weight, c.open = Test, test, 72, true
		c.Title, c.Advice = "The test "+test+" failed", "Read the error in the log at this line. "+askOdoo
	}
	if m != nil && (c.Kind == Other || c.Kind == Script && strings.Contains(full, "odoo.exceptions.")) {
		c.Kind, c.weight, c.open = Menu, 85, true
		c.Title = "The menu " + cmp.Or(m.path, m.xmlID, "without a name") + " cannot be opened"
		c.Advice = "Correct what the error names, or deactivate the menu or what it opens, before the upgrade."
	}
}

// quotes makes the quotation marks of newer versions those of older ones.
var quotes = strings.NewReplacer("“", `"`, "”", `"`, "‘", "'", "’", "'")

// viewReason returns why a view is not valid: the last line before what describes the view.
func viewReason(text string) string {
	text, _, _ = strings.Cut(text, "View error context")
	text, _, _ = strings.Cut(text, "\nView:")
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return shorten(oneLine(htmlTag.ReplaceAllString(lines[len(lines)-1], " ")), maxError)
}

// htmlTag is the markup of messages for people.
var htmlTag = regexp.MustCompile(`</?(?:b|br|tt|i|p|ul|li)\s*/?>`)

// isOpen reports whether the title needs the error beside it: it only says of which view or data.
func (k row) isOpen() bool {
	return strings.HasPrefix(k.title, "{view}") && strings.Count(k.title, "{") == 1 || strings.HasPrefix(k.title, "{data}")
}

// keyOf returns what equal causes have in common: the groups of the pattern, or all that it matched.
// Of a constraint, the rows that violate it differ.
func keyOf(match []string, groups map[string]string, pattern *regexp.Regexp) string {
	if len(match) == 1 {
		return match[0]
	}
	var key []string
	for n, name := range pattern.SubexpNames()[1:] {
		if name != "why" || groups["constraint"] == "" {
			key = append(key, match[n+1])
		}
	}
	return strings.Join(key, "\n")
}

// known makes c one of a known kind.
func (c *Cause) known(k row, groups map[string]string, line, reason string) {
	c.Kind, c.weight, c.open = k.kind, k.weight, k.isOpen()
	if k.kind == Missing {
		c.XMLID = groups["xmlid"]
		c.Module, _, _ = strings.Cut(c.XMLID, ".")
	}
	if xmlID := groups["xmlid"]; k.kind == View && xmlID != "" {
		c.XMLID = xmlID
		c.Module, _, _ = strings.Cut(xmlID, ".")
	}
	c.Model = cmp.Or(groups["model"], c.Model)
	if k.kind == Module {
		c.Module = cmp.Or(groups["module"], c.Module)
		groups["module"] = "The module " + c.Module
		if c.Module == "" {
			groups["module"] = "A module"
		}
	}
	if k.kind == Field && groups["fields"] != "" {
		line += " " + groups["fields"]
	}
	switch _, inside, _ := strings.Cut(line, "while parsing "); {
	case k.kind == View && groups["why"] != "":
		line = groups["why"]
	case k.kind == Data && inside != "":
		line = cmp.Or(reason, line)
	case k.kind == Script && groups["why"] != "":
		line = oneLine(groups["why"])
	}
	c.Error = shorten(html.UnescapeString(strings.TrimPrefix(strings.TrimPrefix(line, "Error: "), "ERROR: ")), maxError)
	fill := []string{"{view}", c.view(), "{action}", c.action(), "{data}", c.data()}
	for name, value := range groups {
		fill = append(fill, "{"+name+"}", firstLine(value))
	}
	c.Title = tidy.Replace(strings.NewReplacer(fill...).Replace(k.title))
	c.Title = strings.TrimRight(c.Title, ": ")
	c.Advice = strings.NewReplacer(fill...).Replace(k.advice)
	switch {
	case k.advice != fitView:
	case c.Warning:
		c.Advice = "Check the view after the upgrade: it may have been replaced, or has to be ported."
	case c.File != "" && c.Module != "":
		c.Advice = "Port the view in the module " + c.Module + ", or uninstall the module before the upgrade."
	}
}

// tidy mends a title with a group that is not known.
var tidy = strings.NewReplacer("Rows of  ", "Rows ", "  ", " ")

// lineAfter returns the first line that says something behind the one that has some words, unless it
// only says where.
func lineAfter(text, words string) string {
	_, after, _ := strings.Cut(text, words)
	_, after, _ = strings.Cut(after, "\n")
	line := firstLine(after)
	if strings.HasPrefix(line, "<") || strings.HasPrefix(line, "View") {
		return ""
	}
	return line
}

// lineWith returns the line of a text that has some words.
func lineWith(text, words string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(line, words) {
			return strings.TrimSpace(line)
		}
	}
	return firstLine(text)
}

// of says which module something is of.
func (c *Cause) of() string {
	switch {
	case strings.HasPrefix(c.Module, "studio_customization"):
		return " (made with Studio)"
	case c.Module != "":
		return " (module " + c.Module + ")"
	}
	return ""
}

// view names a view as well as it is known.
func (c *Cause) view() string {
	switch name := cmp.Or(c.Name, c.XMLID); {
	case name != "":
		return "The view " + name + c.of()
	case len(c.Menus) > 0:
		return "A view behind the menu " + c.Menus[0]
	case c.Model != "":
		return "A view of " + c.Model
	}
	return "A view"
}

func (c *Cause) action() string {
	what := "server action"
	if c.inAction {
		what += " " + c.ID
	}
	switch {
	case len(c.Menus) > 0:
		return "The " + what + " behind the menu " + c.Menus[0]
	case c.inAction:
		return "The " + what
	}
	return "A " + what
}

func (c *Cause) data() string {
	if c.Module != "" {
		return "Data of the module " + c.Module
	}
	return "Data of a module"
}

// judge adds a cause, unless it is noise.
func (f *found) judge(c Cause, said string) {
	for _, pattern := range noise {
		if pattern.MatchString(c.Error) || pattern.MatchString(said) {
			return
		}
	}
	if match := testCounts.FindStringSubmatch(c.Error); match != nil {
		if match[1]+match[2] != "00" {
			c.Kind, c.weight = Test, 60
			c.Title = match[1] + " of " + match[3] + " tests failed, and " + match[2] + " ended with an error"
			f.tests = &c
		}
		return
	}
	if (c.Kind == Other || c.Kind == Test) && ending.MatchString(c.Error) {
		f.end = &c
		return
	}
	f.add(c)
}
