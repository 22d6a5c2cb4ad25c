package dial

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"

	"odoo-upgrade-action/internal/advice"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// HostKeys decides which SSH host keys are the platform's: those that are pinned,
// else the first one that the request met.
type HostKeys struct {
	pinned ssh.HostKeyCallback // nil if none is

	mu      sync.Mutex
	trusted ssh.PublicKey // nil until one was seen
	learned bool          // trusted on first use, by this program
}

// HostKeyError says that a server is not the one that it should be.
type HostKeyError struct {
	Address, Fingerprint, Why string
}

func (e *HostKeyError) Error() string {
	return fmt.Sprintf("the SSH host key of %s, %s, %s: nothing was sent to it", e.Address, e.Fingerprint, e.Why)
}

// NewHostKeys returns the keys that known, lines of a known_hosts file, pins.
// Without any, trusted, a key as authorized_keys has it, is required; without
// that too, the first key seen will be.
func NewHostKeys(known, trusted string) (*HostKeys, error) {
	h := new(HostKeys)
	if strings.TrimSpace(known) != "" {
		var err error
		if h.pinned, err = pins(known); err != nil {
			return nil, advice.Give(
				fmt.Errorf("the known SSH host keys: %w", err),
				"Set {ssh-known-hosts} to lines as ssh-keyscan prints them.",
			)
		}
		return h, nil
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

// Learned returns a key that was trusted on first use, in the form of
// authorized_keys, and its fingerprint; ok is false unless there is a new one
// since the last call.
func (h *HostKeys) Learned() (key, fingerprint string, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.learned {
		return "", "", false
	}
	h.learned = false
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(h.trusted))), ssh.FingerprintSHA256(h.trusted), true
}

// KnownHostsLine is what pins a key for an address, host:port.
func KnownHostsLine(address, key string) string { return knownhosts.Normalize(address) + " " + key }

// Advice implements advice.Adviser.
func (e *HostKeyError) Advice() string {
	return "Compare the fingerprint with one that you trust. Either the platform has a new key, and {ssh-known-hosts} must be set to it, or another server answers in its place."
}

// Check is an ssh.HostKeyCallback.
func (h *HostKeys) Check(address string, _ net.Addr, key ssh.PublicKey) error {
	wrong := func(why string) error {
		return &HostKeyError{address, ssh.FingerprintSHA256(key), why}
	}
	if h.pinned != nil {
		err := h.pinnedFor(address, key)
		if unknown, ok := errors.AsType[*knownhosts.KeyError](err); ok && len(unknown.Want) == 0 {
			return wrong("is not known: none of the lines that were given is for this address")
		}
		if err != nil {
			return wrong("is not the one that was given for this address")
		}
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.differs(address, key) // of a new one, LoggedIn decides
}

// differs returns an error if another key is trusted. It is called under the lock.
func (h *HostKeys) differs(address string, key ssh.PublicKey) error {
	if h.trusted == nil || bytes.Equal(h.trusted.Marshal(), key.Marshal()) {
		return nil
	}
	return &HostKeyError{
		address,
		ssh.FingerprintSHA256(key),
		"is not " + ssh.FingerprintSHA256(h.trusted) + ", which this request met before",
	}
}

// LoggedIn is called once a server with a key that Check accepted has accepted ours: only
// the platform's own does that, so its key is trusted from then on. It returns an error if
// several servers with different keys have.
func (h *HostKeys) LoggedIn(address string, key ssh.PublicKey) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.pinned != nil {
		return nil
	}
	if h.trusted == nil {
		h.trusted, h.learned = key, true
	}
	return h.differs(address, key)
}

// pinnedFor checks a key against the pinned ones. Lines without a port count for other
// ports than 22, too, if there is none with that port, as OpenSSH has it.
func (h *HostKeys) pinnedFor(address string, key ssh.PublicKey) error {
	remote := &net.TCPAddr{IP: net.IPv4zero} // only the name counts: behind a proxy there is nothing else
	err := h.pinned(address, remote, key)
	host, port, splitErr := net.SplitHostPort(address)
	unknown, ok := errors.AsType[*knownhosts.KeyError](err)
	if !ok || len(unknown.Want) > 0 || splitErr != nil || port == "22" {
		return err
	}
	return h.pinned(net.JoinHostPort(host, "22"), remote, key)
}

// otherType returns an error if no host key was agreed on because the
// server has none of the required type.
func (h *HostKeys) otherType(address string, disagree error) error {
	if h.isNew() || !strings.Contains(disagree.Error(), "host key") {
		return nil
	}
	why := "is not the one that was given for this address"
	if h.pinned == nil {
		why = "is not the one that this request met before"
	}
	return &HostKeyError{address, "of another type", why}
}

// isNew reports whether any key would do.
func (h *HostKeys) isNew() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.pinned == nil && h.trusted == nil
}

// hostKeyAlgorithms are those of servers that were not met before: first Ed25519, which
// every server has had for ten years, and none with SHA-1.
func hostKeyAlgorithms() []string {
	list := []string{ssh.KeyAlgoED25519}
	for _, a := range ssh.SupportedAlgorithms().HostKeys {
		if a != ssh.KeyAlgoED25519 {
			list = append(list, a)
		}
	}
	return list
}

// algorithms lists those with which a server can present an acceptable key: a server has
// one key for each.
func (h *HostKeys) algorithms(address string) []string {
	var kinds []string
	h.mu.Lock()
	if h.trusted != nil {
		kinds = []string{h.trusted.Type()}
	}
	h.mu.Unlock()
	if h.pinned != nil {
		// For a key that no server has, it returns those that it wants.
		err := h.pinnedFor(address, noKey{})
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
	if len(list) == 0 {
		return hostKeyAlgorithms()
	}
	return list
}

// noKey is a key that no server has.
type noKey struct{}

func (noKey) Type() string                        { return "none" }
func (noKey) Marshal() []byte                     { return nil }
func (noKey) Verify([]byte, *ssh.Signature) error { return errors.New("no key") }
