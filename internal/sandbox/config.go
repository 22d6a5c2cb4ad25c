// Package sandbox is a small stand-in for the vendor's upgrade platform: the same HTTP
// API, the same SFTP server, so that a workflow can be tried without a contract and without
// sending a database anywhere.
//
// Run serves one inside this process. Package service has one that people share, with pages,
// TLS, and engines that upgrade for real.
package sandbox

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"odoo-upgrade-action/internal/sandbox/engine"
	"odoo-upgrade-action/internal/sandbox/fault"
	"odoo-upgrade-action/internal/sandbox/requests"
	v1 "odoo-upgrade-action/internal/sandbox/v1"
)

// Engine upgrades what was uploaded.
type Engine = requests.Engine

// The protocols that a sandbox speaks.
const (
	ProtocolV1  = requests.ProtocolV1
	ProtocolRPC = requests.ProtocolRPC
)

// Config is how a sandbox behaves.
type Config struct {
	Protocols []string      // that it speaks; none: all
	Data      string        // folder for requests, dumps and the SSH host key
	Engine    Engine        // nil is engine.Copy
	Contracts []string      // the contracts that are known; none: every well-formed one
	Outcome   string        // state that requests end in: one of Outcomes
	Cause     string        // why requests fail, with the outcome failed: one of engine.Causes; "" is engine.DefaultCause
	Pace      time.Duration // how long a request stays pending at least, and then in progress
	Workers   int           // how many requests are upgraded at the same time; 0: all
	Timeout   time.Duration // how long an upgrade may take; 0: as long as it likes
	MaxUpload int64         // bytes of a dump; 0: as many as the disk takes
	Faults    []fault.Fault // what goes wrong
	RandomIDs bool          // requests have random ids; else they count from 10001 on, for tests and examples
	Log       func(string)  // one line a call; without keys

	// What a server has around the double, see package service; each may be nil.
	Before func(*http.Request)                               // changes each call before it is served
	Pages  func(context.Context, *http.ServeMux, *v1.Server) // adds pages for people
	Beside func(context.Context, *requests.Store)            // runs until the context ends
}

// Outcomes lists the states that a sandbox's requests can end in.
func Outcomes() []string { return []string{requests.Done, requests.Failed, requests.Cancelled} }

// CheckOutcome returns an error unless outcome is one of Outcomes.
func CheckOutcome(outcome string) error {
	if slices.Contains(Outcomes(), outcome) {
		return nil
	}
	return fmt.Errorf("%q is not an outcome of a sandbox: use one of %s", outcome, strings.Join(Outcomes(), ", "))
}

func checkProtocols(list []string) error {
	for _, protocol := range list {
		if protocol != ProtocolV1 && protocol != ProtocolRPC {
			return fmt.Errorf("%q is not a protocol of a sandbox: use %s or %s", protocol, ProtocolV1, ProtocolRPC)
		}
	}
	return nil
}

// ParseFaults reads faults, as fault.Parse does.
func ParseFaults(texts []string) ([]fault.Fault, error) {
	var list []fault.Fault
	for _, text := range texts {
		f, err := fault.Parse(text)
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
		return c, true, fmt.Errorf("%q is not the address of a sandbox: use one like sandbox?outcome=failed&pace=1s", address)
	}
	for key, value := range values {
		switch key {
		case "outcome":
			c.Outcome, err = value[0], CheckOutcome(value[0])
		case "cause":
			c.Cause, err = value[0], engine.CheckCause(value[0])
		case "pace":
			c.Pace, err = time.ParseDuration(value[0])
		case "contract":
			c.Contracts = value
		case "protocol":
			c.Protocols, err = value, checkProtocols(value)
		case "fault":
			c.Faults, err = ParseFaults(value)
		case "lose":
			c.Engine, err = engine.ParseLosses(value)
		default:
			err = fmt.Errorf("a sandbox takes outcome, cause, pace, contract, protocol, lose and fault, not %q", key)
		}
		if err != nil {
			return c, true, err
		}
	}
	return c, true, nil
}
