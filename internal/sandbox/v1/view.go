package v1

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"

	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/sandbox/requests"
)

// timeFormat is that of the specification's sample output.
const timeFormat = "2006-01-02 15:04:05"

// view is a request as the specification's sample output shows one.
func (s *Server) view(r requests.Record, call *http.Request) map[string]any {
	base := requests.Origin(call).JoinPath("database", "eu1", strconv.Itoa(r.ID), r.Key)
	at := func(parts ...string) string { return base.JoinPath(parts...).String() }
	view := map[string]any{
		"id": r.ID, "key": r.Key, "email": r.Email, "target": r.Target, "aim": r.Aim, "filename": r.Filename,
		"timezone": orNull(r.Timezone), "state": r.State, "issue_stage": "new", "issue": 600000 + r.ID,
		"status_url":        at("status"),
		"notes_url":         at("upgraded", "notes"),
		"original_sql_url":  at("original", "sql"),
		"original_dump_url": at("original", "archive"),
		"upgraded_sql_url":  at("upgraded", "sql"),
		"upgraded_dump_url": at("upgraded", "archive"),
		"modules_url":       at("modules", "archive"),
		"filesize":          nil, "database_uuid": orNull(r.UUID), "created_at": r.Created.UTC().Format(timeFormat),
		"estimated_time": nil, "processed_at": nil, "elapsed": Clock(Elapsed(r)), "filestore": r.Filestore,
		"customer_message": nil, "database_version": orNull(r.Version), "postgresql": orNull(r.PostgreSQL), "compressions": []string{},
	}
	if size := s.Store.Size(r.ID, requests.OriginalFile); size > 0 {
		view["filesize"] = HumanSize(size)
		view["compressions"] = s.compressions(r)
	}
	if !r.Processed.IsZero() {
		view["issue_stage"] = "in progress"
		view["processed_at"] = r.Processed.UTC().Format(timeFormat)
		if r.Estimate > 0 {
			view["estimated_time"] = Clock(r.Estimate)
		}
	}
	if r.HasEnded() {
		view["issue_stage"] = "closed"
		view["customer_message"] = r.Message
	}
	return view
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// Elapsed is how long the upgrade took so far.
func Elapsed(r requests.Record) time.Duration {
	switch {
	case r.Processed.IsZero():
		return 0
	case r.HasEnded():
		return r.Ended.Sub(r.Processed)
	}
	return time.Since(r.Processed)
}

// Clock writes minutes and seconds as the sample's "00:00" has them.
func Clock(d time.Duration) string {
	return fmt.Sprintf("%02d:%02d", int(d.Minutes()), int(d.Seconds())%60)
}

// HumanSize writes a size as the sample's "912.99 Kb" has it.
func HumanSize(n int64) string {
	size, unit := float64(n), "bytes"
	for _, next := range []string{"Kb", "Mb", "Gb", "Tb"} {
		if size < 1024 {
			break
		}
		size, unit = size/1024, next
	}
	if unit == "bytes" {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.2f %s", size, unit)
}

// compressions says how the original is compressed, in the sample's words.
func (s *Server) compressions(r requests.Record) []string {
	form := dump.ParseForm(r.Kind)
	if r.Kind == "" { // not inspected yet
		form.Kind = s.kind(r.ID, requests.OriginalFile)
	}
	list := []string{}
	if form.Wrapper == dump.InGzip || form.Kind == dump.Gzip {
		list = append(list, "gz")
	}
	switch form.Kind {
	case dump.Custom:
		list = append(list, "pgdmp_custom")
	case dump.Tar:
		list = append(list, "tar")
	case dump.Zip, dump.OdooZip:
		list = append(list, "zip")
	case dump.SQL, dump.Gzip:
	default:
		return list
	}
	return append(list, "sql")
}

func (s *Server) kind(id int, name string) dump.Kind {
	file, err := os.Open(s.Store.Path(id, name))
	if err != nil {
		return dump.Unknown
	}
	defer file.Close()
	kind, _ := dump.SniffReader(file)
	return kind
}
