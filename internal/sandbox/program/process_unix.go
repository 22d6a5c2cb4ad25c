//go:build unix

package program

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// own gives a program a process group of its own, so that all of it can be ended.
func own(command *exec.Cmd) { command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// terminate asks a program and what it started to end.
func terminate(p *os.Process) error { return syscall.Kill(-p.Pid, syscall.SIGTERM) }

// killGroup kills what a program that has ended left running in its process group.
func killGroup(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) }

// KillIn kills the processes that are marked with a folder or one in it, where the system
// tells (Linux, proc(5)). Those that are started meanwhile are found in another turn.
func KillIn(folder string) {
	for range 100 {
		found := false
		entries, _ := filepath.Glob("/proc/[0-9]*/environ")
		for _, path := range entries {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			if err != nil || pid == os.Getpid() {
				continue
			}
			text, _ := os.ReadFile(path) // of others' processes: not readable
			if IsIn(text, folder) && syscall.Kill(pid, syscall.SIGKILL) == nil {
				found = true
			}
		}
		if !found {
			return
		}
	}
}

// IsIn reports whether an environment is marked with a folder, or one in it.
func IsIn(environ []byte, folder string) bool {
	for entry := range bytes.SplitSeq(environ, []byte{0}) {
		if in, ok := strings.CutPrefix(string(entry), FolderVariable+"="); ok {
			return in == folder || strings.HasPrefix(in, folder+string(filepath.Separator))
		}
	}
	return false
}
