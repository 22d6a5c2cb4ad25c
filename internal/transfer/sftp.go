package transfer

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/sftp"
	"odoo-upgrade-action/internal/upgrade"
)

// Access is the API's method that opens an SFTP server for a request.
type Access interface {
	RequestSFTPAccess(ctx context.Context, t upgrade.Ticket, authorizedKeys []byte) (upgrade.SFTPAccess, error)
}

// SFTP moves files over SFTP ("The request_sftp_access method"). It is for one
// request and one goroutine.
type SFTP struct {
	API     Access
	Keys    *HostKeys
	Key     ssh.Signer // nil for a fresh one, which is never written to disk
	Streams int        // connections at most
	Ours    bool       // what the platform has of an upload is of the same dump for certain
	Dial    Dialer
	Tell    func(string) // told, in a sentence, what a user should know

	ahead    int64 // how far an upload runs ahead, if not sftp.Ahead
	reached  int64 // of an upload: all before it is at the platform for certain
	distrust bool  // what is at the platform is not what was sent
}

// ParseKey reads a private key as ssh-keygen writes one, without a passphrase.
func ParseKey(text string) (ssh.Signer, error) {
	key, err := ssh.ParsePrivateKey([]byte(strings.TrimSpace(text) + "\n"))
	if _, locked := errors.AsType[*ssh.PassphraseMissingError](err); locked {
		return nil, errors.New("it is locked by a passphrase: give a key without one")
	}
	if err != nil {
		return nil, errors.New("it is no private key as ssh-keygen writes one")
	}
	return key, nil
}

// readyPolicy bridges the time until the server that was asked for listens:
// it is made on request.
var readyPolicy = retry.Policy{First: time.Second, Longest: 5 * time.Second, Budget: time.Minute}

// sshSilence is how long a server may send nothing, not even the answers to
// keep-alives.
const sshSilence = time.Minute

// open asks for access and connects.
func (s *SFTP) open(ctx context.Context, t upgrade.Ticket) (*sftp.Pool, string, error) {
	if s.Key == nil {
		_, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return nil, "", err
		}
		if s.Key, err = ssh.NewSignerFromKey(private); err != nil {
			return nil, "", err
		}
	}
	access, err := s.API.RequestSFTPAccess(ctx, t, ssh.MarshalAuthorizedKey(s.Key.PublicKey()))
	if err != nil {
		return nil, "", err
	}
	address := net.JoinHostPort(access.Hostname, strconv.Itoa(access.Port))
	var pool *sftp.Pool
	err = readyPolicy.Do(ctx, func(ctx context.Context) (err error) {
		pool, err = sftp.Connect(ctx, s.config(address, access.User))
		return s.connectError(ctx, address, err)
	}, func(err error, pause time.Duration) {
		s.Tell(fmt.Sprintf("%v. Next try in %v.", err, pause.Round(100*time.Millisecond)))
	})
	if err != nil {
		return nil, "", err
	}
	if fingerprint, ok := s.Keys.Learned(); ok {
		s.Tell(fmt.Sprintf("SSH host key of %s: %s. It is trusted at first sight and demanded from now on; to pin it, set ssh-known-hosts to: %s",
			address, fingerprint, knownLine(address, s.Keys.Trusted())))
	}
	return pool, access.SharedFile, nil
}

func knownLine(address, key string) string {
	host, port, _ := net.SplitHostPort(address)
	if port == "22" {
		return host + " " + key
	}
	return "[" + host + "]:" + port + " " + key
}

func (s *SFTP) config(address, user string) sftp.Config {
	// AES in Galois/Counter mode stands first: it is the fastest where a processor
	// knows AES, at both ends.
	return sftp.Config{
		Address: address, Connections: s.Streams, Silence: sshSilence,
		Dial: func(ctx context.Context) (net.Conn, error) { return s.Dial(ctx, "tcp", address) },
		Client: &ssh.ClientConfig{
			Config:            ssh.Config{Ciphers: ssh.SupportedAlgorithms().Ciphers},
			User:              user,
			Auth:              []ssh.AuthMethod{ssh.PublicKeys(s.Key)},
			HostKeyCallback:   s.Keys.check,
			HostKeyAlgorithms: s.Keys.algorithms(address, nowhere),
			ClientVersion:     "SSH-2.0-odoo-upgrade-action",
		},
	}
}

