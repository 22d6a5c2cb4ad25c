package requests

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"time"

	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/retry"
)

// Worker takes requests from pending to their end.
type Worker struct {
	Store   *Store
	Engine  Engine
	Outcome string        // state that requests end in
	Pace    time.Duration // how long a request stays pending, and then in progress
	Log     func(string)

	running sync.WaitGroup
}

// Start has a request processed until ctx ends: after that, another Worker can start
// it again.
func (w *Worker) Start(ctx context.Context, id int) {
	w.running.Go(func() { w.work(ctx, id) })
}

// Wait returns once nothing is processed any more.
func (w *Worker) Wait() { w.running.Wait() }

func (w *Worker) work(ctx context.Context, id int) {
	err := w.advance(ctx, id)
	if err == nil || ctx.Err() != nil {
		return
	}
	w.Log("request " + strconv.Itoa(id) + ": " + err.Error())
	failed := func(r *Record) error {
		r.end(Failed, Result{Message: "The sandbox could not upgrade it: " + err.Error()})
		return nil
	}
	if _, err := w.Store.Update(id, failed); err != nil {
		w.Log("request " + strconv.Itoa(id) + ": " + err.Error())
	}
}

func (w *Worker) advance(ctx context.Context, id int) error {
	r, _ := w.Store.Get(id)
	log, err := os.OpenFile(w.Store.Path(id, LogFile), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	lines := &timed{log}
	if r.State == Pending {
		if err := retry.Sleep(ctx, w.Pace); err != nil {
			return err
		}
		guess, err := dump.Inspect(ctx, w.Store.Path(id, OriginalFile), dump.Options{})
		if err != nil {
			return err
		}
		if _, err := w.Store.Update(id, func(r *Record) error {
			r.State, r.Version, r.PostgreSQL, r.UUID = Progress, guess.Series, guess.PostgreSQL, guess.UUID
			return nil
		}); err != nil {
			return err
		}
		_, _ = fmt.Fprintf(lines, "The dump is %s, of Odoo %s and PostgreSQL %s.\n", guess.Form(), cmp.Or(guess.Series, "?"), cmp.Or(guess.PostgreSQL, "?"))
	}
	result := Result{Message: fmt.Sprintf("This is a sandbox. It was told to end its requests as %s.", w.Outcome)}
	if w.Outcome == Done {
		var err error
		result, err = w.Engine.Upgrade(ctx, Work{
			Original: w.Store.Path(id, OriginalFile), Upgraded: w.Store.Path(id, UpgradedFile), Filename: r.Filename, Target: r.Target,
			Filestore: w.Store.Path(id, FilestoreFile), Log: lines,
		})
		if err != nil {
			return err
		}
	}
	if err := retry.Sleep(ctx, w.Pace); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(lines, "The request ends as %s.\n", w.Outcome)
	_, err = w.Store.Update(id, func(r *Record) error {
		r.end(w.Outcome, result)
		return nil
	})
	return err
}

// timed writes lines with the time in front.
type timed struct{ to io.Writer }

func (t *timed) Write(b []byte) (int, error) {
	_, err := fmt.Fprintf(t.to, "%s %s", time.Now().UTC().Format(time.DateTime), b)
	return len(b), err
}

// end ends a request in a state.
func (r *Record) end(state string, result Result) {
	r.State, r.Ended = state, time.Now()
	r.Message, r.Notes, r.Result = result.Message, result.Notes, result.Name
	if state == Done && r.SkipTest {
		r.State = Delivered
	}
}
