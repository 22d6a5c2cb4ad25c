package jsonrpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"odoo-upgrade-action/internal/dial"
	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/httpcall"
	"odoo-upgrade-action/internal/platform"
	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/rsync"
	"odoo-upgrade-action/internal/upgrade"
)

const token = "Aw7p+tGV/FuZ_FOR3U8VFQ=="

var ticket = upgrade.Ticket{ID: "10534", Key: token}

// serve returns a platform that responds as handler does, and what it tells.
func serve(t *testing.T, handler http.HandlerFunc) (*Platform, *[]event.Event) {
	t.Helper()
	return serveAt(t, startHTTP(t, handler), dial.TransferSettings{})
}

func startHTTP(t testing.TB, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// kept are the references that were kept.
type kept []platform.Reference

func (k *kept) Keep(r platform.Reference) { *k = append(*k, r) }

func serveAt(t testing.TB, server string, settings dial.TransferSettings) (*Platform, *[]event.Event) {
	t.Helper()
	var told []event.Event
	p, err := New(platform.Config{
		Server: server, HTTP: http.DefaultTransport.(*http.Transport).Clone(), Getenv: func(string) string { return "" }, Transfer: settings,
		Tell: func(e event.Event) { told = append(told, e) }, Keeper: new(kept),
	})
	if err != nil {
		t.Fatal(err)
	}
	return p, &told
}

func respond(code int, media, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", media)
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

// TestResponses goes through what may come back from a call.
func TestResponses(t *testing.T) {
	for name, c := range map[string]struct {
		code        int
		media, body string
		transient   bool
		refused     upgrade.Kind
		says        string // "" is a good response
	}{
		"good":                    {200, "application/json", `{"jsonrpc": "2.0", "result": {"status": "new", "host_uri": null}}`, false, 0, ""},
		"good, text/plain":        {200, "text/plain", `{"result": {"status": "new"}}`, false, 0, ""},
		"an error in the result":  {200, "application/json", `{"result": {"error": "The contract has expired"}}`, false, upgrade.ContractRefusal, "the platform refused: The contract has expired"},
		"an error of Odoo":        {200, "application/json", `{"error": {"code": 200, "message": "Odoo Server Error", "data": {"name": "odoo.exceptions.UserError", "message": "Invalid token"}}}`, false, upgrade.KeyRefusal, "refused: Invalid token"},
		"an error without a name": {200, "application/json", `{"error": {"data": {"message": "No"}}}`, false, 0, "refused: No"},
		"a fault of the platform": {200, "application/json", `{"error": {"data": {"name": "psycopg2.errors.SerializationFailure", "message": "could not serialize"}}}`, true, 0, "internal error (could not serialize)"},
		"an error without data":   {200, "application/json", `{"error": {"message": "Session expired"}}`, false, 0, "refused: Session expired"},
		"an error page":           {500, "text/html", "<html>", true, 0, "HTTP 500"},
		"not found":               {404, "text/html", "<html>", false, 0, "HTTP 404"},
		"a page":                  {200, "text/html", "<html>login</html>", false, 0, "not a JSON dictionary"},
		"an empty body":           {200, "application/json", "", false, 0, "has no status"},
		"a result that is null":   {200, "application/json", `{"result": null}`, false, 0, "has no status"},
		"a result that is a bool": {200, "application/json", `{"result": true}`, false, 0, "has no status"},
		"no result":               {200, "application/json", `{"jsonrpc": "2.0"}`, false, 0, "has no result"},
		"cut":                     {200, "application/json", `{"result": {"sta`, true, 0, "incomplete JSON"},
		"archived":                {200, "application/json", `{"result": {"status": "done", "archived": true}}`, false, 0, "archived"},
		"another host":            {200, "application/json", `{"result": {"status": "new", "host_uri": "evil.example"}}`, false, 0, "the key is not sent there"},
		"a host with a path":      {200, "application/json", `{"result": {"status": "new", "host_uri": "127.0.0.1/x"}}`, false, 0, "the key is not sent there"},
		"a refusal that may pass": {503, "application/json", `{"result": {"error": "Later"}}`, true, 0, "Later"},
	} {
		t.Run(name, func(t *testing.T) {
			p, _ := serve(t, respond(c.code, c.media, c.body))
			s, err := p.Status(t.Context(), ticket)
			if c.says == "" {
				if err != nil || s.State != "new" || s.Phase != upgrade.Draft || s.Ticket.ID != ticket.ID {
					t.Errorf("%+v, %v", s, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.says) || retry.IsTransient(err) != c.transient || strings.Contains(err.Error(), "Aw7p") {
				t.Errorf("%v, transient: %t", err, retry.IsTransient(err))
			}
			if refused, ok := asRefusal(err); ok && refused.Kind != c.refused {
				t.Errorf("kind %d", refused.Kind)
			}
		})
	}
}

// TestCalls checks what is sent, as it was seen on the wire of the vendor's script.
func TestCalls(t *testing.T) {
	var path, body string
	p, told := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		path, body = r.Method+" "+r.URL.String(), string(b)
		if r.Header.Get("Content-Type") != "application/json" && r.Method == "POST" || r.Header.Get("Authorization")+r.Header.Get("Cookie") != "" {
			t.Errorf("%v", r.Header)
		}
		respond(200, "application/json", `{"result": {"request_id": 10534, "token": "`+token+`", "assigned_host_uri": "`+r.Host+`", "info": "Be patient", "status": "progress", "host_uri": "`+r.Host+`", "reason": "Because", "is_pg_version_compatible": false}}`)(w, r)
	})
	p.Env = []string{"A=1"}
	target, _ := upgrade.ParseTarget("17.0")
	got, s, err := p.Create(t.Context(), upgrade.Request{Contract: "M123456-abcdef", Target: target, Aim: upgrade.Test, Filename: "db.zip", Email: "not@sent.example"})
	var call struct {
		JSONRPC string
		Params  struct {
			Contract, Target, Aim, Actuator, SSH_Key, API_Version string
			Env_Vars                                              []string
		}
	}
	if err := json.Unmarshal([]byte(body), &call); err != nil {
		t.Fatal(err)
	}
	ps := call.Params
	if path != "POST /upgrade/request/create" || ps.Contract != "M123456-abcdef" || ps.Target != "17.0" || ps.Aim != "test" || ps.Actuator != "cli" ||
		ps.API_Version != "0.2" || fmt.Sprint(ps.Env_Vars) != "[A=1]" || !strings.HasPrefix(ps.SSH_Key, "ssh-ed25519 AAAA") || strings.Contains(body, "not@sent") {
		t.Errorf("%s %s", path, body)
	}
	if err != nil || got.ID != "10534" || got.Key != token || s.State != "new" || s.Phase != upgrade.Draft || s.Get("target") != "17.0" || s.Get("filename") != "db.zip" {
		t.Errorf("%+v %+v %v", got, s, err)
	}
	if fmt.Sprintf("%v %+v %#v", got, got, got) != strings.ReplaceAll(fmt.Sprintf("%v %+v %#v", got, got, got), token, "") {
		t.Error("the token shows")
	}
	if len(*told) > 0 { // the token is not masked before Create returns, and the platform may repeat it
		t.Errorf("told %+v", *told)
	}
	if _, err := p.Status(t.Context(), got); err != nil {
		t.Error(err)
	}
	// Another process has nothing but the ticket.
	q, _ := New(p.Config)
	q.Tell = p.Tell
	s, err = q.Status(t.Context(), got)
	if err != nil || path != "POST /upgrade/request/status" || s.Get(upgrade.CustomerMessage) != "Because" || s.Get("aim") != "test" || s.Phase != upgrade.Working || q.key == nil {
		t.Errorf("%s %+v %v", path, s, err)
	}
	if err := q.Process(t.Context(), got); err != nil || path != "POST /upgrade/request/process" || !strings.Contains(body, `"params":{"token":"`) {
		t.Errorf("%s %s %v", path, body, err)
	}
	if n := len(*told); n != 2 || (*told)[0].(event.Notice).Text != "The platform says: Be patient" || !strings.Contains((*told)[1].(event.Notice).Text, "too old") {
		t.Errorf("told %+v", *told)
	}
}

// TestKeyType has a platform that takes no Ed25519 key.
func TestKeyType(t *testing.T) {
	var keys []string
	p, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		for _, kind := range []string{"ssh-ed25519 ", "ssh-rsa "} {
			if strings.Contains(string(b), kind) {
				keys = append(keys, kind)
			}
		}
		if strings.Contains(string(b), "ssh-rsa ") {
			respond(200, "application/json", `{"result": {"request_id": 1, "token": "`+token+`"}}`)(w, r)
			return
		}
		respond(200, "application/json", `{"result": {"error": "Invalid SSH key"}}`)(w, r)
	})
	if _, _, err := p.Create(t.Context(), upgrade.Request{}); err != nil || fmt.Sprint(keys) != "[ssh-ed25519  ssh-rsa ]" {
		t.Errorf("%v %v", keys, err)
	}
	refused := 0
	p, _ = serve(t, func(w http.ResponseWriter, r *http.Request) {
		refused++
		respond(200, "application/json", `{"result": {"error": "The contract has expired"}}`)(w, r)
	})
	if _, _, err := p.Create(t.Context(), upgrade.Request{}); err == nil || refused != 1 {
		t.Errorf("%d calls, %v", refused, err)
	}
}

