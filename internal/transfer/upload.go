package transfer

import (
	"context"
	"errors"
	"io"
	"os"
	"sync/atomic"
	"time"

	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/upgrade"
)

// How long a peer may be silent. Once a dump has arrived the platform may look
// through all of it before it answers, and an archive may have to be packed
// before its first byte comes: that takes longer.
const (
	patience       = 2 * time.Minute
	answerPatience = 15 * time.Minute
)

var errSilent = retry.Transient(errors.New("the connection went silent"))

// Poster is the API's upload method: one exchange, from byte 0.
type Poster interface {
	Upload(ctx context.Context, t upgrade.Ticket, open func() (io.ReadCloser, error), size int64) error
}

// HTTPS sends dumps through the upload method.
type HTTPS struct{ API Poster }

// Upload sends the dump once, all of it, and calls progress with the bytes sent
// so far. It returns an *dump.UnusableError if the file changed meanwhile: what
// the platform has then must not be processed.
func (h HTTPS) Upload(ctx context.Context, t upgrade.Ticket, d dump.Info, progress func(int64)) error {
	ctx, dog := watch(ctx, patience, errSilent)
	defer dog.stop()
	var sent atomic.Int64
	open := func() (io.ReadCloser, error) {
		file, err := d.Open()
		if err != nil {
			return nil, err
		}
		return &meter{file: file, size: d.Size, dog: dog, sent: &sent}, nil
	}
	ended := make(chan error, 1)
	go func() { ended <- h.API.Upload(ctx, t, open, d.Size) }()
	err := follow(ended, func() { progress(sent.Load()) })
	if changed := d.Unchanged(); changed != nil {
		return changed
	}
	return err
}

// follow calls tell now and then until something has ended. net/http may read a
// body in a goroutine of its own even after an early answer, so the reading
// itself tells nobody.
func follow(ended <-chan error, tell func()) error {
	ticker := time.NewTicker(250 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case err := <-ended:
			tell()
			return err
		case <-ticker.C:
			tell()
		}
	}
}

// meter counts how far a file has been read, and keeps the watchdog quiet.
type meter struct {
	file *os.File
	read int64
	size int64
	dog  *watchdog
	sent *atomic.Int64
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.file.Read(p)
	m.read += int64(n)
	if m.read >= m.size {
		m.dog.feed(answerPatience)
	} else {
		m.dog.feed(patience)
	}
	m.sent.Store(m.read)
	return n, err
}

func (m *meter) Close() error { return m.file.Close() }
