//go:build unix

package realtest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// SSHD is a real OpenSSH server of a test's own that shows one folder, as the
// platform's does: a chroot in which nothing can be created, with one file of another
// user that everyone may write.
type SSHD struct {
	Address string // host:port
	User    string
	Key     string // path of the user's private key
	HostKey string // the server's public key, as authorized_keys has one
	Folder  string // what users see
	Log     string // path of the server's log
}

// File is the path of the shared file on this machine.
func (s *SSHD) File() string { return filepath.Join(s.Folder, "shared.dump") }

// StartSSHD starts a server that ends with the test, with a host key of that type
// and further lines of configuration. The test is skipped where OpenSSH is
// missing or the user is not root.
func StartSSHD(t testing.TB, hostKey string, lines ...string) *SSHD {
	t.Helper()
	Need(t, "sshd", "ssh-keygen")
	if os.Geteuid() != 0 {
		Skip(t, "needs root, for sshd's chroot")
	}
	dir, err := os.MkdirTemp("/srv", "sshd-") // sshd wants every folder above a chroot to be root's alone
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &SSHD{User: "nobody", Key: dir + "/user", Folder: dir + "/shared", Log: dir + "/log"}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.MkdirAll("/run/sshd", 0o755))
	must(os.Chmod(dir, 0o755))
	must(os.Mkdir(s.Folder, 0o755))
	must(os.WriteFile(s.File(), nil, 0o600))
	must(os.Chmod(s.File(), 0o666))
	for path, kind := range map[string]string{s.Key: "ed25519", dir + "/host": hostKey} {
		if text, err := exec.Command("ssh-keygen", "-q", "-t", kind, "-N", "", "-f", path).CombinedOutput(); err != nil {
			t.Fatalf("ssh-keygen: %v %s", err, text)
		}
	}
	public, err := os.ReadFile(dir + "/host.pub")
	must(err)
	s.HostKey = strings.TrimSpace(string(public))
	lines = append([]string{"MaxStartups 50"}, lines...) // of which sshd takes the last
	config := strings.Join(append(lines,                 // and of all others the first
		"ListenAddress 127.0.0.1", "HostKey "+dir+"/host", "AuthorizedKeysFile "+dir+"/user.pub", "StrictModes no", "UsePAM no",
		"PasswordAuthentication no", "PidFile none", "ChrootDirectory "+s.Folder, "ForceCommand internal-sftp -d /", "Subsystem sftp internal-sftp"), "\n") + "\n"
	// A port that is free now: sshd takes no socket from us.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	s.Address = listener.Addr().String()
	_, port, _ := net.SplitHostPort(s.Address)
	must(listener.Close())
	must(os.WriteFile(dir+"/config", []byte("Port "+port+"\n"+config), 0o600))
	sshd, _ := exec.LookPath("sshd")
	command := exec.Command(sshd, "-D", "-f", dir+"/config", "-E", s.Log) // sshd wants its whole path
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	must(command.Start())
	t.Cleanup(func() {
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL)
		_ = command.Wait()
	})
	s.wait(t)
	return s
}

// StartRsyncServer starts a server that runs commands as root, with that rsync as the only
// one, and shows a folder of the test's own.
func StartRsyncServer(t testing.TB, rsync string) *SSHD {
	t.Helper()
	s := StartSSHD(t, "ed25519", "ChrootDirectory none", "ForceCommand none", "PermitRootLogin yes", "SetEnv PATH="+filepath.Dir(rsync))
	s.User = "root"
	return s
}

// wait returns when the server listens.
func (s *SSHD) wait(t testing.TB) {
	t.Helper()
	for range 200 {
		text, _ := os.ReadFile(s.Log)
		if strings.Contains(string(text), "Server listening") {
			return
		}
		time.Sleep(10 * time.Millisecond) // another program's start can only be polled
	}
	text, _ := os.ReadFile(s.Log)
	t.Fatalf("sshd does not listen: %s", text)
}

// KnownHosts is the server's line for a known_hosts file, at an address.
func (s *SSHD) KnownHosts(address string) string {
	host, port, _ := net.SplitHostPort(address)
	return fmt.Sprintf("[%s]:%s %s\n", host, port, s.HostKey)
}

// HostKeyOnly is the server's public key without its comment.
func (s *SSHD) HostKeyOnly() string {
	fields := strings.Fields(s.HostKey)
	return strings.Join(fields[:2], " ")
}

// Port is that of an address, as a number.
func Port(t testing.TB, address string) int {
	t.Helper()
	_, text, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return port
}
