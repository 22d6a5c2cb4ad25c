//go:build unix

package sftp

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ssh"
	"google.golang.org/grpc/test/bufconn"

	"odoo-upgrade-action/internal/sshclient"
	"odoo-upgrade-action/internal/stall"
)

// platform is a server with one file, in memory, for virtual time. It answers no
// packet of which ignores is true, and no offer of a channel if deaf is set.
type platform struct {
	file    []byte
	most    int           // bytes to a read, at most
	late    time.Duration // pause before the answer to each read
	deaf    bool
	says    string // in place of SFTP, and nothing else
	refuses bool   // the subsystem, without a word if no response is wanted
	allows  int32  // sessions at a time on a connection; 0 for any number
	breaks  bool   // off in the middle of the first answer to a read
	stderr  []byte // said at each read, beside its answer
	ignores func(session int32, kind byte) bool
	refuse  func(session int32, kind byte) bool // says no to a packet
	leaves  func(session int32, kind byte) bool // closes the channel in place of an answer

	mu             sync.Mutex // of file
	sessions       atomic.Int32
	opened, closed atomic.Int32
}

// start returns how to reach the server, until the test ends.
func (p *platform) start(t *testing.T) Config {
	t.Helper()
	listener := bufconn.Listen(256 << 10)
	key, err := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	config := &ssh.ServerConfig{NoClientAuth: true}
	config.AddHostKey(key)
	go func() {
		for conn, err := listener.Accept(); err == nil; conn, err = listener.Accept() {
			go p.serve(conn, config)
		}
	}()
	t.Cleanup(func() { _ = listener.Close() })
	return Config{
		Dial:    func(ctx context.Context) (net.Conn, error) { return listener.DialContext(ctx) },
		Address: "platform.test:22", Connections: 2, Idle: time.Minute,
		Client: &ssh.ClientConfig{User: "user", HostKeyCallback: ssh.FixedHostKey(key.PublicKey())},
	}
}

func (p *platform) serve(conn net.Conn, config *ssh.ServerConfig) {
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests) // which answers keep-alives
	var open atomic.Int32
	for offer := range channels {
		if p.deaf {
			continue
		}
		if open.Add(1) > p.allows && p.allows > 0 {
			open.Add(-1)
			_ = offer.Reject(ssh.ResourceShortage, "no more sessions")
			continue
		}
		channel, requests, err := offer.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range requests {
				_ = r.Reply(!p.refuses, nil)
			}
			open.Add(-1)
		}()
		if p.says != "" {
			_, _ = io.WriteString(channel, p.says)
			_ = channel.Close()
			continue
		}
		if !p.refuses {
			go p.session(channel)
		}
	}
}

// TestServersWithoutSFTP says so at once, or soon where the server says nothing.
func TestServersWithoutSFTP(t *testing.T) {
	const far = 5 * time.Second // for round trips and, at a high latency, several connections
	for name, c := range map[string]struct {
		platform *platform
		says     string
		within   time.Duration
	}{
		"refused":         {&platform{refuses: true}, "it refused the subsystem", stall.SFTPRefusal},
		"ten sessions":    {&platform{refuses: true, allows: 10}, "it refused the subsystem", stall.SFTPRefusal + far},
		"nine sessions":   {&platform{refuses: true, allows: 9}, "it refused the subsystem", stall.SFTPRefusal + far},
		"eight sessions":  {&platform{refuses: true, allows: 8}, "it sent no greeting within 30s", stall.SFTPGreeting + far},
		"two sessions":    {&platform{refuses: true, allows: 2}, "it sent no greeting within 30s", stall.SFTPGreeting + far},
		"one session":     {&platform{refuses: true, allows: 1}, "it sent no greeting within 30s", stall.SFTPGreeting + far},
		"a text":          {&platform{says: "This account is for sftp only.\r\n"}, `it sent "This account is for sftp only."`, 0},
		"a short text":    {&platform{says: "no"}, `it sent "no"`, 0},
		"an escape":       {&platform{says: "\x1b[31mno SFTP here\x00"}, `it sent "[31mno SFTP here"`, 0},
		"nothing at once": {&platform{says: "\x00"}, "it refused the subsystem, or closed it", 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				config := c.platform.start(t)
				if c.within > stall.SFTPRefusal { // many channels, of each of several connections
					reach := config.Dial
					config.Connections, config.Dial = 4, func(ctx context.Context) (net.Conn, error) {
						conn, err := reach(ctx)
						return &slowConn{conn}, err
					}
				}
				begin := time.Now()
				_, err := Connect(t.Context(), config)
				if _, ok := errors.AsType[*UnavailableError](err); !ok || !strings.Contains(err.Error(), c.says) || time.Since(begin) > c.within {
					t.Errorf("%v, after %v", err, time.Since(begin))
				}
			})
		})
	}
}

