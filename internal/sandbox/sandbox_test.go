package sandbox

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"odoo-upgrade-action/internal/realtest"
	v1 "odoo-upgrade-action/internal/sandbox/v1"
)

// box is a sandbox that is called without a network.
type box struct {
	*Server
	t    *testing.T
	web  http.Handler
	stop context.CancelFunc
}

func open(t *testing.T, config Config) *box {
	t.Helper()
	if config.Data == "" {
		config.Data = t.TempDir()
	}
	if config.Outcome == "" {
		config.Outcome = "done"
	}
	s, err := New(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	sftp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	web := s.handler(ctx, sftp.Addr().String())
	for _, r := range s.store.Unfinished() {
		s.worker.Start(ctx, r.ID)
	}
	b := &box{s, t, web, func() { stop(); s.worker.Wait(); _ = sftp.Close(); s.Close() }}
	t.Cleanup(b.stop)
	return b
}

// refusal is an entry of failures, as the specification's sample has it.
type refusal struct {
	Reason, Message, Code, Value string
	Expected                     []string
}

type answer struct {
	Failures []refusal
	Request  map[string]any
}

func (b *box) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	b.web.ServeHTTP(w, r)
	return w
}

func (b *box) call(r *http.Request) answer {
	b.t.Helper()
	w := b.do(r)
	var a answer
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != 200 {
		b.t.Fatalf("%s: HTTP %d, %s", r.URL.Path, w.Code, w.Body)
	}
	return a
}

