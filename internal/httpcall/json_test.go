package httpcall

import (
	"encoding/json"
	"testing"
)

func TestPlainJSON(t *testing.T) {
	for in, want := range map[string]string{
		`{"key": "a\u003d\/<", "id": 12345678901234567890}`: `{"id":12345678901234567890,"key":"a=/<"}`,
		`[ 1.50 ]`: `[1.50]`,
		`{"a":`:    ``,
		`null`:     `null`,
	} {
		if got := PlainJSON(json.RawMessage(in)); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
}