func TestFollow(t *testing.T) {
	for _, c := range []struct {
		server, node string
		ok           bool
	}{
		{"https://upgrade.odoo.com", "upgrade.odoo.com", true}, {"https://upgrade.odoo.com", "eu1.upgrade.odoo.com", true}, {"https://upgrade.odoo.com", "eu1.upgrade.odoo.com:8443", true},
		{"https://upgrade.odoo.com", "odoo.com", false}, {"https://upgrade.odoo.com", "evilupgrade.odoo.com", false}, {"https://upgrade.odoo.com", "upgrade.odoo.com@evil.example", false},
		{"https://upgrade.odoo.com", "upgrade.odoo.com.evil.example", false}, {"https://upgrade.odoo.com", "upgrade.odoo.com/x", false}, {"https://upgrade.odoo.com", "upgrade.odoo.com:99999999", false},
		{"http://127.0.0.1:80", "127.0.0.1:8069", true}, {"http://127.0.0.1", "9.127.0.0.1", false},
	} {
		p, err := New(platform.Config{Server: c.server, Getenv: func(string) string { return "" }})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.follow(c.node); (err == nil) != c.ok {
			t.Errorf("%s from %s: %v", c.node, c.server, err)
		}
		if c.ok && (p.node().Host != c.node || p.node().Scheme != p.base.Scheme) {
			t.Errorf("%s: %s", c.node, p.node())
		}
	}
}

