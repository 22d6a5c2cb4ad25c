package sandbox

import (
	"strings"
	"testing"
	"time"
)

func TestParseFault(t *testing.T) {
	for text, want := range map[string]Fault{
		"status=503":               {on: "status", first: 1, kind: "status", n: 503},
		"status:2=429:30s":         {on: "status", first: 2, last: 2, kind: "status", n: 429, wait: 30 * time.Second},
		"process:1=lost":           {on: "process", first: 1, last: 1, kind: "lost"},
		"upload:1-2=cut:100000":    {on: "upload", first: 1, last: 2, kind: "cut", n: 100000},
		"sftp:2-=refuse:0s":        {on: "sftp", first: 2, kind: "refuse"},
		"page=slow:1m":             {on: "page", first: 1, kind: "slow", wait: time.Minute},
		"sftp=no-reading":          {on: "sftp", first: 1, kind: "no-reading"},
		"create=html":              {on: "create", first: 1, kind: "html"},
		"request_sftp_access=hang": {on: "request_sftp_access", first: 1, kind: "hang"},
	} {
		if got, err := ParseFault(text); err != nil || got != want {
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
		"status=200":          "200 is no kind",
		"status=explode":      "explode is no kind",
		"status=rate:5":       "rate is no kind for that",
		"sftp=html":           "html is no kind for that",
		"sftp=503":            "503 is no kind for that",
		"upload=cut":          "another argument: bytes",
		"upload=cut:-1":       "another argument: bytes",
		"status=slow:forever": "another argument: time",
		"status=lost:1":       "another argument: none",
		"status=503:soon":     "how long to wait",
	} {
		if _, err := ParseFault(text); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
