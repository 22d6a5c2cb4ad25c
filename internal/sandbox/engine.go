package sandbox

import (
	"context"
	"io"
	"os"
	"time"

	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/retry"
)

// work takes a request from where it stands to its end, at the sandbox's pace.
func (s *Server) work(ctx context.Context, id int) {
	err := s.advance(ctx, id)
	if err == nil || ctx.Err() != nil {
		return // a stopped sandbox goes on with it when it is started again
	}
	s.config.Log("request " + itoa(id) + ": " + err.Error())
	if _, err := s.store.update(id, end("failed")); err != nil {
		s.config.Log("request " + itoa(id) + ": " + err.Error())
	}
}

func (s *Server) advance(ctx context.Context, id int) error {
	if r, _ := s.store.get(id); r.State == pending {
		if err := retry.Sleep(ctx, s.config.Pace); err != nil {
			return err
		}
		guess, err := dump.Inspect(ctx, s.store.path(id, originalFile), dump.Options{})
		if err != nil {
			return err
		}
		if _, err := s.store.update(id, func(r *record) error {
			r.State, r.Version, r.PostgreSQL, r.UUID = progress, guess.Series, guess.PostgreSQL, guess.UUID
			return nil
		}); err != nil {
			return err
		}
	}
	if s.config.Outcome == done {
		if err := upgrade(s.store.path(id, originalFile), s.store.path(id, upgradedFile)); err != nil {
			return err
		}
	}
	if err := retry.Sleep(ctx, s.config.Pace); err != nil {
		return err
	}
	_, err := s.store.update(id, end(s.config.Outcome))
	return err
}

// end is the change that ends a request in a state.
func end(state string) func(*record) error {
	return func(r *record) error {
		r.State, r.Ended = state, time.Now()
		if state == done && r.SkipTest {
			r.State = delivered
		}
		return nil
	}
}

// upgrade is the sandbox's engine: it changes nothing.
func upgrade(from, to string) error {
	_ = os.Remove(to) // of a run that was stopped here
	if os.Link(from, to) == nil {
		return nil
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		_ = out.Close()
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	return os.Rename(to+".new", to)
}
