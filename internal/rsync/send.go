package rsync

import (
	"errors"
	"fmt"
	"hash"
	"io"
)

// maxCompared is the largest block that a partial file is compared by: a peer with
// larger ones gets everything.
const maxCompared = 4 << 20

// sender sends the files of a sorted list to a peer that asks for them.
type sender struct {
	*conn
	files    []File
	progress func(int64) // bytes that the peer has, of all files; may be nil
	compared func(int64) // bytes of a file whose sums arrived; may be nil
	total    int64
	sent     map[int32]bool // indexes
	free     chan []byte    // see newBuffers
}

// run answers requests until all phases are over.
func (s *sender) run() error {
	s.sent = map[int32]bool{}
	if err := s.out.Flush(); err != nil {
		return err
	}
	for phase := 0; phase < s.phases(); {
		it, err := s.item()
		if err != nil {
			return err
		}
		if it.index == done {
			phase++
			if err := s.endPhase(); err != nil {
				return err
			}
			continue
		}
		if it.index < 0 || int(it.index) >= len(s.files) {
			return violation("a request for file %d of %d", it.index, len(s.files))
		}
		if err := s.answer(it, s.files[it.index]); err != nil {
			return err
		}
	}
	return nil
}

// answer sends what is asked for.
func (s *sender) answer(it item, f File) error {
	if it.flags&itemTransfer == 0 {
		s.putItem(it) // a report is echoed
		return nil
	}
	if f.Open == nil {
		return violation("a request for %s, which is a folder", f.Name)
	}
	return s.sendFile(it, f)
}

// sendFile sends what the peer does not have of a file: references to the blocks of its
// prefix, then data.
func (s *sender) sendFile(it item, f File) (err error) {
	head, err := s.recvHead()
	if err != nil {
		return err
	}
	file, err := f.Open()
	if err != nil {
		return fmt.Errorf("opening %s: %w", f.Name, err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	digest := s.sums.file()
	matched, rest, err := s.prefix(head, file, f.Size, digest)
	if err != nil {
		return err
	}
	if s.sent[it.index] { // it arrived damaged
		s.report(-f.Size)
	}
	s.sent[it.index] = true
	s.putItem(it)
	s.putHead(head)
	size := int64(0)
	for i := range matched {
		s.putInt(int32(-(i + 1)))
		size += int64(head.size(i))
	}
	s.report(size)
	n, err := s.sendData(rest, file, digest)
	if err != nil {
		return fmt.Errorf("sending %s: %w", f.Name, err)
	}
	if size += n; size != f.Size {
		return fmt.Errorf("sending %s: %d bytes were read of %d: it changed", f.Name, size, f.Size)
	}
	s.putInt(0)
	_, _ = s.out.Write(digest.Sum(nil))
	return s.out.Flush()
}

// maxSurplus is how much longer a peer's file may be than twice the one that is sent, in bytes:
// its sums are read one by one.
const maxSurplus = 1 << 30

// prefix reads the peer's sums and as much of the file as they match. It returns how many
// blocks that is, and what was read after them.
func (s *sender) prefix(head sumHead, file io.Reader, size int64, digest hash.Hash) (matched int, rest []byte, err error) {
	comparing := head.count > 0 && head.length <= maxCompared && head.sumLength > 0
	if head.count > 1 && int64(head.count-1)*int64(head.length) > maxSurplus+2*size {
		return 0, nil, violation("%d blocks of %d bytes of a file that has %d", head.count, head.length, size)
	}
	var block []byte
	if comparing {
		block = make([]byte, head.length)
	}
	for i := range head.count {
		weak, err := s.int()
		if err != nil {
			return 0, nil, err
		}
		var strong [maxSum]byte
		if _, err := io.ReadFull(s.in, strong[:head.sumLength]); err != nil {
			return 0, nil, unexpected(err)
		}
		if s.compared != nil {
			s.compared(int64(head.size(i)))
		}
		if !comparing {
			continue
		}
		n, err := io.ReadFull(file, block[:head.size(i)])
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return 0, nil, err
		}
		_, _ = digest.Write(block[:n])
		own, known := s.sums.block(block[:n]), min(head.sumLength, s.sums.size)
		if n < head.size(i) || weakSum(block[:n]) != uint32(weak) || string(own[:known]) != string(strong[:known]) {
			comparing, rest = false, block[:n]
			continue
		}
		matched++
	}
	return matched, rest, nil
}

// sendData sends first, of which the digest is taken already, and the rest of the file.
func (s *sender) sendData(first []byte, file io.Reader, digest hash.Hash) (n int64, err error) {
	if err := s.literal(first); err != nil {
		return 0, err
	}
	n = int64(len(first))
	s.report(n)
	if s.free == nil {
		s.free = newBuffers()
	}
	blocks := readAhead(file, digest, s.free)
	defer blocks.stop()
	for b := range blocks.full {
		if err := s.literal(b.data); err != nil {
			return n, err
		}
		n += int64(len(b.data))
		s.report(int64(len(b.data)))
		if b.err != nil && b.err != io.EOF {
			return n, b.err
		}
		blocks.free <- b.data
	}
	return n, nil
}

func (s *sender) report(n int64) {
	s.total += n
	if s.progress != nil {
		s.progress(s.total)
	}
}

// literal sends data as tokens.
func (s *sender) literal(b []byte) error {
	for len(b) > 0 {
		n := min(len(b), chunk)
		s.putInt(int32(n))
		if _, err := s.out.Write(b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// ahead reads a file and takes its digest while the caller writes.
type ahead struct {
	full chan piece
	free chan []byte
	quit chan struct{}
	over chan struct{}
}

type piece struct {
	data []byte
	err  error // io.EOF at the end
}

// aheadBlocks is how many blocks are read ahead.
const aheadBlocks = 4

// newBuffers returns the buffers of all files, which travel one after the other. To
// allocate them for each would take longer than a small file does.
func newBuffers() chan []byte {
	free := make(chan []byte, aheadBlocks)
	for range aheadBlocks {
		free <- make([]byte, 0, bufferSize)
	}
	return free
}

func readAhead(file io.Reader, digest hash.Hash, free chan []byte) *ahead {
	a := &ahead{full: make(chan piece, aheadBlocks), free: free, quit: make(chan struct{}), over: make(chan struct{})}
	go func() {
		defer close(a.over)
		defer close(a.full)
		for {
			var b []byte
			select {
			case b = <-a.free:
			case <-a.quit:
				return
			}
			n, err := io.ReadFull(file, b[:cap(b)])
			if err == io.ErrUnexpectedEOF {
				err = io.EOF
			}
			_, _ = digest.Write(b[:n])
			select {
			case a.full <- piece{b[:n], err}:
			case <-a.quit:
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return a
}

// stop ends the reading and waits for its end, after which the digest and the file can be
// used again.
func (a *ahead) stop() {
	close(a.quit)
	<-a.over
}
