package requests

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"time"

	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/retry"
)

// Worker takes requests from pending to their end: a number of them at the same time, the
// others in turn.
type Worker struct {
	Store   *Store
	Engine  Engine
	Outcome string                              // state that requests end in
	Fail    func(log io.Writer, r Record) error // writes the log of an upgrade that fails, for an outcome of that kind
	Pace    time.Duration                       // how long a request stays pending at least, and then in progress
	AtOnce  int                                 // how many are upgraded at the same time; 0: as many as there are
	Timeout time.Duration                       // how long an upgrade may take, from its first start on; 0: as long as it likes
	Log     func(string)

	running sync.WaitGroup
	mu      sync.Mutex
	queue   []turn
	busy    int
}

// turn is a request that waits for its upgrade.
type turn struct {
	ctx       context.Context
	id        int
	notBefore time.Time
}

// Start has a request processed, after those that were started before it, until ctx ends:
// after that, another Worker can start it again.
func (w *Worker) Start(ctx context.Context, id int) {
	t := turn{ctx: ctx, id: id}
	if r, _ := w.Store.Get(id); r.State == Pending {
		t.notBefore = time.Now().Add(w.Pace)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = append(w.queue, t)
	if w.AtOnce > 0 && w.busy >= w.AtOnce {
		return
	}
	w.busy++
	w.running.Go(w.serve)
}

// Wait returns once nothing is processed any more.
func (w *Worker) Wait() { w.running.Wait() }

// serve takes the turns in the queue until it is empty.
func (w *Worker) serve() {
	for {
		w.mu.Lock()
		if len(w.queue) == 0 {
			w.busy--
			w.mu.Unlock()
			return
		}
		t := w.queue[0]
		w.queue = w.queue[1:]
		w.mu.Unlock()
		if retry.Sleep(t.ctx, time.Until(t.notBefore)) == nil {
			w.settle(t.ctx, t.id, w.progress(t.ctx, t.id))
		}
	}
}

// settle ends a request with an error, if there is one.
func (w *Worker) settle(ctx context.Context, id int, err error) {
	if err == nil || ctx.Err() != nil && err.Error() == context.Cause(ctx).Error() {
		return
	}
	w.Log("request " + strconv.Itoa(id) + ": " + err.Error())
	if ctx.Err() != nil {
		return // the next worker tries again
	}
	message := "The sandbox could not upgrade it: " + err.Error()
	if failed, ok := errors.AsType[*FailedError](err); ok {
		message = failed.Message
	}
	w.end(id, Failed, Result{Message: message})
}

// end ends a request in a state.
func (w *Worker) end(id int, state string, result Result) {
	if log, err := w.log(id); err == nil {
		if state == Failed {
			_, _ = fmt.Fprintln(log, result.Message)
		}
		_, _ = fmt.Fprintf(log, "The request ends as %s.\n", state)
		_ = log.Close()
	}
	_, err := w.Store.Update(id, func(r *Record) error {
		r.end(state, result)
		return nil
	})
	if err != nil {
		w.Log("request " + strconv.Itoa(id) + ": " + err.Error())
	}
}

// progress upgrades a request. Nothing is left of it but its result.
func (w *Worker) progress(ctx context.Context, id int) (err error) {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	log, err := w.log(id)
	if err != nil {
		return err
	}
	defer log.Close()
	result := Result{Message: fmt.Sprintf("This is a sandbox. It was told to end its requests as %s.", w.Outcome)}
	work, err := w.inTime(ctx, id, func(ctx context.Context) (work Work, err error) {
		if work, err = w.begin(ctx, id, log); err == nil && w.Outcome == Done {
			result, err = w.upgrade(ctx, work)
		}
		if r, known := w.Store.Get(id); err == nil && known && w.Outcome == Failed && w.Fail != nil {
			err = w.Fail(log.File, r)
		}
		return work, err
	})
	if err != nil {
		return err
	}
	if err := retry.Sleep(ctx, w.Pace); err != nil {
		return errors.Join(err, work.discard())
	}
	w.end(id, w.Outcome, result)
	return nil
}

// log opens a request's log, in which each line has the time in front.
func (w *Worker) log(id int) (*timed, error) {
	file, err := os.OpenFile(w.Store.Path(id, LogFile), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &timed{File: file, size: info.Size()}, nil
}

// maxLog limits a request's log, in bytes.
const maxLog = 64 << 20

// timed writes lines with the time in front, up to a limit.
type timed struct {
	*os.File
	mu   sync.Mutex
	size int64
}

func (t *timed) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	line := b
	switch {
	case t.size >= maxLog:
		return len(b), nil
	case t.size+int64(len(b)) >= maxLog:
		line, t.size = []byte("The log is full: what follows is left out.\n"), maxLog
	}
	n, err := fmt.Fprintf(t.File, "%s %s", time.Now().UTC().Format(time.DateTime), line)
	t.size += int64(n)
	return len(b), err
}

// maxStarts is how often an upgrade is started that a restart of the sandbox interrupts: it may
// be what makes the sandbox end.
const maxStarts = 5

// begin inspects the upload and puts the request in progress.
func (w *Worker) begin(ctx context.Context, id int, log io.Writer) (Work, error) {
	original := w.Store.Path(id, OriginalFile)
	if hole, err := holes(original); err != nil {
		return Work{}, err
	} else if hole > maxHoles {
		return Work{}, &FailedError{fmt.Sprintf("The dump has %d bytes that were never written: upload all of it again.", hole)}
	}
	info, err := dump.Inspect(ctx, original, dump.Options{})
	if err != nil {
		return Work{}, err
	}
	r, err := w.Store.Update(id, func(r *Record) error {
		r.State = Progress
		r.Version, r.PostgreSQL, r.UUID, r.Kind, r.Filestore = info.Series, info.PostgreSQL, info.UUID, info.Form.String(), info.Filestore
		r.Usable = info.Problem == nil
		return nil
	})
	if err != nil {
		return Work{}, err
	}
	_, _ = fmt.Fprintf(
		log,
		"The dump is %s, of Odoo %s and PostgreSQL %s.\n",
		info.Form,
		cmp.Or(info.Series, "?"),
		cmp.Or(info.PostgreSQL, "?"),
	)
	if info.Problem != nil { // its own text has a path of this machine in it
		return Work{}, &FailedError{fmt.Sprintf("The dump %s: %s.", info.Problem.Problem, info.Problem.Do)}
	}
	return Work{
		ID: id, Original: original, Upgraded: w.Store.Path(id, UpgradedFile), Filename: r.Filename, Dump: info, Target: r.Target, Aim: r.Aim,
		Folder: w.Store.Path(id, workFolder), Filestore: w.Store.Path(id, FilestoreFile), Log: log,
	}, nil
}

// inTime does all the work for a request until the time for it is over, which begins with
// its first start.
func (w *Worker) inTime(ctx context.Context, id int, do func(context.Context) (Work, error)) (Work, error) {
	r, err := w.Store.Update(id, func(r *Record) error {
		r.Starts++
		if r.Started.IsZero() {
			r.Started = time.Now()
		}
		return nil
	})
	if err != nil {
		return Work{}, err
	}
	if r.Starts > maxStarts {
		return Work{}, &FailedError{
			fmt.Sprintf("The upgrade was started %d times, and each time the sandbox stopped before it finished.", maxStarts),
		}
	}
	if w.Timeout == 0 {
		return do(ctx)
	}
	late := &FailedError{fmt.Sprintf("The upgrade took longer than %s, the limit of this sandbox.", w.Timeout)}
	limited, cancel := context.WithDeadlineCause(ctx, r.Started.Add(w.Timeout), late)
	defer cancel()
	work, err := do(limited)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return work, late
	}
	return work, err
}

