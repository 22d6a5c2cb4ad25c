package advice

import (
	"errors"
	"fmt"
	"testing"
)

func TestOf(t *testing.T) {
	full := New("the disk is full", "Free some space.")
	for name, c := range map[string]struct {
		err        error
		text, want string
	}{
		"none":                  {errors.New("x"), "x", ""},
		"one":                   {full, "the disk is full", "Free some space."},
		"below a layer":         {fmt.Errorf("downloading: %w", full), "downloading: the disk is full", "Free some space."},
		"two layers":            {Give(fmt.Errorf("downloading: %w", full), "Set {download-path}."), "downloading: the disk is full", "Set {download-path}. Free some space."},
		"two errors":            {errors.Join(full, New("no key", "Make one.")), "the disk is full\nno key", "Free some space. Make one."},
		"the same of two":       {errors.Join(full, full), "the disk is full\nthe disk is full", "Free some space."},
		"nothing to give it to": {Give(nil, "x"), "", ""},
	} {
		if got := Of(c.err); got != c.want || c.err != nil && c.err.Error() != c.text {
			t.Errorf("%s: %q about %v", name, got, c.err)
		}
	}
}

func TestNamed(t *testing.T) {
	name := func(input string) string { return map[string]string{"server-url": "--server-url"}[input] }
	if got := Named("Check {server-url}, not {other} or {\"json\": 1}.", name); got != `Check --server-url, not {other} or {"json": 1}.` {
		t.Error(got)
	}
}
