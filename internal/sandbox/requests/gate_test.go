package requests

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"odoo-upgrade-action/internal/realtest"
)

// draft creates a request with an upload.
func draft(t *testing.T, s *Store, upload string) int {
	t.Helper()
	r, err := s.Create(Record{Filename: "db.sql"})
	if err == nil {
		err = os.WriteFile(s.Path(r.ID, OriginalFile), []byte(upload), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r.ID
}

func nothing(*Record) error { return nil }

// TestSubmitEndsWriters submits a request while its upload is written: the submission waits
// until that has ended, and nothing is written afterwards.
func TestSubmitEndsWriters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		id := draft(t, s, "half")
		path := s.Path(id, OriginalFile)
		written := make(chan error, 1)
		go func() {
			written <- s.WhileDraft(t.Context(), id, func(ctx context.Context) error {
				<-ctx.Done() // a transfer that would take for ever
				time.Sleep(time.Second)
				return errors.Join(os.WriteFile(path, []byte("the last block"), 0o600), context.Cause(ctx))
			})
		}()
		synctest.Wait()
		if err := s.WhileDraft(t.Context(), id, func(context.Context) error { return nil }); err != nil {
			t.Errorf("a second writer: %v", err)
		}
		r, err := s.Submit(id, nothing)
		if err != nil || r.State != Pending || r.Bytes != int64(len("the last block")) {
			t.Errorf("%+v, %v", r, err)
		}
		if err := <-written; !errors.Is(err, ErrNotDraft) {
			t.Errorf("the writer ended with %v", err)
		}
		if err := s.WhileDraft(t.Context(), id, func(context.Context) error { t.Error("it was written"); return nil }); !errors.Is(err, ErrNotDraft) {
			t.Errorf("afterwards: %v", err)
		}
		if len(s.gates.byID) != 0 {
			t.Errorf("%d gates are left", len(s.gates.byID))
		}
	})
}

// TestSubmitThatIsRefused leaves the request a draft that takes uploads.
func TestSubmitThatIsRefused(t *testing.T) {
	s, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	why := errors.New("why")
	for upload, want := range map[string]error{"": ErrNoUpload, "x": why} {
		id := draft(t, s, upload)
		if _, err := s.Submit(id, func(*Record) error { return why }); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", upload, err, want)
		}
		if err := s.WhileDraft(t.Context(), id, func(context.Context) error { return nil }); err != nil {
			t.Errorf("%q: %v", upload, err)
		}
	}
}

// TestHoles has uploads that were made large without being sent: the smaller the file, the
// longer its inspection takes.
func TestHoles(t *testing.T) {
	for name, test := range map[string]struct {
		make  func(path string) error
		holes bool
	}{
		"none": {func(path string) error { return os.WriteFile(path, make([]byte, 1<<20), 0o600) }, false},
		"a size set": {func(path string) error {
			return errors.Join(os.WriteFile(path, []byte("--\n"), 0o600), os.Truncate(path, 1<<40))
		}, true},
		"a write far away": {func(path string) error {
			file, err := os.Create(path)
			if err == nil {
				_, err = file.WriteAt([]byte("x"), 1<<40)
			}
			return errors.Join(err, file.Close())
		}, true},
		"many small ones": {func(path string) error {
			file, err := os.Create(path)
			for n := int64(0); err == nil && n < 400; n++ {
				_, err = file.WriteAt([]byte("x"), n<<16)
			}
			return errors.Join(err, file.Close())
		}, true},
		"a folder": {func(path string) error { return os.Mkdir(path, 0o700) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "original")
			if err := test.make(path); err != nil {
				t.Fatal(err)
			}
			n, err := holes(path)
			if err != nil || (n > maxHoles) != test.holes {
				t.Errorf("%d bytes, %v", n, err)
			}
		})
	}
}

