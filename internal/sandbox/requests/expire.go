package requests

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"odoo-upgrade-action/internal/retry"
)

// Expire removes what is older than a time, now and from time to time until ctx ends:
// requests that have ended, and drafts that were never processed, with all their files.
func (s *Store) Expire(ctx context.Context, retention time.Duration, log func(string)) {
	for {
		for _, r := range s.List() {
			if last := s.lastUsed(r); last.IsZero() || time.Since(last) < retention {
				continue
			}
			if err := s.remove(r.ID, retention); err != nil {
				log(fmt.Sprintf("removing request %d: %v", r.ID, err))
				continue
			}
			log(fmt.Sprintf("request %d was removed: it is older than %s", r.ID, retention))
		}
		if retry.Sleep(ctx, min(time.Hour, max(retention/4, time.Second))) != nil {
			return
		}
	}
}

// lastUsed is when a request ended, or a draft was last written to; zero for one that is
// being processed.
func (s *Store) lastUsed(r Record) time.Time {
	if r.HasEnded() || r.State != Draft {
		return r.Ended
	}
	last := r.Created
	_ = filepath.WalkDir(s.Path(r.ID, ""), func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if info, err := entry.Info(); err == nil && info.ModTime().After(last) {
			last = info.ModTime()
		}
		return nil
	})
	return last
}

// remove removes a request, unless it is used again.
func (s *Store) remove(id int, retention time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last := s.lastUsed(s.records[id]); last.IsZero() || time.Since(last) < retention {
		return errors.New("it is used again")
	}
	if err := os.Remove(s.Path(id, recordFile)); err != nil { // first: Open removes what has none
		return err
	}
	delete(s.records, id)
	return os.RemoveAll(s.Path(id, ""))
}
