package archive

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"

	"odoo-upgrade-action/internal/dump/script"
)

// dataEntry is an entry of the table of contents that has rows and a table that
// is wanted, or the last one that has data at all.
type dataEntry struct {
	id        int
	statement string // COPY
	copied    script.Copy
	rows      script.Rows // that takes them, nil where they are not wanted or each has a statement
	columns   []string    // of the table, where each row has a statement
	file      string      // of a tar's or a directory's data
	hasData   bool
	offset    int64 // of a custom archive's data, 0 where the archive does not say
	size      int64 // of the data, about: 0 where it is not known
	ahead     bool  // it is to be decompressed ahead of the parser
}

// contents is what matters of a table of contents.
type contents struct {
	wanted  []dataEntry    // whose rows are wanted
	last    dataEntry      // whose data lies last
	data    int            // entries with data
	located bool           // every one of them says where its data is
	files   []string       // of a tar's or a folder's data
	places  map[place]bool // of the data that is wanted
	columns map[script.Table][]string
	defined int // columns in it
}

// created are the entries that create something.
var created = map[string]script.Kind{
	"TABLE": script.KindTable, "CONSTRAINT": script.KindKey, "FK CONSTRAINT": script.KindKey, "INDEX": script.KindKey,
	"EXTENSION": script.KindExtension, "SCHEMA": script.KindSchema, "VIEW": script.KindView, "MATERIALIZED VIEW": script.KindView,
	"FUNCTION": script.KindFunction, "PROCEDURE": script.KindFunction, "AGGREGATE": script.KindFunction, "TRIGGER": script.KindTrigger,
}

// nameOf returns an object's name: an entry has the arguments of a function with it, and the
// table of a trigger before it.
func nameOf(kind script.Kind, tag script.Table) script.Table {
	switch kind {
	case script.KindFunction:
		tag.Name, _, _ = strings.Cut(tag.Name, "(")
	case script.KindTrigger:
		_, name, _ := strings.Cut(tag.Name, " ")
		return script.Table{Name: name}
	case script.KindExtension, script.KindSchema:
		return script.Table{Name: tag.Name}
	}
	return tag
}

// define notes the columns of a table, which INSERT does not name.
func (c *contents) define(t script.Table, definition string) {
	const most = 1 << 20
	if c.defined < most {
		c.columns[t] = script.Columns(definition, c.columns)
		c.defined += len(c.columns[t])
	}
}

// place is where an entry's data is, empty where the archive does not say.
type place struct {
	offset int64
	file   string
}

// readTOC reads the table of contents, which is read through once.
func (a *archive) readTOC(sink script.Sink) (contents, error) {
	a.sink = sink
	c := contents{located: true, places: map[place]bool{}, columns: map[script.Table][]string{}}
	for range a.entries {
		if err := a.readEntry(&c); err != nil {
			return c, err
		}
	}
	return c, nil
}

func (a *archive) readEntry(c *contents) error {
	e, err := a.readFields()
	if err != nil {
		return err
	}
	if err := a.readPlace(c, &e); err != nil {
		return err
	}
	table := script.Table{Schema: e.namespace, Name: e.tag}
	if kind, known := created[e.desc]; known {
		a.sink.Object(kind, nameOf(kind, table))
	}
	if e.desc == "TABLE DATA" && e.hasRows {
		a.sink.Insert(table)
	}
	if a.walk != nil && e.desc == "TABLE" {
		c.define(table, e.definition)
	}
	copied, ok := script.ParseCopy(e.statement, e.namespace)
	switch {
	case !e.hasRows:
		return nil
	case ok:
		if e.copied, e.rows = copied, a.sink.Copy(copied); e.rows == nil {
			return nil
		}
	case a.walk != nil && e.desc == "TABLE DATA":
		e.copied.Table, e.columns = table, c.columns[table]
	default:
		return nil
	}
	e.statement = ""
	at := place{e.offset, e.file}
	if c.places[at] {
		return errors.New("two tables with the same data")
	}
	c.places[at] = at != place{}
	c.wanted = append(c.wanted, e.dataEntry)
	return nil
}

