//go:build !unix

package engine

import (
	"os"
	"os/exec"
)

func own(*exec.Cmd) {}

func terminate(p *os.Process) error { return p.Kill() }

func killGroup(*os.Process) {}

func killIn(string) {}
