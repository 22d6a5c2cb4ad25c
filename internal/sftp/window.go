package sftp

import (
	"sync"
	"sync/atomic"
)

// piece is a part of the file that one packet moves.
type piece struct {
	offset int64
	length int
	buffer []byte // of a download
}

func (p piece) end() int64 { return p.offset + int64(p.length) }

// window hands out a file in pieces, in order, but never further than span beyond the
// lowest byte that is not done: everything before the file's end minus span is done,
// whichever piece a cut hit.
type window struct {
	mu      sync.Mutex
	changed *sync.Cond
	low     int64 // all before it is done
	next    int64 // all before it was handed out
	end     int64
	span    int64
	again   []piece // that are to be handed out once more, first
	out     int     // pieces handed out and not done
	lanes   int     // that take pieces
	inFlight
	done    map[int64]int    // length of what is done, at its offset at or above low
	data    map[int64][]byte // what arrived, of a download
	err     error
	reached *atomic.Int64 // low, to be read at any time
}

// inFlight limits the bytes that a lane has in flight: most if it is alone, fewer if
// there are many, so that all of them together stay near all, but never fewer than
// least.
type inFlight struct{ least, most, all int }

// lane is one session's share in a transfer.
type lane struct {
	packet int   // bytes at a time, at most
	out    int   // bytes in flight
	err    error // why the lane gave up
}

func newWindow(from, end, span int64, bounds inFlight) *window {
	w := &window{
		inFlight: bounds,
		low:      from,
		next:     from,
		end:      end,
		span:     span,
		done:     map[int64]int{},
		data:     map[int64][]byte{},
		reached:  new(atomic.Int64),
	}
	w.changed = sync.NewCond(&w.mu)
	return w
}

// join adds a lane for packets of that many bytes, until it leaves.
func (w *window) join(packet int) *lane {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lanes++
	return &lane{packet: packet}
}

func (w *window) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lanes--
	w.changed.Broadcast()
}

// take hands out the next piece, a packet at most, as soon as the span and what the
// lane has in flight allow. ok is false when there will be no more.
func (w *window) take(l *lane) (p piece, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		most := min(w.most, max(w.least, w.all/max(1, w.lanes)))
		full := l.out > 0 && l.out+l.packet > most
		switch {
		case w.err != nil || l.err != nil || w.next == w.end && w.out == 0 && len(w.again) == 0:
			return piece{}, false
		case full:
		case len(w.again) > 0:
			p, w.again = w.again[0], w.again[1:]
			if rest := p.length - l.packet; rest > 0 { // of a lane with larger packets
				p.length, p.buffer = l.packet, nil
				w.again = append(w.again, piece{offset: p.end(), length: rest})
			}
			return w.hand(l, p), true
		case w.next < w.end && w.next+int64(l.packet) <= w.low+w.span:
			p = piece{offset: w.next, length: int(min(int64(l.packet), w.end-w.next))}
			w.next = p.end()
			return w.hand(l, p), true
		}
		w.changed.Wait()
	}
}

func (w *window) hand(l *lane, p piece) piece {
	w.out++
	l.out += p.length
	return p
}

// sent records that a piece of an upload is done.
func (w *window) sent(l *lane, p piece) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.out--
	l.out -= p.length
	w.done[p.offset] = p.length
	for n, ok := w.done[w.low]; ok; n, ok = w.done[w.low] {
		delete(w.done, w.low)
		w.low += int64(n)
	}
	w.reached.Store(w.low)
	w.changed.Broadcast()
}

// came records that a piece of a download arrived.
func (w *window) came(l *lane, p piece) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.out--
	l.out -= p.length
	w.data[p.offset] = p.buffer[:p.length]
	w.changed.Broadcast()
}

// giveUp ends a lane, and hands its piece to another one.
func (w *window) giveUp(l *lane, p piece, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.out--
	l.out -= p.length
	l.err = err
	w.again = append(w.again, p)
	w.changed.Broadcast()
}

// gaveUp returns why a lane gave up.
func (w *window) gaveUp(l *lane) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return l.err
}

// inOrder waits for the next data of a download and returns it; nil at the end.
func (w *window) inOrder() (data []byte, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		data, ok := w.data[w.low]
		switch {
		case ok:
			delete(w.data, w.low)
			return data, nil
		case w.err != nil:
			return nil, w.err
		case w.low == w.end:
			return nil, nil
		}
		w.changed.Wait()
	}
}

// passed records that n bytes of a download were delivered.
func (w *window) passed(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.low += int64(n)
	w.changed.Broadcast()
}

// fail ends the transfer.
func (w *window) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
	}
	w.changed.Broadcast()
}

func (w *window) failed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}
