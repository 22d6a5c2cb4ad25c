package cli

import (
	"strings"

	"github.com/alecthomas/kong"

	"odoo-upgrade-action/internal/platform"
	"odoo-upgrade-action/internal/platform/jsonrpc"
	v1 "odoo-upgrade-action/internal/platform/v1"
	"odoo-upgrade-action/internal/run"
)

// This file is the only one that knows which back ends there are.

// specs are the back ends, in the order in which they are tried.
func specs() []platform.Spec { return []platform.Spec{v1.Spec(), jsonrpc.Spec()} }

// protocols returns the names of the protocols, as users give them.
func protocols() []string {
	names := []string{run.Auto}
	for _, s := range specs() {
		names = append(names, s.Name)
	}
	return names
}

// protocolVars returns what the help of the inputs says of the protocols.
func protocolVars() kong.Vars {
	var names, offers []string
	vars := kong.Vars{}
	for _, s := range specs() {
		names = append(names, s.Name)
		offers = append(offers, "with "+s.Name+" "+joined(s.Offers, "", ", "))
		for _, input := range s.Inputs {
			vars["only_"+strings.ReplaceAll(input, "-", "_")] = ". Only with " + s.Name
		}
	}
	vars["protocols"], vars["offers"] = strings.Join(names, ", "), strings.Join(offers, "; ")
	return vars
}

// joined writes a list of words, each between marks.
func joined[Word ~string](words []Word, mark, separator string) string {
	out := make([]string, len(words))
	for i, word := range words {
		out[i] = mark + string(word) + mark
	}
	return strings.Join(out, separator)
}
