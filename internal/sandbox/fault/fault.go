// Package fault scripts what a sandbox does wrong on purpose, so that workflows and
// this program itself can be tested against it.
//
// Parse reads a fault, a Set counts calls and says which faults each of them has, and
// Web, CutConn and SlowConn make them happen.
package fault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"odoo-upgrade-action/internal/retry"
)

// Fault is something that a sandbox does wrong on purpose.
type Fault struct {
	on          string // a method of the API, page or sftp
	first, last int    // of its calls, from 1 on; last 0 means all of them

	Kind string
	N    int64         // bytes, or an HTTP status
	Wait time.Duration // pause, or Retry-After
}

// kinds of faults, with what they apply to and what their argument is.
var faultKinds = map[string]struct {
	sftp, web bool
	argument  string // bytes, time or none
}{
	"reset":       {false, true, "none"},  // the connection breaks before the call takes effect
	"lost":        {false, true, "none"},  // it breaks after
	"cut":         {true, true, "bytes"},  // it breaks after that many bytes: of a dump, a page, or an SSH connection
	"truncated":   {false, true, "none"},  // half of the answer
	"html":        {false, true, "none"},  // a page in place of the answer
	"slow":        {false, true, "time"},  // the answer takes that long
	"hang":        {false, true, "none"},  // no response ever
	"early":       {false, true, "bytes"}, // of an upload: a good answer after that many bytes, of which nothing is kept
	"late":        {false, true, "time"},  // the connection breaks, and the call takes effect that much later
	"swapped":     {false, true, "none"},  // of a download that is resumed: the range of another file
	"wrong-total": {false, true, "none"},  // of a download that is resumed: another size of the whole file
	"refuse":      {true, false, "time"},  // no connection, for that long after the first; 0s is always
	"one-session": {true, false, "none"},  // one channel for each connection
	"no-reading":  {true, false, "none"},  // the shared file can be written only
	"growing":     {true, false, "none"},  // half of the upgraded file is there, until that was read
	"replaced":    {true, false, "none"},  // it is another file of the same size, until half of it was read
	"rate":        {true, false, "bytes"}, // that many bytes a second at most

	"no-inplace":  {true, false, "none"},  // rsync does not know --inplace
	"script-only": {true, false, "none"},  // only the commands of the vendor's script are accepted
	"exact-line":  {true, false, "none"},  // only its whole lines, with the names of all items
	"no-rsync":    {true, false, "none"},  // rsync is not installed
	"disk-full":   {true, false, "bytes"}, // rsync cannot write more than that
	"new-port":    {false, true, "none"},  // a transfer gets an SSH port of its own
}

// faultSubjects are what faults can be on: the API's methods, the pages that a
// status links to, and SSH connections.
var faultSubjects = []string{
	"create", "upload", "request_sftp_access", "process", "skip_test", "status", "page", // of v1
	"rpc-create", "rpc-process", "rpc-status", "transfer-start", "transfer-stop", "logs", // of json-rpc
	"sftp", "rsync", // connections of SSH, and commands on them
}

// Parse reads a fault: status=503, status:2=429:30s, upload:1-2=cut:100000,
// sftp:2-=refuse:0s. Before the = is what it is on, and which calls of it; after it the
// kind, where a number is an HTTP status, and its argument.
func Parse(text string) (f Fault, err error) {
	where, what, found := strings.Cut(text, "=")
	subject, calls, _ := strings.Cut(where, ":")
	kind, argument, _ := strings.Cut(what, ":")
	f = Fault{on: subject, Kind: kind}
	wrong := func(why string) (Fault, error) {
		return f, fmt.Errorf("%q is not a fault: %s; use one like status:2=503, upload:1=cut:100000 or sftp:2-=refuse:0s", text, why)
	}
	if !found || !slices.Contains(faultSubjects, subject) {
		return wrong("faults are on one of " + strings.Join(faultSubjects, ", "))
	}
	if f.first, f.last, err = callRange(calls); err != nil {
		return wrong("calls are counted from 1 on, like 2, 2-3 or 2-")
	}
	if code, err := strconv.Atoi(kind); err == nil && code >= 400 && code < 600 && !isSSH(subject) {
		f.Kind, f.N = "status", int64(code)
		if argument != "" {
			f.Wait, err = time.ParseDuration(argument)
		}
		if err != nil {
			return wrong("after an HTTP status comes how long to wait, like 429:30s")
		}
		return f, nil
	}
	known, ok := faultKinds[kind]
	if !ok || isSSH(subject) && !known.sftp || !isSSH(subject) && !known.web {
		return wrong(kind + " is not a kind of fault for that")
	}
	switch {
	case known.argument == "bytes":
		f.N, err = strconv.ParseInt(argument, 10, 64)
	case known.argument == "time":
		f.Wait, err = time.ParseDuration(argument)
	case argument != "":
		err = errors.New("none")
	}
	if err != nil || f.N < 0 || f.Wait < 0 {
		return wrong(kind + " takes another argument: " + known.argument)
	}
	return f, nil
}

