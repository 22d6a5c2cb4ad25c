package stream

import (
	"io"

	"github.com/klauspost/readahead"
)

// Ahead returns a reader that reads in from a goroutine of its own, so that decompressing and
// parsing take a processor each. Close ends it: in is not read any more then.
func Ahead(in io.Reader) io.ReadCloser {
	const buffers, size = 4, 256 << 10
	ahead, err := readahead.NewReaderSize(struct{ io.Reader }{in}, buffers, size)
	if err != nil { // only with other numbers
		panic(err)
	}
	return struct { // without WriteTo, which takes the end for an error
		io.Reader
		io.Closer
	}{ahead, ahead}
}
