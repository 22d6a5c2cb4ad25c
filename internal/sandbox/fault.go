package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
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
	first, last int    // of its calls, from 1 on; last 0 is no end
	kind        string
	n           int64         // bytes, or an HTTP status
	wait        time.Duration // pause, or Retry-After
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
	"hang":        {false, true, "none"},  // there is no answer
	"refuse":      {true, false, "time"},  // no connection, for that long after the first; 0s is always
	"one-session": {true, false, "none"},  // one channel for each connection
	"no-reading":  {true, false, "none"},  // the shared file can be written only
	"rate":        {true, false, "bytes"}, // that many bytes a second at most
}

// faultSubjects are what faults can be on: the API's methods, the pages that a
// status links to, and SSH connections.
var faultSubjects = []string{"create", "upload", "request_sftp_access", "process", "skip_test", "status", "page", "sftp"}

// ParseFault reads a fault: status=503, status:2=429:30s, upload:1-2=cut:100000,
// sftp:2-=refuse:0s. Before the = stands what it is on, with which calls of it;
// behind it the kind, a number being an HTTP status, and its argument.
func ParseFault(text string) (f Fault, err error) {
	where, what, found := strings.Cut(text, "=")
	subject, calls, _ := strings.Cut(where, ":")
	kind, argument, _ := strings.Cut(what, ":")
	f = Fault{on: subject, kind: kind}
	wrong := func(why string) (Fault, error) {
		return f, fmt.Errorf("%q is no fault: %s; give one like status:2=503, upload:1=cut:100000 or sftp:2-=refuse:0s", text, why)
	}
	if !found || !slices.Contains(faultSubjects, subject) {
		return wrong("faults are on one of " + strings.Join(faultSubjects, ", "))
	}
	if f.first, f.last, err = callRange(calls); err != nil {
		return wrong("calls are counted from 1 on, like 2, 2-3 or 2-")
	}
	if code, err := strconv.Atoi(kind); err == nil && code >= 400 && code < 600 && subject != "sftp" {
		f.kind, f.n = "status", int64(code)
		if argument != "" {
			f.wait, err = time.ParseDuration(argument)
		}
		if err != nil {
			return wrong("behind an HTTP status stands how long to wait, like 429:30s")
		}
		return f, nil
	}
	known, ok := faultKinds[kind]
	if !ok || subject == "sftp" && !known.sftp || subject != "sftp" && !known.web {
		return wrong(kind + " is no kind for that")
	}
	switch {
	case known.argument == "bytes":
		f.n, err = strconv.ParseInt(argument, 10, 64)
	case known.argument == "time":
		f.wait, err = time.ParseDuration(argument)
	case argument != "":
		err = errors.New("none")
	}
	if err != nil || f.n < 0 || f.wait < 0 {
		return wrong(kind + " takes another argument: " + known.argument)
	}
	return f, nil
}

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

// faults counts calls and tells what goes wrong with each.
type faults struct {
	list []Fault

	mu     sync.Mutex
	counts map[string]int
	firsts map[string]time.Time
}

// next counts a call and returns its faults.
func (f *faults) next(subject string) []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.counts == nil {
		f.counts, f.firsts = map[string]int{}, map[string]time.Time{}
	}
	f.counts[subject]++
	n := f.counts[subject]
	if n == 1 {
		f.firsts[subject] = time.Now()
	}
	var list []Fault
	for _, fault := range f.list {
		over := fault.kind == "refuse" && fault.wait > 0 && time.Since(f.firsts[subject]) >= fault.wait
		if fault.on == subject && fault.first <= n && (fault.last == 0 || n <= fault.last) && !over {
			list = append(list, fault)
		}
	}
	return list
}

// fail wraps a handler of the API or of a page in the faults that are on it. An
// aborted handler closes its connection without an answer.
func (s *Server) fail(subject string, serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for _, f := range s.faults.next(subject) {
			w = f.apply(s.ctx, w, r)
		}
		if w == nil {
			return // answered already
		}
		serve(w, r)
		if late, ok := w.(*spoilt); ok {
			late.end()
		}
	}
}

