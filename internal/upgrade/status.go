package upgrade

import (
	"math"
	"slices"
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

// Status is what the platform says about a request. Its fields are the platform's own text;
// texts like Filesize or Elapsed are for people and not to be computed with.
type Status struct {
	Ticket  Ticket
	State   string // the platform's word
	Phase   Phase  // what it means
	Raw     Secret // the status as it came, JSON; holds the key
	Copies  bool   // the platform says that it is a sandbox that upgrades nothing
	Sandbox bool   // the platform is a sandbox
	Upload  Size   // what the platform has of the dump

	Fields map[Field]string
	Links  map[Link]Secret // addresses; each must be masked before it is shown
}

// Get returns the value of a field, "" where the platform gave none.
func (s Status) Get(f Field) string { return s.Fields[f] }

// Set sets a field. The status must not be shared yet.
func (s *Status) Set(f Field, value string) {
	if s.Fields == nil {
		s.Fields = map[Field]string{}
	}
	s.Fields[f] = value
}

// SetLink sets a link. The status must not be shared yet.
func (s *Status) SetLink(l Link, address string) {
	if s.Links == nil {
		s.Links = map[Link]Secret{}
	}
	s.Links[l] = Secret(address)
}

// Size is a number of bytes that is known as well as a platform shows it.
type Size struct {
	Known         bool
	Bytes, Within float64 // it may differ by so many bytes, because it was rounded or cut
}

// Fits reports whether a file of size bytes may have that size. One that is not known fits
// every file.
func (s Size) Fits(size int64) bool {
	return !s.Known || math.Abs(s.Bytes-float64(size)) <= s.Within
}
