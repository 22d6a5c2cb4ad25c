package retry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

var errServer = errors.New("the server's words")

func TestDo(t *testing.T) {
	policy := Policy{First: time.Second, Longest: 10 * time.Second, Tries: 4}
	cases := []struct {
		name  string
		errs  []error // one a try; after the last, success
		tries int
		want  error
	}{
		{"at once", nil, 1, nil},
		{"final", []error{errServer}, 1, errServer},
		{"transient", []error{Transient(errServer), Transient(errServer)}, 3, nil},
		{"transient, wrapped", []error{fmt.Errorf("layer: %w", Transient(errServer))}, 2, nil},
		{"transient, then final", []error{Transient(errServer), errServer}, 2, errServer},
		{"a few tries", []error{Doubtful(errServer), Doubtful(errServer), Doubtful(errServer)}, 4, nil},
		{"a few tries beside others", []error{Doubtful(errServer), Transient(errServer), Doubtful(errServer)}, 4, nil},
		{"tries used up", []error{Transient(errServer), Transient(errServer), Transient(errServer), Transient(errServer)}, 4, errServer},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tries, notes := 0, 0
				err := policy.Do(t.Context(), func(context.Context) error {
					tries++
					if tries <= len(c.errs) {
						return c.errs[tries-1]
					}
					return nil
				}, func(err error, pause time.Duration) {
					notes++
					if !errors.Is(err, errServer) || pause <= 0 {
						t.Errorf("notified of %v after %v", err, pause)
					}
				})
				if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
					t.Errorf("got %v, want %v", err, c.want)
				}
				if tries != c.tries || notes != tries-1 {
					t.Errorf("%d tries and %d notes, want %d tries", tries, notes, c.tries)
				}
			})
		})
	}
}

func TestDoKeepsItsBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, lastTry := time.Now(), time.Duration(0)
		policy := Policy{First: time.Second, Longest: 30 * time.Second, Budget: 15 * time.Minute}
		err := policy.Do(t.Context(), func(context.Context) error {
			lastTry = time.Since(start)
			return Transient(errServer)
		}, nil)
		if !errors.Is(err, errServer) {
			t.Errorf("got %v, want the server's error", err)
		}
		// An outage of just under the budget must see a try after its end.
		if lastTry < 15*time.Minute || lastTry > 16*time.Minute {
			t.Errorf("last try after %v, want just past the budget", lastTry)
		}
	})
}

// TestDoTriesAFewTimes has a policy with time for many more tries.
func TestDoTriesAFewTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		err := Policy{First: time.Second, Longest: time.Second, Budget: time.Hour}.Do(t.Context(), func(context.Context) error {
			tries++
			return Doubtful(errServer)
		}, nil)
		if !errors.Is(err, errServer) || tries != fewTries {
			t.Errorf("%d tries, %v", tries, err)
		}
	})
}

func TestDoTriesAgainAfterALongFirstTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		err := Policy{First: time.Second, Longest: time.Second, Budget: time.Minute}.Do(t.Context(), func(context.Context) error {
			tries++
			if tries == 1 {
				time.Sleep(2 * time.Minute)
			}
			if tries < 3 { // the time for tries begins with the first failure
				return Transient(errServer)
			}
			return nil
		}, nil)
		if err != nil || tries != 3 {
			t.Errorf("%d tries, error %v; want a third try to succeed", tries, err)
		}
	})
}

func TestDoWaitsAsAsked(t *testing.T) {
	cases := []struct{ asked, want time.Duration }{
		{20 * time.Second, 20 * time.Second},
		{time.Millisecond, time.Second},      // never faster than the policy
		{1000 * time.Hour, 5 * time.Minute},  // nor for as long as a stranger likes
		{-time.Hour, 800 * time.Millisecond}, // a date in the past: the policy's own pause
	}
	for _, c := range cases {
		t.Run(c.asked.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start, tries := time.Now(), 0
				err := Policy{First: time.Second, Longest: time.Minute}.Do(t.Context(), func(context.Context) error {
					if tries++; tries == 1 {
						return TransientAfter(errServer, c.asked)
					}
					return nil
				}, nil)
				waited := time.Since(start)
				if err != nil || waited < c.want || waited > c.want+400*time.Millisecond {
					t.Errorf("waited %v (error %v), want %v", waited, err, c.want)
				}
			})
		})
	}
}

func TestDoStopsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cause := errors.New("stopped")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(10*time.Second, func() { cancel(cause) })
		start := time.Now()
		err := Policy{First: time.Minute, Longest: time.Minute}.Do(ctx, func(context.Context) error {
			return Transient(errServer)
		}, nil)
		if !errors.Is(err, cause) || time.Since(start) != 10*time.Second {
			t.Errorf("got %v after %v, want the cause at once", err, time.Since(start))
		}
	})
}

func TestPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPoll(30 * time.Second)
		far := time.Now().Add(time.Hour)
		pause := func() time.Duration {
			start := time.Now()
			if err := p.Pause(t.Context(), far); err != nil {
				t.Fatal(err)
			}
			return time.Since(start)
		}
		if d := pause(); d > 1200*time.Millisecond {
			t.Errorf("first pause %v, want about a second", d)
		}
		longest := time.Duration(0)
		for range 20 {
			longest = max(longest, pause())
		}
		if longest > 30*time.Second || longest < 20*time.Second {
			t.Errorf("longest pause %v, want up to 30s and no more", longest)
		}
		p.Changed()
		if d := pause(); d > 1200*time.Millisecond {
			t.Errorf("pause after a change %v, want about a second", d)
		}
		start := time.Now()
		if err := p.Pause(t.Context(), start.Add(100*time.Millisecond)); err != nil || time.Since(start) > 100*time.Millisecond {
			t.Errorf("paused %v past the deadline (%v)", time.Since(start), err)
		}
	})
}

func TestAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // whose clock starts at a whole second
		for text, want := range map[string]time.Duration{
			"": 0, "rubbish": 0, "-5": 0, "0": 0, "120": 2 * time.Minute, "99999999999999999999": 0,
			time.Now().Add(time.Minute).UTC().Format(http.TimeFormat):  time.Minute,
			time.Now().Add(-time.Minute).UTC().Format(http.TimeFormat): 0,
		} {
			if got := After(http.Header{"Retry-After": {text}}); got != want {
				t.Errorf("%q: %v, want %v", text, got, want)
			}
		}
	})
}