// session serves a channel. Sessions are numbered as they open the file: the client's first
// does so first.
func (p *platform) session(channel ssh.Channel) {
	for number := int32(0); ; {
		kind, length, err := header(channel)
		body := make([]byte, length)
		if _, short := io.ReadFull(channel, body); err != nil || short != nil {
			return
		}
		if kind == typeOpen && number == 0 {
			number = p.sessions.Add(1)
		}
		if p.ignores != nil && p.ignores(number, kind) {
			continue
		}
		if kind == typeInit {
			_, _ = channel.Write(greet(3))
			continue
		}
		if p.leaves != nil && p.leaves(number, kind) {
			_ = channel.Close()
			return
		}
		if p.refuse != nil && p.refuse(number, kind) {
			no := packet(typeStatus, numbers(CodePermissionDenied, 0, 0)...)
			copy(no[5:9], body[:4])
			_, _ = channel.Write(no)
			continue
		}
		if kind == typeRead {
			_, _ = channel.Stderr().Write(p.stderr)
			time.Sleep(p.late)
		}
		reply := p.answer(kind, body[4:])
		copy(reply[5:9], body[:4])
		if p.breaks && kind == typeRead {
			_, _ = channel.Write(reply[:len(reply)/2])
			return
		}
		_, _ = channel.Write(reply)
	}
}

func (p *platform) answer(kind byte, body []byte) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch kind {
	case typeOpen:
		p.opened.Add(1)
		return packet(typeHandle, text("h")...)
	case typeStat, typeFstat:
		return packet(typeAttrs, binary.BigEndian.AppendUint64(numbers(attrSize), uint64(len(p.file)))...)
	case typeRead:
		takeString(&body)
		offset, n := int(take64(&body)), int(take32(&body))
		if p.most > 0 {
			n = min(n, p.most)
		}
		if offset >= len(p.file) {
			return packet(typeStatus, numbers(CodeEOF)...)
		}
		return packet(typeData, text(string(p.file[offset:min(offset+n, len(p.file))]))...)
	case typeWrite:
		takeString(&body)
		offset := int(take64(&body))
		copy(p.file[offset:], takeString(&body))
	case typeClose:
		p.closed.Add(1)
	}
	return packet(typeStatus, numbers(0)...)
}

// TestServersThatStopAnswering meets some that are alive, by their answers to
// keep-alives, and yet not of use any more.
func TestServersThatStopAnswering(t *testing.T) {
	open := func(_ int32, kind byte) bool { return kind == typeOpen }
	var opens atomic.Int32
	openAgain := func(_ int32, kind byte) bool { return kind == typeOpen && opens.Add(1) > 1 }
	errSilent := errors.New("an UnavailableError")
	tests := map[string]struct {
		platform *platform
		drips    bool // instead of a greeting
		within   time.Duration
		err      error
	}{
		"no channel":              {&platform{deaf: true}, false, 3 * time.Minute, errSlowStart},
		"no greeting, by drops":   {&platform{}, true, 2 * time.Minute, sshclient.ErrSlow},
		"no SFTP":                 {&platform{ignores: func(_ int32, kind byte) bool { return kind == typeInit }}, false, stall.SFTPGreeting, errSilent},
		"no file":                 {&platform{ignores: open}, false, 6 * time.Minute, stall.ErrSilent},
		"no file to the second":   {&platform{ignores: openAgain}, false, 6 * time.Minute, nil}, // the first brings all
		"half of the data":        {&platform{breaks: true}, false, 6 * time.Minute, stall.ErrSilent},
		"no data":                 {&platform{ignores: func(_ int32, kind byte) bool { return kind == typeRead }}, false, 6 * time.Minute, stall.ErrSilent},
		"no data from the second": {&platform{ignores: func(n int32, kind byte) bool { return n > 1 && kind == typeRead }}, false, 6 * time.Minute, stall.ErrSilent},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				test.platform.file = make([]byte, 8<<20)
				c := test.platform.start(t)
				if test.platform.breaks { // while nothing else is asked for
					test.platform.file, c.Connections = test.platform.file[:1000], 1
				}
				if test.drips {
					c.Dial = drips
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				begin := time.Now()
				err := fetch(ctx, c, len(test.platform.file), io.Discard)
				if none, ok := errors.AsType[*UnavailableError](err); ok && none.Silent {
					err = errSilent
				}
				if !errors.Is(err, test.err) || time.Since(begin) > test.within {
					t.Errorf("after %v: %v", time.Since(begin), err)
				}
				time.Sleep(time.Second) // until the drops see that nothing listens
			})
		})
	}
}

