//go:build !linux

package confine

import "os/exec"

// Available reports whether programs can be confined.
func Available() bool { return false }

// Start starts a command. Only Linux can confine it.
func Start(command *exec.Cmd, _ ...string) error { return command.Start() }
