package sshclient

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

func TestWritesGather(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lowLatency, far := net.Pipe()
		conn := watchIdle(lowLatency, time.Hour)
		defer conn.Close()
		write := func(b ...byte) {
			t.Helper()
			if n, err := conn.Write(b); n != len(b) || err != nil {
				t.Fatalf("%d bytes written, %v", n, err)
			}
		}
		write(0)
		synctest.Wait() // the pipe holds nothing: this byte is on its way, what follows has to wait
		var want []byte
		for i := range 1000 {
			write(byte(i))
			want = append(want, byte(i))
		}
		buffer := make([]byte, batch)
		for _, want := range [][]byte{{0}, want} {
			n, err := far.Read(buffer)
			if err != nil || !bytes.Equal(buffer[:n], want) {
				t.Fatalf("%d bytes came at a time in place of %d, %v", n, len(want), err)
			}
		}
	})
}

func TestWritesAreBoundedAndEnd(t *testing.T) {
	for name, end := range map[string]func(lowLatency *watchedConn, far net.Conn){
		"closed here":  func(lowLatency *watchedConn, _ net.Conn) { _ = lowLatency.Close() },
		"closed there": func(_ *watchedConn, far net.Conn) { _ = far.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				lowLatency, far := net.Pipe()
				conn := watchIdle(lowLatency, time.Hour)
				written, ended := 0, make(chan error, 1)
				go func() {
					for {
						n, err := conn.Write(make([]byte, 32<<10))
						written += n
						if err != nil {
							ended <- err
							return
						}
					}
				}()
				synctest.Wait()
				if written < batch || written > 2*batch { // one batch is on its way, one gathers
					t.Errorf("%d bytes are held", written)
				}
				end(conn, far)
				if err := <-ended; !errors.Is(err, net.ErrClosed) && !errors.Is(err, io.ErrClosedPipe) {
					t.Error(err)
				}
				_ = conn.Close()
				_ = far.Close()
			})
		})
	}
}