func (b *box) form(method string, values url.Values) answer {
	b.t.Helper()
	r := httptest.NewRequest("POST", "http://sandbox.test/database/v1/"+method, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.call(r)
}

func (b *box) query(method string, values url.Values, body string) answer {
	b.t.Helper()
	verb := "GET"
	if body != "" {
		verb = "POST"
	}
	return b.call(httptest.NewRequest(verb, "http://sandbox.test/database/v1/"+method+"?"+values.Encode(), strings.NewReader(body)))
}

func good() url.Values {
	return url.Values{"contract": {"M123456-abcdef"}, "email": {"john.doe@example.com"}, "target": {"17.0"}, "aim": {"test"}, "filename": {"db.dump"}}
}

// created returns the address of a new request.
func (b *box) created() url.Values {
	b.t.Helper()
	a := b.form("create", good())
	if len(a.Failures) > 0 {
		b.t.Fatal(a.Failures)
	}
	return url.Values{"request": {fmt.Sprint(a.Request["id"])}, "key": {a.Request["key"].(string)}}
}

// get fetches one of the URLs of a status.
func (b *box) get(address url.Values, field string, header ...string) *httptest.ResponseRecorder {
	b.t.Helper()
	r := httptest.NewRequest("GET", b.form("status", address).Request[field].(string), nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return b.do(r)
}

func (b *box) state(address url.Values) string {
	b.t.Helper()
	return b.form("status", address).Request["state"].(string)
}

func reasons(a answer) string {
	list := make([]string, len(a.Failures))
	for i, f := range a.Failures {
		list[i] = f.Reason
	}
	return strings.Join(list, " ")
}

func TestCreateChecksEveryParameter(t *testing.T) {
	b := open(t, Config{})
	cases := []struct{ name, value, want string }{
		{"target", "17.0", ""}, {"target", "saas~17.4", ""}, {"timezone", "Europe/Brussels", ""}, {"aim", "production", ""},
		{"target", "5.0", "TARGET:INVALID"}, {"target", "", "TARGET:MISSING"},
		{"aim", "Test", "AIM:INVALID"}, {"aim", "", "AIM:MISSING"},
		{"email", "nobody", "EMAIL:INVALID"}, {"email", "", "EMAIL:MISSING"},
		{"contract", "nonsense", "CONTRACT:NOT_FOUND"}, {"contract", "", "CONTRACT:MISSING"},
		{"filename", "../etc/passwd", "FILENAME:INVALID"}, {"filename", "a\nb", "FILENAME:INVALID"}, {"filename", "", "FILENAME:MISSING"},
		{"timezone", "<script>", "TIMEZONE:INVALID"},
	}
	for _, c := range cases {
		values := good()
		values.Set(c.name, c.value)
		if got := reasons(b.form("create", values)); got != c.want {
			t.Errorf("%s=%q: %q, want %q", c.name, c.value, got, c.want)
		}
	}
	only := open(t, Config{Contracts: []string{"M999999-other"}})
	if got := reasons(only.form("create", good())); got != "CONTRACT:NOT_FOUND" {
		t.Errorf("a contract that is not known: %q", got)
	}
}

// TestCreateRefusesAsTheSampleShows is the section "failures" with its sample
// output, whose targets were other ones.
func TestCreateRefusesAsTheSampleShows(t *testing.T) {
	b := open(t, Config{Contracts: []string{"M123456-abcdef"}})
	values := good()
	values.Set("target", "5.0")
	values.Set("contract", "M123456-abcxyz")
	want := []refusal{
		{Reason: "TARGET:INVALID", Message: `Invalid value "5.0"`, Value: "5.0", Expected: v1.Targets()},
		{Reason: "CONTRACT:NOT_FOUND", Message: "Can not find contract M123456-abcxyz", Code: "M123456-abcxyz"},
	}
	if diff := cmp.Diff(want, b.form("create", values).Failures); diff != "" {
		t.Error(diff)
	}
}

// TestStatusHasEveryKeyOfTheSample holds the view against "Obtaining your
// request status", sample output.
func TestStatusHasEveryKeyOfTheSample(t *testing.T) {
	b := open(t, Config{})
	request := b.form("status", b.created()).Request
	for _, key := range strings.Fields(`id key email target aim filename timezone state issue_stage issue status_url notes_url
		original_sql_url original_dump_url upgraded_sql_url upgraded_dump_url modules_url filesize database_uuid created_at
		estimated_time processed_at elapsed filestore customer_message database_version postgresql compressions`) {
		if _, ok := request[key]; !ok {
			t.Errorf("no %s", key)
		}
		delete(request, key)
	}
	if len(request) > 0 {
		t.Errorf("not of the specification: %v", request)
	}
}

func TestParametersHoweverTheyAreSent(t *testing.T) {
	b := open(t, Config{})
	if a := b.query("create", good(), ""); len(a.Failures) > 0 || a.Request["state"] != "draft" {
		t.Errorf("query: %+v", a)
	}
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, values := range good() {
		_ = w.WriteField(name, values[0])
	}
	_ = w.Close()
	r := httptest.NewRequest("POST", "http://sandbox.test/database/v1/create", &body)
	r.Header.Set("Content-Type", w.FormDataContentType())
	if a := b.call(r); len(a.Failures) > 0 {
		t.Errorf("multipart: %+v", a)
	}
	if w := b.do(httptest.NewRequest("PUT", "/database/v1/create", nil)); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("PUT: %d", w.Code)
	}
	big := httptest.NewRequest("POST", "/database/v1/create", strings.NewReader("a="+strings.Repeat("x", 1<<20)))
	big.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if w := b.do(big); w.Code != http.StatusBadRequest {
		t.Errorf("2 MiB of form: %d", w.Code)
	}
}

func TestKeysAreChecked(t *testing.T) {
	b := open(t, Config{})
	address := b.created()
	for _, method := range []string{"upload", "process", "skip_test", "status", "request_sftp_access"} {
		for _, wrong := range []url.Values{
			{"request": address["request"], "key": {"wrong"}}, {"request": {"1"}, "key": address["key"]}, {"request": {"x"}, "key": address["key"]},
		} {
			if got := reasons(b.query(method, wrong, "body")); got != "REQUEST:NOT_FOUND" {
				t.Errorf("%s with %v: %q", method, wrong, got)
			}
		}
		if got := reasons(b.query(method, url.Values{}, "body")); got != "KEY:MISSING REQUEST:MISSING" {
			t.Errorf("%s without anything: %q", method, got)
		}
	}
}

func TestTheWholeWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, Config{Pace: time.Second})
		dump := realtest.Dump("")
		address := b.created()
		if got := reasons(b.form("process", address)); got != "DUMP:MISSING" {
			t.Errorf("process without a dump: %q", got)
		}
		if got := reasons(b.query("upload", address, "")); got != "DUMP:EMPTY" {
			t.Errorf("upload of nothing: %q", got)
		}
		for range 2 { // a draft takes another dump in place of the first
			if got := reasons(b.query("upload", address, dump)); got != "" {
				t.Fatal(got)
			}
		}
		if w := b.get(address, "upgraded_dump_url"); w.Code != http.StatusNotFound {
			t.Errorf("upgraded before it is: %d", w.Code)
		}
		if got := b.form("status", address).Request["filesize"]; got != fmt.Sprintf("%d bytes", len(dump)) {
			t.Errorf("filesize %v", got)
		}
		if got := reasons(b.form("process", address)); got != "" {
			t.Fatal(got)
		}
		for _, method := range []string{"process", "upload"} {
			if got := reasons(b.query(method, address, dump)); got != "REQUEST:STATE" {
				t.Errorf("%s of a request at work: %q", method, got)
			}
		}
		var states []string
		for range 4 {
			synctest.Wait()
			states = append(states, b.state(address))
			time.Sleep(600 * time.Millisecond)
		}
		if got := strings.Join(states, " "); got != "pending pending progress progress" {
			t.Errorf("states: %s", got)
		}
		if got := b.state(address); got != "done" {
			t.Errorf("in the end: %s", got)
		}
		for _, field := range []string{"original_dump_url", "upgraded_dump_url", "original_sql_url", "upgraded_sql_url"} {
			if w := b.get(address, field); w.Code != 200 || w.Body.String() != dump || w.Header().Get("ETag") == "" {
				t.Errorf("%s: %d %q", field, w.Code, w.Body)
			}
		}
		if w := b.get(address, "modules_url"); w.Code != 200 || !bytes.HasPrefix(w.Body.Bytes(), []byte("PK")) {
			t.Errorf("modules: %d", w.Code)
		}
		if got, _ := b.form("status", address).Request["customer_message"].(string); !strings.Contains(got, "upgrades nothing") {
			t.Errorf("customer message %q", got)
		}
		whole := b.get(address, "upgraded_dump_url")
		tag := whole.Header().Get("ETag")
		if w := b.get(address, "upgraded_dump_url", "Range", "bytes=3-", "If-Range", tag); w.Code != 206 || w.Body.String() != dump[3:] {
			t.Errorf("range: %d %q", w.Code, w.Body)
		}
		if w := b.get(address, "upgraded_dump_url", "Range", "bytes=3-", "If-Range", `"other"`); w.Code != 200 || w.Body.String() != dump {
			t.Errorf("range of another file: %d %q", w.Code, w.Body)
		}
		b.stop()
	})
}

