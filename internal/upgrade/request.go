package upgrade

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Aim is the purpose of a request ("The create method", parameter aim).
type Aim string

// The aims that the specification lists.
const (
	Test       Aim = "test"
	Production Aim = "production"
)

// ParseAim returns the aim that s names, or an error that lists the valid ones.
func ParseAim(s string) (Aim, error) {
	switch a := Aim(s); a {
	case Test, Production:
		return a, nil
	}
	return "", fmt.Errorf("%q is not a valid aim: use %s or %s", s, Test, Production)
}

// Target is the Odoo version to upgrade to, like 18.0 or saas~18.2.
type Target struct {
	text         string
	major, minor int
}

// No list of versions stands here: the platform knows its own and names them
// in a refusal's expected values. Only the shape is checked.
var targetShape = regexp.MustCompile(`^(?:saas~)?[0-9]{1,3}\.[0-9]{1,2}$`)

// ParseTarget returns the target that s names: 17.0 also as 17, which is what YAML makes of it
// without quotation marks, and as v17. The error for anything else shows the two valid shapes.
func ParseTarget(s string) (Target, error) {
	text := Clean(s)
	if number := strings.TrimLeft(text, "vV"); wholeNumber.MatchString(number) {
		text = number + ".0"
	} else if targetShape.MatchString(number) {
		text = number
	}
	if !targetShape.MatchString(text) {
		return Target{}, fmt.Errorf("%q is not an Odoo version: use one like 18.0 or saas~18.2", s)
	}
	t, _ := ParseSeries(text) // takes all that a target may be
	return t, nil
}

var wholeNumber = regexp.MustCompile(`^[0-9]{1,3}$`)

// A database writes its own series in one more way: 10.saas~15.
var seriesShape = regexp.MustCompile(`^(?:saas~)?([0-9]{1,3})\.(?:saas~)?([0-9]{1,2})$`)

// ParseSeries returns the version that a database has, to be compared with a
// target; ok is false for anything that is not a version.
func ParseSeries(s string) (t Target, ok bool) {
	m := seriesShape.FindStringSubmatch(s)
	if m == nil {
		return Target{}, false
	}
	major, _ := strconv.Atoi(m[1])
	minor, _ := strconv.Atoi(m[2])
	return Target{text: s, major: major, minor: minor}, true
}

// String returns the target as the platform wants it.
func (t Target) String() string { return t.text }

// Compare is negative, zero or positive as t is older than, the same as or
// newer than u: saas~17.4 stands between 17.0 and 18.0.
func (t Target) Compare(u Target) int {
	if t.major != u.major {
		return t.major - u.major
	}
	return t.minor - u.minor
}

// Request is what a new request is made from ("The create method").
type Request struct {
	Contract Secret
	Email    string
	Target   Target
	Aim      Aim
	Filename string
	Timezone string // only for sources older than 6.1; empty is not sent
}

// Missing returns those of the named inputs that r leaves empty, in the order in
// which they are named. The names are those that users know: contract, email,
// target, aim and filename.
func (r Request) Missing(required []string) []string {
	given := map[string]string{
		"contract": r.Contract.Reveal(), "email": r.Email, "target": r.Target.text, "aim": string(r.Aim), "filename": r.Filename,
	}
	var names []string
	for _, name := range required {
		if given[name] == "" {
			names = append(names, name)
		}
	}
	return names
}

// Ticket is the reference of a created request: what every further call needs.
type Ticket struct {
	ID  string
	Key Secret
	// Session is what else a back end needs to continue the request in another process,
	// in a form of its own; it may hold secrets.
	Session Secret
}

// Kind is what a refusal is about. The back end decides it.
type Kind int

// The kinds of refusal.
const (
	OtherRefusal    Kind = iota
	ContractRefusal      // the contract
	TargetRefusal        // the version to upgrade to
	KeyRefusal           // the request or its key
	AccessRefusal        // one way to transfer files; another may be open
)

// Failure is one error that the platform lists ("failures").
type Failure struct {
	Kind     Kind              // what it is about
	Reason   string            // the error type, like TARGET:INVALID; an open set
	Message  string            // for people
	Code     string            // a faulty value
	Value    string            // a faulty value
	Expected []string          // the valid values, where the platform lists them
	Other    map[string]string // whatever else it said, by its key
}

// String returns the failure as one sentence for people: the message, or what
// there is in its place, and the expected values or the error type.
func (f Failure) String() string {
	text := f.Message
	if text == "" {
		text = strings.TrimSpace(f.Reason + " " + f.Value + f.Code)
	}
	if text == "" {
		text = "failure without a message"
	}
	switch {
	case len(f.Expected) > 0:
		text += " (expected: " + strings.Join(f.Expected, ", ") + ")"
	case f.Message != "" && f.Reason != "":
		text += " (" + f.Reason + ")"
	}
	return text
}

// MissingError says that the platform has nothing for an item.
type MissingError struct{ Item Item }

func (e *MissingError) Error() string { return "the platform has no " + string(e.Item) }

// UnreachedError says that no connection could be made for a call: the platform
// does not know of it.
type UnreachedError struct{ Err error }

func (e *UnreachedError) Error() string { return e.Err.Error() }

// Unwrap returns the network's error.
func (e *UnreachedError) Unwrap() error { return e.Err }

// DeclinedError says that a call got a response by which it was not accepted, and may be
// later: the platform was too busy for it.
type DeclinedError struct{ Err error }

func (e *DeclinedError) Error() string { return e.Err.Error() }

// Unwrap returns what the response was.
func (e *DeclinedError) Unwrap() error { return e.Err }

// RefusedError says that the platform understood a call and refused it. It is
// final: the same call would be refused again.
type RefusedError struct {
	Kind     Kind
	Failures []Failure
}

// Error lists every failure.
func (e *RefusedError) Error() string {
	texts := make([]string, len(e.Failures))
	for i, f := range e.Failures {
		texts[i] = f.String()
	}
	return "the platform refused: " + strings.Join(texts, "; ")
}