// drips connects to a server that says a byte now and then.
func drips(context.Context) (net.Conn, error) {
	lowLatency, far := net.Pipe()
	go func() {
		for _, err := far.Write([]byte("x")); err == nil; _, err = far.Write([]byte("x")) {
			time.Sleep(time.Second)
		}
	}()
	go func() { _, _ = io.Copy(io.Discard, far) }()
	return lowLatency, nil
}

// fetch reads a file of that size, once all sessions are open.
func fetch(ctx context.Context, c Config, size int, into io.Writer) error {
	p, err := Connect(ctx, c)
	if err != nil {
		return err
	}
	defer p.Close()
	synctest.Wait()
	f, _, err := p.Open("file", os.O_RDONLY)
	if err != nil {
		return err
	}
	return f.Get(0, int64(size), func(b []byte) error {
		_, err := into.Write(b)
		return err
	})
}

// TestOddServers meets some that answer as they should, but as few do.
func TestOddServers(t *testing.T) {
	for name, p := range map[string]*platform{
		"much on stderr":     {stderr: make([]byte, 60_000)}, // which has a share in SSH's window
		"short reads":        {most: 1000},
		"reads of a byte":    {most: 1},
		"nothing in its way": {},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p.file = random(8 << 20)
				if p.most > 0 {
					p.file = p.file[:100*p.most+1]
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				var got bytes.Buffer
				if err := fetch(ctx, p.start(t), len(p.file), &got); err != nil || !bytes.Equal(got.Bytes(), p.file) {
					t.Errorf("%d of %d bytes, %v", got.Len(), len(p.file), err)
				}
			})
		})
	}
}

// TestTrickle ends a download that comes byte by byte: each of them would count as an answer.
func TestTrickle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &platform{most: 1, file: random(1000)}
		if err := fetch(t.Context(), p.start(t), len(p.file), io.Discard); !errors.Is(err, errTrickle) {
			t.Error(err)
		}
		began := time.Now()
		p = &platform{most: 1500, late: time.Minute, file: random(1 << 20)}
		if err := fetch(t.Context(), p.start(t), len(p.file), io.Discard); !errors.Is(err, errTrickle) || time.Since(began) > 2*stall.Window {
			t.Errorf("%v, after %v", err, time.Since(began))
		}
		time.Sleep(3 * time.Hour) // until the server has seen that the client is gone
	})
}

// TestFurtherSessionsFail cuts off all but the first session, which brings the rest of the
// file alone, and cuts off the first, which ends the transfer.
func TestFurtherSessionsFail(t *testing.T) {
	after := func(count int32, first bool, kinds ...byte) func(int32, byte) bool {
		var seen atomic.Int32
		return func(session int32, kind byte) bool {
			return (session == 1) == first && slices.Contains(kinds, kind) && seen.Add(1) > count
		}
	}
	either := func(a, b func(int32, byte) bool) func(int32, byte) bool {
		return func(session int32, kind byte) bool { return a(session, kind) || b(session, kind) }
	}
	move := []byte{typeRead, typeWrite}
	for name, c := range map[string]struct {
		server        func(*platform)
		fails, upload bool // the first session's end; the upload alone
	}{
		"may not open":  {server: func(p *platform) { p.refuse = after(0, false, typeOpen) }},
		"may not move":  {server: func(p *platform) { p.refuse = after(0, false, move...) }},
		"refused later": {server: func(p *platform) { p.refuse = after(9, false, move...) }},
		"closed later":  {server: func(p *platform) { p.leaves = after(9, false, move...) }},
		"refused, not closed": {server: func(p *platform) {
			p.refuse = either(after(9, false, move...), after(0, false, typeClose))
		}, upload: true},
		"may not close": {server: func(p *platform) { p.refuse = after(0, false, typeClose) }, upload: true},
		"first refused": {server: func(p *platform) { p.refuse = either(after(0, false, typeOpen), after(9, true, move...)) }, fails: true},
		"first closed":  {server: func(p *platform) { p.refuse, p.leaves = after(0, false, typeOpen), after(9, true, move...) }, fails: true},
	} {
		for _, upload := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/upload=%v", name, upload), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					want, fails := random(3<<20), c.fails || upload && c.upload
					server := &platform{file: bytes.Clone(want)}
					c.server(server)
					var got bytes.Buffer
					var err error
					if upload {
						clear(server.file)
						err = send(t, server.start(t), want)
						server.mu.Lock()
						got.Write(server.file)
						server.mu.Unlock()
					} else {
						err = fetch(t.Context(), server.start(t), len(want), &got)
					}
					if fails != (err != nil) || !fails && !bytes.Equal(got.Bytes(), want) {
						t.Errorf("%d bytes, %v", got.Len(), err)
					}
					if !c.fails && server.sessions.Load() < 2 {
						t.Error("there was one session only")
					}
				})
			})
		}
	}
}

