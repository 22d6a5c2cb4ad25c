package cli

import (
	"errors"
	"fmt"
	"io"
	"os"

	"odoo-upgrade-action/internal/actions"
	"odoo-upgrade-action/internal/advice"
	"odoo-upgrade-action/internal/digest"
	"odoo-upgrade-action/internal/report"
)

// run prints the causes in a log.
func (c *explainCommand) run(p *program) int {
	if c.Most < 1 {
		_, _ = fmt.Fprintln(p.stderr, "odoo-upgrade explain: --most has to be 1 or more")
		return 2
	}
	causes, err := c.read(p)
	if err != nil {
		if errors.Is(err, digest.ErrNotLog) {
			err = fmt.Errorf("%s %w", c.Log, err)
		}
		_, _ = fmt.Fprintf(p.stderr, "odoo-upgrade explain: %v\n", err)
		return 2
	}
	if c.Format.json {
		if causes == nil {
			causes = []digest.Cause{}
		}
		printJSON(p.stdout, causes)
		return 0
	}
	if len(causes) == 0 {
		_, _ = fmt.Fprintln(p.stdout, "The log has no error.")
		return 0
	}
	for n, cause := range causes[:min(len(causes), c.Most)] {
		warning := map[bool]string{true: "Warning: "}[cause.Warning]
		_, _ = fmt.Fprintf(p.stdout, "%d. %s%s\n", n+1, warning, advice.Sentence(actions.Line(cause.Text())))
		_, _ = fmt.Fprintf(p.stdout, "   %s\n   %s\n", actions.Line(cause.Advice), actions.Line(report.Place(cause)))
	}
	if more := len(causes) - c.Most; more > 0 {
		_, _ = fmt.Fprintf(p.stdout, "And %d more: --most %d or --format json shows them.\n", more, len(causes))
	}
	return 0
}

// read reads the log, from standard input for "-".
func (c *explainCommand) read(p *program) ([]digest.Cause, error) {
	if c.Log == "-" {
		return digest.Read(p.stdin)
	}
	file, err := os.Open(c.Log)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.IsDir() {
		return nil, errors.New(c.Log + " is a folder: give the log itself")
	}
	return digest.Read(stoppable{p, file})
}

// stoppable is a reader until the program is interrupted.
type stoppable struct {
	p *program
	io.Reader
}

func (s stoppable) Read(b []byte) (int, error) {
	if err := s.p.ctx.Err(); err != nil {
		return 0, err
	}
	return s.Reader.Read(b)
}
