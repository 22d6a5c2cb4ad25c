package realtest

import (
	"net"
	"testing"
	"time"
)

// Line is a TCP proxy on loopback that stands for a long way: what goes in comes
// out half a round trip later, as much at a time as there is.
type Line struct{ Address string }

// DelayLine starts a line to target that ends with the test.
func DelayLine(t testing.TB, target string, roundTrip time.Duration) *Line {
	t.Helper()
	return &Line{accept(t, func(near net.Conn) {
		time.Sleep(roundTrip / 2) // the handshake's way; the line is what is measured here
		far, err := net.Dial("tcp", target)
		if err != nil {
			_ = near.Close()
			return
		}
		go carry(far, near, roundTrip/2)
		carry(near, far, roundTrip/2)
	})}
}

// accept hands each connection to a port on loopback to serve, until the test ends,
// and returns the port's address.
func accept(t testing.TB, serve func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(near)
		}
	}()
	return listener.Addr().String()
}

// late is what comes out of a line at a time.
type late struct {
	data []byte
	at   time.Time
}

// carry moves bytes from one end to the other, each after the delay.
func carry(to, from net.Conn, delay time.Duration) {
	under := make(chan late, 4096)
	free := make(chan []byte, cap(under)) // a line that makes garbage would be measured, too
	go func() {
		defer close(under)
		for {
			var buffer []byte
			select {
			case buffer = <-free:
			default:
				buffer = make([]byte, 128<<10)
			}
			n, err := from.Read(buffer)
			if n > 0 {
				under <- late{buffer[:n], time.Now().Add(delay)}
			}
			if err != nil {
				return
			}
		}
	}()
	for l := range under {
		time.Sleep(time.Until(l.at))
		if _, err := to.Write(l.data); err != nil {
			break
		}
		free <- l.data[:cap(l.data)]
	}
	_ = to.Close()
	_ = from.Close()
	for range under { // lets the reader end
	}
}
