package v1

import (
	"math"
	"strconv"
	"strings"

	"odoo-upgrade-action/internal/upgrade"
)

// fields are what the specification calls the fields of a status ("Obtaining your request
// status", sample output).
var fields = map[string]upgrade.Field{
	"email":            "email",
	"target":           upgrade.TargetField,
	"aim":              upgrade.AimField,
	"filename":         upgrade.FilenameField,
	"timezone":         "timezone",
	"issue_stage":      upgrade.IssueStage,
	"issue":            "issue",
	"filesize":         upgrade.Filesize,
	"database_uuid":    "database-uuid",
	"created_at":       "created-at",
	"estimated_time":   upgrade.EstimatedTime,
	"processed_at":     "processed-at",
	"elapsed":          upgrade.Elapsed,
	"customer_message": upgrade.CustomerMessage,
	"database_version": upgrade.DatabaseVersion,
	"postgresql":       "postgresql",
	"compressions":     "compressions",
}

// links are what it calls the addresses.
var links = map[string]upgrade.Link{
	"status_url":        "status-url",
	"notes_url":         upgrade.NotesLink,
	"original_sql_url":  upgrade.OriginalSQLLink,
	"original_dump_url": upgrade.OriginalDumpLink,
	"upgraded_sql_url":  upgrade.UpgradedSQLLink,
	"upgraded_dump_url": upgrade.UpgradedDumpLink,
	"modules_url":       upgrade.ModulesLink,
}

// linkTo says where an item is.
var linkTo = map[upgrade.Item]upgrade.Link{
	upgrade.Notes:        upgrade.NotesLink,
	upgrade.OriginalSQL:  upgrade.OriginalSQLLink,
	upgrade.OriginalDump: upgrade.OriginalDumpLink,
	upgrade.UpgradedSQL:  upgrade.UpgradedSQLLink,
	upgrade.UpgradedDump: upgrade.UpgradedDumpLink,
	upgrade.Modules:      upgrade.ModulesLink,
}

// units of filesize; the sample "912.99 Kb" is 1024-based.
var units = map[string]float64{
	"b": 1, "bytes": 1, "byte": 1,
	"k": 1 << 10, "kb": 1 << 10, "kib": 1 << 10,
	"m": 1 << 20, "mb": 1 << 20, "mib": 1 << 20,
	"g": 1 << 30, "gb": 1 << 30, "gib": 1 << 30,
	"t": 1 << 40, "tb": 1 << 40, "tib": 1 << 40,
}

// sizeOf reads filesize. A text that is empty or not understood is a size that is not known.
func sizeOf(text string) (s upgrade.Size) {
	number, unit, _ := strings.Cut(strings.TrimSpace(text), " ")
	factor, ok := units[strings.ToLower(strings.TrimSpace(unit))]
	value, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || value < 0 || math.IsInf(value, 0) || math.IsNaN(value) {
		return s
	}
	s.Known, s.Bytes = true, value*factor
	// Rounded or cut after the last decimal shown: one unit of it either way. Whole bytes are
	// never rounded.
	if _, fraction, _ := strings.Cut(number, "."); factor > 1 {
		s.Within = factor * math.Pow10(-len(fraction))
	}
	return s
}
