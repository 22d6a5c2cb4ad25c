package sftp

import (
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestWindow hands a file out to lanes that are done in any order, and holds on to
// what resuming depends on: all of it is handed out once, and nothing further than
// span beyond what is done. One of the lanes gives up.
func TestWindow(t *testing.T) {
	const size, span, packet = 10_000_019, 900_000, 40_000
	for name, download := range map[string]bool{"up": false, "down": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWindow(0, size, span, inFlight{least: packet, most: 10 * packet, all: 70 * packet})
				var lanes sync.WaitGroup
				var handed, furthest int64 // under w.mu
				for number := range 8 {
					lanes.Go(func() {
						size := packet
						if number == 0 { // the lane that gives up
							size = 3 * packet
						}
						l := w.join(size)
						defer w.leave()
						for p, ok := w.take(l); ok; p, ok = w.take(l) {
							if number == 0 && p.offset > 3_000_000 {
								w.giveUp(l, p, io.ErrUnexpectedEOF)
								continue
							}
							if p.length > size {
								t.Errorf("%d bytes in a packet of %d", p.length, size)
							}
							w.mu.Lock()
							furthest = max(furthest, p.end()-w.low)
							handed += int64(p.length)
							w.mu.Unlock()
							if download && p.buffer == nil {
								p.buffer = make([]byte, size)
							}
							lanes.Go(func() {
								time.Sleep(time.Duration(rand.Int64N(int64(time.Second))))
								if !download {
									w.sent(l, p)
									return
								}
								w.came(l, p)
							})
						}
					})
				}
				if download {
					var free stack
					if err := deliver(w, &free, func([]byte) error { return nil }); err != nil {
						t.Error(err)
					}
				}
				lanes.Wait()
				if w.low != size || handed != size || furthest > span || furthest < span-3*packet {
					t.Errorf("%d of %d bytes done, %d handed out, up to %d beyond what was done", w.low, size, handed, furthest)
				}
			})
		})
	}
}
