package digest

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/net/html"

	"odoo-upgrade-action/internal/show"
)

// Report is what the platform's report of an upgrade lists, upgrade-report.html.
type Report struct {
	Steps []Step `json:"steps"` // from one version to the next, as they stand there
}

// Step is an upgrade to one version.
type Step struct {
	Version    string      `json:"version"` // of Odoo, "" if the report does not say
	Categories []*Category `json:"categories"`
}

// Category is a list of what a step did.
type Category struct {
	Name    string  `json:"name"`
	Total   int64   `json:"total"` // of what is listed, and of what was left out
	Entries []Entry `json:"entries"`
}

// Entry is something in a list.
type Entry struct {
	Text  string `json:"text"`            // its name or a sentence
	Group string `json:"group,omitempty"` // the sentence above its list
	ID    uint32 `json:"id,omitempty"`    // of the record, in the database
	Model string `json:"model,omitempty"` // that it is of, if the link says so
}

// DisabledViews is the category of the views that the platform switched off.
const DisabledViews = "Disabled views"

// Bounds of a report.
const (
	maxReport     = 64 << 20 // bytes
	maxSteps      = 50
	maxCategories = 200   // of a step
	maxEntries    = 10000 // of a category, that are kept
	maxEntry      = 300   // bytes of its text
	maxDepth      = 50    // of lists
)

// ErrNotReport says that a file has no category of a report.
var ErrNotReport = errors.New("is not a report of an upgrade")

// ReadReport reads a report. What it does not know it passes over. Its errors are predicates, like
// ErrNotReport.
func ReadReport(in io.Reader) (*Report, error) {
	limited := &io.LimitedReader{R: in, N: maxReport + 1}
	tokens := html.NewTokenizer(limited)
	tokens.SetMaxBuf(1 << 20)
	var r reading
	for {
		switch tokens.Next() {
		case html.ErrorToken:
			switch err := tokens.Err(); {
			case limited.N == 0:
				return nil, fmt.Errorf("%w: it is larger than %d MiB", ErrNotReport, maxReport>>20)
			case err != io.EOF:
				return nil, fmt.Errorf("%w: %w", ErrNotReport, err)
			case len(r.report.Steps) == 0:
				return nil, ErrNotReport
			}
			r.closeItems(0)
			return &r.report, nil
		case html.TextToken:
			r.text(string(tokens.Text()))
		case html.StartTagToken, html.SelfClosingTagToken:
			token := tokens.Token()
			r.start(token.Data, token.Attr)
		case html.EndTagToken:
			r.end(tokens.Token().Data)
		}
	}
}

// reading is a report that is being read.
type reading struct {
	report  Report
	heading strings.Builder
	inside  string // a heading, or a tag whose text is not shown
	lists   int    // that are open
	items   []*item
}

// item is an <li> that is open.
type item struct {
	list    int // how many lists it is in
	text    strings.Builder
	entry   Entry
	holds   bool // other items
	entries int64
}

func (r *reading) text(text string) {
	switch {
	case r.inside == "h2" || r.inside == "h3":
		if r.heading.Len() < maxEntry {
			r.heading.WriteString(text)
		}
	case r.inside == "" && len(r.items) > 0:
		if at := r.items[len(r.items)-1]; at.text.Len() < 4*maxEntry {
			at.text.WriteString(text)
		}
	}
}

func (r *reading) start(tag string, attributes []html.Attribute) {
	switch tag {
	case "h2", "h3":
		r.closeItems(0)
		r.lists = 0
		r.inside = tag
		r.heading.Reset()
	case "script", "style":
		r.inside = tag
	case "ul", "ol":
		r.end(r.inside) // of a heading without its end
		r.lists++
	case "li":
		r.closeItems(r.lists)
		if len(r.items) < maxDepth {
			r.items = append(r.items, &item{list: r.lists})
		}
	case "a":
		if len(r.items) > 0 {
			for _, a := range attributes {
				if a.Key == "href" {
					r.items[len(r.items)-1].entry.link(a.Val)
				}
			}
		}
	case "p", "br", "div", "summary", "details", "tr", "td":
		r.text(" ")
	}
}

func (r *reading) end(tag string) {
	switch tag {
	case "h2":
		if r.inside == tag && len(r.report.Steps) < maxSteps {
			match := versionIn.FindStringSubmatch(r.heading.String())
			if match == nil { // the heading of something else
				match = []string{"", ""}
			}
			r.report.Steps = append(r.report.Steps, Step{Version: match[1], Categories: []*Category{}})
		}
		r.inside = ""
	case "h3":
		if r.inside == tag {
			r.category(oneLine(r.heading.String()))
		}
		r.inside = ""
	case "script", "style":
		r.inside = ""
	case "ul", "ol":
		r.closeItems(r.lists)
		r.lists = max(0, r.lists-1)
	case "li":
		r.closeItems(max(1, r.lists))
	case "p", "div", "summary", "details", "i":
		r.text(" ")
	}
}

// versionIn is what a heading says that the database was upgraded to.
var versionIn = regexp.MustCompile(`((?:saas~)?\d+\.\d+)`)

