package compare

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"odoo-upgrade-action/internal/show"
)

// nouns are what people call the rows of tables, one and several.
var nouns = map[string][2]string{
	"account_move": {"journal entry", "journal entries"}, "account_move_line": {"journal item", "journal items"}, "account_invoice": {"invoice", "invoices"},
	"account_invoice_line": {"invoice line", "invoice lines"}, "account_payment": {"payment", "payments"}, "account_account": {"account", "accounts"},
	"account_journal": {"journal", "journals"}, "account_tax": {"tax", "taxes"}, "account_analytic_line": {"analytic item", "analytic items"},
	"account_bank_statement_line": {"bank statement line", "bank statement lines"}, "account_bank_statement": {"bank statement", "bank statements"},
	"account_partial_reconcile": {"partial reconciliation", "partial reconciliations"}, "account_full_reconcile": {"full reconciliation", "full reconciliations"},
	"res_partner": {"contact", "contacts"}, "res_users": {"user", "users"}, "res_company": {"company", "companies"}, "res_partner_bank": {"bank account", "bank accounts"},
	"res_lang": {"language", "languages"}, "ir_attachment": {"attachment", "attachments"}, "sale_order": {"sales order", "sales orders"}, "sale_order_line": {"sales order line", "sales order lines"},
	"purchase_order": {"purchase order", "purchase orders"}, "purchase_order_line": {"purchase order line", "purchase order lines"},
	"product_product": {"product", "products"}, "product_template": {"product template", "product templates"}, "product_pricelist": {"pricelist", "pricelists"},
	"stock_move": {"stock move", "stock moves"}, "stock_move_line": {"stock move line", "stock move lines"}, "stock_picking": {"transfer", "transfers"},
	"stock_quant": {"stock quantity", "stock quantities"}, "stock_lot": {"lot or serial number", "lots or serial numbers"}, "stock_location": {"location", "locations"},
	"stock_valuation_layer": {"valuation layer", "valuation layers"}, "stock_warehouse": {"warehouse", "warehouses"},
	"crm_lead": {"lead or opportunity", "leads or opportunities"}, "project_project": {"project", "projects"}, "project_task": {"task", "tasks"},
	"hr_employee": {"employee", "employees"}, "hr_contract": {"contract", "contracts"}, "hr_leave": {"time off", "times off"}, "hr_payslip": {"payslip", "payslips"},
	"mrp_production": {"manufacturing order", "manufacturing orders"}, "mrp_bom": {"bill of materials", "bills of materials"}, "pos_order": {"point of sale order", "point of sale orders"},
	"pos_order_line": {"point of sale order line", "point of sale order lines"}, "calendar_event": {"calendar event", "calendar events"}, "helpdesk_ticket": {"ticket", "tickets"},
}

// rowsOf says how many rows of a table: "3 journal items".
func rowsOf(n int64, table string) string {
	if noun, ok := nouns[table]; ok {
		return show.Count(n, noun[0], noun[1])
	}
	return show.Count(n, "row", "rows") + " of " + table
}

// isAre goes with count.
func isAre(n int64) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// grouped writes a number with commas between thousands.
func grouped(number string) string {
	whole, rest, _ := strings.Cut(number, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + "," + whole[at:]
	}
	if rest != "" {
		rest = "." + rest
	}
	return sign + whole + rest
}

// listed are ids, the first ten.
func listed(ids []uint32, n int64) string {
	var parts []string
	for _, id := range ids[:min(len(ids), maxExamples)] {
		parts = append(parts, fmt.Sprint(id))
	}
	text := strings.Join(parts, ", ")
	if more := n - int64(len(parts)); more > 0 {
		text += " and " + humanize.Comma(more) + " more"
	}
	return text
}

// Texts are the first findings, in one line.
func Texts(list []Finding) string {
	var texts []string
	for _, f := range list {
		texts = append(texts, f.Text)
	}
	return show.First(texts, 3, "; ")
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
