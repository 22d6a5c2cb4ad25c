// Package cli is the program as users know it: it reads inputs and flags, picks a back
// end, has a job carry out the plan, and turns how it ended into hints and an exit
// status.
//
// Main is all that a caller needs. The inputs are declared in grammar.go, wire.go lists the
// back ends, package run carries out what the inputs ask for, and explain.go and hint.go
// word the end.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	kongcompletion "github.com/jotaen/kong-completion"

	"odoo-upgrade-action/internal/actions"
	"odoo-upgrade-action/internal/dial"
	"odoo-upgrade-action/internal/job"
	"odoo-upgrade-action/internal/report"
	"odoo-upgrade-action/internal/run"
	"odoo-upgrade-action/internal/sandbox/engine"
)

//go:generate go run ./gen

// program is one run of the binary.
type program struct {
	ctx            context.Context
	getenv         func(string) string
	stdin          io.Reader
	stdout, stderr io.Writer
	quiet          bool
	step           bool // a workflow's step: no arguments, inputs from INPUT_*
	runner         *actions.Runner
	parsed         *kong.Context
	dial           dial.Dialer // in place of the network, in tests; nil otherwise
}

// Main runs the program and returns its exit status. Without args, in a
// workflow, inputs come from INPUT_*; else from flags, and for those that are
// not given from ODOO_UPGRADE_*.
func Main(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	return (&program{ctx: ctx, getenv: getenv, stdin: stdin, stdout: stdout, stderr: stderr}).main(args)
}

func (p *program) main(args []string) int {
	p.step = len(args) == 0 && actions.InWorkflow(p.getenv)
	log := p.stderr // which the runner reads, too; with arguments, stdout is data
	if p.step {
		log = p.stdout
	}
	p.runner = actions.New(log, p.getenv)
	p.maskSecrets(args) // before the first byte of output
	if len(args) == 0 {
		args = p.command()
	}
	var g grammar
	do, err := p.parse(&g, args)
	switch {
	case errors.Is(err, errHelp):
		return 0
	case err != nil && p.step:
		return p.invalid(err)
	case err != nil:
		_, _ = fmt.Fprintf(p.stderr, "odoo-upgrade: %s\nRun odoo-upgrade --help for help.\n", p.runner.Redact(err.Error()))
		return exitStatus(job.InvalidInput)
	}
	return do(p)
}

// maskSecrets masks what secret inputs are set to, in the environment and in
// the arguments, whether these make sense or not.
func (p *program) maskSecrets(args []string) {
	for _, name := range secretInputs() {
		p.runner.Mask(p.lookup(name))
		for n, arg := range args {
			if value, set := strings.CutPrefix(arg, "--"+name+"="); set {
				p.runner.Mask(value)
			}
			if arg == "--"+name && n+1 < len(args) {
				p.runner.Mask(args[n+1])
			}
		}
	}
}

// stepCommands are the commands of a workflow's step: each ends with a result.
func stepCommands() []string {
	var names []string
	for _, c := range job.Commands() {
		names = append(names, c.Name)
	}
	return names
}

// command is what runs without arguments: in a step, and in a container, the
// command that the environment names.
func (p *program) command() []string {
	if name := p.lookup("command"); name != "" {
		return []string{name}
	}
	if p.step {
		return []string{"run"}
	}
	return []string{"--help"}
}

// lookup returns an input that was not given as a flag, "" where it is not set.
func (p *program) lookup(name string) string {
	if p.step {
		return p.runner.Input(name)
	}
	return strings.TrimSpace(p.getenv("ODOO_UPGRADE_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))))
}

// errHelp says that help was printed and that there is nothing else to do.
var errHelp = errors.New("help was printed")

// parse reads the arguments into g and returns what to do.
func (p *program) parse(g *grammar, args []string) (do func(*program) int, err error) {
	if p.step && !slices.Contains(stepCommands(), args[0]) {
		return nil, fmt.Errorf("Input command: %q is not one of %s", args[0], strings.Join(stepCommands(), ", "))
	}
	helped := false // kong continues after Exit; whatever it finds then does not matter
	parser, err := newParser(g, kong.Writers(p.stdout, p.stderr), kong.Exit(func(int) { helped = true }),
		kong.Resolvers(kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
			if value := p.lookup(flag.Name); value != "" && flag.Name != "help" && flag.Name != "version" {
				return value, nil
			}
			return nil, nil
		})))
	if err != nil {
		return nil, err
	}
	if !p.step && p.getenv("COMP_LINE") != "" { // a shell wants to complete a command line
		if kongcompletion.Register(parser); helped {
			return nil, errHelp
		}
	}
	parsed, err := parser.Parse(args)
	p.parsed = parsed
	switch {
	case helped:
		return nil, errHelp
	case err != nil && p.step:
		return nil, errors.New("Input " + strings.TrimPrefix(err.Error(), "--")) // a workflow has no flags
	case err != nil:
		return nil, err
	}
	command := parsed.Selected().Target.Addr().Interface().(interface{ run(*program) int })
	return command.run, nil
}

func newParser(g *grammar, options ...kong.Option) (*kong.Kong, error) {
	vars := protocolVars()
	vars["areas"] = inWords(areaNames(), "and")
	vars["causes"], vars["cause"] = inWords(engine.Causes(), "or"), engine.DefaultCause
	vars["server"], vars["version"] = run.DefaultServer, "odoo-upgrade "+Version()
	for _, c := range job.Commands() {
		vars[c.Name+"_help"] = c.Help
	}
	return kong.New(g, append(options, kong.Name("odoo-upgrade"), vars,
		kong.WithHyphenPrefixedParameters(true), // a key may begin with one
		kong.TypeMapper(reflect.TypeFor[time.Duration](), kong.MapperFunc(duration)),
		kong.Description("Take an Odoo database through the vendor's upgrade platform."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}))...)
}

// invalid ends a run whose inputs cannot be used.
func (p *program) invalid(err error) int {
	ending := job.Ending{Result: job.InvalidInput, Err: err}
	report.New(p.runner, 0).Finish(ending, p.explain(ending, job.Command{}))
	return exitStatus(ending.Result)
}

// secretInputs lists the inputs that are masked.
func secretInputs() []string {
	var names []string
	for _, input := range Inputs() {
		if input.Secret {
			names = append(names, input.Name)
		}
	}
	return names
}

// workspace is the folder that a step's paths are in, "" on a command line,
// where they are in the current one.
func (p *program) workspace() string {
	if p.step {
		return p.getenv("GITHUB_WORKSPACE")
	}
	return ""
}

// makePrivate makes a file that only its owner can read: it will hold the key. Devices
// and pipes are left as they are.
func makePrivate(path string) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(file.Chmod(0o600), file.Close()) // an older file has another mode
}

// keep puts the files of the flags outputs and summary in the place of the runner's,
// which a step has already, and sets how much is logged.
func (p *program) keep(f localFlags) error {
	p.style(f.Quiet)
	if p.step {
		return nil
	}
	files := map[string]string{"GITHUB_OUTPUT": f.Outputs, "GITHUB_STEP_SUMMARY": f.Summary}
	for variable, path := range files {
		if path == "" || actions.InWorkflow(p.getenv) && p.getenv(variable) != "" {
			files[variable] = p.getenv(variable)
			continue
		}
		if err := makePrivate(path); err != nil {
			return err
		}
	}
	outer := p.getenv
	p.getenv = func(name string) string {
		if path, ok := files[name]; ok {
			return path
		}
		return outer(name)
	}
	p.runner.Env(p.getenv)
	return nil
}
