package upgrade

// Field names what a status says for people to read, as the step outputs name it.
type Field string

// The fields that the program itself reads. Fields has all of them.
const (
	AimField        Field = "aim"
	TargetField     Field = "target"
	FilenameField   Field = "filename"
	CustomerMessage Field = "customer-message"
	DatabaseVersion Field = "database-version"
	Elapsed         Field = "elapsed"
	EstimatedTime   Field = "estimated-time"
	Filesize        Field = "filesize"
	IssueStage      Field = "issue-stage"
)

// Link names a page or a file of a request, as the step outputs name it. Its address holds
// the request's key.
type Link string

// The links to files that can be downloaded. Links has all of them.
const (
	NotesLink        Link = "notes-url"
	OriginalSQLLink  Link = "original-sql-url"
	OriginalDumpLink Link = "original-dump-url"
	UpgradedSQLLink  Link = "upgraded-sql-url"
	UpgradedDumpLink Link = "upgraded-dump-url"
	ModulesLink      Link = "modules-url"
)

// Info declares a field or a link, with what it says.
type Info[Name Field | Link] struct {
	Name Name
	Help string
}

// Fields declares every field of a status. The step outputs and the documents come from it; a
// back end has a table of what its protocol calls them.
func Fields() []Info[Field] {
	return []Info[Field]{
		{"email", "Email address of the request"},
		{TargetField, "Odoo version to upgrade to"},
		{AimField, "test or production"},
		{FilenameField, "The dump's name on the platform"},
		{"timezone", "Time zone of the request"},
		{IssueStage, "Stage of the vendor's issue about the request"},
		{"issue", "Number of that issue"},
		{Filesize, "Size of the upload, as text"},
		{"database-uuid", "Unique ID of the database"},
		{"created-at", "When the request was created"},
		{EstimatedTime, "How long the platform expects the upgrade to take"},
		{"processed-at", "When the upgrade started"},
		{Elapsed, "How long the upgrade took, as text"},
		{"filestore", "Whether attachments were moved to the filestore"},
		{CustomerMessage, "The platform's message to you"},
		{DatabaseVersion, "Odoo version detected by the platform in the dump"},
		{"postgresql", "PostgreSQL version that the platform found in the dump"},
		{"compressions", "How the platform found the dump to be compressed, separated by commas"},
	}
}

// Links declares every link of a status.
func Links() []Info[Link] {
	return []Info[Link]{
		{"status-url", "The request's page"},
		{NotesLink, "Notes about the upgrade"},
		{OriginalSQLLink, "The uploaded database as SQL"},
		{OriginalDumpLink, "The uploaded database as an archive"},
		{UpgradedSQLLink, "The upgraded database as SQL"},
		{UpgradedDumpLink, "The upgraded database as an archive"},
		{ModulesLink, "Your custom modules"},
	}
}
