package digest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

const stamp = "2026-02-20 15:13:58,631 6138 "

// traced is a record with a traceback that ends in lines.
func traced(head string, end ...string) string {
	return stamp + head + "\n" + traceback + "\n" +
		"  File \"/home/odoo/src/odoo/odoo/service/server.py\", line 1313, in preload_registries\n    registry = Registry.new(dbname)\n               ^^^^^^^^^^^^^^^^^^^^\n" +
		strings.Join(end, "\n") + "\n"
}

// crawled is what the platform's test says of a menu.
func crawled(xmlID, path string, id int, end ...string) string {
	return fmt.Sprintf("('%s', %d, '%s', %d):\n%s\n", xmlID, id, path, id+144, traceback) +
		"  File \"/tmp/tmpq1/migrations/base/tests/test_mock_crawl.py\", line 177, in crawl_menu\n    self.mock_action(action)\n" +
		"  File \"/home/odoo/src/odoo/18.0/odoo/addons/base/models/ir_ui_view.py\", line 1200, in postprocess\n    raise ValueError(message)\n" +
		strings.Join(end, "\n") + "\n"
}

const notLocated = `ValueError: Element '<field name="crust">' cannot be located in parent view`

// logs are what upgrades of several kinds write, and what has to be said of it first.
var logs = []struct {
	name, log string
	want      Cause // what is not zero counts
}{
	{
		name: "a view behind a menu",
		log:  stamp + "ERROR db_1 odoo.addons.base.tests.test_mock_crawl: menus that cannot be opened\n" + crawled("bakery_sale.menu_invoices", "Accounting > Customers > Invoices", 271, notLocated),
		want: Cause{Kind: View, Title: "A view behind the menu Accounting > Customers > Invoices no longer fits its parent view", Error: notLocated, Count: 1, Line: 2},
	},
	{
		name: "a view behind two menus, which is named once",
		log: stamp + "ERROR db_1 odoo.tests: menus that cannot be opened\n" + crawled("bakery_sale.menu_invoices", "Accounting > Invoices", 271, notLocated) +
			crawled("bakery_sale.menu_bills", "Accounting > Bills", 301, notLocated, "", "Error context:", "View `account.move.form.bakery`", "[view_id: 1201, xml_id: bakery_sale.move_form, model: account.move, parent_id: 77]"),
		want: Cause{
			Kind: View, Title: "The view account.move.form.bakery (module bakery_sale) no longer fits its parent view", Count: 2, Line: 2,
			Place: Place{XMLID: "bakery_sale.move_form", Model: "account.move", Module: "bakery_sale", Menus: []string{"Accounting > Invoices", "Accounting > Bills"}},
		},
	},
	{
		name: "a menu in a record of information",
		log:  stamp + "INFO db_1 odoo.tests: opening menus\n" + crawled("bakery_sale.menu_invoices", "Sales > Orders", 271, notLocated) + stamp + "INFO db_1 odoo.tests: next\n",
		want: Cause{Kind: View, Title: "A view behind the menu Sales > Orders no longer fits its parent view"},
	},
	{
		name: "a server action",
		log: stamp + "ERROR db_1 odoo.tests: menus that cannot be opened\n" + crawled("bakery.menu_sync", "Bakery > Synchronize", 80, `AttributeError: 'bakery.service' object has no attribute 'sync'`, "",
			"During handling of the above exception, another exception occurred:", "", traceback, "  File \"/home/odoo/src/odoo/18.0/odoo/tools/safe_eval.py\", line 1, in safe_eval",
			`ValueError: <class 'AttributeError'>: "'bakery.service' object has no attribute 'sync'" while evaluating`, "'action = model.sync()'"),
		want: Cause{Kind: Action, Title: "The server action behind the menu Bakery > Synchronize fails: 'bakery.service' object has no attribute 'sync'", Place: Place{Menus: []string{"Bakery > Synchronize"}}},
	},
	{
		name: "fields of a removed module",
		log: traced("CRITICAL db_1 odoo.service.server: Failed to initialize database `db_1`.",
			"odoo.upgrade.util.exceptions.UpgradeError: 💥 It looks like you forgot to call `util.remove_field` on the following fields: res.partner.crust, res.partner.crumb"),
		want: Cause{Kind: Field, Title: "Fields of a removed module are left: res.partner.crust, res.partner.crumb", Count: 1, Line: 1},
	},
	{
		name: "a script that stops",
		log: stamp + "CRITICAL db_1 odoo.service.server: Failed to initialize database `db_1`.\n" + traceback + "\n" +
			"  File \"/tmp/tmpq1/migrations/account/saas~17.2/post-taxes.py\", line 40, in migrate\n    raise util.MigrationError(msg)\n" +
			"  File \"/tmp/tmpq1/migrations/util/misc.py\", line 3, in fail\n" +
			"odoo.upgrade.util.exceptions.MigrationError: Two taxes of the company 3 have the same name\n",
		want: Cause{Kind: Script, Title: "A script of the upgrade stopped: Two taxes of the company 3 have the same name", Place: Place{Module: "account", File: "/tmp/tmpq1/migrations/account/saas~17.2/post-taxes.py", FileLine: 40}},
	},
	{
		name: "a record that was deleted",
		log: traced("CRITICAL db_1 odoo.service.server: Failed to initialize database `db_1`.", "KeyError: ('ir.model.data', <function IrModelData._xmlid_lookup at 0x7f2376c00040>, 'account.1_l10n_baker')", "",
			"During handling of the above exception, another exception occurred:", "", traceback, "  File \"/home/odoo/src/odoo/odoo/addons/base/models/ir_model.py\", line 2180, in _xmlid_lookup",
			"ValueError: External ID not found in the system: account.1_l10n_baker"),
		want: Cause{Kind: Missing, Title: "The record account.1_l10n_baker is missing", Place: Place{XMLID: "account.1_l10n_baker", Module: "account"}},
	},
	{
		name: "data with a view that is not valid, twice",
		log: twice("odoo.tools.convert.ParseError: while parsing /home/odoo/src/custom/bakery_sale/views/order.xml:3", "Error while parsing or validating view:", "",
			`Field "crust" does not exist in model "sale.order"`, "", "View error context:", "{'file': '/home/odoo/src/custom/bakery_sale/views/order.xml',", " 'line': 2,",
			" 'name': 'sale.order.form.bakery',", " 'view': ir.ui.view(2447,),", " 'view.model': 'sale.order',", " 'xmlid': 'order_form'}", ""),
		want: Cause{
			Kind: View, Title: "The view sale.order.form.bakery (module bakery_sale) uses the field crust, which does not exist", Error: `Field "crust" does not exist in model "sale.order"`, Count: 2, Line: 1,
			Place: Place{XMLID: "bakery_sale.order_form", Model: "sale.order", Module: "bakery_sale", File: "/home/odoo/src/custom/bakery_sale/views/order.xml", FileLine: 3},
		},
	},
	{
		name: "attributes of before 17.0",
		log: twice("odoo.tools.convert.ParseError: while parsing /home/odoo/src/odoo/addons/base/data/category.xml:22", `Since 17.0, the "attrs" and "states" attributes are no longer used.`,
			"View: sale.order.bakery (bakery_sale.order_form) in bakery_sale/views/order.xml", "", "View error context:", "{'name': 'invalid view'}"),
		want: Cause{Kind: View, Title: `The view sale.order.bakery (module bakery_sale) uses "attrs" or "states", which Odoo 17.0 does not take`, Count: 2, Place: Place{Module: "bakery_sale"}},
	},
	{
		name: "data that refers to what is not there",
		log: twice("ValueError: External ID not found in the system: bakery.partner_gone", "", "The above exception was the direct cause of the following exception:", "", traceback, "  File \"/x/odoo/tools/convert.py\", line 569, in _tag_root",
			"odoo.tools.convert.ParseError: while parsing /x/custom/bakery/data/partner.xml:4, somewhere inside", `<record id="roll" model="res.partner">`, `    <field name="parent_id" ref="bakery.partner_gone"/>`, "</record>"),
		want: Cause{Kind: Missing, Title: "The record bakery.partner_gone is missing", Count: 2, Place: Place{Model: "res.partner", File: "/x/custom/bakery/data/partner.xml", FileLine: 4}},
	},
	{
		name: "data that does not load for another reason",
		log:  twice("odoo.tools.convert.ParseError: while parsing /x/custom/bakery/data/partner.xml:4", "The bread is stale"),
		want: Cause{Kind: Data, Title: "Data of the module bakery does not load", Error: "The bread is stale", Place: Place{Module: "bakery", FileLine: 4}},
	},
	{
		name: "a foreign key",
		log: stamp + "ERROR db_1 odoo.sql_db: bad query: INSERT INTO bakery_loaf (oven_id) VALUES (1)\nERROR: insert or update on table \"bakery_loaf\" violates foreign key constraint \"bakery_loaf_oven_id_fkey\"\nDETAIL:  Key (oven_id)=(1) is not present in table \"bakery_oven\".\n\n" +
			traced("CRITICAL db_1 odoo.service.server: Failed to initialize database `db_1`.", `psycopg2.errors.ForeignKeyViolation: insert or update on table "bakery_loaf" violates foreign key constraint "bakery_loaf_oven_id_fkey"`, `DETAIL:  Key (oven_id)=(1) is not present in table "bakery_oven".`, ""),
		want: Cause{Kind: Constraint, Title: `Rows of bakery_loaf violate the foreign key bakery_loaf_oven_id_fkey: Key (oven_id)=(1) is not present in table "bakery_oven".`, Count: 2, Line: 1},
	},
	{
		name: "a value that is missing",
		log:  traced("CRITICAL db_1 odoo.service.server: Failed to initialize database `db_1`.", `psycopg2.errors.NotNullViolation: null value in column "weight" of relation "bakery_loaf" violates not-null constraint`, "DETAIL:  Failing row contains (1, null)."),
		want: Cause{Kind: Constraint, Title: "Rows of bakery_loaf have no value in weight, but must"},
	},
	{
		name: "a unique index",
		log:  traced("CRITICAL db_1 odoo.service.server: Failed to initialize database `db_1`.", `psycopg2.errors.UniqueViolation: could not create unique index "bakery_loaf_code_uniq"`, "DETAIL:  Key (code)=(R1) is duplicated."),
		want: Cause{Kind: Constraint, Title: "Rows violate the unique index bakery_loaf_code_uniq: Key (code)=(R1) is duplicated."},
	},
	{
		name: "a check that rows do not pass",
		log:  stamp + "ERROR db_1 odoo.schema: Table 'bakery_loaf': unable to add constraint 'bakery_loaf_weight' as CHECK(weight > 0)\n",
		want: Cause{Kind: Constraint, Title: "Rows of bakery_loaf violate the constraint bakery_loaf_weight: CHECK(weight > 0)"},
	},
	{
		name: "a column that is gone",
		log:  traced("CRITICAL db_1 odoo.service.server: Failed to initialize database `db_1`.", `psycopg2.errors.UndefinedColumn: column res_partner.crust does not exist`, "LINE 1: SELECT crust FROM res_partner"),
		want: Cause{Kind: Database, Title: "The database has no column res_partner.crust"},
	},
	{
		name: "an SQL view in the way",
		log:  traced("CRITICAL db_1 odoo.service.server: Failed to initialize database `db_1`.", `psycopg2.errors.DependentObjectsStillExist: cannot drop column crust of table res_partner because other objects depend on it`, "DETAIL:  view bakery_report depends on column crust of table res_partner"),
		want: Cause{Kind: Database, Title: "Something made by hand is in the way of column crust of table res_partner"},
	},
	{
		name: "a module without a version for the target",
		log:  stamp + "ERROR db_1 odoo.modules.loading: Some modules are not loaded, some dependencies or manifest may be missing: ['bakery_sale', 'bakery_stock']\n",
		want: Cause{Kind: Module, Title: "Modules are not loaded: ['bakery_sale', 'bakery_stock']"},
	},
	{
		name: "an import that fails",
		log: stamp + "CRITICAL db_1 odoo.modules.module: Couldn't load module bakery_import\n" + stamp + "CRITICAL db_1 odoo.service.server: Failed to initialize database `db_1`.\n" + traceback +
			"\n  File \"/x/custom/bakery_import/models/x.py\", line 2, in <module>\n    from odoo.addons.mail.models.mail_channel import Channel\nModuleNotFoundError: No module named 'odoo.addons.mail.models.mail_channel'\n",
		want: Cause{Kind: Module, Title: "The module bakery_import imports odoo.addons.mail.models.mail_channel, which is not there", Place: Place{Module: "bakery_import"}},
	},
	{
		name: "a model that is gone",
		log:  traced("CRITICAL db_1 odoo.service.server: Failed to initialize database `db_1`.", "KeyError: 'bakery.loaf'"),
		want: Cause{Kind: Model, Title: "The model bakery.loaf does not exist"},
	},
	{
		name: "a test",
		log: stamp + "ERROR db_1 odoo.addons.base.tests.test_taxes: FAIL: TestTaxes.test_totals\n" + traceback + "\n  File \"/tmp/tmpq1/migrations/account/tests/test_taxes.py\", line 20, in check\n    self.assertEqual(a, b)\nAssertionError: 12.3 != 12.4\n" +
			stamp + "ERROR db_1 odoo.tests.result: 1 failed, 0 error(s) of 15 tests when loading database 'db_1'\n",
		want: Cause{Kind: Test, Title: "The test TestTaxes.test_totals failed", Error: "AssertionError: 12.3 != 12.4", Place: Place{Name: "TestTaxes.test_totals"}},
	},
	{
		name: "only how many tests",
		log:  stamp + "ERROR db_1 odoo.tests.result: 1 failed, 0 error(s) of 15 tests when loading database 'db_1'\n",
		want: Cause{Kind: Test, Title: "1 of 15 tests failed, and 0 ended with an error"},
	},
	{
		name: "OpenUpgrade's script",
		log:  stamp + "ERROR db_1 OpenUpgrade: account: error in migration script /x/scripts/account/17.0.1.2/post-migration.py: duplicate\n",
		want: Cause{Kind: Script, Title: "The script /x/scripts/account/17.0.1.2/post-migration.py of account failed: duplicate"},
	},
	{
		name: "OpenUpgrade's view",
		log:  stamp + "WARNING db_1 odoo.addons.openupgrade_framework.ir_ui_view: Can't render custom view bakery.partner_form for model res.partner. Assuming you are migrating between major versions of Odoo. \n",
		want: Cause{Kind: View, Title: "The view bakery.partner_form (module bakery) cannot be rendered", Warning: true},
	},
	{
		name: "an error that is not known",
		log:  traced("CRITICAL db_1 odoo.service.server: Failed to initialize database `db_1`.", "ZeroDivisionError: division by zero"),
		want: Cause{Kind: Other, Title: "Another error: ZeroDivisionError: division by zero", Error: "ZeroDivisionError: division by zero"},
	},
	{
		name: "only the end",
		log:  "[ERROR]::Error during the upgrade: command execution has failed with the error code 1\n" + stamp + "CRITICAL db_1 odoo.service.server: Failed to initialize database `db_1`.\n",
		want: Cause{Kind: Other},
	},
	{
		name: "a menu for another reason",
		log:  stamp + "ERROR db_1 odoo.tests: menus that cannot be opened\n" + crawled("bakery.menu_oven", "Bakery > Ovens", 90, "ZeroDivisionError: division by zero"),
		want: Cause{Kind: Menu, Title: "The menu Bakery > Ovens cannot be opened", Error: "ZeroDivisionError: division by zero", Place: Place{Menus: []string{"Bakery > Ovens"}}},
	},
	{
		name: "a server action, as of 18.0",
		log:  stamp + "ERROR db_1 odoo.tests: menus that cannot be opened\n" + crawled("bakery.menu_sync", "Bakery > Synchronize", 80, `ValueError: AttributeError("'bakery.service' object has no attribute 'sync'") while evaluating`, "'action = model.sync()'"),
		want: Cause{Kind: Action, Title: "The server action behind the menu Bakery > Synchronize fails: 'bakery.service' object has no attribute 'sync'"},
	},
	{
		name: "a field that a modifier needs",
		log: twice("odoo.tools.convert.ParseError: while parsing /x/custom/bakery/views/order.xml:3", "Error while validating view near:", "", "<form>", "",
			"Field 'crust' used in modifier 'invisible' (crust) must be present in view but is missing.", "", "View error context:", "{'name': 'sale.order.bakery', 'xmlid': 'order_form', 'view.model': 'sale.order'}"),
		want: Cause{Kind: View, Title: "The view sale.order.bakery (module bakery) uses the field crust, but does not have it"},
	},
	{
		name: "a button without its action",
		log:  twice("odoo.tools.convert.ParseError: while parsing /x/custom/bakery/views/order.xml:3", "action_bake is not a valid action on sale.order", "View error context:", "{'name': 'sale.order.bakery'}"),
		want: Cause{Kind: View, Title: "The view sale.order.bakery (module bakery) has a button for action_bake, which sale.order does not have"},
	},
	{
		name: "data that does not load, as of 12.0",
		log:  twice(`odoo.tools.convert.ParseError: "External ID not found in the system: bakery.gone" while parsing file:///x/custom/bakery/data/partner.xml:4, near`, `<record id="roll" model="res.partner">`),
		want: Cause{Kind: Missing, Title: `The record bakery.gone is missing`, Place: Place{File: "/x/custom/bakery/data/partner.xml", FileLine: 4}},
	},
	{
		name: "a test, as of 10.0",
		log:  stamp + "ERROR db_1 odoo.addons.base.tests: FAIL: test_check (odoo.addons.base.tests.test_totals.TestTotals)\n" + traceback + "\n  File \"/x/tests/test_totals.py\", line 2, in test_check\nAssertionError: 1 != 2\n",
		want: Cause{Kind: Test, Title: "The test TestTotals.test_check failed"},
	},
	{
		name: "a view that is not valid",
		log:  twice("odoo.tools.convert.ParseError: while parsing /x/custom/bakery/views/order.xml:3", "Error while validating view near:", "", "<form>", "  <field name=\"partner_id\"/>", "", "The group bakery.group_baker defined in view does not exist!", "", "View error context:", "{'name': 'sale.order.bakery'}"),
		want: Cause{Kind: View, Title: "The view sale.order.bakery (module bakery) is not valid in the new version: The group bakery.group_baker defined in view does not exist!", Error: "The group bakery.group_baker defined in view does not exist!"},
	},
	{
		name: "a related field",
		log:  traced("CRITICAL db_1 odoo.service.server: Failed to initialize database `db_1`.", `KeyError: 'Field crust referenced in related field definition bakery.loaf.crust2 does not exist.'`),
		want: Cause{Kind: Field, Title: "The field crust, which the related field bakery.loaf.crust2 needs, does not exist"},
	},
	{
		name: "a field of a filter",
		log:  traced("CRITICAL db_1 odoo.service.server: Failed to initialize database `db_1`.", `ValueError: Invalid field bakery.loaf.crust in leaf ('crust', '=', 1)`),
		want: Cause{Kind: Field, Title: "The field bakery.loaf.crust does not exist, but a filter or a rule uses it"},
	},
	{
		name: "a value that a field does not take",
		log:  traced("CRITICAL db_1 odoo.service.server: Failed to initialize database `db_1`.", `ValueError: Wrong value for bakery.loaf.state: 'baked'`),
		want: Cause{Kind: Field, Title: "The field bakery.loaf.state does not take 'baked'"},
	},
	{
		name: "a record that is gone",
		log:  traced("CRITICAL db_1 odoo.service.server: Failed to initialize database `db_1`.", `odoo.exceptions.MissingError: Record does not exist or has been deleted.`, `(Record: res.partner(77,), User: 1)`),
		want: Cause{Kind: Missing, Title: "The record 77 of res.partner is missing", Place: Place{Model: "res.partner"}},
	},
	{
		name: "a library of Python",
		log:  traced("CRITICAL db_1 odoo.service.server: Failed to initialize database `db_1`.", `ModuleNotFoundError: No module named 'phonenumbers'`),
		want: Cause{Kind: Module, Title: "A module needs the Python library phonenumbers, which is not installed"},
	},
	{
		name: "code that Python does not take",
		log:  traced("CRITICAL db_1 odoo.service.server: Failed to initialize database `db_1`.", `SyntaxError: invalid syntax (sale.py, line 7)`),
		want: Cause{Kind: Module, Title: "A module has code that the new version's Python does not take: invalid syntax (sale.py, line 7)"},
	},
	{
		name: "a record that is used",
		log:  traced("CRITICAL db_1 odoo.service.server: Failed to initialize database `db_1`.", `odoo.exceptions.ValidationError: The operation cannot be completed: another model requires the record being deleted.`, ``, `Model: Loaf (bakery.loaf)`, `Constraint: bakery_partner_fkey`),
		want: Cause{Kind: Constraint, Title: "A record was to be deleted that Loaf (bakery.loaf) still uses (constraint bakery_partner_fkey)"},
	},
	{
		name: "a value of another type",
		log:  traced("CRITICAL db_1 odoo.service.server: Failed to initialize database `db_1`.", `psycopg2.errors.InvalidTextRepresentation: invalid input syntax for type integer: "abc"`),
		want: Cause{Kind: Constraint, Title: `"abc" is not a value of the type integer`},
	},
	{
		name: "a value that is too long",
		log:  traced("CRITICAL db_1 odoo.service.server: Failed to initialize database `db_1`.", `psycopg2.errors.StringDataRightTruncation: value too long for type character varying(10)`),
		want: Cause{Kind: Constraint, Title: "A value is too long for its column, which is of the type character varying(10)"},
	},
	{
		name: "a number that is too large",
		log:  traced("CRITICAL db_1 odoo.service.server: Failed to initialize database `db_1`.", `psycopg2.errors.NumericValueOutOfRange: integer out of range`),
		want: Cause{Kind: Constraint, Title: "A number is too large for its column, which is of the type integer"},
	},
	{
		name: "a column of another type",
		log:  traced("CRITICAL db_1 odoo.service.server: Failed to initialize database `db_1`.", `psycopg2.errors.UndefinedFunction: operator does not exist: jsonb = text`),
		want: Cause{Kind: Database, Title: "The database cannot compare jsonb = text"},
	},
	{
		name: "an SQL view on a column",
		log:  traced("CRITICAL db_1 odoo.service.server: Failed to initialize database `db_1`.", `psycopg2.errors.FeatureNotSupported: cannot alter type of a column used by a view or rule`, `DETAIL:  rule _RETURN on view bakery_report depends on column "crust"`),
		want: Cause{Kind: Database, Title: `Something made by hand is in the way, a view or rule: rule _RETURN on view bakery_report depends on column "crust"`},
	},
	{
		name: "PostgreSQL that does not respond",
		log:  traced("CRITICAL db_1 odoo.service.server: Failed to initialize database `db_1`.", `psycopg2.OperationalError: connection to server at "localhost" (127.0.0.1), port 5432 failed: Connection refused`),
		want: Cause{Kind: Resources, Title: "PostgreSQL did not respond: Connection refused"},
	},
	{
		name: "an attribute that a model does not have",
		log:  traced("CRITICAL db_1 odoo.service.server: Failed to initialize database `db_1`.", `AttributeError: 'sale.order' object has no attribute 'bake'`),
		want: Cause{Kind: Model, Title: "The model sale.order has no field or method bake"},
	},
	{
		name: "XML that is not valid",
		log:  traced("CRITICAL db_1 odoo.service.server: Failed to initialize database `db_1`.", `lxml.etree.XMLSyntaxError: Opening and ending tag mismatch: field line 7 and form, line 9, column 8`),
		want: Cause{Kind: Data, Title: "A data file or a view is not valid XML: Opening and ending tag mismatch: field line 7 and form, line 9, column 8"},
	},
	{
		name: "a step that Odoo refuses",
		log:  traced("CRITICAL db_1 odoo.service.server: Failed to initialize database `db_1`.", `odoo.exceptions.UserError: You cannot delete a company with entries`),
		want: Cause{Kind: Script, Title: "Odoo refused a step of the upgrade: You cannot delete a company with entries"},
	},
	{
		name: "a row that is still used",
		log:  traced("CRITICAL db_1 odoo.service.server: Failed to initialize database `db_1`.", `psycopg2.errors.ForeignKeyViolation: update or delete on table "res_partner" violates foreign key constraint "bakery_fkey" on table "bakery_loaf"`, `DETAIL:  Key (id)=(7) is still referenced from table "bakery_loaf".`),
		want: Cause{Kind: Constraint, Title: `Rows of bakery_loaf still refer to rows of res_partner (foreign key bakery_fkey): Key (id)=(7) is still referenced from table "bakery_loaf".`},
	},
	{
		name: "a menu that is not allowed",
		log:  stamp + "ERROR db_1 odoo.tests: menus that cannot be opened\n" + crawled("bakery.menu_oven", "Bakery > Ovens", 90, "odoo.exceptions.AccessError: You may not open the oven"),
		want: Cause{Kind: Menu, Title: "The menu Bakery > Ovens cannot be opened", Error: "You may not open the oven"},
	},
	{
		name: "a view whose reason looks like XML",
		log:  twice("odoo.tools.convert.ParseError: while parsing /x/custom/bakery/views/order.xml:3", "Error while validating view near:", "", "<tree/>", "", "The root node of a list view should be a <list>, not a <tree>", "", "View error context:", "{'name': 'sale.order.bakery'}"),
		want: Cause{Kind: View, Title: "The view sale.order.bakery (module bakery) is not valid in the new version: The root node of a list view should be a <list>, not a <tree>", Advice: "Port the view in the module bakery, or uninstall the module before the upgrade."},
	},
	{
		name: "a view of 18.0, with its quotation marks and HTML",
		log:  twice("odoo.tools.convert.ParseError: while parsing /x/custom/bakery/views/order.xml:3", "Error while validating view near:", "", "<form/>", "", "<b>Access Rights Inconsistency</b><br/>This view may not work for all users.<br/>- field “crust” does not exist in model “sale.order”.<br/>", "", "View error context:", "{'name': 'sale.order.bakery'}"),
		want: Cause{Kind: View, Title: "The view sale.order.bakery (module bakery) uses the field crust, which does not exist"},
	},
	{
		name: "SQL that is not valid",
		log:  traced("CRITICAL db_1 odoo.service.server: Failed to initialize database `db_1`.", `psycopg2.errors.SyntaxError: syntax error at or near "FROM"`),
		want: Cause{Kind: Database, Title: `A statement is not valid SQL: syntax error at or near "FROM"`},
	},
	{
		name: "data with another reason in the chain",
		log:  twice("Exception: Cannot update missing record 'bakery.loaf_rye'", "", "The above exception was the direct cause of the following exception:", "", traceback, "  File \"/x/odoo/tools/convert.py\", line 569, in _tag_root", "odoo.tools.convert.ParseError: while parsing /x/custom/bakery/data/loaf.xml:4, somewhere inside", "<record id=\"loaf_rye\" model=\"bakery.loaf\"/>"),
		want: Cause{Kind: Data, Title: "Data of the module bakery does not load", Error: "Exception: Cannot update missing record 'bakery.loaf_rye'"},
	},
	{
		name: "a script with a list",
		log:  traced("CRITICAL db_1 odoo.service.server: Failed to initialize database `db_1`.", "odoo.upgrade.util.exceptions.UpgradeError: ", "The table refers to the group:", " - bakery_loaf (group_id) - 3 record(s)", "Please remove them."),
		want: Cause{Kind: Script, Title: "A script of the upgrade stopped: The table refers to the group", Error: "The table refers to the group: - bakery_loaf (group_id) - 3 record(s) Please remove them."},
	},
	{
		name: "what fails because something else did",
		log:  traced("CRITICAL db_1 odoo.service.server: Failed to initialize database `db_1`.", `psycopg2.errors.UndefinedColumn: column "crust" does not exist`, "", "During handling of the above exception, another exception occurred:", "", traceback, "  File \"/x/odoo/sql_db.py\", line 3, in execute", "psycopg2.errors.InFailedSqlTransaction: current transaction is aborted, commands ignored until end of transaction block"),
		want: Cause{Kind: Database, Title: "The database has no column crust"},
	},
	{
		name: "data of 14.0",
		log:  twice("ValueError: Invalid field 'crust' on model 'bakery.loaf'", "", "During handling of the above exception, another exception occurred:", "", traceback, "  File \"/x/odoo/sql_db.py\", line 3, in execute", "odoo.tools.convert.ParseError: while parsing file:/x/custom/bakery/data/loaf.xml:4, near", "<record id=\"loaf\" model=\"bakery.loaf\"/>"),
		want: Cause{Kind: Field, Title: "The field crust of bakery.loaf does not exist", Place: Place{File: "/x/custom/bakery/data/loaf.xml"}},
	},
	{
		name: "a module that 18.0 cannot install",
		log:  traced("CRITICAL db_1 odoo.service.server: Failed to initialize database `db_1`.", "odoo.exceptions.UserError: You try to install module \"bakery_dep\" that depends on module \"bakery_flour\".", "But the latter module is not available in your system."),
		want: Cause{Kind: Module, Title: "The module bakery_dep needs the module bakery_flour, which is not there"},
	},
	{
		name: "values that are null",
		log:  traced("CRITICAL db_1 odoo.service.server: Failed to initialize database `db_1`.", `psycopg2.errors.NotNullViolation: column "oven_id" of relation "bakery_loaf" contains null values`),
		want: Cause{Kind: Constraint, Title: "Rows of bakery_loaf have no value in oven_id, but must"},
	},
	{
		name: "a server action with its id",
		log:  stamp + "ERROR db_1 odoo.tests: menus that cannot be opened\n" + crawled("bakery.menu_sync", "Bakery > Synchronize", 80, "  File \"/x/odoo/addons/base/models/ir_actions.py\", line 3, in _run", "  File \"ir.actions.server(431,)\", line 2, in <module>", "ZeroDivisionError: division by zero"),
		want: Cause{Kind: Action, Title: "The server action 431 behind the menu Bakery > Synchronize fails: ZeroDivisionError: division by zero", Place: Place{Model: "ir.actions.server"}},
	},
	{
		name: "a value in a data file that does not evaluate",
		log:  twice(`ValueError: <class 'NameError'>: "name 'DoughType' is not defined" while evaluating`, "'DoughType.RYE'", "", "The above exception was the direct cause of the following exception:", "", traceback, "  File \"/x/odoo/tools/convert.py\", line 569, in _tag_root", "odoo.tools.convert.ParseError: while parsing /x/custom/bakery/data/loaf.xml:4, somewhere inside", "<record id=\"loaf_rye\" model=\"bakery.loaf\"/>"),
		want: Cause{Kind: Data, Title: "Data of the module bakery does not load"},
	},
	{
		name: "a full disk",
		log:  traced("CRITICAL db_1 odoo.service.server: Failed to initialize database `db_1`.", `psycopg2.errors.DiskFull: could not extend file "base/1/2": No space left on device`),
		want: Cause{Kind: Resources, Title: "A disk is full"},
	},
}

