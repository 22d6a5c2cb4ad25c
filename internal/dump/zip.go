package dump

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"strings"

	"github.com/klauspost/compress/flate"
)

// Of a zip the directory at its end is read as a stream (PKWARE, APPNOTE.TXT,
// sections 4.3 and 4.4): archive/zip would keep each of a filestore's members
// in memory, and there can be a million.

// Signatures and sizes of the records.
const (
	sigLocal    = "PK\x03\x04"
	sigMember   = "PK\x01\x02"
	sigEnd      = "PK\x05\x06"
	sigLocator  = "PK\x06\x07"
	sigEnd64    = "PK\x06\x06"
	sizeLocal   = 30
	sizeMember  = 46
	sizeEnd     = 22
	sizeLocator = 20
	sizeEnd64   = 56
	maxComment  = math.MaxUint16
)

// member is a file in a zip.
type member struct {
	name         string
	method       uint16
	crc          uint32
	packed, size int64
	offset       int64 // of its own head
}

// directory is where a zip's directory is.
type directory struct{ offset, size, count int64 }

// zip inspects Odoo's own backup, or says what other zip it is.
func (i *Info) zip(in io.ReaderAt, size int64) error {
	d, err := findDirectory(in, size)
	if err != nil {
		return err
	}
	var dump, manifest *member
	odooSh := false
	err = d.each(in, func(m member) error {
		if m.offset < 0 || m.packed < 0 || m.offset+sizeLocal+m.packed > d.offset {
			return fmt.Errorf("a member outside the file: %.100q", m.name)
		}
		switch {
		case m.name == "dump.sql":
			dump = &m
		case m.name == "manifest.json":
			manifest = &m
		case strings.HasPrefix(m.name, "filestore/") && m.size > 0:
			i.Filestore = true
		case strings.HasPrefix(m.name, "home/odoo/"), strings.Contains(m.name, "/filestore/"):
			odooSh = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	if dump == nil {
		if odooSh || i.Filestore {
			i.Kind = OdooSh
			i.refuse("is a backup of files, like Odoo.sh's, without dump.sql at its root", "get a dump of the database: on Odoo.sh, choose the dump to download, not the backup")
			return nil
		}
		i.refuse("is a zip without dump.sql at its root", "make the backup with Odoo's database manager, or with pg_dump -Fc")
		return nil
	}
	i.Kind = OdooZip
	if err := i.zipScript(in, *dump); err != nil {
		return err
	}
	i.Compression = map[uint16]string{0: "none", 8: "deflate"}[dump.method]
	if manifest != nil {
		i.manifest(in, *manifest)
	}
	return nil
}

// zipScript reads dump.sql to its end.
func (i *Info) zipScript(in io.ReaderAt, m member) error {
	content, err := m.open(in)
	if err != nil {
		return err
	}
	check := crc32.NewIEEE()
	counted := &counter{in: io.TeeReader(content, check)}
	buffered := bufio.NewReaderSize(counted, archiveBytes)
	if head, err := buffered.Peek(HeadSize); err == nil || errors.Is(err, io.EOF) {
		if kind := Sniff(head); kind != SQL {
			i.refuse("has a dump.sql that is not an SQL dump ("+string(kind)+")", "make the backup with Odoo's database manager, or with pg_dump -Fc")
			return nil
		}
	}
	if err := i.script(buffered); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return truncated("in dump.sql")
		}
		return fmt.Errorf("dump.sql: %w", err)
	}
	if counted.n != m.size || check.Sum32() != m.crc {
		return errors.New("dump.sql is not what its checksum says")
	}
	return nil
}

// manifest takes what only the manifest tells.
func (i *Info) manifest(in io.ReaderAt, m member) {
	content, err := m.open(in)
	if err != nil {
		return
	}
	var told struct {
		Database string `json:"db_name"`
		Series   string `json:"major_version"`
	}
	if json.NewDecoder(io.LimitReader(content, 4<<20)).Decode(&told) != nil {
		i.Warnings = append(i.Warnings, "The backup's manifest.json is not JSON.")
		return
	}
	i.Database = short([]byte(told.Database))
	if i.Series == "" {
		i.Series = short([]byte(told.Series))
	}
}

// open returns the member's content.
func (m member) open(in io.ReaderAt) (io.Reader, error) {
	head := make([]byte, sizeLocal)
	if _, err := in.ReadAt(head, m.offset); err != nil {
		return nil, cutZip(err)
	}
	if string(head[:4]) != sigLocal {
		return nil, fmt.Errorf("no member where the directory has %.100q", m.name)
	}
	data := m.offset + sizeLocal + int64(binary.LittleEndian.Uint16(head[26:])) + int64(binary.LittleEndian.Uint16(head[28:]))
	packed := &counter{in: io.NewSectionReader(in, data, m.packed)}
	switch m.method {
	case 0:
		return packed, nil
	case 8:
		unpacked := flate.NewReader(bufio.NewReaderSize(packed, 256<<10))
		return &guard{in: unpacked, packed: func() int64 { return packed.n }}, nil
	}
	return nil, fmt.Errorf("%.100q is packed by method %d", m.name, m.method)
}

func cutZip(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return truncated("before the directory at its end")
	}
	return err
}

