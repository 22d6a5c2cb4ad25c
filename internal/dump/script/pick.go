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
		at := fieldEnd(line)
		if field := line[:at]; to >= 0 && string(field) != `\N` {
			p.into[to] = field
		}
		if at == len(line) {
			break
		}
		line = line[at+1:]
	}
	return p.into
}

// fieldEnd returns where the first field of a line ends. Most are short: a search takes longer to
// begin than to find the end of those.
func fieldEnd(line []byte) int {
	const short = 12
	for n := range min(len(line), short) {
		if line[n] == '\t' {
			return n
		}
	}
	if len(line) <= short {
		return len(line)
	}
	if at := bytes.IndexByte(line[short:], '\t'); at >= 0 {
		return short + at
	}
	return len(line)
}
