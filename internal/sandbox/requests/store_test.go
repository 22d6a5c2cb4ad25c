package requests

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"odoo-upgrade-action/internal/realtest"
)

// TestKeysAreNoFlags: one of 64 would begin with a dash.
func TestKeysAreNoFlags(t *testing.T) {
	for range 2000 {
		if key := newKey(); key[0] == '-' || len(key) != 24 {
			t.Fatal(key)
		}
	}
}

func TestRandomIDs(t *testing.T) {
	store, _ := opened(t, t.TempDir(), nil, 0)
	store.RandomIDs = true
	seen := map[int]bool{}
	for range 100 {
		r, err := store.Create(Record{})
		if err != nil || seen[r.ID] || r.ID < 100_000_000 || seen[r.ID-1] {
			t.Fatalf("id %d, %v", r.ID, err)
		}
		seen[r.ID] = true
	}
	if list := store.List(); list[0].Created.Before(list[99].Created) {
		t.Error("the newest is not the first")
	}
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	unlock, err := Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(dir); err == nil || !strings.Contains(err.Error(), "another sandbox uses the folder "+dir) {
		t.Errorf("locked twice: %v", err)
	}
	unlock()
	if unlock, err = Lock(dir); err != nil {
		t.Errorf("after it was unlocked: %v", err)
	} else {
		unlock()
	}
}

func TestGuesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, _ := opened(t, t.TempDir(), nil, 0)
		mine, _ := store.Create(Record{})
		other, _ := store.Create(Record{})
		id := fmt.Sprint(mine.ID)
		for n := range maxGuesses {
			if _, err := store.Find("192.0.2.1:1000", id, "wrong"); !errors.Is(err, ErrNotFound) {
				t.Fatalf("guess %d: %v", n, err)
			}
		}
		_, err := store.Find("192.0.2.1:1001", id, mine.Key)
		guess, ok := errors.AsType[*GuessError](err)
		if !ok || guess.Wait != guessPause {
			t.Errorf("one more, and a right one: %v", err)
		}
		for client, r := range map[string]Record{"192.0.2.2:1000": mine, "192.0.2.1:1000": other} {
			if found, err := store.Find(client, fmt.Sprint(r.ID), r.Key); err != nil || found.ID != r.ID {
				t.Errorf("%s and request %d: %v", client, r.ID, err)
			}
		}
		time.Sleep(guessPause)
		if _, err := store.Find("192.0.2.1:1000", id, mine.Key); err != nil {
			t.Errorf("later: %v", err)
		}
		for n := range maxGuesses {
			_, _ = store.Find(fmt.Sprintf("[2001:db8::%d]:1000", n), id, "wrong") // one client's network
		}
		if _, err := store.Find("[2001:db8::1:2:3:4]:1000", id, mine.Key); err == nil {
			t.Error("each address of an IPv6 network may guess")
		}
		for n := range guessClients + 100 {
			_, _ = store.Find("192.0.2.3:1", fmt.Sprint(n), "wrong")
		}
		if n := len(store.guesses.seen); n > guessClients {
			t.Errorf("%d pairs are remembered", n)
		}
	})
}

func TestExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // whose files have the time of the machine
		store, worker := opened(t, t.TempDir(), &fake{takes: 3 * time.Hour}, 1)
		ended := submitted(t, store, realtest.Dump("")[:60])
		worker.Start(t.Context(), ended)
		synctest.Wait()
		running := submitted(t, store, realtest.Dump(""))
		worker.Start(t.Context(), running)
		ctx, stop := t.Context(), make(chan struct{})
		go func() {
			defer close(stop)
			store.Expire(ctx, time.Hour, func(string) {})
		}()
		time.Sleep(2 * time.Hour)
		if _, ok := store.Get(ended); ok {
			t.Error("an old request is kept")
		}
		if _, err := os.Stat(store.Path(ended, "")); err == nil {
			t.Error("its files are kept")
		}
		if r, ok := store.Get(running); !ok || r.State != Progress {
			t.Error("a request in progress is not kept")
		}
		worker.Wait()
	})
}

// TestExpireKeepsWhatIsUsed has a draft that is being uploaded, and what a killed
// sandbox left of a request that it was removing.
func TestExpireKeepsWhatIsUsed(t *testing.T) {
	dir := t.TempDir()
	store, _ := opened(t, dir, nil, 0)
	r, err := store.Create(Record{})
	if err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	if _, err := store.Update(r.ID, func(r *Record) error { r.Created = old; return nil }); err != nil {
		t.Fatal(err)
	}
	upload := store.Path(r.ID, "upload-1")
	if err := os.WriteFile(upload, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{store.Path(r.ID, recordFile), store.Path(r.ID, "")} {
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.remove(r.ID, 30*time.Minute); err == nil {
		t.Error("a draft was removed in the middle of its upload")
	}
	if err := os.Chtimes(upload, old, old); err != nil {
		t.Fatal(err)
	}
	if err := store.remove(r.ID, 30*time.Minute); err != nil {
		t.Error(err)
	}
	left := store.Path(4711, "")
	if err := os.MkdirAll(left, 0o700); err != nil {
		t.Fatal(err)
	}
	opened(t, dir, nil, 0)
	if _, err := os.Stat(left); err == nil {
		t.Error("what is left of a removed request is kept")
	}
}

func TestEstimate(t *testing.T) {
	store, _ := opened(t, t.TempDir(), nil, 0)
	if got := store.estimate(100); got != 0 {
		t.Errorf("without earlier upgrades: %s", got)
	}
	now := time.Now()
	for bytes, minutes := range map[int64]int{100: 1, 110: 2, 120: 3, 130: 4, 140: 5, 1e9: 60, 2e9: 70} {
		r, _ := store.Create(Record{})
		if _, err := store.Update(r.ID, func(r *Record) error {
			r.State, r.Bytes, r.Started, r.Ended = Done, bytes, now, now.Add(time.Duration(minutes)*time.Minute)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if got := store.estimate(100); got != 3*time.Minute {
		t.Errorf("of 100 bytes: %s", got)
	}
	if got := store.estimate(3e9); got != 5*time.Minute { // 60, 70, and the largest of the small ones
		t.Errorf("of 3 GB: %s", got)
	}
}

func TestLimit(t *testing.T) {
	for size, want := range map[int]error{9: nil, 10: nil, 11: ErrTooLarge} {
		store := &Store{MaxUpload: 10}
		if _, err := io.ReadAll(store.Limit(strings.NewReader(strings.Repeat("x", size)))); !errors.Is(err, want) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}
