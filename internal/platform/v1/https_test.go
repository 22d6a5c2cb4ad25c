package v1

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/stall"
	"odoo-upgrade-action/internal/upgrade"
)

type post func(ctx context.Context, open func() (io.ReadCloser, error)) error

func (p post) upload(ctx context.Context, _ upgrade.Ticket, open func() (io.ReadCloser, error), size int64) error {
	return p(ctx, open)
}

func dumpOf(t testing.TB, data []byte) dump.Info {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db.dump")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := dump.Inspect(t.Context(), path, dump.Options{Digest: true})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestUploadSendsTheFileAndTellsHowFar(t *testing.T) {
	d := dumpOf(t, content(100_000))
	var sent []byte
	last := int64(0)
	_, err := (&overHTTPS{api: post(func(_ context.Context, open func() (io.ReadCloser, error)) error {
		body, err := open()
		if err != nil {
			return err
		}
		defer body.Close()
		sent, err = io.ReadAll(body)
		return err
	})}).upload(t.Context(), upgrade.Ticket{}, d, func(n int64) { last = n })
	if err != nil || sum(sent) != d.SHA256 || last != d.Size {
		t.Errorf("%d bytes sent, %d told, %v", len(sent), last, err)
	}
}

func TestUploadOfAChangedDump(t *testing.T) {
	d := dumpOf(t, content(1000))
	change := func() { _ = os.WriteFile(d.Path, content(2000), 0o600) }
	_, err := (&overHTTPS{api: post(func(context.Context, func() (io.ReadCloser, error)) error { change(); return nil })}).
		upload(t.Context(), upgrade.Ticket{}, d, func(int64) {})
	if _, ok := errors.AsType[*dump.UnusableError](err); !ok {
		t.Errorf("changed while it was sent: %v", err)
	}
	_, err = (&overHTTPS{api: post(func(_ context.Context, open func() (io.ReadCloser, error)) error { _, err := open(); return err })}).
		upload(t.Context(), upgrade.Ticket{}, d, func(int64) {})
	if _, ok := errors.AsType[*dump.UnusableError](err); !ok {
		t.Errorf("changed before it was sent: %v", err)
	}
}

// TestUploadAnsweredEarly has net/http read on after the answer, as it may.
func TestUploadAnsweredEarly(t *testing.T) {
	d := dumpOf(t, content(100_000))
	read := make(chan struct{})
	told := 0 // without a lock: the race detector watches
	_, err := (&overHTTPS{api: post(func(_ context.Context, open func() (io.ReadCloser, error)) error {
		body, err := open()
		go func() {
			defer close(read)
			defer body.Close()
			_, _ = io.Copy(io.Discard, body)
		}()
		return err
	})}).upload(t.Context(), upgrade.Ticket{}, d, func(int64) { told++ })
	if err != nil && !retry.IsTransient(err) || told == 0 {
		t.Errorf("%v, told %d times", err, told)
	}
	told++
	<-read
}

// TestEarlySuccess is a server that accepts a dump that it has not read: what it has then
// is not the dump.
func TestEarlySuccess(t *testing.T) {
	d := dumpOf(t, content(1_000_000))
	for _, n := range []int64{0, 100_000, 999_999, 1_000_000} {
		_, err := (&overHTTPS{api: post(func(_ context.Context, open func() (io.ReadCloser, error)) error {
			body, err := open()
			if err != nil {
				return err
			}
			defer body.Close()
			_, err = io.CopyN(io.Discard, body, n)
			return err
		})}).upload(t.Context(), upgrade.Ticket{}, d, func(int64) {})
		if (err == nil) != (n == d.Size) || err != nil && !retry.IsTransient(err) {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
}

func TestUploadToASilentPeer(t *testing.T) {
	d := dumpOf(t, content(1000))
	for _, c := range []struct {
		read int64
		want time.Duration
	}{{10, stall.Body}, {1000, stall.Response}} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			_, err := (&overHTTPS{api: post(func(ctx context.Context, open func() (io.ReadCloser, error)) error {
				body, _ := open()
				defer body.Close()
				_, _ = io.CopyN(io.Discard, body, c.read)
				<-ctx.Done()
				return context.Cause(ctx)
			})}).upload(t.Context(), upgrade.Ticket{}, d, func(int64) {})
			if !retry.IsTransient(err) || time.Since(start) != c.want {
				t.Errorf("after %d bytes: %v after %v, want %v", c.read, err, time.Since(start), c.want)
			}
		})
	}
}
