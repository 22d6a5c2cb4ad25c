package dump

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"regexp"
	"strings"

	"odoo-upgrade-action/internal/dump/script"
	"odoo-upgrade-action/internal/dump/stream"
	"odoo-upgrade-action/internal/dump/zip"
)

// Where Odoo's restore looks for the attachments' files, and where else people have them: below
// the database's name, with the folders above, in another case, or with a backslash, which is a
// part of the name everywhere but on Windows.
var (
	filestoreFile  = regexp.MustCompile(`^filestore/(?:[^/\\]{2}|checklist/[^/\\]{2})/[^/\\]+$`)
	otherFilestore = regexp.MustCompile(`(?i)(?:^|[/\\])filestore[/\\]`)
)

// survey is what the directory of a zip says.
type survey struct {
	layout
	first            []zip.Member // files, to open and read what is in them
	dumped, manifest *zip.Member
	filestore        bool
	misplaced        string // a file of a filestore that is not where a restore looks for it
	taken            int64  // by all members, if each has its own place
}

// add notes a member of a zip whose directory begins at end.
func (s *survey) add(m zip.Member, end int64) error {
	if m.Offset < 0 || m.Compressed < 0 || m.Offset+zip.SizeLocal+m.Compressed > end {
		return fmt.Errorf("a member outside the file: %.100q", m.Name)
	}
	if s.taken += zip.SizeLocal + int64(len(m.Name)) + m.Compressed; s.taken > end {
		return fmt.Errorf("members that share a place in the file: %.100q", m.Name)
	}
	if !strings.HasSuffix(m.Name, "/") {
		s.layout.add(m.Name)
		if len(s.first) < maxNames {
			s.first = append(s.first, m)
		}
	}
	switch {
	case m.Name == "dump.sql":
		s.dumped = &m
	case m.Name == "manifest.json":
		s.manifest = &m
	case m.Size > 0 && filestoreFile.MatchString(m.Name):
		s.filestore = true
	case m.Size > 0 && s.misplaced == "" && otherFilestore.MatchString(m.Name):
		s.misplaced = m.Name
	default:
		return nil
	}
	return m.Readable()
}

// zip inspects Odoo's own backup, or says what other zip it is.
func (i *Info) zip(in input, sink script.Sink) error {
	d, err := zip.Find(in.at, in.size)
	if err != nil {
		return err
	}
	var s survey
	err = d.Each(in.at, func(m zip.Member) error {
		if err := s.add(m, d.Offset); err != nil || !in.whole || m.Name == "dump.sql" { // which is read below
			return err
		}
		return m.Verify(in.at)
	})
	i.Filestore = s.filestore
	if err != nil {
		return err
	}
	if s.dumped == nil {
		return i.otherZip(in.at, &s.layout, s.first)
	}
	i.Kind = OdooZip
	if err := i.zipScript(in, *s.dumped, sink); err != nil {
		return err
	}
	i.Compression = map[uint16]string{0: "none", 8: "deflate"}[s.dumped.Method]
	if s.manifest != nil {
		i.manifest(in.at, *s.manifest)
	}
	if s.misplaced != "" {
		i.warn("A restore does not find the filestore: it looks for files like filestore/ab/abcd…, with slashes, beside dump.sql, and there is %s. "+
			"Zip it again like that, or the attachments are lost.", quoteName(s.misplaced))
	}
	i.trailing(d.After, "zip")
	return nil
}

// otherZip says what a zip has that has no dump.sql at its root. Its first members may be
// dumps by another name.
func (i *Info) otherZip(in io.ReaderAt, l *layout, first []zip.Member) error {
	for _, m := range first {
		if len(l.scripts)+len(l.folders)+len(l.dumps) > 0 || m.Readable() != nil {
			break
		}
		content, err := m.Open(in)
		if err != nil {
			continue
		}
		l.sniff(m.Name, content)
	}
	r := l.refusal("zip", "unzip it")
	if (l.sources || l.files) && len(l.scripts)+len(l.folders)+len(l.dumps) == 0 {
		i.Kind = OdooSh
	}
	return r
}

// zipScript reads dump.sql to its end.
func (i *Info) zipScript(in input, m zip.Member, sink script.Sink) error {
	stored, err := m.Open(in.at)
	if err != nil {
		return err
	}
	check := crc32.NewIEEE()
	counted := &stream.Counter{In: io.TeeReader(stored, check)}
	c, err := recognize(counted)
	if err != nil {
		return cutScript(err)
	}
	if c.kind != SQL || c.before != nil {
		return c.refusalAsScript()
	}
	within, done := in.within(c.in)
	defer done()
	err = i.script(within, sink)
	if _, rest := io.Copy(io.Discard, within.Reader); rest != nil {
		return cutScript(rest)
	}
	// What is wrong with its text may follow from that.
	if counted.N != m.Size || check.Sum32() != m.CRC {
		return errors.New("dump.sql is not what its checksum says")
	}
	if err != nil {
		return cutScript(err)
	}
	return nil
}

// cutScript says where a dump.sql ends too early.
func cutScript(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return stream.Truncated("in dump.sql")
	}
	return fmt.Errorf("dump.sql: %w", err)
}

// manifest takes what only the manifest tells.
func (i *Info) manifest(in io.ReaderAt, m zip.Member) {
	content, err := m.Open(in)
	if err != nil {
		return
	}
	var told struct {
		Database string `json:"db_name"`
		Series   string `json:"major_version"`
	}
	if json.NewDecoder(io.LimitReader(content, 4<<20)).Decode(&told) != nil {
		i.warn("The backup's manifest.json is not JSON.")
		return
	}
	i.Database = script.Short([]byte(told.Database))
	if i.Series == "" {
		i.Series = script.Short([]byte(told.Series))
	}
}
