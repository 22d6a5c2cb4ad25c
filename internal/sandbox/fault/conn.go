package fault

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"odoo-upgrade-action/internal/retry"
)

// CutConn closes itself when a number of bytes has gone through, either way.
type CutConn struct {
	net.Conn
	mu   sync.Mutex
	left int64
}

// NewCutConn returns a connection that closes itself after that many bytes.
func NewCutConn(conn net.Conn, bytes int64) *CutConn { return &CutConn{Conn: conn, left: bytes} }

func (c *CutConn) count(n int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left -= int64(n); c.left <= 0 {
		_ = c.Conn.Close()
		return net.ErrClosed
	}
	return nil
}

func (c *CutConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	return n, errors.Join(err, c.count(n))
}

func (c *CutConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	left := c.left
	c.mu.Unlock()
	n, err := c.Conn.Write(b[:max(0, min(int64(len(b)), left))])
	if broken := c.count(n); broken != nil {
		return n, broken
	}
	return n, err
}

// SlowConn limits the bytes that go through, either way.
type SlowConn struct {
	net.Conn
	Ctx  context.Context // ends it
	Rate int64           // bytes per second
}

func (c *SlowConn) pass(n int) error {
	return retry.Sleep(c.Ctx, time.Duration(float64(n)/float64(max(1, c.Rate))*float64(time.Second)))
}

func (c *SlowConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	return n, errors.Join(err, c.pass(n))
}

func (c *SlowConn) Write(b []byte) (int, error) {
	if err := c.pass(len(b)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}
