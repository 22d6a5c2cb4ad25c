package upgrade

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestSecretNeverShows(t *testing.T) {
	const text = "Aw7pItGVKFuZ_FOR3U8VFQ=="
	ticket := Ticket{ID: "1", Key: text}
	status := Status{Ticket: ticket}
	status.SetLink("status-url", "https://host/"+text)
	asJSON, err := json.Marshal(ticket)
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{
		fmt.Sprint(ticket), fmt.Sprintf("%+v %#v %s %q %x", ticket, ticket, ticket.Key, ticket.Key, ticket.Key),
		fmt.Sprintf("%v %#v", status, status), string(asJSON),
	} {
		if strings.Contains(shown, text) || strings.Contains(shown, fmt.Sprintf("%x", text)) {
			t.Errorf("shown: %s", shown)
		}
	}
	if ticket.Key.Reveal() != text || fmt.Sprint(Secret("")) != "" {
		t.Error("the secret itself is lost, or an empty one shows as something")
	}
}

func TestParseTarget(t *testing.T) {
	for _, good := range []string{"6.1", "17.0", "saas~17.4", "20.0"} {
		if target, err := ParseTarget(good); err != nil || target.String() != good {
			t.Errorf("ParseTarget(%q) = %v, %v", good, target, err)
		}
	}
	for text, want := range map[string]string{
		"17": "17.0", "v17": "17.0", "V17.0": "17.0", " 17.0\n": "17.0", `"17.0"`: "17.0", "\u201c18\u201d": "18.0", "17.0\u200b": "17.0", "'saas~17.4'": "saas~17.4",
	} {
		if target, err := ParseTarget(text); err != nil || target.String() != want {
			t.Errorf("ParseTarget(%q) = %v, %v", text, target, err)
		}
	}
	for _, bad := range []string{"", "saas-17.4", "17.0.1", "latest", "1e1.0", "17,0", "w17", "v", "1 7.0", "${{ inputs.target }}"} {
		if _, err := ParseTarget(bad); err == nil || !strings.Contains(err.Error(), "saas~18.2") {
			t.Errorf("ParseTarget(%q): %v, want an error that shows what is right", bad, err)
		}
	}
}

func TestClean(t *testing.T) {
	for text, want := range map[string]string{
		"M123456-abcdef": "M123456-abcdef", "\u200bM1": "M1", "M1\ufeff": "M1", "M\u00ad1": "M1", "\u00a0M1 ": "M1", `"M1"`: "M1", "' M1 '": "M1", "`M1`": "M1",
		"\u2018M1\u2019": "M1", `"M1`: `"M1`, "": "", `"`: `"`, `""`: "", "a b": "a b", "\u202eM1": "M1",
	} {
		if got := Clean(text); got != want {
			t.Errorf("Clean(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestCompareTargets(t *testing.T) {
	sorted := []string{"6.1", "9.0", "10.0", "10.saas~15", "saas~11.3", "16.0", "17.0", "saas~17.4", "18.0"}
	for i := range sorted {
		for j := range sorted {
			a, ok1 := ParseSeries(sorted[i])
			b, ok2 := ParseSeries(sorted[j])
			if got := a.Compare(b); !ok1 || !ok2 || (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("Compare(%s, %s) = %d", a, b, got)
			}
		}
	}
}

func TestParseAim(t *testing.T) {
	for text, ok := range map[string]bool{"test": true, "production": true, "": false, "Test": false, "prod": false} {
		if _, err := ParseAim(text); (err == nil) != ok {
			t.Errorf("ParseAim(%q): %v", text, err)
		}
	}
}

func TestMissing(t *testing.T) {
	all := []string{"contract", "email", "target", "aim", "filename"}
	if got := (Request{}).Missing(all); !slices.Equal(got, all) {
		t.Errorf("missing: %v", got)
	}
	if got := (Request{Contract: "c"}).Missing([]string{"contract"}); got != nil {
		t.Errorf("missing: %v, although nothing else is required", got)
	}
	target, _ := ParseTarget("17.0")
	if got := (Request{Contract: "c", Email: "e", Target: target, Aim: Test, Filename: "f"}).Missing(all); got != nil {
		t.Errorf("missing: %v", got)
	}
}

func TestPhase(t *testing.T) {
	states := States{Draft: []string{"draft"}, Working: []string{"pending"}, Done: []string{"done", "delivered"}, Failed: []string{"failed", "cancelled"}}
	for state, want := range map[string]Phase{
		"done": Done, "Delivered": Done, " failed ": Failed, "cancelled": Failed, "Draft": Draft, "pending": Working,
		"": Unknown, " ": Unknown, "never heard of": Unknown, "donee": Unknown,
	} {
		if got := states.Phase(state); got != want {
			t.Errorf("Phase(%q) = %d, want %d", state, got, want)
		}
	}
	own := states.With([]string{"ready"}, []string{"draft"})
	for state, want := range map[string]Phase{"ready": Done, "done": Unknown, "draft": Failed, "failed": Unknown, "pending": Working} {
		if got := own.Phase(state); got != want {
			t.Errorf("with other lists, Phase(%q) = %d, want %d", state, got, want)
		}
	}
	if got := states.With([]string{"Failed"}, nil).Phase("failed"); got != Done {
		t.Errorf("failed counts as %d, although it was listed as success alone", got)
	}
	if got := states.With(nil, nil).Phase("done"); got != Done {
		t.Errorf("without other lists, done is %d", got)
	}
	if got := (States{Done: []string{""}}).Phase(""); got != Unknown {
		t.Errorf("an empty state is %d", got)
	}
}

func TestFailureText(t *testing.T) {
	cases := []struct {
		failure Failure
		want    string
	}{
		{Failure{Reason: "TARGET:INVALID", Message: `Invalid value "5.0"`, Expected: []string{"6.0", "7.0"}}, `Invalid value "5.0" (expected: 6.0, 7.0)`},
		{Failure{Reason: "EMAIL:INVALID", Message: `Invalid value "me"`}, `Invalid value "me" (EMAIL:INVALID)`},
		{Failure{Reason: "CONTRACT:NOT_FOUND", Code: "M1"}, "CONTRACT:NOT_FOUND M1"},
		{Failure{}, "failure without a message"},
	}
	for _, c := range cases {
		if got := c.failure.String(); got != c.want {
			t.Errorf("%#v: %q, want %q", c.failure, got, c.want)
		}
	}
	err := &RefusedError{Failures: []Failure{{Message: "a"}, {Message: "b"}}}
	if err.Error() != "the platform refused: a; b" {
		t.Error(err)
	}
}
