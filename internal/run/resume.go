package run

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"odoo-upgrade-action/internal/job"
	"odoo-upgrade-action/internal/upgrade"
)

// Resumption is how a request can be continued.
type Resumption struct {
	command string // "" if it cannot
	id      string
	handle  string      // "" if there is none
	secret  string      // the input that the handle is sealed with
	more    [][2]string // other inputs, by name and value
}

// Resume returns how to continue a request by a command after an ending.
func (p *Plan) Resume(command string, e job.Ending) Resumption {
	handle := p.handle
	if command == "" || e.Ticket.ID == "" || p.isEmbedded() { // its requests end with the command
		return Resumption{}
	}
	r := Resumption{command: command, id: e.Ticket.ID, handle: handle, secret: "contract"}
	if p.HandleSecret != "" {
		r.secret = "handle-secret"
	}
	if handle == "" && p.server != DefaultServer { // a handle has it
		r.more = append(r.more, [2]string{"server-url", p.server})
	}
	next := job.CommandNamed(command)
	switch {
	case next.Creates && e.Status.Phase == upgrade.Draft && !e.ProcessSent:
		r.more = append(r.more, [2]string{"dump", cmp.Or(p.Dump, "DUMP")})
	case next.Downloads && e.Result == job.UpgradeFailed:
		r.more = append(r.more, [2]string{"download", "notes"})
	}
	return r
}

// yaml is for a step of a workflow, "" if the request cannot be continued.
func (r Resumption) yaml() string {
	if r.command == "" {
		return ""
	}
	var b strings.Builder
	b.WriteString("with:\n  command: " + r.command + "\n")
	if r.handle == "" {
		fmt.Fprintf(
			&b,
			"  request-id: %s\n  request-key: ${{ steps.STEP.outputs.request-key }} # STEP: the ID of this step, in the same job\n",
			r.id,
		)
	} else {
		secret := map[string]string{"contract": "ODOO_CONTRACT", "handle-secret": "ODOO_HANDLE_SECRET"}[r.secret]
		fmt.Fprintf(&b, "  %s: ${{ secrets.%s }} # the same as here\n  handle: %s\n", r.secret, secret, r.handle)
	}
	for _, input := range r.more {
		fmt.Fprintf(&b, "  %s: %s\n", input[0], inYAML(input[1]))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// Step is a step of a workflow that uses the action that this one uses; where that is not
// known, as with a local one, its inputs alone.
func (r Resumption) Step(repository, ref string) string {
	text := r.yaml()
	if text == "" || !plainWord.MatchString(repository) || !plainWord.MatchString(ref) {
		return text
	}
	return "- uses: " + repository + "@" + ref + "\n  " + strings.ReplaceAll(text, "\n", "\n  ")
}

// Shell is for a command line, "" if the request cannot be continued.
func (r Resumption) Shell() string {
	if r.command == "" {
		return ""
	}
	flags := ""
	for _, flag := range r.more {
		flags += " --" + flag[0] + " " + inShell(flag[1])
	}
	if r.handle == "" {
		return fmt.Sprintf(
			"odoo-upgrade %s --request-id %s --request-key -%s # reads the key, which is in the outputs file",
			r.command,
			r.id,
			flags,
		)
	}
	return fmt.Sprintf("odoo-upgrade %s --handle %s%s # with the same %s", r.command, r.handle, flags, r.secret)
}

// plainWord is what neither a shell nor YAML interprets.
var plainWord = regexp.MustCompile(`^[\w./]([\w./+:-]*[\w/])?$`)

func inShell(text string) string { return quoted(text, `'\''`) }

func inYAML(text string) string { return quoted(text, "''") }

// quoted puts text between single quotes if it needs them, with quote for one inside.
func quoted(text, quote string) string {
	if plainWord.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", quote) + "'"
}
