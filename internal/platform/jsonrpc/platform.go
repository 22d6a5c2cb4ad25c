// Package jsonrpc speaks the protocol of the vendor's current upgrade script: JSON-RPC for
// requests, rsync over SSH for files, and a log that can be read while the upgrade runs.
//
// New connects a Platform, which package job drives. The protocol is not documented: what
// is known of it was taken from the script, and it can change any day.
package jsonrpc

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"

	"golang.org/x/crypto/ssh"

	"odoo-upgrade-action/internal/advice"
	"odoo-upgrade-action/internal/dial"
	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/httpcall"
	"odoo-upgrade-action/internal/platform"
	"odoo-upgrade-action/internal/upgrade"
)

// states are those that the script knows. Only new can be processed.
var states = upgrade.States{
	Draft:   []string{"new"},
	Queued:  []string{"pending"},
	Working: []string{"progress"},
	Done:    []string{"done"},
	Failed:  []string{"failed", "cancelled", "canceled"},
}

// Platform is a platform that speaks JSON-RPC. It is for one request and one goroutine.
type Platform struct {
	*requests
	*transfers
}

// requests makes the calls about the request.
type requests struct {
	platform.Config
	base    *url.URL
	http    *http.Client
	states  upgrade.States
	ticket  upgrade.Ticket
	session session
	key     ssh.Signer
	copies  bool   // the platform is a sandbox that upgrades nothing
	sandbox bool   // the platform is a sandbox
	info    string // of the platform about the new request: told once its token is masked
}

// transfers moves files of the request, over an SSH server that a call starts for each.
type transfers struct {
	*requests
	proxied bool // there is an HTTP proxy, which SSH does not go through
	user    string
	root    string  // folder of the request's files there
	open    bool    // a transfer was started and not stopped
	command command // for downloads: those before it were refused
	tries   int     // uploads that were tried
	kept    int64   // bytes of the dump that were sent
}

// session is what a later job needs beside the token.
type session struct {
	Node   string `json:"node"`    // host, and maybe port, that has the request
	SSHKey string `json:"ssh_key"` // private, as ssh-keygen writes it; "" if the user has it
	Remote string `json:"remote"`  // name of the dump there, "" before the upload
	Target string `json:"target"`  // the status does not repeat these
	Aim    string `json:"aim"`
	Name   string `json:"filename"`
}

// New returns a platform. It connects to nothing yet; its error says which input is wrong.
func New(c platform.Config) (p *Platform, err error) {
	r := &requests{Config: c, http: httpcall.Client(c.HTTP), states: states.With(c.Success, c.Failure)}
	p = &Platform{r, &transfers{requests: r, user: sshUser, root: dataRoot}}
	if r.base, err = httpcall.ParseServer(c.Server); err != nil {
		return nil, err
	}
	if c.Transfer.SSHPrivateKey != "" {
		if r.key, err = dial.ParseKey(c.Transfer.SSHPrivateKey); err != nil {
			return nil, err
		}
	}
	if c.Transfer.SSHKnownHosts != "" {
		if _, err := dial.NewHostKeys(c.Transfer.SSHKnownHosts, ""); err != nil {
			return nil, err
		}
	}
	if c.Dial == nil {
		r.Dial, p.proxied, err = dial.NewSOCKSDialer(c.Getenv)
	}
	return p, err
}

// spec describes the back end. It takes no tar.
var spec = platform.Spec{
	Name: "json-rpc",
	About: []platform.Fact{
		{About: "documented", Text: "**nowhere**: this program does what the vendor's own script does, and that may change without notice"},
		{About: "used by", Text: "the vendor's current script"},
		{About: "files travel by", Text: "rsync over SSH, which is built in"},
		{About: "has to be open", Text: "TCP 443, and **outgoing TCP 32768 to 60999** to the vendor's hosts, or a SOCKS5 proxy"},
		{About: "shows while it waits", Text: "the state, and the platform's log as it grows"},
	},
	Requires: []string{"contract", "target", "aim", "filename"},
	Takes: []dump.Form{
		{Kind: dump.Custom},
		{Kind: dump.Directory},
		{Kind: dump.SQL},
		{Kind: dump.SQL, Wrapper: dump.InGzip},
		{Kind: dump.OdooZip},
	},
	Offers: []upgrade.Item{upgrade.UpgradedDump, upgrade.Filestore, upgrade.Notes, upgrade.Log},
	Inputs: []string{"env"},
}

// Spec describes the back end. Its New connects to nothing yet.
func Spec() platform.Spec {
	s := spec
	s.New = func(c platform.Config) (platform.Platform, error) { return New(c) }
	return s
}

// Spec implements platform.Platform.
func (p *Platform) Spec() platform.Spec { return Spec() }

// use makes t the request that the platform works for.
func (p *requests) use(t upgrade.Ticket) error {
	if p.info != "" {
		p.Tell(event.Notice{Text: "The platform says: " + p.info})
		p.info = ""
	}
	if p.ticket.ID == t.ID && p.ticket.Key == t.Key {
		return nil
	}
	p.ticket, p.session = t, session{}
	if t.Session == "" {
		return nil // all that is known is the token
	}
	if err := json.Unmarshal([]byte(t.Session.Reveal()), &p.session); err != nil {
		return advice.New("the handle does not hold what this protocol needs", "Create a new request: run without {handle}.")
	}
	if p.session.SSHKey == "" || p.key != nil {
		return nil
	}
	key, err := dial.ParseKey(p.session.SSHKey)
	p.key = key
	return err
}

// seal returns the ticket with the session in it.
func (p *requests) seal() upgrade.Ticket {
	text, err := json.Marshal(p.session)
	if err != nil { // strings always encode
		panic(err)
	}
	p.ticket.Session = upgrade.Secret(text)
	return p.ticket
}

// hostShape is a host name or an address, of IPv6 in brackets, with a port or not.
var hostShape = regexp.MustCompile(`^(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*\])(?::[0-9]{1,5})?$`)

// follow makes node, as the platform names it, the address of further calls. The token
// goes nowhere but to the configured host or a subdomain of it.
func (p *requests) follow(node string) error {
	if node == "" || node == p.session.Node {
		return nil
	}
	u := &url.URL{Scheme: p.base.Scheme, Host: node}
	if !hostShape.MatchString(node) || !httpcall.IsWithin(p.base.Hostname(), u.Hostname()) {
		return fmt.Errorf(
			"the platform assigns the request to %.100q, which is not %s or a subdomain of it: the key is not sent there",
			node,
			p.base.Hostname(),
		)
	}
	p.session.Node = node
	return nil
}

// node is where the request is.
func (p *requests) node() *url.URL {
	u := *p.base
	if p.session.Node != "" {
		u.Host = p.session.Node
	}
	return &u
}

// Close ends a transfer that was started.
func (p *transfers) Close(ctx context.Context) {
	if p.open {
		_ = p.stopTransfer(ctx)
	}
}
