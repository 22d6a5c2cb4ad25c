package job

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/httpcall"
	"odoo-upgrade-action/internal/platform"
	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/upgrade"
)

var (
	errNetwork   = retry.Transient(errors.New("connection reset"))
	errUnreached = retry.Transient(&upgrade.UnreachedError{Err: errors.New("connection refused")})
	errDeclined  = retry.Transient(&upgrade.DeclinedError{Err: errors.New("HTTP 503")})
	errBroken    = retry.Doubtful(errors.New("the server failed"))
	errPage      = &httpcall.ResponseError{Code: 200, Page: true, Problem: "is a page"}
	errRefused   = &upgrade.RefusedError{Failures: []upgrade.Failure{{Message: "No"}}}
	ticket       = upgrade.Ticket{ID: "7", Key: "secret"}
)

// fake is a platform that follows a script.
type fake struct {
	state     string
	pace      time.Duration // from process to done
	processed time.Time
	end       string
	filesize  int    // what it says that it has of the dump
	location  string // of what is downloaded
	copies    bool   // it says that it copies
	gain      int64  // bytes that each try of a download brings, 0 for a MiB
	forms     []dump.Form
	aim       string
	calls     []string

	create, upload, process, skip, fetch func(try int) error
	status                               func(now time.Duration) error // since the first call
	began                                time.Time
	tries                                map[string]int
}

func newFake() *fake {
	return &fake{state: "draft", pace: time.Minute, end: "done", tries: map[string]int{}}
}

// call counts a call and asks the script for its error.
func (f *fake) call(name string, script func(int) error) error {
	if f.began.IsZero() {
		f.began = time.Now()
	}
	f.tries[name]++
	f.calls = append(f.calls, name)
	if script == nil {
		return nil
	}
	return script(f.tries[name])
}

func (f *fake) Create(context.Context, upgrade.Request) (upgrade.Ticket, upgrade.Status, error) {
	if err := f.call("create", f.create); err != nil {
		return upgrade.Ticket{}, upgrade.Status{}, err
	}
	return ticket, f.now(), nil
}

func (f *fake) Status(_ context.Context, t upgrade.Ticket) (upgrade.Status, error) {
	if err := f.call("status", nil); t != ticket || err != nil {
		return upgrade.Status{}, fmt.Errorf("ticket %v: %w", t, err)
	}
	if f.status != nil {
		if err := f.status(time.Since(f.began)); err != nil {
			return upgrade.Status{}, err
		}
	}
	return f.now(), nil
}

func (f *fake) now() upgrade.Status {
	if f.state == "pending" && time.Since(f.processed) >= f.pace {
		f.state = f.end
	}
	s := upgrade.Status{Ticket: ticket, State: f.state, Phase: states.Phase(f.state), Copies: f.copies}
	if f.filesize > 0 {
		s.Upload = upgrade.Size{Known: true, Bytes: float64(f.filesize)}
	}
	s.Set(upgrade.CustomerMessage, "Hello")
	s.Set(upgrade.AimField, f.aim)
	return s
}

func (f *fake) Process(context.Context, upgrade.Ticket) error {
	err := f.call("process", f.process)
	if err == nil {
		f.take()
	}
	return err
}

func (f *fake) take() { f.state, f.processed = "pending", time.Now() }

func (f *fake) SkipTest(context.Context, upgrade.Ticket) error { return f.call("skip", f.skip) }

func (f *fake) Upload(_ context.Context, _ upgrade.Ticket, d dump.Info, sent func(int64)) (int64, error) {
	sent(d.Size)
	return 0, f.call("upload", f.upload)
}

func (f *fake) Fetch(_ context.Context, s upgrade.Status, item upgrade.Item, progress func(int64, int64)) (upgrade.Artifact, int64, error) {
	progress(int64(f.tries["fetch"]), 100)
	if s.Ticket != ticket {
		return upgrade.Artifact{}, 0, errors.New("the status of another request")
	}
	a := upgrade.Artifact{Item: item, Path: "p", Location: cmp.Or(f.location, "testdata/good.sql")}
	content, err := os.ReadFile(a.Location)
	if err != nil {
		return a, 0, err
	}
	a.SHA256 = fmt.Sprintf("%x", sha256.Sum256(content))
	return a, int64(f.tries["fetch"]) * cmp.Or(f.gain, 1<<20), f.call("fetch", f.fetch)
}

