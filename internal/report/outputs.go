package report

import (
	"strings"

	"odoo-upgrade-action/internal/upgrade"
)

// Output declares a step output.
type Output struct {
	Name   string
	Help   string
	Secret bool // holds the key or a URL with it: masked, and dropped from a job's outputs
}

// Outputs declares every step output, in the order of the documentation.
func Outputs() []Output {
	list := []Output{
		{"result", "How it ended, one word of the list below", false},
		{"state", "The platform's state of the request", false},
		{"request-id", "The request's id, set as soon as it is known", false},
		{"request-key", "The request's private key", true},
		{"handle", "The sealed address of the request, for a later job; it may stand in a public log", false},
		{"request", "The whole status as JSON", true},
		{"failures", "What the platform refused, as a JSON list in the platform's own shape", false},
		{"dump-sha256", "SHA-256 of the dump", false},
		{"dump-kind", "What the dump is: custom, tar, sql, odoo-zip; with .gz where gzip is around it", false},
		{"dump-odoo-version", "The Odoo version in the dump, like 16.0 or 10.saas~15", false},
		{"dump-postgresql", "The version of the PostgreSQL that the dump is from", false},
	}
	for _, item := range upgrade.Items() {
		list = append(list,
			Output{string(item) + "-path", "Where " + string(item) + " is, in the workspace", false},
			Output{string(item) + "-sha256", "Its SHA-256", false})
	}
	for _, field := range (upgrade.Status{}).Fields() {
		if field.Name != "state" {
			list = append(list, Output{strings.ReplaceAll(field.Name, "_", "-"), fieldHelp(field.Name), field.Secret})
		}
	}
	return list
}

// secretOutput tells whether the output of that name is declared to hold the key.
func secretOutput(name string) bool {
	for _, o := range Outputs() {
		if o.Name == name {
			return o.Secret
		}
	}
	return false
}

// fieldHelp says what a key of the status is ("Obtaining your request status").
func fieldHelp(name string) string {
	return map[string]string{
		"email":             "The address that the request was made with",
		"target":            "The version to upgrade to",
		"aim":               "test or production",
		"filename":          "The dump's name at the platform",
		"timezone":          "The time zone that the request was made with",
		"issue_stage":       "Stage of the vendor's issue about the request",
		"issue":             "Number of that issue",
		"status_url":        "The request's page",
		"notes_url":         "Notes about the upgrade",
		"original_sql_url":  "The uploaded database as SQL",
		"original_dump_url": "The uploaded database as an archive",
		"upgraded_sql_url":  "The upgraded database as SQL",
		"upgraded_dump_url": "The upgraded database as an archive",
		"modules_url":       "Your custom modules",
		"filesize":          "Size of the upload, as a text",
		"database_uuid":     "The database's unique id",
		"created_at":        "When the request was made",
		"estimated_time":    "How long the platform thinks that it takes",
		"processed_at":      "When the upgrade was started",
		"elapsed":           "How long it took, as a text",
		"filestore":         "Whether attachments were moved to the filestore",
		"customer_message":  "A message of the platform to you",
		"database_version":  "The Odoo version that the platform sees in the dump",
		"postgresql":        "The PostgreSQL version that the platform sees in the dump",
		"compressions":      "How the platform thinks that the dump is packed, comma-separated",
	}[name]
}
