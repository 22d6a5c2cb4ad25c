package inventory

import (
	"bytes"
	"math"
	"math/bits"
	"strings"

	"github.com/cockroachdb/apd/v3"
)

// Sum is the exact sum of decimal numbers of any scale. Its zero value is 0.
type Sum struct {
	units   int64 // in units of 10^-scale
	scale   int
	rest    *apd.Decimal // what does not fit, nil for 0
	unknown bool         // something that was added is not a finite number
}

// Bounds of a number that is added: Odoo's have some 20 digits, and 1e300 from a column of floats
// is still one.
const (
	maxDigits   = 1000
	maxExponent = 1000
)

// exact calculates without rounding.
var exact = apd.BaseContext

// Add adds a number as PostgreSQL writes it; nothing where it is empty.
func (s *Sum) Add(number []byte) {
	if isZero(number) {
		return
	}
	units, scale, ok := parseUnits(number)
	if ok && s.addUnits(units, scale) {
		return
	}
	var d apd.Decimal
	if len(number) > maxDigits {
		s.unknown = true
		return
	}
	if _, _, err := d.SetString(string(number)); err != nil || d.Form != apd.Finite || d.Exponent > maxExponent || d.Exponent < -maxExponent {
		s.unknown = true
		return
	}
	s.addDecimal(&d)
}

// parseUnits reads a number of up to 18 digits without an exponent.
func parseUnits(number []byte) (units int64, scale int, ok bool) {
	digits := number
	negative := digits[0] == '-'
	if negative {
		digits = digits[1:]
	}
	if len(digits) == 0 || len(digits) > 19 {
		return 0, 0, false
	}
	point := -1
	for n, c := range digits {
		switch {
		case c >= '0' && c <= '9':
			if units > (math.MaxInt64-9)/10 {
				return 0, 0, false
			}
			units = units*10 + int64(c-'0')
		case c == '.' && point < 0:
			point = n
		default:
			return 0, 0, false
		}
	}
	if point >= 0 {
		scale = len(digits) - point - 1
	}
	if negative {
		units = -units
	}
	return units, scale, true
}

// addUnits adds a number, unless the sum does not fit into 64 bits.
func (s *Sum) addUnits(units int64, scale int) bool {
	own := s.units
	target := max(scale, s.scale)
	ok := raise(&own, target-s.scale) && raise(&units, target-scale)
	sum := own + units
	if !ok || (own > 0) == (units > 0) && (sum > 0) != (own > 0) && own != 0 && units != 0 {
		return false
	}
	s.units, s.scale = sum, target
	return true
}

// raise multiplies a number by a power of ten, and reports whether it fits.
func raise(n *int64, by int) bool {
	for range by {
		high, low := bits.Mul64(uint64(max(*n, -*n)), 10)
		if high != 0 || low > math.MaxInt64 {
			return false
		}
		*n *= 10
	}
	return true
}

func (s *Sum) addDecimal(d *apd.Decimal) {
	if s.rest == nil {
		s.rest = new(apd.Decimal)
	}
	if _, err := exact.Add(s.rest, s.rest, d); err != nil {
		s.unknown = true
	}
}

// AddSum adds another sum.
func (s *Sum) AddSum(o Sum) {
	s.unknown = s.unknown || o.unknown
	if !s.addUnits(o.units, o.scale) {
		s.addDecimal(apd.New(o.units, int32(-o.scale)))
	}
	if o.rest != nil {
		s.addDecimal(o.rest)
	}
}

// decimal returns the whole sum.
func (s Sum) decimal() *apd.Decimal {
	d := apd.New(s.units, int32(-s.scale))
	if s.rest != nil {
		_, _ = exact.Add(d, d, s.rest)
	}
	return d
}

// Equal reports whether two sums are the same number: 1.0 is 1.00. With places, both are rounded
// to so many, since columns of floats differ in the last digits when they become decimals; -1
// compares them exactly. A sum that is not known equals nothing.
func (s Sum) Equal(o Sum, places int) bool {
	if s.unknown || o.unknown {
		return false
	}
	difference := s.decimal()
	if _, err := exact.Sub(difference, difference, o.decimal()); err != nil {
		return false
	}
	if places < 0 || difference.IsZero() {
		return difference.IsZero()
	}
	difference.Abs(difference)
	return difference.Cmp(apd.New(5, int32(-places-1))) < 0
}

// String returns the number in digits, without an exponent; "?" if it is not known.
func (s Sum) String() string {
	if s.unknown {
		return "?"
	}
	text := s.decimal().Text('f')
	if strings.Trim(text, "-0.") == "" {
		return strings.TrimPrefix(text, "-")
	}
	return text
}

// MarshalText implements encoding.TextMarshaler.
func (s Sum) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Sum) UnmarshalText(text []byte) error {
	*s = Sum{}
	s.Add(bytes.TrimSpace(text))
	return nil
}
