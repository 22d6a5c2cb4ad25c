package sshclient

import (
	"errors"
	"io"
	"net"
	"syscall"
)

// EndedError says that a connection ended in the middle of something.
type EndedError struct{ Err error }

func (e *EndedError) Error() string {
	if errors.Is(e.Err, syscall.ECONNRESET) || errors.Is(e.Err, syscall.EPIPE) {
		return "the server, or something in between, reset the connection"
	}
	return "the server, or something in between, closed the connection"
}

// Unwrap returns the error that was met.
func (e *EndedError) Unwrap() error { return e.Err }

// Ended returns an *EndedError for an error that means that the peer ended the connection,
// whichever of its ends noticed it first, and any other error as it is.
func Ended(err error) error {
	for _, sign := range []error{io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, net.ErrClosed, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, sign) {
			return &EndedError{err}
		}
	}
	return err
}
