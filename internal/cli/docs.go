package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/job"
	"odoo-upgrade-action/internal/report"
)

// Input declares an input of the action.
type Input struct {
	Name, Default, Help string
	Secret              bool
}

// Inputs returns every input, from the grammar, in the order of its flags.
func Inputs() []Input {
	list := []Input{{Name: "command", Default: "run", Help: "What to do: " + inWords(stepCommands(), "or") + "; see the README"}}
	parser, err := newParser(new(grammar))
	if err != nil {
		panic(err) // the grammar is ours
	}
	for _, command := range parser.Model.Children {
		for _, flag := range command.Flags {
			seen := slices.ContainsFunc(list, func(i Input) bool { return i.Name == flag.Name })
			if flag.Tag.Has("local") || flag.Name == "help" || seen {
				continue
			}
			list = append(list, Input{flag.Name, flag.Default, flag.Help, flag.Tag.Has("secret")})
		}
	}
	return list
}

// ActionYAML returns the text of action.yml.
func ActionYAML() []byte {
	var b bytes.Buffer
	b.WriteString(`# Generated from internal/cli by go generate ./internal/cli. Do not edit.
name: Odoo upgrade
description: Take an Odoo database through the vendor's upgrade platform, and gate the workflow on the result
branding:
  icon: arrow-up-circle
  color: purple
inputs:
`)
	for _, i := range Inputs() {
		fmt.Fprintf(&b, "  %s:\n    description: %s\n", i.Name, quote(i.Help))
		if i.Default != "" {
			fmt.Fprintf(&b, "    default: %s\n", quote(i.Default))
		}
	}
	b.WriteString("outputs:\n")
	for _, o := range report.Outputs() {
		fmt.Fprintf(&b, "  %s:\n    description: %s\n", o.Name, quote(o.Help))
	}
	b.WriteString(`runs:
  using: docker
  image: Dockerfile
  entrypoint: /odoo-upgrade
`)
	return b.Bytes()
}

// quote writes a text as YAML and JSON both have it.
func quote(text string) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		panic(err) // a string always encodes
	}
	return strings.TrimSpace(b.String())
}

// Readme returns text with new tables of commands, inputs, outputs and results between their
// marks.
func Readme(text []byte) ([]byte, error) {
	for name, table := range map[string]string{"commands": commandTable(), "inputs": inputTable(), "outputs": outputTable(), "results": resultTable(), "protocols": protocolTable()} {
		begin, end := []byte("<!-- "+name+" -->\n"), []byte("<!-- /"+name+" -->")
		head, rest, ok1 := bytes.Cut(text, begin)
		_, tail, ok2 := bytes.Cut(rest, end)
		if !ok1 || !ok2 {
			return nil, fmt.Errorf("the place for the table of %s is missing: add %s", name, begin)
		}
		text = slices.Concat(head, begin, []byte(table), end, tail)
	}
	return text, nil
}

func commandTable() string {
	var b strings.Builder
	b.WriteString("| `command` | Does |\n|---|---|\n")
	for _, c := range job.Commands() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", c.Name, c.Help)
	}
	return b.String()
}

func inputTable() string {
	var b strings.Builder
	b.WriteString("| Input | Default | |\n|---|---|---|\n")
	for _, i := range Inputs() {
		value := ""
		if i.Default != "" {
			value = "`" + i.Default + "`"
		}
		help := i.Help
		if i.Secret {
			help += ". Masked"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", i.Name, value, help)
	}
	return b.String()
}

func outputTable() string {
	var b strings.Builder
	b.WriteString("| Output | |\n|---|---|\n")
	for _, o := range report.Outputs() {
		help := o.Help
		if o.Secret {
			help += ". Masked"
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", o.Name, help)
	}
	return b.String()
}

// protocolTable compares the protocols: what they say about themselves, and what follows from
// their inputs and files.
func protocolTable() string {
	var rows []string
	cells := map[string][]string{} // of a row, one for each protocol
	for i, s := range specs() {
		set := func(row, cell string) {
			if cells[row] == nil {
				rows, cells[row] = append(rows, row), make([]string, len(specs()))
			}
			cells[row][i] = cell
		}
		set("", "`"+s.Name+"`")
		for _, fact := range s.About {
			set(fact.About, fact.Text)
		}
		set("`dump`", strings.Join(dump.Names(s.Takes), ", "))
		set("`download`", joined(s.Offers, "", ", "))
		set("inputs that only it has", joined(s.Inputs, "`", ", "))
	}
	var b strings.Builder
	for i, row := range rows {
		fmt.Fprintf(&b, "| %s | %s |\n", row, strings.Join(cells[row], " | "))
		if i == 0 {
			b.WriteString("|---" + strings.Repeat("|---", len(specs())) + "|\n")
		}
	}
	return b.String()
}

func resultTable() string {
	var b strings.Builder
	b.WriteString("| `result` | Exit status | |\n|---|---|---|\n")
	for _, s := range ends() {
		fmt.Fprintf(&b, "| `%s` | %d | %s |\n", s.result, s.status, s.help)
	}
	return b.String()
}