// TestReadLog reads from servers that know ranges, and from some that do not.
func TestReadLog(t *testing.T) {
	const whole = "ünï çødé\nlines\n"
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		from    int64
		want    string
		err     bool
	}{
		"a range": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Range", "bytes 5-16/17")
			respond(206, "text/plain", whole[5:])(w, r)
		}, 5, whole[5:], false},
		"all of it":        {respond(200, "text/plain", whole), 5, whole[5:], false},
		"all, and no more": {respond(200, "text/plain", whole), 100, "", false},
		"a page":           {respond(200, "text/html", "<html>Back soon"), 0, "", true},
		"an error's JSON":  {respond(200, "application/json", `{"error": {}}`), 0, "", true},
		"nothing there":    {respond(416, "text/plain", "no"), 17, "", false},
		"another range": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Range", "bytes 0-16/17")
			respond(206, "text/plain", whole)(w, r)
		}, 5, "", true},
		"an error":            {respond(500, "text/html", "<html>"), 0, "", true},
		"the end of too much": {respond(200, "text/plain", strings.Repeat("x", logChunk+1)), logChunk + 1, "", true},
		"an empty response":   {respond(200, "text/plain", ""), 0, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			p, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Get("token") != token || !strings.HasPrefix(r.Header.Get("Range"), fmt.Sprintf("bytes=%d-", c.from)) {
					t.Errorf("%s %v", r.URL, r.Header)
				}
				c.handler(w, r)
			})
			got, err := p.ReadLog(t.Context(), ticket, c.from)
			if string(got) != c.want || (err != nil) != c.err || err != nil && strings.Contains(err.Error(), "Aw7p") {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

// TestNodes has names that the platform may assign a request to, and others.
func TestNodes(t *testing.T) {
	for server, nodes := range map[string]map[string]bool{
		"http://[::1]:8069":        {"[::1]:8069": true, "[::1]": true, "[::2]:8069": false, "::1": false, "[::1]x": false, "x[::1]": false, "[::1]:8069:1": false},
		"https://127.0.0.1:8069":   {"127.0.0.1:8069": true, "127.0.0.1": true, "1.127.0.0.1": false, "[127.0.0.1]": false},
		"https://upgrade.odoo.com": {"upgrade.odoo.com": true, "n1.upgrade.odoo.com": true, "odoo.com": false, "xupgrade.odoo.com": false, "a@upgrade.odoo.com": false, "upgrade.odoo.com/x": false},
	} {
		for node, good := range nodes {
			p, err := New(platform.Config{Server: server, HTTP: http.DefaultTransport, Getenv: func(string) string { return "" }})
			if err != nil {
				t.Fatal(err)
			}
			if err := p.follow(node); (err == nil) != good || good && p.node().Host != node {
				t.Errorf("%s, %s: %v", server, node, err)
			}
		}
	}
}

func TestUnreached(t *testing.T) {
	p, _ := New(platform.Config{Server: "http://127.0.0.1:1", HTTP: http.DefaultTransport, Getenv: func(string) string { return "" }})
	_, err := p.Status(t.Context(), ticket)
	if _, unreached := errors.AsType[*upgrade.UnreachedError](err); !unreached || !retry.IsTransient(err) {
		t.Error(err)
	}
	p, _ = serve(t, respond(405, "text/html", "no"))
	_, err = p.Status(context.Background(), ticket)
	if absent, ok := errors.AsType[*httpcall.ResponseError](err); !ok || !absent.IsAbsent() {
		t.Error(err)
	}
}

// TestTransferOfAnother has something in front of the platform respond to transfer/start.
func TestTransferOfAnother(t *testing.T) {
	for name, c := range map[string]struct {
		respond http.HandlerFunc
		passes  bool
	}{
		"nothing":    {respond(200, "text/html", ""), true},
		"a page":     {respond(200, "text/html", "<html>"), true},
		"a refusal":  {respond(200, "application/json", `{"result": {"error": "no"}}`), false},
		"no port":    {respond(200, "application/json", `{"result": {"ssh_port": 0}}`), false},
		"a password": {respond(407, "text/html", "<html>"), false},
	} {
		p, _ := serve(t, c.respond)
		p.key, _ = dial.NewKey()
		if _, _, err := p.startTransfer(t.Context(), "upload"); err == nil || retry.IsTransient(err) != c.passes {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzResult(f *testing.F) {
	f.Add([]byte(`{"jsonrpc": "2.0", "result": {"status": "new", "archived": 1, "host_uri": []}}`))
	f.Add([]byte(`{"error": {"data": {"name": 1, "message": {}}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		fields, err := result(httpcall.Response{Method: "status", Host: "host", Code: 200, Header: http.Header{}, Body: body})
		if err != nil {
			_ = err.Error()
			return
		}
		_ = httpcall.PlainJSON(fields)
	})
}

// TestIncomplete: what could not be stored here is not left out silently.
func TestIncomplete(t *testing.T) {
	result := rsync.Result{Files: []rsync.Received{{Name: "filestore/a"}}, Folders: []string{"filestore"}, Skipped: 1}
	if _, err := arrived(nil, upgrade.Filestore, "filestore", result); err == nil || !strings.Contains(err.Error(), "would not be complete") {
		t.Error(err)
	}
}
