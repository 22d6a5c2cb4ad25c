package fault

import (
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]Fault{
		"status=503":               {on: "status", first: 1, Kind: "status", N: 503},
		"status:2=429:30s":         {on: "status", first: 2, last: 2, Kind: "status", N: 429, Wait: 30 * time.Second},
		"process:1=lost":           {on: "process", first: 1, last: 1, Kind: "lost"},
		"upload:1-2=cut:100000":    {on: "upload", first: 1, last: 2, Kind: "cut", N: 100000},
		"sftp:2-=refuse:0s":        {on: "sftp", first: 2, Kind: "refuse"},
		"page=slow:1m":             {on: "page", first: 1, Kind: "slow", Wait: time.Minute},
		"sftp=no-reading":          {on: "sftp", first: 1, Kind: "no-reading"},
		"create=html":              {on: "create", first: 1, Kind: "html"},
		"request_sftp_access=hang": {on: "request_sftp_access", first: 1, Kind: "hang"},
	} {
		if got, err := Parse(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for text, why := range map[string]string{
		"":                    "faults are on one of",
		"delete=reset":        "faults are on one of create, upload",
		"status":              "faults are on one of",
		"status:0=reset":      "counted from 1",
		"status:3-2=reset":    "counted from 1",
		"status:x=reset":      "counted from 1",
		"status=200":          "200 is not a kind",
		"status=explode":      "explode is not a kind",
		"status=rate:5":       "rate is not a kind of fault for that",
		"sftp=html":           "html is not a kind of fault for that",
		"sftp=503":            "503 is not a kind of fault for that",
		"upload=cut":          "another argument: bytes",
		"upload=cut:-1":       "another argument: bytes",
		"status=slow:forever": "another argument: time",
		"status=lost:1":       "another argument: none",
		"status=503:soon":     "how long to wait",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