// twice is a traceback as Odoo logs it: as an error, and once more as the end.
func twice(end ...string) string {
	return traced("ERROR db_1 odoo.modules.registry: Failed to load registry", end...) + traced("CRITICAL db_1 odoo.service.server: Failed to initialize database `db_1`.", end...)
}

// chatter is what logs have around it.
func chatter(from int) string {
	var b strings.Builder
	for n := range 300 {
		fmt.Fprintf(&b, "%sINFO db_1 odoo.modules.loading: Loading module m%d (%d/300)\n", stamp, from+n, n)
		if n%20 == 0 {
			fmt.Fprintf(&b, "%sINFO db_1 odoo.addons.base.models.ir_attachment: _read_file reading /data/filestore/db_1/ab/abc%d\n%s\n  File \"x.py\", line 1, in y\nFileNotFoundError: [Errno 2] No such file or directory: '/data/filestore/db_1/ab/abc%d'\n", stamp, n, traceback, n)
			fmt.Fprintf(&b, "%sWARNING db_1 odoo.addons.base.models.ir_cron: nothing to worry about\n", stamp)
		}
	}
	return b.String()
}

func TestCauses(t *testing.T) {
	for _, test := range logs {
		t.Run(test.name, func(t *testing.T) {
			check(t, test.log, test.want, 0)
			before := chatter(1)
			check(t, before+test.log+chatter(2), test.want, int64(strings.Count(before, "\n")))
			check(t, inFront("odoo-1  | 2026-02-20T15:13:58.6310000Z ", test.log), test.want, 0)
			check(t, strings.ReplaceAll(strings.ReplaceAll(test.log, "\n", "\r\n"), "ERROR db", "\x1b[1;31mERROR\x1b[0m db"), test.want, 0)
		})
	}
}

