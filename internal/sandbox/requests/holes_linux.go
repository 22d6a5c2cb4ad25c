package requests

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// holes returns how many bytes of a file were never written, at least maxHoles+1 if there
// are more than that: to read them would take time, and they are not a dump's.
func holes(path string) (total int64, err error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return 0, err
	}
	for at := int64(0); at < info.Size() && total <= maxHoles; {
		hole, err := unix.Seek(int(file.Fd()), at, unix.SEEK_HOLE)
		if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTSUP) { // a file system that does not tell
			return total, nil
		}
		if err != nil || hole >= info.Size() {
			return total, err
		}
		if at, err = unix.Seek(int(file.Fd()), hole, unix.SEEK_DATA); errors.Is(err, unix.ENXIO) {
			at, err = info.Size(), nil // up to the end
		}
		if err != nil {
			return total, err
		}
		total += at - hole
	}
	return total, nil
}
