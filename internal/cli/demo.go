package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"odoo-upgrade-action/internal/sandbox"
)

// sampleName is the demo's dump.
const sampleName = "bakery.zip"

// run shows what a workflow does with the action: the same code, in the environment that
// the runner would give it.
func (c *demoCommand) run(p *program) int {
	out, err := filepath.Abs(c.Out)
	if err == nil {
		err = os.MkdirAll(out, 0o755)
	}
	if err == nil {
		err = sandbox.WriteSample(filepath.Join(out, sampleName))
	}
	for _, name := range []string{"outputs.txt", "summary.md"} {
		if err == nil { // the runner gives each step an empty one
			err = os.WriteFile(filepath.Join(out, name), nil, 0o600)
		}
	}
	if err != nil {
		_, _ = fmt.Fprintf(p.stderr, "odoo-upgrade demo: %v\n", err)
		return 1
	}
	environment := demoEnvironment(out, string(c.Protocol))
	log := &logView{out: p.stdout}
	status := Main(p.ctx, nil, func(name string) string { return environment[name] }, p.stdin, log, log)
	log.flush()
	_, _ = fmt.Fprintf(p.stdout, "\nExit status %d. In %s:\n", status, c.Out)
	for _, file := range [][2]string{
		{sampleName, "the sample dump, in the format of Odoo's own backup"},
		{"upgraded-dump.zip", "what came back; a sandbox upgrades nothing"},
		{"outputs.txt", "the step's outputs, for the steps after it"},
		{"summary.md", "the job summary"},
	} {
		_, _ = fmt.Fprintf(p.stdout, "  %-18s %s\n", file[0], file[1])
	}
	return status
}

// demoEnvironment is that of a step with these inputs.
func demoEnvironment(out, protocol string) map[string]string {
	return map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "workflow_dispatch",
		"GITHUB_WORKSPACE": out, "GITHUB_OUTPUT": filepath.Join(out, "outputs.txt"), "GITHUB_STEP_SUMMARY": filepath.Join(out, "summary.md"),
		"INPUT_SERVER-URL": "sandbox?pace=500ms", "INPUT_PROTOCOL": protocol, "INPUT_CONTRACT": "M123456-abcdef", "INPUT_EMAIL": "john.doe@example.com",
		"INPUT_TARGET": "17.0", "INPUT_DUMP": sampleName, "INPUT_DOWNLOAD-PATH": ".", "INPUT_POLL-INTERVAL": "200ms",
	}
}

// logView shows a step's output as the log of a workflow does: masks are not
// shown but replace, and commands look like what they stand for.
type logView struct {
	out     io.Writer
	rest    []byte
	masks   []string
	grouped bool
}

func (v *logView) Write(b []byte) (int, error) {
	v.rest = append(v.rest, b...)
	for {
		line, rest, whole := bytes.Cut(v.rest, []byte("\n"))
		if !whole {
			return len(b), nil
		}
		v.rest = rest
		v.show(string(line))
	}
}

func (v *logView) flush() {
	if len(v.rest) > 0 {
		v.show(string(v.rest))
		v.rest = nil
	}
}

var unescape = strings.NewReplacer("%25", "%", "%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",")

func (v *logView) show(line string) {
	text, isCommand := strings.CutPrefix(line, "::")
	head, message, ok := strings.Cut(text, "::")
	if isCommand && ok {
		name, properties, _ := strings.Cut(head, " ")
		title := unescape.Replace(strings.TrimPrefix(properties, "title="))
		message = unescape.Replace(message)
		switch name {
		case "add-mask":
			v.masks = append(v.masks, message)
			return
		case "endgroup":
			v.grouped = false
			return
		case "group":
			line = "▼ " + message
			defer func() { v.grouped = true }()
		default:
			line = strings.ToUpper(name[:1]) + name[1:] + ": " + title + ": " + message
		}
	}
	for _, mask := range v.masks {
		line = strings.ReplaceAll(line, mask, "***")
	}
	if v.grouped {
		line = "  " + line
	}
	_, _ = fmt.Fprintln(v.out, line)
}
