package v1

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/sftp"
	"odoo-upgrade-action/internal/upgrade"
)

// upload sends what the platform does not have of the dump, and tells how many bytes
// it has. Another call, of this process or of a later one, resumes where it was cut.
// It returns how many bytes are acknowledged, and a *dump.UnusableError if the file
// changed meanwhile.
func (s *overSFTP) upload(ctx context.Context, t upgrade.Ticket, d dump.Info, sent func(int64)) (kept int64, err error) {
	file, err := d.Open()
	if err != nil {
		return s.kept, err
	}
	defer file.Close()
	pool, name, err := s.open(ctx, t)
	if err != nil {
		return s.kept, err
	}
	defer pool.Close()
	there, err := s.openShared(pool, name)
	if err != nil {
		return s.kept, transferError(ctx, err)
	}
	from, err := s.start(pool, there, file, d)
	if err == nil {
		err = s.put(pool, there, file, from, d, sent)
	}
	s.learn(err)
	if _, changed := errors.AsType[*dump.UnusableError](err); changed {
		return s.kept, err
	}
	return s.kept, transferError(ctx, err)
}

// start finds the byte to resume at, and makes sure that the platform's file has
// nothing behind it that could be taken for a part of the dump.
func (s *overSFTP) start(pool *sftp.Pool, there *shared, file io.ReaderAt, d dump.Info) (from int64, err error) {
	from, err = s.resume(pool, there, file, d.Size)
	if changed := d.Unchanged(); changed != nil {
		return 0, changed
	}
	if err != nil {
		return 0, err
	}
	if from == 0 {
		return 0, s.restart(pool, there)
	}
	s.Tell(event.Resumed{Step: event.Upload, Done: from, Total: d.Size})
	return from, nil
}

// put sends the dump from a byte on, and checks what arrived.
func (s *overSFTP) put(pool *sftp.Pool, there *shared, file io.ReaderAt, from int64, d dump.Info, sent func(int64)) error {
	var acknowledged atomic.Int64
	began := time.Now()
	ended := make(chan error, 1)
	go func() { ended <- there.Put(file, from, d.Size, s.runsAhead(), &acknowledged) }()
	err := follow(ended, func() { sent(acknowledged.Load()) })
	s.kept = acknowledged.Load()
	s.took += time.Since(began)
	if changed := d.Unchanged(); changed != nil {
		return changed
	}
	if err != nil {
		return err
	}
	return s.verify(pool, there, file, d.Size)
}

// resumeTime is how long the comparison may take before an upload is resumed.
const resumeTime = 5 * time.Minute

var errSlowResume = errors.New("the server sends back what it has too slowly for a resumed upload")

// overlap is how many of the acknowledged bytes are compared before any are appended.
const overlap = 1 << 20

// LongerError says that the platform's file cannot be a part of the dump.
type LongerError struct{ There, Dump int64 }

func (e *LongerError) Error() string {
	return fmt.Sprintf(
		"the platform's file has %d bytes, the dump only %d: something else was uploaded to this request, and nothing was sent",
		e.There,
		e.Dump,
	)
}

// Advice implements advice.Adviser.
func (e *LongerError) Advice() string {
	return "Create a new request for this dump: run without {handle} and {request-id}."
}

// restart empties the platform's file, if there is anything in it: that would be
// behind what is sent, and be taken for it after a cut.
func (s *overSFTP) restart(pool *sftp.Pool, there *shared) error {
	if there.size > 0 {
		err := pool.Empty(there.name)
		if status, ok := errors.AsType[*sftp.StatusError](err); ok {
			return fmt.Errorf(
				"the platform's file is not the beginning of the dump, and the server does not allow emptying it: create a new request: %w",
				status,
			)
		}
		if err != nil {
			return err
		}
	}
	s.distrust, s.kept = false, 0
	return nil
}

func (s *overSFTP) runsAhead() int64 {
	if s.ahead != 0 {
		return s.ahead
	}
	return sftp.Ahead
}

