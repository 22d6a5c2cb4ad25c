package upgrade

// Field names a value of a status, as the step outputs name it.
type Field string

// The fields that the program itself reads. FieldTable has all of them.
const (
	AimField        Field = "aim"
	TargetField     Field = "target"
	CustomerMessage Field = "customer-message"
	DatabaseVersion Field = "database-version"
	Elapsed         Field = "elapsed"
	EstimatedTime   Field = "estimated-time"
	Filesize        Field = "filesize"
	IssueStage      Field = "issue-stage"
)

// FieldInfo declares a field.
type FieldInfo struct {
	Field  Field
	Help   string
	Secret bool // holds the key, or a URL with it: only ever to be shown masked
}

// FieldTable declares every field of a status, in the order of the
// specification ("Obtaining your request status", sample output). Decoding, the
// step outputs and the documents all come from it.
func FieldTable() []FieldInfo {
	const secret, open = true, false
	return []FieldInfo{
		{"email", "Email address of the request", open},
		{"target", "Odoo version to upgrade to", open},
		{"aim", "test or production", open},
		{"filename", "The dump's name on the platform", open},
		{"timezone", "Time zone of the request", open},
		{"issue-stage", "Stage of the vendor's issue about the request", open},
		{"issue", "Number of that issue", open},
		{"status-url", "The request's page", secret},
		{"notes-url", "Notes about the upgrade", secret},
		{"original-sql-url", "The uploaded database as SQL", secret},
		{"original-dump-url", "The uploaded database as an archive", secret},
		{"upgraded-sql-url", "The upgraded database as SQL", secret},
		{"upgraded-dump-url", "The upgraded database as an archive", secret},
		{"modules-url", "Your custom modules", secret},
		{"filesize", "Size of the upload, as text", open},
		{"database-uuid", "Unique ID of the database", open},
		{"created-at", "When the request was created", open},
		{"estimated-time", "How long the platform expects the upgrade to take", open},
		{"processed-at", "When the upgrade started", open},
		{"elapsed", "How long the upgrade took, as text", open},
		{"filestore", "Whether attachments were moved to the filestore", open},
		{"customer-message", "The platform's message to you", open},
		{"database-version", "Odoo version detected by the platform in the dump", open},
		{"postgresql", "PostgreSQL version that the platform found in the dump", open},
		{"compressions", "How the platform found the dump to be compressed, separated by commas", open},
	}
}
