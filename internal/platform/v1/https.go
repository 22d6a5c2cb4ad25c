package v1

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/httpcall"
	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/stall"
	"odoo-upgrade-action/internal/upgrade"
	"odoo-upgrade-action/internal/workspace"
)

// poster is the API's upload method: one exchange, from byte 0.
type poster interface {
	upload(ctx context.Context, t upgrade.Ticket, open func() (io.ReadCloser, error), size int64) error
}

// overHTTPS transfers files over HTTPS.
type overHTTPS struct {
	api       poster
	downloads *downloader
	folder    *workspace.Folder
}

func newHTTPS(api *client, transport http.RoundTripper, folder *workspace.Folder) *overHTTPS {
	return &overHTTPS{api: api, downloads: newDownloader(api.base, transport), folder: folder}
}

// upload sends the dump once, all of it. Nothing is kept of a broken upload. It
// returns a *dump.UnusableError if the file changed meanwhile: what the platform has
// then must not be processed.
func (h *overHTTPS) upload(ctx context.Context, t upgrade.Ticket, d dump.Info, tell func(int64)) (kept int64, err error) {
	ctx, watch, stop := stall.Context(ctx, stall.Body)
	defer stop()
	var sent atomic.Int64
	open := func() (io.ReadCloser, error) {
		file, err := d.Open()
		if err != nil {
			return nil, err
		}
		return &meter{file: file, size: d.Size, watch: watch, sent: &sent}, nil
	}
	ended := make(chan error, 1)
	go func() { ended <- h.api.upload(ctx, t, open, d.Size) }()
	err = follow(ended, func() { tell(sent.Load()) })
	if changed := d.Unchanged(); changed != nil {
		return 0, changed
	}
	if _, responded := errors.AsType[*httpcall.ResponseError](err); responded {
		err = httpcall.Outage(err)
	}
	if read := sent.Load(); err == nil && read < d.Size { // a proxy, or a platform that did not wait
		err = retry.Transient(fmt.Errorf("the server accepted the dump after %d of its %d bytes", read, d.Size))
	}
	return 0, err
}

// follow calls tell now and then until something has ended. net/http may read a
// body in a goroutine of its own even after an early response, so the reading
// itself must not tell.
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

// meter counts how far a file has been read, which is the transfer's progress.
type meter struct {
	file  *os.File
	read  int64
	size  int64
	watch *stall.Watch
	sent  *atomic.Int64
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.file.Read(p)
	m.read += int64(n)
	if m.read >= m.size {
		m.watch.Allow(stall.Response)
	} else {
		m.watch.Allow(stall.Body)
	}
	m.sent.Store(m.read)
	return n, err
}

func (m *meter) Close() error { return m.file.Close() }
