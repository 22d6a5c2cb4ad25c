package requests

import "testing"

// TestKeysAreNoFlags: one of 64 would begin with a dash.
func TestKeysAreNoFlags(t *testing.T) {
	for range 2000 {
		if key := newKey(); key[0] == '-' || len(key) != 24 {
			t.Fatal(key)
		}
	}
}
