// Package actions speaks the workflow runner's protocol with go-githubactions: inputs,
// masks, outputs, groups, annotations and the summary file. It is the one door through
// which text reaches a log: untrusted text is made harmless here, and secrets are
// replaced.
//
// Outside a workflow the same calls print plain text and use the files that
// GITHUB_OUTPUT and GITHUB_STEP_SUMMARY name, if they name any.
package actions

import (
	"io"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/fatih/color"
	"github.com/sethvargo/go-githubactions"
)

// Limits of the runner (actions/runner, ExecutionContext.cs and
// FileCommandManager.cs): a summary that is larger is dropped whole, so ours
// stays below, and leaves something for the step's others.
const (
	maxAnnotations = 10
	maxAnnotation  = 4096
	maxLine        = 16 << 10
	maxSummary     = 1000 << 10
)

// Limits of a run's log and masks, against a platform that floods them.
const (
	maxLogLines = 20_000
	maxLogBytes = 8 << 20
	maxMasks    = 2_000
)

// MinMask is the length below which a value is not masked: the runner replaces
// a mask wherever it stands, and a short one would tear every log apart.
const MinMask = 6

// Runner is the workflow's side of a run. Its methods may be called from
// several goroutines.
type Runner struct {
	mu       sync.Mutex
	gha      *githubactions.Action
	getenv   func(string) string
	workflow bool
	style    Style
	secrets  redactor
	said     map[string]int  // annotations by level
	failed   error           // of the first output that could not be written
	lines    int             // of the log
	bytes    int             // of the log
	full     bool            // the log is
	ending   int             // lines that may still be written when the log is full
	masks    map[string]bool // that the runner was told of
}

// New returns a Runner that logs to out and reads the environment through
// getenv. Errors of out are dropped: they could not be logged anywhere else.
func New(out io.Writer, getenv func(string) string) *Runner {
	return &Runner{
		gha:      githubactions.New(githubactions.WithWriter(deaf{out}), githubactions.WithGetenv(getenv)),
		getenv:   getenv,
		workflow: InWorkflow(getenv),
		said:     map[string]int{},
		masks:    map[string]bool{},
	}
}

// Style is how a log outside a workflow is written.
type Style struct {
	Quiet bool // only warnings and errors
	Color bool // for a terminal
}

// SetStyle sets how r logs from now on. In a workflow it changes nothing.
func (r *Runner) SetStyle(s Style) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.workflow {
		r.style = s
	}
}

// Env makes r read the environment through getenv from now on.
func (r *Runner) Env(getenv func(string) string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	githubactions.WithGetenv(getenv)(r.gha)
	r.getenv = getenv
}

// InWorkflow tells whether the environment is that of a workflow's step.
func InWorkflow(getenv func(string) string) bool { return getenv("GITHUB_ACTIONS") == "true" }

// IsDebug reports whether the run was asked to log everything.
func (r *Runner) IsDebug() bool { return r.getenv("RUNNER_DEBUG") == "1" }

// deaf keeps go-githubactions from panicking when a log is gone.
type deaf struct{ io.Writer }

func (d deaf) Write(p []byte) (int, error) {
	_, _ = d.Writer.Write(p)
	return len(p), nil
}

// Input returns the step's input of that name without surrounding space, or ""
// where it is not set: the runner hands over unset ones as empty.
func (r *Runner) Input(name string) string { return r.gha.GetInput(name) }

// Mask makes the runner and r itself replace secret wherever it would show, in
// each form that it takes in a URL, and each line of it by itself. Values
// shorter than six characters are left alone.
func (r *Runner) Mask(secret string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, line := range strings.FieldsFunc(secret, func(c rune) bool { return c == '\r' || c == '\n' }) {
		secret := strings.TrimSpace(line)
		for _, form := range []string{secret, strings.TrimRight(secret, "=")} {
			if len(form) >= MinMask {
				r.secrets.add(form)
			}
		}
		for _, form := range Forms(secret) {
			r.addMask(form)
		}
	}
}

