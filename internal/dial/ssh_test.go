//go:build unix

package dial

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"odoo-upgrade-action/internal/realtest"
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
