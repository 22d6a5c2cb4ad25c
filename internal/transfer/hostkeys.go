package transfer

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// HostKeys decides which SSH host keys are the platform's: those that were
// pinned, else the one that was seen first in the request.
type HostKeys struct {
	pinned ssh.HostKeyCallback // nil where nothing is

	mu      sync.Mutex
	trusted ssh.PublicKey // nil until one was seen
	learned bool          // trusted at first sight, by this program
}

// HostKeyError says that a server is not the one that it should be.
type HostKeyError struct {
	Address, Fingerprint, Why string
}

func (e *HostKeyError) Error() string {
	return fmt.Sprintf("the SSH host key of %s, %s, %s: nothing is sent to it", e.Address, e.Fingerprint, e.Why)
}

// NewHostKeys returns the keys that known, lines of a known_hosts file, pins.
// Without any, trusted, a key as authorized_keys has one, is demanded; without
// that too, the first key seen will be.
func NewHostKeys(known, trusted string) (*HostKeys, error) {
	h := new(HostKeys)
	if strings.TrimSpace(known) != "" {
		var err error
		h.pinned, err = pins(known)
		return h, err
	}
	if trusted == "" {
		return h, nil
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(trusted))
	h.trusted = key
	return h, err
}

// pins reads known_hosts lines. x/crypto's reader, which knows hashed names,
// wildcards and revoked keys, takes files only.
func pins(known string) (ssh.HostKeyCallback, error) {
	file, err := os.CreateTemp("", "known_hosts-*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name())
	_, err = file.WriteString(known + "\n")
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	check, err := knownhosts.New(file.Name())
	if err != nil {
		return nil, errors.New(strings.NewReplacer(file.Name()+":", "line ", "knownhosts: ", "").Replace(err.Error()))
	}
	return check, nil
}

// Trusted returns the key that the request's servers have to have, as
// authorized_keys writes it, "" where none was seen or known_hosts decides.
func (h *HostKeys) Trusted() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.trusted == nil {
		return ""
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(h.trusted)))
}

// Learned returns the fingerprint of a key that was trusted at first sight, once.
func (h *HostKeys) Learned() (fingerprint string, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.learned {
		return "", false
	}
	h.learned = false
	return ssh.FingerprintSHA256(h.trusted), true
}

// check is an ssh.HostKeyCallback.
func (h *HostKeys) check(address string, remote net.Addr, key ssh.PublicKey) error {
	wrong := func(why string) error {
		return &HostKeyError{address, ssh.FingerprintSHA256(key), why}
	}
	if h.pinned != nil {
		err := h.pinned(address, remote, key)
		if unknown, ok := errors.AsType[*knownhosts.KeyError](err); ok && len(unknown.Want) == 0 {
			return wrong("is not in ssh-known-hosts, which has no line for this address")
		}
		if err != nil {
			return wrong("is not the one in ssh-known-hosts")
		}
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.trusted == nil {
		h.trusted, h.learned = key, true
	}
	if !bytes.Equal(h.trusted.Marshal(), key.Marshal()) {
		return wrong("is another than " + ssh.FingerprintSHA256(h.trusted) + ", which this request has met before")
	}
	return nil
}

// otherKind returns an error if a server could not agree on a host key because it
// has none of the kind that is demanded.
func (h *HostKeys) otherKind(address string, disagree error) error {
	if len(h.algorithms(address, nowhere)) == 0 || !strings.Contains(disagree.Error(), "host key") {
		return nil
	}
	why := "is not the one in ssh-known-hosts"
	if h.pinned == nil {
		why = "is another than the one which this request has met before"
	}
	return &HostKeyError{address, "of another kind", why}
}

// algorithms lists those by which a server can show a key that will be taken,
// nil for all: a server has one key for each.
func (h *HostKeys) algorithms(address string, remote net.Addr) []string {
	var kinds []string
	h.mu.Lock()
	if h.trusted != nil {
		kinds = []string{h.trusted.Type()}
	}
	h.mu.Unlock()
	if h.pinned != nil {
		// Asked about a key that nobody has, it tells which it wants.
		err := h.pinned(address, remote, noKey{})
		if want, ok := errors.AsType[*knownhosts.KeyError](err); ok {
			for _, known := range want.Want {
				kinds = append(kinds, known.Key.Type())
			}
		}
	}
	var list []string
	for _, kind := range kinds {
		if kind == ssh.KeyAlgoRSA {
			list = append(list, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
			continue
		}
		list = append(list, kind)
	}
	return list
}

// noKey is no server's.
type noKey struct{}

func (noKey) Type() string                        { return "none" }
func (noKey) Marshal() []byte                     { return nil }
func (noKey) Verify([]byte, *ssh.Signature) error { return errors.New("no key") }
