package dump

import (
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"

	"odoo-upgrade-action/internal/dump/archive"
	"odoo-upgrade-action/internal/dump/stream"
)

// layout is what a zip or a tar has inside that is not as a restore wants it.
type layout struct {
	names   []string // the first ones
	count   int
	dumps   []string // that seem to be dumps
	folders []string // with a toc.dat
	scripts []string // dump.sql, not at the root
	sources bool     // Odoo.sh's
	files   bool     // a filestore
	restore bool     // the script at the end of pg_dump's tars
	sniffed int      // members whose first bytes were read
}

// maxNames is how many names of each kind are kept.
const maxNames = 3

func keepName(list *[]string, name string) {
	if len(*list) < maxNames {
		*list = append(*list, name)
	}
}

// add notes a member that is a file.
func (l *layout) add(name string) {
	name = strings.TrimLeft(strings.ReplaceAll(name, `\`, "/"), "/")
	if strings.HasPrefix(name, "__MACOSX/") {
		return
	}
	l.count++
	keepName(&l.names, name)
	base := strings.ToLower(path.Base(name))
	l.restore = l.restore || path.Clean(name) == "restore.sql"
	l.sources = l.sources || strings.HasPrefix(name, "home/odoo/")
	switch {
	case strings.Contains("/"+name, "/filestore/"):
		l.files = true
	case base == archive.TOC:
		keepName(&l.folders, path.Dir(name))
	case base == "dump.sql":
		keepName(&l.scripts, name)
	default:
		switch ext(strings.TrimSuffix(base, ".gz")) {
		case ".sql", ".dump", ".backup", ".pgdump", ".cdump", ".zip", ".tar":
			keepName(&l.dumps, name)
		}
	}
}

// sniff notes whether one of the first members is a dump by another name.
func (l *layout) sniff(name string, content io.Reader) {
	if l.sniffed++; l.sniffed > maxNames || slices.Contains(l.dumps, name) {
		return
	}
	switch kind, _ := SniffReader(content); {
	case kind == Custom && path.Base(name) == archive.TOC:
	case kind == Custom, kind == SQL, kind == Tar, kind == Zip, WrapperOf(kind) != "":
		keepName(&l.dumps, name)
	}
}

// refusal says what is inside, and what to send instead. How is how to get at it.
func (l *layout) refusal(what, how string) *stream.Refusal {
	switch {
	case len(l.scripts) > 0 && what == "zip":
		return stream.Refuse(
			fmt.Sprintf("is a zip whose dump is %s, and a restore wants dump.sql at its root", quoteName(l.scripts[0])),
			how+zipAgain(l.scripts[0]),
		)
	case len(l.folders) > 0:
		return stream.Refuse(fmt.Sprintf("is a %s of a dump in directory format, which is in %s", what, quoteName(l.folders[0])),
			how+", and send the folder with json-rpc; or "+stream.MakeCustom)
	case len(l.scripts)+len(l.dumps) > 0:
		name := slices.Concat(l.scripts, l.dumps)[0]
		return stream.Refuse(
			fmt.Sprintf("is a %s that has %s inside, which may be a dump", what, quoteName(name)),
			how+", and send that file",
		)
	case l.sources || l.files:
		return stream.Refuse("is a backup of files, like Odoo.sh's, without dump.sql at its root",
			"get a dump of the database: on Odoo.sh, choose the dump to download, not the backup")
	case l.count == 0:
		return stream.Refuse(fmt.Sprintf("is an empty %s", what), makeBackup)
	}
	names := make([]string, len(l.names))
	for n, name := range l.names {
		names[n] = quoteName(name)
	}
	return stream.Refuse(
		fmt.Sprintf("is a %s without a dump: it has %d files, like %s", what, l.count, strings.Join(names, ", ")),
		makeBackup,
	)
}

// plainPath is a path that is safe in a command that people copy.
var plainPath = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$`)

// zipAgain says how to bring a script in a zip to its root.
func zipAgain(script string) string {
	folder := path.Dir(script)
	switch {
	case folder == ".":
		return ", rename it to dump.sql, and zip it again; or send the SQL file alone"
	case plainPath.MatchString(folder):
		return fmt.Sprintf(", and zip what is inside the folder: (cd %s && zip -r backup.zip .); or send the SQL file alone", folder)
	}
	return ", and zip what is inside its folder, with dump.sql at the root; or send the SQL file alone"
}

// quoteName returns a member's name, which is untrusted, so that it can be shown.
func quoteName(name string) string { return stream.Quote([]byte(name)) }