func (r *reading) category(name string) {
	if name == "" {
		return
	}
	if len(r.report.Steps) == 0 {
		r.report.Steps = append(r.report.Steps, Step{Categories: []*Category{}})
	}
	step := &r.report.Steps[len(r.report.Steps)-1]
	if len(step.Categories) < maxCategories {
		step.Categories = append(step.Categories, &Category{Name: name, Entries: []Entry{}})
	}
}

// closeItems closes the items that are in at least so many lists.
func (r *reading) closeItems(lists int) {
	for len(r.items) > 0 {
		at := r.items[len(r.items)-1]
		if at.list < lists {
			return
		}
		text := oneLine(at.text.String())
		r.items = r.items[:len(r.items)-1]
		r.closed(at, text)
	}
}

// totalIn is how a list says that it was cut.
var totalIn = regexp.MustCompile(`total number of affected records is (\d+)`)

// closed counts an item.
func (r *reading) closed(at *item, text string) {
	c := r.current()
	if c == nil {
		return
	}
	if at.holds { // what it holds is counted; its own text may say that there is more
		if match := totalIn.FindStringSubmatch(text); match != nil {
			if n, err := strconv.ParseInt(match[1], 10, 64); err == nil && n > at.entries && n < 1<<40 {
				c.Total += n - at.entries
			}
		}
		sentence, _, _ := strings.Cut(text, " The total number of affected")
		for n := len(c.Entries) - 1; n >= 0 && int64(len(c.Entries)-n) <= at.entries; n-- {
			if c.Entries[n].Group == "" {
				c.Entries[n].Group = shorten(sentence, maxEntry)
			}
		}
	} else if text != "" {
		c.Total++
		if len(c.Entries) < maxEntries {
			at.entry.Text = shorten(text, maxEntry)
			c.Entries = append(c.Entries, at.entry)
		}
		at.entries = 1
	}
	if len(r.items) > 0 {
		above := r.items[len(r.items)-1]
		above.holds = above.holds || at.entries > 0
		above.entries += at.entries
	}
}

func (r *reading) current() *Category {
	if len(r.report.Steps) == 0 {
		return nil
	}
	list := r.report.Steps[len(r.report.Steps)-1].Categories
	if len(list) == 0 {
		return nil
	}
	return list[len(list)-1]
}

// Links to records, as Odoo's versions write them.
var (
	linkID    = regexp.MustCompile(`[#?&]id=(\d+)`)
	linkPath  = regexp.MustCompile(`/(\d+)(?:[?#]|$)`)
	linkModel = regexp.MustCompile(`[#?&]model=([\w.]+)|/odoo/([a-z_]+\.[\w.]+)/`)
)

// link takes what a link says of the record. The first link counts: the original, not its copy.
func (e *Entry) link(to string) {
	match := linkID.FindStringSubmatch(to)
	if match == nil {
		match = linkPath.FindStringSubmatch(to)
	}
	if match == nil || e.ID != 0 {
		return
	}
	if id, err := strconv.ParseUint(match[1], 10, 32); err == nil {
		e.ID = uint32(id)
	}
	if model := linkModel.FindStringSubmatch(to); model != nil {
		e.Model = model[1] + model[2]
	}
}

// oneLine is a text with single spaces.
func oneLine(text string) string {
	return strings.Join(strings.Fields(strings.ToValidUTF8(text, "\uFFFD")), " ")
}

// Counts returns the categories of all steps by name, as they first stand there.
func (r *Report) Counts() []*Category {
	var list []*Category
	at := map[string]*Category{}
	for _, step := range r.Steps {
		for _, c := range step.Categories {
			sum := at[c.Name]
			if sum == nil {
				sum = &Category{Name: c.Name}
				at[c.Name] = sum
				list = append(list, sum)
			}
			sum.Total += c.Total
			sum.Entries = append(sum.Entries, c.Entries...)
		}
	}
	return list
}

// disabled returns the category of the views that the platform switched off.
func (r *Report) disabled() *Category {
	for _, c := range r.Counts() {
		if strings.EqualFold(c.Name, DisabledViews) {
			return c
		}
	}
	return &Category{}
}

// DisabledViews returns how many views the platform switched off.
func (r *Report) DisabledViews() int64 { return r.disabled().Total }

// Disabled says which views the platform switched off, without a period.
func (r *Report) Disabled() string {
	c := r.disabled()
	var names []string
	for _, e := range c.Entries {
		names = append(names, e.Text)
	}
	if len(names) == 0 {
		return "the platform disabled " + show.Count(c.Total, "view", "views")
	}
	return "the platform disabled " + show.Count(c.Total, "view", "views") + ": " + show.First(names, 5, ", ")
}

// String says how many each category has: "23 disabled views, 4 overridden views".
func (r *Report) String() string {
	var parts []string
	for _, c := range r.Counts() {
		if c.Total > 0 {
			parts = append(parts, fmt.Sprintf("%s: %d", c.Name, c.Total))
		}
	}
	return strings.Join(parts, ", ")
}