func (f *fake) Spec() platform.Spec {
	return platform.Spec{Takes: append(f.forms, dump.Form{Kind: dump.Custom}), Offers: []upgrade.Item{upgrade.UpgradedDump}}
}

// states are the fake's.
var states = upgrade.States{Draft: []string{"draft"}, Working: []string{"pending"}, Done: []string{"done", "delivered"}, Failed: []string{"failed"}}

func plan(t *testing.T) Plan {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db.dump")
	if err := os.WriteFile(path, []byte("PGDMP"), 0o600); err != nil {
		t.Fatal(err)
	}
	return Plan{
		Dump: path, Preflight: Off, Timeout: time.Hour, PollInterval: 30 * time.Second, Items: []upgrade.Item{upgrade.UpgradedDump},
	}
}

// kept are the references that were kept.
type kept []platform.Reference

func (k *kept) Keep(r platform.Reference) { *k = append(*k, r) }

// carry carries out a plan on virtual time and returns its end and what was told.
func carry(t *testing.T, f platform.Platform, command string, p Plan) (Ending, []event.Event) {
	t.Helper()
	var events []event.Event
	j := Job{Platform: f, Observe: func(e event.Event) { events = append(events, e) }, Keeper: new(kept)}
	return j.Do(t.Context(), CommandNamed(command), p), events
}

func warnings(events []event.Event) int {
	n := 0
	for _, e := range events {
		switch e.(type) {
		case event.CreateRetried, event.SkipTestFailed, event.DumpWarning:
			n++
		}
	}
	return n
}

func times(n int, err error) func(int) error {
	return func(try int) error {
		if try <= n {
			return err
		}
		return nil
	}
}

