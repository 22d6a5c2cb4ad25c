-- A small database with the tables of Odoo that a comparison reads, at 17.0; N is the number of invoices.
CREATE TABLE ir_module_module (id serial PRIMARY KEY, name varchar UNIQUE, author varchar, state varchar, latest_version varchar, license varchar);
INSERT INTO ir_module_module (name, author, state, latest_version) VALUES ('base', 'Odoo S.A.', 'installed', '17.0.1.3'), ('account', 'Odoo S.A.', 'installed', '17.0.1.2'),
 ('stock', 'Odoo S.A.', 'installed', '17.0.1.1'), ('sale', 'Odoo S.A.', 'uninstalled', NULL), ('bakery_orders', 'The Bakery', 'installed', '17.0.2.0.1');
CREATE TABLE ir_config_parameter (id serial PRIMARY KEY, key varchar UNIQUE, value text);
INSERT INTO ir_config_parameter (key, value) VALUES ('database.uuid', '4b7e6c1e-52a3-4c7e-9d3a-0d6f3f1c9a10');

CREATE TABLE ir_model (id serial PRIMARY KEY, model varchar UNIQUE, name jsonb, state varchar, transient boolean);
INSERT INTO ir_model (model, state, transient) SELECT m, 'base', m LIKE 'wizard%' FROM unnest(ARRAY['res.partner', 'res.company', 'res.users', 'res.currency', 'res.lang', 'account.account', 'account.journal',
 'account.move', 'account.move.line', 'product.template', 'product.product', 'stock.location', 'stock.quant', 'ir.ui.view', 'ir.cron', 'ir.actions.server', 'base.automation', 'ir.mail_server',
 'fetchmail.server', 'mail.template', 'ir.rule', 'ir.filters', 'website.page', 'wizard.print', 'bakery.order', 'res.country.state', 'sale.report', 'mail.message']) m;
INSERT INTO ir_model (model, name, state) VALUES ('x_oven', '{"en_US": "Oven"}', 'manual');
CREATE TABLE ir_model_fields (id serial PRIMARY KEY, model varchar, name varchar, state varchar, relation_table varchar);
CREATE TABLE ir_model_data (id serial PRIMARY KEY, module varchar, name varchar, model varchar, res_id int, noupdate boolean);

CREATE TABLE res_currency (id serial PRIMARY KEY, name varchar, active boolean);
INSERT INTO res_currency (name, active) VALUES ('EUR', true), ('USD', true);
CREATE TABLE res_company (id serial PRIMARY KEY, name varchar, active boolean);
INSERT INTO res_company (name, active) VALUES ('The Bakery', true), ('The Café', true);
CREATE TABLE res_lang (id serial PRIMARY KEY, code varchar, active boolean);
INSERT INTO res_lang (code, active) VALUES ('en_US', true), ('nl_BE', true), ('fr_FR', false);
CREATE TABLE res_partner (id serial PRIMARY KEY, name varchar, email varchar, comment text, x_loyalty int, legacy_code varchar);
INSERT INTO res_partner (name, email, comment) SELECT 'Customer ' || n, 'c' || n || '@bakery.example', E'likes\tbread\\n' || n FROM generate_series(1, N + 50) n;
DELETE FROM res_partner WHERE id % 17 = 3;
CREATE TABLE res_users (id serial PRIMARY KEY, login varchar, active boolean, share boolean);
INSERT INTO res_users (login, active, share) SELECT 'user' || n, true, n % 3 = 0 FROM generate_series(1, 12) n;
CREATE TABLE res_country_state (id serial PRIMARY KEY, name varchar);
INSERT INTO res_country_state (name) SELECT 'State ' || n FROM generate_series(1, 20) n;
CREATE TABLE mail_message (id serial PRIMARY KEY, body text);
INSERT INTO mail_message (body) SELECT 'hello ' || n FROM generate_series(1, N) n;
CREATE TABLE wizard_print (id serial PRIMARY KEY, copies int);
INSERT INTO wizard_print (copies) SELECT n FROM generate_series(1, 5) n;
CREATE TABLE bakery_order (id bigserial PRIMARY KEY, name varchar, weight double precision);
INSERT INTO bakery_order (name, weight) SELECT 'B' || n, n / 3.0 FROM generate_series(1, N) n;
CREATE TABLE bakery_order_tag_rel (bakery_order_id int, tag_id int);
INSERT INTO bakery_order_tag_rel SELECT n, 1 FROM generate_series(1, 30) n;

