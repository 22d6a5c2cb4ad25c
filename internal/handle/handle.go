// Package handle seals the reference of a request, so that a later job can continue it:
// the text may appear in a public log.
//
// Seal turns a Handle into text with a secret, and Open turns it back.
package handle

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"filippo.io/age"

	"odoo-upgrade-action/internal/advice"
	"odoo-upgrade-action/internal/upgrade"
)

// Handle is all that a later job needs to continue a request.
type Handle struct {
	Server     string // address of the platform
	Protocol   string // that it speaks
	Ticket     upgrade.Ticket
	Filename   string
	Email      string
	Aim        upgrade.Aim
	Target     string
	DumpSHA256 string // in hexadecimal
	DumpSize   int64  // in bytes
	SSHHostKey string // that the request's SFTP servers have to have, as authorized_keys writes it; "" where none was met
}

// sealed is a Handle as it is encrypted.
type sealed struct {
	Server     string `json:"server"`
	Protocol   string `json:"protocol,omitempty"`
	ID         string `json:"id"`
	Key        string `json:"key"`
	Session    string `json:"session,omitempty"`
	Filename   string `json:"filename,omitempty"`
	Email      string `json:"email,omitempty"`
	Aim        string `json:"aim,omitempty"`
	Target     string `json:"target,omitempty"`
	DumpSHA256 string `json:"dump_sha256,omitempty"`
	DumpSize   int64  `json:"dump_size,omitempty"`
	SSHHostKey string `json:"ssh_host_key,omitempty"`
}

// Prefix is how a sealed handle begins, which tells people, and Open, what the text is.
const Prefix = "odoo-upgrade-1."

// maxText bounds a text that is opened.
const maxText = 16 << 10

// workFactor makes guessing a secret slow: 2^15 of scrypt's N take 32 MiB and
// some 100 ms. age's own 2^18 would take 256 MiB, more than all else together.
const workFactor = 15

// Errors of Open that a user can mend.
var (
	ErrDamaged     = advice.New("the handle is damaged", "Copy all of it, without spaces or line breaks.")
	ErrWrongSecret = advice.New(
		"the handle cannot be decrypted",
		"Set the same {contract}, or the same {handle-secret}, as in the run that created it.",
	)
)

// Seal encrypts a handle under a secret with age (scrypt). The text is one
// printable word.
func Seal(h Handle, secret string) (string, error) {
	recipient, err := age.NewScryptRecipient(secret)
	if err != nil {
		return "", fmt.Errorf("sealing the handle: %w", err)
	}
	recipient.SetWorkFactor(workFactor)
	debug.FreeOSMemory()       // scrypt takes 32 MiB on top of what is there,
	defer debug.FreeOSMemory() // which would stay for the whole run
	text, err := json.Marshal(
		sealed{
			h.Server,
			h.Protocol,
			h.Ticket.ID,
			h.Ticket.Key.Reveal(),
			h.Ticket.Session.Reveal(),
			h.Filename,
			h.Email,
			string(h.Aim),
			h.Target,
			h.DumpSHA256,
			h.DumpSize,
			h.SSHHostKey,
		},
	)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, recipient)
	if err != nil {
		return "", fmt.Errorf("sealing the handle: %w", err)
	}
	if _, err := w.Write(text); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	return Prefix + base64.RawURLEncoding.EncodeToString(out.Bytes()), nil
}

// Open decrypts what Seal made. Its errors: ErrDamaged, ErrWrongSecret.
func Open(text, secret string) (Handle, error) {
	encoded, ok := strings.CutPrefix(strings.TrimSpace(text), Prefix)
	if !ok || len(encoded) > maxText {
		return Handle{}, ErrDamaged
	}
	binary, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return Handle{}, ErrDamaged
	}
	identity, err := age.NewScryptIdentity(secret)
	if err != nil {
		return Handle{}, ErrWrongSecret
	}
	defer debug.FreeOSMemory()
	identity.SetMaxWorkFactor(workFactor) // a stranger's handle could ask for gigabytes
	r, err := age.Decrypt(bytes.NewReader(binary), identity)
	if _, wrong := errors.AsType[*age.NoIdentityMatchError](err); wrong {
		return Handle{}, ErrWrongSecret
	}
	if err != nil {
		return Handle{}, ErrDamaged
	}
	clear, err := io.ReadAll(io.LimitReader(r, maxText))
	var s sealed
	if err != nil || json.Unmarshal(clear, &s) != nil || s.ID == "" || s.Key == "" || s.Server == "" {
		return Handle{}, ErrDamaged
	}
	return Handle{
		Server: s.Server, Protocol: s.Protocol, Ticket: upgrade.Ticket{ID: s.ID, Key: upgrade.Secret(s.Key), Session: upgrade.Secret(s.Session)}, Filename: s.Filename, Email: s.Email,
		Aim: upgrade.Aim(s.Aim), Target: s.Target, DumpSHA256: s.DumpSHA256, DumpSize: s.DumpSize, SSHHostKey: s.SSHHostKey,
	}, nil
}