func TestRun(t *testing.T) {
	cases := []struct {
		name   string
		script func(f *fake, p *Plan)
		want   Result
		calls  string // without repeated ones
		warned int
	}{
		{"all well", func(f *fake, p *Plan) {}, Success, "create upload status process status fetch", 0},
		{"nothing to download", func(f *fake, p *Plan) { p.Items = nil }, Success, "create upload status process status", 0},
		{"upgrade failed", func(f *fake, p *Plan) { f.end = "failed" }, UpgradeFailed, "create upload status process status", 0},
		{"unknown state, then done", func(f *fake, p *Plan) {
			f.end = "limbo"
			f.status = func(now time.Duration) error {
				if now > 10*time.Minute {
					f.state = "done"
				}
				return nil
			}
		}, Success, "create upload status process status fetch", 0},
		{"timeout", func(f *fake, p *Plan) { f.pace = 2 * time.Hour }, Timeout, "create upload status process status", 0},
		{"create refused", func(f *fake, p *Plan) { f.create = times(1, errRefused) }, Refused, "create", 0},
		{"create lost twice", func(f *fake, p *Plan) { f.create = times(2, errNetwork) }, Success, "create upload status process status fetch", 1},
		{"create reaches no one twice", func(f *fake, p *Plan) { f.create = times(2, errUnreached) }, Success, "create upload status process status fetch", 0},
		{"create never answers", func(f *fake, p *Plan) { f.create = times(99, errNetwork) }, Failure, "create", 1},
		{"upload broken twice", func(f *fake, p *Plan) { f.upload = times(2, errNetwork) }, Success, "create upload status process status fetch", 0},
		{"upload broken for good", func(f *fake, p *Plan) { f.upload = times(99, errNetwork) }, UploadFailed, "create upload", 0},
		{"upload refused", func(f *fake, p *Plan) { f.upload = times(1, errRefused) }, Refused, "create upload", 0},
		{"upload short", func(f *fake, p *Plan) { f.filesize = 4 }, UploadFailed, "create upload status", 0},
		{"process lost, not taken", func(f *fake, p *Plan) { f.process = times(2, errNetwork) }, Success, "create upload status process status process status process status fetch", 0},
		{"process lost, then a page", func(f *fake, p *Plan) {
			f.process = times(1, errNetwork)
			checks := 0
			f.status = func(time.Duration) error {
				if checks++; checks == 2 {
					return errPage
				}
				return nil
			}
		}, Success, "create upload status process status process status fetch", 0},
		{"process lost, but taken", func(f *fake, p *Plan) {
			f.process = func(int) error { f.take(); return errNetwork }
		}, Success, "create upload status process status fetch", 0},
		{"process lost, taken late", func(f *fake, p *Plan) {
			f.process = func(try int) error {
				if try == 1 {
					return errNetwork
				}
				f.take() // the first call, at last
				return errRefused
			}
		}, Success, "create upload status process status process status fetch", 0},
		{"process answered by a page, not taken", func(f *fake, p *Plan) { f.process = times(1, errPage) }, Success, "create upload status process status process status fetch", 0},
		{"process answered by a page, but taken", func(f *fake, p *Plan) {
			f.process = func(int) error { f.take(); return errPage }
		}, Success, "create upload status process status fetch", 0},
		{"process lost, taken after a minute", func(f *fake, p *Plan) {
			f.process = times(1, errNetwork)
			f.status = func(now time.Duration) error {
				if now > 70*time.Second && f.state == "draft" {
					f.take()
				}
				return nil
			}
		}, Success, "create upload status process status fetch", 0},
		{"process lost while no one listens", func(f *fake, p *Plan) { f.process = times(2, errUnreached) }, Success, "create upload status process status fetch", 0},
		{"process declined twice", func(f *fake, p *Plan) { f.process = times(2, errDeclined) }, Success, "create upload status process status process status process status fetch", 0},
		{"process lost, then declined", func(f *fake, p *Plan) {
			f.process = func(try int) error { return []error{errNetwork, errDeclined, nil}[try-1] }
		}, Success, "create upload status process status process status process status fetch", 0},
		{"process declined, but taken", func(f *fake, p *Plan) {
			f.process = func(int) error { f.take(); return errDeclined }
		}, Success, "create upload status process status fetch", 0},
		{"process refused", func(f *fake, p *Plan) { f.process = times(1, errRefused) }, Refused, "create upload status process", 0},
		{"skip-test", func(f *fake, p *Plan) { p.SkipTest = true }, Success, "create upload status process skip status fetch", 0},
		{"skip-test refused", func(f *fake, p *Plan) { p.SkipTest, f.skip = true, times(1, errRefused) }, Success, "create upload status process skip status fetch", 1},
		{"outage of 14 minutes", outageOf(14*time.Minute, errNetwork), Success, "create upload status process status fetch", 0},
		{"a page for 14 minutes", outageOf(14*time.Minute, errPage), Success, "create upload status process status fetch", 0},
		{"a page right after process", func(f *fake, p *Plan) {
			checks := 0
			f.status = func(time.Duration) error {
				if checks++; checks == 2 {
					return errPage
				}
				return nil
			}
		}, Success, "create upload status process status fetch", 0},
		{"outage of 17 minutes", outageOf(17*time.Minute, errNetwork), Failure, "create upload status process status", 0},
		{"refused while waiting", outageOf(time.Minute, errRefused), Refused, "create upload status process status", 0},
		{"download broken often, but getting on", func(f *fake, p *Plan) { f.fetch = times(50, errNetwork) }, Success, "create upload status process status fetch", 0},
		{"download broken often, a byte each time", func(f *fake, p *Plan) { f.fetch, f.gain = times(50, errNetwork), 1 }, DownloadFailed, "create upload status process status fetch", 0},
		{"skip-test answered by a page", func(f *fake, p *Plan) { p.SkipTest, f.skip = true, times(2, errPage) }, Success, "create upload status process skip status fetch", 0},
		{"a proxy wants a password", outageOf(time.Minute, &httpcall.ResponseError{Code: 407}), Failure, "create upload status process status", 0},
		{"download refused", func(f *fake, p *Plan) { f.fetch = times(1, errPage) }, DownloadFailed, "create upload status process status fetch", 0},
		{"what arrives is not complete", func(f *fake, p *Plan) { f.location = p.Dump }, CheckFailed, "create upload status process status fetch", 0},
		{"the dump is replaced by a copy of its size and time", func(f *fake, p *Plan) {
			f.upload = func(int) error {
				info, _ := os.Stat(p.Dump)
				other := p.Dump + ".new"
				return errors.Join(os.WriteFile(other, []byte("PGDMx"), 0o600), os.Chtimes(other, info.ModTime(), info.ModTime()), os.Rename(other, p.Dump))
			}
		}, UploadFailed, "create upload", 0},
		{"the dump is changed in its place, and its time set back", func(f *fake, p *Plan) {
			f.upload = func(int) error {
				info, _ := os.Stat(p.Dump)
				return errors.Join(os.WriteFile(p.Dump, []byte("PGDMx"), 0o600), os.Chtimes(p.Dump, info.ModTime(), info.ModTime()))
			}
		}, UploadFailed, "create upload", 0},
		{"an item that is not offered", func(f *fake, p *Plan) { p.Items = []upgrade.Item{upgrade.Notes} }, InvalidInput, "", 0},
		{"no dump", func(f *fake, p *Plan) { p.Dump += "x" }, InvalidInput, "", 0},
		{"empty dump", func(f *fake, p *Plan) { _ = os.Truncate(p.Dump, 0) }, PreflightFailed, "", 0},
		{"dump is a folder", func(f *fake, p *Plan) { p.Dump = filepath.Dir(p.Dump) }, PreflightFailed, "", 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, p := newFake(), plan(t)
				c.script(f, &p)
				ending, events := carry(t, f, "run", p)
				if ending.Result != c.want || (ending.Err == nil) != (c.want == Success) {
					t.Errorf("%s: %v, want %s", ending.Result, ending.Err, c.want)
				}
				if got := strings.Join(compact(f.calls), " "); got != c.calls {
					t.Errorf("calls: %s\nwant:  %s", got, c.calls)
				}
				if got := warnings(events); got != c.warned {
					t.Errorf("%d warnings, want %d", got, c.warned)
				}
				if want := f.state != "draft"; ending.ProcessSent != want {
					t.Errorf("asked to process: %t", ending.ProcessSent)
				}
				if c.want == Success && len(ending.Artifacts) != len(p.Items) {
					t.Errorf("artifacts: %v", ending.Artifacts)
				}
			})
		})
	}
}