func inFront(prefix, text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(prefix + line)
	}
	return b.String()
}

// check digests a log whose first lines say nothing, in one piece and byte by byte.
func check(t *testing.T, log string, want Cause, lines int64) {
	t.Helper()
	causes, err := Read(strings.NewReader(log))
	if err != nil || len(causes) == 0 {
		t.Fatalf("%v, %v in:\n%s", causes, err, log)
	}
	got := causes[0]
	if want.Line > 0 {
		want.Line += lines
	}
	for name, pair := range map[string][2]any{
		"kind": {got.Kind, want.Kind}, "title": {got.Title, want.Title}, "error": {got.Error, want.Error}, "name": {got.Name, want.Name}, "xml id": {got.XMLID, want.XMLID},
		"model": {got.Model, want.Model}, "module": {got.Module, want.Module}, "file": {got.File, want.File}, "file's line": {got.FileLine, want.FileLine},
		"advice": {got.Advice, want.Advice}, "count": {got.Count, want.Count}, "line": {got.Line, want.Line}, "warning": {got.Warning, want.Warning},
	} {
		if pair[0] != pair[1] && pair[1] != "" && pair[1] != 0 && pair[1] != int64(0) && pair[1] != false {
			t.Errorf("%s: %v, want %v", name, pair[0], pair[1])
		}
	}
	if want.Menus != nil && !slices.Equal(got.Menus, want.Menus) {
		t.Errorf("menus: %v", got.Menus)
	}
	if got.Advice == "" || strings.ContainsAny(got.Title+got.Advice, "{}") || strings.HasSuffix(got.Title, ".") && !strings.HasSuffix(got.Error, ".") && want.Kind != Constraint {
		t.Errorf("%q, %q", got.Title, got.Advice)
	}
	if slowly, _ := Read(iotest.OneByteReader(strings.NewReader(log))); fmt.Sprint(slowly) != fmt.Sprint(causes) {
		t.Errorf("byte by byte: %v", slowly)
	}
}

