package cli

import (
	"cmp"
	"fmt"
	"strings"

	"odoo-upgrade-action/internal/actions"
	"odoo-upgrade-action/internal/job"
	"odoo-upgrade-action/internal/upgrade"
)

// support says whom to ask about a request.
func support(e job.Ending) string {
	if e.Status.Sandbox {
		return "read the log of the sandbox"
	}
	return "contact Odoo support with the request ID, " + e.Ticket.ID
}

// Where Odoo's support takes questions about an upgrade.
const (
	helpTest       = "https://www.odoo.com/help?stage=migration"
	helpProduction = "https://www.odoo.com/help?stage=post_upgrade"
)

// request is a text to ask Odoo's support with. It has no secret.
func request(e job.Ending) string {
	where, aim := helpTest, cmp.Or(e.Status.Get(upgrade.AimField), string(upgrade.Test))
	if aim == string(upgrade.Production) {
		where = helpProduction
	}
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, actions.Line(value))
		}
	}
	line("Send to", where)
	line("Upgrade request", e.Ticket.ID)
	line("Token", "add it from the output request-key; it is a secret, so do not send it anywhere else")
	line("Contract", "M***")
	line("Aim", aim)
	line("From", cmp.Or(e.Dump.Series, e.Status.Get(upgrade.DatabaseVersion)))
	line("To", e.Status.Get(upgrade.TargetField))
	line("State", e.Status.State)
	for n, c := range e.Causes[:min(len(e.Causes), 3)] {
		line(fmt.Sprintf("Error %d", n+1), fmt.Sprintf("%s (line %d of the log)", c.Text(), c.Line))
	}
	b.WriteString("The platform runs standard code only, so our custom modules are not there.")
	return b.String()
}