func TestOutcomes(t *testing.T) {
	for _, outcome := range []string{"failed", "cancelled"} {
		synctest.Test(t, func(t *testing.T) {
			b := open(t, Config{Outcome: outcome})
			address := b.created()
			b.query("upload", address, realtest.Dump(""))
			b.form("process", address)
			synctest.Wait()
			a := b.form("status", address)
			if a.Request["state"] != outcome || !strings.Contains(a.Request["customer_message"].(string), outcome) {
				t.Errorf("%v %v", a.Request["state"], a.Request["customer_message"])
			}
			if w := b.get(address, "upgraded_dump_url"); w.Code != http.StatusNotFound {
				t.Errorf("upgraded file of a request that %s: %d", outcome, w.Code)
			}
			b.stop()
		})
	}
	if _, err := New(t.Context(), Config{Data: t.TempDir(), Outcome: "lucky"}); err == nil {
		t.Error("an unknown outcome was taken")
	}
}

func TestSkipTest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, Config{Pace: time.Second})
		address := b.created()
		if got := reasons(b.form("skip_test", address)); got != "REQUEST:STATE" {
			t.Errorf("of a draft: %q", got)
		}
		b.query("upload", address, realtest.Dump(""))
		b.form("process", address)
		if got := reasons(b.form("skip_test", address)); got != "" {
			t.Error(got)
		}
		time.Sleep(3 * time.Second)
		if got := b.state(address); got != "delivered" {
			t.Errorf("state %s", got)
		}
		b.stop()
	})
}

