package requests

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"odoo-upgrade-action/internal/realtest"
	"odoo-upgrade-action/internal/retry"
)

// fake is an engine that takes its time.
type fake struct {
	takes   time.Duration
	errs    []error // of the first calls
	mu      sync.Mutex
	order   []int
	atOnce  int
	highest int
}

func (*fake) Name() string                                        { return "fake" }
func (*fake) About() string                                       { return "It takes its time." }
func (*fake) Prepare(context.Context, string, func(string)) error { return nil }

func (f *fake) Upgrade(ctx context.Context, w Work) (Result, error) {
	f.mu.Lock()
	f.order = append(f.order, w.ID)
	f.atOnce++
	f.highest = max(f.highest, f.atOnce)
	var err error
	if len(f.errs) > 0 {
		err, f.errs = f.errs[0], f.errs[1:]
	}
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.atOnce--
		f.mu.Unlock()
	}()
	if entries, readErr := os.ReadDir(w.Folder); readErr != nil || len(entries) > 0 {
		return Result{}, fmt.Errorf("the folder to work in: %v, %v", entries, readErr)
	}
	if err := errors.Join(os.WriteFile(filepath.Join(w.Folder, "x"), nil, 0o600), os.WriteFile(w.Upgraded, []byte("upgraded"), 0o600)); err != nil {
		return Result{}, err
	}
	if err := retry.Sleep(ctx, f.takes); err != nil {
		return Result{}, err
	}
	return Result{Message: "fine"}, err
}

// opened is a store with a worker on it.
func opened(t *testing.T, dir string, engine Engine, atOnce int) (*Store, *Worker) {
	t.Helper()
	store, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return store, &Worker{Store: store, Engine: engine, Outcome: Done, AtOnce: atOnce, Log: func(string) {}}
}

// submitted creates a request with an upload and submits it.
func submitted(t *testing.T, s *Store, upload string) int {
	t.Helper()
	r, err := s.Create(Record{Filename: "db.sql"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.Path(r.ID, OriginalFile), []byte(upload), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Submit(r.ID, func(*Record) error { return nil }); err != nil {
		t.Fatal(err)
	}
	return r.ID
}

func TestQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := &fake{takes: time.Minute}
		store, worker := opened(t, t.TempDir(), engine, 3)
		var ids []int
		for range 10 {
			id := submitted(t, store, realtest.Dump(""))
			ids = append(ids, id)
			worker.Start(t.Context(), id)
			time.Sleep(time.Millisecond)
		}
		states := map[string]int{}
		for _, r := range store.List() {
			states[r.State]++
		}
		if states[Progress] != 3 || states[Pending] != 7 {
			t.Errorf("three at the same time: %v", states)
		}
		worker.Wait()
		if !slices.Equal(engine.order, ids) || engine.highest != 3 {
			t.Errorf("order %v, at most %d at once", engine.order, engine.highest)
		}
	})
}

// TestQueueKeepsItsOrder has requests that were submitted, or are started again, at the same
// moment.
func TestQueueKeepsItsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := &fake{takes: time.Minute}
		store, worker := opened(t, t.TempDir(), engine, 1)
		worker.Pace = time.Second
		var ids []int
		for range 20 {
			ids = append(ids, submitted(t, store, realtest.Dump("")))
		}
		for _, r := range store.Unfinished() {
			worker.Start(t.Context(), r.ID)
		}
		worker.Wait()
		if !slices.Equal(engine.order, ids) {
			t.Errorf("order %v", engine.order)
		}
	})
}

// TestQueueAfterARestart stops a worker with requests in every state.
func TestQueueAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		store, worker := opened(t, dir, &fake{takes: time.Minute}, 1)
		ctx, cancel := context.WithCancel(t.Context())
		for range 3 {
			worker.Start(ctx, submitted(t, store, realtest.Dump("")))
			time.Sleep(30 * time.Second)
		}
		cancel() // one is done, one in progress, one pending
		worker.Wait()
		if _, err := os.Stat(store.Path(10002, UpgradedFile)); err == nil {
			t.Error("half an upgraded database is left")
		}
		engine := &fake{takes: time.Minute}
		store, worker = opened(t, dir, engine, 1)
		for _, r := range store.Unfinished() {
			worker.Start(t.Context(), r.ID)
		}
		worker.Wait()
		if !slices.Equal(engine.order, []int{10002, 10003}) {
			t.Errorf("upgraded: %v", engine.order)
		}
		for _, r := range store.List() {
			if r.State != Done {
				t.Errorf("request %d is %s", r.ID, r.State)
			}
		}
	})
}