// findDirectory looks for the record at the file's end.
func findDirectory(in io.ReaderAt, size int64) (directory, error) {
	tail := make([]byte, min(size, sizeEnd+maxComment))
	if _, err := in.ReadAt(tail, size-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
		return directory{}, err
	}
	at := lastEnd(tail)
	if at < 0 {
		return directory{}, truncated("before the directory at its end")
	}
	end := tail[at:]
	d := directory{
		count:  int64(binary.LittleEndian.Uint16(end[10:])),
		size:   int64(binary.LittleEndian.Uint32(end[12:])),
		offset: int64(binary.LittleEndian.Uint32(end[16:])),
	}
	endAt := size - int64(len(tail)) + int64(at)
	if d.count == math.MaxUint16 || d.size == math.MaxUint32 || d.offset == math.MaxUint32 {
		if large, ok := findDirectory64(in, endAt); ok {
			d = large
		}
	}
	if d.offset < 0 || d.size < 0 || d.count < 0 || d.offset > endAt || d.size > endAt-d.offset {
		return directory{}, errors.New("its directory lies outside the file")
	}
	return d, nil
}

// lastEnd finds the last end record whose comment ends with the file.
func lastEnd(tail []byte) int {
	for at := len(tail) - sizeEnd; at >= 0; at-- {
		if string(tail[at:at+4]) == sigEnd && at+sizeEnd+int(binary.LittleEndian.Uint16(tail[at+20:])) == len(tail) {
			return at
		}
	}
	return -1
}

// findDirectory64 follows the locator before the end record, where a zip is too
// large for that.
func findDirectory64(in io.ReaderAt, endAt int64) (directory, bool) {
	locator, record := make([]byte, sizeLocator), make([]byte, sizeEnd64)
	if _, err := in.ReadAt(locator, endAt-sizeLocator); err != nil || string(locator[:4]) != sigLocator {
		return directory{}, false
	}
	if _, err := in.ReadAt(record, int64(binary.LittleEndian.Uint64(locator[8:]))); err != nil || string(record[:4]) != sigEnd64 {
		return directory{}, false
	}
	return directory{
		count:  int64(binary.LittleEndian.Uint64(record[32:])),
		size:   int64(binary.LittleEndian.Uint64(record[40:])),
		offset: int64(binary.LittleEndian.Uint64(record[48:])),
	}, true
}

// each calls visit for every member, one after the other.
func (d directory) each(in io.ReaderAt, visit func(member) error) error {
	list := bufio.NewReaderSize(io.NewSectionReader(in, d.offset, d.size), archiveBytes)
	var names bytes.Buffer
	for range d.count {
		var head [sizeMember]byte
		if _, err := io.ReadFull(list, head[:]); err != nil {
			return errors.New("its directory is shorter than it says")
		}
		if string(head[:4]) != sigMember {
			return errors.New("its directory has something else than members")
		}
		lengths := [3]int64{}
		for n := range lengths {
			lengths[n] = int64(binary.LittleEndian.Uint16(head[28+2*n:]))
		}
		names.Reset()
		if _, err := io.CopyN(&names, list, lengths[0]+lengths[1]+lengths[2]); err != nil {
			return errors.New("its directory is shorter than it says")
		}
		m := member{
			name:   string(names.Bytes()[:lengths[0]]),
			method: binary.LittleEndian.Uint16(head[10:]),
			crc:    binary.LittleEndian.Uint32(head[16:]),
			packed: int64(binary.LittleEndian.Uint32(head[20:])),
			size:   int64(binary.LittleEndian.Uint32(head[24:])),
			offset: int64(binary.LittleEndian.Uint32(head[42:])),
		}
		m.read64(names.Bytes()[lengths[0] : lengths[0]+lengths[1]])
		if err := visit(m); err != nil {
			return err
		}
	}
	return nil
}

// read64 takes the sizes that are too large for their fields from the extra
// field 1, where they stand in this order (APPNOTE.TXT, 4.5.3).
func (m *member) read64(extra []byte) {
	for len(extra) >= 4 {
		id, length := binary.LittleEndian.Uint16(extra), int(binary.LittleEndian.Uint16(extra[2:]))
		if length > len(extra)-4 {
			return
		}
		field := extra[4 : 4+length]
		extra = extra[4+length:]
		if id != 1 {
			continue
		}
		for _, value := range []*int64{&m.size, &m.packed, &m.offset} {
			if *value == math.MaxUint32 && len(field) >= 8 {
				*value = int64(binary.LittleEndian.Uint64(field))
				field = field[8:]
			}
		}
	}
}