func TestRestartInTheMiddle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		data := t.TempDir()
		b := open(t, Config{Data: data, Pace: time.Minute})
		address, untouched := b.created(), b.created()
		b.query("upload", address, realtest.Dump(""))
		b.form("process", address)
		time.Sleep(90 * time.Second)
		if got := b.state(address); got != "progress" {
			t.Fatalf("state %s", got)
		}
		b.stop()
		if err := os.WriteFile(filepath.Join(data, "requests", untouched.Get("request"), "upload-1"), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		b = open(t, Config{Data: data, Pace: time.Minute})
		if got := b.state(address); got != "progress" {
			t.Errorf("after the restart: %s", got)
		}
		time.Sleep(2 * time.Minute)
		if got := b.state(address); got != "done" {
			t.Errorf("in the end: %s", got)
		}
		if got := b.state(untouched); got != "draft" {
			t.Errorf("the other request: %s", got)
		}
		if left, _ := filepath.Glob(filepath.Join(data, "requests", "*", "upload-*")); left != nil {
			t.Errorf("left: %v", left)
		}
		if next := b.created().Get("request"); next != "10003" {
			t.Errorf("id %s was given again", next)
		}
		b.stop()
	})
}

func TestManyAtOnce(t *testing.T) {
	b := open(t, Config{})
	var wg sync.WaitGroup
	ids := make([]string, 20)
	for i := range ids {
		wg.Go(func() {
			address := b.created()
			ids[i] = address.Get("request")
			b.query("upload", address, realtest.Dump(ids[i]))
			b.form("process", address)
		})
	}
	wg.Wait()
	b.worker.Wait()
	seen := map[string]bool{}
	for _, id := range ids {
		text, err := os.ReadFile(filepath.Join(b.config.Data, "requests", id, "upgraded"))
		if seen[id] || err != nil || string(text) != realtest.Dump(id) {
			t.Errorf("request %s: %q, %v", id, text, err)
		}
		seen[id] = true
	}
}

func TestProcessOnce(t *testing.T) {
	b := open(t, Config{Pace: time.Hour})
	address := b.created()
	b.query("upload", address, realtest.Dump(""))
	taken := make(chan bool, 10)
	for range cap(taken) {
		go func() { taken <- len(b.form("process", address).Failures) == 0 }()
	}
	n := 0
	for range cap(taken) {
		if <-taken {
			n++
		}
	}
	if n != 1 {
		t.Errorf("process was taken %d times", n)
	}
}

func TestUploadIsTheBodyWhateverItsType(t *testing.T) {
	b := open(t, Config{})
	address := b.created()
	for media, want := range map[string]string{
		"application/x-www-form-urlencoded": "", "": "", "application/octet-stream": "", "multipart/form-data; boundary=x": "DUMP:INVALID",
	} {
		r := httptest.NewRequest("POST", "/database/v1/upload?"+address.Encode(), strings.NewReader("key=x&PGDMP"))
		r.Header.Set("Content-Type", media)
		if got := reasons(b.call(r)); got != want {
			t.Errorf("%q: %q, want %q", media, got, want)
		}
		if want != "" {
			continue
		}
		if w := b.get(address, "original_dump_url"); w.Body.String() != "key=x&PGDMP" {
			t.Errorf("%q stored %q", media, w.Body)
		}
	}
}

