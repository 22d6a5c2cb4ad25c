#!/usr/bin/env bash
# A test upgrade from any shell or cron. The exit status tells how it ended; the
# README lists them.
#
# usage: ODOO_UPGRADE_CONTRACT=… upgrade.sh DUMP TARGET EMAIL
set -euo pipefail
dump=$1 target=$2 email=$3
upgrade=${ODOO_UPGRADE:-odoo-upgrade} # the binary of a release

"$upgrade" inspect "$dump" # in milliseconds, before anything is sent
status=0
"$upgrade" run --email "$email" --target "$target" --dump "$dump" --timeout 5h --outputs outputs.txt || status=$?
if [ "$status" = 7 ] || [ "$status" = 130 ]; then
  handle=$(sed -n '/^handle<</{n;p;}' outputs.txt | tail -n 1)
  echo "Not over yet. Later: $upgrade run --handle $handle --outputs outputs.txt"
fi
exit "$status"
