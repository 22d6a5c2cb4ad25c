-- A place for your own statements; other files in this folder run after it. The variables of
-- psql are source and target, which are versions of Odoo, aim and request. (For a database
-- that sends no mail, add what odoo-bin neutralize --stdout prints.)
--
-- This one stands for an upgrade: it says that the modules are of the target.
UPDATE ir_module_module SET latest_version = :'target' || substr(latest_version, length(:'source') + 1)
WHERE latest_version LIKE :'source' || '.%';
