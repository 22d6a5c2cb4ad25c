package realtest

import (
	"archive/zip"
	"errors"
	"io"
)

// SmallSQL is a complete dump of a small database.
const SmallSQL = "--\n-- PostgreSQL database dump\n--\n\nCREATE TABLE public.ir_module_module (\n    id integer,\n    name text\n);\n\n" +
	"COPY public.ir_module_module (id, name) FROM stdin;\n1\tbase\n\\.\n\nALTER TABLE ONLY public.ir_module_module\n    ADD CONSTRAINT ir_module_module_pkey PRIMARY KEY (id);\n\n" +
	"--\n-- PostgreSQL database dump complete\n--\n\n"

// Backup writes a backup as Odoo makes it, with a filestore of one file.
func Backup(w io.Writer, attachment io.Reader) error {
	z := zip.NewWriter(w)
	sql, err := z.Create("dump.sql")
	if err == nil {
		_, err = io.WriteString(sql, SmallSQL)
	}
	if err != nil {
		return err
	}
	file, err := z.CreateHeader(&zip.FileHeader{Name: "filestore/aa/aa"}) // not compressed
	if err == nil {
		_, err = io.Copy(file, attachment)
	}
	return errors.Join(err, z.Close())
}
