package service

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"time"

	"odoo-upgrade-action/internal/sandbox/requests"
	v1 "odoo-upgrade-action/internal/sandbox/v1"
)

//go:embed page.html
var pageSource string

//go:embed page.js
var script []byte

var page = template.Must(template.New("page").Parse(pageSource))

// pages are what people see of a sandbox in a browser.
type pages struct {
	v1    *v1.Server
	index bool // the start page lists the requests

	ctx     context.Context
	streams requests.Shares // pages that follow their requests
}

// serve adds the pages to mux, until ctx ends.
func (p *pages) serve(ctx context.Context, mux *http.ServeMux, server *v1.Server) {
	p.v1, p.ctx = server, ctx
	p.streams = requests.Shares{All: eventsAtOnce, Each: eventsEach}
	server.Page(mux, "status", p.statusPage)
	server.Page(mux, "upgraded/notes", p.notesPage)
	mux.HandleFunc("GET /database/eu1/{id}/{key}/events", p.events)
	mux.HandleFunc("GET /page.js", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(script)
	})
	mux.HandleFunc("GET /{$}", p.start)
}

// step is a state on the status page.
type step struct {
	Name  string
	Class string // past, now, bad or next
}

// steps shows the states of a request and where it is.
func steps(r requests.Record) []step {
	names := []string{requests.Draft, requests.Pending, requests.Progress, requests.Done}
	if r.HasEnded() {
		names[3] = r.State
	}
	list := make([]step, len(names))
	class := "past"
	for i, name := range names {
		list[i] = step{name, class}
		if name != r.State {
			continue
		}
		list[i].Class, class = "now", "next"
		if r.HasEnded() && !r.IsUpgraded() {
			list[i].Class = "bad"
		}
	}
	return list
}

func (p *pages) statusPage(w http.ResponseWriter, call *http.Request, r requests.Record) {
	p.render(w, call, p.statusData(r))
}

// statusData is what the status page shows.
func (p *pages) statusData(r requests.Record) map[string]any {
	rows := [][2]string{
		{"Target", r.Target}, {"Aim", r.Aim}, {"File", r.Filename}, {"Size", "nothing uploaded yet"},
		{"Created", r.Created.UTC().Format(time.DateTime) + " UTC"},
	}
	if size := p.v1.Store.Size(r.ID, requests.OriginalFile); size > 0 {
		rows[3][1] = v1.HumanSize(size)
	}
	if !r.Processed.IsZero() {
		rows = append(rows, [2]string{"Time taken", v1.Clock(v1.Elapsed(r))})
	}
	refresh := 2
	if r.HasEnded() {
		refresh = 0
	}
	return map[string]any{
		"Title": "Upgrade request " + strconv.Itoa(r.ID), "Steps": steps(r), "Rows": rows, "Refresh": refresh,
		"Links": r.IsUpgraded(), "Message": "This is a sandbox. " + p.v1.About, "Log": p.logTail(r.ID),
	}
}

func (p *pages) notesPage(w http.ResponseWriter, call *http.Request, r requests.Record) {
	data := map[string]any{"Title": "Notes on upgrade request " + strconv.Itoa(r.ID), "Message": "The request has not ended yet."}
	if r.HasEnded() {
		data["Message"], data["Text"] = r.Message, r.Notes
	}
	if r.IsUpgraded() {
		data["Message"], data["Text"] = "This is what a sandbox reports of its upgrade.", ""
		data["Report"] = template.HTML(r.Report()) // which escapes what is in it
	}
	p.render(w, call, data)
}

func (p *pages) render(w http.ResponseWriter, r *http.Request, data any) {
	var out bytes.Buffer
	if err := page.Execute(&out, data); err != nil {
		p.v1.Log("page: " + err.Error())
		http.Error(w, "internal error of the sandbox", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'")
	w.Header().Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256(out.Bytes())))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(out.Bytes()))
}