func TestHowAnUpgradeEnds(t *testing.T) {
	broken := realtest.Dump("")[:60]
	for name, c := range map[string]struct {
		upload string
		errs   []error
		state  string
		want   string
		took   time.Duration // at least
	}{
		"well":                {realtest.Dump(""), nil, Done, "fine", 0},
		"again, then well":    {realtest.Dump(""), []error{&AgainError{errors.New("busy")}, &AgainError{errors.New("busy")}}, Done, "fine", 18 * time.Second},
		"again without end":   {realtest.Dump(""), slices.Repeat([]error{&AgainError{errors.New("busy")}}, 20), Failed, "The sandbox could not upgrade it: busy", 5 * time.Minute},
		"failed":              {realtest.Dump(""), []error{&FailedError{"no"}}, Failed, "no", 0},
		"an error of its own": {realtest.Dump(""), []error{errors.New("oops")}, Failed, "The sandbox could not upgrade it: oops", 0},
		"a truncated upload":  {broken, nil, Failed, "The dump is truncated ", 0},
		"a page":              {"<!DOCTYPE html><html>", nil, Failed, "The dump is an HTML page", 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				engine := &fake{errs: c.errs}
				store, worker := opened(t, t.TempDir(), engine, 0)
				id := submitted(t, store, c.upload)
				began := time.Now()
				worker.Start(t.Context(), id)
				worker.Wait()
				r, _ := store.Get(id)
				if r.State != c.state || !strings.HasPrefix(r.Message, c.want) || strings.Contains(r.Message, store.Path(id, "")) || time.Since(began) < c.took {
					t.Errorf("%s after %s: %q", r.State, time.Since(began), r.Message)
				}
				if _, err := os.Stat(store.Path(id, UpgradedFile)); (err == nil) != (c.state == Done) {
					t.Errorf("%s, and the upgraded database: %v", r.State, err)
				}
				if _, err := os.Stat(store.Path(id, workFolder)); err == nil {
					t.Error("the folder to work in is left")
				}
			})
		})
	}
}

// TestTimeLimit counts from the first start of an upgrade: a restart gives no more time.
func TestTimeLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		store, worker := opened(t, dir, &fake{takes: 2 * time.Hour}, 1)
		worker.Timeout = time.Hour
		slow := submitted(t, store, realtest.Dump(""))
		next := submitted(t, store, realtest.Dump(""))
		began := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		worker.Start(ctx, slow)
		worker.Start(ctx, next)
		time.Sleep(30 * time.Minute)
		cancel()
		worker.Wait()
		store, worker = opened(t, dir, &fake{takes: 2 * time.Hour}, 1)
		worker.Timeout = time.Hour
		for _, r := range store.Unfinished() {
			worker.Start(t.Context(), r.ID)
		}
		worker.Wait()
		r, _ := store.Get(slow)
		if r.State != Failed || r.Message != "The upgrade took longer than 1h0m0s, the limit of this sandbox." || r.Ended.Sub(began).Round(time.Minute) != time.Hour {
			t.Errorf("%s after %s: %s", r.State, r.Ended.Sub(began), r.Message)
		}
		if r, _ := store.Get(next); r.State != Failed || r.Ended.Sub(began).Round(time.Minute) != 2*time.Hour {
			t.Errorf("the next one: %s after %s", r.State, r.Ended.Sub(began))
		}
	})
}

// TestStartsWithoutEnd has an upgrade at which the sandbox ends each time.
func TestStartsWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		store, _ := opened(t, dir, nil, 1)
		id := submitted(t, store, realtest.Dump(""))
		for n := range maxStarts + 1 {
			store, worker := opened(t, dir, &fake{takes: time.Hour}, 1)
			ctx, cancel := context.WithCancel(t.Context())
			worker.Start(ctx, id)
			synctest.Wait()
			cancel()
			worker.Wait()
			if r, _ := store.Get(id); (r.State == Failed) != (n == maxStarts) {
				t.Fatalf("started %d times: %s %s", n+1, r.State, r.Message)
			}
		}
	})
}

func TestLogIsBounded(t *testing.T) {
	store, worker := opened(t, t.TempDir(), &fake{}, 1)
	id := submitted(t, store, realtest.Dump(""))
	line := strings.Repeat("x", 1<<20) + "\n"
	for range 2 { // the second continues where the first one ended
		log, err := worker.log(id)
		if err != nil {
			t.Fatal(err)
		}
		for range 40 {
			_, _ = log.Write([]byte(line))
		}
		_ = log.Close()
	}
	text, _ := os.ReadFile(store.Path(id, LogFile))
	if len(text) > maxLog+1000 || !strings.HasSuffix(string(text), "The log is full: what follows is left out.\n") {
		t.Errorf("%d bytes, which end with %q", len(text), text[len(text)-60:])
	}
}
