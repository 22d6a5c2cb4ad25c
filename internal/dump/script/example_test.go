package script_test

import (
	"fmt"
	"strings"

	"odoo-upgrade-action/internal/dump/script"
)

// partners takes the names of partners.
type partners struct{}

func (partners) Object(kind script.Kind, t script.Table) { fmt.Println("creates a", kind, t.Name) }
func (partners) Needs(string)                            {}
func (partners) Insert(script.Table)                     {}
func (partners) Unread(script.Table)                     {}

func (partners) Copy(c script.Copy) script.Rows {
	if c.Table.Name != "res_partner" {
		return nil
	}
	return func(line []byte) { fmt.Println(c.Field(line, "name", 100)) }
}

func Example() {
	r := script.New(partners{})
	err := r.Read(strings.NewReader(`--
-- PostgreSQL database dump
--

CREATE TABLE public.res_partner (id integer, name text);

COPY public.res_partner (id, name) FROM stdin;
1	Azure Interior
2	Deco\tAddict
\.

--
-- PostgreSQL database dump complete
--

`))
	fmt.Println(err, r.Check())
	// Output:
	// creates a table res_partner
	// Azure Interior
	// Deco	Addict
	// <nil> <nil>
}
