// Command gen writes action.yml and the README's tables from the declarations
// in internal/cli and internal/report. It runs in internal/cli.
package main

import (
	"log"
	"os"

	"odoo-upgrade-action/internal/cli"
)

func main() {
	log.SetFlags(0)
	if err := os.WriteFile("../../action.yml", cli.ActionYAML(), 0o644); err != nil {
		log.Fatal(err)
	}
	text, err := os.ReadFile("../../README.md")
	if err == nil {
		text, err = cli.Readme(text)
	}
	if err == nil {
		err = os.WriteFile("../../README.md", text, 0o644)
	}
	if err != nil {
		log.Fatal(err)
	}
}