// againPolicy is how an upgrade is tried again that could not be made.
var againPolicy = retry.Policy{Tries: 10, First: 10 * time.Second, Longest: 10 * time.Minute}

// upgrade has the engine work, again where it asks for that.
func (w *Worker) upgrade(ctx context.Context, work Work) (result Result, err error) {
	err = againPolicy.Do(ctx, func(ctx context.Context) error {
		if err := errors.Join(os.RemoveAll(work.Folder), os.MkdirAll(work.Folder, 0o700)); err != nil {
			return err
		}
		var err error
		result, err = w.Engine.Upgrade(ctx, work)
		if err := os.RemoveAll(work.Folder); err != nil {
			w.Log("request " + strconv.Itoa(work.ID) + ": " + err.Error())
		}
		if again, ok := errors.AsType[*AgainError](err); ok {
			return retry.Transient(again)
		}
		return err
	}, func(_ error, pause time.Duration) {
		_, _ = fmt.Fprintf(work.Log, "The engine asked for another try, in %s.\n", pause.Round(time.Second))
	})
	if err != nil {
		return result, errors.Join(err, work.discard())
	}
	return result, nil
}

// discard removes what an upgrade has made that does not count.
func (w Work) discard() error {
	return errors.Join(os.RemoveAll(w.Upgraded), os.RemoveAll(w.Filestore))
}

// end ends a request in a state.
func (r *Record) end(state string, result Result) {
	r.State, r.Ended = state, time.Now()
	r.Message, r.Notes, r.Result, r.Disabled = result.Message, result.Notes, result.Name, result.Disabled
	if state == Done && r.SkipTest {
		r.State = Delivered
	}
}
