package rsync_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc/test/bufconn"

	"odoo-upgrade-action/internal/rsync"
)

// A client sends a file to a server, both from this package; in earnest, one of the two is
// rsync, at the other end of an SSH connection.
func Example() {
	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	root, err := os.OpenRoot(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer root.Close()
	line := bufconn.Listen(64 << 10) // both ends write before they read
	ended := make(chan error, 1)
	go func() {
		there, _ := line.Accept()
		arguments, err := rsync.ParseArgs(rsync.PushArgs("/data/db.dump", "--inplace")) // the words of the command
		if err == nil {
			_, _, err = rsync.ServeReceiver(context.Background(), there, arguments, rsync.Target{Root: root, Name: "db.dump"}, 1)
		}
		_ = there.Close()
		ended <- err
	}()
	const content = "a database"
	here, err := line.Dial()
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = rsync.Push(context.Background(), here, []rsync.File{{
		Name: "dump", Size: int64(len(content)), ModTime: time.Unix(1_000_000_000, 0),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil },
	}}, rsync.PushOptions{Delete: true})
	text, _ := os.ReadFile(dir + "/db.dump")
	fmt.Println(err, <-ended, string(text))
	// Output: <nil> <nil> a database
}
