package v1

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"odoo-upgrade-action/internal/advice"
	"odoo-upgrade-action/internal/httpcall"
	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/upgrade"
)

const key = "Aw7p+tGV/FuZ_FOR3U8VFQ=="

var ticket = upgrade.Ticket{ID: "10534", Key: key}

// sample is the section "Obtaining your request status", sample output, with
// the hosts as they are there.
const sample = `{"failures": [], "request": {"id": 10534, "key": "Aw7p+tGV\/FuZ_FOR3U8VFQ\u003d=",
 "email": "john.doe@example.com", "target": "8.0", "aim": "test", "filename": "db_name.dump", "timezone": null,
 "state": "draft", "issue_stage": "new", "issue": 648398,
 "status_url": "https://h/Aw7/status", "notes_url": "https://h/Aw7/upgraded/notes",
 "original_sql_url": "https://h/Aw7/original/sql", "original_dump_url": "https://h/Aw7/original/archive",
 "upgraded_sql_url": "https://h/Aw7/upgraded/sql", "upgraded_dump_url": "https://h/Aw7/upgraded/archive",
 "modules_url": "https://h/Aw7/modules/archive", "filesize": "912.99 Kb", "database_uuid": null,
 "created_at": "2015-09-09 07:13:49", "estimated_time": null, "processed_at": null, "elapsed": "00:00",
 "filestore": false, "customer_message": null, "database_version": null, "postgresql": "9.4",
 "compressions": ["pgdmp_custom", "sql"]}}`

func sampleStatus() upgrade.Status {
	return upgrade.Status{Ticket: ticket, State: "draft", Phase: upgrade.Draft, Fields: map[upgrade.Field]string{
		"email": "john.doe@example.com", "target": "8.0", "aim": "test", "filename": "db_name.dump", "timezone": "",
		"issue-stage": "new", "issue": "648398", "filesize": "912.99 Kb", "database-uuid": "", "created-at": "2015-09-09 07:13:49",
		"estimated-time": "", "processed-at": "", "elapsed": "00:00", "filestore": "false", "customer-message": "", "database-version": "",
		"postgresql": "9.4", "compressions": "pgdmp_custom,sql",
	}, Links: map[upgrade.Link]upgrade.Secret{
		"status-url": "https://h/Aw7/status", "notes-url": "https://h/Aw7/upgraded/notes",
		"original-sql-url": "https://h/Aw7/original/sql", "original-dump-url": "https://h/Aw7/original/archive",
		"upgraded-sql-url": "https://h/Aw7/upgraded/sql", "upgraded-dump-url": "https://h/Aw7/upgraded/archive",
		"modules-url": "https://h/Aw7/modules/archive",
	}, Upload: sizeOf("912.99 Kb")}
}

// serve returns a client of a server that answers as handler does.
func serve(t *testing.T, handler http.HandlerFunc) *client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ExpectContinueTimeout = time.Hour // without it, a busy machine sends a body before it is asked for
	client, err := newClient(server.URL+"/", transport)
	if err != nil {
		t.Fatal(err)
	}
	client.states = states
	return client
}

func answerWith(code int, media, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", media)
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

func TestCreateSendsAFormAndReadsTheStatus(t *testing.T) {
	target, _ := upgrade.ParseTarget("8.0")
	request := upgrade.Request{Contract: "M123456-abcdef", Email: "john.doe@example.com", Target: target, Aim: upgrade.Test, Filename: "db name.dump"}
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		want := url.Values{"contract": {"M123456-abcdef"}, "email": {"john.doe@example.com"}, "target": {"8.0"}, "aim": {"test"}, "filename": {"db name.dump"}}
		if diff := cmp.Diff(want, r.PostForm); diff != "" || r.URL.RawQuery != "" || r.URL.Path != "/database/v1/create" || r.Method != "POST" {
			t.Errorf("%s %s %s", r.Method, r.URL, diff)
		}
		answerWith(200, "application/json", sample)(w, r)
	})
	got, status, err := client.Create(t.Context(), request)
	if err != nil || got != ticket {
		t.Fatalf("ticket %#v, error %v", got, err)
	}
	if raw := status.Raw.Reveal(); !strings.Contains(raw, `"issue":648398`) || !strings.Contains(raw, key) {
		t.Error("the raw status is not kept")
	}
	status.Raw = ""
	if diff := cmp.Diff(sampleStatus(), status); diff != "" {
		t.Error(diff)
	}
}

