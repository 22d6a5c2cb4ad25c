package v1

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
)

// TestConversionEnds ends with the call of the client that asked for it.
func TestConversionEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var out bytes.Buffer
	b := &bounded{ctx: ctx, out: &out, left: 100}
	if _, err := b.Write([]byte("before")); err != nil {
		t.Error(err)
	}
	cancel()
	if _, err := b.Write([]byte("after")); !errors.Is(err, context.Canceled) || out.String() != "before" {
		t.Errorf("%q, %v", out.String(), err)
	}
}

// TestBounded is about what stands between pg_restore and the disk.
func TestBounded(t *testing.T) {
	full := errors.New("full")
	var out bytes.Buffer
	n, err := io.Copy(&bounded{ctx: t.Context(), out: &out, left: 10, full: full}, strings.NewReader("0123456789abc"))
	if !errors.Is(err, full) || n != 10 || out.String() != "0123456789" {
		t.Errorf("%d bytes, %q, %v", n, out.String(), err)
	}
}