// Forms lists how a secret stands in a text: as it is, without the "==" that
// ends a base64 key (a URL may have it as %3D), and percent-encoded in both
// cases and both dialects.
func Forms(secret string) []string {
	bare := strings.TrimRight(secret, "=")
	list := []string{secret, bare}
	for _, s := range []string{secret, bare} {
		for _, escaped := range []string{url.QueryEscape(s), url.PathEscape(s)} {
			list = append(list, escaped, lowerEscapes(escaped))
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// lowerEscapes turns %2B into %2b.
func lowerEscapes(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i:], strings.ToLower(s[i:i+3]))
		}
	}
	return string(b)
}

// Redact returns text with every masked secret replaced.
func (r *Runner) Redact(text string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	text, met := r.secrets.redact(text)
	for _, form := range met { // other programs may print it, too
		r.addMask(form)
	}
	return text
}

// addMask tells the runner of a mask, once. A platform could make up any number of them.
func (r *Runner) addMask(form string) {
	if !r.workflow || len(form) < MinMask || r.masks[form] || len(r.masks) >= maxMasks {
		return
	}
	r.masks[form] = true
	r.gha.AddMask(form)
}

// clean makes text harmless and free of secrets, those included that only
// appear once the characters are gone that hid them.
func (r *Runner) clean(text string) []string {
	lines := Lines(r.Redact(text))
	for i, line := range lines {
		lines[i] = r.Redact(line)
	}
	return lines
}

// Info logs text, made harmless, a line each.
func (r *Runner) Info(text string) {
	if !r.style.Quiet {
		r.log(r.clean(text))
	}
}

// log logs lines that are harmless.
func (r *Runner) log(lines []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, line := range lines {
		line = cut(line, maxLine)
		if !r.afford(len(line) + 1) {
			return
		}
		r.gha.Infof("%s", line)
	}
}

// afford reports whether so many more bytes fit the log, and says once that they do not. A
// debug run shows everything.
func (r *Runner) afford(bytes int) bool {
	if r.IsDebug() {
		return true
	}
	r.lines++
	r.bytes += bytes
	if r.lines <= maxLogLines && r.bytes <= maxLogBytes {
		return true
	}
	if r.ending > 0 {
		r.ending--
		return true
	}
	if !r.full {
		r.full = true
		r.gha.Infof("This log has %d lines: what follows is left out, except for warnings and errors. Debug logging shows all.", r.lines)
	}
	return false
}

// mostSaid is how many warnings, and errors, are logged in any case.
const mostSaid = 100

// endingLines is how many lines the end of a run may have.
const endingLines = 200

// Ending lets the last lines of a run be written even if the log is full.
func (r *Runner) Ending() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ending = endingLines
}

// Group starts a part of the log that folds away in a workflow; EndGroup ends it.
func (r *Runner) Group(title string) {
	if !r.workflow {
		r.Info(title)
		return
	}
	title = strings.Join(r.clean(title), " ")
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gha.Group(cut(title, maxLine))
}

// EndGroup ends the part that Group started.
func (r *Runner) EndGroup() {
	if r.workflow {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.gha.EndGroup()
	}
}

// Warning and Error annotate the run with a title and a text of one or more
// lines. The runner keeps ten of each; what comes later is only logged.
func (r *Runner) Warning(title, text string) { r.annotate("warning", title, text) }

// Error is described at Warning.
func (r *Runner) Error(title, text string) { r.annotate("error", title, text) }

func (r *Runner) annotate(level, title, text string) {
	title, text = strings.Join(r.clean(title), " "), strings.Join(r.clean(text), "\n")
	r.mu.Lock()
	r.said[level]++
	said := r.said[level]
	annotation := r.workflow && r.said[level] <= maxAnnotations
	r.mu.Unlock()
	if !annotation {
		if said <= mostSaid { // also when the log is full
			r.Ending()
		}
		r.log(strings.Split(r.style.paint(level)+": "+title+": "+text, "\n"))
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	titled := r.gha.WithFieldsMap(map[string]string{"title": title})
	say := map[string]func(string, ...any){"warning": titled.Warningf, "error": titled.Errorf}[level]
	say("%s", cut(text, maxAnnotation))
}

// paint colors a level for a terminal.
func (s Style) paint(level string) string {
	paint := color.New(map[string]color.Attribute{"warning": color.FgYellow, "error": color.FgRed}[level], color.Bold)
	if s.Color {
		paint.EnableColor()
	} else {
		paint.DisableColor()
	}
	return paint.Sprint(level)
}
