// Package rsync is an rsync engine: protocols 30 and 27, client and server, sender and
// receiver, over any connection that carries bytes. It works with every rsync 3.
//
// A client calls Push or Pull on a connection to a server that was started with the
// arguments of PushArgs or PullArgs, for example over SSH. A server parses its arguments
// with ParseArgs and calls ServeReceiver or ServeSender.
//
// A partial file is resumed by its prefix: a sender compares block i only with block i. A
// receiver trusts nothing: names stay inside its folder, links and devices are not
// written, and counts, sizes and lengths are limited.
package rsync

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Protocol is a version of rsync's protocol.
type Protocol int32

// The versions that are spoken. 30 is that of rsync 3.0; since rsync 3.2 the checksum is
// negotiated over it. 31 and 32 exchange more messages and add nothing that is used here.
// 27 is for a server that accepts only the exact command of rsync -a for downloads,
// which turns on incremental recursion in newer versions. It has only MD4, which
// takes a third of a transfer's time.
const (
	Protocol27 Protocol = 27
	Protocol30 Protocol = 30
)

// Limits of what a peer may send.
const (
	maxName    = 4096      // bytes of a name
	maxFiles   = 1_000_000 // in a list
	maxNames   = 64 << 20  // bytes of all names
	maxTotal   = 1 << 60   // bytes of all files
	maxLiteral = 1 << 20   // bytes of one token; rsync sends 32 KiB
	maxBlock   = 1 << 29   // bytes of a block, rsync's own limit
	maxBlocks  = 1 << 24
	maxIDs     = 1_000_000 // in a list of users or groups
	maxSaid    = 16 << 10  // bytes of messages that are kept
)

// chunk is how many bytes a literal token has: rsync 3.2 refuses more.
const chunk = 32 << 10

// done marks the end of a phase in the place of a file's index.
const done = -1

// File is a file or a folder that is sent.
type File struct {
	Name    string // with slashes, relative; "." for the folder whose content is sent
	Size    int64  // in bytes
	ModTime time.Time
	Folder  bool
	Open    func() (io.ReadCloser, error) // nil for folders
}

// Received is a file that is complete.
type Received struct {
	Name   string // with slashes, as the sender has it
	Size   int64  // in bytes
	SHA256 string // in hexadecimal, if it was wanted
}

// errProtocol is the peer's fault.
var errProtocol = errors.New("the other side violated the rsync protocol")

func violation(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errProtocol}, args...)...)
}

// RemoteError is what an rsync server says about its failure: messages, and the exit
// status with which it ended.
type RemoteError struct {
	Status   int    // -1 if it did not end with one, as after a signal
	Messages string // of the server, one or more lines; may be empty
	Err      error  // what was seen at this end, nil if nothing
}

// Unwrap returns what was seen at this end.
func (e *RemoteError) Unwrap() error { return e.Err }

func (e *RemoteError) Error() string {
	text := statusText(e.Status)
	lines := strings.FieldsFunc(e.Messages, func(c rune) bool { return c == '\r' || c == '\n' })
	if e.Err != nil && (len(lines) == 0 || !IsBroken(e.Err)) {
		lines = append(lines, e.Err.Error())
	}
	if len(lines) > 0 {
		text += ": " + strings.Join(lines, "; ")
	}
	return text
}

// Exit statuses of rsync (rsync(1), EXIT VALUES), and those of a shell.
const (
	StatusUnsupported = 1 // also for an option that the server refuses
	StatusProtocol    = 2
	StatusNoFolder    = 3
	StatusNoOption    = 4
	StatusFileIO      = 11
	StatusStream      = 12
	StatusPartial     = 23
	StatusVanished    = 24
	StatusMaxDelete   = 25
	StatusNoExec      = 126
	StatusNoProgram   = 127
	StatusKilled      = 137
)

// IsFinal reports whether an exit status says that another try would end alike: it is about
// the command or the files, not about a connection, a signal or a timeout.
func IsFinal(status int) bool {
	switch status {
	case StatusUnsupported,
		StatusProtocol,
		StatusNoFolder,
		StatusNoOption,
		StatusFileIO,
		StatusPartial,
		StatusVanished,
		StatusMaxDelete,
		StatusNoExec,
		StatusNoProgram:
		return true
	}
	return false
}

func statusText(status int) string {
	switch status {
	case StatusUnsupported, StatusNoOption:
		return "the server's rsync refused the command"
	case StatusProtocol:
		return "the server's rsync speaks another protocol"
	case StatusNoFolder:
		return "the server's rsync cannot select the files or the folder"
	case StatusFileIO:
		return "the server's rsync could not read or write a file"
	case StatusStream:
		return "the connection to the server's rsync broke"
	case StatusPartial, StatusVanished:
		return "the server's rsync could not transfer everything"
	case StatusNoProgram:
		return "the server has no rsync"
	case StatusKilled:
		return "the server's rsync was killed"
	case -1:
		return "the server's rsync ended without an exit status"
	}
	return fmt.Sprintf("the server's rsync ended with exit status %d", status)
}