// TestOutages has each call and transfer fail for 14 minutes, and for 20: the same outage ends
// no run, or every run, whatever it meets.
func TestOutages(t *testing.T) {
	for name, on := range map[string]func(f *fake, script func(int) error){
		"create":    func(f *fake, script func(int) error) { f.create = script },
		"upload":    func(f *fake, script func(int) error) { f.upload = script },
		"process":   func(f *fake, script func(int) error) { f.process = script },
		"skip test": func(f *fake, script func(int) error) { f.skip = script },
		"download":  func(f *fake, script func(int) error) { f.fetch, f.gain = script, 1 },
	} {
		for kind, err := range map[string]error{"no connection": errUnreached, "declined": errDeclined, "broken": errNetwork} {
			for _, length := range []time.Duration{14 * time.Minute, 20 * time.Minute} {
				t.Run(fmt.Sprintf("%s, %s, %v", name, kind, length), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						f, p := newFake(), plan(t)
						p.SkipTest = name == "skip test"
						var began time.Time
						on(f, func(int) error {
							if began.IsZero() {
								began = time.Now()
							}
							if time.Since(began) < length {
								return err
							}
							return nil
						})
						ending, events := carry(t, f, "run", p)
						survived := ending.Result == Success
						if name == "skip test" { // which ends nothing, but is told
							survived = warnings(events) == 0
						}
						if survived != (length < 15*time.Minute) {
							t.Errorf("%s after %v: %v", ending.Result, time.Since(began), ending.Err)
						}
						if !survived && name != "skip test" && time.Since(began) > 18*time.Minute {
							t.Errorf("it took %v", time.Since(began))
						}
					})
				})
			}
		}
	}
}

