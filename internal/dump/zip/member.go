// Package zip reads the directory at the end of a zip as a stream (PKWARE, APPNOTE.TXT,
// sections 4.3 and 4.4), and the members that are wanted: archive/zip would keep each of a
// filestore's members in memory, and there can be a million.
//
// Find returns where the directory is; its method Each goes through the members, of which
// Open returns the content.
package zip

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"

	"github.com/klauspost/compress/flate"

	"odoo-upgrade-action/internal/dump/stream"
)

// buffer is how much of the directory is read at a time.
const buffer = 64 << 10

// Signatures and sizes of the records.
const (
	sigLocal    = "PK\x03\x04"
	sigMember   = "PK\x01\x02"
	sigEnd      = "PK\x05\x06"
	sigLocator  = "PK\x06\x07"
	sigEnd64    = "PK\x06\x06"
	SizeLocal   = 30 // of the head before a member
	sizeMember  = 46
	sizeEnd     = 22
	sizeLocator = 20
	sizeEnd64   = 56
	maxComment  = math.MaxUint16
)

// Member is a file in a zip.
type Member struct {
	Name             string
	flags            uint16
	Method           uint16
	CRC              uint32
	Compressed, Size int64 // in bytes
	Offset           int64 // of its own head
}

// Open returns the member's content.
func (m Member) Open(in io.ReaderAt) (io.Reader, error) {
	head := make([]byte, SizeLocal)
	if _, err := in.ReadAt(head, m.Offset); err != nil {
		return nil, cutZip(err)
	}
	if string(head[:4]) != sigLocal {
		return nil, fmt.Errorf("no member where the directory has %.100q", m.Name)
	}
	data := m.Offset + SizeLocal + int64(binary.LittleEndian.Uint16(head[26:])) + int64(binary.LittleEndian.Uint16(head[28:]))
	compressed := &stream.Counter{In: io.NewSectionReader(in, data, m.Compressed)}
	if m.Method == 0 {
		return compressed, nil
	}
	plain := flate.NewReader(bufio.NewReaderSize(compressed, 256<<10))
	return &stream.Guard{In: plain, From: compressed}, nil
}

// Verify reads the member to its end, and returns an error if it is not what its checksum says. One
// that is compressed by another method than Deflate is not read.
func (m Member) Verify(in io.ReaderAt) error {
	if m.Readable() != nil {
		return nil
	}
	content, err := m.Open(in)
	if err != nil {
		return err
	}
	check := crc32.NewIEEE()
	n, err := io.Copy(check, content)
	if err == nil && (n != m.Size || check.Sum32() != m.CRC) {
		err = errors.New("it is not what its checksum says")
	}
	if err != nil {
		return fmt.Errorf("%.100q: %w", m.Name, err)
	}
	return nil
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

// Readable returns an error for a member that is encrypted, or compressed by a method
// that not every program has.
func (m Member) Readable() error {
	if m.flags&(flagEncrypted|flagMasked) != 0 || m.Method == methodAES {
		return stream.Refuse(
			"is a zip with encrypted files, like "+stream.Quote([]byte(m.Name)),
			"unzip it with its password, and zip it again without one",
		)
	}
	if m.Method == 0 || m.Method == 8 {
		return nil
	}
	name, known := methods[m.Method]
	if !known {
		name = fmt.Sprintf("method %d", m.Method)
	}
	return stream.Refuse(
		fmt.Sprintf("is a zip whose %s is compressed with %s, which a restore may not know", stream.Quote([]byte(m.Name)), name),
		"unzip it, and zip it again with Deflate, which is what zip does",
	)
}

func cutZip(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return stream.Truncated("before the directory at its end")
	}
	return err
}
