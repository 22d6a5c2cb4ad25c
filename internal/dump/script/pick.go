package script

import "bytes"

// Picker takes some columns out of a row in one pass.
type Picker struct {
	at   []int // by column of a row: where its field goes, -1 for nowhere
	into [][]byte
}

// Pick returns what takes the columns out of a row, in that order.
func (c Copy) Pick(columns ...string) *Picker {
	p := &Picker{into: make([][]byte, len(columns))}
	for n, name := range columns {
		at, ok := c.Columns[name]
		if !ok {
			continue
		}
		for len(p.at) <= at {
			p.at = append(p.at, -1)
		}
		p.at[at] = n
	}
	return p
}

// Fields returns the fields of a row, escaped as they stand there: nil for a column that the
// table does not have, for NULL, and for what a row that was shortened lacks. They are valid up
// to the next call.
func (p *Picker) Fields(line []byte) [][]byte {
	clear(p.into)
	for _, to := range p.at {
		at := bytes.IndexByte(line, '\t')
		field := line
		if at >= 0 {
			field = line[:at]
		}
		if to >= 0 && string(field) != `\N` {
			p.into[to] = field
		}
		if at < 0 {
			break
		}
		line = line[at+1:]
	}
	return p.into
}
