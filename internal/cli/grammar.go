package cli

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // the image has no zones

	"odoo-upgrade-action/internal/job"
	"odoo-upgrade-action/internal/transfer"
	"odoo-upgrade-action/internal/upgrade"
)

// grammar is the command line, and so the action's inputs: each is declared
// once, here. The tags are kong's, but for two of ours: secret marks an input
// that is masked, local one that a command line has and the action has not.
type grammar struct {
	Run      runCommand      `cmd:"" help:"Take a dump through the platform, or go on with a request"`
	Start    startCommand    `cmd:"" help:"As run, up to and with the start of the upgrade; does not wait"`
	Wait     waitCommand     `cmd:"" help:"Wait for a started request, and fail if its upgrade failed"`
	Status   statusCommand   `cmd:"" help:"Look at a request once"`
	Download downloadCommand `cmd:"" help:"Fetch what a request offers"`
	Inspect  inspectCommand  `cmd:"" help:"Recognise a dump and tell what is in it; asks nothing of the platform"`
	Sandbox  sandboxCommand  `cmd:"" help:"Serve the platform in small until it is stopped"`
	Demo     demoCommand     `cmd:"" help:"Show a whole cycle with a sandbox and a sample dump"`
	Health   healthCommand   `cmd:"" help:"Tell whether the sandbox of this machine or container answers"`
	Version  versionCommand  `cmd:"" help:"Print the version"`
}

type runCommand struct {
	platformFlags
	transportFlags
	requestFlags
	addressFlags
	waitFlags
	stateFlags
	downloadFlags
	keepFlags
}

type startCommand struct {
	platformFlags
	transportFlags
	requestFlags
	addressFlags
	stateFlags
	keepFlags
}

type waitCommand struct {
	platformFlags
	addressFlags
	waitFlags
	stateFlags
	localFlags
}

type statusCommand struct {
	platformFlags
	addressFlags
	stateFlags
	localFlags
}

type downloadCommand struct {
	platformFlags
	transportFlags
	addressFlags
	stateFlags
	downloadFlags
	localFlags
}

// requestFlags say what is to be upgraded, and how.
type requestFlags struct {
	Email  string `help:"Your email address"`
	Target target `help:"Odoo version to upgrade to, like 17.0 or saas~17.4"`
	Aim    aim    `default:"test" help:"Purpose of the request: test or production. Production is refused on pull_request events"`
	dumpFlags
	Filename  string    `help:"What the platform is told as the dump's name; without it, the dump's own"`
	Preflight preflight `default:"strict" help:"What to do with a dump that cannot work: strict ends before anything is asked of the platform, warn says so, off does not look"`
	Timezone  timezone  `help:"Time zone of your server, as an IANA name; only for sources older than 6.1"`
	SkipTest  skipTest  `default:"false" help:"true asks the platform to deliver the upgraded database untested"`
}

// dumpFlags say where the dump is.
type dumpFlags struct {
	Dump string `help:"Path of the dump"`
}

// platformFlags say where the platform is.
type platformFlags struct {
	ServerURL     string `name:"server-url" default:"${server}" help:"Address of the platform; sandbox, or sandbox?outcome=failed&pace=1s, embeds one that upgrades nothing"`
	CACertificate string `name:"ca-certificate" help:"Certificates to trust beside the system's, as PEM"`
}

// transportFlags say how files travel.
type transportFlags struct {
	Transport     transport `default:"auto" help:"How files travel: https, sftp, or auto: https for small dumps, sftp from 512 MiB on and where https fails"`
	Streams       streams   `default:"4" help:"SSH connections at most, for sftp"`
	SSHKnownHosts string    `name:"ssh-known-hosts" help:"Lines of a known_hosts file that the SFTP server has to be in; without it, the first key that a request meets is trusted, shown, and demanded from then on"`
	SSHPrivateKey string    `name:"ssh-private-key" help:"Key for sftp, as ssh-keygen writes one, without a passphrase; without it, a fresh one that is never written to disk" secret:""`
}

// addressFlags name a request to go on with.
type addressFlags struct {
	Contract     string `help:"Your enterprise contract reference" secret:""`
	Handle       string `help:"Handle of a request to go on with, output of a step before this one, in this job or in another"`
	HandleSecret string `name:"handle-secret" help:"What the handle is sealed under; without it, the contract" secret:""`
	RequestID    string `name:"request-id" help:"Id of a request to go on with"`
	RequestKey   string `name:"request-key" help:"Its key; on a command line, - reads it from standard input" secret:""`
}

// waitFlags say how to wait.
type waitFlags struct {
	Timeout      time.Duration `default:"5h" help:"How long to wait for the platform"`
	OnTimeout    onTimeout     `name:"on-timeout" default:"fail" help:"fail, or continue: end well although the platform is still at work"`
	PollInterval time.Duration `name:"poll-interval" default:"30s" help:"The longest pause between two looks"`
}

// stateFlags say what the platform's states mean.
type stateFlags struct {
	SuccessStates list `name:"success-states" default:"done,delivered" help:"States that mean success"`
	FailureStates list `name:"failure-states" default:"failed,cancelled,canceled,cancel,error,refused" help:"States that mean failure"`
}

// downloadFlags say what to fetch, and where to.
type downloadFlags struct {
	Download     items  `default:"upgraded-dump" help:"What to fetch, as a list: upgraded-dump, upgraded-sql, original-dump, original-sql, notes, modules; or none"`
	DownloadPath string `name:"download-path" default:"odoo-upgrade" help:"Folder for it, in the workspace"`
}