// send writes a file, once all sessions are open.
func send(t *testing.T, c Config, data []byte) error {
	p := connect(t, c)
	defer p.Close()
	synctest.Wait()
	f, _, err := p.Open("file", os.O_WRONLY)
	if err != nil {
		return err
	}
	var reached atomic.Int64
	err = f.Put(bytes.NewReader(data), 0, int64(len(data)), Ahead, &reached)
	return errors.Join(err, f.Settle(), f.Close())
}

func TestStrangerOnASecondConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &platform{file: make([]byte, 8<<20)}
		c := p.start(t)
		var met atomic.Int32
		stranger := errors.New("not the server that it should be")
		c.Client.HostKeyCallback = func(string, net.Addr, ssh.PublicKey) error {
			if met.Add(1) > 1 {
				return stranger
			}
			return nil
		}
		if err := fetch(t.Context(), c, len(p.file), io.Discard); !errors.Is(err, stranger) {
			t.Error(err)
		}
	})
}

// TestAllIsClosed holds what the server was told to close against what it opened:
// some keep a file only then.
func TestAllIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &platform{file: make([]byte, 8<<20)}
		want := random(len(server.file))
		if err := send(t, server.start(t), want); err != nil || !bytes.Equal(server.file, want) {
			t.Error(err)
		}
		if opened, closed := server.opened.Load(), server.closed.Load(); opened != 3 || closed != opened {
			t.Errorf("%d times opened, %d times closed", opened, closed)
		}
	})
}

// TestServerBusyWithTheFirst meets one that is far and takes one handshake at a
// time: the connections that it refuses meanwhile are tried again.
func TestServerBusyWithTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := (&platform{}).start(t)
		c.Connections = 4
		reach := c.Dial
		var busy atomic.Bool
		var refused atomic.Int32
		c.Dial = func(ctx context.Context) (net.Conn, error) {
			if busy.Swap(true) {
				refused.Add(1)
				return nil, errors.New("busy")
			}
			conn, err := reach(ctx)
			return &slowConn{conn}, err
		}
		c.LoggedIn = func(string, ssh.PublicKey) error { busy.Store(false); return nil }
		p := connect(t, c)
		for range p.channels { // one more than are left of the first connection's
			select {
			case <-p.more:
			case <-time.After(time.Minute): // of virtual time
				t.Fatal("no second connection")
			}
		}
		if refused.Load() == 0 {
			t.Error("no connection was refused")
		}
	})
}

// slowConn is a connection of a high latency.
type slowConn struct{ net.Conn }

func (c *slowConn) Read(b []byte) (int, error) {
	time.Sleep(5 * lowLatency)
	return c.Conn.Read(b)
}

// TestSilentServer meets a server that greets and then says nothing any more.
func TestSilentServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := (&platform{file: make([]byte, 10<<20)}).start(t)
		c.Connections = 1
		reach, frozen := c.Dial, &freezer{}
		c.Dial = func(ctx context.Context) (net.Conn, error) {
			conn, err := reach(ctx)
			frozen.Conn = conn
			return frozen, err
		}
		p := connect(t, c)
		time.Sleep(10 * c.Idle) // the keep-alives hold it
		f, _, err := p.Open("file", os.O_WRONLY)
		if err != nil {
			t.Fatal(err)
		}
		var reached atomic.Int64
		if err := f.Put(bytes.NewReader(random(1000)), 0, 1000, Ahead, &reached); err != nil {
			t.Fatalf("a silent line was given up although its server answers: %v", err)
		}
		frozen.on.Store(true)
		begin := time.Now()
		err = f.Put(bytes.NewReader(random(10<<20)), 0, 10<<20, Ahead, &reached)
		if !errors.Is(err, stall.ErrSilent) || time.Since(begin) > 2*c.Idle {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
	})
}

// freezer is a connection on which nothing comes any more.
type freezer struct {
	net.Conn
	on atomic.Bool
}

func (f *freezer) Read(b []byte) (int, error) {
	for {
		n, err := f.Conn.Read(b)
		if !f.on.Load() || err != nil {
			return n, err
		}
	}
}
