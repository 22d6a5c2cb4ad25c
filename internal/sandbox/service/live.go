package service

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/sandbox/requests"
)

// Limits of what follows a request in a browser.
const (
	eventsPause  = 250 * time.Millisecond // between two checks for changes
	eventsAtOnce = 50                     // streams
	eventsEach   = 8                      // of a client
	eventsWrite  = 10 * time.Second       // for a client that does not read
	logShown     = 32 << 10               // bytes of the log, on the page
)

// events streams the inside of the status page whenever it changes (server-sent events, HTML
// Living Standard, section 9.2), until the request has ended.
func (p *pages) events(w http.ResponseWriter, r *http.Request) {
	found, ok := p.v1.FindPage(w, r)
	if !ok {
		return
	}
	release, ok := p.streams.Take(r.RemoteAddr)
	if !ok {
		http.Error(w, "too many pages follow their requests", http.StatusServiceUnavailable)
		return
	}
	defer release()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would collect them
	private(w.Header())
	control := http.NewResponseController(w)
	send := func(text string) error {
		_ = control.SetWriteDeadline(time.Now().Add(eventsWrite))
		if _, err := io.WriteString(w, text); err != nil {
			return err
		}
		return control.Flush()
	}
	var last string
	for ok {
		var out bytes.Buffer
		if err := page.ExecuteTemplate(&out, "main", p.statusData(found)); err != nil {
			p.v1.Log("page: " + err.Error())
			return
		}
		if now := out.String(); now != last {
			last = now
			data, err := json.Marshal(now)
			if err != nil || send("data: "+string(data)+"\n\n") != nil {
				return
			}
		}
		if found.HasEnded() {
			_ = send("event: end\ndata: {}\n\n")
			return
		}
		if retry.Sleep(r.Context(), eventsPause) != nil || p.ctx.Err() != nil {
			return
		}
		found, ok = p.v1.Store.Get(found.ID)
	}
}

// private keeps what holds keys from caches and from other sites.
func private(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
}

// logTail returns the last lines of a request's log.
func (p *pages) logTail(id int) string {
	file, err := os.Open(p.v1.Store.Path(id, requests.LogFile))
	if err != nil {
		return ""
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return ""
	}
	from := max(0, info.Size()-logShown)
	text, _ := io.ReadAll(io.NewSectionReader(file, from, logShown))
	if from > 0 {
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	return strings.ToValidUTF8(string(text), "\uFFFD")
}

// listed is a request on the list of all.
type listed struct {
	ID                               int
	URL                              string
	Filename, Target, State, Created string
}

// start serves the start page: with index, the list of all requests, which reveals their
// keys.
func (p *pages) start(w http.ResponseWriter, r *http.Request) {
	about := "A sandbox of the upgrade platform, with API v1 below /database/v1/. " + p.v1.About
	if !p.index {
		_, _ = fmt.Fprintln(w, about)
		return
	}
	private(w.Header())
	var list []listed
	for _, found := range p.v1.Store.List() {
		list = append(list, listed{
			ID: found.ID, URL: (&url.URL{Path: "/database/eu1"}).JoinPath(strconv.Itoa(found.ID), found.Key, "status").String(),
			Filename: found.Filename, Target: found.Target, State: found.State, Created: found.Created.UTC().Format(time.DateTime) + " UTC",
		})
	}
	p.render(w, r, map[string]any{"Title": "Upgrade requests", "Message": about, "Requests": list})
}
