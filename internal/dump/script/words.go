package script

import (
	"bytes"
	"slices"
	"strings"
)

// statements are the words that begin one (PostgreSQL, "SQL Commands"); RETURN, CASE and
// END are in the bodies of functions.
var statements = func() map[string]bool {
	words := map[string]bool{}
	for word := range strings.FieldsSeq(`ABORT ALTER ANALYZE BEGIN CALL CASE CHECKPOINT CLOSE CLUSTER COMMENT COMMIT COPY CREATE DEALLOCATE
		DECLARE DELETE DISCARD DO DROP END EXECUTE EXPLAIN FETCH GRANT IMPORT INSERT LISTEN LOAD LOCK MERGE MOVE NOTIFY PREPARE REASSIGN
		REFRESH REINDEX RELEASE RESET RETURN REVOKE ROLLBACK SAVEPOINT SECURITY SELECT SET SHOW START TABLE TRUNCATE UNLISTEN UPDATE VACUUM
		VALUES WITH`) {
		words[word] = true
	}
	return words
}()

// insertInto begins most lines of a dump that was made with --inserts.
var insertInto = []byte("INSERT INTO ")

// isWholeInsert recognizes a statement of one line, of which a dump may have millions,
// without reading each of its characters: outside of texts, in which quotation marks are
// doubled, it ends with a semicolon.
func (s *Reader) isWholeInsert(line []byte) bool {
	return bytes.HasPrefix(line, insertInto) && bytes.HasSuffix(line, []byte(");")) && !s.lexer.backslash &&
		bytes.Count(line, []byte("'"))%2 == 0 && !bytes.Contains(line, []byte("E'"))
}

// IsStatement tells whether a line begins as a statement of SQL does.
func IsStatement(line []byte) bool {
	if line[0] == '(' || bytes.HasPrefix(line, insertInto) {
		return true
	}
	n := 0
	for n < len(line) && isNameByte(line[n]) {
		n++
	}
	word := string(line[:n])
	upper := strings.ToUpper(word)
	if n == 0 || n > 12 || !statements[upper] || word != upper && word != strings.ToLower(word) { // Start of a sentence
		return false
	}
	if n < len(line) && strings.IndexByte(" \t\r\n;('\"$-/*\\", line[n]) < 0 {
		return false
	}
	next, known := following[upper]
	if !known {
		return true
	}
	rest := tokens(line[n:])
	second := rest.next()
	return second.text == "" || strings.HasPrefix(second.text, "'") || slices.Contains(next, second.word())
}

// following are the words that may come after those that begin many a sentence, too.
var following = map[string][]string{
	"ABORT": {";", "WORK", "TRANSACTION", "AND"}, "END": {";", "WORK", "TRANSACTION", "AND"},
	"BEGIN":  {";", "WORK", "TRANSACTION", "ISOLATION", "READ", "NOT", "DEFERRABLE"},
	"COMMIT": {";", "WORK", "TRANSACTION", "AND", "PREPARED"}, "ROLLBACK": {";", "WORK", "TRANSACTION", "AND", "TO", "PREPARED"},
	"LOAD": {}, "START": {"TRANSACTION"},
}

// beginsStatement tells whether the last line of a file, which has no end, may be the
// beginning of a statement's first word, or of a comment.
func beginsStatement(line []byte) bool {
	if string(line) == "-" || string(line) == "/" {
		return true
	}
	for word := range statements {
		if strings.HasPrefix(word, strings.ToUpper(string(line[:min(len(line), 13)]))) {
			return true
		}
	}
	return false
}
