//go:build linux

package jsonrpc

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"odoo-upgrade-action/internal/realtest"
	"odoo-upgrade-action/internal/upgrade"
	"odoo-upgrade-action/internal/workspace"
)

// BenchmarkRsync moves a file and a folder to a real rsync behind OpenSSH and back, beside
// Debian's rsync with its default cipher and with AES-GCM. It reports MB/s, how many times
// as fast as each of the others this program was, and the memory it took at most.
// ODOO_UPGRADE_BENCH_MIB sets the size of the file.
func BenchmarkRsync(b *testing.B) {
	mib := 1024
	if text := os.Getenv("ODOO_UPGRADE_BENCH_MIB"); text != "" {
		mib, _ = strconv.Atoi(text)
	}
	realtest.Need(b, "time")
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
	rsync := func(cipher ...string) func() time.Duration {
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
		return func() time.Duration {
			begin := time.Now()
			if text, err := exec.Command("rsync", "-rlt", "--delete-after", "-e", ssh, from, to).CombinedOutput(); err != nil {
				b.Fatalf("%v: %s", err, text)
			}
			return time.Since(begin)
		}
	}
	peak := 0.0 // MiB
	movers := map[string]func() time.Duration{"rsync": rsync(), "rsync-gcm": rsync("aes128-gcm@openssh.com"), "ours": func() time.Duration {
		took, memory := run(b, transfer{*s, address, local, direction, time.Now()})
		peak = max(peak, memory)
		return took
	}}
	took := map[string][]time.Duration{}
	for b.Loop() {
		for name, measure := range movers {
			for _, path := range []string{remote, back, filepath.Join(s.Folder, "origin.dump"), filepath.Join(s.Folder, "received")} {
				_ = os.RemoveAll(path)
			}
			took[name] = append(took[name], measure())
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
	b.ReportMetric(peak, "MiB-ours")
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

// transfer is one for a process of its own, as the others have one.
type transfer struct {
	Server                    realtest.SSHD
	Address, Local, Direction string
	Began                     time.Time
}

// run runs this program's transfer, and returns how long it took and its peak memory in
// MiB.
func run(b *testing.B, tr transfer) (took time.Duration, peak float64) {
	b.Helper()
	text, err := json.Marshal(tr)
	if err != nil {
		b.Fatal(err)
	}
	measured := b.TempDir() + "/peak"
	// Through time(1): the peak of a child process begins with that of its parent.
	command := exec.Command("time", "-f", "%M", "-o", measured, os.Args[0], "-test.run=^TestTransferProcess$")
	command.Env = append(os.Environ(), "ODOO_UPGRADE_TEST_TRANSFER="+string(text))
	said, err := command.CombinedOutput()
	if err != nil {
		b.Fatalf("%v: %s", err, said)
	}
	first, _, _ := strings.Cut(string(said), "\n")
	took, err = time.ParseDuration(first)
	if err != nil {
		b.Fatal(err)
	}
	kib, err := os.ReadFile(measured)
	if err != nil {
		b.Fatal(err)
	}
	peak, err = strconv.ParseFloat(strings.TrimSpace(string(kib)), 64)
	if err != nil {
		b.Fatal(err)
	}
	return took, peak / 1024
}

// TestTransferProcess makes one transfer in a process that BenchmarkRsync starts, and
// prints how long it took, without the inspection of the dump.
func TestTransferProcess(t *testing.T) {
	text := os.Getenv("ODOO_UPGRADE_TEST_TRANSFER")
	if text == "" {
		t.Skip("it is started by a benchmark")
	}
	var tr transfer
	if err := json.Unmarshal([]byte(text), &tr); err != nil {
		t.Fatal(err)
	}
	inspecting := time.Now()
	d := dumpOf(t, tr.Local)
	inspected := time.Since(inspecting)
	p := on(t, &tr.Server, &api{address: tr.Address, known: known(&tr.Server), dumpName: filepath.Base(tr.Local)})
	if tr.Direction == "up" {
		if _, err := p.Upload(t.Context(), ticket, d, untold); err != nil {
			t.Fatal(err)
		}
	} else {
		p.root = filepath.Dir(tr.Local)
		var err error
		if p.Folder, err = workspace.Open("", filepath.Join(tr.Server.Folder, "received")); err != nil {
			t.Fatal(err)
		}
		defer p.Folder.Close()
		if _, _, err = p.Fetch(t.Context(), upgrade.Status{Ticket: ticket}, upgrade.UpgradedDump, func(int64, int64) {}); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Println(time.Since(tr.Began) - inspected)
}
