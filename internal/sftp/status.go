package sftp

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/pkg/sftp"

	"odoo-upgrade-action/internal/sshclient"
)

// Codes of a StatusError (draft-ietf-secsh-filexfer-02, section 7).
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
	names := map[uint32]string{
		CodeEOF:              "end of file",
		CodeNoSuchFile:       "no such file",
		CodePermissionDenied: "permission denied",
		CodeFailure:          "failure",
		CodeUnsupported:      "not supported",
	}
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

// failed returns a refusal of pkg/sftp as a *StatusError, and for what the end of a session
// leads to, its cause. pkg/sftp drops the server's text of the three codes that it returns as
// errors of other packages.
func (s *session) failed(err error) error {
	for sentinel, code := range map[error]uint32{io.EOF: CodeEOF, os.ErrNotExist: CodeNoSuchFile, os.ErrPermission: CodePermissionDenied} {
		if err == sentinel { // wrapped, it is the connection's
			return &StatusError{Code: code}
		}
	}
	if status, ok := errors.AsType[*sftp.StatusError](err); ok {
		return &StatusError{Code: status.Code, Message: message(status)}
	}
	if errors.Is(err, sftp.ErrSSHFxConnectionLost) {
		err = s.client.Wait()
	}
	if err == nil {
		return nil
	}
	if cause := s.wire.cause(); cause != nil && !errors.Is(cause, errClosed) {
		return cause
	}
	return fmt.Errorf("%w: %w", errProtocol, sshclient.Ended(err))
}

// message returns the server's text of a refusal, which pkg/sftp only gives as part of its own.
func message(status *sftp.StatusError) string {
	quoted, _ := strconv.QuotedPrefix(strings.TrimPrefix(status.Error(), "sftp: "))
	text, _ := strconv.Unquote(quoted)
	return text[:min(len(text), maxMessage)]
}

// SourceError says that the local file could not be read as it was.
type SourceError struct{ Err error }

func (e *SourceError) Error() string { return e.Err.Error() }

// Unwrap returns the file system's error.
func (e *SourceError) Unwrap() error { return e.Err }

// fillFrom reads b from a file.
func fillFrom(from io.ReaderAt, b []byte, offset int64) error {
	n, err := from.ReadAt(b, offset)
	if n == len(b) {
		return nil
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return &SourceError{cmp.Or(err, io.ErrUnexpectedEOF)}
}
