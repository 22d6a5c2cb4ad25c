package inventory

import (
	"math/big"
	"strings"
	"testing"
)

func TestSum(t *testing.T) {
	long := strings.Repeat("9", 400)
	for _, c := range []struct {
		numbers string
		want    string
	}{
		{"", "0"}, {"1 2", "3"}, {"0.1 0.2", "0.3"}, {"-0.01 0.01", "0.00"}, {"12345.67 -0.01", "12345.66"}, {"1.50 1.5", "3.00"}, {".5 5.", "5.5"},
		{"9223372036854775807 1", "9223372036854775808"}, {"-9223372036854775807 -9223372036854775807", "-18446744073709551614"},
		{"999999999999999999 0.001", "999999999999999999.001"}, {"1e-05 0.00001", "0.00002"}, {"1.5e+20", "150000000000000000000"},
		{"0.30000000000000004", "0.30000000000000004"}, {"-0.00", "0"}, {long + " 1", "1" + strings.Repeat("0", 400)},
		{"NaN", "?"}, {"Infinity 1", "?"}, {"1e999999999", "?"}, {"abc", "?"}, {strings.Repeat("1", 1_000_000), "?"}, {"1.2.3", "?"}, {"--1", "?"},
	} {
		var s Sum
		for number := range strings.FieldsSeq(c.numbers) {
			s.Add([]byte(number))
		}
		if got := s.String(); got != c.want {
			t.Errorf("%.60s: %s, want %s", c.numbers, got, c.want)
		}
		var again Sum
		if err := again.UnmarshalText([]byte(s.String())); err != nil || again.String() != s.String() && !s.decimal().IsZero() || c.want != "?" && !again.Equal(s, -1) {
			t.Errorf("%.60s: %s after it was written and read", c.numbers, again)
		}
	}
}

func TestSumEqual(t *testing.T) {
	of := func(text string) (s Sum) {
		s.Add([]byte(text))
		return s
	}
	for _, c := range []struct {
		a, b   string
		places int
		want   bool
	}{
		{"1.0", "1.00", -1, true}, {"1", "1.0000000001", -1, false}, {"0.30000000000000004", "0.3", 5, true}, {"1", "1.00001", 5, false}, {"1", "0.999999", 5, true},
		{"NaN", "NaN", -1, false}, {"1", "-1", 5, false}, {"1e20", "100000000000000000000", -1, true},
	} {
		if got := of(c.a).Equal(of(c.b), c.places); got != c.want {
			t.Errorf("%s and %s to %d places: %t", c.a, c.b, c.places, got)
		}
	}
}

// FuzzSum adds numbers in any order, and compares the sum with math/big's.
func FuzzSum(f *testing.F) {
	f.Add("1.25", "-3", "9223372036854775807")
	f.Add("1e-5", "0.000000000000000000000000001", "-.5")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		want := new(big.Rat)
		for _, text := range []string{a, b, c} {
			n, ok := new(big.Rat).SetString(text)
			if !ok || len(text) > 200 || strings.ContainsAny(text, "/_xXpPbBoO+") || strings.Trim(text, "0123456789.-eE") != "" || strings.ContainsAny(text, "eE") && len(text) > 6 {
				return
			}
			want.Add(want, n)
		}
		var forward, backward, sum Sum
		for _, text := range []string{a, b, c} {
			forward.Add([]byte(text))
		}
		for _, text := range []string{c, b, a} {
			var one Sum
			one.Add([]byte(text))
			backward.AddSum(one)
		}
		if forward.unknown {
			return
		}
		got, ok := new(big.Rat).SetString(forward.String())
		if sum.AddSum(forward); !ok || got.Cmp(want) != 0 || !forward.Equal(backward, -1) || !sum.Equal(forward, 5) {
			t.Errorf("%q + %q + %q: %s and %s, want %s", a, b, c, forward, backward, want.FloatString(30))
		}
	})
}
