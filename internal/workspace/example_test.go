package workspace_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"odoo-upgrade-action/internal/workspace"
)

// A download that breaks off, and is continued by another process: it has its name only once
// all of it is there.
func Example() {
	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	arrive := func(more string, whole bool) (err error) {
		ctx := context.Background()
		folder, err := workspace.Open("", dir)
		if err != nil {
			return err
		}
		defer folder.Close()
		part, err := folder.Begin(ctx, "notes", "https://upgrade.odoo.com/notes")
		if err != nil {
			return err
		}
		defer func() { part.Close(ctx, err) }()
		if err := part.Resume(`"etag"`, 11); err != nil {
			return err
		}
		fmt.Println("continuing at byte", part.Size())
		if _, err := part.Write([]byte(more)); err != nil || !whole {
			return err
		}
		f, err := part.Commit(".html")
		fmt.Println(filepath.Base(f.Path), f.Size, "bytes")
		return err
	}
	fmt.Println(arrive("hello ", false))
	_, err = os.Stat(filepath.Join(dir, "notes.html"))
	fmt.Println("there before its end:", err == nil)
	fmt.Println(arrive("world", true))
	// Output:
	// continuing at byte 0
	// <nil>
	// there before its end: false
	// continuing at byte 6
	// notes.html 11 bytes
	// <nil>
}
