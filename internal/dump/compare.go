package dump

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Change is how a module differs between two dumps.
type Change struct {
	Name   string `json:"name"`
	Old    string `json:"old,omitempty"` // installed version before, "" if it was not installed
	New    string `json:"new,omitempty"` // installed version now, "" if it is not installed
	Kind   string `json:"change"`        // one of the kinds below
	Custom bool   `json:"custom"`        // does not seem to be the vendor's
}

// The kinds of changes.
const (
	Added       = "added"       // installed now
	Removed     = "removed"     // was installed, and is not known any more
	Updated     = "updated"     // installed in another version
	Uninstalled = "uninstalled" // was installed; still known
)

// Changes is what differs between two dumps.
type Changes struct {
	Modules []Change // base first, then by name
	Kept    []Module // custom modules that are installed as before, by name
}

// Count returns how many changes are of one of the kinds.
func (c Changes) Count(kinds ...string) (n int) {
	for _, m := range c.Modules {
		if slices.Contains(kinds, m.Kind) {
			n++
		}
	}
	return n
}

// String says in one line how many modules changed.
func (c Changes) String() string {
	return fmt.Sprintf(
		"%d added, %d updated, %d removed, %d uninstalled",
		c.Count(Added),
		c.Count(Updated),
		c.Count(Removed),
		c.Count(Uninstalled),
	)
}

// Compare returns what changed between two dumps of a database. known is false if the
// modules of either of them are not known.
func Compare(before, after Info) (changes Changes, known bool) {
	if before.Modules == nil || after.Modules == nil {
		return Changes{}, false
	}
	changes = Changes{Modules: []Change{}, Kept: []Module{}} // not null in JSON
	was := map[string]Module{}
	for _, m := range before.Modules {
		was[m.Name] = m
	}
	for _, m := range after.Modules {
		old, installed := was[m.Name]
		delete(was, m.Name)
		change := Change{m.Name, old.Version, m.Version, Updated, m.Custom || old.Custom}
		switch {
		case !installed:
			change.Kind = Added
		case old.Version == m.Version:
			if change.Custom {
				changes.Kept = append(changes.Kept, m)
			}
			continue
		}
		changes.Modules = append(changes.Modules, change)
	}
	for _, m := range was {
		kind := Removed
		if slices.Contains(after.others, m.Name) {
			kind = Uninstalled
		}
		changes.Modules = append(changes.Modules, Change{m.Name, m.Version, "", kind, m.Custom})
	}
	slices.SortFunc(changes.Modules, func(a, b Change) int {
		return cmp.Or(cmp.Compare(isNotBase(a.Name), isNotBase(b.Name)), strings.Compare(a.Name, b.Name))
	})
	return changes, true
}

func isNotBase(name string) int {
	if name == "base" {
		return 0
	}
	return 1
}
