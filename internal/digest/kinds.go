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

// row is a way in which upgrades fail. Title and advice have the groups of the pattern in braces,
// and {view}, {action}, {data}: what is known of those.
type row struct {
	kind    Kind
	has     string // text that all matches have, in front of the pattern: it is faster
	pattern *regexp.Regexp
	title   string
	advice  string
	weight  int
}

// What to do in several cases.
const (
	fitView   = "Deactivate it before the upgrade, and port it afterwards."
	fixRows   = "Correct these rows before the upgrade, and send a new dump."
	askOdoo   = "If none of your customizations explains it, send it to Odoo's support."
	getModule = "Port the module to the target version, or uninstall it before the upgrade."
)

// clear is the least weight of what explains a failure by itself.
const clear = 50

// rows are all of them: the first that matches counts. What stands first is more special.
var rows = []row{
	{View, "cannot be located in parent", regexp.MustCompile(`(Element '?<.*?>'?) cannot be located in parent`), "{view} no longer fits its parent view", fitView, 90},
	{View, `"attrs" and "states"`, regexp.MustCompile(`Since (?P<version>[\d.]+), the "attrs" and "states" attributes are no longer used`), `{view} uses "attrs" or "states", which Odoo {version} does not take`, fitView, 90},
	{View, "must be present in view", regexp.MustCompile(`Field ["']?(?P<field>\w+)["']? used in .* must be present in view`), "{view} uses the field {field}, but does not have it", fitView, 90},
	{View, "is not a valid action", regexp.MustCompile(`(?P<button>[\w.]+) is not a valid action on (?P<model>[\w.]*\w)`), "{view} has a button for {button}, which {model} does not have", fitView, 90},
	{View, "error in view", regexp.MustCompile(`(?i)error in view .*`), "{view} has an error", fitView, 88},
	{Field, "remove_field", regexp.MustCompile("(?s)forgot to call `?util\\.remove_field`? on the following fields:\\s*(?P<fields>[^\\n]+)"), "Fields of a removed module are left: {fields}", "Remove these fields and what uses them before the upgrade, or uninstall their module.", 100},
	{View, "does not exist", regexp.MustCompile(`Field ["'` + "`" + `]?(?P<field>[\w.]+)["'` + "`" + `]? does not exist(?: (?:in|on) model ["'` + "`" + `]?(?P<model>[\w.]+?)["'` + "`" + `]?[.\s]*$)?`), "{view} uses the field {field}, which does not exist", fitView, 90},
	{View, "Invalid view", regexp.MustCompile(`Invalid view .*`), "{view} is not valid", fitView, 88},
	{View, "validating view", regexp.MustCompile(`(?s)Error while (?:parsing or )?validating view(?:[^\n]*)\s+(?P<why>[^\n]+)`), "{view} is not valid in the new version", fitView, 88},
	{View, "inheritance may not use attribute", regexp.MustCompile(`View inheritance may not use attribute .*`), "{view} no longer fits its parent view", fitView, 88},
	{View, "could be found", regexp.MustCompile(`No default view of type .* could be found`), "A model has no view of the kind that an action opens", "Correct the action, or remove its menu, before the upgrade.", 86},
	{View, "Can't render custom view", regexp.MustCompile(`Can't render custom view (?P<xmlid>[\w.\-]*) ?for model (?P<model>[\w.]*\w)`), "{view} cannot be rendered", "Check the view after the upgrade: what it changes may be gone or have moved.", 88},
	{Field, "Invalid field", regexp.MustCompile(`Invalid field ['"]?(?P<field>[\w.]+)['"]? (?:on|in) (?:model )?['"]?(?P<model>[\w.]+)`), "The field {field} of {model} does not exist", "Remove what uses it before the upgrade: a filter, an action, a view or code.", 85},
	{Field, "Unknown field", regexp.MustCompile(`Unknown field ["']?(?P<field>[\w.]+)`), "The field {field} does not exist", "Remove what uses it before the upgrade: a filter, an action, a view or code.", 85},
	{Action, "while evaluating", regexp.MustCompile(`(?s)<class '(?P<class>[\w.]+)'>: ["'](?P<why>.*?)["'] while evaluating`), "{action} fails: {why}", "Deactivate it, or remove its menu, before the upgrade: it calls code that is not there, as the platform runs without custom modules.", 92},
	{Action, "while evaluating", regexp.MustCompile(`(?s)ValueError: (?P<class>\w+)\(["'](?P<why>.*?)["'],?\) while evaluating`), "{action} fails: {why}", "Deactivate it, or remove its menu, before the upgrade: it calls code that is not there, as the platform runs without custom modules.", 92},
	{Script, "SleepyDeveloperError", regexp.MustCompile(`(?s)SleepyDeveloperError: (?P<why>.+)`), "A script of the upgrade stopped: {why}", "Do what it says before the upgrade. " + askOdoo, 100},
	{Script, "UpgradeError", regexp.MustCompile(`(?s)UpgradeError: (?P<why>.+)`), "A script of the upgrade stopped: {why}", "Do what it says before the upgrade. " + askOdoo, 100},
	{Script, "MigrationError", regexp.MustCompile(`(?s)MigrationError: (?P<why>.+)`), "A script of the upgrade stopped: {why}", "Do what it says before the upgrade. " + askOdoo, 100},
	{Script, "error in migration script", regexp.MustCompile(`(?P<module>\w+): error in migration script (?P<script>\S+?):? `), "The script {script} of {module} failed", "Read the error in the log at this line. " + askOdoo, 95},
	{Missing, "External ID not found", regexp.MustCompile(`External ID not found(?: in the system)?: (?P<xmlid>[^\s"']+)`), "The record {xmlid} is missing", "It was deleted, but is needed: update the module that owns it, or create the record again with this external ID, before the upgrade.", 95},
	{Missing, "No record found for unique ID", regexp.MustCompile(`No record found for unique ID (?P<xmlid>[\w.\-]+)`), "The record {xmlid} is missing", "It was deleted, but is needed: update the module that owns it, or create the record again with this external ID, before the upgrade.", 95},
	{Missing, "does not exist or has been deleted", regexp.MustCompile(`(?s)Record does not exist or has been deleted\.?\s*\(Record: (?P<record>\S+?)[,)]`), "The record {record} is missing", "It was deleted, but something refers to it: remove that reference, or restore the record, before the upgrade.", 85},
	{Module, "depends on the module", regexp.MustCompile(`the module (?P<module>\w+) that depends on the module: (?P<missing>\w+)`), "{module} needs the module {missing}, which is not there", "Add {missing} for the target version, or uninstall the module that needs it before the upgrade.", 80},
	{Module, "No module named", regexp.MustCompile(`No module named '(?P<missing>[\w.]+)'`), "{module} imports {missing}, which is not there", getModule, 82},
	{Module, "cannot import name", regexp.MustCompile(`cannot import name '(?P<missing>[\w.]+)' from '(?P<from>[\w.]+)'`), "{module} imports {missing} from {from}, which is not there", getModule, 82},
	{Module, "external dependency is not met", regexp.MustCompile(`module ["'](?P<module>\w+)["'] because an external dependency is not met: (?P<why>.*)`), "{module} cannot be installed: {why}", "Install what is missing where Odoo runs.", 80},
	{Module, "modules", regexp.MustCompile(`Some modules are not loaded, some dependencies or manifest may be missing: (?P<list>.*)`), "Modules are not loaded: {list}", getModule, 30},
	{Module, "inconsistent states", regexp.MustCompile(`Some modules have inconsistent states, some dependencies may be missing: (?P<list>.*)`), "Modules are between two states: {list}", getModule, 30},
	{Module, "module", regexp.MustCompile(`(?:invalid module names, ignored|The following modules are not installed or unknown): (?P<list>.*)`), "Modules are not known: {list}", getModule, 30},
	{Module, "not installable", regexp.MustCompile(`[Mm]odules? (?P<list>\[.*?\]|[\w, ]+?):? (?:are|is|were)?\s?not installable`), "Modules are not installable: {list}", getModule, 30},
	{Module, "nmet dependencies", regexp.MustCompile(`[Uu]nmet dependencies: (?P<list>.*)`), "A module's dependencies are missing: {list}", getModule, 78},
	{Module, "load module", regexp.MustCompile(`Couldn't load module (?P<module>\w+)`), "{module} does not load", getModule, 40},
	{Constraint, "duplicate key value", regexp.MustCompile(`(?s)duplicate key value violates unique constraint "(?P<constraint>[^"]+)"(?:.*?DETAIL:\s*(?P<why>[^\n]+))?`), "Rows violate the unique constraint {constraint}: {why}", fixRows, 80},
	{Constraint, "could not create unique index", regexp.MustCompile(`(?s)could not create unique index "(?P<constraint>[^"]+)"(?:.*?DETAIL:\s*(?P<why>[^\n]+))?`), "Rows violate the unique index {constraint}: {why}", fixRows, 80},
	{Constraint, "violates foreign key constraint", regexp.MustCompile(`(?s)table "(?P<table>[^"]+)" violates foreign key constraint "(?P<constraint>[^"]+)"(?:.*?DETAIL:\s*(?P<why>[^\n]+))?`), "Rows of {table} violate the foreign key {constraint}: {why}", fixRows, 80},
	{Constraint, "violates not-null constraint", regexp.MustCompile(`(?s)null value in column "(?P<column>[^"]+)"(?: of relation "(?P<table>[^"]+)")? violates not-null constraint`), "Rows of {table} have no value in {column}, but must", fixRows, 80},
	{Constraint, "violates check constraint", regexp.MustCompile(`(?s)relation "(?P<table>[^"]+)" (?:is violated|violates check constraint "(?P<constraint>[^"]+)")`), "Rows of {table} violate the check {constraint}", fixRows, 80},
	{Constraint, "check constraint", regexp.MustCompile(`check constraint "(?P<constraint>[^"]+)" of relation "(?P<table>[^"]+)" is violated`), "Rows of {table} violate the check {constraint}", fixRows, 80},
	{Constraint, "unable to add constraint", regexp.MustCompile(`Table '(?P<table>\w+)': unable to add constraint '(?P<constraint>\w+)' as (?P<what>.*)`), "Rows of {table} violate the constraint {constraint}: {what}", fixRows, 70},
	{Constraint, "unable to set NOT NULL", regexp.MustCompile(`Table '(?P<table>\w+)': unable to set NOT NULL on column '(?P<column>\w+)'`), "Rows of {table} have no value in {column}, but must", fixRows, 70},
	{Database, "does not exist", regexp.MustCompile(`(?P<what>column|relation|table|constraint|function|type|index|schema) "?(?P<name>[\w.]+(?:\([^)]*\))?)"?(?: of relation "(?P<table>[^"]+)")? does not exist`), "The database has no {what} {name}", "Check what your own modules or scripts changed in the database. " + askOdoo, 75},
	{Database, "already exists", regexp.MustCompile(`(?P<what>column|relation|table|constraint|index) "(?P<name>[^"]+)"(?: .*)? already exists`), "The database already has a {what} {name}", "Remove or rename what was made by hand before the upgrade.", 75},
	{Database, "cannot drop", regexp.MustCompile(`cannot (?:drop|alter) (?P<what>.*?) because (?P<why>[^\n]*)`), "Something made by hand is in the way of {what}", "Drop the SQL view, rule or trigger that depends on it before the upgrade, and create it again afterwards.", 85},
	{Resources, "space left on device", regexp.MustCompile(`[Nn]o space left on device`), "A disk is full", "Free space where the upgrade runs, and start it again.", 96},
	{Resources, "emory", regexp.MustCompile(`MemoryError|[Oo]ut of memory|Memory limit`), "The memory was not enough", "Start it again with more memory; on the platform, ask Odoo's support.", 96},
	{Resources, "statement timeout", regexp.MustCompile(`canceling statement due to (?:statement|lock) timeout`), "A statement took too long", "Start it again. " + askOdoo, 75},
	{Resources, "could not serialize access", regexp.MustCompile(`could not serialize access`), "Two transactions wanted to change the same rows", "Odoo tries that again by itself. If nothing else is wrong, start the upgrade again.", 20},
	{Resources, "deadlock", regexp.MustCompile(`deadlock detected`), "Two transactions waited for each other", "Start it again.", 60},
	{Resources, "connection", regexp.MustCompile(`server closed the connection unexpectedly|terminating connection|connection already closed`), "The connection to PostgreSQL was lost", "Start it again.", 70},
	{Model, "not found in registry", regexp.MustCompile(`[Mm]odel ['"]?(?P<model>[\w.]+)['"]? (?:is )?not found in registry`), "The model {model} does not exist", "Uninstall what uses it before the upgrade, or bring its module to the target version.", 82},
	{Model, "does not exist in registry", regexp.MustCompile(`Model ['"]?(?P<model>[\w.]+)['"]? does not exist in registry`), "The model {model} does not exist", "Uninstall what uses it before the upgrade, or bring its module to the target version.", 82},
	{Model, "KeyError", regexp.MustCompile(`^KeyError: '(?P<model>[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+)'`), "The model {model} does not exist", "Uninstall what uses it before the upgrade, or bring its module to the target version.", 82},
	{Data, "while parsing", regexp.MustCompile(`while parsing (?:file:/*)?(?P<file>\S+?):(?P<line>\d+)`), "{data} does not load", "Correct or remove what the error names. " + askOdoo, 95},
}

