//go:build unix

package sftp

import (
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"odoo-upgrade-action/internal/realtest"
)

func BenchmarkCopy(b *testing.B) {
	const size = 1 << 30
	s := realtest.StartSSHD(b, "ed25519")
	realtest.InMemory(b, s.Folder)
	_ = os.WriteFile(s.File(), nil, 0o666)
	_ = os.Chmod(s.File(), 0o666)
	dir := b.TempDir()
	realtest.InMemory(b, dir)
	path := dir + "/dump"
	block := random(1 << 20)
	f, _ := os.Create(path)
	for range size / len(block) {
		_, _ = f.Write(block)
	}
	out, _ := os.Create(path + ".out")
	for _, rtt := range []time.Duration{0, 50 * time.Millisecond, 100 * time.Millisecond} {
		address := s.Address
		if err := os.Truncate(s.File(), size); err != nil {
			b.Fatal(err)
		}
		if rtt > 0 {
			address = realtest.DelayLine(b, s.Address, rtt).Address
		}
		b.Run(fmt.Sprintf("up/%v", rtt), func(b *testing.B) {
			b.SetBytes(size)
			for b.Loop() {
				p := connect(b, config(b, s, address))
				var reached atomic.Int64
				if err := p.Put("shared.dump", f, 0, size, &reached); err != nil {
					b.Fatal(err)
				}
				p.Close()
			}
		})
		b.Run(fmt.Sprintf("down/%v", rtt), func(b *testing.B) {
			b.SetBytes(size)
			for b.Loop() {
				p := connect(b, config(b, s, address))
				_, _ = out.Seek(0, 0)
				if err := p.Get("shared.dump", 0, size, func(d []byte) error { _, err := out.Write(d); return err }); err != nil {
					b.Fatal(err)
				}
				p.Close()
			}
		})
	}
}