func TestUploadOfNothingWithoutALength(t *testing.T) {
	b := open(t, Config{})
	r := httptest.NewRequest("POST", "/database/v1/upload?"+b.created().Encode(), struct{ io.Reader }{strings.NewReader("")})
	if got := reasons(b.call(r)); r.ContentLength != -1 || got != "DUMP:EMPTY" {
		t.Errorf("%q", got)
	}
}

func TestBrokenUploadChangesNothing(t *testing.T) {
	b := open(t, Config{})
	address := b.created()
	b.query("upload", address, "PGDMP whole")
	broken := io.MultiReader(strings.NewReader("PGDMP half"), errReader{})
	if w := b.do(httptest.NewRequest("POST", "/database/v1/upload?"+address.Encode(), broken)); w.Code != http.StatusInternalServerError {
		t.Errorf("a broken upload was answered with %d", w.Code)
	}
	if w := b.get(address, "original_dump_url"); w.Body.String() != "PGDMP whole" {
		t.Errorf("it left %q", w.Body)
	}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestSQLOutOfEveryKind(t *testing.T) {
	sql := realtest.Dump("")
	var zipped, gzipped, other bytes.Buffer
	z := zip.NewWriter(&zipped)
	w, _ := z.Create("dump.sql")
	_, _ = io.WriteString(w, sql)
	_ = z.Close()
	g := gzip.NewWriter(&gzipped)
	_, _ = io.WriteString(g, sql)
	_ = g.Close()
	z = zip.NewWriter(&other)
	_, _ = z.Create("README")
	_ = z.Close()
	for name, c := range map[string]struct {
		dump string
		code int
	}{
		"plain": {sql, 200}, "zip": {zipped.String(), 200}, "gzip": {gzipped.String(), 200},
		"zip of something else": {other.String(), 404}, "rubbish": {"rubbish", 404}, "cut gzip": {gzipped.String()[:30], 404},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := open(t, Config{})
			address := b.created()
			b.query("upload", address, c.dump)
			b.form("process", address)
			synctest.Wait()
			w := b.get(address, "original_sql_url")
			if w.Code != c.code || c.code == 200 && w.Body.String() != sql {
				t.Errorf("%s: %d %q", name, w.Code, w.Body)
			}
			b.stop()
		})
	}
}

func TestNoKeyInTheLog(t *testing.T) {
	var log strings.Builder
	b := open(t, Config{Log: func(line string) { fmt.Fprintln(&log, line) }})
	address := b.created()
	b.query("upload", address, realtest.Dump(""))
	b.form("process", address)
	b.worker.Wait()
	b.get(address, "status_url")
	b.get(address, "upgraded_sql_url")
	if strings.Contains(log.String(), address.Get("key")) || !strings.Contains(log.String(), "POST process: ok") {
		t.Error(log.String())
	}
}

func TestParseAddress(t *testing.T) {
	c, ok, err := ParseAddress("sandbox?outcome=failed&pace=100ms&contract=M1")
	want := Config{Outcome: "failed", Pace: 100 * time.Millisecond, Contracts: []string{"M1"}}
	if diff := cmp.Diff(want, c); diff != "" || !ok || err != nil {
		t.Error(diff, ok, err)
	}
	for address, good := range map[string]bool{"sandbox": true, "sandbox?pace=fast": false, "sandbox?outcome=x": false, "sandbox?color=red": false, "sandbox?%zz": false} {
		if _, ok, err := ParseAddress(address); !ok || (err == nil) != good {
			t.Errorf("%s: %t %v", address, ok, err)
		}
	}
	if _, ok, _ := ParseAddress("https://sandbox"); ok {
		t.Error("a URL was taken for the embedded sandbox")
	}
}

