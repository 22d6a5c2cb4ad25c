package httpcall

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Text reads a value leniently: Odoo's JSON has null or false for an empty
// field, and numbers may come as strings or strings as numbers.
func Text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	switch s := string(bytes.TrimSpace(raw)); s {
	case "", "null", "false":
		return ""
	default:
		return s
	}
}

// PlainJSON writes a value as JSON without needless escapes: a key that is in it as \u003d
// or \/ would slip through every mask. It is "" for what is not JSON.
func PlainJSON(value any) string {
	raw, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber() // IDs keep their digits
	if decoder.Decode(&value) != nil {
		return ""
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(value) != nil {
		return ""
	}
	return strings.TrimSpace(out.String())
}
