package cli

import (
	"errors"
	"time"
	_ "time/tzdata" // the image has no zones

	"github.com/alecthomas/kong"

	"odoo-upgrade-action/internal/dial"
)

// grammar is the command line, and so the action's inputs: each is declared once,
// here or in package dial. The tags are kong's, except for two of ours: secret marks
// an input that is masked, local one that only the command line has.
type grammar struct {
	Run      runCommand      `cmd:"" help:"${run_help}"`
	Start    startCommand    `cmd:"" help:"${start_help}"`
	Wait     waitCommand     `cmd:"" help:"${wait_help}"`
	Status   statusCommand   `cmd:"" help:"${status_help}"`
	Download downloadCommand `cmd:"" help:"${download_help}"`
	Inspect  inspectCommand  `cmd:"" help:"${inspect_help}"`

	Inventory inventoryCommand `cmd:"" help:"${inventory_help}"`
	Compare   compareCommand   `cmd:"" help:"${compare_help}"`

	Explain explainCommand `cmd:"" help:"Say why an upgrade failed: the causes in a log that you have, of the platform, of OpenUpgrade or of Odoo itself"`

	Sandbox sandboxCommand `cmd:"" help:"Serve a small stand-in for the platform until stopped"`
	Demo    demoCommand    `cmd:"" help:"Show a whole cycle with a sandbox and a sample dump"`
	Health  healthCommand  `cmd:"" help:"Check that the sandbox on this machine or in this container responds"`
	Version versionCommand `cmd:"" help:"Print the version"`

	Completion completionCommand `cmd:"" help:"Print the shell code for Tab completion; source it in your shell's startup file"`

	PrintVersion kong.VersionFlag `name:"version" help:"Print the version"`
}

type runCommand struct {
	commonFlags
	dial.TransferSettings
	requestFlags
	waitFlags
	downloadFlags
	folderFlags
	compareFlags
	gateFlags
	keepFlags
}

type startCommand struct {
	commonFlags
	dial.TransferSettings
	requestFlags
	folderFlags
	compareFlags
	keepFlags
}

type waitCommand struct {
	commonFlags
	waitFlags
	folderFlags
	inventoryFlags
	localFlags
}

type statusCommand struct {
	commonFlags
	localFlags
}

type downloadCommand struct {
	commonFlags
	dial.TransferSettings
	downloadFlags
	folderFlags
	compareFlags
	gateFlags
	localFlags
}

// commonFlags are those of all commands that talk to the platform.
type commonFlags struct {
	serverFlags
	dial.HTTPSettings
	referenceFlags
	stateFlags
}

// requestFlags say what is to be upgraded, and how.
type requestFlags struct {
	Email  string `help:"Your email address${only_email}"`
	Target target `help:"Odoo version to upgrade to, like 18.0 or saas~18.2"`
	Aim    aim    `default:"test" help:"Purpose of the request: test or production. Production is refused on pull_request events"`
	dumpFlags
	Filename  string     `help:"Name of the dump on the platform. Without it, the name of the file"`
	Preflight strictness `default:"strict" help:"What to do if the dump cannot be upgraded: strict fails before anything is sent, warn logs a warning, off does not check"`
	Timezone  timezone   `help:"Time zone of your server, like Europe/Brussels; only for databases older than Odoo 6.1${only_timezone}"`
	SkipTest  skipTest   `default:"false" help:"true asks the platform to deliver the upgraded database untested${only_skip_test}"`
	Env       env        `help:"Variables for the platform, one VAR=VALUE per line${only_env}"`
}

// dumpFlags say where the dump is.
type dumpFlags struct {
	Dump string `help:"Path of the dump: a file or, with json-rpc, a folder with toc.dat"`
}

// serverFlags say where the platform is.
type serverFlags struct {
	ServerURL string   `name:"server-url" help:"URL of the platform. Default: the one in the handle, otherwise ${server}. With sandbox or sandbox?outcome=failed&pace=1s, a built-in sandbox that upgrades nothing"`
	Protocol  protocol `default:"auto" help:"${protocols}, or auto, which uses the first of them that the platform has. A handle sets it"`
}

// referenceFlags name a request to continue.
type referenceFlags struct {
	Contract     string `help:"Your enterprise contract reference" secret:""`
	Handle       string `help:"Handle of the request to continue: the output handle of an earlier step or job"`
	HandleSecret string `name:"handle-secret" help:"Secret that encrypts the handle. Default: the contract" secret:""`
	RequestID    string `name:"request-id" help:"ID of a request to continue"`
	RequestKey   string `name:"request-key" help:"Key of that request; on a command line, - reads it from standard input" secret:""`
}