// TestGuessedKeys has a client guess the key of one request. Others are not kept from
// theirs.
func TestGuessedKeys(t *testing.T) {
	b := open(t, Config{})
	guessed, other := b.created(), b.created()
	wrong := url.Values{"request": guessed["request"], "key": other["key"]}
	page := b.form("status", guessed).Request["original_dump_url"].(string)
	code := func(r *http.Request) int { return b.do(r).Code }
	last := 0
	for n := range 12 {
		if n%2 == 0 {
			last = code(httptest.NewRequest("GET", "/database/v1/status?"+wrong.Encode(), nil))
		} else {
			last = code(httptest.NewRequest("GET", strings.Replace(page, guessed.Get("key"), other.Get("key"), 1), nil))
		}
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("after 12 wrong keys: HTTP %d", last)
	}
	w := b.do(httptest.NewRequest("GET", "/database/v1/status?"+guessed.Encode(), nil))
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" {
		t.Errorf("then the right one: HTTP %d, %v", w.Code, w.Header())
	}
	token := guessed.Get("request") + "-" + guessed.Get("key")
	call := func(token string) int {
		return code(httptest.NewRequest("POST", "/upgrade/request/status", strings.NewReader(`{"params":{"token":"`+token+`"}}`)))
	}
	if got := call(token); got != http.StatusTooManyRequests {
		t.Errorf("then the token: HTTP %d", got)
	}
	if got := code(httptest.NewRequest("GET", "/upgrade/request/logs?token="+token, nil)); got != http.StatusTooManyRequests {
		t.Errorf("then the log: HTTP %d", got)
	}
	if b.state(other) != "draft" || call(other.Get("request")+"-"+other.Get("key")) != http.StatusOK {
		t.Error("another request is blocked, too")
	}
	r := httptest.NewRequest("GET", "/database/v1/status?"+guessed.Encode(), nil)
	r.RemoteAddr = "198.51.100.7:1234"
	if got := code(r); got != http.StatusOK {
		t.Errorf("another client: HTTP %d", got)
	}
}

// TestNoPathOfARequestIsUsed gives paths in every parameter of every call: nothing but the
// sandbox's own files is read or written.
func TestNoPathOfARequestIsUsed(t *testing.T) {
	outside := t.TempDir()
	data := filepath.Join(outside, "data")
	b := open(t, Config{Data: data})
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("TOP SECRET"), 0o600); err != nil {
		t.Fatal(err)
	}
	address := b.created()
	b.query("upload", address, realtest.Dump(""))
	for _, path := range []string{"../secret", "../../../secret", "/" + outside + "/secret", "..%2f..%2fsecret", "....//secret", "secret\x00", "C:\\secret", "request.json", "../lock"} {
		for _, name := range []string{"contract", "email", "target", "aim", "filename", "timezone"} {
			values := good()
			values.Set(name, path)
			b.form("create", values)
		}
		for _, name := range []string{"request", "key", "ssh_keys"} {
			for _, method := range []string{"upload", "process", "skip_test", "status", "request_sftp_access"} {
				values := url.Values{"request": address["request"], "key": address["key"], "ssh_keys": {"ssh-ed25519 x"}}
				values.Set(name, path)
				if w := b.do(httptest.NewRequest("POST", "/database/v1/"+method+"?"+values.Encode(), strings.NewReader(""))); strings.Contains(w.Body.String(), "TOP SECRET") {
					t.Errorf("%s with %s=%q: %s", method, name, path, w.Body)
				}
			}
		}
		for _, page := range []string{"/database/eu1/" + url.PathEscape(path) + "/" + address.Get("key") + "/status", "/database/eu1/" + address.Get("request") + "/" + url.PathEscape(path) + "/original/archive",
			"/database/eu1/" + address.Get("request") + "/" + address.Get("key") + "/" + url.PathEscape(path)} {
			if w := b.do(httptest.NewRequest("GET", page, nil)); w.Code == http.StatusOK {
				t.Errorf("%s: %s", page, w.Body)
			}
		}
		for _, call := range []string{"create", "transfer/start", "transfer/stop", "process", "status"} {
			text, _ := json.Marshal(path)
			body := fmt.Sprintf(`{"params":{"contract":%s,"target":%[1]s,"aim":%[1]s,"actuator":"cli","api_version":"0.2","ssh_key":%[1]s,"env_vars":[%[1]s],"token":%[1]s,"transfer_type":%[1]s}}`, text)
			b.do(httptest.NewRequest("POST", "/upgrade/request/"+call, strings.NewReader(body)))
		}
		b.do(httptest.NewRequest("GET", "/upgrade/request/logs?token="+url.QueryEscape(path), nil))
	}
	var found []string
	_ = filepath.WalkDir(outside, func(path string, entry os.DirEntry, err error) error {
		name, _ := filepath.Rel(outside, path)
		found = append(found, filepath.ToSlash(name))
		return err
	})
	own := regexp.MustCompile(`^(\.|secret|data(/(lock|ssh_host_ed25519_key|requests(/[0-9]+(/(request\.json(\.new)?|original|upgraded|upgrade\.log|filestore(/23(/[0-9a-f]{40})?)?))?)?))?)$`)
	for _, name := range found {
		if !own.MatchString(name) {
			t.Errorf("%s was written", name)
		}
	}
}

