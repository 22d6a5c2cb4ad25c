// Package script reads plain SQL as pg_dump writes it, statement by statement as psql would, and
// the rows of COPY, which archives have, too.
//
// New returns a Reader, which calls a Sink for tables and their rows: Read it all, and then Check
// whether it was complete. ReadRows reads the rows of one table, as an archive has them; a Copy
// says which column stands where, and its method Field takes one out of a row. Portable copies a
// script without what makes a restore on another server fail.
//
// The text is a stranger's: nothing of it runs, a row or a statement that is longer than a buffer
// is passed over, and memory does not grow with the file.
package script
