package inventory

import "odoo-upgrade-action/internal/dump/script"

// Stock is what is on hand, by internal location and product.
type Stock struct{ Quantities map[Place]*Sum }

// Place is a product at an internal location.
type Place struct{ Location, Product int64 }

// stock collects what a Stock has.
type stock struct {
	quantities map[Place]*Sum
	internal   map[int64]bool
	located    bool // locations were read
	tooMany    bool
}

// locations takes stock_location.
func (s *stock) locations(c script.Copy) script.Rows {
	p := c.Pick("id", "usage")
	s.located = true
	return func(line []byte) {
		if f := p.Fields(line); string(f[1]) == "internal" && len(s.internal) < maxGroups {
			s.internal[number(f[0])] = true
		}
	}
}

// quants takes stock_quant.
func (s *stock) quants(c script.Copy) script.Rows {
	p := c.Pick("location_id", "product_id", pick(c, []string{"quantity", "qty"})) // as before 11.0
	return func(line []byte) {
		f := p.Fields(line)
		at := Place{number(f[0]), number(f[1])}
		sum := s.quantities[at]
		if sum == nil {
			if len(s.quantities) >= maxGroups {
				s.tooMany = true
				return
			}
			sum = &Sum{}
			s.quantities[at] = sum
		}
		sum.Add(f[2])
	}
}

// finish returns the stock, nil if there is none or it is not known.
func (s *stock) finish(i *Inventory) *Stock {
	switch {
	case s.tooMany:
		i.gap(OfStock, "The stock was not compared: more than %d products are at a location.", maxGroups)
		return nil
	case len(s.quantities) == 0 || !s.located:
		return nil
	}
	done := &Stock{map[Place]*Sum{}}
	for at, sum := range s.quantities {
		if s.internal[at.Location] {
			done.Quantities[at] = sum
		}
	}
	return done
}
