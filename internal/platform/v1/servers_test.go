//go:build unix

package v1

import (
	"bytes"
	"cmp"
	"os"
	"regexp"
	"testing"
	"time"

	"odoo-upgrade-action/internal/realtest"
	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/upgrade"
	"odoo-upgrade-action/internal/workspace"
)

// TestServerThatTruncatesWhatIsOpened is rclone's, which empties a file whenever it is
// opened to write. With a round trip of 20 ms there would be 32 sessions.
func TestServerThatTruncatesWhatIsOpened(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	content := noise(1, 24<<20)
	d := dumpOf(t, content)
	for _, mode := range []string{"off", "minimal", "writes", "full"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := realtest.StartRclone(t, "--vfs-cache-mode", mode)
			line := realtest.DelayLine(t, s.Address, 20*time.Millisecond)
			for _, old := range []string{"nothing there", "all there"} {
				c := another(t, s, line.Address)
				err := put(t.Context(), c, d)
				for try := 1; retry.IsTransient(err) && try < 3 && old == "all there"; try++ { // opening it has emptied it
					err = put(t.Context(), c, d)
				}
				if there, _ := os.ReadFile(s.File()); err != nil || !bytes.Equal(there, content) {
					t.Errorf("%s: %v, %d bytes there of %d, equal: %t", old, err, len(there), len(content), bytes.Equal(there, content))
				}
			}
		})
	}
}

// TestServerThatMixesChannels is ProFTPD's: it keeps half a packet in one buffer for all
// channels of a connection, and with a small window there are halves.
func TestServerThatMixesChannels(t *testing.T) {
	realtest.Long(t)
	t.Parallel()
	content := noise(1, 51_000_000)
	d := dumpOf(t, content)
	for _, setting := range []string{"channelWindowSize 1MB", "channelPacketSize 16KB"} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			s := realtest.StartProFTPD(t, `SFTPClientMatch ".*" `+setting)
			line := realtest.DelayLine(t, s.Address, 40*time.Millisecond)
			err := put(t.Context(), another(t, s, line.Address), d)
			if there, _ := os.ReadFile(s.File()); err != nil || !bytes.Equal(there, content) {
				t.Errorf("%v, %d bytes there of %d", err, len(there), len(content))
			}
		})
	}
}

// TestWhatFailed wants each error to name what failed, and with which file.
func TestWhatFailed(t *testing.T) {
	const denied, ended = `the SFTP server says: permission denied`, `the server, or something in between, (closed|reset) the connection$`
	const missing = `^(the SFTP connection broke: )?opening absent.dump: the SFTP server says: no such file; `
	for name, c := range map[string]struct {
		forbids  string // requests of SFTP
		file     string
		cut      bool
		up, down string // the errors; "" for none
	}{
		"missing":       {file: "absent.dump", up: missing + `creating it: opening absent.dump: ` + denied, down: missing + `the SFTP server has 0 files named upgraded_…, not one$`},
		"no opening":    {forbids: "open", up: `^opening shared.dump: ` + denied, down: `^opening shared.dump: ` + denied},
		"no writing":    {forbids: "write", up: `^writing shared.dump: ` + denied},
		"no reading":    {forbids: "read", down: `^reading shared.dump at byte \d+: ` + denied},
		"no attributes": {forbids: "fstat,stat", up: `^reading the size of shared.dump: ` + denied, down: `^reading the size of shared.dump: ` + denied},
		"a cut":         {cut: true, up: `: writing shared.dump at byte \d+: ` + ended, down: `: reading shared.dump at byte \d+: ` + ended},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var lines []string
			if c.forbids != "" {
				lines = []string{"ForceCommand internal-sftp -d / -P " + c.forbids}
			}
			s := realtest.StartSSHD(t, "ed25519", lines...)
			content := noise(1, 8<<20)
			begin := func() *overSFTP {
				address := s.Address
				if c.cut {
					cutter := realtest.StartCutter(t, s.Address)
					cutter.Reset([]int64{4 << 20})
					address = cutter.Address
				}
				o := another(t, s, address)
				o.api.(*access).file = cmp.Or(c.file, "shared.dump")
				return o
			}
			want := func(err error, text string) {
				t.Helper()
				if (err == nil) != (text == "") || err != nil && !regexp.MustCompile(text).MatchString(err.Error()) {
					t.Errorf("%v", err)
				}
			}
			want(put(t.Context(), begin(), dumpOf(t, content)), c.up)
			if err := os.WriteFile(s.File(), content, 0o666); err != nil {
				t.Fatal(err)
			}
			o := begin()
			o.Folder = openFolder(t)
			_, _, err := o.fetch(t.Context(), upgrade.Status{Ticket: ticket}, upgrade.UpgradedDump, untoldOf)
			want(err, c.down)
		})
	}
}

func openFolder(t *testing.T) *workspace.Folder {
	t.Helper()
	folder, err := workspace.Open("", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = folder.Close() })
	return folder
}
