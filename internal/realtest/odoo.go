package realtest

import (
	_ "embed"
	"fmt"
	"regexp"
	"testing"
)

//go:embed odoo.sql
var odooSQL string

var invoiceCount = regexp.MustCompile(`\bN\b`)

// OdooSQL returns the statements that make a database with those tables of Odoo that a comparison
// reads, with so many invoices.
func OdooSQL(invoices int) string {
	return invoiceCount.ReplaceAllString(odooSQL, fmt.Sprint(invoices))
}

// OdooDatabase makes such a database.
func (c *Cluster) OdooDatabase(t testing.TB, name string, invoices int) {
	t.Helper()
	c.Run("createdb", name)
	c.SQL(name, OdooSQL(invoices))
}