// TestOrder has several causes in one log: what stopped the upgrade comes first, then the errors.
func TestOrder(t *testing.T) {
	var all strings.Builder
	for _, n := range rand.Perm(len(logs)) {
		all.WriteString(logs[n].log)
	}
	causes, _ := Read(strings.NewReader(all.String()))
	kinds := map[Kind]bool{}
	for n, c := range causes {
		kinds[c.Kind] = true
		if n > 0 && causes[n-1].Warning && !c.Warning {
			t.Errorf("%q stands behind a warning", c.Title)
		}
	}
	if len(kinds) != 14 || causes[0].Kind != Field && causes[0].Kind != Script {
		t.Errorf("%d kinds, first %v", len(kinds), causes[0])
	}
}

// TestMany has the same error with other ids, and more errors than are kept.
func TestMany(t *testing.T) {
	var same, other strings.Builder
	for n := range 5000 {
		same.WriteString(stamp + "ERROR db_1 odoo.tests: menus\n" + crawled("bakery.menu", fmt.Sprintf("Bakery > Oven%d", n), n, notLocated))
		fmt.Fprintf(&other, "%sERROR db_1 bakery: loaf_%d is stale\n", stamp, n)
	}
	causes, _ := Read(strings.NewReader(same.String()))
	if len(causes) != 1 || causes[0].Count != 5000 || len(causes[0].Menus) != maxMenus {
		t.Errorf("%d causes, the first %d times, %d menus", len(causes), causes[0].Count, len(causes[0].Menus))
	}
	if causes, _ = Read(strings.NewReader(other.String())); len(causes) != maxCauses {
		t.Errorf("%d causes", len(causes))
	}
}

