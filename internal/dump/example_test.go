package dump_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"odoo-upgrade-action/internal/dump"
)

// A dump that breaks off is not an error of Inspect: the Info says what is wrong.
func ExampleInspect() {
	dir, err := os.MkdirTemp("", "dump-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "odoo.sql")
	if err := os.WriteFile(path, []byte("-- PostgreSQL database dump\nCREATE TABLE public.ir_module_module ();\n"), 0o600); err != nil {
		log.Fatal(err)
	}
	info, err := dump.Inspect(context.Background(), path, dump.Options{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(info.Kind, info.Odoo, info.Problem == nil)
	// Output: sql true false
}