// tocEntry is an entry of the table of contents, before where its data is.
type tocEntry struct {
	dataEntry
	hasRows              bool
	tag, desc, namespace string
	definition           string // of a table, where all rows are wanted
}

// readFields reads the fields of an entry up to its dependencies.
func (a *archive) readFields() (e tocEntry, err error) {
	hadDumper := 0
	number := func(into *int) {
		if err == nil {
			*into, err = a.int()
		}
	}
	text := func(into *string, most int) {
		if err == nil {
			*into, err = a.text(most)
		}
	}
	skip := func(texts int) {
		for range texts {
			if err == nil {
				_, err = a.skipText()
			}
		}
	}
	section, relkind := 0, 0
	number(&e.id)
	number(&hadDumper)
	skip(2) // tableoid, oid
	text(&e.tag, maxTag)
	text(&e.desc, maxLabel)
	number(&section)
	switch {
	case err == nil && e.desc == "INDEX":
		_, err = a.scanText(func(definition []byte) { script.Uses(definition, a.sink) })
	case a.walk != nil && e.desc == "TABLE":
		text(&e.definition, maxCopyText)
	default:
		skip(1) // definition
	}
	skip(1) // drop statement
	text(&e.statement, maxCopyText)
	text(&e.namespace, maxLabel)
	skip(1) // tablespace
	if a.version >= 114 {
		skip(1) // table access method
	}
	if a.version >= 116 {
		number(&relkind)
	}
	skip(2) // owner, with oids
	if err == nil {
		err = a.skipDepends()
	}
	e.hasRows = hadDumper != 0
	return e, err
}

// skipDepends reads the entry's dependencies, which end with NULL.
func (a *archive) skipDepends() error {
	for range maxDepends {
		null, err := a.skipText()
		if err != nil || null {
			return err
		}
	}
	return fmt.Errorf("an entry with more than %d dependencies", maxDepends)
}

// The flag before an offset (K_OFFSET_… in pg_backup_archiver.h).
const (
	offsetUnset = 1 // the archive was written to a pipe
	offsetSet   = 2
	offsetNone  = 3 // without data
)

// What pg_dump calls the files of data, and the lists of large objects. A program that
// restores opens what a name says, wherever that is, and what a list of large objects names.
var (
	dataName = regexp.MustCompile(`^[0-9]{1,20}\.dat(?:\.gz)?$`)
	listName = regexp.MustCompile(`^blobs(?:_[0-9]{1,20})?\.toc$`)
)

// blobsEntry is the kind of an entry whose data is a list of large objects.
const blobsEntry = "BLOBS"

// readFile reads which file of a tar or a folder has the entry's data.
func (a *archive) readFile(c *contents, e *tocEntry) error {
	file, err := a.text(maxLabel)
	if err != nil || file == "" {
		return err
	}
	good := dataName.MatchString(file)
	if e.desc == blobsEntry {
		// In a tar, the entry has a name like a table's, and pg_restore reads the list by its own.
		if good = listName.MatchString(file) || good && !a.folder; good && !a.folder {
			file = blobsFile
		}
	}
	if !good {
		return fmt.Errorf("the data of %.60q in a file with another name than pg_dump gives: %.60q", e.tag, file)
	}
	e.file = file
	if e.hasRows {
		c.data++
		c.files = append(c.files, file)
	}
	return nil
}

// readPlace reads where the entry's data is.
func (a *archive) readPlace(c *contents, e *tocEntry) error {
	if a.format != formatCustom {
		return a.readFile(c, e)
	}
	flag, err := a.byte()
	if err != nil {
		return err
	}
	offset, err := a.uint(a.offsetSize)
	if err != nil {
		return err
	}
	if flag < offsetUnset || flag > offsetNone {
		return fmt.Errorf("flag %d before an offset", flag)
	}
	if !e.hasRows || flag == offsetNone {
		return nil
	}
	c.data++
	e.hasData = true
	if flag == offsetUnset {
		c.located = false
		return nil
	}
	if offset > math.MaxInt64/2 {
		return fmt.Errorf("data at offset %d", offset)
	}
	e.offset = int64(offset)
	if e.offset >= c.last.offset {
		c.last = e.dataEntry
		c.last.statement = ""
	}
	return nil
}
