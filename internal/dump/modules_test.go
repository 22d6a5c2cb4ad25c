package dump

import (
	"slices"
	"strings"
	"testing"
)

// TestCustom has authors, websites and licenses as Odoo's own modules and those of others have them.
func TestCustom(t *testing.T) {
	for line, custom := range map[string]bool{
		"Odoo S.A.||LGPL-3": false, "Odoo SA||": false, "Odoo||": false, "OpenERP SA, Camptocamp||": false, "Odoo PS||": false, "Camptocamp / Odoo||": false,
		"Noviat; Odoo SA||": false, "Odoo & Partners||": false, "openbig.org (http://www.openbig.org)|https://www.odoo.com/documentation/l10n|": false, "Someone||OEEL-1": false,
		"Someone|http://odoo.com|": false, "Vauxoo|https://www.openerp.com/x|": false,
		"Odoo Community Association (OCA)|https://github.com/OCA/x|AGPL-3": true, "Odoo Experts Ltd||": true, "My Company|https://www.mycompany.com|OPL-1": true,
		"My Company|https://odoo.com.example.org|": true, "My Company|https://notodoo.com|": true, "||": false,
	} {
		values := strings.Split(line, "|")
		get := func(column string) string {
			return values[slices.Index([]string{"author", "website", "license"}, column)]
		}
		if isCustom(get) != custom {
			t.Errorf("%s: custom %t", line, !custom)
		}
	}
}
