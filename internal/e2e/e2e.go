// Package e2e has the tests of the built program against real ones: PostgreSQL, OpenSSH, rsync,
// nginx, the vendor's script, and kill -9. It has nothing but tests.
//
//	go test ./internal/e2e -run TestKilled -v
package e2e
