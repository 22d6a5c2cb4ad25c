package report

import (
	"fmt"
	"strings"
	"time"

	"odoo-upgrade-action/internal/event"
	"odoo-upgrade-action/internal/show"
	"odoo-upgrade-action/internal/upgrade"
)

// bar is a span of time in the picture of a run.
type bar struct {
	label      string
	begin, end time.Time
	class      string // of Mermaid: active, crit, or none
}

// mostBars limits the picture: a platform may change its state any number of times.
const mostBars = 40

// timeline is when what happened.
type timeline struct {
	steps  []stepTook
	states []stateSince
}

type stepTook struct {
	step  event.Step
	began time.Time
	took  time.Duration
	err   error
}

type stateSince struct {
	state string
	phase upgrade.Phase
	at    time.Time
}

// reached notes a status.
func (t *timeline) reached(s upgrade.Status) {
	if len(t.states) == 0 && s.State != "" || len(t.states) > 0 && t.states[len(t.states)-1].state != s.State {
		t.states = append(t.states, stateSince{s.State, s.Phase, time.Now()})
	}
}

// ended notes a step.
func (t *timeline) ended(e event.Ended) {
	t.steps = append(t.steps, stepTook{e.Step, time.Now().Add(-e.Took), e.Took, e.Err})
}

// bars returns what took time, in the order in which it began. Waiting is shown as what
// the platform did meanwhile.
func (t *timeline) bars(now time.Time) (list []bar) {
	states := t.stateBars(now)
	for _, s := range t.steps {
		if s.step == event.Wait {
			list = append(list, states...)
			states = nil
			continue
		}
		class := ""
		switch {
		case s.err != nil:
			class = "crit"
		case s.step == event.Create || s.step == event.Process:
			continue // a moment each
		}
		list = append(list, bar{stepLabel(s.step), s.began, s.began.Add(s.took), class})
	}
	if len(list) > mostBars {
		list = append(list[:mostBars/2:mostBars/2], list[len(list)-mostBars/2:]...)
	}
	return list
}

// stateBars returns the states in which the platform had the dump.
func (t *timeline) stateBars(now time.Time) (list []bar) {
	for i, s := range t.states {
		b := bar{s.label(), s.at, now, "active"}
		if i+1 < len(t.states) {
			b.end, b.class = t.states[i+1].at, ""
		}
		if s.phase != upgrade.Draft && !s.phase.Ended() {
			list = append(list, b)
		}
	}
	return list
}

// label is the state as a person would say it.
func (s stateSince) label() string {
	switch s.phase {
	case upgrade.Queued:
		return "Queued"
	case upgrade.Working:
		return "Upgrading"
	}
	return s.state
}

// stepLabel is a step as a person would say it.
func stepLabel(step event.Step) string {
	return strings.ToUpper(string(step[:1])) + string(step[1:])
}

// ganttColors can be read on a light page and on a dark one, which Mermaid's own themes
// cannot: white on blue, amber and red, and gray for what is beside the bars.
const ganttColors = `%%{init: {"theme": "base", "themeVariables": {"textColor": "#7d8590", "titleColor": "#7d8590", "taskTextOutsideColor": "#7d8590", "gridColor": "#7d8590", ` +
	`"taskBkgColor": "#1f6feb", "taskBorderColor": "#1f6feb", "taskTextColor": "#ffffff", "taskTextDarkColor": "#ffffff", "taskTextLightColor": "#ffffff", ` +
	`"activeTaskBkgColor": "#9a6700", "activeTaskBorderColor": "#9a6700", "critBkgColor": "#cf222e", "critBorderColor": "#cf222e", ` +
	`"sectionBkgColor": "#80808020", "sectionBkgColor2": "#80808020", "altSectionBkgColor": "#80808020"}}}%%`

// writeGantt draws where the time went, unless that is nowhere.
func (r *Report) writeGantt(b *strings.Builder) {
	list := r.bars(time.Now())
	if len(list) < 2 {
		return
	}
	total := list[len(list)-1].end.Sub(list[0].begin)
	if total < time.Second {
		return
	}
	axis := "%H:%M"
	switch {
	case total < 2*time.Second:
		axis = "%S.%L s"
	case total < 10*time.Minute:
		axis = "%H:%M:%S"
	case total > 24*time.Hour:
		axis = "%b %d, %H:%M"
	}
	b.WriteString(
		"\n```mermaid\n" + ganttColors + "\ngantt\n    todayMarker off\n    title Where the time went (UTC)\n    dateFormat YYYY-MM-DD HH:mm:ss.SSS\n    axisFormat " + axis + "\n",
	)
	for _, bar := range list {
		if bar.class != "" {
			bar.class += ", "
		}
		fmt.Fprintf(
			b,
			"    \u200B%s, %s :%s%s, %s\n",
			harmless(bar.label),
			show.Duration(bar.end.Sub(bar.begin)),
			bar.class,
			moment(bar.begin),
			moment(bar.end),
		)
	}
	b.WriteString("```\n")
}

// moment writes a time as dateFormat says.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000") }

// harmless is a text that means nothing to Mermaid behind a zero-width space, which keeps
// its first word from being a keyword.
func harmless(text string) string {
	text = strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == ' ' || c == '-' || c == '_' {
			return c
		}
		return -1
	}, text)
	if text = strings.TrimSpace(text); text == "" {
		return "Unknown"
	}
	return text[:min(len(text), 30)]
}