// TestUploadOverTheLimit is refused, with a length and without.
func TestUploadOverTheLimit(t *testing.T) {
	b := open(t, Config{MaxUpload: 1000})
	address := b.created()
	large := realtest.Dump(strings.Repeat("x", 1000))
	if a := b.query("upload", address, large); reasons(a) != "DUMP:TOO_LARGE" || !strings.Contains(a.Failures[0].Message, "larger than 1000 bytes") {
		t.Errorf("with a length: %+v", a)
	}
	r := httptest.NewRequest("POST", "/database/v1/upload?"+address.Encode(), struct{ io.Reader }{strings.NewReader(large)})
	if got := reasons(b.call(r)); got != "DUMP:TOO_LARGE" {
		t.Errorf("without: %s", got)
	}
	if left, _ := filepath.Glob(filepath.Join(b.config.Data, "requests/*/upload-*")); left != nil {
		t.Errorf("left: %v", left)
	}
	if got := reasons(b.query("upload", address, realtest.Dump(""))); got != "" {
		t.Errorf("one within the limit: %s", got)
	}
}

// TestWhatIsReportedOfAnUpload compares a status with what is in the sample.
func TestWhatIsReportedOfAnUpload(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sample.zip")
	if err := WriteSample(path); err != nil {
		t.Fatal(err)
	}
	sample, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		b := open(t, Config{Pace: time.Second})
		run := func() map[string]any {
			address := b.created()
			b.query("upload", address, string(sample))
			b.form("process", address)
			b.worker.Wait()
			return b.form("status", address).Request
		}
		if got := run()["estimated_time"]; got != nil {
			t.Errorf("an estimate without an earlier upgrade: %v", got)
		}
		got := run()
		for field, want := range map[string]any{
			"state": "done", "database_version": "16.0", "postgresql": "15.18 (Debian 15.18-0+deb12u1)", "filestore": true, "compressions": []any{"zip", "sql"},
			"filesize": fmt.Sprintf("%.2f Kb", float64(len(sample))/1024), "database_uuid": "4b7e6c1e-52a3-4c7e-9d3a-0d6f3f1c9a10", "estimated_time": "00:01", "elapsed": "00:02",
		} {
			if diff := cmp.Diff(want, got[field]); diff != "" {
				t.Errorf("%s: %s", field, diff)
			}
		}
		b.stop()
	})
}
