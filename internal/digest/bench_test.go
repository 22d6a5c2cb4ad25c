package digest

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"odoo-upgrade-action/internal/realtest"
)

// BenchmarkDigest reads a log of 100 MiB, in turns with grep -c ERROR: its time is 1. In "chatter"
// a run says what it does, and fails once; in "errors" every record is an error with a traceback.
func BenchmarkDigest(b *testing.B) {
	realtest.Need(b, "grep")
	var all strings.Builder
	for _, test := range logs {
		all.WriteString(test.log)
	}
	for name, text := range map[string]string{"chatter": chatter(1) + logs[0].log, "errors": all.String()} {
		log := bytes.Repeat([]byte(text), 100<<20/len(text))
		path := filepath.Join(b.TempDir(), "log")
		if err := os.WriteFile(path, log, 0o600); err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			var ours, theirs []time.Duration
			b.SetBytes(int64(len(log)))
			b.ReportAllocs()
			for b.Loop() {
				start := time.Now()
				file, err := os.Open(path)
				if err != nil {
					b.Fatal(err)
				}
				if causes, err := Read(file); err != nil || len(causes) == 0 {
					b.Fatal(causes, err)
				}
				_ = file.Close()
				ours = append(ours, time.Since(start))
				start = time.Now()
				if text, err := exec.Command("grep", "-c", "ERROR", path).CombinedOutput(); err != nil {
					b.Fatalf("%v: %s", err, text)
				}
				theirs = append(theirs, time.Since(start))
			}
			slices.Sort(ours)
			slices.Sort(theirs)
			middle := ours[len(ours)/2].Seconds()
			b.ReportMetric(float64(len(log))/1e6/middle, "our-MB/s")
			b.ReportMetric(middle/theirs[len(theirs)/2].Seconds(), "time/peer")
		})
	}
}
