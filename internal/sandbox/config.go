// Package sandbox is the vendor's upgrade platform in small: the same HTTP API,
// the same SFTP server, the same pages, so that a workflow can be tried without
// a contract and without sending a database anywhere. It upgrades nothing: what
// it hands out as upgraded is what it was given.
//
// It is strict where the specification speaks, so that it finds the mistakes of
// its clients, ours included. It shares no type with internal/api on purpose: a
// wrong name in a shared one would cancel out.
package sandbox

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Config is how a sandbox behaves.
type Config struct {
	Data      string        // folder for requests, dumps and the SSH host key
	Contracts []string      // the contracts that are known; none: every well-formed one
	Outcome   string        // state that requests end in: one of Outcomes
	Pace      time.Duration // how long a request stays pending, and then in progress
	Faults    []Fault       // what goes wrong
	Log       func(string)  // one line a call; without keys
}

// Outcomes lists the states that a sandbox's requests can end in.
func Outcomes() []string { return []string{"done", "failed", "cancelled"} }

// CheckOutcome returns an error unless outcome is one of Outcomes.
func CheckOutcome(outcome string) error {
	if slices.Contains(Outcomes(), outcome) {
		return nil
	}
	return fmt.Errorf("%q is no outcome of a sandbox: give one of %s", outcome, strings.Join(Outcomes(), ", "))
}

// ParseFaults reads faults, as ParseFault does.
func ParseFaults(texts []string) ([]Fault, error) {
	var list []Fault
	for _, text := range texts {
		f, err := ParseFault(text)
		if err != nil {
			return nil, err
		}
		list = append(list, f)
	}
	return list, nil
}

// DefaultPace keeps a test of a workflow short and still shows every state.
const DefaultPace = time.Second

// ParseAddress reads an address that stands for an embedded sandbox, "sandbox"
// or "sandbox?outcome=failed&pace=100ms", and tells whether it is one.
func ParseAddress(address string) (c Config, ok bool, err error) {
	name, query, _ := strings.Cut(address, "?")
	if name != "sandbox" {
		return Config{}, false, nil
	}
	c = Config{Outcome: "done", Pace: DefaultPace}
	values, err := url.ParseQuery(query)
	if err != nil {
		return c, true, fmt.Errorf("%q is no address of a sandbox: give one like sandbox?outcome=failed&pace=1s", address)
	}
	for key, value := range values {
		switch key {
		case "outcome":
			c.Outcome, err = value[0], CheckOutcome(value[0])
		case "pace":
			c.Pace, err = time.ParseDuration(value[0])
		case "contract":
			c.Contracts = value
		case "fault":
			c.Faults, err = ParseFaults(value)
		default:
			err = fmt.Errorf("a sandbox takes outcome, pace, contract and fault, not %q", key)
		}
		if err != nil {
			return c, true, err
		}
	}
	return c, true, nil
}