// TestServerThatFails has a server that is there, and fails each transfer: which is not an outage.
func TestServerThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, p, began := newFake(), plan(t), time.Now()
		f.upload = times(99, errBroken)
		if ending, _ := carry(t, f, "run", p); ending.Result != UploadFailed || f.tries["upload"] != 4 || time.Since(began) > time.Minute {
			t.Errorf("%s after %d tries in %v", ending.Result, f.tries["upload"], time.Since(began))
		}
	})
}

// TestProcessDeclined asks again soon: only a call that may have been accepted is waited for.
func TestProcessDeclined(t *testing.T) {
	for name, c := range map[string]struct {
		err     error
		least   time.Duration
		most    time.Duration
		watched int
	}{
		"declined": {errDeclined, 0, 5 * time.Second, 0},
		"a page":   {errPage, 0, 5 * time.Second, 0},
		"lost":     {errNetwork, settleTime, settleTime + 20*time.Second, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, p := newFake(), plan(t)
				var first, second time.Time
				f.process = func(try int) error {
					if try == 1 {
						first = time.Now()
						return c.err
					}
					second = time.Now()
					return nil
				}
				_, events := carry(t, f, "run", p)
				watched := 0
				for _, e := range events {
					if _, ok := e.(event.MayHaveAccepted); ok {
						watched++
					}
				}
				if took := second.Sub(first); took < c.least || took > c.most || watched != c.watched {
					t.Errorf("asked again after %v, watched %d times", took, watched)
				}
			})
		})
	}
}

// TestStatusThatDoesNotChange has a cache answer with the status from before process: that is
// said once.
func TestStatusThatDoesNotChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, p := newFake(), plan(t)
		f.process = func(int) error { return nil }
		f.status = func(time.Duration) error { f.state = "draft"; return nil }
		ending, events := carry(t, f, "run", p)
		said := 0
		for _, e := range events {
			if _, ok := e.(event.StillDraft); ok {
				said++
			}
		}
		if ending.Result != Timeout || said != 1 || !ending.ProcessSent || ending.Status.Phase != upgrade.Draft {
			t.Errorf("%s, said %d times", ending.Result, said)
		}
	})
}

// outage makes checks fail with err for a while, from a minute after the first
// call on.
func outageOf(length time.Duration, err error) func(*fake, *Plan) {
	return func(f *fake, p *Plan) {
		f.pace = 10 * time.Minute
		f.status = func(now time.Duration) error {
			if now > time.Minute && now < time.Minute+length {
				return err
			}
			return nil
		}
	}
}

// compact drops what repeats the one before.
func compact(calls []string) []string {
	var out []string
	for i, c := range calls {
		if i == 0 || c != calls[i-1] {
			out = append(out, c)
		}
	}
	return out
}

func TestGoingOnWithATicket(t *testing.T) {
	cases := []struct {
		name, state string
		do          string
		noDump      bool
		want        Result
		calls       string
	}{
		{"run a draft", "draft", "run", false, Success, "status upload status process status fetch"},
		{"run a draft without a dump", "draft", "run", true, InvalidInput, "status"},
		{"run what is at work", "pending", "run", true, Success, "status fetch"},
		{"run what is done", "done", "run", true, Success, "status fetch"},
		{"run what failed", "failed", "run", true, UpgradeFailed, "status"},
		{"start a draft", "draft", "start", false, Pending, "status upload status process status"},
		{"start what is at work", "pending", "start", true, Pending, "status"},
		{"run a Draft", "Draft", "run", false, Success, "status upload status process status fetch"},
		{"wait for a draft", "draft", "wait", true, InvalidInput, "status"},
		{"wait", "pending", "wait", true, Success, "status"},
		{"wait for what failed", "failed", "wait", true, UpgradeFailed, "status"},
		{"check a draft", "draft", "status", true, Pending, "status"},
		{"check what is done", "done", "status", true, Success, "status"},
		{"check what failed", "failed", "status", true, UpgradeFailed, "status"},
		{"check the unknown", "limbo", "status", true, Pending, "status"},
		{"download", "done", "download", true, Success, "status fetch"},
		{"download too early", "pending", "download", true, DownloadFailed, "status"},
		{"download what failed", "failed", "download", true, UpgradeFailed, "status"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, p := newFake(), plan(t)
				f.state, f.processed, p.Ticket = c.state, time.Now(), ticket
				if c.noDump {
					p.Dump = ""
				}
				ending, _ := carry(t, f, c.do, p)
				if ending.Result != c.want {
					t.Errorf("%s: %v, want %s", ending.Result, ending.Err, c.want)
				}
				if got := strings.Join(compact(f.calls), " "); got != c.calls {
					t.Errorf("calls: %s\nwant:  %s", got, c.calls)
				}
			})
		})
	}
}

func TestSkipTestIsMadeUpFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, p := newFake(), plan(t)
		f.state, f.processed, p.Ticket, p.SkipTest = "pending", time.Now(), ticket, true
		if ending, _ := carry(t, f, "run", p); ending.Result != Success || f.tries["skip"] != 1 {
			t.Errorf("%s with %v", ending.Result, f.calls)
		}
	})
}

func TestAnotherDumpForADraft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, p := newFake(), plan(t)
		p.Ticket, p.DumpSHA256 = ticket, strings.Repeat("0", 64)
		ending, _ := carry(t, f, "run", p)
		if ending.Result != InvalidInput || !strings.Contains(ending.Err.Error(), "not the one that request 7 was created for") {
			t.Errorf("%s: %v", ending.Result, ending.Err)
		}
		p.DumpSHA256 = ending.Dump.SHA256
		if ending, _ = carry(t, f, "run", p); ending.Result != Success {
			t.Errorf("the same dump: %s: %v", ending.Result, ending.Err)
		}
	})
}

// TestUnknownAimOnAPullRequest: not every platform says what a request is for.
func TestUnknownAimOnAPullRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, p := newFake(), plan(t)
		p.Ticket, p.PullRequest = ticket, "pull_request"
		ending, _ := carry(t, f, "run", p)
		if ending.Result != InvalidInput || f.tries["upload"] != 0 || !strings.Contains(ending.Err.Error(), "the aim of the request is not known") {
			t.Errorf("%s: %v", ending.Result, ending.Err)
		}
	})
}

// TestAimThatIsAlmostTest is what a guard must not let through on a pull request.
func TestAimThatIsAlmostTest(t *testing.T) {
	for _, aim := range []string{"Production", "production ", "prod", "TEST", "test,production"} {
		synctest.Test(t, func(t *testing.T) {
			f, p := newFake(), plan(t)
			f.aim, p.Ticket, p.PullRequest = aim, ticket, "pull_request"
			if ending, _ := carry(t, f, "run", p); ending.Result != InvalidInput || f.tries["upload"] != 0 {
				t.Errorf("%s: %s, %v", aim, ending.Result, ending.Err)
			}
		})
	}
}

func TestInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, p := newFake(), plan(t)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Second, cancel)
		start := time.Now()
		ending := Job{Platform: f, Observe: func(event.Event) {}, Keeper: new(kept)}.Do(ctx, CommandNamed("run"), p)
		if ending.Result != Interrupted || ending.Ticket != ticket || ending.Status.State != "pending" || time.Since(start) != 20*time.Second {
			t.Errorf("%+v after %v", ending, time.Since(start))
		}
	})
}

// TestAsked stops while the platform is asked to process: only a call that it may
// have had counts.
func TestAsked(t *testing.T) {
	for err, want := range map[error]bool{errNetwork: true, errPage: false, errUnreached: false} {
		synctest.Test(t, func(t *testing.T) {
			f, p := newFake(), plan(t)
			f.process = times(99, err)
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(20*time.Second, cancel)
			ending := Job{Platform: f, Observe: func(event.Event) {}, Keeper: new(kept)}.Do(ctx, CommandNamed("run"), p)
			if ending.Result != Interrupted || ending.Status.State != "draft" || ending.ProcessSent != want {
				t.Errorf("%v: %+v", err, ending)
			}
		})
	}
}

func TestTimeoutIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, p := newFake(), plan(t)
		f.pace, p.Timeout = 24*time.Hour, 90*time.Second
		start := time.Now()
		ending, _ := carry(t, f, "run", p)
		if ending.Result != Timeout || time.Since(start) != 90*time.Second {
			t.Errorf("%s after %v", ending.Result, time.Since(start))
		}
		// An upgrade that ends together with the timeout is a success.
		f, p = newFake(), plan(t)
		f.pace, p.Timeout = 90*time.Second, 90*time.Second
		if ending, _ := carry(t, f, "run", p); ending.Result != Success {
			t.Errorf("ended in time: %s", ending.Result)
		}
		// An outage must not stretch it.
		f, p = newFake(), plan(t)
		p.Timeout, f.pace = 2*time.Minute, time.Hour
		f.status = func(now time.Duration) error {
			if now > time.Minute {
				return errNetwork
			}
			return nil
		}
		start = time.Now()
		ending, _ = carry(t, f, "run", p)
		late, ok := errors.AsType[*TimeoutError](ending.Err)
		if !ok || late.Last == nil || ending.Result != Timeout || time.Since(start) > 4*time.Minute {
			t.Errorf("%s after %v: %v", ending.Result, time.Since(start), ending.Err)
		}
	})
}

// minimal is a platform that only creates requests and reports their status.
type minimal struct {
	platform.Base
	f *fake
}

func (m minimal) Spec() platform.Spec { return platform.Spec{Name: "minimal"} }

func (m minimal) Create(ctx context.Context, r upgrade.Request) (upgrade.Ticket, upgrade.Status, error) {
	return m.f.Create(ctx, r)
}
func (m minimal) Status(ctx context.Context, t upgrade.Ticket) (upgrade.Status, error) {
	return m.f.Status(ctx, t)
}

func TestMinimalPlatform(t *testing.T) {
	for command, want := range map[string]struct {
		result Result
		err    string
	}{
		"run":      {Success, ""},
		"start":    {Pending, ""},
		"wait":     {Success, ""},
		"status":   {Pending, ""},
		"download": {InvalidInput, "offers no files"},
	} {
		synctest.Test(t, func(t *testing.T) {
			f, p := newFake(), plan(t)
			f.take()
			if p.Items = nil; command == "download" {
				p.Items = []upgrade.Item{upgrade.UpgradedDump}
			}
			if p.Dump = ""; command != "run" && command != "start" {
				p.Ticket = ticket
			}
			ending, _ := carry(t, minimal{f: f}, command, p)
			if f.tries["upload"]+f.tries["process"] > 0 {
				t.Errorf("%s: %v", command, f.calls)
			}
			if ending.Result != want.result || (ending.Err == nil) != (want.err == "") || ending.Err != nil && !strings.Contains(ending.Err.Error(), want.err) {
				t.Errorf("%s: %s, %v", command, ending.Result, ending.Err)
			}
		})
	}
}

func TestCommandsAreFine(t *testing.T) {
	for _, test := range []struct {
		command string
		ending  Ending
		fine    bool
	}{
		{"run", Ending{Result: Success}, true},
		{"run", Ending{Result: Pending}, false},
		{"start", Ending{Result: Pending}, true},
		{"status", Ending{Result: UpgradeFailed}, true},
		{"download", Ending{Result: UpgradeFailed}, true},
		{"download", Ending{Result: UpgradeFailed, Err: errPage}, false},
		{"wait", Ending{Result: UpgradeFailed, Err: errPage}, false},
		{"no such command", Ending{Result: Success}, false},
	} {
		if got := CommandNamed(test.command).IsFine(test.ending); got != test.fine {
			t.Errorf("%s with %s: %t", test.command, test.ending.Result, got)
		}
	}
}
