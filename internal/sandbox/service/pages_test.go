package service

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"odoo-upgrade-action/internal/sandbox"
)

// started is the address of a server that has one request, and that request's status.
func started(t *testing.T, c Config, filename string) map[string]any {
	t.Helper()
	c.Data, c.Outcome = t.TempDir(), "done"
	address, stop, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	response, err := http.PostForm(address+"/database/v1/create", url.Values{
		"contract": {"M123456-abcdef"}, "email": {"john.doe@example.com"}, "target": {"17.0"}, "aim": {"test"}, "filename": {filename},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var told struct{ Request map[string]any }
	if err := json.NewDecoder(response.Body).Decode(&told); err != nil || told.Request["status_url"] == nil {
		t.Fatal(err, told)
	}
	return told.Request
}

func get(t *testing.T, address string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(text)
}

func TestPagesEscapeAndHide(t *testing.T) {
	request := started(t, Config{}, "<script>alert(1)<script>.dump")
	page := request["status_url"].(string)
	response, text := get(t, page)
	if response.StatusCode != 200 || strings.Contains(text, "<script>") || response.Header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("%d %s", response.StatusCode, text)
	}
	wrong := strings.Replace(page, request["key"].(string), "AAAAAAAAAAAAAAAAAAAAAA==", 1)
	if response, _ := get(t, wrong); response.StatusCode != http.StatusNotFound {
		t.Errorf("with a wrong key: %d", response.StatusCode)
	}
}

func TestPagesInParts(t *testing.T) {
	request := started(t, Config{}, "db.dump")
	for field, says := range map[string]string{"status_url": "upgrades nothing", "notes_url": "has not ended yet"} {
		if response, text := get(t, request[field].(string), "Range", "bytes=0-8"); response.StatusCode != 206 || text != "<!DOCTYPE" || response.Header.Get("ETag") == "" {
			t.Errorf("%s in parts: %d %s", field, response.StatusCode, text)
		}
		if response, text := get(t, request[field].(string)); response.StatusCode != 200 || !strings.Contains(text, says) {
			t.Errorf("%s: %d %s", field, response.StatusCode, text)
		}
	}
}

func TestStartPage(t *testing.T) {
	for _, lists := range []bool{false, true} {
		request := started(t, Config{Index: lists, Config: sandbox.Config{Log: func(string) {}}}, "db.dump")
		status, err := url.Parse(request["status_url"].(string))
		if err != nil {
			t.Fatal(err)
		}
		status.Path, status.RawPath = "/", ""
		if _, text := get(t, status.String()); strings.Contains(text, request["key"].(string)[:10]) != lists {
			t.Errorf("index %t: %s", lists, text)
		}
	}
}

// TestFollowersShare has one client follow as many requests as it can: another one still
// can.
func TestFollowersShare(t *testing.T) {
	events := strings.Replace(started(t, Config{}, "db.dump")["status_url"].(string), "/status", "/events", 1)
	follow := func(from string) int {
		dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, address)
		}}}
		response, err := client.Get(events)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = response.Body.Close() })
		if response.StatusCode == http.StatusOK { // it has begun
			_, _ = io.ReadFull(response.Body, make([]byte, 1))
		}
		return response.StatusCode
	}
	taken := 0
	for range 60 {
		if follow("127.0.0.1") == http.StatusOK {
			taken++
		}
	}
	if taken == 0 || taken > 10 {
		t.Errorf("one client follows %d", taken)
	}
	if code := follow("127.0.0.2"); code != http.StatusOK {
		t.Errorf("another client got HTTP %d", code)
	}
}
