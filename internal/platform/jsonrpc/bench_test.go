//go:build linux

package jsonrpc

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"odoo-upgrade-action/internal/realtest"
	"odoo-upgrade-action/internal/workspace"

	"odoo-upgrade-action/internal/upgrade"
)

// BenchmarkRsync moves a file and a folder to a real rsync behind OpenSSH and back, beside
// Debian's rsync with its default cipher and with AES-GCM. It reports MB/s, and how many
// times as fast as each of the others this program was. ODOO_UPGRADE_BENCH_MIB sets the
// size of the file.
func BenchmarkRsync(b *testing.B) {
	mib := 1024
	if text := os.Getenv("ODOO_UPGRADE_BENCH_MIB"); text != "" {
		mib, _ = strconv.Atoi(text)
	}
	program := realtest.Rsyncs(b)[0]
	s := realtest.StartRsyncServer(b, program)
	realtest.InMemory(b, s.Folder)
	realtest.WarmMemory(b, s.Folder, 5*int64(mib)<<20)
	here := filepath.Join(s.Folder, "here")
	file := write(b, here+"/db.zip", nil)
	fill(b, file, mib)
	folder(b, here+"/db.folder", 400, mib<<20/4/400)
	for _, roundTrip := range []time.Duration{0, 50 * time.Millisecond} {
		address := s.Address
		if roundTrip > 0 {
			address = realtest.DelayLine(b, address, roundTrip).Address
		}
		for _, what := range []string{"file", "folder"} {
			for _, direction := range []string{"up", "down"} {
				b.Run(fmt.Sprintf("%v/%s/%s", roundTrip, what, direction), func(b *testing.B) {
					compare(b, s, address, map[string]string{"file": file, "folder": here + "/db.folder"}[what], direction)
				})
			}
		}
	}
}

func fill(b *testing.B, path string, mib int) {
	b.Helper()
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	block := noise(1, 1<<20)
	for n := range mib {
		copy(block, strconv.Itoa(n))
		if _, err := file.Write(block); err != nil {
			b.Fatal(err)
		}
	}
	if err := file.Close(); err != nil {
		b.Fatal(err)
	}
}

// compare takes turns with the others and reports medians.
func compare(b *testing.B, s *realtest.SSHD, address, local, direction string) {
	host, port, _ := net.SplitHostPort(address)
	knownHosts := write(b, b.TempDir()+"/known", []byte(s.KnownHosts(address)))
	size := sizeOf(b, local)
	remote, back := filepath.Join(s.Folder, "remote"), filepath.Join(s.Folder, "back")
	rsync := func(cipher ...string) func() error {
		ssh := fmt.Sprintf("ssh -F none -i %s -p %s -o UserKnownHostsFile=%s -o BatchMode=yes", s.Key, port, knownHosts)
		for _, c := range cipher {
			ssh += " -c " + c
		}
		from, to := local, "root@"+host+":"+remote
		if direction == "down" {
			from, to = "root@"+host+":"+local, back
		}
		if info, err := os.Stat(local); err == nil && info.IsDir() {
			from += "/"
		}
		return func() error {
			text, err := exec.Command("rsync", "-rlt", "--delete-after", "-e", ssh, from, to).CombinedOutput()
			if err != nil {
				err = fmt.Errorf("%w: %s", err, text)
			}
			return err
		}
	}
	movers := map[string]func() error{"ours": ours(b, s, address, local, direction), "rsync": rsync(), "rsync-gcm": rsync("aes128-gcm@openssh.com")}
	took := map[string][]time.Duration{}
	for b.Loop() {
		for name, move := range movers {
			_ = os.RemoveAll(remote)
			_ = os.RemoveAll(back)
			_ = os.RemoveAll(filepath.Join(s.Folder, "origin.dump"))
			_ = os.RemoveAll(filepath.Join(s.Folder, "received"))
			begin := time.Now()
			if err := move(); err != nil {
				b.Fatalf("%s: %v", name, err)
			}
			took[name] = append(took[name], time.Since(begin))
		}
	}
	median := func(name string) float64 {
		slices.Sort(took[name])
		return took[name][len(took[name])/2].Seconds()
	}
	b.ReportMetric(0, "ns/op") // of all together: says nothing
	for name := range movers {
		b.ReportMetric(float64(size)/1e6/median(name), "MB/s-"+name)
	}
	b.ReportMetric(median("rsync")/median("ours"), "x-rsync")
	b.ReportMetric(median("rsync-gcm")/median("ours"), "x-rsync-gcm")
}

func sizeOf(b *testing.B, path string) (size int64) {
	b.Helper()
	err := filepath.WalkDir(path, func(_ string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if info, infoErr := d.Info(); infoErr == nil {
				size += info.Size()
			}
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return size
}

// ours is this program's transfer as a run makes it: start, connection, transfer, stop.
func ours(b *testing.B, s *realtest.SSHD, address, local, direction string) func() error {
	d := dumpOf(b, local)
	return func() error {
		a := &api{address: address, known: known(s), dumpName: filepath.Base(local)}
		p := on(b, s, a)
		if direction == "up" {
			_, err := p.Upload(b.Context(), ticket, d, untold)
			return err
		}
		p.root = filepath.Dir(local)
		var err error
		if p.Folder, err = workspace.Open("", filepath.Join(s.Folder, "received")); err != nil {
			return err
		}
		defer p.Folder.Close()
		_, _, err = p.Fetch(b.Context(), upgrade.Status{Ticket: ticket}, upgrade.UpgradedDump, func(int64, int64) {})
		return err
	}
}