// resume finds the byte to resume at: the first that is not acknowledged or, where
// the server allows reading what is beyond, the first that differs.
func (s *overSFTP) resume(pool *sftp.Pool, there *shared, file io.ReaderAt, size int64) (int64, error) {
	switch {
	case there.size > size:
		return 0, &LongerError{there.size, size}
	case there.blind: // what another try has stored is replaced
		return 0, nil
	case s.distrust || there.size == 0:
		return 0, nil
	}
	durable, ours := s.kept, true
	if durable == 0 || durable > there.size { // another process wrote it, or another server has it
		durable, ours = max(0, there.size-s.runsAhead()), s.SameDump && s.kept == 0
	}
	// A server that is too slow for that gets all of it again.
	late := time.AfterFunc(resumeTime, func() { pool.End(errSlowResume) })
	same, err := compareThere(pool, there, file, max(0, durable-overlap))
	late.Stop()
	if errors.Is(err, errSlowResume) {
		s.distrust = true
		return 0, retry.Doubtful(err)
	}
	if isUnreadable(err) {
		if !ours {
			durable = 0
		}
		return durable, nil
	}
	if err == nil && same < durable {
		s.Tell(event.StartedOver{Step: event.Upload})
		return 0, nil
	}
	return same, err
}

// compareThere returns where the platform's file first differs from the dump from a byte
// on.
func compareThere(pool *sftp.Pool, there *shared, file io.ReaderAt, from int64) (int64, error) {
	reader, err := there.reading(pool)
	if err != nil {
		return 0, err
	}
	defer func() { _ = reader.Close() }() // it has only been read
	var first [1]byte
	if err := reader.ReadAt(first[:], 0); err != nil { // in a transfer, a refusal would end the sessions
		return 0, err
	}
	return compare(reader, file, from, there.size, nil)
}

// shared is the platform's file, open to write.
type shared struct {
	*sftp.File
	name string
	size int64
	// blind is a file of a server that stores it once it is closed, like one in front of an
	// object store: before that its size is not known, and it is written in order.
	blind bool
}

// openShared opens the platform's file. It exists already: "you will not be able to
// create new files". It is created only if a server has not done so.
func (s *overSFTP) openShared(pool *sftp.Pool, name string) (*shared, error) {
	file, info, err := pool.Open(name, os.O_RDWR)
	if sftp.HasCode(err, sftp.CodePermissionDenied) { // to read it
		file, info, err = pool.Open(name, os.O_WRONLY)
	}
	if sftp.HasCode(err, sftp.CodeUnsupported) { // both at once
		return s.openBlind(pool, name)
	}
	if sftp.HasCode(err, sftp.CodeNoSuchFile) {
		absent := err
		file, info, err = pool.Open(name, os.O_RDWR|os.O_CREATE)
		if sftp.HasCode(err, sftp.CodeUnsupported) {
			return s.openBlind(pool, name)
		}
		if err != nil {
			err = fmt.Errorf("%w; creating it: %w", absent, err)
		}
	}
	if err != nil {
		return nil, err
	}
	return &shared{File: file, name: name, size: info.Size}, nil
}

// openBlind opens the platform's file to write all of it.
func (s *overSFTP) openBlind(pool *sftp.Pool, name string) (*shared, error) {
	file, err := pool.OpenBlind(name, os.O_WRONLY|os.O_TRUNC, s.alone)
	if sftp.HasCode(err, sftp.CodeNoSuchFile) {
		file, err = pool.OpenBlind(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, s.alone)
	}
	if err != nil {
		return nil, err
	}
	return &shared{File: file, name: name, blind: true}, nil
}

// reading opens the file to read it, and only to read it: rclone's server takes a READ on
// a handle that can write for a write. It must not be open while something is written:
// when rclone opens it to read, it truncates it to the size that it had a moment ago.
func (s *shared) reading(pool *sftp.Pool) (*sftp.File, error) {
	file, _, err := pool.Open(s.name, os.O_RDONLY)
	return file, err
}

// isUnreadable reports whether the server does not allow reading the file: after any other
// error, nothing would be known of it.
func isUnreadable(err error) bool {
	return sftp.HasCode(err, sftp.CodePermissionDenied) || sftp.HasCode(err, sftp.CodeUnsupported)
}
