package script

import "bytes"

// messages is how what pg_dump says begins (pg_dump.c, pg_backup_archiver.c). Where two
// streams are joined, one begins wherever a buffer of the other ended.
var messages = [][]byte{
	[]byte("pg_dump: warning: "), []byte("pg_dump: error: "), []byte("pg_dump: detail: "), []byte("pg_dump: hint: "),
	[]byte("pg_dump: last built-in OID"), []byte("pg_dump: reading "), []byte("pg_dump: finding "), []byte("pg_dump: flagging "),
	[]byte("pg_dump: creating "), []byte("pg_dump: dumping contents"), []byte("pg_dump: saving "), []byte("pg_dump: identifying "),
}

// FindMessage returns where a message of pg_dump's begins in b, -1 if there is none.
func FindMessage(b []byte) int {
	for from := 0; ; {
		at := bytes.Index(b[from:], []byte("pg_dump: "))
		if at < 0 {
			return -1
		}
		from += at
		for _, m := range messages {
			if bytes.HasPrefix(b[from:], m) {
				return from
			}
		}
		from++
	}
}

// isMessage recognizes what pg_dump writes to the standard error.
func isMessage(line []byte) bool {
	return bytes.HasPrefix(line, []byte("pg_dump: ")) || bytes.HasPrefix(line, []byte("pg_restore: "))
}
