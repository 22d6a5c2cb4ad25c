package cli

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"odoo-upgrade-action/internal/actions"
	"odoo-upgrade-action/internal/sandbox"
	"odoo-upgrade-action/internal/sandbox/engine"
	"odoo-upgrade-action/internal/sandbox/service"
	"odoo-upgrade-action/internal/sandbox/service/engines"
	"odoo-upgrade-action/internal/show"
)

type sandboxCommand struct {
	Listen     string        `default:"127.0.0.1:8069" help:"Address of the API and the pages" local:""`
	SFTPListen string        `name:"sftp-listen" default:"127.0.0.1:2200" help:"Address of the SFTP server" local:""`
	Data       string        `default:"odoo-upgrade-sandbox" help:"Folder for requests and dumps" local:""`
	Contract   []string      `help:"Contract to accept; can be repeated. Default: any well-formed contract" local:""`
	Protocol   []string      `help:"Protocol to serve, v1 or json-rpc; can be repeated. Default: both" local:""`
	TLSCert    string        `name:"tls-cert" help:"Certificate for https, as PEM" local:"" type:"existingfile"`
	TLSKey     string        `name:"tls-key" help:"Key of that certificate" local:"" type:"existingfile"`
	TLSSelf    bool          `name:"tls-self-signed" help:"Serve https with a certificate that is made now, and written to cert.pem in the data folder" local:""`
	Outcome    string        `default:"done" help:"How requests end: done, failed or cancelled" local:""`
	Cause      string        `help:"Why requests fail with the outcome failed: ${causes}. Default: ${cause}" local:""`
	Pace       time.Duration `default:"1s" help:"How long a request stays pending at least, and how much longer than its upgrade it stays in progress" local:""`
	Engine     string        `default:"copy" enum:"copy,postgres,command" help:"What upgrades: copy, which upgrades nothing; postgres, which restores the dump, runs SQL on it and dumps it again; or command, a program of yours, given after --" local:""`
	Database   string        `name:"database-url" help:"PostgreSQL server for scratch databases, like postgres://USER@HOST/postgres. Its user must be allowed to create databases and roles" secret:"" local:""`
	SQL        []string      `name:"sql" sep:"none" help:"SQL file for the engine postgres to run, or a folder of them; can be repeated" local:""`
	Restore    bool          `help:"For the engine command: restore the dump into the scratch database first, and dump it again afterwards" local:""`
	Lose       []string      `help:"Something for the engine copy to lose, so that a comparison finds it; can be repeated: rows:3, cent, unit, view, action or field. The dump has to be plain SQL or Odoo's zip" local:""`
	Workers    int           `default:"2" help:"How many requests are upgraded at the same time; the others wait. 0 means no limit" local:""`
	Timeout    time.Duration `name:"upgrade-timeout" default:"24h" help:"Maximum time for an upgrade, from its first start; 0 means no limit" local:""`
	MaxUpload  size          `name:"max-upload" default:"64GiB" help:"Maximum size of a dump, like 20GiB, with all of its files; 0 means no limit" local:""`
	Retention  time.Duration `default:"0" help:"How long ended requests and unused drafts are kept, with their dumps, like 168h; 0 keeps them forever" local:""`
	PublicURL  string        `name:"public-url" help:"URL of the sandbox for its clients, like https://upgrade.example.com, where it is behind a reverse proxy" local:""`
	Proxy      []string      `name:"trusted-proxy" help:"Address or network of a reverse proxy whose X-Forwarded headers are believed; can be repeated" local:""`
	Index      bool          `help:"List all requests on the start page. Anyone who can open that page can open every request" local:""`
	Fault      []string      `help:"A fault to simulate; can be repeated. Like status:2=503, process:1=lost, upload:1=cut:100000 or sftp:2-=refuse:0s" sep:"none" local:""`

	Command []string `arg:"" optional:"" help:"Program of the engine command, with its arguments"`
}

// run serves a sandbox until the context ends. One line of JSON on standard
// output tells where, once it answers; the log goes to standard error.
func (c *sandboxCommand) run(p *program) int {
	if err := c.serve(p); err != nil {
		_, _ = fmt.Fprintf(p.stderr, "odoo-upgrade sandbox: %v\n", err)
		return 1
	}
	return 0
}