CREATE TABLE account_account (id serial PRIMARY KEY, code varchar, name jsonb, account_type varchar, company_id int);
INSERT INTO account_account (code, name, account_type, company_id) VALUES ('400000', '{"en_US": "Sales", "nl_BE": "Verkoop"}', 'income', 1), ('121000', '{"en_US": "Receivable"}', 'asset_receivable', 1),
 ('211000', '{"en_US": "Payable"}', 'liability_payable', 1), ('600000', '{"en_US": "Flour"}', 'expense', 1), ('400000', '{"en_US": "Sales"}', 'income', 2), ('121000', '{"en_US": "Receivable"}', 'asset_receivable', 2);
CREATE TABLE account_journal (id serial PRIMARY KEY, code varchar, name jsonb);
INSERT INTO account_journal (code, name) VALUES ('INV', '{"en_US": "Customer Invoices"}'), ('BILL', '{"en_US": "Vendor Bills"}');
CREATE TABLE account_move (id serial PRIMARY KEY, name varchar, state varchar, move_type varchar, company_id int, currency_id int, amount_total numeric);
INSERT INTO account_move (name, state, move_type, company_id, currency_id, amount_total)
 SELECT 'INV/' || n, CASE WHEN n % 10 = 0 THEN 'draft' ELSE 'posted' END, CASE WHEN n % 4 = 0 THEN 'in_invoice' WHEN n % 9 = 0 THEN 'entry' ELSE 'out_invoice' END, 1 + n % 2, 1, n * 1.21 FROM generate_series(1, N) n;
CREATE TABLE account_move_line (id serial PRIMARY KEY, move_id int, name varchar, parent_state varchar, display_type varchar, company_id int, account_id int, journal_id int, debit numeric, credit numeric, balance numeric, amount_residual numeric);
INSERT INTO account_move_line (move_id, name, parent_state, company_id, account_id, journal_id, debit, credit, balance, amount_residual)
 SELECT id, 'receivable', state, company_id, CASE WHEN move_type = 'in_invoice' THEN 3 WHEN company_id = 1 THEN 2 ELSE 6 END, CASE WHEN move_type = 'in_invoice' THEN 2 ELSE 1 END, amount_total, 0.0, amount_total, CASE WHEN id % 3 = 0 THEN amount_total ELSE 0.0 END FROM account_move;
INSERT INTO account_move_line (move_id, name, parent_state, company_id, account_id, journal_id, debit, credit, balance, amount_residual)
 SELECT id, 'sales', state, company_id, CASE WHEN move_type = 'in_invoice' THEN 4 WHEN company_id = 1 THEN 1 ELSE 5 END, CASE WHEN move_type = 'in_invoice' THEN 2 ELSE 1 END, 0.0, amount_total, -amount_total, 0.0 FROM account_move;
INSERT INTO account_move_line (move_id, name, parent_state, display_type, company_id, journal_id) SELECT id, 'a note', state, 'line_note', company_id, 1 FROM account_move WHERE id % 20 = 1;

CREATE TABLE product_template (id serial PRIMARY KEY, name jsonb);
INSERT INTO product_template (name) SELECT jsonb_build_object('en_US', 'Bread "no. ' || n || '"', 'nl_BE', 'Brood ' || n) FROM generate_series(1, 40) n;
CREATE TABLE product_product (id serial PRIMARY KEY, product_tmpl_id int, default_code varchar);
INSERT INTO product_product (product_tmpl_id, default_code) SELECT n, 'P' || n FROM generate_series(1, 40) n;
CREATE TABLE stock_location (id serial PRIMARY KEY, complete_name varchar, usage varchar);
INSERT INTO stock_location (complete_name, usage) VALUES ('WH/Stock', 'internal'), ('WH/Cellar', 'internal'), ('Partners/Customers', 'customer');
CREATE TABLE stock_quant (id serial PRIMARY KEY, product_id int, location_id int, lot varchar, quantity numeric);
INSERT INTO stock_quant (product_id, location_id, quantity) SELECT 1 + n % 40, 1 + n % 3, n * 1.5 FROM generate_series(1, 240) n;