// TestNothing has logs without an error.
func TestNothing(t *testing.T) {
	if causes, _ := Read(strings.NewReader(traced("ERROR db_1 odoo: x", "IndexError: list index out of range"))); len(causes) != 1 || causes[0].Kind != Other {
		t.Errorf("%v", causes)
	}
	for _, log := range []string{"", chatter(1), stamp + "INFO db_1 odoo: 0 failed, 0 error(s) of 15 tests\n", stamp + "WARNING db_1 odoo: careful\n"} {
		if causes, err := Read(strings.NewReader(log)); len(causes) > 0 || err != nil {
			t.Errorf("%v, %v in %.200s", causes, err, log)
		}
	}
	for _, other := range []string{"\n", "some text\nin lines\n", "\x1f\x8b\x08\x00", "2\x000\x002\x006\x00"} {
		if causes, err := Read(strings.NewReader(other)); len(causes) > 0 || !errors.Is(err, ErrNotLog) {
			t.Errorf("%q: %v, %v", other, causes, err)
		}
	}
}

// TestLongRecord has a record that is longer than is kept, with its error at the end.
func TestLongRecord(t *testing.T) {
	log := stamp + "ERROR db_1 odoo: it failed\n" + traceback + "\n" + strings.Repeat("  File \"/x/custom/bakery/models/x.py\", line 7, in again\n", 20000) + "KeyError: 'bakery.loaf'\n"
	check(t, log, Cause{Kind: Model, Title: "The model bakery.loaf does not exist", Place: Place{Module: "bakery"}}, 0)
	check(t, stamp+"ERROR db_1 odoo: it failed "+strings.Repeat("x", 1<<20)+"\n", Cause{Kind: Other}, 0)
}