func TestCreateTakesNoStrangeAddress(t *testing.T) {
	for _, request := range []string{
		`{"id": "1\n::error::x", "key": "Aw7pItGVKFuZ"}`, `{"id": 1, "key": "short"}`, `{"id": 1, "key": "Aw7p ItGVKFuZ"}`, `{"id": 1}`, `{"key": "Aw7pItGVKFuZ"}`,
	} {
		client := serve(t, answerWith(200, "application/json", `{"request": `+request+`}`))
		if got, _, err := client.Create(t.Context(), upgrade.Request{}); err == nil || retry.IsTransient(err) {
			t.Errorf("%s was taken as %#v (%v)", request, got, err)
		}
	}
}

func TestProcessSkipTestAndStatusHideTheKeyInTheForm(t *testing.T) {
	for method, call := range map[string]func(*client) error{
		"process":   func(c *client) error { return c.Process(t.Context(), ticket) },
		"skip_test": func(c *client) error { return c.SkipTest(t.Context(), ticket) },
		"status":    func(c *client) error { _, err := c.Status(t.Context(), ticket); return err },
	} {
		client := serve(t, func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			if r.URL.Path != "/database/v1/"+method || r.URL.RawQuery != "" || r.PostForm.Get("key") != key || r.PostForm.Get("request") != "10534" {
				t.Errorf("%s: %s %v", method, r.URL, r.PostForm)
			}
			answerWith(200, "application/json", sample)(w, r)
		})
		if err := call(client); err != nil {
			t.Errorf("%s: %v", method, err)
		}
	}
}

func TestUploadStreamsWithItsLength(t *testing.T) {
	const dump = "PGDMP and so on"
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.Query().Get("key") != key || r.URL.Query().Get("request") != "10534" || r.ContentLength != int64(len(dump)) ||
			string(body) != dump || r.Header.Get("Content-Type") != "application/octet-stream" {
			t.Errorf("%s, %d bytes announced, body %q, %v", r.URL, r.ContentLength, body, r.Header)
		}
		answerWith(200, "application/json", `{"failures": []}`)(w, r)
	})
	open := func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(dump)), nil }
	if err := client.upload(t.Context(), ticket, open, int64(len(dump))); err != nil {
		t.Error(err)
	}
}

func TestUploadRefusedBeforeTheBody(t *testing.T) {
	client := serve(t, answerWithoutReading(http.StatusRequestEntityTooLarge))
	read := 0
	open := func() (io.ReadCloser, error) {
		return io.NopCloser(readerFunc(func(p []byte) (int, error) { read += len(p); return len(p), nil })), nil
	}
	err := client.upload(t.Context(), ticket, open, 1<<40)
	refused, ok := errors.AsType[*httpcall.ResponseError](err)
	if !ok || refused.Code != http.StatusRequestEntityTooLarge || read > 1<<20 {
		t.Errorf("%v after %d bytes", err, read)
	}
}

// TestUploadWithoutExpect meets a server, or a proxy, that does not know Expect.
func TestUploadWithoutExpect(t *testing.T) {
	const dump = "PGDMP and so on"
	calls := 0
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		calls++
		if r.Header.Get("Expect") != "" {
			w.WriteHeader(http.StatusExpectationFailed)
			return
		}
		body, _ := io.ReadAll(r.Body)
		if string(body) != dump {
			t.Errorf("%q", body)
		}
		answerWith(200, "application/json", `{"failures": []}`)(w, r)
	})
	open := func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(dump)), nil }
	if err := client.upload(t.Context(), ticket, open, int64(len(dump))); err != nil || calls != 2 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func answerWithoutReading(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(code) }
}

func TestRequestSFTPAccess(t *testing.T) {
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		part, err := multipart.NewReader(r.Body, params["boundary"]).NextPart()
		if err != nil {
			t.Error(err)
			return
		}
		keys, _ := io.ReadAll(part)
		if part.FormName() != "ssh_keys" || string(keys) != "ssh-ed25519 AAAA\n" || r.URL.Query().Get("key") != key {
			t.Errorf("part %q %q, %s", part.FormName(), keys, r.URL)
		}
		answerWith(200, "application/json", `{"failures": [], "request": {"hostname": "up.example", "sftp_port": "2200",
			"sftp_user": "user_10534", "shared_file": "db.dump", "request_id": 10534, "sample_command": "rm -rf /"}}`)(w, r)
	})
	got, err := client.requestSFTPAccess(t.Context(), ticket, []byte("ssh-ed25519 AAAA\n"))
	want := sftpAccess{Hostname: "up.example", Port: 2200, User: "user_10534", SharedFile: "db.dump"}
	if err != nil || got != want {
		t.Errorf("%#v, %v", got, err)
	}
}

