package digest

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// How errors name views. Odoo has written it in several ways.
var (
	viewLine    = regexp.MustCompile(`(?m)^View: (.+?) \(([\w.]+)\)(?: in (\S+))?\s*$`)
	viewNamed   = regexp.MustCompile("View `([^`]+)`")
	viewRef     = regexp.MustCompile(`'view': ir\.ui\.view\((\d+),`)
	actionAt    = regexp.MustCompile(`^ir\.actions\.server\((\d+),`)
	viewIDs     = regexp.MustCompile(`\[view_id: (\d+), xml_id: ([^,\]]+), model: ([^,\]]+)`)
	notRendered = regexp.MustCompile(`Can't render custom view ([\w.\-]*) ?for model ([\w.]*\w)`)
	viewEntry   = regexp.MustCompile(`'(name|xmlid|view\.model|model|file)': '([^']*)'`)
	recordTag   = regexp.MustCompile(`<record[^>]*\bid="([^"]+)"`)
	modelAttr   = regexp.MustCompile(`<record[^>]*\bmodel="([^"]+)"`)
	unknown     = []string{"n/a", "None", "False", ""}
)

// place fills in where it was, from what an error says and from the lines of code.
func (c *Cause) place(text string, files []frame) {
	if match := parsing.FindStringSubmatch(text); match != nil {
		c.File = match[1]
		c.FileLine, _ = strconv.Atoi(match[2])
	}
	if match := viewLine.FindStringSubmatch(text); match != nil {
		c.Name, c.XMLID = match[1], match[2]
	}
	if match := viewNamed.FindStringSubmatch(text); match != nil && c.Name == "" {
		c.Name = match[1]
	}
	if match := viewRef.FindStringSubmatch(text); match != nil {
		c.ID = match[1]
	}
	if match := viewIDs.FindStringSubmatch(text); match != nil {
		c.ID, c.XMLID, c.Model = match[1], cmp.Or(c.XMLID, known(match[2])), known(match[3])
	}
	if match := notRendered.FindStringSubmatch(text); match != nil {
		c.XMLID, c.Model = cmp.Or(c.XMLID, match[1]), cmp.Or(c.Model, known(match[2]))
	}
	if _, context, ok := strings.Cut(text, "error context:"); ok {
		c.context(context)
	}
	if match := recordTag.FindStringSubmatch(text); match != nil && c.XMLID == "" {
		c.XMLID = match[1]
		if model := modelAttr.FindStringSubmatch(text); model != nil {
			c.Model = cmp.Or(c.Model, model[1])
		}
	}
	c.raisedAt(files)
	c.owner()
}

// context reads the dict that describes a view.
func (c *Cause) context(text string) {
	for _, entry := range viewEntry.FindAllStringSubmatch(text, -1) {
		value := known(entry[2])
		switch entry[1] {
		case "name":
			if value != "invalid view" { // what Odoo says for one that it could not read
				c.Name = cmp.Or(c.Name, value)
			}
		case "xmlid":
			c.XMLID = cmp.Or(c.XMLID, value)
		case "view.model", "model":
			c.Model = cmp.Or(c.Model, value)
		case "file":
			c.File = cmp.Or(c.File, value)
		}
	}
}

func known(value string) string {
	value = strings.TrimSpace(value)
	if slices.Contains(unknown, value) {
		return ""
	}
	return value
}

// raisedAt finds the line of code that an error comes from: of a script of the upgrade, else of a
// module.
func (c *Cause) raisedAt(files []frame) {
	if c.File != "" || len(files) == 0 {
		return
	}
	var at frame
	for _, f := range files {
		if match := actionAt.FindStringSubmatch(f.file); match != nil {
			c.Model, c.ID, c.inAction = "ir.actions.server", match[1], true
			return
		}
	}
	for _, f := range slices.Backward(files) {
		if isScript(f.file) {
			at = f
			break
		}
		if at.file == "" && !core.MatchString(f.file) {
			at = f
		}
	}
	c.File, c.FileLine = at.file, at.line
}

// core are files of Odoo's framework, of its upgrades' and of Python: errors come through them, not from them.
var core = regexp.MustCompile(`/odoo/(?:tools|modules|service|cli|orm|osv|models|fields|api|sql_db|http|registry|netsvc|upgrade/util)\b|/addons/base/|/dist-packages/|/site-packages/|/lib/python|test_mock_crawl|/util/|^<`)

// isScript reports whether a file is a script of an upgrade, like migrations/base/saas~17.2/pre-x.py.
func isScript(file string) bool {
	return (strings.Contains(file, "/migrations/") || strings.Contains(file, "/upgrades/") || strings.Contains(file, "/scripts/")) &&
		(strings.Contains(file, "/pre-") || strings.Contains(file, "/post-") || strings.Contains(file, "/end-"))
}

// owner finds the module that an external id, a script or a file is of.
func (c *Cause) owner() {
	if module, _, ok := strings.Cut(c.XMLID, "."); ok {
		c.Module = module
	}
	if c.Module == "" && c.File != "" {
		c.Module = moduleOf(c.File)
	}
	if c.XMLID != "" && c.Module != "" && !strings.Contains(c.XMLID, ".") {
		c.XMLID = c.Module + "." + c.XMLID
	}
}

// folders are those in a module's folder.
var folders = []string{"views", "view", "data", "security", "wizard", "wizards", "report", "reports", "models", "demo", "static", "migrations", "tests", "controllers", "i18n"}

// moduleOf returns the module that a file is in, "" if its path does not say.
func moduleOf(file string) string {
	parts := strings.Split(path.Clean(strings.ReplaceAll(file, `\`, "/")), "/")
	if isScript(file) { // MODULE/VERSION/pre-x.py, or MODULE/migrations/VERSION/pre-x.py
		parts = slices.DeleteFunc(parts, func(part string) bool { return part == "migrations" || part == "upgrades" })
		return parts[max(0, len(parts)-3)]
	}
	if core.MatchString(file) {
		return ""
	}
	for n := len(parts) - 2; n > 0; n-- {
		if slices.Contains(folders, parts[n]) {
			return parts[n-1]
		}
	}
	for n := len(parts) - 2; n > 0; n-- {
		if parts[n-1] == "addons" {
			return parts[n]
		}
	}
	if ext := path.Ext(file); len(parts) > 1 && (ext == ".xml" || ext == ".csv" || ext == ".yml" || ext == ".py") {
		return parts[len(parts)-2]
	}
	return ""
}