// apply does what goes wrong before the call, and returns a writer that does the
// rest, nil where the call is answered.
func (f Fault) apply(ctx context.Context, w http.ResponseWriter, r *http.Request) http.ResponseWriter {
	if w == nil {
		return nil
	}
	switch f.kind {
	case "reset":
		panic(http.ErrAbortHandler)
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
		if retry.Sleep(late, f.wait) != nil {
			panic(http.ErrAbortHandler)
		}
	case "html":
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!DOCTYPE html><title>Maintenance</title><h1>We will be back soon</h1>")
		return nil
	case "status":
		if f.wait > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(f.wait.Seconds())))
		}
		http.Error(w, http.StatusText(int(f.n)), int(f.n))
		return nil
	case "lost", "truncated":
		return &spoilt{ResponseWriter: w, kind: f.kind}
	case "cut":
		r.Body = &cutBody{r.Body, f.n}
		return &spoilt{ResponseWriter: w, kind: f.kind, left: f.n}
	}
	return w
}

// spoilt is an answer that goes wrong.
type spoilt struct {
	http.ResponseWriter
	kind string
	left int64
	text []byte
}

func (s *spoilt) WriteHeader(code int) {
	if s.kind == "cut" {
		s.ResponseWriter.WriteHeader(code)
	}
}

func (s *spoilt) Write(b []byte) (int, error) {
	switch s.kind {
	case "cut":
		n := min(int64(len(b)), s.left)
		_, _ = s.ResponseWriter.Write(b[:n])
		if s.left -= n; s.left <= 0 {
			_ = http.NewResponseController(s.ResponseWriter).Flush()
			panic(http.ErrAbortHandler)
		}
	case "truncated":
		s.text = append(s.text, b...)
	}
	return len(b), nil
}

// end sends what a spoilt answer sends after the call has taken effect.
func (s *spoilt) end() {
	switch s.kind {
	case "lost":
		panic(http.ErrAbortHandler)
	case "truncated":
		s.ResponseWriter.Header().Set("Content-Length", strconv.Itoa(len(s.text)))
		_, _ = s.ResponseWriter.Write(s.text[:len(s.text)/2])
		_ = http.NewResponseController(s.ResponseWriter).Flush()
		panic(http.ErrAbortHandler)
	}
}

// cutBody breaks the connection when that much of a body was read.
type cutBody struct {
	io.ReadCloser
	left int64
}

func (c *cutBody) Read(b []byte) (int, error) {
	if c.left <= 0 {
		panic(http.ErrAbortHandler)
	}
	n, err := c.ReadCloser.Read(b[:min(int64(len(b)), c.left)])
	c.left -= int64(n)
	return n, err
}

// cutConn closes itself when that many bytes went through, either way.
type cutConn struct {
	net.Conn
	mu   sync.Mutex
	left int64
}

func (c *cutConn) count(n int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left -= int64(n); c.left <= 0 {
		_ = c.Conn.Close()
		return net.ErrClosed
	}
	return nil
}

func (c *cutConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	return n, errors.Join(err, c.count(n))
}

func (c *cutConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	left := c.left
	c.mu.Unlock()
	n, err := c.Conn.Write(b[:max(0, min(int64(len(b)), left))])
	if broken := c.count(n); broken != nil {
		return n, broken
	}
	return n, err
}

// slowConn takes its time.
type slowConn struct {
	net.Conn
	ctx  context.Context
	rate int64
}

func (c *slowConn) pass(n int) error {
	return retry.Sleep(c.ctx, time.Duration(float64(n)/float64(max(1, c.rate))*float64(time.Second)))
}

func (c *slowConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	return n, errors.Join(err, c.pass(n))
}

func (c *slowConn) Write(b []byte) (int, error) {
	if err := c.pass(len(b)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}
