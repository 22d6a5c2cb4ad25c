package realtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// InMemory makes a folder a file system in memory until the test's end, so that
// what is measured is not the disk. The test is skipped where that is not
// allowed.
func InMemory(t testing.TB, dir string) {
	t.Helper()
	Need(t, "mount")
	if text, err := exec.Command("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", dir).CombinedOutput(); err != nil {
		Skip(t, fmt.Sprintf("mount: %s", text))
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", dir).Run() })
}

// WarmMemory sees to it that a file system in memory finds size bytes of memory at
// hand until the test's end. A virtual machine that gives free memory back to its
// host waits for each page that it takes again, and that is slower than any transfer;
// but it gives back whole blocks of 2 MiB only. So each such block is touched, and
// one page of it is kept.
func WarmMemory(t testing.TB, dir string, size int64) {
	t.Helper()
	const block, page = 2 << 20, 4 << 10
	file, err := os.Create(filepath.Join(dir, ".warm"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	zeros := make([]byte, block)
	for range size / block {
		if _, err := file.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	const keepSize, punchHole = 1, 2 // of <linux/falloc.h>
	for at := int64(0); at < size; at += block {
		if err := syscall.Fallocate(int(file.Fd()), keepSize|punchHole, at+page, block-page); err != nil {
			t.Fatal(err)
		}
	}
}
