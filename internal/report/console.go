package report

import (
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

	"odoo-upgrade-action/internal/actions"
	"odoo-upgrade-action/internal/event"
)

// console writes the log: lines, warnings, groups, and on a terminal the bar of a transfer. What
// is reported goes through it.
type console struct {
	out  *actions.Runner
	live io.Writer // a terminal, nil for none
	bar  *progressbar.ProgressBar
	log  platformLog
}

// info ends the group of the platform's log, as the others do: what else is reported does not
// belong into it.
func (c *console) info(text string) {
	c.clearBar()
	c.endLogGroup()
	c.out.Info(text)
}

func (c *console) group(title string) {
	c.clearBar()
	c.endLogGroup()
	c.out.Group(title)
}

func (c *console) warn(title, text string) {
	c.clearBar()
	c.endLogGroup()
	c.out.Warning(title, text)
}

// startBar starts to draw a transfer, if there is a terminal.
func (c *console) startBar(e event.Progress) {
	if c.live == nil {
		return
	}
	c.clearBar()
	what := "Uploading"
	if e.Item != "" {
		what = string(e.Item)
	}
	c.bar = progressbar.NewOptions64(e.Total, progressbar.OptionSetWriter(c.live), progressbar.OptionSetDescription(what),
		progressbar.OptionShowBytes(true), progressbar.OptionUseIECUnits(true), progressbar.OptionSetWidth(30),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionShowTotalBytes(true),
		progressbar.OptionSetSpinnerChangeInterval(0)) // else a goroutine of its own keeps drawing
}

// clearBar removes what is drawn, for a line of the log.
func (c *console) clearBar() {
	if c.bar != nil {
		_ = c.bar.Clear()
	}
}