// noise is dropped: it fails nothing, or says nothing that is not said elsewhere.
var noise = []*regexp.Regexp{
	regexp.MustCompile(`FileNotFoundError: .*filestore`),
	regexp.MustCompile(`No such file or directory: '[^']*/filestore/`),
	regexp.MustCompile(`^_read_file reading `),
}

// Texts that say that it failed, and nothing else.
var (
	ending     = regexp.MustCompile(`Error during the upgrade: command execution has failed|^Failed to load registry\s*$|^Failed to initialize database|^Couldn't load module|At least one menu or view working before upgrade is not working after`)
	testCounts = regexp.MustCompile(`(\d+) failed, (\d+) error\(s\) of (\d+) tests`)
)

// classify says what an error is. Around is the error with what is said beside it.
func (c *Cause) classify(r record, class, text, around string, m *menu, test string) {
	full := exception{class: class, text: text}.full()
	if m != nil && m.path != "" {
		c.Menus = []string{m.path}
	}
	c.Kind, c.Error, c.weight = Other, shorten(firstLine(full)), 50
	c.Title, c.Advice = "An error that is not one of the known kinds: "+shorten(firstLine(full)), "Read the log at this line. "+askOdoo
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
				groups[name] = shorten(match[n])
			}
		}
		c.known(known, groups, lineWith(from, known.has))
		c.key = keyOf(match, groups, known.pattern)
		break
	}
	if c.Kind == Other && c.File == "" && c.code.file != "" { // better than nothing
		c.File, c.FileLine = c.code.file, c.code.line
	}
	if test != "" && c.Kind == Other {
		c.Kind, c.Name, c.weight, c.open = Test, test, 72, true
		c.Title, c.Advice = "The test "+test+" failed", "Read the error in the log at this line. "+askOdoo
	}
	if m != nil && c.Kind == Other {
		c.Kind, c.weight, c.open = Menu, 85, true
		c.Title = "The menu " + cmp.Or(m.path, m.xmlID, "without a name") + " cannot be opened"
		c.Advice = "Correct what the error names, or deactivate the menu or what it opens, before the upgrade."
	}
	if c.Warning {
		c.weight -= 80
	}
	if r.level == critical {
		c.weight += 5
	}
}

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
func (c *Cause) known(k row, groups map[string]string, line string) {
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
	c.Error = shorten(html.UnescapeString(strings.TrimPrefix(strings.TrimPrefix(line, "Error: "), "ERROR: ")))
	fill := []string{"{view}", c.view(), "{action}", c.action(), "{data}", c.data()}
	for name, value := range groups {
		fill = append(fill, "{"+name+"}", firstLine(value))
	}
	c.Title = tidy.Replace(strings.NewReplacer(fill...).Replace(k.title))
	c.Title = strings.TrimRight(c.Title, ": ")
	c.Advice = strings.NewReplacer(fill...).Replace(k.advice)
}

// tidy mends a title with a group that is not known.
var tidy = strings.NewReplacer("Rows of  ", "Rows ", "  ", " ")

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
	if len(c.Menus) > 0 {
		return "The server action behind the menu " + c.Menus[0]
	}
	return "A server action"
}

func (c *Cause) data() string {
	if c.Module != "" {
		return "Data of the module " + c.Module
	}
	return "Data of a module"
}

// judge adds a cause, unless it is noise.
func (f *found) judge(r record, c Cause, said string) {
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
	if c.Kind == Other && ending.MatchString(c.Error) {
		f.end = &c
		return
	}
	if (r.level == warning || r.level == none) && c.Kind == Other && !(r.level == none && c.File != "") {
		return // nothing failed
	}
	f.add(c)
}