// keepFlags are localFlags of the commands that make requests, whose key must
// not be lost.
type keepFlags struct {
	Outputs string `default:"odoo-upgrade-outputs.txt" help:"File that the outputs are added to, the key included" local:""`
	Summary string `help:"File that the summary is added to, as Markdown" local:""`
}

// localFlags stand on a command line for what the runner gives a step.
type localFlags struct {
	Outputs string `help:"File that the outputs are added to" local:""`
	Summary string `help:"File that the summary is added to, as Markdown" local:""`
}

type inspectCommand struct {
	dumpFlags
	File   string `arg:"" optional:"" help:"Path of the dump"`
	Format format `default:"text" help:"text or json" local:""`
	SHA256 bool   `name:"sha256" help:"Tell the SHA-256 even where the file need not be read whole" local:""`
	localFlags
}

type sandboxCommand struct {
	Listen     string        `default:"127.0.0.1:8069" help:"Address of the API and the pages" local:""`
	SFTPListen string        `name:"sftp-listen" default:"127.0.0.1:2200" help:"Address of the SFTP server" local:""`
	Data       string        `default:"odoo-upgrade-sandbox" help:"Folder for requests and dumps" local:""`
	Contract   []string      `help:"A contract that is known, once for each; without any, every well-formed one is" local:""`
	Outcome    string        `default:"done" help:"How requests end: done, failed or cancelled" local:""`
	Pace       time.Duration `default:"1s" help:"How long a request is pending, and then in progress" local:""`
	Fault      []string      `help:"Something to do wrong, once for each, like status:2=503, process:1=lost, upload:1=cut:100000 or sftp:2-=refuse:0s" sep:"none" local:""`
}

type demoCommand struct {
	Out string `default:"odoo-upgrade-demo" help:"Folder for the results" local:""`
}

type healthCommand struct {
	Listen string `default:"127.0.0.1:8069" help:"Address of the sandbox's API" local:""`
}

type versionCommand struct {
	Format format `default:"text" help:"text or json" local:""`
}

// Validate is called by kong.
func (f waitFlags) Validate() error {
	if f.Timeout < 0 || f.PollInterval < 10*time.Millisecond {
		return errors.New("timeout and poll-interval take a time like 5h or 30s; the shortest poll-interval is 10ms")
	}
	return nil
}

// The types below are how inputs are read; kong calls their UnmarshalText.

type target struct{ upgrade.Target }

func (t *target) UnmarshalText(text []byte) (err error) {
	t.Target, err = upgrade.ParseTarget(string(text))
	return err
}

type transport struct{ transfer.Transport }

func (t *transport) UnmarshalText(text []byte) error {
	switch t.Transport = transfer.Transport(text); t.Transport {
	case transfer.Auto, transfer.OverHTTPS, transfer.OverSFTP:
		return nil
	}
	return fmt.Errorf("%q is none of auto, https and sftp", text)
}

type streams int

func (s *streams) UnmarshalText(text []byte) error {
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 1 || n > 16 {
		return fmt.Errorf("%q is no number from 1 to 16", text)
	}
	*s = streams(n)
	return nil
}

// timezone is checked here: a request is made once.
type timezone string

func (t *timezone) UnmarshalText(text []byte) error {
	if _, err := time.LoadLocation(string(text)); err != nil || string(text) == "Local" {
		return fmt.Errorf("%q is no time zone: give an IANA name like Europe/Brussels", text)
	}
	*t = timezone(text)
	return nil
}

type aim struct{ upgrade.Aim }

func (a *aim) UnmarshalText(text []byte) (err error) {
	a.Aim, err = upgrade.ParseAim(string(text))
	return err
}

// skipTest is a bool that must be written out: an input cannot be a bare flag.
type skipTest struct{ on bool }

func (s *skipTest) UnmarshalText(text []byte) error {
	switch string(text) {
	case "true", "false":
		s.on = string(text) == "true"
		return nil
	}
	return fmt.Errorf("%q is neither true nor false", text)
}

type onTimeout struct{ goOn bool }

func (o *onTimeout) UnmarshalText(text []byte) error {
	switch string(text) {
	case "fail", "continue":
		o.goOn = string(text) == "continue"
		return nil
	}
	return fmt.Errorf("%q is neither fail nor continue", text)
}

type preflight struct{ job.Preflight }

func (p *preflight) UnmarshalText(text []byte) error {
	switch p.Preflight = job.Preflight(text); p.Preflight {
	case job.Strict, job.Warn, job.Off:
		return nil
	}
	return fmt.Errorf("%q is none of strict, warn and off", text)
}

type format struct{ json bool }

func (f *format) UnmarshalText(text []byte) error {
	switch string(text) {
	case "text", "json":
		f.json = string(text) == "json"
		return nil
	}
	return fmt.Errorf("%q is neither text nor json", text)
}

// list takes commas, spaces and line ends between its words.
type list []string

func (l *list) UnmarshalText(text []byte) error {
	*l = strings.FieldsFunc(string(text), func(c rune) bool { return strings.ContainsRune(", \t\r\n", c) })
	return nil
}

type items []upgrade.Item

func (i *items) UnmarshalText(text []byte) error {
	var words list
	if err := words.UnmarshalText(text); err != nil {
		return err
	}
	*i = nil
	for _, word := range words {
		item := upgrade.Item(word)
		switch {
		case word == "none" && len(words) == 1:
		case !slices.Contains(upgrade.Items(), item):
			return fmt.Errorf("%q is nothing to fetch: give some of %v, or none", word, upgrade.Items())
		case !slices.Contains(*i, item):
			*i = append(*i, item)
		}
	}
	return nil
}
