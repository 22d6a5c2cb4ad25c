package v1

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/event"
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
	there, err := openShared(pool, name)
	if err != nil {
		return s.kept, transferError(ctx, err)
	}
	from, err := s.start(pool, there, file, d)
	if err == nil {
		err = s.put(there, file, from, d, sent)
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
	from, err = s.resume(there, file, d.Size)
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
func (s *overSFTP) put(there *shared, file io.ReaderAt, from int64, d dump.Info, sent func(int64)) error {
	var acknowledged atomic.Int64
	ended := make(chan error, 1)
	go func() { ended <- there.Put(file, from, d.Size, s.runsAhead(), &acknowledged) }()
	err := follow(ended, func() { sent(acknowledged.Load()) })
	s.kept = acknowledged.Load()
	if changed := d.Unchanged(); changed != nil {
		return changed
	}
	if err != nil {
		return err
	}
	return s.verify(there, file, d.Size)
}

// overlap is how many of the acknowledged bytes are compared before any are appended.
const overlap = 1 << 20

// LongerError says that the platform's file cannot be a part of the dump.
type LongerError struct{ There, Dump int64 }

func (e *LongerError) Error() string {
	return fmt.Sprintf("the platform's file has %d bytes, the dump only %d: something else was uploaded to this request, and nothing was sent", e.There, e.Dump)
}

// Advice says what to do.
func (e *LongerError) Advice() string {
	return "Create a new request for this dump: run without handle and request-id."
}

// restart empties the platform's file, if there is anything in it: that would be
// behind what is sent, and be taken for it after a cut.
func (s *overSFTP) restart(pool *sftp.Pool, there *shared) error {
	if there.size > 0 {
		err := pool.Empty(there.name)
		if status, ok := errors.AsType[*sftp.StatusError](err); ok {
			return fmt.Errorf("the platform's file is not the beginning of the dump, and the server does not allow emptying it: create a new request: %w", status)
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
func (s *overSFTP) resume(there *shared, file io.ReaderAt, size int64) (int64, error) {
	switch {
	case there.size > size:
		return 0, &LongerError{there.size, size}
	case s.distrust || there.size == 0:
		return 0, nil
	}
	durable, ours := s.kept, true
	if durable == 0 || durable > there.size { // another process wrote it, or another server has it
		durable, ours = max(0, there.size-s.runsAhead()), s.SameDump && s.kept == 0
	}
	if !there.readable() {
		if !ours {
			durable = 0
		}
		return durable, nil
	}
	same, err := compare(there.reader(), file, max(0, durable-overlap), there.size)
	if err == nil && same < durable {
		s.Tell(event.StartedOver{Step: event.Upload})
		return 0, nil
	}
	return same, err
}

// shared is the platform's file, open.
type shared struct {
	*sftp.File
	name   string
	size   int64
	reader func() *sftp.File // to read back what is there, nil if the server allows none; waits for the server once
}

// readable reports whether what is there can be read back.
func (s *shared) readable() bool { return s.reader() != nil }

// openShared opens the platform's file. It exists already: "you will not be able to
// create new files". It is created only if a server has not done so.
func openShared(pool *sftp.Pool, name string) (*shared, error) {
	file, info, err := pool.Open(name, sftp.Read|sftp.Write)
	readable := !sftp.HasCode(err, sftp.CodePermissionDenied)
	if !readable {
		file, info, err = pool.Open(name, sftp.Write)
	}
	if sftp.HasCode(err, sftp.CodeNoSuchFile) {
		file, info, err = pool.Open(name, sftp.Read|sftp.Write|sftp.Create)
	}
	if err != nil {
		return nil, err
	}
	there := &shared{file, name, info.Size, func() *sftp.File { return nil }}
	if readable {
		there.reader = tryReading(pool, name)
	}
	return there, nil
}

// tryReading opens a file to read it, and only to read it: rclone's server takes a READ on
// a handle that can write for a write. It returns a function that returns the file, nil if
// the server does not allow reading it. The request goes out at once, and the response is
// not waited for before it is needed: with high latency that saves a round trip.
func tryReading(pool *sftp.Pool, name string) func() *sftp.File {
	opened := make(chan *sftp.File, 1)
	go func() {
		file, _, err := pool.Open(name, sftp.Read)
		if err != nil {
			opened <- nil
			return
		}
		var first [1]byte
		status, refused := errors.AsType[*sftp.StatusError](file.ReadAt(first[:], 0))
		if refused && status.Code != sftp.CodeEOF { // which an empty one says
			_ = file.Close()
			file = nil
		}
		opened <- file
	}()
	return sync.OnceValue(func() *sftp.File { return <-opened })
}