// nowhere is the address of a server that was not dialled yet.
var nowhere = &net.TCPAddr{IP: net.IPv4zero}

// connectError marks what will pass: all but a stop, a wrong key and a server
// with which nothing can be agreed upon.
func (s *SFTP) connectError(ctx context.Context, address string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if wrong, ok := errors.AsType[*HostKeyError](err); ok {
		return wrong
	}
	if disagree, ok := errors.AsType[*ssh.AlgorithmNegotiationError](err); ok {
		if wrong := s.Keys.otherKind(address, disagree); wrong != nil {
			return wrong
		}
		return fmt.Errorf("%s and this program have no SSH algorithm in common: %w", address, disagree)
	}
	return retry.Transient(fmt.Errorf("no SFTP connection to %s: %w", address, err))
}

// transferError marks what will pass, like a cut.
func transferError(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if source, ok := errors.AsType[*sftp.SourceError](err); ok {
		return source
	}
	if longer, ok := errors.AsType[*LongerError](err); ok {
		return longer
	}
	if wrong, ok := errors.AsType[*HostKeyError](err); ok {
		return wrong
	}
	for _, final := range []uint32{sftp.CodeNoSuchFile, sftp.CodePermissionDenied, sftp.CodeUnsupported} {
		if sftp.HasCode(err, final) {
			return err
		}
	}
	return retry.Transient(fmt.Errorf("the SFTP connection broke: %w", err))
}

// Upload sends what the platform does not have of the dump, and calls progress
// with the bytes that are there so far. Another call, of this process or of a
// later one, goes on where it was cut. It returns a *dump.UnusableError if the
// file changed meanwhile.
func (s *SFTP) Upload(ctx context.Context, t upgrade.Ticket, d dump.Info, progress func(sent, kept int64)) error {
	file, err := d.Open()
	if err != nil {
		return err
	}
	defer file.Close()
	pool, name, err := s.open(ctx, t)
	if err != nil {
		return err
	}
	defer pool.Close()
	there, err := openShared(pool, name)
	if err != nil {
		return transferError(ctx, err)
	}
	from, err := s.resume(there, file, d.Size)
	if changed := d.Unchanged(); changed != nil {
		return changed
	}
	if err == nil && from == 0 {
		err = s.restart(pool, name, there.size)
	}
	if err != nil {
		return transferError(ctx, err)
	}
	if from > 0 {
		s.Tell(fmt.Sprintf("The platform has the first %d of %d bytes: going on there.", from, d.Size))
	}
	var reached atomic.Int64
	ended := make(chan error, 1)
	go func() { ended <- there.Put(file, from, d.Size, s.runsAhead(), &reached) }()
	err = follow(ended, func() { progress(reached.Load(), reached.Load()) })
	s.reached = reached.Load()
	if changed := d.Unchanged(); changed != nil {
		return changed
	}
	if err == nil {
		err = s.verify(there, file, d.Size)
	}
	return transferError(ctx, err)
}

// overlap is how much of what is kept is compared before anything is appended.
const overlap = 1 << 20

// LongerError says that the platform's file cannot be a part of the dump.
type LongerError struct{ There, Dump int64 }

func (e *LongerError) Error() string {
	return fmt.Sprintf("the platform's file has %d bytes, the dump only %d: something else was uploaded to this request, and nothing was sent", e.There, e.Dump)
}

// restart empties the platform's file, if it holds anything: that would lie behind
// what is sent, and be taken for it after a cut.
func (s *SFTP) restart(pool *sftp.Pool, name string, size int64) error {
	if size > 0 {
		err := pool.Empty(name)
		if status, ok := errors.AsType[*sftp.StatusError](err); ok {
			return fmt.Errorf("the platform has something else than the beginning of the dump, and lets nobody empty its file: make a new request: %w", status)
		}
		if err != nil {
			return err
		}
	}
	s.distrust, s.reached = false, 0
	return nil
}

func (s *SFTP) runsAhead() int64 {
	if s.ahead != 0 {
		return s.ahead
	}
	return sftp.Ahead
}

