#!/usr/bin/env bash
# Upgrades a database with OCA's OpenUpgrade, one version after the other: the program of a
# sandbox's engine command. The sandbox restores the dump first, and dumps the database
# again afterwards.
#
# usage: odoo-upgrade sandbox --engine command --database-url … --restore -- openupgrade.sh
#
# For each version that is upgraded to, 14.0 or later, $OPENUPGRADE_HOME (/opt/openupgrade)
# needs a folder like 17.0 with
#   odoo          Odoo of that version       (github.com/odoo/odoo, branch 17.0)
#   OpenUpgrade   OpenUpgrade of that version (github.com/OCA/OpenUpgrade, branch 17.0)
#   venv          a Python environment with the requirements of both, and openupgradelib
# and your own modules in addons, if there are any. It uses unzip.
set -euo pipefail
home=${OPENUPGRADE_HOME:-/opt/openupgrade}

fail() { # a last line that says why: it is the request's message
  echo "$1"
  exit 1
}

[[ $UPGRADE_SOURCE =~ ^[0-9]+\.0$ ]] || fail "The dump's Odoo version is unknown, or OpenUpgrade cannot start from it: ${UPGRADE_SOURCE:-unknown}"
[[ $UPGRADE_TARGET =~ ^[0-9]+\.0$ ]] || fail "OpenUpgrade does not upgrade to $UPGRADE_TARGET."
((${UPGRADE_SOURCE%.0} < ${UPGRADE_TARGET%.0})) || fail "The database is already at Odoo $UPGRADE_SOURCE."
# Odoo finds the attachments' files here, and writes new ones.
files=$UPGRADE_FOLDER/data/filestore/$UPGRADE_DATABASE
mkdir -p "$files"
if [ "$UPGRADE_KIND" = odoo-zip ]; then
  unzip -q -o "$UPGRADE_ORIGINAL" 'filestore/*' -d "$UPGRADE_FOLDER/backup" || [ $? = 11 ] || fail "The filestore could not be extracted." # 11: there is none
  [ ! -d "$UPGRADE_FOLDER/backup/filestore" ] || cp -R "$UPGRADE_FOLDER/backup/filestore/." "$files"
fi
(cd "$files" && find . -type f | sort) >"$UPGRADE_FOLDER/before"
# Its own configuration: one in the home folder would lead to another server.
: >"$UPGRADE_FOLDER/odoo.conf"
unset ODOO_RC OPENERP_SERVER

for ((version = ${UPGRADE_SOURCE%.0} + 1; version <= ${UPGRADE_TARGET%.0}; version++)); do
  root=$home/$version.0
  [ -x "$root/venv/bin/python" ] || fail "OpenUpgrade to $version.0 is not installed: there is no $root/venv/bin/python."
  addons=$root/odoo/addons,$root/odoo/odoo/addons,$root/OpenUpgrade
  [ ! -d "$root/addons" ] || addons=$root/addons,$addons
  echo "Upgrading to Odoo $version.0"
  # Odoo takes the server, the user and the password from PGHOST, PGUSER and PGPASSWORD.
  if ! "$root/venv/bin/python" "$root/odoo/odoo-bin" --config "$UPGRADE_FOLDER/odoo.conf" --database "$UPGRADE_DATABASE" \
    --data-dir "$UPGRADE_FOLDER/data" --addons-path "$addons" \
    --upgrade-path "$root/OpenUpgrade/openupgrade_scripts/scripts" --load base,web,openupgrade_framework \
    --update all --stop-after-init --no-http --max-cron-threads 0 2>&1 | tee "$UPGRADE_FOLDER/log"; then
    cause=$(grep -E '^[A-Za-z_][A-Za-z0-9_.]*(Error|Exception|Warning|Violation|Failed)\b' "$UPGRADE_FOLDER/log" | tail -n 1) || true
    fail "Odoo $version.0 could not upgrade the database: ${cause:-see the log above.}"
  fi
done

# What is new goes back with the database.
(cd "$files" && find . -type f | sort) >"$UPGRADE_FOLDER/after"
comm -13 "$UPGRADE_FOLDER/before" "$UPGRADE_FOLDER/after" | while IFS= read -r file; do
  mkdir -p "$UPGRADE_FILESTORE/$(dirname "$file")"
  cp "$files/$file" "$UPGRADE_FILESTORE/$file"
done
