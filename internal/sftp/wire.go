package sftp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Types of packets (section 3).
const (
	typeInit          = 1
	typeVersion       = 2
	typeOpen          = 3
	typeClose         = 4
	typeRead          = 5
	typeWrite         = 6
	typeFstat         = 8
	typeOpendir       = 11
	typeReaddir       = 12
	typeStat          = 17
	typeStatus        = 101
	typeHandle        = 102
	typeData          = 103
	typeName          = 104
	typeAttrs         = 105
	typeExtended      = 200
	typeExtendedReply = 201
)

// Flags of Open (section 6.3).
const (
	Read     = 1
	Write    = 2
	Create   = 8
	Truncate = 16
)

// Codes of a StatusError (section 7).
const (
	CodeEOF              = 1
	CodeNoSuchFile       = 2
	CodePermissionDenied = 3
	CodeFailure          = 4
	CodeUnsupported      = 8
)

// StatusError is a server's refusal of one request.
type StatusError struct {
	Code    uint32
	Message string // of the server, for people; bounded
}

func (e *StatusError) Error() string {
	names := map[uint32]string{CodeEOF: "end of file", CodeNoSuchFile: "no such file", CodePermissionDenied: "permission denied", CodeFailure: "failure", CodeUnsupported: "not supported"}
	name := names[e.Code]
	if name == "" {
		name = fmt.Sprintf("status %d", e.Code)
	}
	if e.Message == "" {
		return "the SFTP server says: " + name
	}
	return fmt.Sprintf("the SFTP server says: %s (%s)", name, e.Message)
}

// HasCode reports whether err is a server's refusal with that code.
func HasCode(err error, code uint32) bool {
	status, ok := errors.AsType[*StatusError](err)
	return ok && status.Code == code
}

// Limits of what a server may send and be sent. OpenSSH accepts packets of 256 KiB and
// announces 255 KiB of data in them; every server accepts 32 KiB (section 3); one that
// announces next to nothing would need requests without end.
const (
	maxReply     = 256 << 10
	maxMessage   = 200
	leastPayload = 4 << 10
	safePayload  = 32 << 10
	safeWrite    = 32_000 // with its header in one packet of SSH: ProFTPD drops what several channels interleave
	mostPayload  = 255 << 10
)

var (
	errProtocol = errors.New("the SFTP server violated the protocol")
	errClosed   = errors.New("the SFTP session is closed")
)

// status is the error in the body of a status packet, nil for OK.
func status(body []byte) error {
	code := take32(&body)
	if code == nil {
		return errProtocol
	}
	if *code == 0 {
		return nil
	}
	message := takeString(&body) // some servers leave it out
	return &StatusError{Code: *code, Message: string(message[:min(len(message), maxMessage)])}
}

// SourceError says that the local file could not be read as it was.
type SourceError struct{ Err error }

func (e *SourceError) Error() string { return e.Err.Error() }

// Unwrap returns the file system's error.
func (e *SourceError) Unwrap() error { return e.Err }

func fillFrom(from io.ReaderAt, b []byte, offset int64) error {
	n, err := from.ReadAt(b, offset)
	if n == len(b) {
		return nil
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return &SourceError{err}
}

func appendString(b []byte, text string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(text))), text...)
}

// take32 removes a number from the front of b; nil if there is none.
func take32(b *[]byte) *uint32 {
	if len(*b) < 4 {
		*b = nil
		return nil
	}
	n := binary.BigEndian.Uint32(*b)
	*b = (*b)[4:]
	return &n
}

func take64(b *[]byte) *uint64 {
	if len(*b) < 8 {
		*b = nil
		return nil
	}
	n := binary.BigEndian.Uint64(*b)
	*b = (*b)[8:]
	return &n
}

// takeString removes a string from the front of b; nil if there is none.
func takeString(b *[]byte) []byte {
	n := take32(b)
	if n == nil || uint64(*n) > uint64(len(*b)) {
		*b = nil
		return nil
	}
	text := (*b)[:*n:*n]
	*b = (*b)[*n:]
	if text == nil {
		text = []byte{}
	}
	return text
}