// resume finds the byte to go on at: the first that is not certain, or, where the
// server lets it read what is beyond, the first that differs.
func (s *SFTP) resume(there *shared, file io.ReaderAt, size int64) (int64, error) {
	switch {
	case there.size > size:
		return 0, &LongerError{there.size, size}
	case s.distrust || there.size == 0:
		return 0, nil
	}
	certain, known := s.reached, true
	if certain == 0 || certain > there.size { // another process wrote it, or another server has it
		certain, known = max(0, there.size-s.runsAhead()), s.Ours && s.reached == 0
	}
	if !there.readable() {
		if !known {
			certain = 0
		}
		return certain, nil
	}
	same, err := compare(there.File, file, max(0, certain-overlap), there.size)
	if err == nil && same < certain {
		s.Tell("What the platform has is not the beginning of this dump: it is sent from its first byte on.")
		return 0, nil
	}
	return same, err
}

// shared is the platform's file, open.
type shared struct {
	*sftp.File
	size     int64
	readable func() bool // waits for the server once
}

// openShared opens the platform's file and looks at it. The file is there already:
// "you will not be able to create new files". It is made only where a server does
// without that.
func openShared(pool *sftp.Pool, name string) (*shared, error) {
	file, info, err := pool.Open(name, sftp.Read|sftp.Write)
	readable := !sftp.HasCode(err, sftp.CodePermissionDenied)
	if !readable {
		file, info, err = pool.Open(name, sftp.Write)
	}
	if sftp.HasCode(err, sftp.CodeNoSuchFile) {
		file, info, err = pool.Open(name, sftp.Read|sftp.Write|sftp.Create)
	}
	if err != nil {
		return nil, err
	}
	there := &shared{file, info.Size, func() bool { return false }}
	if readable {
		there.readable = tryReading(file)
	}
	return there, nil
}

// tryReading returns what tells whether the server lets a file be read. The question
// goes out at once, and the answer is not waited for before it is needed: far
// servers answer late.
func tryReading(file *sftp.File) func() bool {
	refused := make(chan bool, 1)
	go func() {
		var first [1]byte
		status, ok := errors.AsType[*sftp.StatusError](file.ReadAt(first[:], 0))
		refused <- ok && status.Code != sftp.CodeEOF // then it is empty
	}()
	return sync.OnceValue(func() bool { return !<-refused })
}

// together does all at once and returns what went wrong.
func together(work ...func() error) error {
	errs := make([]error, len(work))
	var all sync.WaitGroup
	for i, do := range work {
		all.Go(func() { errs[i] = do() })
	}
	all.Wait()
	return errors.Join(errs...)
}

// compare returns where the platform's file first differs from the dump between
// two bytes, to if it does not.
func compare(there *sftp.File, file io.ReaderAt, from, to int64) (int64, error) {
	const step = 8 << 20 // what follows a difference need not be read
	for from < to {
		end, at := min(to, from+step), from
		differs := int64(-1)
		err := there.Get(from, end, func(b []byte) error {
			own := make([]byte, len(b))
			if _, err := file.ReadAt(own, at); err != nil {
				return &sftp.SourceError{Err: err}
			}
			if i := firstDifference(own, b); i >= 0 && differs < 0 {
				differs = at + int64(i)
			}
			at += int64(len(b))
			return nil
		})
		if err != nil || differs >= 0 {
			return differs, err
		}
		from = end
	}
	return to, nil
}

// firstDifference returns the first index at which two slices of one length
// differ, -1 if they do not.
func firstDifference(a, b []byte) int {
	if bytes.Equal(a, b) {
		return -1
	}
	i := 0
	for a[i] == b[i] {
		i++
	}
	return i
}

// verify compares the size, which has to be equal, and some blocks, where the
// server lets them be read, and closes the file. On a difference the next try sends
// all again.
func (s *SFTP) verify(there *shared, file io.ReaderAt, size int64) error {
	var info sftp.Info
	var unsettled, unknown, unread error
	at := int64(-1)
	_ = together(func() error {
		unsettled = there.Settle()
		return nil
	}, func() error {
		info, unknown = there.Stat()
		return nil
	}, func() error {
		if there.readable() {
			at, unread = sample(there, file, size)
		}
		return nil
	})
	switch {
	case unsettled != nil:
		return unsettled
	case unknown != nil:
		return unknown
	case info.Size != size: // so a block may have been missing
		s.distrust = true
		return fmt.Errorf("the platform's file has %d bytes after all %d were sent", info.Size, size)
	case unread == nil && at >= 0:
		s.distrust = true
		return fmt.Errorf("the platform's file differs from the dump in the block at byte %d", at)
	case unread != nil:
		return unread
	}
	return there.Close()
}
