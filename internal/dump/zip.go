package dump

import (
	"bufio"
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
	name             string
	flags            uint16
	method           uint16
	crc              uint32
	compressed, size int64
	offset           int64 // of its own head
}

// zip inspects Odoo's own backup, or says what other zip it is.
func (i *Info) zip(in io.ReaderAt, size int64) error {
	d, err := findDirectory(in, size)
	if err != nil {
		return err
	}
	var script, manifest *member
	var l layout
	var first []member
	taken := int64(0) // by all members, if each has its own place
	err = d.each(in, func(m member) error {
		if m.offset < 0 || m.compressed < 0 || m.offset+sizeLocal+m.compressed > d.offset {
			return fmt.Errorf("a member outside the file: %.100q", m.name)
		}
		if taken += sizeLocal + int64(len(m.name)) + m.compressed; taken > d.offset {
			return fmt.Errorf("members that share a place in the file: %.100q", m.name)
		}
		if !strings.HasSuffix(m.name, "/") {
			l.add(m.name)
			if len(first) < maxNames {
				first = append(first, m)
			}
		}
		switch {
		case m.name == "dump.sql":
			script = &m
		case m.name == "manifest.json":
			manifest = &m
		case strings.HasPrefix(m.name, "filestore/") && m.size > 0:
			i.Filestore = true
		default:
			return nil
		}
		return m.readable()
	})
	if err != nil {
		return err
	}
	if script == nil {
		return i.otherZip(in, &l, first)
	}
	i.Kind = OdooZip
	if err := i.zipScript(in, *script); err != nil {
		return err
	}
	i.Compression = map[uint16]string{0: "none", 8: "deflate"}[script.method]
	if manifest != nil {
		i.manifest(in, *manifest)
	}
	i.trailing(d.after, "zip")
	return nil
}

// otherZip says what a zip has that has no dump.sql at its root. Its first members may be
// dumps by another name.
func (i *Info) otherZip(in io.ReaderAt, l *layout, first []member) error {
	for _, m := range first {
		if len(l.scripts)+len(l.folders)+len(l.dumps) > 0 || m.readable() != nil {
			break
		}
		content, err := m.open(in)
		if err != nil {
			continue
		}
		head := make([]byte, HeadSize)
		n, _ := io.ReadFull(content, head)
		switch Sniff(head[:n]) {
		case Custom, SQL, Tar, Zip, Gzip:
			l.dumps = append(l.dumps, m.name)
		}
	}
	r := l.refusal("zip", "unzip it")
	if (l.sources || l.files) && len(l.scripts)+len(l.folders)+len(l.dumps) == 0 {
		i.Kind = OdooSh
	}
	return r
}

// zipScript reads dump.sql to its end.
func (i *Info) zipScript(in io.ReaderAt, m member) error {
	stored, err := m.open(in)
	if err != nil {
		return err
	}
	check := crc32.NewIEEE()
	counted := &counter{in: io.TeeReader(stored, check)}
	c, err := recognize(counted)
	if err != nil {
		return cutScript(err)
	}
	if c.kind != SQL || c.before != nil {
		return c.refusalAsScript()
	}
	if err := i.script(c.in); err != nil {
		return cutScript(err)
	}
	if counted.n != m.size || check.Sum32() != m.crc {
		return errors.New("dump.sql is not what its checksum says")
	}
	return nil
}

// cutScript says where a dump.sql ends too early.
func cutScript(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return truncated("in dump.sql")
	}
	return fmt.Errorf("dump.sql: %w", err)
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
		i.warn("The backup's manifest.json is not JSON.")
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
	compressed := &counter{in: io.NewSectionReader(in, data, m.compressed)}
	if m.method == 0 {
		return compressed, nil
	}
	plain := flate.NewReader(bufio.NewReaderSize(compressed, 256<<10))
	return &guard{in: plain, compressed: func() int64 { return compressed.n }}, nil
}

// The methods by which members can be compressed (APPNOTE.TXT, section 4.4.5), apart from
// stored (0) and Deflate (8).
var methods = map[uint16]string{
	1: "Shrink", 2: "Reduce", 3: "Reduce", 4: "Reduce", 5: "Reduce", 6: "Implode", 9: "Deflate64", 10: "PKWARE Implode", 12: "bzip2", 14: "LZMA",
	18: "IBM TERSE", 19: "LZ77", 20: "Zstandard", 93: "Zstandard", 94: "MP3", 95: "XZ", 96: "JPEG", 97: "WavPack", 98: "PPMd",
}

// Flags of members (APPNOTE.TXT, section 4.4.4), and the method that stands for AES.
const (
	flagEncrypted = 1 << 0
	flagMasked    = 1 << 13
	methodAES     = 99
)

// readable returns an error for a member that is encrypted, or compressed by a method
// that not every program has.
func (m member) readable() error {
	if m.flags&(flagEncrypted|flagMasked) != 0 || m.method == methodAES {
		return &refusal{"is a zip with encrypted files, like " + quoteName(m.name), "unzip it with its password, and zip it again without one"}
	}
	if m.method == 0 || m.method == 8 {
		return nil
	}
	name, known := methods[m.method]
	if !known {
		name = fmt.Sprintf("method %d", m.method)
	}
	return &refusal{fmt.Sprintf("is a zip whose %s is compressed with %s, which a restore may not know", quoteName(m.name), name),
		"unzip it, and zip it again with Deflate, which is what zip does"}
}

func cutZip(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return truncated("before the directory at its end")
	}
	return err
}
