package upgrade

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// Phase is how far a request has come. Which of the platform's states means
// which phase is decided by the back end.
type Phase int

// The phases. The set of states is open: one that the back end does not know is
// Unknown, which is waited through. It is never success and never failure.
const (
	Unknown Phase = iota
	Draft         // nothing is processed yet; a dump can be uploaded
	Queued        // accepted; the platform has not started
	Working       // the platform is at work
	Done          // upgraded
	Failed        // ended without an upgraded database
)

// Ended reports whether the platform has finished with the request.
func (p Phase) Ended() bool { return p == Done || p == Failed }

// States lists a platform's states by the phase that they mean.
type States struct {
	Draft, Queued, Working, Done, Failed []string
}

// With returns s with other lists of the states that mean success and failure.
// An empty list leaves the one of s, except for what the other list claims.
func (s States) With(success, failure []string) States {
	s.Done, s.Failed = without(s.Done, failure), without(s.Failed, success)
	if len(success) > 0 {
		s.Done = success
	}
	if len(failure) > 0 {
		s.Failed = failure
	}
	return s
}

// without returns list without the states in claimed.
func without(list, claimed []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(state string) bool {
		return slices.ContainsFunc(claimed, func(name string) bool { return isState(name, state) })
	})
}

// isState compares states: case and surrounding space do not count.
func isState(a, b string) bool {
	return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b))
}

// Phase returns what state means.
func (s States) Phase(state string) Phase {
	is := func(name string) bool { return isState(name, state) }
	switch {
	case strings.TrimSpace(state) == "":
		return Unknown
	case slices.ContainsFunc(s.Failed, is):
		return Failed
	case slices.ContainsFunc(s.Done, is):
		return Done
	case slices.ContainsFunc(s.Draft, is):
		return Draft
	case slices.ContainsFunc(s.Queued, is):
		return Queued
	case slices.ContainsFunc(s.Working, is):
		return Working
	}
	return Unknown
}

// Status is what the platform says about a request. Its fields, which Get
// returns, are the platform's own text, empty where it gave none; texts like
// Filesize or Elapsed are for people and not to be computed with.
type Status struct {
	Ticket Ticket
	State  string // the platform's word
	Phase  Phase  // what it means
	Raw    Secret // the status as it came, JSON; holds the key
	Copies bool   // the platform says that it is a sandbox that upgrades nothing

	// Fields holds the values. It is exported so that package fmt redacts them.
	Fields map[Field]Secret
}

// Get returns the value of a field, "" where the platform gave none. The value
// of a secret field must be masked before it is shown.
func (s Status) Get(f Field) string { return s.Fields[f].Reveal() }

// Set sets a field. The status must not be shared yet.
func (s *Status) Set(f Field, value string) {
	if s.Fields == nil {
		s.Fields = map[Field]Secret{}
	}
	s.Fields[f] = Secret(value)
}

// units of Filesize; the sample "912.99 Kb" is 1024-based.
var units = map[string]float64{
	"b": 1, "bytes": 1, "byte": 1,
	"k": 1 << 10, "kb": 1 << 10, "kib": 1 << 10,
	"m": 1 << 20, "mb": 1 << 20, "mib": 1 << 20,
	"g": 1 << 30, "gb": 1 << 30, "gib": 1 << 30,
	"t": 1 << 40, "tb": 1 << 40, "tib": 1 << 40,
}

// FilesizeFits reports whether text, the field Filesize, can be the size of a
// file of size bytes. A text that is empty or not understood fits every size.
func FilesizeFits(text string, size int64) bool {
	number, unit, _ := strings.Cut(strings.TrimSpace(text), " ")
	factor, ok := units[strings.ToLower(strings.TrimSpace(unit))]
	value, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || value < 0 || math.IsInf(value, 0) || math.IsNaN(value) {
		return true
	}
	// Rounded or cut after the last decimal shown: one unit of it either way.
	decimals := 0
	if _, fraction, found := strings.Cut(number, "."); found {
		decimals = len(fraction)
	}
	tolerance := factor * math.Pow10(-decimals)
	if factor == 1 {
		tolerance = 0 // whole bytes are never rounded
	}
	return math.Abs(value*factor-float64(size)) <= tolerance
}
