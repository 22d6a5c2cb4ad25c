package dump

import (
	"strconv"
	"strings"
)

// Facts are what a dump says about itself.
type Facts struct {
	Form
	Compression string // of the data inside: none, gzip, lz4, zstd, or deflate in a zip
	Database    string // name of the database
	PostgreSQL  string // version of the server, as it says itself
	PgDump      string // version of pg_dump

	Extensions  []string // of PostgreSQL, that the dump creates
	Odoo        bool     // has Odoo's tables
	Series      string   // Odoo's, like 16.0 or 10.saas~15
	Modules     []Module // installed ones, by name
	Unfinished  []string // modules that are to be installed, upgraded or removed, with that state
	Filestore   bool     // has the attachments' files
	Neutralized bool     // mails and schedules are switched off
	UUID        string   // of the database

	contract string   // never shown: see ContractMatches
	others   []string // modules that are not installed
}

// Module is an installed module of Odoo.
type Module struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Custom  bool   `json:"custom"` // does not seem to be the vendor's
}

// Custom returns the names of the installed modules that do not seem to be the vendor's.
func (f Facts) Custom() (names []string) {
	for _, m := range f.Modules {
		if m.Custom {
			names = append(names, m.Name)
		}
	}
	return names
}

// CustomCount returns how many those are.
func (f Facts) CustomCount() int { return len(f.Custom()) }

// PostgreSQLMajor returns the major version of the server, like 15, or 9 for 9.6; 0 if it is not known.
func (f Facts) PostgreSQLMajor() int {
	major, _, _ := strings.Cut(f.PostgreSQL, ".")
	n, _ := strconv.Atoi(strings.TrimSpace(major))
	return n
}

// Match is how a dump's own contract compares with another one.
type Match int

// The ways in which contracts compare.
const (
	NoContract Match = iota // the dump names none
	SameContract
	OtherContract
)

// ContractMatches compares the dump's own contract, which is never shown, with
// the one given.
func (f Facts) ContractMatches(contract string) Match {
	switch {
	case f.contract == "":
		return NoContract
	case strings.EqualFold(strings.TrimSpace(f.contract), strings.TrimSpace(contract)):
		return SameContract
	}
	return OtherContract
}
