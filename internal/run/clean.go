package run

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"odoo-upgrade-action/internal/advice"
	"odoo-upgrade-action/internal/upgrade"
)

// clean takes off the inputs what was not meant to be a part of them. It returns an error for one
// that cannot be what it should be, without showing it: it may be a secret.
func (o Inputs) clean() (Inputs, error) {
	o.HandleSecret = strings.TrimSpace(o.HandleSecret) // which may be anything else
	var wrong error
	for _, input := range []struct {
		name  string
		value *string
		ascii bool
	}{
		{"contract", &o.Contract, true}, {"email", &o.Email, false}, {"handle", &o.Handle, true},
		{"request-id", &o.RequestID, true}, {"request-key", &o.RequestKey, true},
	} {
		*input.value = upgrade.Clean(*input.value)
		if wrong == nil {
			wrong = unexpanded(input.name, *input.value)
		}
		if wrong == nil && input.ascii {
			wrong = foreign(input.name, *input.value)
		}
	}
	return o, wrong
}

// variable is one of a shell's, in the place of its value.
var variable = regexp.MustCompile(`^\$(?:\w+|\{\w+\}|env:\w+|\(.*\))$|^%\w+%$`)

// unexpanded returns an error for a value that names where the value is.
func unexpanded(name, value string) error {
	switch {
	case strings.Contains(value, "${{") || strings.HasSuffix(value, "}}"):
		return advice.New(fmt.Sprintf("{%s} holds an expression of a workflow in place of its value", name),
			"GitHub replaces ${{ … }} in a workflow's file only: not in a script that it calls, and not where the braces are escaped.")
	case variable.MatchString(value):
		return advice.New(fmt.Sprintf("{%s} holds the name of a variable in place of its value", name),
			"A shell replaces $NAME, in double quotation marks or none; in a workflow's with:, write ${{ env.NAME }} or ${{ secrets.NAME }}.")
	}
	return nil
}

// foreign returns an error for a value with a character that none of its kind has.
func foreign(name, value string) error {
	for _, r := range value {
		if r < ' ' || r > '~' {
			return advice.New(fmt.Sprintf("{%s} has a character that does not belong there: U+%04X", name, r), "Type it again, in place of copying it.")
		}
	}
	return nil
}

// checkPath returns an error for a dump that is given as something that is not a path; at is where
// it would be.
func checkPath(dump, at string) error {
	const find = "Find the file in a step before, and give its path."
	switch {
	case strings.Contains(dump, "://"):
		return advice.New("{dump} is a URL, not the path of a file", "Download it in a step before, and give the path of the file.")
	case strings.HasPrefix(dump, "~/"):
		return advice.New("{dump} begins with ~, which only a shell replaces", "Write the whole path.")
	case strings.ContainsAny(dump, "*?[") && isAbsent(at):
		return advice.New("{dump} is a pattern, not the path of a file", find)
	case strings.Contains(dump, "\n"):
		return advice.New("{dump} names several files, a line each", find)
	}
	return unexpanded("dump", dump)
}

func isAbsent(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist)
}