func isSSH(subject string) bool { return subject == "sftp" || subject == "rsync" }

// callRange reads 2, 2-3, 2- and nothing, which is all.
func callRange(text string) (first, last int, err error) {
	if text == "" {
		return 1, 0, nil
	}
	from, to, ranged := strings.Cut(text, "-")
	first, err = strconv.Atoi(from)
	switch {
	case err != nil || first < 1:
		return 0, 0, errors.New("no number")
	case !ranged:
		return first, first, nil
	case to == "":
		return first, 0, nil
	}
	last, err = strconv.Atoi(to)
	if err == nil && last < first {
		err = errors.New("backwards")
	}
	return first, last, err
}

// Set counts calls and says what goes wrong with each.
type Set struct {
	List []Fault

	mu     sync.Mutex
	counts map[string]int
	firsts map[string]time.Time
}

// Next counts a call and returns its faults.
func (f *Set) Next(subject string) []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.counts == nil {
		f.counts, f.firsts = map[string]int{}, map[string]time.Time{}
	}
	f.counts[subject]++
	if f.counts[subject] == 1 {
		f.firsts[subject] = time.Now()
	}
	return f.active(subject)
}

// Active returns the faults of the last call that was counted.
func (f *Set) Active(subject string) []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.active(subject)
}

func (f *Set) active(subject string) []Fault {
	n := f.counts[subject]
	var list []Fault
	for _, fault := range f.List {
		over := fault.Kind == "refuse" && fault.Wait > 0 && time.Since(f.firsts[subject]) >= fault.Wait
		if fault.on == subject && fault.first <= n && (fault.last == 0 || n <= fault.last) && !over {
			list = append(list, fault)
		}
	}
	return list
}

// Web wraps a handler of the API or of a page in the faults that are on it, until ctx
// ends. An aborted handler closes its connection without a response.
func (f *Set) Web(ctx context.Context, subject string, serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for _, fault := range f.Next(subject) {
			if fault.Kind == "late" && w != nil {
				fault.later(ctx, r, serve)
			}
			w = fault.apply(ctx, w, r)
		}
		if w == nil {
			return // it has its response
		}
		serve(w, r)
		if late, ok := w.(*spoilt); ok {
			late.end()
		}
	}
}

// later carries out a call after its connection has broken.
func (f Fault) later(ctx context.Context, r *http.Request, serve http.HandlerFunc) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxLate))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	call := r.Clone(ctx)
	call.Body = io.NopCloser(bytes.NewReader(body))
	go func() {
		if retry.Sleep(ctx, f.Wait) == nil {
			serve(&unheard{header: http.Header{}}, call)
		}
	}()
	panic(http.ErrAbortHandler)
}

// maxLate limits the body of a call that takes effect later.
const maxLate = 1 << 20

// unheard discards the response to a call whose connection is gone.
type unheard struct{ header http.Header }

func (u *unheard) Header() http.Header         { return u.header }
func (u *unheard) Write(b []byte) (int, error) { return len(b), nil }
func (u *unheard) WriteHeader(int)             {}

// apply does what goes wrong before the call, and returns a writer that does the
// rest, nil where the call is answered.
func (f Fault) apply(ctx context.Context, w http.ResponseWriter, r *http.Request) http.ResponseWriter {
	if w == nil {
		return nil
	}
	switch f.Kind {
	case "reset":
		panic(http.ErrAbortHandler)
	case "new-port": // the protocol does it
	case "hang":
		select {
		case <-r.Context().Done():
		case <-ctx.Done():
		}
		panic(http.ErrAbortHandler)
	case "slow":
		late, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(ctx, cancel)()
		if retry.Sleep(late, f.Wait) != nil {
			panic(http.ErrAbortHandler)
		}
	case "html":
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!DOCTYPE html><title>Maintenance</title><h1>We will be back soon</h1>")
		return nil
	case "status":
		if f.Wait > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(f.Wait.Seconds())))
		}
		http.Error(w, http.StatusText(int(f.N)), int(f.N))
		return nil
	case "early":
		_, _ = io.CopyN(io.Discard, r.Body, f.N)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"failures": []}`)
		return nil
	case "swapped":
		if r.Header.Get("Range") != "" {
			r.Header.Del("If-Range")
			return &swapped{w}
		}
	case "wrong-total":
		if r.Header.Get("Range") != "" {
			return &wrongTotal{w}
		}
	case "lost", "truncated":
		return &spoilt{ResponseWriter: w, kind: f.Kind}
	case "cut":
		r.Body = &cutBody{r.Body, f.N}
		return &spoilt{ResponseWriter: w, kind: f.Kind, left: f.N}
	}
	return w
}
