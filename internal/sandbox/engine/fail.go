package engine

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"odoo-upgrade-action/internal/sandbox/requests"
)

// DefaultCause is why upgrades fail in a sandbox that was not told otherwise.
const DefaultCause = "view"

// Causes lists why an upgrade may fail in a sandbox.
func Causes() []string { return slices.Sorted(maps.Keys(failures)) }

// CheckCause returns an error unless cause is one of Causes.
func CheckCause(cause string) error {
	if _, ok := failures[cause]; ok {
		return nil
	}
	return fmt.Errorf("%q is not a cause of a failure: use one of %s", cause, strings.Join(Causes(), ", "))
}

// What is in front of tracebacks, and the code that they come from.
const (
	traceback = "Traceback (most recent call last):\n"
	crawl     = `  File "/tmp/tmpbakery/migrations/base/tests/test_mock_crawl.py", line 177, in crawl_menu` + "\n    self.mock_action(action)\n"
	source    = `  File "/home/odoo/src/odoo/odoo/`
	during    = "\nDuring handling of the above exception, another exception occurred:\n\n" + traceback
	direct    = "\nThe above exception was the direct cause of the following exception:\n\n" + traceback
	noView    = `ValueError: Element '<field name="crust_id">' cannot be located in parent view` + "\n"
	viewIs    = "\nError context:\nView `sale.order.form.bakery`\n[view_id: 1201, xml_id: bakery_sale.view_order_form, model: sale.order, parent_id: 800]\n"
)

// failures are the ends of failed upgrades, as Odoo writes them. LEVEL and a name are the head of a
// record, which gets a time in front.
var failures = map[string]string{
	"view": "ERROR odoo.addons.base.maintenance.migrations.base.tests.test_mock_crawl: FAIL: TestCrawler.test_check\n" +
		"At least one menu or view working before upgrade is not working after upgrade.\n" +
		menu("bakery_sale.menu_orders", 271, "Sales > Orders > Quotations", noView+viewIs) + menu("bakery_sale.menu_bills", 305, "Bakery > Deliveries > Orders", noView),
	"server-action": "ERROR odoo.addons.base.maintenance.migrations.base.tests.test_mock_crawl: FAIL: TestCrawler.test_check\n" +
		menu("bakery_sync.menu_sync", 310, "Bakery > Configuration > Synchronize", "AttributeError: 'bakery.service' object has no attribute 'sync'\n"+during+
			source+"tools/safe_eval.py\", line 391, in safe_eval\n"+`ValueError: <class 'AttributeError'>: "'bakery.service' object has no attribute 'sync'" while evaluating`+"\n'action = model.sync()'\n"),
	"field": failed("odoo.upgrade.util.exceptions.UpgradeError: 💥 It looks like you forgot to call `util.remove_field` on the following fields: res.partner.crust_id, sale.order.crumb\n"),
	"xmlid": failed("KeyError: ('ir.model.data', <function IrModelData._xmlid_lookup at 0x7f2376c00040>, 'account.1_tax_bread')\n" + during +
		source + "addons/base/models/ir_model.py\", line 2180, in _xmlid_lookup\nValueError: External ID not found in the system: account.1_tax_bread\n"),
	"module": failed("odoo.exceptions.UserError: You try to upgrade the module bakery_sale that depends on the module: bakery_base.\nBut this module is not available in your system.\n"),
	"constraint": failed("psycopg2.errors.ForeignKeyViolation: insert or update on table \"bakery_loaf\" violates foreign key constraint \"bakery_loaf_oven_id_fkey\"\nDETAIL:  Key (oven_id)=(7) is not present in table \"bakery_oven\".\n" + direct +
		source + "tools/convert.py\", line 569, in _tag_root\nodoo.tools.convert.ParseError: while parsing /home/odoo/src/odoo/addons/bakery/data/loaf.xml:12, somewhere inside\n<record id=\"loaf_rye\" model=\"bakery.loaf\"/>\n"),
	"test": "ERROR odoo.addons.base.maintenance.migrations.account.tests.test_totals: FAIL: TestTotals.test_check\n" + traceback +
		`  File "/tmp/tmpbakery/migrations/account/tests/test_totals.py", line 20, in check` + "\n    self.assertEqual(before, after)\nAssertionError: 1250.3 != 1250.4\n" +
		"ERROR odoo.tests.result: 1 failed, 0 error(s) of 15 tests when loading database\n",
}

// menu is what the platform's test says of a menu that it cannot open.
func menu(xmlID string, id int, path, end string) string {
	return fmt.Sprintf("('%s', %d, '%s', %d):\n", xmlID, id, path, id+144) + traceback + crawl + source + "addons/base/models/ir_ui_view.py\", line 1200, in postprocess\n" + end
}

// failed is an error as Odoo writes it: once where it is, and once more at the end.
func failed(end string) string {
	const code = traceback + source + "modules/registry.py\", line 113, in new\n    odoo.modules.load_modules(registry)\n"
	return "ERROR odoo.modules.registry: Failed to load registry\n" + code + end + "CRITICAL odoo.service.server: Failed to initialize database.\n" + code + end
}

// How much is written around a cause.
const (
	chatterBefore = 2500
	chatterAfter  = 300
)

// WriteFailure writes the log of an upgrade that fails, as long as a real one, with the cause far
// above its end.
func WriteFailure(out io.Writer, cause string, r requests.Record, now time.Time) error {
	id := r.ID
	w := bufio.NewWriter(out)
	line := 0
	head := func(level, text string) {
		at := now.Add(time.Duration(line) * 7 * time.Millisecond)
		_, _ = fmt.Fprintf(w, "%s,%03d 6138 %s db_%d %s\n", at.UTC().Format(time.DateTime), at.Nanosecond()/1e6, level, id, text)
		line++
	}
	chatter := func(lines int) {
		for n := range lines {
			switch {
			case n%400 == 100:
				head("INFO", "odoo.addons.base.models.ir_attachment: _read_file reading "+fmt.Sprintf("/data/filestore/db_%d/ab/ab%04d", id, n))
				_, _ = fmt.Fprintf(w, "%sFileNotFoundError: [Errno 2] No such file or directory: '/data/filestore/db_%d/ab/ab%04d'\n", traceback, id, n)
			case n%50 == 49:
				head("INFO", fmt.Sprintf("odoo.upgrade.testing: Starting TestBread%d.test_prepare", n))
			default:
				head("INFO", fmt.Sprintf("odoo.modules.loading: Loading module bread_%d (%d/%d)", n, n, lines))
			}
		}
	}
	head("INFO", fmt.Sprintf("odoo.upgrade: starting request %d-%s", r.ID, r.Key)) // as the platform does, although it is a secret
	chatter(chatterBefore)
	for text := range strings.Lines(failures[cause]) {
		level, rest, _ := strings.Cut(strings.TrimSuffix(text, "\n"), " ")
		if level == "ERROR" || level == "CRITICAL" {
			head(level, rest)
			continue
		}
		_, _ = w.WriteString(text)
	}
	chatter(chatterAfter)
	_, _ = w.WriteString("[ERROR]::Error during the upgrade: command execution has failed with the error code 1\n")
	return w.Flush()
}
