//go:build linux

package v1

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"odoo-upgrade-action/internal/dial"
	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/realtest"
	"odoo-upgrade-action/internal/upgrade"
	"odoo-upgrade-action/internal/workspace"
)

// BenchmarkTransfer moves a file to OpenSSH's server and back, over lines of
// several round trips, beside the other clients that are installed. It reports
// MB/s, and how many times as fast as each of the others this program was.
//
// Everything lies in memory. At a distance the others wait for the line and hardly
// compute, so they run beside each other, then this program alone, but for where it
// waits as well; and lftp moves a quarter of the file, or all of it would take longer
// than go test allows. ODOO_UPGRADE_BENCH_MIB sets the size.
func BenchmarkTransfer(b *testing.B) {
	mib := 1024
	if text := os.Getenv("ODOO_UPGRADE_BENCH_MIB"); text != "" {
		mib, _ = strconv.Atoi(text)
	}
	for _, server := range []struct {
		name       string
		lines      []string
		streams    int
		roundTrips []time.Duration
	}{
		{"openssh", nil, 4, []time.Duration{0, 50 * time.Millisecond, 100 * time.Millisecond}},
		{"one-connection-one-channel", []string{"MaxSessions 1"}, 1, []time.Duration{0, 50 * time.Millisecond}},
	} {
		b.Run(server.name, func(b *testing.B) {
			bench := newBench(b, int64(mib)<<20, server.streams, server.lines...)
			for _, roundTrip := range server.roundTrips {
				for _, direction := range []string{"up", "down"} {
					b.Run(fmt.Sprintf("%v/%s", roundTrip, direction), func(b *testing.B) {
						bench.run(b, roundTrip, direction == "up")
					})
				}
			}
		})
	}
}

// bench is a server, a dump, and a folder for what comes back, all in one file
// system in memory.
type bench struct {
	server  *realtest.SSHD
	dir     string
	dump    dump.Info
	quarter string // path of its first quarter
	streams int
}

func newBench(b *testing.B, size int64, streams int, lines ...string) *bench {
	b.Helper()
	bn := &bench{server: realtest.StartSSHD(b, "ed25519", lines...), streams: streams}
	realtest.InMemory(b, bn.server.Folder)
	realtest.WarmMemory(b, bn.server.Folder, 5*size) // what is read, and four files at a time
	bn.dir = filepath.Join(bn.server.Folder, "here")
	if err := os.Mkdir(bn.dir, 0o700); err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(bn.dir, "db.dump")
	bn.quarter = filepath.Join(bn.dir, "quarter.dump")
	block := noise(1, 1<<20)
	fill(b, path, block, size)
	fill(b, bn.quarter, block, size/4)
	var err error
	if bn.dump, err = dump.Inspect(b.Context(), path, dump.Options{}); err != nil {
		b.Fatal(err)
	}
	return bn
}

func fill(b *testing.B, path string, block []byte, size int64) {
	b.Helper()
	file, err := os.Create(path)
	for n := int64(0); err == nil && n < size; n += int64(len(block)) {
		_, err = file.Write(block)
	}
	if err := errors.Join(err, file.Close()); err != nil {
		b.Fatal(err)
	}
}

// mover is a client that is measured: what it moves, and how.
type mover struct {
	name  string
	local string // what it sends
	move  func(up bool) error
}

// there is a mover's file at the server; back is where it fetches that to.
func (bn *bench) there(name string) string { return filepath.Join(bn.server.Folder, name+".dump") }
func (bn *bench) back(name string) string  { return filepath.Join(bn.dir, "back-"+name) }

// others are the other clients, by the way of an address.
func (bn *bench) others(address string) []mover {
	host, port, _ := net.SplitHostPort(address)
	known := filepath.Join(bn.dir, "known-"+port)
	_ = os.WriteFile(known, []byte(bn.server.KnownHosts(address)), 0o600)
	ssh := []string{"-i", bn.server.Key, "-o", "UserKnownHostsFile=" + known, "-o", "BatchMode=yes", "-F", "none"}
	command := func(name, local string, argv func(up bool) []string) mover {
		return mover{name, local, func(up bool) error {
			args := argv(up)
			text, err := exec.Command(args[0], args[1:]...).CombinedOutput()
			if err != nil {
				err = fmt.Errorf("%v: %w: %s", args, err, text)
			}
			return err
		}}
	}
	sftp := func(name string, more ...string) mover {
		return command(name, bn.dump.Path, func(up bool) []string {
			batch, line := filepath.Join(bn.dir, "batch-"+name), fmt.Sprintf("get %s.dump %s\n", name, bn.back(name))
			if up {
				line = fmt.Sprintf("put %s %s.dump\n", bn.dump.Path, name)
			}
			_ = os.WriteFile(batch, []byte(line), 0o600)
			return slices.Concat([]string{"sftp", "-q", "-P", port, "-b", batch}, more, ssh, []string{bn.server.User + "@" + host})
		})
	}
	list := []mover{sftp("sftp")}
	if bn.streams == 1 {
		return list
	}
	rclone := command("rclone", bn.dump.Path, func(up bool) []string {
		remote := fmt.Sprintf(":sftp,host=%s,port=%s,user=%s,key_file=%q,known_hosts_file=%q,shell_type=none,set_modtime=false,disable_hashcheck=true,chunk_size=255k,concurrency=64:rclone.dump",
			host, port, bn.server.User, bn.server.Key, known)
		from, to := remote, bn.back("rclone")
		if up {
			from, to = bn.dump.Path, remote
		}
		return []string{"rclone", "copyto", "--config", "/dev/null", "--ignore-times", "--multi-thread-streams", "8", "--retries", "1", from, to}
	})
	lftp := command("lftp", bn.quarter, func(up bool) []string {
		what := "pget -n 4 lftp.dump -o " + bn.back("lftp")
		if up {
			what = "put " + bn.quarter + " -o lftp.dump"
		}
		return []string{"lftp", "-c", fmt.Sprintf("set cmd:fail-exit yes; set net:max-retries 1; set xfer:clobber yes; set sftp:connect-program \"ssh -a -x %s\"; open -u %s,x sftp://%s:%s; %s",
			strings.Join(ssh, " "), bn.server.User, host, port, what)}
	})
	return append(list, sftp("sftp-tuned", "-c", "aes128-gcm@openssh.com", "-B", "261120", "-R", "128"), rclone, lftp)
}

