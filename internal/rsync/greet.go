package rsync

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"odoo-upgrade-action/internal/show"
)

// Compatibility flags of protocol 30 (compat.c, CF_…), and the letters by which a client
// offers them in the server's arguments.
const (
	compatIncRecurse  = 1 << 0 // i: incremental recursion
	compatSafeList    = 1 << 3 // f: a list can end with an error
	compatSeedFix     = 1 << 5 // C: the MD5 of a block takes the seed before the data
	compatVarintFlags = 1 << 7 // v: flags of a list are varints, and checksums are negotiated
	compatID0Names    = 1 << 8 // u: lists of IDs end with the name of ID 0
)

var compatLetters = map[byte]uint32{'f': compatSafeList, 'C': compatSeedFix, 'v': compatVarintFlags, 'u': compatID0Names}

// ErrNoGreeting says that the other side sent no version: a server may not have accepted
// the command.
var ErrNoGreeting = errors.New("the other side did not start rsync")

// ErrIncRecurse says that the server sends its list in pieces, which this package does not
// implement: it was started with other arguments than those of PullArgs.
var ErrIncRecurse = errors.New("the server insists on incremental recursion")

// client greets a server. Each side sends its version; the server then sends its
// compatibility flags and the checksum seed. From then on the server's output is framed
// and, since protocol 30, so is the client's. begin writes what the server needs first: it
// is sent before the seed is read, which saves a round trip.
func client(rw io.ReadWriter, version Protocol, begin func(*conn)) (*conn, error) {
	c := newConn(rw)
	if err := c.greet(version); err != nil {
		return c, err
	}
	name := sumMD4
	if c.protocol >= Protocol30 {
		flags, err := c.varint()
		if err != nil {
			return c, err
		}
		if flags&compatIncRecurse != 0 {
			return c, ErrIncRecurse
		}
		if name, err = c.negotiate(flags, firstOfOurs); err != nil {
			return c, err
		}
		c.frameOutput(rw)
	}
	begin(c)
	flushed := c.out.Flush()
	seed, err := c.int() // also if the server has closed its input: it may say why
	c.sums = newSums(name, uint32(seed))
	c.in = bufio.NewReaderSize(&demux{in: c.in, said: c.said}, demuxBuffer)
	return c, cmp.Or(flushed, err)
}

func (c *conn) frameOutput(out io.Writer) {
	c.mux = &mux{out: out}
	c.out = bufio.NewWriterSize(c.mux, bufferSize)
}

// server greets a client, of which the letters in its arguments are the capabilities.
func server(rw io.ReadWriter, capabilities string, seed uint32) (*conn, error) {
	c := newConn(rw)
	if err := c.greet(Protocol30); err != nil {
		return c, err
	}
	name := sumMD4
	if c.protocol >= Protocol30 {
		flags := uint32(0)
		for _, letter := range []byte(capabilities) {
			flags |= compatLetters[letter]
		}
		c.putVarint(flags)
		var err error
		if name, err = c.negotiate(flags, firstOfTheirs); err != nil {
			return c, err
		}
	}
	c.putInt(int32(seed))
	if err := c.out.Flush(); err != nil {
		return c, err
	}
	c.sums = newSums(name, seed)
	c.frameOutput(rw)
	if c.protocol >= Protocol30 {
		c.in = bufio.NewReaderSize(&demux{in: c.in, said: c.said}, demuxBuffer)
	}
	return c, nil
}

// greet exchanges protocol versions; the lower one is used.
func (c *conn) greet(version Protocol) error {
	c.putInt(int32(version))
	if err := c.out.Flush(); err != nil {
		return fmt.Errorf("%w: %w", ErrNoGreeting, err)
	}
	theirs, err := c.int()
	if err == nil && (theirs < 0 || theirs > 99) {
		return &TextError{c.textFrom(theirs)}
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoGreeting, err)
	}
	c.protocol = min(version, Protocol(theirs))
	if c.protocol != Protocol27 && c.protocol != Protocol30 {
		return fmt.Errorf("the other side speaks version %d of the rsync protocol, which is not supported: rsync 3 is needed there", theirs)
	}
	return nil
}

// TextError says that the other side sent text before rsync's greeting, or in its place: a
// login shell or a forced command that prints something.
type TextError struct{ Text string }

func (e *TextError) Error() string {
	return fmt.Sprintf("in the place of rsync's greeting the server sent the text %q", e.Text)
}

// Is makes it an ErrNoGreeting, too.
func (e *TextError) Is(target error) bool { return target == ErrNoGreeting }

// Advice implements advice.Adviser.
func (e *TextError) Advice() string {
	return "The server's login shell, or a command that it forces, prints it. Nothing may be printed before rsync starts: report that to the server's operator."
}

// maxShown is how much of such a text is shown, in bytes.
const maxShown = 200

// textFrom returns what was sent in place of a version, of which first was read.
func (c *conn) textFrom(first int32) string {
	text := binary.LittleEndian.AppendUint32(nil, uint32(first))
	rest, _ := c.in.Peek(min(c.in.Buffered(), maxShown))
	return show.Printable(strings.TrimSpace(string(append(text, rest...))))
}

// negotiate applies compatibility flags and returns the name of the checksum. Since rsync
// 3.2 both sides send the names of those that they have, the preferred one first.
func (c *conn) negotiate(flags uint32, choose func(theirs []string) string) (checksum string, err error) {
	c.safeList, c.id0Names, c.varintFlags = flags&compatSafeList != 0, flags&compatID0Names != 0, flags&compatVarintFlags != 0
	switch {
	case !c.varintFlags && flags&compatSeedFix == 0:
		return sumMD5Old, nil
	case !c.varintFlags:
		return sumMD5, nil
	}
	c.putVstring(strings.Join(sumNames, " "))
	if err := c.out.Flush(); err != nil {
		return "", err
	}
	theirs, err := c.vstring()
	if err != nil {
		return "", err
	}
	if checksum = choose(strings.Fields(theirs)); checksum == "" {
		err = fmt.Errorf("no checksum in common with the other side's rsync, which has %.100q", theirs)
	}
	if checksum == sumMD5 && flags&compatSeedFix == 0 {
		checksum = sumMD5Old
	}
	return checksum, err
}

// The client's order decides (compat.c, parse_negotiate_str).

func firstOfOurs(theirs []string) string   { return firstCommon(sumNames, theirs) }
func firstOfTheirs(theirs []string) string { return firstCommon(theirs, sumNames) }

func firstCommon(preferred, others []string) string {
	for _, name := range preferred {
		if slices.Contains(others, name) {
			return name
		}
	}
	return ""
}

// vstring reads a string whose length has one byte, or two.
func (c *conn) vstring() (string, error) {
	first, err := c.byte()
	length := int(first)
	if err == nil && first&0x80 != 0 {
		var second byte
		second, err = c.byte()
		length = int(first&^0x80)<<8 | int(second)
	}
	if err != nil {
		return "", err
	}
	if length > maxName {
		return "", violation("a name of %d bytes", length)
	}
	text, err := c.bytes(length)
	return string(text), err
}

func (c *conn) putVstring(text string) {
	if len(text) > 0x7f {
		c.putByte(byte(len(text)>>8) | 0x80)
	}
	c.putByte(byte(len(text)))
	_, _ = c.out.WriteString(text)
}
