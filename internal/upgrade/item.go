package upgrade

import "strings"

// Item is a file that the platform offers for a request, under the name that
// users know.
type Item string

// The items, in the order in which they are downloaded.
const (
	UpgradedDump Item = "upgraded-dump"
	UpgradedSQL  Item = "upgraded-sql"
	OriginalDump Item = "original-dump"
	OriginalSQL  Item = "original-sql"
	Notes        Item = "notes"
	Modules      Item = "modules"
	Filestore    Item = "filestore"
	Log          Item = "log"
)

// Items returns all items.
func Items() []Item {
	return []Item{UpgradedDump, UpgradedSQL, OriginalDump, OriginalSQL, Notes, Modules, Filestore, Log}
}

// IsUpgraded reports whether the item exists only once the upgrade is done.
func (i Item) IsUpgraded() bool { return strings.HasPrefix(string(i), "upgraded") }

// Artifact is an item that was downloaded and is complete.
type Artifact struct {
	Item     Item
	Path     string // as users know it, with slashes
	Location string // path on this machine
	Size     int64  // in bytes
	SHA256   string // in hexadecimal; of a folder, over the names and contents of its files
}
