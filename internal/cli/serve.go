package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	"odoo-upgrade-action/internal/sandbox"
)

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
	s, err := sandbox.New(sandbox.Config{
		Faults: faults, Data: c.Data, Contracts: c.Contract, Outcome: c.Outcome, Pace: c.Pace,
		Log: func(line string) { _, _ = fmt.Fprintln(p.stderr, strings.ToValidUTF8(line, "?")) },
	})
	if err != nil {
		return err
	}
	web, sftp, err := sandbox.Listen(c.Listen, c.SFTPListen)
	if err != nil {
		return err
	}
	err = json.NewEncoder(p.stdout).Encode(map[string]string{"url": "http://" + web.Addr().String(), "sftp": sftp.Addr().String()})
	if err != nil {
		return err
	}
	return s.Serve(p.ctx, web, sftp)
}
