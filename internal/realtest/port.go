package realtest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
)

// Address returns a free address on loopback for a server that is killed and started again. Its
// port is below those that systems give to connections (32768 and up on Linux): one of those could
// belong to another program by the second start.
func Address(t testing.TB) string {
	t.Helper()
	for range 1000 {
		address := fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(12_000))
		if listener, err := net.Listen("tcp", address); err == nil {
			_ = listener.Close()
			return address
		}
	}
	t.Fatal("no port is free")
	return ""
}
