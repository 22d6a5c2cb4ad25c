package sftp

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"github.com/pkg/sftp"
)

// What is in flight fills SSH's window of 2 MiB on each channel, and a little more for
// what is being acknowledged. A download must keep what arrives out of order, so many
// channels share what may be kept. With low latency less is enough, and a cut costs
// less.
const full = 2<<20 + 512<<10

var (
	up           = inFlight{least: full, most: full, all: full}
	lowLatencyUp = inFlight{least: 1 << 20, most: full, all: 2 << 20}
	down         = inFlight{least: 1<<20 + 512<<10, most: full, all: mostKept - 4<<20}
)

// Ahead is how far an upload runs ahead of its lowest unacknowledged byte at most: of a
// file that an upload left, everything before its size minus Ahead is durable. Every
// version of this program keeps to it. It is more than all channels have in flight, so
// that none waits for the slowest.
const Ahead = 96 << 20

// mostKept limits keep, and with it the memory that is needed.
const mostKept = 36 << 20

// keep is how much of a download is kept in memory until what comes before it has
// arrived, and what a cut may cost: enough for what that many sessions have in flight,
// and as much again.
func keep(sessions int) int64 { return min(mostKept, int64(sessions)*2*full) }

// Put writes the bytes of source between from and size, at most ahead bytes beyond the
// lowest one that is not acknowledged. Everything below reached is acknowledged, even
// after an error.
func (f *File) Put(source io.ReaderAt, from, size, ahead int64, reached *atomic.Int64) error {
	bounds := up
	if f.pool.lowLatency || cap(f.pool.more) == 1 {
		bounds = lowLatencyUp
	}
	if f.strict {
		bounds = inFlight{least: 1, most: 1, all: 1}
	}
	reached.Store(from)
	spread := f.pool.alone
	if from < size && cap(f.pool.more) > 1 && !f.blind {
		shared, err := f.shared(source, from)
		if err != nil {
			return f.pool.failed("writing", f.name, err)
		}
		if shared {
			spread = f.pool.spread
			from++
			reached.Store(from)
		}
	}
	w := newWindow(from, size, ahead, bounds)
	w.reached = reached
	return spread(func(s *session) error {
		_, most := s.wire.sizes() // in a packet
		buffer, last := make([]byte, most), make([]byte, most)
		if !f.pool.lowLatency { // many sessions: what is read ahead would take memory and no time
			last = buffer
		}
		return f.run(w, s, "writing", f.flags, most, func(file *sftp.File, l *lane, part piece, done func(error)) {
			if buffer, last = last, buffer; !f.pool.lowLatency {
				s.wire.settle() // the last part was in it
			}
			b := buffer[:part.length]
			if err := fillFrom(source, b, part.offset); err != nil {
				done(err)
				return
			}
			s.writeAt(file, part.offset, b, func(err error) {
				if err == nil {
					w.sent(l, part)
				}
				done(err)
			})
		})
	})
}

// shared reports whether further sessions may write the file. It writes the byte at from,
// opens the file once more, closes that, and checks whether the byte is still there:
// rclone's server truncates whatever is opened to write, at once or when it is closed, so
// each further session would lose what was written before. Then the file is empty, and
// open again. This takes three round trips.
func (f *File) shared(source io.ReaderAt, from int64) (bool, error) {
	var b [1]byte
	if err := fillFrom(source, b[:], from); err != nil {
		return false, err
	}
	s, written := f.pool.first, make(chan error, 1)
	s.writeAt(f.first, from, b[:], func(err error) { written <- err })
	if err := <-written; err != nil { // a server may open before it writes, so this waits
		return false, err
	}
	again, err := s.open(f.name, f.flags)
	if err != nil {
		return false, nil
	}
	closed := s.closing(again)
	info, err := f.Stat()
	if err := errors.Join(closed(), err); err != nil {
		return false, err
	}
	switch {
	case info.Size > from:
		return true, nil
	case from > 0:
		return false, fmt.Errorf("the server has %d bytes of %d after the file was opened once more", info.Size, from+1)
	}
	if err := s.closing(f.first)(); err != nil {
		return false, err
	}
	f.first, err = s.open(f.name, f.flags)
	return false, err
}

// Get reads the bytes between from and size, and passes them to sink in order.
func (f *File) Get(from, size int64, sink func([]byte) error) error {
	w := newWindow(from, size, keep(cap(f.pool.more)), down)
	var free stack
	ended := make(chan error, 1)
	go func() {
		err := f.pool.spread(func(s *session) error {
			most, _ := s.wire.sizes()
			return f.run(w, s, "reading", os.O_RDONLY, most, func(file *sftp.File, l *lane, part piece, done func(error)) {
				if part.buffer == nil {
					part.buffer = free.borrow(l.packet)
				}
				s.readAt(file, part.offset, part.buffer[:part.length], func(n int, err error) {
					if HasCode(err, CodeEOF) {
						err = fmt.Errorf(
							"the file on the server ends at %d of %d bytes: %w",
							part.offset+int64(n),
							size,
							io.ErrUnexpectedEOF,
						)
					}
					if err == nil {
						w.came(l, part)
					}
					done(err)
				})
			})
		})
		if err != nil {
			w.fail(err)
		}
		ended <- err
	}()
	err := deliver(w, &free, sink)
	if err != nil {
		w.fail(err)
		f.pool.cancel(err)
	}
	if failure := <-ended; failure != nil {
		return failure // has the cause
	}
	return err
}

// deliver passes a download to sink in order.
func deliver(w *window, free *stack, sink func([]byte) error) error {
	for {
		data, err := w.inOrder()
		if err != nil || data == nil {
			return err
		}
		if err := sink(data); err != nil {
			return err
		}
		w.passed(len(data))
		free.back(data[:cap(data)])
	}
}

// stack holds free buffers; the one used last, which is still in a processor's cache,
// goes first.
type stack struct {
	mu   sync.Mutex
	list [][]byte
}

func (s *stack) borrow(size int) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last := len(s.list) - 1; last >= 0 && len(s.list[last]) >= size {
		b := s.list[last]
		s.list = s.list[:last]
		return b
	}
	return make([]byte, size)
}

func (s *stack) back(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, b)
}

// run moves pieces, a packet each, on one session until there are none. A further session
// that cannot open the file, or fails later, gives its pieces back: the first does their work.
func (f *File) run(
	w *window,
	s *session,
	doing string,
	flags, packet int,
	move func(file *sftp.File, l *lane, part piece, done func(error)),
) error {
	first, file := s == f.pool.first, f.first
	if !first {
		var err error
		if file, err = s.open(f.name, flags); err != nil {
			return err
		}
	}
	l := w.join(packet)
	defer w.leave()
	for {
		part, ok := w.take(l)
		if !ok {
			break
		}
		move(file, l, part, func(err error) {
			if err == nil {
				return
			}
			_, own := errors.AsType[*SourceError](err)
			err = fmt.Errorf("%s %s at byte %d: %w", doing, f.name, part.offset, err)
			if first || own || errors.Is(err, errTrickle) {
				w.fail(err)
			} else {
				w.giveUp(l, part, err)
			}
		})
	}
	if first {
		return w.failed()
	}
	closed, err := s.closing(file), w.gaveUp(l)
	if _, refused := errors.AsType[*StatusError](err); err == nil || refused { // it still can say what it stored
		f.leave(closed)
	}
	return err
}
