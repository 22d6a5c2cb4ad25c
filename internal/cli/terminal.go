package cli

import (
	"os"

	"golang.org/x/term"

	"odoo-upgrade-action/internal/actions"
	"odoo-upgrade-action/internal/report"
)

// style sets how the log is written: with colors on a terminal, unless NO_COLOR is set
// (no-color.org), and without anything but warnings and errors where that is wanted.
func (p *program) style(quiet bool) {
	p.quiet = quiet
	p.runner.SetStyle(actions.Style{Quiet: quiet, Color: p.isTerminal() && p.getenv("NO_COLOR") == ""})
}

// isTerminal reports whether the log goes to a terminal.
func (p *program) isTerminal() bool {
	file, ok := p.stderr.(*os.File)
	return ok && !p.step && p.getenv("TERM") != "dumb" && term.IsTerminal(int(file.Fd()))
}

// show makes a report draw its progress if its log goes to a terminal.
func (p *program) show(r *report.Report) {
	if p.isTerminal() && !p.quiet && !actions.InWorkflow(p.getenv) {
		r.Live(p.stderr)
	}
}
