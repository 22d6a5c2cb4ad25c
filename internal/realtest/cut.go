package realtest

import (
	"net"
	"sync"
	"testing"
)

// Cutter is a TCP proxy on loopback that breaks all its connections each time
// that a number of bytes has gone through.
type Cutter struct {
	Address string

	mu    sync.Mutex
	cuts  []int64 // bytes until each
	conns map[net.Conn]bool
	up    int64 // bytes so far
	down  int64
	since int64 // bytes since the last cut
	done  int
}

// StartCutter starts a proxy to target that ends with the test.
func StartCutter(t testing.TB, target string) *Cutter {
	t.Helper()
	c := &Cutter{conns: map[net.Conn]bool{}}
	c.Address = accept(t, func(near net.Conn) { c.join(near, target) })
	return c
}

// Reset makes the next cuts come after that many bytes each, and forgets the
// counts.
func (c *Cutter) Reset(cuts []int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cuts, c.up, c.down, c.since, c.done = cuts, 0, 0, 0, 0
}

// Counts returns the bytes that went up and down, and how often it cut.
func (c *Cutter) Counts() (up, down int64, cuts int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.up, c.down, c.done
}

func (c *Cutter) join(near net.Conn, target string) {
	far, err := net.Dial("tcp", target)
	if err != nil {
		_ = near.Close()
		return
	}
	c.mu.Lock()
	c.conns[near], c.conns[far] = true, true
	c.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { c.pump(far, near, &c.up) })
	both.Go(func() { c.pump(near, far, &c.down) })
	both.Wait()
	c.mu.Lock()
	delete(c.conns, near)
	delete(c.conns, far)
	c.mu.Unlock()
}

func (c *Cutter) pump(to, from net.Conn, count *int64) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		passed, cut := c.allow(n, count)
		if _, broken := to.Write(buffer[:passed]); broken != nil || cut || err != nil {
			break
		}
	}
	_ = to.Close()
	_ = from.Close()
}

// allow returns how many of n bytes go through before a cut.
func (c *Cutter) allow(n int, count *int64) (int, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cut := len(c.cuts) > 0 && c.since+int64(n) >= c.cuts[0]
	if cut {
		n = int(c.cuts[0] - c.since)
		c.cuts, c.since = c.cuts[1:], 0
		c.done++
		for conn := range c.conns {
			_ = conn.Close()
		}
	} else {
		c.since += int64(n)
	}
	*count += int64(n)
	return n, cut
}
