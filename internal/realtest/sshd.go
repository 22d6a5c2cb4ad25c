//go:build unix

package realtest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
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
	s, dir := prepare(t, "ed25519", hostKey)
	must(t, os.MkdirAll("/run/sshd", 0o755))
	lines = append([]string{"MaxStartups 50"}, lines...) // of which sshd takes the last
	config := strings.Join(append(lines,                 // and of all others the first
		"ListenAddress 127.0.0.1", "Port "+s.port(), "HostKey "+dir+"/host", "AuthorizedKeysFile "+dir+"/user.pub", "StrictModes no", "UsePAM no",
		"PasswordAuthentication no", "PidFile none", "ChrootDirectory "+s.Folder, "ForceCommand internal-sftp -d /", "Subsystem sftp internal-sftp"), "\n") + "\n"
	must(t, os.WriteFile(dir+"/config", []byte(config), 0o600))
	sshd, _ := exec.LookPath("sshd") // which wants its whole path
	s.start(t, s.saysSo, sshd, "-D", "-f", dir+"/config", "-E", s.Log)
	return s
}

// StartProFTPD is StartSSHD with ProFTPD's mod_sftp.
func StartProFTPD(t testing.TB, lines ...string) *SSHD {
	t.Helper()
	Need(t, "proftpd", "ssh-keygen")
	s, dir := prepare(t, "rsa", "rsa")
	public, err := exec.Command("ssh-keygen", "-e", "-f", s.Key+".pub").Output()
	must(t, err)
	must(t, os.WriteFile(dir+"/authorized", public, 0o644))
	must(t, os.WriteFile(dir+"/passwd", []byte(s.User+":*:65534:65534::"+s.Folder+":/bin/sh\n"), 0o600))
	config := strings.Join(append([]string{
		"LoadModule mod_sftp.c", "ServerType standalone", "ServerName test", "DefaultServer on", "UseReverseDNS off", "UseIPv6 off", "UseFtpUsers off",
		"Port " + s.port(), "DefaultAddress 127.0.0.1", "SocketBindTight on", "MaxInstances 50", "User daemon", "Group daemon",
		"AuthOrder mod_auth_file.c", "AuthUserFile " + dir + "/passwd", "RequireValidShell off", "DefaultRoot ~", "AllowOverwrite on", "AllowStoreRestart on",
		"PidFile " + dir + "/pid", "ScoreboardFile " + dir + "/score", "TransferLog none", "DelayEngine off", "SystemLog " + dir + "/system.log", "WtmpLog off",
		"SFTPEngine on", "SFTPHostKey " + dir + "/host", "SFTPAuthorizedUserKeys file:" + dir + "/authorized", "SFTPAuthMethods publickey", "SFTPLog " + s.Log,
	}, lines...), "\n") + "\n"
	must(t, os.WriteFile(dir+"/config", []byte(config), 0o644))
	s.start(t, s.accepts, "proftpd", "-n", "-c", dir+"/config")
	return s
}

// StartRclone is StartSSHD with rclone's server, which stores at once what is closed.
func StartRclone(t testing.TB, arguments ...string) *SSHD {
	t.Helper()
	Need(t, "rclone", "ssh-keygen")
	s, dir := prepare(t, "ed25519", "ed25519")
	s.start(t, s.accepts, "rclone", append([]string{"serve", "sftp", s.Folder, "--addr", s.Address, "--config", os.DevNull, "--key", dir + "/host",
		"--authorized-keys", s.Key + ".pub", "--cache-dir", dir + "/cache", "--log-file", s.Log, "--vfs-write-back", "0s"}, arguments...)...)
	return s
}

// prepare makes the folder, the keys and the address of a server that ends with the test.
func prepare(t testing.TB, userKey, hostKey string) (s *SSHD, dir string) {
	t.Helper()
	if os.Geteuid() != 0 {
		Skip(t, "needs root, for the server's chroot")
	}
	dir, err := os.MkdirTemp("/srv", "sshd-") // sshd wants every folder above a chroot to be root's alone
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s = &SSHD{User: "daemon", Key: dir + "/user", Folder: dir + "/shared", Log: dir + "/log"}
	must(t, os.Chmod(dir, 0o755))
	must(t, os.Mkdir(s.Folder, 0o755))
	must(t, os.WriteFile(s.File(), nil, 0o600))
	must(t, os.Chmod(s.File(), 0o666))
	for path, kind := range map[string]string{s.Key: userKey, dir + "/host": hostKey} {
		if text, err := exec.Command("ssh-keygen", "-q", "-t", kind, "-m", "PEM", "-N", "", "-f", path).CombinedOutput(); err != nil {
			t.Fatalf("ssh-keygen: %v %s", err, text)
		}
	}
	public, err := os.ReadFile(dir + "/host.pub")
	must(t, err)
	s.HostKey = strings.TrimSpace(string(public))
	listener, err := net.Listen("tcp", "127.0.0.1:0") // a port that is free now: these servers take no socket from us
	must(t, err)
	s.Address = listener.Addr().String()
	must(t, listener.Close())
	return s, dir
}

// saysSo reports whether sshd's log says that it listens: a connection would count as a
// login that has begun.
func (s *SSHD) saysSo() bool {
	text, _ := os.ReadFile(s.Log)
	return strings.Contains(string(text), "Server listening")
}

// accepts reports whether the server accepts connections.
func (s *SSHD) accepts() bool {
	conn, err := net.Dial("tcp", s.Address)
	if err == nil {
		_ = conn.Close()
	}
	return err == nil
}

// start starts the server, and returns when it listens.
func (s *SSHD) start(t testing.TB, listens func() bool, program string, arguments ...string) {
	t.Helper()
	command := exec.Command(program, arguments...)
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var out strings.Builder
	command.Stdout, command.Stderr = &out, &out
	must(t, command.Start())
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	t.Cleanup(func() {
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL)
		<-ended
	})
	for !listens() { // as long as it lives: a busy machine takes its time
		select {
		case err := <-ended:
			ended <- err
			text, _ := os.ReadFile(s.Log)
			t.Fatalf("%s ended: %v: %s %s", program, err, &out, text)
		case <-time.After(10 * time.Millisecond): // another program's start can only be polled
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *SSHD) port() string {
	_, port, _ := net.SplitHostPort(s.Address)
	return port
}

// StartRsyncServer starts a server that runs commands as root, with that rsync as the only
// one, and shows a folder of the test's own.
func StartRsyncServer(t testing.TB, rsync string) *SSHD {
	t.Helper()
	s := StartSSHD(t, "ed25519", "ChrootDirectory none", "ForceCommand none", "PermitRootLogin yes", "SetEnv PATH="+filepath.Dir(rsync))
	s.User = "root"
	return s
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
