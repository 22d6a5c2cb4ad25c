package requests

import (
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/test/bufconn"
)

// TestSlowBodies has clients that send a part of a body and then nothing.
func TestSlowBodies(t *testing.T) {
	for name, c := range map[string]struct {
		read func(http.ResponseWriter, *http.Request) error
		want time.Duration
	}{
		"a call": {func(w http.ResponseWriter, r *http.Request) error {
			defer LimitCall(w)()
			_, err := io.ReadAll(r.Body)
			return err
		}, callTime},
		"a dump": {func(w http.ResponseWriter, r *http.Request) error {
			_, err := io.ReadAll(WithIdleTimeout(w, r.Body))
			return err
		}, idleTime},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				listener := bufconn.Listen(64 << 10)
				ended := make(chan error, 1)
				server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { ended <- c.read(w, r) })}
				go func() { _ = server.Serve(listener) }()
				defer server.Close()
				conn, err := listener.Dial()
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf"); err != nil {
					t.Fatal(err)
				}
				begin := time.Now()
				if err := <-ended; err == nil || time.Since(begin) != c.want {
					t.Errorf("%v after %v, want %v", err, time.Since(begin), c.want)
				}
			})
		})
	}
}
