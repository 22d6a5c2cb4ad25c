package zip

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"odoo-upgrade-action/internal/dump/stream"
)

// Directory is where a zip's directory is, and how many bytes are after the zip's end.
type Directory struct {
	Offset int64 // where it begins
	After  int64 // bytes after the zip's end
	size   int64
	count  int64
}

// maxAfterZip is how far from the file's end the end of a zip is searched for. A restore by
// Python's zipfile searches as far as maxComment.
const maxAfterZip = 16 << 20

// Find looks for the record at the zip's end, which is the last one that fits.
func Find(in io.ReaderAt, size int64) (Directory, error) {
	for reach := int64(sizeEnd + maxComment); ; reach = maxAfterZip {
		tail := make([]byte, min(size, reach))
		if _, err := in.ReadAt(tail, size-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
			return Directory{}, err
		}
		d, found, err := lastDirectory(in, tail, size)
		if err != nil {
			return d, err
		}
		if found && d.After > maxComment {
			return d, stream.Refuse(fmt.Sprintf("has %d bytes after the end of the zip, more than a restore accepts", d.After),
				fmt.Sprintf("find out which step added them, or cut them off: head -c %d FILE >NEW", size-d.After))
		}
		if found {
			return d, nil
		}
		if reach == maxAfterZip || int64(len(tail)) == size {
			return Directory{}, stream.Truncated("before the directory at its end")
		}
	}
}

// lastDirectory looks for the last end record in the file's last bytes.
func lastDirectory(in io.ReaderAt, tail []byte, size int64) (d Directory, found bool, err error) {
	for at := len(tail); ; {
		if at = bytes.LastIndex(tail[:at], []byte(sigEnd)); at < 0 {
			break
		}
		if at+sizeEnd > len(tail) {
			continue
		}
		end := tail[at:]
		if binary.LittleEndian.Uint16(end[4:]) != 0 && binary.LittleEndian.Uint16(end[4:]) != math.MaxUint16 {
			err = ErrSplit
			continue
		}
		d = Directory{
			count:  int64(binary.LittleEndian.Uint16(end[10:])),
			size:   int64(binary.LittleEndian.Uint32(end[12:])),
			Offset: int64(binary.LittleEndian.Uint32(end[16:])),
			After:  int64(len(tail) - at - sizeEnd - int(binary.LittleEndian.Uint16(end[20:]))),
		}
		endAt := size - int64(len(tail)) + int64(at)
		if d.count == math.MaxUint16 || d.size == math.MaxUint32 || d.Offset == math.MaxUint32 {
			if large, ok := findDirectory64(in, endAt); ok {
				large.After = d.After
				d = large
			}
		}
		if d.After < 0 {
			continue // its comment is cut, or this is not an end record
		}
		if d.fits(in, endAt) {
			return d, true, nil
		}
		if err == nil && d.After == 0 && d.size > 0 && d.size < endAt && startsWith(in, endAt-d.size, sigMember) {
			err = fmt.Errorf(
				"its directory is %d bytes away from where it was: some were added or are missing before it",
				abs(endAt-d.size-d.Offset),
			)
		}
	}
	return Directory{}, false, err
}

var ErrSplit error = stream.Refuse("is a part of a split zip", "join its parts: zip -s 0 FILE --out NEW")

// IsSplitEnd recognizes the last part of a split zip, which may begin with anything.
func IsSplitEnd(in io.ReaderAt, size int64) bool {
	tail := make([]byte, min(size, sizeEnd+maxComment))
	if _, err := in.ReadAt(tail, size-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
		return false
	}
	_, _, err := lastDirectory(in, tail, size)
	return err == ErrSplit
}

func startsWith(in io.ReaderAt, at int64, signature string) bool {
	head := make([]byte, len(signature))
	_, err := in.ReadAt(head, at)
	return err == nil && string(head) == signature
}

func abs(n int64) int64 { return max(n, -n) }

// fits tells whether the directory lies right before the end record at endAt, as it does
// in no zip that is inside of another one.
func (d Directory) fits(in io.ReaderAt, endAt int64) bool {
	if d.Offset < 0 || d.size < 0 || d.count < 0 || d.Offset > endAt || d.size > endAt-d.Offset {
		return false
	}
	if d.Offset+d.size < endAt { // then there are the 64-bit records between the two
		return startsWith(in, endAt-sizeLocator, sigLocator)
	}
	return d.count == 0 || startsWith(in, d.Offset, sigMember)
}

// findDirectory64 follows the locator before the end record, where a zip is too
// large for that.
func findDirectory64(in io.ReaderAt, endAt int64) (Directory, bool) {
	locator, record := make([]byte, sizeLocator), make([]byte, sizeEnd64)
	if _, err := in.ReadAt(locator, endAt-sizeLocator); err != nil || string(locator[:4]) != sigLocator {
		return Directory{}, false
	}
	if _, err := in.ReadAt(record, int64(binary.LittleEndian.Uint64(locator[8:]))); err != nil || string(record[:4]) != sigEnd64 {
		return Directory{}, false
	}
	return Directory{
		count:  int64(binary.LittleEndian.Uint64(record[32:])),
		size:   int64(binary.LittleEndian.Uint64(record[40:])),
		Offset: int64(binary.LittleEndian.Uint64(record[48:])),
	}, true
}

// Each calls visit for every member, one after the other.
func (d Directory) Each(in io.ReaderAt, visit func(Member) error) error {
	list := bufio.NewReaderSize(io.NewSectionReader(in, d.Offset, d.size), buffer)
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
		m := Member{
			Name:       string(names.Bytes()[:lengths[0]]),
			flags:      binary.LittleEndian.Uint16(head[8:]),
			Method:     binary.LittleEndian.Uint16(head[10:]),
			CRC:        binary.LittleEndian.Uint32(head[16:]),
			Compressed: int64(binary.LittleEndian.Uint32(head[20:])),
			Size:       int64(binary.LittleEndian.Uint32(head[24:])),
			Offset:     int64(binary.LittleEndian.Uint32(head[42:])),
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
func (m *Member) read64(extra []byte) {
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
		for _, value := range []*int64{&m.Size, &m.Compressed, &m.Offset} {
			if *value == math.MaxUint32 && len(field) >= 8 {
				*value = int64(binary.LittleEndian.Uint64(field))
				field = field[8:]
			}
		}
	}
}
