package jsonrpc

import (
	"testing"

	"golang.org/x/crypto/ssh"

	"odoo-upgrade-action/internal/sandbox/requests"
)

// TestTransfersOfAnEarlierProcess are over, except on the port that is served again: another
// request may get theirs.
func TestTransfersOfAnEarlierProcess(t *testing.T) {
	store, err := requests.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	want := map[int]string{}
	for _, port := range []string{"2200", "40007", ""} {
		r, err := store.Create(requests.Record{Transfer: "upload", Port: port})
		if err != nil {
			t.Fatal(err)
		}
		if want[r.ID] = ""; port == "2200" {
			want[r.ID] = "upload"
		}
	}
	s := &Server{Store: store, Port: "2200", Log: func(line string) { t.Error(line) }}
	s.forgetTransfers()
	for id, transfer := range want {
		if r, _ := store.Get(id); r.Transfer != transfer {
			t.Errorf("on port %q: %q", r.Port, r.Transfer)
		}
	}
}

// TestPortsAreShared has a client open as many transfers with one key as it can: another one
// still can.
func TestPortsAreShared(t *testing.T) {
	store, err := requests.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	opened := 0
	s := &Server{Store: store, Port: "2200", Log: func(string) {}, NewPort: func() (string, ssh.PublicKey, func(), error) {
		opened++
		return "4000" + string(rune('a'+opened)), nil, func() { opened-- }, nil
	}}
	s.forgetTransfers()
	open := func(client string) error {
		r, err := store.Create(requests.Record{SSHKeys: []string{"ssh-ed25519 AAAA"}})
		if err == nil {
			_, _, err = s.openTransfer(client, r, "upload", false)
		}
		return err
	}
	taken := 0
	for open("10.0.0.1:1") == nil {
		taken++
	}
	if taken != 1+maxPortsEach || opened != maxPortsEach {
		t.Errorf("one client has %d transfers, on %d ports", taken, opened)
	}
	if err := open("10.0.0.2:1"); err != nil {
		t.Errorf("another client: %v", err)
	}
}
