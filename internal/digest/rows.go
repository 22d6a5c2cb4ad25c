package digest

import "regexp"

// row is a way in which upgrades fail. Title and advice have the groups of the pattern in braces,
// and {view}, {action}, {data}: what is known of those.
type row struct {
	kind    Kind
	has     string // text that all matches have, in front of the pattern: it is faster
	pattern *regexp.Regexp
	title   string
	advice  string
	weight  int
}

// What to do in several cases.
const (
	fitView   = "Deactivate it before the upgrade, and port it afterwards."
	fixRows   = "Correct these rows before the upgrade, and send a new dump."
	useField  = "Remove what uses it before the upgrade: a filter, an action, a view or code."
	byHand    = "Drop the SQL view, rule or trigger that depends on it before the upgrade, and create it again afterwards."
	noModel   = "Uninstall what uses it before the upgrade, or bring its module to the target version."
	noCode    = "Deactivate it, or remove its menu, before the upgrade: it calls code that is not there, as the platform runs without custom modules."
	askOdoo   = "If none of your customizations explains it, send it to Odoo's support."
	getModule = "Port the module to the target version, or uninstall it before the upgrade."
)

// explains is the least weight of what explains a failure by itself.
const explains = 50

// rows are all of them: the first that matches counts. What stands first is more special.
var rows = []row{
	{Action, "while evaluating", regexp.MustCompile(`(?s)<class '(?P<class>[\w.]+)'>: ["'](?P<why>.*?)["'] while evaluating`), "{action} fails: {why}", noCode, 92},
	{Action, "while evaluating", regexp.MustCompile(`(?s)ValueError: (?P<class>\w+)\(["'](?P<why>.*?)["'],?\) while evaluating`), "{action} fails: {why}", noCode, 92},
	{View, "cannot be located in parent", regexp.MustCompile(`(Element '?<.*?>'?) cannot be located in parent`), "{view} no longer fits its parent view", fitView, 90},
	{View, `"attrs" and "states"`, regexp.MustCompile(`Since (?P<version>[\d.]+), the "attrs" and "states" attributes`), `{view} uses "attrs" or "states", which Odoo {version} does not take`, fitView, 90},
	{View, "must be present in view", regexp.MustCompile(`Field ["']?(?P<field>\w+)["']? used in .* must be present in view`), "{view} uses the field {field}, but does not have it", fitView, 90},
	{View, "is not a valid action", regexp.MustCompile(`(?P<button>\S+) is not a valid action on (?P<model>[\w.]*\w)`), "{view} has a button for {button}, which {model} does not have", fitView, 90},
	{View, "error in view", regexp.MustCompile(`(?i)error in view .*`), "{view} has an error", fitView, 88},
	{Field, "remove_field", regexp.MustCompile("(?s)forgot to call `?util\\.remove_field`? on the following fields:\\s*(?P<fields>[^\\n]+)"), "Fields of a removed module are left: {fields}", "Remove these fields and what uses them before the upgrade, or uninstall their module.", 100},
	{View, "does not exist", regexp.MustCompile(`[Ff]ield ["'` + "`" + `]?(?P<field>[\w.]+)["'` + "`" + `]? does not exist(?: (?:in|on) model ["'` + "`" + `]?(?P<model>[\w.]+?)["'` + "`" + `]?[.\s]*$)?`), "{view} uses the field {field}, which does not exist", fitView, 90},
	{View, "Invalid view", regexp.MustCompile(`Invalid view .*`), "{view} is not valid", fitView, 88},
	{View, "validating view", regexp.MustCompile(`Error while (?:parsing or )?validating view`), "{view} is not valid in the new version: {why}", fitView, 88},
	{View, "inheritance may not use attribute", regexp.MustCompile(`View inheritance may not use attribute .*`), "{view} no longer fits its parent view", fitView, 88},
	{View, "could be found", regexp.MustCompile(`No default view of type .* could be found`), "A model has no view of the kind that an action opens", "Correct the action, or remove its menu, before the upgrade.", 86},
	{View, "Can't render custom view", regexp.MustCompile(`Can't render custom view (?P<xmlid>[\w.\-]*) ?for model (?P<model>[\w.]*\w)`), "{view} cannot be rendered", "Check the view after the upgrade: what it changes may be gone or have moved.", 88},
	{Field, "related field definition", regexp.MustCompile(`Field (?P<field>\w+) referenced in related field definition (?P<of>[\w.]+) does not exist`), "The field {field}, which the related field {of} needs, does not exist", useField, 88},
	{Field, "in leaf", regexp.MustCompile(`Invalid field (?P<field>[\w.]+) in leaf`), "The field {field} does not exist, but a filter or a rule uses it", useField, 85},
	{Field, "Wrong value for", regexp.MustCompile(`Wrong value for (?P<field>[\w.]+): (?P<value>[^\n]*)`), "The field {field} does not take {value}", "Correct the value, or what sets it, before the upgrade.", 82},
	{Field, "Invalid field", regexp.MustCompile(`Invalid field ['"]?(?P<field>[\w.]+)['"]? (?:on|in) model ['"]?(?P<model>[\w.]+)`), "The field {field} of {model} does not exist", useField, 85},
	{Field, "Unknown field", regexp.MustCompile(`Unknown field ["']?(?P<field>[\w.]+)`), "The field {field} does not exist", useField, 85},
	{Script, "Error: ", regexp.MustCompile(`(?s)(?:SleepyDeveloper|Upgrade|Migration)Error: (?P<why>.+)`), "A script of the upgrade stopped: {why}", "Do what it says before the upgrade. " + askOdoo, 100},
	{Script, "error in migration script", regexp.MustCompile(`(?P<module>\w+): error in migration script (?P<script>\S+?): ?(?P<why>[^\n]*)`), "The script {script} of {module} failed: {why}", "Read the error in the log at this line. " + askOdoo, 95},
	{Missing, "ID", regexp.MustCompile(`(?:External ID not found(?: in the system)?:|No record found for unique ID) (?P<xmlid>[\w.\-]*\w)`), "The record {xmlid} is missing", "It was deleted, but is needed: update the module that owns it, or create the record again with this external ID, before the upgrade.", 95},
	{Missing, "does not exist or has been deleted", regexp.MustCompile(`(?s)Record does not exist or has been deleted\.?\s*\(Records?: (?P<model>[\w.]+)\((?P<id>\d+)`), "The record {id} of {model} is missing", "It was deleted, but something refers to it: remove that reference, or restore the record, before the upgrade.", 85},
	{Module, "that depends on", regexp.MustCompile(`module ["']?(?P<module>\w+)["']? that depends on (?:the )?module:? ["']?(?P<missing>\w+)`), "{module} needs the module {missing}, which is not there", "Add {missing} for the target version, or uninstall the module that needs it before the upgrade.", 80},
	{Module, "No module named '", regexp.MustCompile(`No module named '(?P<missing>[\w]+)'`), "{module} needs the Python library {missing}, which is not installed", "Install it where Odoo runs; for the platform, uninstall the module before the upgrade.", 82},
	{Database, "psycopg2.errors.SyntaxError", regexp.MustCompile(`psycopg2\.errors\.SyntaxError: (?P<why>[^\n]+)`), "A statement is not valid SQL: {why}", "If it is of a module or script of yours, correct it. " + askOdoo, 75},
	{Module, "SyntaxError", regexp.MustCompile(`(?m)^(?:Syntax|Indentation)Error: (?P<why>[^\n]+)`), "{module} has code that the new version's Python does not take: {why}", getModule, 82},
	{Module, "No module named", regexp.MustCompile(`No module named '(?P<missing>[\w.]+)'`), "{module} imports {missing}, which is not there", getModule, 82},
	{Module, "cannot import name", regexp.MustCompile(`cannot import name '(?P<missing>[\w.]+)' from '(?P<from>[\w.]+)'`), "{module} imports {missing} from {from}, which is not there", getModule, 82},
	{Module, "external dependency is not met", regexp.MustCompile(`module ["'](?P<module>\w+)["'] because an external dependency is not met: (?P<why>.*)`), "{module} cannot be installed: {why}", "Install what is missing where Odoo runs.", 80},
	{Module, "modules", regexp.MustCompile(`Some modules are not loaded, some dependencies or manifest may be missing: (?P<list>.*)`), "Modules are not loaded: {list}", getModule, 30},
	{Module, "inconsistent states", regexp.MustCompile(`Some modules have inconsistent states, some dependencies may be missing: (?P<list>.*)`), "Modules are between two states: {list}", getModule, 30},
	{Module, "module", regexp.MustCompile(`(?:invalid module names, ignored|The following modules are not installed or unknown): (?P<list>.*)`), "Modules are not known: {list}", getModule, 30},
	{Module, "not installable", regexp.MustCompile(`[Mm]odules? (?P<list>\[.*?\]|[\w, ]+?):? (?:are|is|were)?\s?not installable`), "Modules are not installable: {list}", getModule, 30},
	{Module, "nmet dependencies", regexp.MustCompile(`[Uu]nmet dependencies: (?P<list>.*)`), "A module's dependencies are missing: {list}", getModule, 78},
	{Module, "load module", regexp.MustCompile(`Couldn't load module (?P<module>\w+)`), "{module} does not load", getModule, 40},
	{Constraint, "duplicate key value", regexp.MustCompile(`(?s)duplicate key value violates unique constraint "(?P<constraint>[^"]+)"(?:.*?DETAIL:\s*(?P<why>[^\n]+))?`), "Rows violate the unique constraint {constraint}: {why}", fixRows, 80},
	{Constraint, "could not create unique index", regexp.MustCompile(`(?s)could not create unique index "(?P<constraint>[^"]+)"(?:.*?DETAIL:\s*(?P<why>[^\n]+))?`), "Rows violate the unique index {constraint}: {why}", fixRows, 80},
	{Constraint, "update or delete on table", regexp.MustCompile(`(?s)update or delete on table "(?P<table>[^"]+)" violates foreign key constraint "(?P<constraint>[^"]+)" on table "(?P<of>[^"]+)"(?:.*?DETAIL:\s*(?P<why>[^\n]+))?`), "Rows of {of} still refer to rows of {table} (foreign key {constraint}): {why}", fixRows, 80},
	{Constraint, "violates foreign key constraint", regexp.MustCompile(`(?s)table "(?P<table>[^"]+)" violates foreign key constraint "(?P<constraint>[^"]+)"(?:.*?DETAIL:\s*(?P<why>[^\n]+))?`), "Rows of {table} violate the foreign key {constraint}: {why}", fixRows, 80},
	{Constraint, "violates not-null constraint", regexp.MustCompile(`(?s)null value in column "(?P<column>[^"]+)"(?: of relation "(?P<table>[^"]+)")? violates not-null constraint`), "Rows of {table} have no value in {column}, but must", fixRows, 80},
	{Constraint, "contains null values", regexp.MustCompile(`column "(?P<column>[^"]+)" of relation "(?P<table>[^"]+)" contains null values`), "Rows of {table} have no value in {column}, but must", fixRows, 80},
	{Constraint, "violates check constraint", regexp.MustCompile(`relation "(?P<table>[^"]+)" violates check constraint "(?P<constraint>[^"]+)"`), "Rows of {table} violate the check {constraint}", fixRows, 80},
	{Constraint, "check constraint", regexp.MustCompile(`check constraint "(?P<constraint>[^"]+)" of relation "(?P<table>[^"]+)" is violated`), "Rows of {table} violate the check {constraint}", fixRows, 80},
	{Constraint, "unable to add constraint", regexp.MustCompile(`Table '(?P<table>\w+)': unable to add constraint '(?P<constraint>\w+)' as (?P<what>.*)`), "Rows of {table} violate the constraint {constraint}: {what}", fixRows, 70},
	{Constraint, "unable to set NOT NULL", regexp.MustCompile(`Table '(?P<table>\w+)': unable to set NOT NULL on column '(?P<column>\w+)'`), "Rows of {table} have no value in {column}, but must", fixRows, 70},
	{Constraint, "requires the record being deleted", regexp.MustCompile(`(?s)requires the record being deleted.*?Model: (?P<label>[^\n]*)\n\s*Constraint: (?P<constraint>[^\n]+)`), "A record was to be deleted that {label} still uses (constraint {constraint})", "Remove what still uses the record before the upgrade. " + askOdoo, 80},
	{Constraint, "invalid input syntax for type", regexp.MustCompile(`invalid input syntax for type (?P<type>[\w ]+): (?P<value>"[^\n]*")`), "{value} is not a value of the type {type}", fixRows, 75},
	{Constraint, "value too long for type", regexp.MustCompile(`value too long for type (?P<type>[^\n]+)`), "A value is too long for its column, which is of the type {type}", fixRows, 75},
	{Constraint, "out of range", regexp.MustCompile(`\b(?P<type>(?:small|big)?int(?:eger)?) out of range`), "A number is too large for its column, which is of the type {type}", fixRows, 70},
	{Database, "operator does not exist", regexp.MustCompile(`operator does not exist: (?P<what>[^\n]+)`), "The database cannot compare {what}", "Check which column has another type than in a standard database. " + askOdoo, 75},
	{Database, "cannot alter type", regexp.MustCompile(`(?s)cannot alter type of a column used by (?P<what>[^\n]+)(?:.*?DETAIL:\s*(?P<why>[^\n]+))?`), "Something made by hand is in the way, {what}: {why}", byHand, 85},
	{Database, "does not exist", regexp.MustCompile(`(?P<what>column|relation|table|constraint|function|type|index|schema) "?(?P<name>[\w.]+(?:\([^)]*\))?)"?(?: of relation "(?P<table>[^"]+)")? does not exist`), "The database has no {what} {name}", "Check what your own modules or scripts changed in the database. " + askOdoo, 75},
	{Database, "already exists", regexp.MustCompile(`(?P<what>column|relation|table|constraint|index) "(?P<name>[^"]+)"(?: .*)? already exists`), "The database already has a {what} {name}", "Remove or rename what was made by hand before the upgrade.", 75},
	{Database, "cannot drop", regexp.MustCompile(`cannot (?:drop|alter) (?P<what>.*?) because (?P<why>[^\n]*)`), "Something made by hand is in the way of {what}", byHand, 85},
	{Resources, "space left on device", regexp.MustCompile(`[Nn]o space left on device`), "A disk is full", "Free space where the upgrade runs, and start it again.", 96},
	{Resources, "emory", regexp.MustCompile(`MemoryError|[Oo]ut of (?:shared )?memory|Memory limit`), "The memory was not enough", "Start it again with more memory; on the platform, ask Odoo's support.", 96},
	{Resources, "statement timeout", regexp.MustCompile(`canceling statement due to (?:statement|lock) timeout`), "A statement took too long", "Start it again. " + askOdoo, 75},
	{Resources, "could not serialize access", regexp.MustCompile(`could not serialize access`), "Two transactions wanted to change the same rows", "Odoo tries that again by itself. If nothing else is wrong, start the upgrade again.", 20},
	{Resources, "deadlock", regexp.MustCompile(`deadlock detected`), "Two transactions waited for each other", "Start it again.", 60},
	{Resources, "connection to server", regexp.MustCompile(`connection to server .* failed: (?P<why>[^\n]+)`), "PostgreSQL did not respond: {why}", "Check that it runs, and start the upgrade again.", 70},
	{Resources, "connection", regexp.MustCompile(`server closed the connection unexpectedly|terminating connection|connection already closed`), "The connection to PostgreSQL was lost", "Start it again.", 70},
	{Model, "in registry", regexp.MustCompile(`[Mm]odel ['"]?(?P<model>[\w.]+)['"]? (?:is not found|not found|does not exist) in registry`), "The model {model} does not exist", noModel, 82},
	{Model, "KeyError", regexp.MustCompile(`^KeyError: '(?P<model>[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+)'`), "The model {model} does not exist", noModel, 82},
	{Model, "object has no attribute", regexp.MustCompile(`AttributeError: '(?P<model>[a-z_]+(?:\.[a-z0-9_]+)+)' object has no attribute '(?P<name>\w+)'`), "The model {model} has no field or method {name}", useField, 80},
	{Data, "XMLSyntaxError", regexp.MustCompile(`XMLSyntaxError: (?P<why>[^\n]+)`), "A data file or a view is not valid XML: {why}", "Correct it before the upgrade.", 85},
	{Script, "odoo.exceptions.", regexp.MustCompile(`odoo\.exceptions\.(?:UserError|ValidationError|AccessError|RedirectWarning):\s*(?P<why>[^\n]+)`), "Odoo refused a step of the upgrade: {why}", "Correct what it names before the upgrade. " + askOdoo, 78},
	{Data, "while parsing", regexp.MustCompile(`while parsing `), "{data} does not load", "Correct or remove what the error names. " + askOdoo, 95},
}

// noise is dropped: it fails nothing, or says nothing that is not said elsewhere.
var noise = []*regexp.Regexp{
	regexp.MustCompile(`FileNotFoundError: .*filestore`),
	regexp.MustCompile(`No such file or directory: '[^']*/filestore/`),
	regexp.MustCompile(`^_read_file reading `),
}
