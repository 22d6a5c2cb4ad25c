package v1

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"mime"
	"net/http"
	"os"
	"strconv"
	"time"

	"odoo-upgrade-action/internal/sandbox/requests"
)

//go:embed page.html
var pageSource string

//go:embed page.js
var script []byte

var page = template.Must(template.New("page").Parse(pageSource))

// pages serves the seven URLs of a status. Each holds the key, and so needs no
// other proof; eu1 stands for the name of the platform's node.
func (s *Server) pages(mux *http.ServeMux) {
	for path, serve := range map[string]func(http.ResponseWriter, *http.Request, requests.Record){
		"status":           s.statusPage,
		"upgraded/notes":   s.notesPage,
		"original/archive": s.archive(requests.OriginalFile),
		"original/sql":     s.sqlStream(requests.OriginalFile),
		"upgraded/archive": s.archive(requests.UpgradedFile),
		"upgraded/sql":     s.sqlStream(requests.UpgradedFile),
		"modules/archive":  s.modules,
	} {
		mux.HandleFunc("GET /database/eu1/{id}/{key}/"+path, s.Faults.Web(s.ctx, "page", func(w http.ResponseWriter, r *http.Request) {
			found, ok := s.findPage(w, r)
			if !ok {
				return
			}
			w.Header().Set("Referrer-Policy", "no-referrer") // the address holds the key
			w.Header().Set("X-Content-Type-Options", "nosniff")
			w.Header().Set("Cache-Control", "private")
			serve(w, r, found)
		}))
	}
	mux.HandleFunc("GET /database/eu1/{id}/{key}/events", s.events)
	mux.HandleFunc("GET /page.js", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(script)
	})
	mux.HandleFunc("GET /{$}", s.index)
}

// findPage returns the request that a page's address names, or refuses to.
func (s *Server) findPage(w http.ResponseWriter, r *http.Request) (requests.Record, bool) {
	found, err := s.Store.Find(r.RemoteAddr, r.PathValue("id"), r.PathValue("key"))
	if guess, ok := errors.AsType[*requests.GuessError](err); ok {
		requests.RefuseGuess(w, guess)
	} else if err != nil {
		http.NotFound(w, r)
	}
	return found, err == nil
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

func (s *Server) statusPage(w http.ResponseWriter, call *http.Request, r requests.Record) {
	s.render(w, call, s.statusData(r))
}

// statusData is what the status page shows.
func (s *Server) statusData(r requests.Record) map[string]any {
	rows := [][2]string{
		{"Target", r.Target}, {"Aim", r.Aim}, {"File", r.Filename}, {"Size", "nothing uploaded yet"},
		{"Created", r.Created.UTC().Format(time.DateTime) + " UTC"},
	}
	if size := s.Store.Size(r.ID, requests.OriginalFile); size > 0 {
		rows[3][1] = humanSize(size)
	}
	if !r.Processed.IsZero() {
		rows = append(rows, [2]string{"Time taken", clock(elapsed(r))})
	}
	refresh := 2
	if r.HasEnded() {
		refresh = 0
	}
	return map[string]any{
		"Title": "Upgrade request " + strconv.Itoa(r.ID), "Steps": steps(r), "Rows": rows, "Refresh": refresh,
		"Links": r.IsUpgraded(), "Message": "This is a sandbox. " + s.About, "Log": s.logTail(r.ID),
	}
}

func (s *Server) notesPage(w http.ResponseWriter, call *http.Request, r requests.Record) {
	text := "The request has not ended yet."
	if r.HasEnded() {
		text = r.Message
	}
	s.render(w, call, map[string]any{"Title": "Notes on upgrade request " + strconv.Itoa(r.ID), "Message": text, "Text": r.Notes})
}

func (s *Server) render(w http.ResponseWriter, r *http.Request, data any) {
	var out bytes.Buffer
	if err := page.Execute(&out, data); err != nil {
		s.Log("page: " + err.Error())
		http.Error(w, "internal error of the sandbox", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'")
	w.Header().Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256(out.Bytes())))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(out.Bytes()))
}

func (s *Server) archive(name string) func(http.ResponseWriter, *http.Request, requests.Record) {
	return func(w http.ResponseWriter, r *http.Request, found requests.Record) {
		filename := found.Filename
		if name == requests.UpgradedFile {
			filename = found.Result
		}
		s.serveFile(w, r, found, name, filename)
	}
}

// serveFile serves a file of a request, if it is time for it, with Range and
// ETag.
func (s *Server) serveFile(w http.ResponseWriter, r *http.Request, found requests.Record, name, filename string) {
	file, err := os.Open(s.Store.Path(found.ID, name))
	if err != nil || name == requests.UpgradedFile && !found.IsUpgraded() {
		http.Error(w, "not there (yet)", http.StatusNotFound)
		return
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || info.Size() == 0 || info.IsDir() {
		http.Error(w, "not there (yet)", http.StatusNotFound)
		return
	}
	h := w.Header()
	h.Set("ETag", fmt.Sprintf(`"%d-%s-%x-%x"`, found.ID, name, info.Size(), info.ModTime().UnixNano()))
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": filename}))
	http.ServeContent(w, r, "", info.ModTime(), file)
}

// modules serves the archive of upgraded custom modules, of which a sandbox
// never has any.
func (s *Server) modules(w http.ResponseWriter, r *http.Request, found requests.Record) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	file, err := z.Create("README.txt")
	if err == nil {
		_, err = file.Write([]byte("This is a sandbox. It upgrades no custom modules.\n"))
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		s.Log("modules: " + err.Error())
		http.Error(w, "internal error of the sandbox", http.StatusInternalServerError)
		return
	}
	w.Header().Set("ETag", `"modules-1"`)
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("Content-Disposition", `attachment; filename="modules.zip"`)
	http.ServeContent(w, r, "", found.Created, bytes.NewReader(out.Bytes()))
}
