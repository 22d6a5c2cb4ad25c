package cli

import (
	"fmt"

	kongcompletion "github.com/jotaen/kong-completion"
)

// run prints the code that makes a shell ask this program to complete its command lines.
func (c *completionCommand) run(p *program) int {
	if err := (&kongcompletion.Completion{Shell: c.Shell, Code: true}).Run(p.parsed); err != nil {
		_, _ = fmt.Fprintf(p.stderr, "odoo-upgrade completion: %v\n", err)
		return 1
	}
	return 0
}
