package v1

import (
	"testing"
	"time"
)

func TestHumanSizeAndClock(t *testing.T) {
	for n, want := range map[int64]string{38: "38 bytes", 934902: "912.99 Kb", 1 << 30: "1.00 Gb", 3 << 40: "3.00 Tb"} {
		if got := HumanSize(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
	if got := Clock(125 * time.Second); got != "02:05" {
		t.Error(got)
	}
}