func TestFailuresKeepEverything(t *testing.T) {
	client := serve(t, answerWith(200, "application/json", `{"failures": [
	 {"expected": ["6.0", 7.0], "message": "Invalid value \"5.0\"", "reason": "TARGET:INVALID", "value": "5.0", "extra": {"a": 1}},
	 {"code": "M123456-abcxyz", "message": "Can not find contract M123456-abcxyz", "reason": "CONTRACT:NOT_FOUND"}]}`))
	_, err := client.Status(t.Context(), ticket)
	refused, ok := errors.AsType[*upgrade.RefusedError](err)
	if !ok || retry.IsTransient(err) {
		t.Fatalf("%v", err)
	}
	want := []upgrade.Failure{
		{Kind: upgrade.TargetRefusal, Reason: "TARGET:INVALID", Message: `Invalid value "5.0"`, Value: "5.0", Expected: []string{"6.0", "7.0"}, Other: map[string]string{"extra": `{"a": 1}`}},
		{Kind: upgrade.ContractRefusal, Reason: "CONTRACT:NOT_FOUND", Message: "Can not find contract M123456-abcxyz", Code: "M123456-abcxyz"},
	}
	if diff := cmp.Diff(want, refused.Failures); diff != "" || refused.Kind != upgrade.TargetRefusal {
		t.Error(diff)
	}
}

// TestAnswers goes through what may come instead of the specification's answer.
func TestAnswers(t *testing.T) {
	const html = "<html>sign in</html>"
	cases := []struct {
		name        string
		code        int
		media, body string
		transient   bool
		says        []string // nil: a good answer
	}{
		{"good", 200, "application/json", sample, false, nil},
		{"good, failures null", 200, "application/json", `{"failures": null, "request": {"state": "done"}}`, false, nil},
		{"good, failures false", 200, "text/plain", `{"failures": false, "request": {"state": "done"}}`, false, nil},
		{"good, failures missing", 200, "application/json", `{"request": {"state": "done"}}`, false, nil},
		{"good, everything of another type", 200, "application/json", `{"request": {"state": "done", "id": "10534", "filesize": 7, "compressions": "sql", "filestore": "True", "issue": {}}}`, false, nil},
		{"page", 200, "text/html; charset=utf-8", html, false, []string{"HTTP 200 OK, text/html", "not a JSON dictionary", "login page", "127.0.0.1:"}},
		{"proxy's page", 502, "text/html", html, true, []string{"HTTP 502 Bad Gateway, text/html"}},
		{"too many", 429, "", "", true, []string{"HTTP 429"}},
		{"not found", 404, "text/html", html, false, []string{"HTTP 404"}},
		{"not implemented", 501, "text/html", html, false, []string{"HTTP 501"}},
		{"failures in an error", 400, "application/json", `{"failures": [{"message": "No such key"}]}`, false, []string{"refused: No such key"}},
		{"failures of another shape", 200, "application/json", `{"failures": {"a": "b"}}`, false, []string{"the platform refused", "a"}},
		{"failures as a text", 200, "application/json", `{"failures": "broken"}`, false, []string{"refused: broken"}},
		{"failures as texts", 200, "application/json", `{"failures": ["broken"]}`, false, []string{"refused: broken"}},
		{"failures for now", 503, "application/json", `{"failures": [{"message": "Later"}]}`, true, []string{"Later"}},
		{"truncated", 200, "application/json", sample[:200], true, []string{"incomplete JSON"}},
		{"empty", 200, "application/json", "", true, []string{"incomplete JSON"}},
		{"list", 200, "application/json", "[]", false, []string{"not a JSON dictionary"}},
		{"neither key", 200, "application/json", `{"error": {"code": 1}}`, false, []string{"neither failures nor request"}},
		{"failures behind failures", 200, "application/json", `{"failures": [{"message": "no"}], "FAILURES": [], "request": {"state": "done"}}`, false, []string{"twice"}},
		{"request behind request", 200, "application/json", `{"request": {"state": "failed"}, "Request": {"state": "done"}}`, false, []string{"twice"}},
		{"request is a list", 200, "application/json", `{"request": []}`, false, []string{"no dictionary in the key request"}},
		{"request is null", 200, "application/json", `{"failures": [], "request": null}`, false, []string{"no dictionary in the key request"}},
		{"no state", 200, "application/json", `{"request": {"id": 10534}}`, false, []string{"no state"}},
		{"another request", 200, "application/json", `{"request": {"id": 1, "state": "done"}}`, false, []string{"another request"}},
		{"too large", 200, "application/json", `{"request": {"x": "` + strings.Repeat("x", httpcall.MaxBody) + `"}}`, false, []string{"larger than"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			status, err := serve(t, answerWith(c.code, c.media, c.body)).Status(t.Context(), ticket)
			if c.says == nil {
				if err != nil || status.Ticket != ticket {
					t.Errorf("%#v, %v", status, err)
				}
				return
			}
			if err == nil {
				t.Fatalf("no error, %#v", status)
			}
			for _, text := range c.says {
				if !strings.Contains(err.Error()+advice.Of(err), text) {
					t.Errorf("no %q in: %v", text, err)
				}
			}
			if retry.IsTransient(err) != c.transient {
				t.Errorf("transient: %t: %v", !c.transient, err)
			}
			if strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "<") {
				t.Errorf("more than a sentence: %q", err)
			}
		})
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/database/v1/status" {
			t.Errorf("followed to %s", r.URL)
		}
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	})
	if _, err := client.Status(t.Context(), ticket); err == nil || !strings.Contains(err.Error(), "redirect") {
		t.Error(err)
	}
}