CREATE TABLE ir_ui_view (id serial PRIMARY KEY, name varchar, model varchar, inherit_id int, arch_db jsonb, active boolean, "order" int);
INSERT INTO ir_ui_view (name, model, arch_db, active) SELECT 'view.' || n, 'res.partner', jsonb_build_object('en_US', '<form><field name="f' || n || '"/></form>', 'nl_BE', '<form/>'), true FROM generate_series(1, 60) n;
UPDATE ir_ui_view SET inherit_id = id - 1 WHERE id % 2 = 0;
UPDATE ir_ui_view SET active = false WHERE id % 30 = 0;
INSERT INTO ir_model_data (module, name, model, res_id, noupdate) SELECT CASE WHEN id > 40 THEN 'bakery_orders' ELSE 'base' END, 'view_' || id, 'ir.ui.view', id, false FROM ir_ui_view WHERE id <= 50;
CREATE TABLE ir_cron (id serial PRIMARY KEY, cron_name varchar, active boolean, ir_actions_server_id int);
INSERT INTO ir_cron (cron_name, active) SELECT 'Job ' || n, n <> 3 FROM generate_series(1, 8) n;
INSERT INTO ir_model_data (module, name, model, res_id, noupdate) SELECT 'base', 'cron_' || n, 'ir.cron', n, true FROM generate_series(1, 5) n;
CREATE TABLE ir_actions (id serial PRIMARY KEY, name jsonb, type varchar);
CREATE TABLE ir_act_server (name jsonb, model_name varchar, usage varchar, code text, PRIMARY KEY (id)) INHERITS (ir_actions);
INSERT INTO ir_act_server (name, model_name, usage, code) SELECT jsonb_build_object('en_US', 'Action ' || n), 'res.partner', CASE WHEN n > 8 THEN 'ir_cron' ELSE 'ir_actions_server' END, 'pass # ' || n FROM generate_series(1, 10) n;
INSERT INTO ir_model_data (module, name, model, res_id, noupdate) SELECT 'base', 'action_' || n, 'ir.actions.server', n, false FROM generate_series(1, 4) n;
CREATE TABLE base_automation (id serial PRIMARY KEY, action_server_id int, active boolean); -- which has no name of its own before 17.0
INSERT INTO base_automation (action_server_id, active) VALUES (9, true), (10, true);
CREATE TABLE ir_mail_server (id serial PRIMARY KEY, name varchar, active boolean, smtp_pass varchar);
INSERT INTO ir_mail_server (name, active) VALUES ('smtp.bakery.example', true);
CREATE TABLE fetchmail_server (id serial PRIMARY KEY, name varchar, active boolean);
INSERT INTO fetchmail_server (name, active) VALUES ('imap.bakery.example', true);
CREATE TABLE mail_template (id serial PRIMARY KEY, name jsonb, model varchar, active boolean);
INSERT INTO mail_template (name, model) VALUES ('{"en_US": "Birthday"}', 'res.partner');
CREATE TABLE ir_act_report_xml (id serial PRIMARY KEY, name jsonb, report_name varchar, model varchar);
INSERT INTO ir_act_report_xml (report_name, model) VALUES ('bakery.label', 'bakery.order');
CREATE TABLE ir_rule (id serial PRIMARY KEY, name varchar, active boolean, domain_force text);
INSERT INTO ir_rule (name, active, domain_force) VALUES ('own orders', true, '[(1, "=", 1)]');
CREATE TABLE ir_filters (id serial PRIMARY KEY, name varchar, active boolean, model_id varchar);
INSERT INTO ir_filters (name, active, model_id) VALUES ('My late orders', true, 'bakery.order');
CREATE TABLE website_page (id serial PRIMARY KEY, url varchar, is_published boolean);
INSERT INTO website_page (url, is_published) VALUES ('/about-bread', true);
CREATE TABLE ir_attachment (id serial PRIMARY KEY, name varchar, res_model varchar, res_field varchar, res_id int, url varchar);
INSERT INTO ir_attachment (name, res_model, res_field, res_id, url) VALUES ('contract.pdf', 'res.partner', NULL, 1, NULL), ('image_128', 'res.partner', 'image_128', 1, NULL), ('web.assets', NULL, NULL, NULL, '/web/assets/1'), ('theme', 'ir.ui.view', NULL, 1, NULL);
CREATE TABLE x_oven (id serial PRIMARY KEY, x_name varchar);
INSERT INTO x_oven (x_name) VALUES ('Big Bertha');

INSERT INTO ir_model_data (module, name, model, res_id, noupdate) SELECT 'base', 'state_' || n, 'res.country.state', n, false FROM generate_series(1, 20) n;
INSERT INTO ir_model_fields (model, name, state) SELECT m.model, c.column_name, CASE WHEN c.column_name LIKE 'x\_%' THEN 'manual' ELSE 'base' END
 FROM ir_model m JOIN information_schema.columns c ON c.table_name = replace(replace(m.model, 'ir.actions.', 'ir.act.'), '.', '_') AND c.table_schema = 'public' WHERE c.column_name <> 'legacy_code';

CREATE VIEW sale_report AS SELECT 1 AS id;
CREATE VIEW bakery_turnover AS SELECT company_id, sum(balance) FROM account_move_line GROUP BY company_id;
CREATE FUNCTION bakery_touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.legacy_code := 'x'; RETURN NEW; END $$;
CREATE TRIGGER touch_partner BEFORE UPDATE ON res_partner FOR EACH ROW EXECUTE FUNCTION bakery_touch();