func (c *sandboxCommand) serve(p *program) error {
	faults, err := sandbox.ParseFaults(c.Fault)
	if err != nil {
		return err
	}
	upgrades, err := c.engine()
	if err != nil {
		return err
	}
	s, err := service.New(p.ctx, service.Config{
		Config: sandbox.Config{
			Protocols: c.Protocol, Faults: faults, Data: c.Data, Contracts: c.Contract, Outcome: c.Outcome, Cause: c.Cause, Pace: c.Pace, RandomIDs: true,
			Engine: upgrades, Workers: c.Workers, Timeout: c.Timeout, MaxUpload: int64(c.MaxUpload),
			Log: func(line string) {
				_, _ = fmt.Fprintln(p.stderr, time.Now().UTC().Format("2006-01-02 15:04:05"), show.Line(line))
			},
		},
		Index: c.Index, Retention: c.Retention, PublicURL: c.PublicURL, Proxies: c.Proxy,
	})
	if err != nil {
		return err
	}
	defer s.Close()
	web, sftp, err := sandbox.Listen(c.Listen, c.SFTPListen)
	if err != nil {
		return err
	}
	where := map[string]string{"url": "http://" + web.Addr().String(), "sftp": sftp.Addr().String()}
	if web, err = c.withTLS(web, where); err != nil {
		return errors.Join(err, sftp.Close())
	}
	if err := json.NewEncoder(p.stdout).Encode(where); err != nil {
		return err
	}
	return s.Serve(p.ctx, web, sftp)
}

// engine returns the engine that the flags choose.
func (c *sandboxCommand) engine() (sandbox.Engine, error) {
	var server *engines.Server
	var err error
	if c.Database != "" {
		if server, err = engines.ParseServer(c.Database); err != nil {
			return nil, err
		}
	}
	switch {
	case c.Engine != "command" && len(c.Command) > 0:
		return nil, fmt.Errorf("a program (%s) can only be used with --engine command", c.Command[0])
	case c.Engine != "postgres" && len(c.SQL) > 0:
		return nil, errors.New("--sql can only be used with --engine postgres")
	case c.Engine != "copy" && len(c.Lose) > 0:
		return nil, errors.New("--lose can only be used with --engine copy")
	case c.Engine == "copy" && server != nil:
		return nil, errors.New("--database-url can only be used with --engine postgres or --engine command")
	case c.Engine == "postgres" && server == nil:
		return nil, errors.New("--engine postgres needs --database-url")
	case c.Restore && (c.Engine != "command" || server == nil):
		return nil, errors.New("--restore can only be used with --engine command and --database-url")
	case c.Engine == "postgres":
		return engines.NewPostgres(server, c.SQL), nil
	case c.Engine == "command" && len(c.Command) == 0:
		return nil, errors.New("--engine command needs a program: give it after --, like --engine command -- ./upgrade.sh")
	case c.Engine == "command":
		return engines.NewCommand(c.Command, server, c.Restore), nil
	}
	if len(c.Lose) > 0 {
		return engine.ParseLosses(c.Lose)
	}
	return engine.Copy{}, nil
}

// withTLS returns a listener that speaks TLS if the flags say so, and notes the address
// and a certificate that was made.
func (c *sandboxCommand) withTLS(web net.Listener, where map[string]string) (net.Listener, error) {
	var certificate tls.Certificate
	var err error
	switch {
	case c.TLSSelf:
		host, _, _ := net.SplitHostPort(c.Listen)
		certificate, where["certificate"], err = service.SelfSigned(c.Data, host)
	case c.TLSCert != "" && c.TLSKey != "":
		certificate, err = tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	case c.TLSCert+c.TLSKey != "":
		err = errors.New("tls-cert and tls-key belong together")
	default:
		return web, nil
	}
	if err != nil {
		return nil, errors.Join(err, web.Close())
	}
	where["url"] = strings.Replace(where["url"], "http://", "https://", 1)
	return service.WithTLS(web, certificate), nil
}

// healthTime is how long a sandbox may take to answer.
const healthTime = 2 * time.Second

// run requests a page of the sandbox beside it. It is the image's health check, which has
// no shell to use. A container that serves no sandbox is always healthy.
func (c *healthCommand) run(p *program) int {
	if serves := p.lookup("command"); actions.InWorkflow(p.getenv) || serves != "" && serves != "sandbox" {
		return 0
	}
	if err := c.ask(p.ctx); err != nil {
		_, _ = fmt.Fprintf(p.stderr, "odoo-upgrade health: %v\n", err)
		return 1
	}
	return 0
}

func (c *healthCommand) ask(ctx context.Context) error {
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return err
	}
	if host == "" || net.ParseIP(host).IsUnspecified() {
		host = "127.0.0.1" // it listens everywhere
	}
	ctx, cancel := context.WithTimeout(ctx, healthTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the sandbox responded with HTTP %d", response.StatusCode)
	}
	return nil
}
