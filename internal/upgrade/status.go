package upgrade

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// Status is what the platform tells of a request ("The status method", sample
// output). Every value but the key, the URLs and Filestore is the platform's
// own text, empty where it gave none; texts like Filesize or Elapsed are for
// people and not to be computed with.
type Status struct {
	ID  string
	Key Secret

	Email, Target, Aim, Filename, Timezone string

	State      string
	IssueStage string
	Issue      string

	StatusURL, NotesURL             Secret
	OriginalSQLURL, OriginalDumpURL Secret
	UpgradedSQLURL, UpgradedDumpURL Secret
	ModulesURL                      Secret

	Filesize        string // like "912.99 Kb"
	DatabaseUUID    string
	CreatedAt       string
	EstimatedTime   string
	ProcessedAt     string
	Elapsed         string
	Filestore       bool
	CustomerMessage string
	DatabaseVersion string
	PostgreSQL      string
	Compressions    []string

	Raw Secret // the request object as it came, JSON; holds the key
}

// Field is one value of a Status under the specification's name for it.
type Field struct {
	Name   string
	Value  string
	Secret bool // holds the key: only ever to be shown masked
}

// Fields returns every value of the status but id and key, in the order of the
// specification.
func (s Status) Fields() []Field {
	open := func(name, value string) Field { return Field{Name: name, Value: value} }
	sealed := func(name string, value Secret) Field {
		return Field{Name: name, Value: value.Reveal(), Secret: true}
	}
	return []Field{
		open("email", s.Email),
		open("target", s.Target),
		open("aim", s.Aim),
		open("filename", s.Filename),
		open("timezone", s.Timezone),
		open("state", s.State),
		open("issue_stage", s.IssueStage),
		open("issue", s.Issue),
		sealed("status_url", s.StatusURL),
		sealed("notes_url", s.NotesURL),
		sealed("original_sql_url", s.OriginalSQLURL),
		sealed("original_dump_url", s.OriginalDumpURL),
		sealed("upgraded_sql_url", s.UpgradedSQLURL),
		sealed("upgraded_dump_url", s.UpgradedDumpURL),
		sealed("modules_url", s.ModulesURL),
		open("filesize", s.Filesize),
		open("database_uuid", s.DatabaseUUID),
		open("created_at", s.CreatedAt),
		open("estimated_time", s.EstimatedTime),
		open("processed_at", s.ProcessedAt),
		open("elapsed", s.Elapsed),
		open("filestore", strconv.FormatBool(s.Filestore)),
		open("customer_message", s.CustomerMessage),
		open("database_version", s.DatabaseVersion),
		open("postgresql", s.PostgreSQL),
		open("compressions", strings.Join(s.Compressions, ",")),
	}
}

// Ticket returns the address of the request that the status is about.
func (s Status) Ticket() Ticket { return Ticket{ID: s.ID, Key: s.Key} }

// Draft is the one state that the specification names before processing:
// uploads and SFTP access are for requests in it.
const Draft = "draft"

// IsDraft tells whether state is Draft. Case and surrounding space do not count.
func IsDraft(state string) bool { return strings.EqualFold(strings.TrimSpace(state), Draft) }

// Verdict is what a state means for whoever waits for the request.
type Verdict int

// The verdicts. The set of states is open, so whatever is in neither list of
// States is Waiting: never success and never failure.
const (
	Waiting Verdict = iota
	Succeeded
	Failed
)

// States lists the states that end a request.
type States struct {
	Success, Failure []string
}

// Verdict returns what state means. Case and surrounding space do not count.
func (s States) Verdict(state string) Verdict {
	is := func(name string) bool {
		return strings.EqualFold(strings.TrimSpace(name), strings.TrimSpace(state))
	}
	switch {
	case state == "":
		return Waiting
	case slices.ContainsFunc(s.Failure, is):
		return Failed
	case slices.ContainsFunc(s.Success, is):
		return Succeeded
	}
	return Waiting
}

// underway are the states, beside draft, that some document of the platform
// names for a request at work.
var underway = []string{Draft, "new", "pending", "progress"}

// Known tells whether state is one that a document of the platform or s names.
func (s States) Known(state string) bool {
	return s.Verdict(state) != Waiting || slices.Contains(underway, strings.ToLower(strings.TrimSpace(state)))
}

// units of Status.Filesize; the sample "912.99 Kb" is 1024-based.
var units = map[string]float64{
	"b": 1, "bytes": 1, "byte": 1,
	"k": 1 << 10, "kb": 1 << 10, "kib": 1 << 10,
	"m": 1 << 20, "mb": 1 << 20, "mib": 1 << 20,
	"g": 1 << 30, "gb": 1 << 30, "gib": 1 << 30,
	"t": 1 << 40, "tb": 1 << 40, "tib": 1 << 40,
}

// FilesizeFits tells whether text, a Status.Filesize, can be the size of a file
// of size bytes. A text that is empty or not understood fits every size: it
// says nothing.
func FilesizeFits(text string, size int64) bool {
	number, unit, _ := strings.Cut(strings.TrimSpace(text), " ")
	factor, ok := units[strings.ToLower(strings.TrimSpace(unit))]
	value, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || value < 0 || math.IsInf(value, 0) || math.IsNaN(value) {
		return true
	}
	// Rounded or cut after the last decimal shown: one unit of it either way.
	decimals := 0
	if _, fraction, found := strings.Cut(number, "."); found {
		decimals = len(fraction)
	}
	tolerance := factor * math.Pow10(-decimals)
	if factor == 1 {
		tolerance = 0 // whole bytes are never rounded
	}
	return math.Abs(value*factor-float64(size)) <= tolerance
}

// Item is a file that the platform offers of a request, under the name that
// users give it.
type Item string

// The items, in the order in which they are fetched.
const (
	UpgradedDump Item = "upgraded-dump"
	UpgradedSQL  Item = "upgraded-sql"
	OriginalDump Item = "original-dump"
	OriginalSQL  Item = "original-sql"
	Notes        Item = "notes"
	Modules      Item = "modules"
)

// Items returns all items.
func Items() []Item {
	return []Item{UpgradedDump, UpgradedSQL, OriginalDump, OriginalSQL, Notes, Modules}
}

// URL returns where the status says that the item is, or "" where it names no
// place for it.
func (s Status) URL(item Item) Secret {
	switch item {
	case UpgradedDump:
		return s.UpgradedDumpURL
	case UpgradedSQL:
		return s.UpgradedSQLURL
	case OriginalDump:
		return s.OriginalDumpURL
	case OriginalSQL:
		return s.OriginalSQLURL
	case Notes:
		return s.NotesURL
	case Modules:
		return s.ModulesURL
	}
	return ""
}

// Artifact is an item that has landed as a file.
type Artifact struct {
	Item   Item
	Path   string // as users know it, with slashes
	Size   int64  // in bytes
	SHA256 string // in hexadecimal
}
