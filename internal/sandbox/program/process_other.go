//go:build !unix

package program

import (
	"os"
	"os/exec"
)

func own(*exec.Cmd) {}

func terminate(p *os.Process) error { return p.Kill() }

func killGroup(*os.Process) {}

func KillIn(string) {}