// FuzzLog reads anything: it ends, and says the same in pieces.
func FuzzLog(f *testing.F) {
	for _, test := range logs {
		f.Add(test.log)
	}
	f.Fuzz(func(t *testing.T, text string) {
		causes, err := Read(strings.NewReader(text))
		if err != nil && !errors.Is(err, ErrNotLog) || len(causes) > 2*maxCauses+1 {
			t.Fatal(len(causes), err)
		}
		for _, c := range causes {
			if c.Title == "" || c.Advice == "" || c.Count < 1 || c.Line < 1 || len(c.Title) > 6*maxError {
				t.Errorf("%+v", c)
			}
		}
		var l Log
		for _, piece := range []string{text[:len(text)/2], text[len(text)/2:]} {
			_, _ = l.Write([]byte(piece))
		}
		if again := l.Causes(); fmt.Sprint(again) != fmt.Sprint(causes) {
			t.Errorf("%v, and then %v", causes, again)
		}
	})
}

// TestNoHalfSecret has a key where a line, and an error, is cut: half of it would not be masked.
func TestNoHalfSecret(t *testing.T) {
	const key = "abcdefghij+klmnopq/rstuvwxyz=="
	for _, before := range []int{maxError - 40, maxError - 10, maxLine - 60, maxLine - 30} {
		for shift := 0; shift < 40; shift += 3 {
			log := stamp + "ERROR db_1 odoo: " + strings.Repeat("x ", (before+shift)/2) + key + " and more\n" + strings.Repeat("y", maxLine) + "\n"
			causes, _ := Read(iotest.OneByteReader(strings.NewReader(log)))
			if len(causes) != 1 {
				t.Fatal(causes)
			}
			if text := fmt.Sprintf("%+v", causes); strings.Contains(text, key[:6]) && !strings.Contains(text, key) {
				t.Fatalf("%d bytes before the key: %.2000s", before+shift, text)
			}
		}
	}
}

