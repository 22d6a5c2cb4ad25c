package cli

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // the image has no zones

	"github.com/alecthomas/kong"
	"github.com/dustin/go-humanize"

	"odoo-upgrade-action/internal/compare"
	"odoo-upgrade-action/internal/job"
	"odoo-upgrade-action/internal/upgrade"
)

// The values that inputs take beside texts, as they are read.

type target struct{ upgrade.Target }

func (t *target) UnmarshalText(text []byte) (err error) {
	t.Target, err = upgrade.ParseTarget(string(text))
	return err
}

// timezone is checked here: a request is created once.
type timezone string

func (t *timezone) UnmarshalText(text []byte) error {
	if _, err := time.LoadLocation(string(text)); err != nil || string(text) == "Local" {
		return fmt.Errorf("%q is not a time zone: use an IANA name like Europe/Brussels", text)
	}
	*t = timezone(text)
	return nil
}

type aim struct{ upgrade.Aim }

func (a *aim) UnmarshalText(text []byte) (err error) {
	a.Aim, err = upgrade.ParseAim(string(text))
	return err
}

// skipTest is a bool that must be written out: an input cannot be a bare flag.
type skipTest struct{ on bool }

func (s *skipTest) UnmarshalText(text []byte) error {
	switch string(text) {
	case "true", "false":
		s.on = string(text) == "true"
		return nil
	}
	return fmt.Errorf("%q is neither true nor false", text)
}

// size is a number of bytes, like 20GiB.
type size int64

func (s *size) UnmarshalText(text []byte) error {
	bytes, err := humanize.ParseBytes(string(text))
	if err != nil || bytes > math.MaxInt64 {
		return fmt.Errorf("%q is not a size: use one like 20GiB", text)
	}
	*s = size(bytes)
	return nil
}

// duration reads a time.Duration.
func duration(c *kong.DecodeContext, target reflect.Value) error {
	var text string
	if err := c.Scan.PopValueInto("duration", &text); err != nil {
		return err
	}
	d, err := time.ParseDuration(upgrade.Clean(text))
	if err != nil {
		return fmt.Errorf("%q is not a duration: use one like 30m or 5h", text)
	}
	target.SetInt(int64(d))
	return nil
}

type onTimeout struct{ succeed bool }

func (o *onTimeout) UnmarshalText(text []byte) error {
	switch string(text) {
	case "fail", "continue":
		o.succeed = string(text) == "continue"
		return nil
	}
	return fmt.Errorf("%q is neither fail nor continue", text)
}

type strictness struct{ job.Strictness }

func (s *strictness) UnmarshalText(text []byte) error {
	switch s.Strictness = job.Strictness(text); s.Strictness {
	case job.Strict, job.Warn, job.Off:
		return nil
	}
	return fmt.Errorf("%q is not one of strict, warn and off", text)
}

type compareMode struct{ on bool }

func (c *compareMode) UnmarshalText(text []byte) error {
	switch string(text) {
	case "report", "off":
		c.on = string(text) == "report"
		return nil
	}
	return fmt.Errorf("%q is neither report nor off", text)
}

// areas are those that gates watch.
type areas []compare.Area

func (a *areas) UnmarshalText(text []byte) error {
	var words list
	if err := words.UnmarshalText(text); err != nil {
		return err
	}
	*a = nil
	for _, word := range words {
		area := compare.Area(word)
		switch {
		case word == "none" && len(words) == 1:
		case !slices.Contains(compare.Gates(), area):
			return fmt.Errorf("%q is not a gate: use some of %s and %s, or none", word, strings.Join(areaNames(), ", "), compare.DisabledViews)
		case !slices.Contains(*a, area):
			*a = append(*a, area)
		}
	}
	return nil
}

func areaNames() (names []string) {
	for _, area := range compare.Areas() {
		names = append(names, string(area))
	}
	return names
}

type format struct{ json bool }

func (f *format) UnmarshalText(text []byte) error {
	switch string(text) {
	case "text", "json":
		f.json = string(text) == "json"
		return nil
	}
	return fmt.Errorf("%q is neither text nor json", text)
}

type protocol string

func (p *protocol) UnmarshalText(text []byte) error {
	names := protocols()
	if *p = protocol(text); slices.Contains(names, string(*p)) {
		return nil
	}
	return fmt.Errorf("%q is not one of %s", text, inWords(names, "and"))
}

func itemNames() (names []string) {
	for _, item := range upgrade.Items() {
		names = append(names, string(item))
	}
	return names
}

// inWords is a list like a, b and c; the word before the last is given.
func inWords(names []string, word string) string {
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " " + word + " " + names[last]
}

// env is a list of variables, a line each.
type env []string

func (e *env) UnmarshalText(text []byte) error {
	*e = nil
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if name, _, ok := strings.Cut(line, "="); !ok || strings.Trim(name, envName) != "" || name == "" {
			return fmt.Errorf("%q is not a line like VAR=VALUE", line)
		}
		*e = append(*e, line)
	}
	return nil
}

const envName = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"

// list accepts commas, spaces and line ends between its words.
type list []string

func (l *list) UnmarshalText(text []byte) error {
	*l = strings.FieldsFunc(string(text), func(c rune) bool { return strings.ContainsRune(", \t\r\n", c) })
	return nil
}

type items []upgrade.Item

func (i *items) UnmarshalText(text []byte) error {
	var words list
	if err := words.UnmarshalText(text); err != nil {
		return err
	}
	*i = nil
	for _, word := range words {
		item := upgrade.Item(word)
		switch {
		case word == "none" && len(words) == 1:
		case !slices.Contains(upgrade.Items(), item):
			return fmt.Errorf("%q cannot be downloaded: use some of %s, or none", word, inWords(itemNames(), "and"))
		case !slices.Contains(*i, item):
			*i = append(*i, item)
		}
	}
	return nil
}
