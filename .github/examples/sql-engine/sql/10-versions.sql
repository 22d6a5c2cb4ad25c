-- A place for your own statements; other files in this folder run after it. psql variables:
-- source and target (Odoo versions), aim, request. (For a database that sends no mail, add
-- what odoo-bin neutralize --stdout prints.)
--
-- This one stands for an upgrade: it sets the modules' versions to the target's.
UPDATE ir_module_module SET latest_version = :'target' || substr(latest_version, length(:'source') + 1)
WHERE latest_version LIKE :'source' || '.%';