// TestFatal has errors and warnings that stopped nothing, and then what ended the upgrade.
func TestFatal(t *testing.T) {
	var log strings.Builder
	for n := range 3 * maxCauses {
		fmt.Fprintf(&log, "%sWARNING db_1 odoo.ir_ui_view: Can't render custom view bakery.view_x%d for model bakery.loaf.\n", stamp, n)
		fmt.Fprintf(&log, "%sERROR db_1 odoo.schema: Table 'bakery_loaf': unable to add constraint 'bakery_x%d' as unique(code)\n", stamp, n)
	}
	log.WriteString(traced("CRITICAL db_1 odoo.service.server: Failed to initialize database `db_1`.", "TypeError: bake() missing 1 required argument"))
	causes, _ := Read(strings.NewReader(log.String()))
	if len(causes) != 2*maxCauses+1 || causes[0].Error != "TypeError: bake() missing 1 required argument" || causes[1].Kind != Constraint || !causes[len(causes)-1].Warning {
		t.Errorf("%d causes, first %q", len(causes), causes[0].Title)
	}
}

// TestEnds has logs that end without a record of the error.
func TestEnds(t *testing.T) {
	const before = stamp + "INFO db_1 odoo.modules.loading: Loading module bakery (3/300)\n"
	for text, want := range map[string]string{
		"Killed\n": "The process was killed: the memory was probably not enough",
		"[ERROR]::Error during the upgrade: command execution has failed with the error code 137\n":        "The process was killed: the memory was probably not enough",
		"[ERROR]::Error during the upgrade: command execution has failed with the error code 1\n":          "Another error: [ERROR]::Error during the upgrade: command execution has failed with the error code 1",
		traceback + "\n  File \"/x/custom/bakery/x.py\", line 8, in x\nValueError: burnt loaf\n":           "Another error: ValueError: burnt loaf",
		traceback + "\n  File \"/x/odoo/tools/misc.py\", line 8, in x\nRuntimeError: stale\n":              "Another error: RuntimeError: stale",
		traceback + "\n  File \"x.py\", line 1, in y\nValueError: no\n" + stamp + "INFO db_1 odoo: next\n": "",
		stamp + "ERROR db_1 odoo.modules.loading: Some modules are not loaded, some dependencies or manifest may be missing: ['b']\n" +
			stamp + "ERROR db_1 odoo.assets: Could not execute command\n": "Another error: Could not execute command",
	} {
		causes, _ := Read(strings.NewReader(before + text))
		got := ""
		if len(causes) > 0 {
			got = causes[0].Title
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
		if strings.Contains(text, "not loaded") && len(causes) != 2 {
			t.Errorf("%d causes of 2", len(causes))
		}
	}
	crawler := stamp + "ERROR db_1 odoo.tests: FAIL: TestCrawler.test_check\n" + traceback + "\n  File \"/x/testing.py\", line 480, in check\nAssertionError: At least one menu or view working before upgrade is not working after upgrade.\n"
	causes, _ := Read(strings.NewReader(crawler + crawled("bakery.menu_oven", "Bakery > Ovens", 90, notLocated)))
	if len(causes) != 1 || causes[0].Kind != View {
		t.Errorf("%v", causes)
	}
	if causes, _ := Read(strings.NewReader(crawler)); len(causes) != 1 {
		t.Errorf("alone: %v", causes)
	}
}

// TestTwoViews has two views of one name that no module owns, and one that comes twice.
func TestTwoViews(t *testing.T) {
	var log strings.Builder
	for _, id := range []int{2411, 2999, 2411} {
		log.WriteString(stamp + "ERROR db_1 odoo.tests: menus\n" + crawled("bakery.menu", "Bakery > Loaves", 80, notLocated, "Error context:", "View `loaf.form`", fmt.Sprintf("[view_id: %d, xml_id: n/a, model: bakery.loaf, parent_id: 7]", id)))
	}
	causes, _ := Read(strings.NewReader(log.String()))
	if len(causes) != 2 || causes[0].ID != "2411" || causes[0].Count != 2 || causes[1].ID != "2999" {
		t.Errorf("%+v", causes)
	}
}
