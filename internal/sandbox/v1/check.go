package v1

import (
	"fmt"
	"net/mail"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// failure is one entry of an answer's failures, with the keys of the
// specification's sample.
type failure struct {
	Reason   string   `json:"reason"`
	Message  string   `json:"message"`
	Code     string   `json:"code,omitempty"`
	Value    string   `json:"value,omitempty"`
	Expected []string `json:"expected,omitempty"`
}

// parameters of one call, in whichever way they were sent.
type parameters map[string]string

// missing returns a failure for each of the names that was not given.
func (p parameters) missing(names ...string) []failure {
	var list []failure
	for _, name := range names {
		if p[name] == "" {
			list = append(list, failure{
				Reason: strings.ToUpper(name) + ":MISSING", Message: fmt.Sprintf("Missing value for %q", name), Code: name,
			})
		}
	}
	return list
}

func invalid(name, value string, expected ...string) failure {
	return failure{
		Reason: strings.ToUpper(name) + ":INVALID", Message: fmt.Sprintf("Invalid value %q", value), Value: value, Expected: expected,
	}
}

var (
	contractShape = regexp.MustCompile(`^M[0-9]{4,}(-[0-9A-Za-z]+)?$`)
	saasShape     = regexp.MustCompile(`^saas~1[1-9]\.[1-9][0-9]?$`)
	timezoneShape = regexp.MustCompile(`^[A-Za-z0-9_+/-]{1,64}$`)
)

// Targets returns the versions that the sandbox upgrades to, like the platform's
// "valid choices": newer ones than the specification's, which was never kept up to
// date.
func Targets() []string {
	return []string{"6.0", "6.1", "7.0", "8.0", "9.0", "10.0", "11.0", "12.0", "13.0", "14.0", "15.0", "16.0", "17.0", "18.0", "19.0"}
}

// checkCreate returns everything that is wrong with the parameters of create.
func (s *Server) checkCreate(p parameters) []failure {
	list := p.missing("contract", "email", "target", "aim", "filename")
	check := func(name string, ok bool, f failure) {
		if p[name] != "" && !ok {
			list = append(list, f)
		}
	}
	target, aim, email, filename := p["target"], p["aim"], p["email"], p["filename"]
	check("target", slices.Contains(Targets(), target) || saasShape.MatchString(target), invalid("target", target, Targets()...))
	check("aim", aim == "test" || aim == "production", invalid("aim", aim, "test", "production"))
	parsed, err := mail.ParseAddress(email)
	check("email", err == nil && parsed.Address == email, invalid("email", email))
	check("filename", goodFilename(filename), invalid("filename", filename))
	check("timezone", timezoneShape.MatchString(p["timezone"]), invalid("timezone", p["timezone"]))
	contract := p["contract"]
	known := contractShape.MatchString(contract)
	if len(s.Contracts) > 0 {
		known = slices.Contains(s.Contracts, contract)
	}
	check("contract", known, failure{
		Reason: "CONTRACT:NOT_FOUND", Message: "Can not find contract " + contract, Code: contract,
	})
	return list
}

// goodFilename reports whether name can be the one file of an SFTP server.
func goodFilename(name string) bool {
	return len(name) <= 200 && name == path.Base(name) && !strings.ContainsRune(name, '\\') &&
		name != "." && name != ".." && !strings.ContainsFunc(name, unicode.IsControl)
}

// wrongState says that a method does not apply to requests in that state.
func wrongState(state string, expected ...string) failure {
	return failure{
		Reason: "REQUEST:STATE", Message: fmt.Sprintf("Not possible for a request in state %q", state), Value: state, Expected: expected,
	}
}
