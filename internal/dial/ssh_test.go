//go:build unix

package dial

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ssh"

	"odoo-upgrade-action/internal/advice"
	"odoo-upgrade-action/internal/realtest"
	"odoo-upgrade-action/internal/retry"
)

func TestPrivateKeys(t *testing.T) {
	if _, err := ParseKey("-----BEGIN OPENSSH PRIVATE KEY-----\nrubbish"); err == nil || !strings.Contains(err.Error(), "ssh-keygen") {
		t.Error(err)
	}
	s := realtest.StartSSHD(t, "rsa")
	text, _ := os.ReadFile(s.Key)
	key, err := ParseKey("\n" + strings.ReplaceAll(string(text), "\n", "\r\n")) // as a secret may come
	if err != nil || key.PublicKey().Type() != ssh.KeyAlgoED25519 {
		t.Error(err)
	}
}

func TestMangledKeys(t *testing.T) {
	_, text, err := NewPortableKey()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ key, says string }{
		"spaces":    {strings.ReplaceAll(strings.TrimSpace(text), "\n", " "), "spaces in place of line ends"},
		"escapes":   {strings.ReplaceAll(strings.TrimSpace(text), "\n", `\n`), `\n in place of line ends`},
		"quotes":    {`"` + text + `"`, "in quotation marks"},
		"PuTTY":     {"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n", "puttygen"},
		"public":    {"ssh-ed25519 AAAA x@y", "it is a public key"},
		"something": {"hello", "not one that ssh-keygen wrote"},
	} {
		if _, err := ParseKey(c.key); err == nil || !strings.Contains(err.Error(), "the private SSH key") || !strings.Contains(err.Error()+advice.Of(err), c.says) || advice.Of(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestReady meets servers that are not ready yet, and those that never will be.
func TestReady(t *testing.T) {
	refused := errors.New("ssh: handshake failed: ssh: unable to authenticate, attempted methods [none publickey], no supported methods remain")
	for name, c := range map[string]struct {
		fails     int // times
		with      error
		before    error // the first times, for 50 seconds
		transient bool
		within    time.Duration
	}{
		"ready":                    {},
		"no port yet":              {fails: 5, with: syscall.ECONNREFUSED, within: time.Minute},
		"no key yet":               {fails: 5, with: refused, within: time.Minute},
		"no port":                  {fails: 1000, with: syscall.ECONNREFUSED, transient: true, within: 70 * time.Second},
		"another key":              {fails: 1000, with: refused, within: 70 * time.Second},
		"booting, then no key yet": {fails: 1000, with: refused, before: syscall.ECONNREFUSED, transient: true, within: 70 * time.Second},
		"another host key":         {fails: 1000, with: &HostKeyError{}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin, tries := time.Now(), 0
				err := Ready(t.Context(), "example.com:22", nil, func(context.Context) error {
					if tries++; tries > c.fails {
						return nil
					}
					if c.before != nil && time.Since(begin) < 50*time.Second {
						return c.before
					}
					return c.with
				}, nil)
				if (err != nil) != (c.fails == 1000) || retry.IsTransient(err) != c.transient || time.Since(begin) > c.within {
					t.Errorf("after %v: %v, transient: %t", time.Since(begin), err, retry.IsTransient(err))
				}
			})
		})
	}
}

// TestRefusedKey logs in to a real server with a key that it does not know.
func TestRefusedKey(t *testing.T) {
	s := realtest.StartSSHD(t, "ed25519")
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	keys, _ := NewHostKeys("", "")
	_, err = ssh.Dial("tcp", s.Address, SSH(s.Address, s.User, key, keys))
	if err = SSHError(t.Context(), s.Address, keys, err); err == nil || !strings.Contains(err.Error(), "does not accept the key") || !strings.Contains(advice.Of(err), "If {ssh-private-key} is set") {
		t.Error(err)
	}
}

// TestKeysAreTrustedAfterLogin meets a server that never lets us in, and then the real one.
func TestKeysAreTrustedAfterLogin(t *testing.T) {
	public := func() ssh.PublicKey {
		key, err := NewKey()
		if err != nil {
			t.Fatal(err)
		}
		return key.PublicKey()
	}
	impostor, real := public(), public()
	h, err := NewHostKeys("", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Check("example.com:22", nil, impostor); err != nil {
		t.Error(err)
	}
	if _, _, ok := h.Learned(); ok {
		t.Error("a key was trusted that only showed up")
	}
	if err := errors.Join(h.Check("example.com:22", nil, real), h.LoggedIn("example.com:22", real)); err != nil {
		t.Error(err)
	}
	if key, _, ok := h.Learned(); !ok || key != strings.TrimSpace(string(ssh.MarshalAuthorizedKey(real))) {
		t.Errorf("%q, %t", key, ok)
	}
	for _, err := range []error{h.Check("example.com:22", nil, impostor), h.LoggedIn("example.com:22", impostor)} {
		if _, ok := errors.AsType[*HostKeyError](err); !ok {
			t.Errorf("%v", err)
		}
	}
}

// TestHostKeyAlgorithms are the same for every connection: none with SHA-1, whether a key
// was met before or not, and Ed25519 first.
func TestHostKeyAlgorithms(t *testing.T) {
	_, private, err := NewPortableRSAKey()
	if err != nil {
		t.Fatal(err)
	}
	key, err := ParseKey(private)
	if err != nil {
		t.Fatal(err)
	}
	h, err := NewHostKeys("", "")
	if err != nil {
		t.Fatal(err)
	}
	first := h.algorithms("example.com:22")
	if err := h.LoggedIn("example.com:22", key.PublicKey()); err != nil {
		t.Fatal(err)
	}
	again := h.algorithms("example.com:22")
	if len(first) == 0 || first[0] != ssh.KeyAlgoED25519 || len(again) != 2 {
		t.Errorf("%v, then %v", first, again)
	}
	for _, list := range [][]string{first, again} {
		if slices.Contains(list, ssh.KeyAlgoRSA) {
			t.Errorf("with SHA-1: %v", list)
		}
	}
}

// TestKnownHostsWithoutAPort counts for any port, as in OpenSSH, unless a line has the port.
func TestKnownHostsWithoutAPort(t *testing.T) {
	line := func(host string) (string, ssh.PublicKey) {
		key, err := NewKey()
		if err != nil {
			t.Fatal(err)
		}
		return host + " " + string(ssh.MarshalAuthorizedKey(key.PublicKey())), key.PublicKey()
	}
	bare, bareKey := line("example.com")
	with, withKey := line("[example.com]:2200")
	for name, c := range map[string]struct {
		known string
		key   ssh.PublicKey
		good  bool
	}{
		"without a port":                 {bare, bareKey, true},
		"with the port":                  {with, withKey, true},
		"both, the one with the port":    {bare + with, withKey, true},
		"both, the one without the port": {bare + with, bareKey, false},
		"with the port, another key":     {with, bareKey, false},
	} {
		h, err := NewHostKeys(c.known, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Check("example.com:2200", nil, c.key); (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
	}
}