func TestBrokenConnections(t *testing.T) {
	closed := serve(t, func(w http.ResponseWriter, r *http.Request) {
		conn, _, _ := w.(http.Hijacker).Hijack()
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"fail")
		_ = conn.Close()
	})
	if _, err := closed.Status(t.Context(), ticket); !retry.IsTransient(err) || !strings.Contains(err.Error(), "stops after 6 bytes") {
		t.Errorf("cut answer: %v", err)
	}
	lost := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	_, err := lost.Status(t.Context(), ticket)
	if _, unreached := errors.AsType[*upgrade.UnreachedError](err); unreached || !retry.IsTransient(err) {
		t.Errorf("lost answer: %#v", err)
	}
	unreachable, _ := newClient("http://127.0.0.1:1", http.DefaultTransport)
	err = unreachable.upload(t.Context(), ticket, func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("x")), nil }, 1)
	if !retry.IsTransient(err) || strings.Contains(err.Error(), "Aw7") || strings.Contains(err.Error(), "key=") {
		t.Errorf("refused connection: %v", err)
	}
	if _, unreached := errors.AsType[*upgrade.UnreachedError](err); !unreached {
		t.Errorf("refused connection: %#v", err)
	}
	untrusted := httptest.NewTLSServer(answerWith(200, "application/json", sample))
	defer untrusted.Close()
	client, _ := newClient(untrusted.URL, &http.Transport{})
	if _, err := client.Status(t.Context(), ticket); err == nil || retry.IsTransient(err) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("unknown certificate: %v", err)
	}
}

func TestStoppedByTheCaller(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		cancel(errors.New("enough"))
		<-r.Context().Done()
	})
	if _, err := client.Status(ctx, ticket); err == nil || retry.IsTransient(err) || !strings.Contains(err.Error(), "enough") {
		t.Errorf("%v", err)
	}
	ctx, cancel = context.WithCancelCause(t.Context())
	client = serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server see that the client is gone
		cancel(retry.Transient(errors.New("silent")))
		<-r.Context().Done()
	})
	if _, err := client.Status(ctx, ticket); !retry.IsTransient(err) {
		t.Errorf("%v", err)
	}
}

func TestNewChecksTheAddress(t *testing.T) {
	for address, ok := range map[string]bool{
		"https://upgrade.odoo.com": true, "http://127.0.0.1:8080/": true, "https://h/prefix": true,
		"": false, "upgrade.odoo.com": false, "ftp://h": false, "https://": false, "https://u:p@h": false, "https://h/?a=b": false, "https://h/#a": false, "::": false,
	} {
		_, err := newClient(address, nil)
		if (err == nil) != ok || err != nil && strings.Contains(err.Error(), "p@") {
			t.Errorf("newClient(%q): %v", address, err)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte(`{"failures":[{"expected":[[]],"message":{}}]}`))
	f.Add([]byte(`{"request":{"id":null,"compressions":{"a":[1]}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := readAnswer(httpcall.Response{Method: "status", Host: "host", Code: 200, Header: http.Header{}, Body: body})
		if err != nil {
			_ = err.Error()
			return
		}
		if _, err := a.status(states); err == nil && a.request == nil {
			t.Error("a status out of nothing")
		}
		_, _ = a.access()
	})
}