// TestHolesBlockNothing submits more of them than there are workers.
func TestHolesBlockNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := opened(t, t.TempDir(), &fake{}, 2)
		var evil []int
		for range 3 {
			id := draft(t, s, "-- PostgreSQL database dump\n")
			if err := os.Truncate(s.Path(id, OriginalFile), 1<<40); err != nil {
				t.Fatal(err)
			}
			evil = append(evil, id)
		}
		for _, id := range evil {
			if _, err := s.Submit(id, nothing); err != nil {
				t.Fatal(err)
			}
			w.Start(t.Context(), id)
		}
		good := submitted(t, s, realtest.Dump(""))
		w.Start(t.Context(), good)
		w.Wait()
		if r, _ := s.Get(good); r.State != Done {
			t.Errorf("the good one: %s, %s", r.State, r.Message)
		}
		for _, id := range evil {
			if r, _ := s.Get(id); r.State != Failed || !strings.Contains(r.Message, "were never written") {
				t.Errorf("%s: %s", r.State, r.Message)
			}
		}
	})
}

// TestInspectionIsInTime has an inspection that is still to be made when the time is over.
func TestInspectionIsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := opened(t, t.TempDir(), &fake{}, 1)
		w.Timeout = time.Minute
		id := submitted(t, s, realtest.Dump(""))
		if _, err := s.Update(id, func(r *Record) error { r.Started = time.Now().Add(-time.Hour); return nil }); err != nil {
			t.Fatal(err)
		}
		w.Start(t.Context(), id)
		w.Wait()
		if r, _ := s.Get(id); r.State != Failed || !strings.Contains(r.Message, "longer than 1m0s") || r.Kind != "" {
			t.Errorf("%s: %s; inspected as %q", r.State, r.Message, r.Kind)
		}
	})
}

func TestShares(t *testing.T) {
	s := Shares{All: 5, Each: 2}
	take := func(client string, want bool) func() {
		t.Helper()
		release, ok := s.Take(client)
		if ok != want {
			t.Errorf("%s: %t", client, ok)
		}
		return release
	}
	first := take("10.0.0.1:1000", true)
	take("10.0.0.1:2000", true)
	take("10.0.0.1:3000", false) // the same client, from another port
	take("[2001:db8::1]:1", true)
	take("[2001:db8::2]:1", true)
	take("[2001:db8::3]:1", false) // the same network
	take("10.0.0.2:1", true)
	take("10.0.0.3:1", false) // all are taken
	first()
	take("10.0.0.3:1", true)
}

// TestWhileAlone has a second transfer of the same upload begin: the first one ends, and has
// ended before the second one writes.
func TestWhileAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		id := draft(t, s, "x")
		writing := 0
		ended := make(chan error, 3)
		for range 3 {
			go func() {
				ended <- s.WhileAlone(t.Context(), id, func(ctx context.Context) error {
					if writing++; writing > 1 {
						t.Error("two write at a time")
					}
					defer func() { writing-- }()
					select {
					case <-time.After(time.Hour):
						return nil
					case <-ctx.Done():
						time.Sleep(time.Second) // it takes a while to end
						return context.Cause(ctx)
					}
				})
			}()
			synctest.Wait()
			time.Sleep(time.Minute)
		}
		for n := range 3 {
			if err := <-ended; n < 2 && !errors.Is(err, ErrReplaced) || n == 2 && err != nil {
				t.Errorf("%d: %v", n, err)
			}
		}
		if len(s.gates.byID) != 0 {
			t.Errorf("%d gates are left", len(s.gates.byID))
		}
	})
}

// TestSubmitTwice has two clients submit a request at the same time: one of them does.
func TestSubmitTwice(t *testing.T) {
	s, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	id := draft(t, s, "x")
	once := errors.New("it was submitted")
	ended := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := s.Submit(id, func(r *Record) error {
				if r.State != Draft {
					return once
				}
				return nil
			})
			ended <- err
		}()
	}
	if a, b := <-ended, <-ended; (a == nil) == (b == nil) || !errors.Is(errors.Join(a, b), once) {
		t.Errorf("%v, %v", a, b)
	}
}

func TestSubmitOverTheLimit(t *testing.T) {
	s, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s.MaxUpload = 3
	if _, err := s.Submit(draft(t, s, "four"), nothing); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
}
