package requests

import (
	"context"
	"errors"
	"sync"
	"time"
)

// ErrNotDraft says that a request takes no upload any more.
var ErrNotDraft = errors.New("the request takes no upload any more")

// gates let uploads be written until their request is submitted: what is inspected then is
// what stays there, whatever connections are still open.
type gates struct {
	mu   sync.Mutex
	byID map[int]*gate
}

// gate is that of a request on which something is being done.
type gate struct {
	opened  chan struct{} // closed is over; nil while it is open
	writers map[*context.CancelCauseFunc]bool
	over    sync.WaitGroup // of the writers
	only    *session       // that writes alone, nil for none
}

// of returns a request's gate, a new one if nothing is being done on it. The caller holds the
// lock.
func (g *gates) of(id int) *gate {
	if g.byID == nil {
		g.byID = map[int]*gate{}
	}
	if g.byID[id] == nil {
		g.byID[id] = &gate{writers: map[*context.CancelCauseFunc]bool{}}
	}
	return g.byID[id]
}

// session is a writer that writes all of an upload.
type session struct {
	cancel context.CancelCauseFunc
	over   chan struct{}
}

// ErrReplaced says that another upload to the same request has begun.
var ErrReplaced = errors.New("another upload to the same request has begun")

// WhileAlone is WhileDraft for a transfer of all of the upload. It ends the one that is
// writing already, for its client may have lost the connection, and waits for that.
func (s *Store) WhileAlone(ctx context.Context, id int, write func(context.Context) error) error {
	return s.WhileDraft(ctx, id, func(ctx context.Context) error {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		own := &session{cancel, make(chan struct{})}
		defer close(own.over)
		for {
			s.gates.mu.Lock()
			g := s.gates.byID[id]
			before := g.only
			if before == nil {
				g.only = own
			}
			s.gates.mu.Unlock()
			if before == nil {
				break
			}
			before.cancel(ErrReplaced)
			select {
			case <-before.over:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			s.leaveAlone(id, before)
		}
		defer s.leaveAlone(id, own)
		return write(ctx)
	})
}

// leaveAlone notes that a session writes no more.
func (s *Store) leaveAlone(id int, own *session) {
	s.gates.mu.Lock()
	defer s.gates.mu.Unlock()
	if g := s.gates.byID[id]; g != nil && g.only == own {
		g.only = nil
	}
}

// WhileDraft calls write, which changes a request's upload. When the request is submitted,
// the context of write ends, and the submission waits for its end. The error is ErrNotDraft
// for a request that is not a draft, or write's.
func (s *Store) WhileDraft(ctx context.Context, id int, write func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	leave, ok := s.enter(id, &cancel)
	if !ok {
		return ErrNotDraft
	}
	defer leave()
	return write(ctx)
}

// enter counts a writer, unless the request is submitted.
func (s *Store) enter(id int, cancel *context.CancelCauseFunc) (leave func(), ok bool) {
	s.gates.mu.Lock()
	defer s.gates.mu.Unlock()
	g := s.gates.byID[id]
	if r, known := s.Get(id); !known || r.State != Draft || g != nil && g.opened != nil {
		return nil, false
	}
	g = s.gates.of(id)
	g.writers[cancel] = true
	g.over.Add(1)
	return func() {
		s.gates.mu.Lock()
		defer s.gates.mu.Unlock()
		delete(g.writers, cancel)
		if len(g.writers) == 0 && g.opened == nil {
			delete(s.gates.byID, id)
		}
		g.over.Done()
	}, true
}

// close ends the writers of a request's upload and keeps new ones out until open is called.
// It waits for a call that has closed it before.
func (s *Store) close(id int) (open func()) {
	s.gates.mu.Lock()
	for {
		g := s.gates.byID[id]
		if g == nil || g.opened == nil {
			break
		}
		s.gates.mu.Unlock()
		<-g.opened
		s.gates.mu.Lock()
	}
	g := s.gates.of(id)
	g.opened = make(chan struct{})
	for cancel := range g.writers {
		(*cancel)(ErrNotDraft)
	}
	s.gates.mu.Unlock()
	g.over.Wait()
	return func() {
		s.gates.mu.Lock()
		defer s.gates.mu.Unlock()
		delete(s.gates.byID, id)
		close(g.opened)
	}
}

// ErrNoUpload says that nothing was uploaded to a request.
var ErrNoUpload = errors.New("nothing was uploaded")

// Submit makes a draft with an upload pending, after it has ended what still writes the
// upload; change may refuse that, and changes more of it. Without an upload the error is
// ErrNoUpload, and ErrTooLarge for one over the limit.
func (s *Store) Submit(id int, change func(*Record) error) (Record, error) {
	defer s.close(id)()
	bytes := s.Size(id, OriginalFile)
	estimate := s.estimate(bytes)
	return s.Update(id, func(r *Record) error {
		if r.State == Draft && bytes == 0 {
			return ErrNoUpload
		}
		if r.State == Draft && s.MaxUpload > 0 && bytes > s.MaxUpload {
			return ErrTooLarge
		}
		if err := change(r); err != nil {
			return err
		}
		r.State, r.Processed, r.Bytes, r.Estimate = Pending, time.Now(), bytes, estimate
		return nil
	})
}