// ours is this program's transfer, as a run makes it: the connection, the check of
// what is there, all bytes, and the check of what arrived.
func (bn *bench) ours(b *testing.B, address string) mover {
	return mover{"ours", bn.dump.Path, func(up bool) error {
		c := another(b, bn.server, address)
		c.api.(*access).file, c.Transfer.Streams = "ours.dump", dial.Streams(bn.streams)
		if up {
			return put(b.Context(), c, bn.dump)
		}
		folder, err := workspace.Open("", bn.dir)
		if err != nil {
			return err
		}
		defer folder.Close()
		c.Folder = folder
		a, _, err := c.fetch(b.Context(), upgrade.Status{Ticket: ticket}, upgrade.UpgradedDump, untoldOf)
		if err != nil {
			return err
		}
		return os.Rename(a.Path, bn.back("ours"))
	}}
}

// rate lets a mover move its file, and returns MB/s. It is an error if what
// arrives is something else.
func (bn *bench) rate(m mover, up bool) (float64, error) {
	begin := time.Now()
	if err := m.move(up); err != nil {
		return 0, err
	}
	took := time.Since(begin)
	arrived := bn.back(m.name)
	if up {
		arrived = bn.there(m.name)
	}
	if text, err := exec.Command("cmp", m.local, arrived).CombinedOutput(); err != nil {
		return 0, fmt.Errorf("%s: %w: %s", m.name, err, text)
	}
	info, err := os.Stat(m.local)
	if err != nil {
		return 0, err
	}
	clear := os.Remove
	if up {
		clear = func(path string) error { return os.Truncate(path, 0) }
	}
	return float64(info.Size()) / 1e6 / took.Seconds(), clear(arrived)
}

// turnsNear is how often each client moves the file where that takes seconds.
const turnsNear = 3

func (bn *bench) run(b *testing.B, roundTrip time.Duration, up bool) {
	address, turns := bn.server.Address, turnsNear
	if roundTrip > 0 {
		address, turns = realtest.DelayLine(b, address, roundTrip).Address, 1
	}
	others := slices.DeleteFunc(bn.others(address), func(m mover) bool {
		program, _, _ := strings.Cut(m.name, "-")
		_, err := exec.LookPath(program)
		return err != nil
	})
	ours := bn.ours(b, address)
	for _, m := range append(others, ours) {
		bn.lay(b, m, up)
	}
	rates := map[string][]float64{}
	measure := func(together bool, movers ...mover) {
		measured, errs := make([]float64, len(movers)), make([]error, len(movers))
		var all sync.WaitGroup
		for i, m := range movers {
			all.Go(func() { measured[i], errs[i] = bn.rate(m, up) })
			if !together {
				all.Wait()
			}
		}
		all.Wait()
		for i, m := range movers {
			if errs[i] != nil {
				b.Fatal(errs[i])
			}
			rates[m.name] = append(rates[m.name], measured[i])
		}
	}
	for b.Loop() {
		for range turns {
			if roundTrip > 0 && bn.streams == 1 {
				measure(true, append(others, ours)...)
				continue
			}
			measure(roundTrip > 0, others...)
			measure(false, ours)
		}
	}
	report(b, rates)
}

// lay makes a mover's file at the server: empty, or what it is to fetch.
func (bn *bench) lay(b *testing.B, m mover, up bool) {
	b.Helper()
	there := bn.there(m.name)
	_ = os.Remove(there)
	make := func() error { return os.Link(m.local, there) }
	if up {
		make = func() error { return os.WriteFile(there, nil, 0o666) }
	}
	if err := errors.Join(make(), os.Chmod(there, 0o666)); err != nil {
		b.Fatal(err)
	}
}

func report(b *testing.B, rates map[string][]float64) {
	median := func(list []float64) float64 {
		slices.Sort(list)
		return list[len(list)/2]
	}
	ours := median(rates["ours"])
	for name, list := range rates {
		b.ReportMetric(median(list), name+"-MB/s")
		if name != "ours" {
			b.ReportMetric(ours/median(list), "times-"+name)
		}
	}
	b.ReportMetric(0, "ns/op") // would say nothing
}
