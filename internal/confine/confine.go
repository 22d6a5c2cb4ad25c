// Package confine starts a program that handles a stranger's data so that it can read
// nothing of this machine but its own libraries and what it is given, and cannot create,
// change or remove a file. It can still change attributes, like a mode, and before Linux 6.2
// it can truncate. It is for programs whose input may make them open files: whatever gets
// around the checks of that input then meets the kernel.
//
// Call Start in place of a command's own. Where the kernel has no Landlock, Available says
// so, and Start starts the program without limits.
package confine

import (
	"os/exec"
	"path/filepath"
)

// libraries is where programs, their libraries and what those read at their start lie. Keys
// and passwords are in none of them.
var libraries = []string{
	"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store",
	"/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives",
	"/etc/nsswitch.conf", "/etc/passwd", "/etc/group", "/etc/hosts", "/etc/host.conf", "/etc/resolv.conf", "/etc/gai.conf", "/etc/services", "/etc/protocols",
	"/etc/localtime", "/etc/locale.alias", "/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/pki/tls/certs", "/etc/pki/tls/openssl.cnf", "/etc/crypto-policies",
	"/etc/perl", "/etc/postgresql-common", // Debian's psql is a script that picks one of several
	"/dev/null", "/dev/zero", "/dev/random", "/dev/urandom",
}

// readable is everything that a command may read: libraries, its own program, and paths.
func readable(command *exec.Cmd, paths []string) []string {
	list := append(append([]string{}, libraries...), paths...)
	if program, err := filepath.EvalSymlinks(command.Path); err == nil {
		folder := filepath.Dir(program)
		list = append(list, folder)
		for _, beside := range []string{"lib", "lib64", "share"} { // of an installation of its own
			list = append(list, filepath.Join(filepath.Dir(folder), beside))
		}
	}
	return list
}
