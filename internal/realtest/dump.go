package realtest

import "strings"

// Dump returns a complete dump as plain SQL that holds a text, for tests that do not care
// what is in a database.
func Dump(text string) string {
	return "--\n-- PostgreSQL database dump\n--\n\n" +
		"-- Dumped from database version 15.10\n\nSELECT 1; -- " + strings.ReplaceAll(text, "\n", "\n-- ") +
		"\n\n--\n-- PostgreSQL database dump complete\n--\n\n"
}
