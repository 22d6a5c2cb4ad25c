package v1

import (
	"archive/zip"
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"os"

	"odoo-upgrade-action/internal/sandbox/requests"
)

// files serves the files of the URLs in a status. Each holds the key, and so needs no
// other proof.
func (s *Server) files(mux *http.ServeMux) {
	for path, serve := range map[string]func(http.ResponseWriter, *http.Request, requests.Record){
		"original/archive": s.archive(requests.OriginalFile),
		"original/sql":     s.sqlStream(requests.OriginalFile),
		"upgraded/archive": s.archive(requests.UpgradedFile),
		"upgraded/sql":     s.sqlStream(requests.UpgradedFile),
		"modules/archive":  s.modules,
	} {
		s.Page(mux, path, serve)
	}
}

// Page serves a path below the URL of a request, in which eu1 stands for the name of the
// platform's node.
func (s *Server) Page(mux *http.ServeMux, path string, serve func(http.ResponseWriter, *http.Request, requests.Record)) {
	mux.HandleFunc("GET /database/eu1/{id}/{key}/"+path, s.Faults.Web(s.ctx, "page", func(w http.ResponseWriter, r *http.Request) {
		found, ok := s.FindPage(w, r)
		if !ok {
			return
		}
		w.Header().Set("Referrer-Policy", "no-referrer") // the address holds the key
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "private")
		serve(w, r, found)
	}))
}

// FindPage returns the request that a page's address names, or refuses to.
func (s *Server) FindPage(w http.ResponseWriter, r *http.Request) (requests.Record, bool) {
	found, err := s.Store.Find(r.RemoteAddr, r.PathValue("id"), r.PathValue("key"))
	if guess, ok := errors.AsType[*requests.GuessError](err); ok {
		requests.RefuseGuess(w, guess)
	} else if err != nil {
		http.NotFound(w, r)
	}
	return found, err == nil
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
