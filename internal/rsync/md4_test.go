package rsync

import (
	"bytes"
	"fmt"
	"testing"

	//lint:ignore SA1019 it is what ours is compared with
	reference "golang.org/x/crypto/md4"
)

func TestMD4(t *testing.T) {
	data := make([]byte, 1000)
	for n := range data {
		data[n] = byte(n * n >> 3)
	}
	for n := range data {
		want := reference.New()
		_, _ = want.Write(data[:n])
		for _, piece := range []int{1, 3, 64, 65, 1000} {
			got := newMD4()
			for rest := data[:n]; len(rest) > 0; rest = rest[min(piece, len(rest)):] {
				_, _ = got.Write(rest[:min(piece, len(rest))])
				got.Sum(nil) // which changes nothing
			}
			if !bytes.Equal(got.Sum(nil), want.Sum(nil)) {
				t.Fatalf("%d bytes, %d at a time: %x, want %x", n, piece, got.Sum(nil), want.Sum(nil))
			}
		}
	}
	got := newMD4()
	_, _ = got.Write([]byte("message digest")) // RFC 1320, A.5
	if sum := fmt.Sprintf("%x", got.Sum(nil)); sum != "d9130a8164549fe818874806e1c7014b" {
		t.Error(sum)
	}
}

func BenchmarkMD4(b *testing.B) {
	data := make([]byte, bufferSize)
	for name, digest := range map[string]interface{ Write([]byte) (int, error) }{"ours": newMD4(), "reference": reference.New()} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(bufferSize)
			for b.Loop() {
				_, _ = digest.Write(data)
			}
		})
	}
}
