package dial

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"odoo-upgrade-action/internal/advice"
	"odoo-upgrade-action/internal/proxy"
	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/sshclient"
)

// ParseKey reads a private key as ssh-keygen writes it, without a passphrase.
func ParseKey(text string) (ssh.Signer, error) {
	text = strings.TrimSpace(text)
	if err := mangled(text); err != nil {
		return nil, fmt.Errorf("the private SSH key cannot be used: %w", err)
	}
	key, err := ssh.ParsePrivateKey([]byte(text + "\n"))
	if _, locked := errors.AsType[*ssh.PassphraseMissingError](err); locked {
		return nil, advice.New(
			"the private SSH key cannot be used: it is protected by a passphrase",
			"Set {ssh-private-key} to a key without one.",
		)
	}
	if err != nil {
		return nil, advice.New(
			"the private SSH key cannot be used: it is not one that ssh-keygen wrote",
			"Set {ssh-private-key} to the whole text of the file, its first and its last line included.",
		)
	}
	return key, nil
}

// mangled says what often happened to a key on its way into a secret.
func mangled(text string) error {
	switch {
	case strings.HasPrefix(text, "PuTTY-User-Key-File"):
		return advice.New("it is a key of PuTTY (PPK)", "Convert it: puttygen KEY.ppk -O private-openssh -o KEY.")
	case strings.HasPrefix(text, `"`) || strings.HasPrefix(text, "'"):
		return advice.New("it is in quotation marks", "Store the key without them.")
	case strings.HasPrefix(text, "-----BEGIN") && !strings.Contains(text, "\n") && strings.Contains(text, `\n`):
		return advice.New(`it has \n in place of line ends`, "Store the key with its lines.")
	case strings.HasPrefix(text, "-----BEGIN") && !strings.Contains(text, "\n"):
		return advice.New(
			"it has spaces in place of line ends",
			"Store the key with its lines, and quote the variable where it is handed on.",
		)
	case strings.HasPrefix(text, "ssh-") || strings.HasPrefix(text, "ecdsa-"):
		return advice.New("it is a public key", "The private one is in the file without .pub: set {ssh-private-key} to that.")
	}
	return nil
}

// NewKey makes an Ed25519 key. It is never written to disk.
func NewKey() (ssh.Signer, error) {
	signer, _, err := NewPortableKey()
	return signer, err
}

// NewPortableKey makes an Ed25519 key, and returns it as text, too, as ParseKey reads it.
func NewPortableKey() (ssh.Signer, string, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, "", err
	}
	return portable(private)
}

// NewPortableRSAKey is NewPortableKey with RSA of 3072 bits, for servers that know nothing
// newer.
func NewPortableRSAKey() (ssh.Signer, string, error) {
	private, err := rsa.GenerateKey(rand.Reader, 3072)
	if err != nil {
		return nil, "", err
	}
	return portable(private)
}

func portable(private crypto.Signer) (ssh.Signer, string, error) {
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		return nil, "", err
	}
	signer, err := ssh.NewSignerFromKey(private)
	return signer, string(pem.EncodeToMemory(block)), err
}

// SSH returns what a client needs to log in to a server at address, host:port.
func SSH(address, user string, key ssh.Signer, keys *HostKeys) *ssh.ClientConfig {
	return &ssh.ClientConfig{
		// AES in Galois/Counter mode comes first: it is the fastest where the
		// processors at both ends have instructions for AES.
		Config: ssh.Config{
			Ciphers: ssh.SupportedAlgorithms().Ciphers, KeyExchanges: ssh.SupportedAlgorithms().KeyExchanges, MACs: ssh.SupportedAlgorithms().MACs,
		},
		User:              user,
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(key)},
		AuthCallback:      onlyKey(address),
		HostKeyCallback:   keys.Check,
		HostKeyAlgorithms: keys.algorithms(address),
		ClientVersion:     "SSH-2.0-odoo-upgrade-action",
	}
}

// onlyKey ends a login whose server wants more than the key, which it has accepted.
func onlyKey(address string) func(*ssh.ClientAuthContext) (ssh.AuthMethod, error) {
	return func(c *ssh.ClientAuthContext) (ssh.AuthMethod, error) {
		if len(c.PartialSuccessMethods) > 0 {
			return nil, &SecondFactorError{address}
		}
		return nil, nil // the next of Auth
	}
}

// SecondFactorError says that a server accepts the key, and wants a password or a code, too.
type SecondFactorError struct{ Address string }

func (e *SecondFactorError) Error() string {
	return fmt.Sprintf(
		"the SSH server at %s accepts the key, but asks for a password or a code as well, which this program cannot give",
		e.Address,
	)
}

// SSHError says why no SSH session with address could begin, and marks as
// transient whatever may pass: anything but a stop, a wrong host key, a proxy's refusal, a
// server that wants more than a key, and one with which no algorithm can be agreed on. It
// returns nil for nil.
func SSHError(ctx context.Context, address string, keys *HostKeys, err error) error {
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
		if wrong := keys.otherType(address, disagree); wrong != nil {
			return wrong
		}
		return fmt.Errorf("%s and this program have no SSH algorithm in common: %w", address, disagree)
	}
	if more, ok := errors.AsType[*SecondFactorError](err); ok {
		return more
	}
	if proxy.IsFinal(err) {
		return &UnreachableError{fmt.Errorf("no SSH connection to %s: %w", address, err)}
	}
	if strings.Contains(err.Error(), "unable to authenticate") { // x/crypto has no type for it
		return retry.Transient(&LoginError{address})
	}
	return retry.Transient(fmt.Errorf("no SSH connection to %s: %w", address, sshclient.Ended(err)))
}

// UnreachableError says that the way to a server is closed, and stays so.
type UnreachableError struct{ Err error }

func (e *UnreachableError) Error() string { return e.Err.Error() }

// Unwrap returns what closes it.
func (e *UnreachableError) Unwrap() error { return e.Err }

// LoginError says that a server does not accept the key.
type LoginError struct{ Address string }

func (e *LoginError) Error() string {
	return fmt.Sprintf("the SSH server at %s does not accept the key", e.Address)
}

// Advice implements advice.Adviser.
func (e *LoginError) Advice() string {
	return "If {ssh-private-key} is set, check that it is the key that the request was created with."
}

// readyPolicy bridges the time until a server that is made on request listens, and has the
// key.
var readyPolicy = retry.Policy{First: time.Second, Longest: 5 * time.Second, Budget: time.Minute}

// Ready calls connect until it succeeds, for a minute at most: a server that was just
// requested may not be ready. If it still refuses the key, and has for half of that time,
// the error is final. tell is called before each pause. An error is one of SSHError's.
func Ready(
	ctx context.Context,
	address string,
	keys *HostKeys,
	connect func(context.Context) error,
	tell func(error, time.Duration),
) error {
	var since time.Time // of the first refusal in a row
	err := readyPolicy.Do(ctx, func(ctx context.Context) error {
		err := SSHError(ctx, address, keys, connect(ctx))
		if _, refused := errors.AsType[*LoginError](err); !refused {
			since = time.Time{}
		} else if since.IsZero() {
			since = time.Now()
		}
		return err
	}, tell)
	if refused, ok := errors.AsType[*LoginError](err); ok && time.Since(since) > readyPolicy.Budget/2 {
		return refused // which is not transient any more
	}
	return err
}
