package jsonrpc

import (
	"strings"
	"testing"

	"odoo-upgrade-action/internal/rsync"
)

// TestCommands has the commands of the vendor's script, which are always accepted, and
// those of this program, which a strict server refuses.
func TestCommands(t *testing.T) {
	own := func(args []string) string { return "rsync " + strings.Join(args, " ") }
	for command, want := range map[string]struct{ upload, download, strict bool }{
		"rsync --server -ltre.iLsfxCIvu --delete-after . /data/origin.zip":                                      {upload: true, strict: true},
		"rsync --server -logDtpre.iLsfxCIvu --delete-after . /data/origin.zip":                                  {upload: true, strict: true},
		"rsync --server --sender -logDtpre.iLsfxCIvu --ignore-missing-args . /data/upgraded.zip":                {download: true, strict: true},
		"rsync --server -logDtpre.iLsfxCIvu . /data/origin.zip":                                                 {upload: true, strict: true},
		own(rsync.PushArgs("/data/origin.zip")):                                                                 {upload: true, strict: true},
		own(rsync.PullArgs(rsync.Protocol27, "/data/upgraded.zip")):                                             {download: true, strict: true},
		own(rsync.PushArgs("/data/origin.zip", "--inplace")):                                                    {upload: true},
		own(rsync.PullArgs(rsync.Protocol30, "/data/upgraded.zip")):                                             {download: true},
		"rsync --server -ltre.iLsfxCIvu . /data/origin.zip":                                                     {},
		"rsync --server --sender -logDtpre.iLsfxCIvu --remove-source-files . /data":                             {},
		"rsync --server --sender -logDtpre.iLsfxCIvu --ignore-missing-args --rsync-path=x . /data/upgraded.zip": {},
		"rsync --server -ltre.iLsfxCIvu --delete-after /data/origin.zip":                                        {},
		"rsync": {},
	} {
		words := strings.Fields(command)
		if uploads.allow(words, false) != want.upload || downloads.allow(words, false) != want.download ||
			(uploads.allow(words, true) || downloads.allow(words, true)) != want.strict {
			t.Errorf("%s: upload %t and %t, download %t and %t", command, uploads.allow(words, false), uploads.allow(words, true), downloads.allow(words, false), downloads.allow(words, true))
		}
	}
}