// waitFlags say how to wait.
type waitFlags struct {
	Timeout      time.Duration `default:"5h" help:"How long to wait for the platform, like 30m or 5h"`
	OnTimeout    onTimeout     `name:"on-timeout" default:"fail" help:"What to do after the timeout: fail, or continue, which lets the step succeed while the platform keeps working"`
	PollInterval time.Duration `name:"poll-interval" default:"30s" help:"Maximum time between two status checks, like 30s"`
}

// stateFlags say what the platform's states mean.
type stateFlags struct {
	SuccessStates list `name:"success-states" help:"States that mean success, in place of the platform's own"`
	FailureStates list `name:"failure-states" help:"States that mean failure, in place of the platform's own"`
}

// downloadFlags say what to download, and where to.
type downloadFlags struct {
	Download items      `default:"upgraded-dump" help:"What to download, as a list: ${offers}; or none"`
	Check    strictness `default:"strict" help:"What to do with an upgraded database that is not complete, not Odoo's, or not at the target version: strict fails, warn logs a warning, off does not check"`
}

// folderFlags say where files are written to.
type folderFlags struct {
	DownloadPath string `name:"download-path" default:"odoo-upgrade" help:"Folder for downloads, the inventory, the comparison and the log of a failed upgrade, in the workspace"`
}

// compareFlags say whether the upgraded database is compared.
type compareFlags struct {
	Compare compareMode `default:"report" help:"report compares the upgraded database with the dump that was sent; off does not"`
}

// gateFlags say what of a comparison fails a run.
type gateFlags struct {
	FailOn areas `name:"fail-on" help:"What fails the step, as a list: findings of the comparison in ${areas}, and disabled-views, which the platform's own report lists. Default: none"`
	inventoryFlags
}

// inventoryFlags name the inventory of the dump that an earlier job sent.
type inventoryFlags struct {
	Inventory string `help:"Inventory of the dump that was sent, where this job does not have the dump: the file that the output inventory-path of an earlier job names"`
}

// keepFlags are the localFlags of the commands that create requests, whose key must not be
// lost.
type keepFlags struct {
	Outputs string `default:"odoo-upgrade-outputs.txt" help:"File to append the outputs to, the key included" local:""`
	Summary string `help:"File to append the summary to, as Markdown" local:""`
	Quiet   bool   `short:"q" help:"Log only warnings and errors" local:""`
}

// localFlags do on a command line what the runner does for a step.
type localFlags struct {
	Outputs string `help:"File to append the outputs to" local:""`
	Summary string `help:"File to append the summary to, as Markdown" local:""`
	Quiet   bool   `short:"q" help:"Log only warnings and errors" local:""`
}

type inspectCommand struct {
	dumpFlags
	File   string `arg:"" optional:"" help:"Path of the dump"`
	Format format `default:"text" help:"text or json" local:""`
	SHA256 bool   `name:"sha256" help:"Print the SHA-256 even if the file does not have to be read to its end" local:""`
	localFlags
}

type explainCommand struct {
	Log    string `arg:"" help:"Path of the log; - reads standard input"`
	Format format `default:"text" help:"text or json" local:""`
	Most   int    `default:"10" help:"How many causes to print as text" local:""`
}

type inventoryCommand struct {
	dumpFlags
	File string `arg:"" optional:"" help:"Path of the dump"`
	folderFlags
	Format format `default:"text" help:"text prints a summary; json prints the inventory itself" local:""`
	localFlags
}

type compareCommand struct {
	dumpFlags
	gateFlags
	Upgraded string `help:"Path of the upgraded database, or of its inventory: only for the command compare"`
	Old      string `arg:"" optional:"" help:"Path of the dump that was sent, or of its inventory"`
	New      string `arg:"" optional:"" help:"Path of the upgraded database, or of its inventory"`
	folderFlags
	Format format `default:"text" help:"text or json" local:""`
	localFlags
}

type demoCommand struct {
	Out      string   `default:"odoo-upgrade-demo" help:"Folder for the results" local:""`
	Protocol protocol `default:"v1" help:"Protocol to show: v1 or json-rpc" local:""`
}

type healthCommand struct {
	Listen string `default:"127.0.0.1:8069" help:"Address of the sandbox's API" local:""`
}

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish"`
}

type versionCommand struct {
	Format format `default:"text" help:"text or json" local:""`
}

// Validate is called by kong.
func (f waitFlags) Validate() error {
	if f.Timeout < 0 || f.PollInterval < 10*time.Millisecond {
		return errors.New("timeout and poll-interval are durations like 5h or 30s; the shortest poll-interval is 10ms")
	}
	return nil
}

// The types below are how inputs are read; kong calls their UnmarshalText.
