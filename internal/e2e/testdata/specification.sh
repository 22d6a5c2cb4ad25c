#!/usr/bin/env bash
# The bash samples of the specification, "Database Upgrade", in their order. What
# is changed is the host, and that id and key are those of the created request.
# Between them: waiting for the end, and the comparison.
HOST="$1"
DUMP="$2"

# The create method
CONTRACT=M123456-abcdef
AIM=test
TARGET=8.0
EMAIL=john.doe@example.com
FILENAME=db_name.dump
CREATE_URL="${HOST}/database/v1/create"
URL_PARAMS="contract=${CONTRACT}&aim=${AIM}&target=${TARGET}&email=${EMAIL}&filename=${FILENAME}"
curl -sS "${CREATE_URL}?${URL_PARAMS}" > create_result.json

# check for failures
failures=$(cat create_result.json | jq -r '.failures[]')
if [ "$failures" != "" ]; then
  echo $failures | jq -r '.'
  exit 1
fi

# The upload method
UPLOAD_URL="${HOST}/database/v1/upload"
DUMPFILE="$DUMP"
KEY=$(jq -r '.request.key' create_result.json)
REQUEST_ID=$(jq -r '.request.id' create_result.json)
URL_PARAMS="key=${KEY}&request=${REQUEST_ID}"
HEADER="Content-Type: application/octet-stream"
curl -H $HEADER --data-binary "@${DUMPFILE}" "${UPLOAD_URL}?${URL_PARAMS}"

# The request_sftp_access method
REQUEST_SFTP_ACCESS_URL="${HOST}/database/v1/request_sftp_access"
SSH_KEYS="$3"
URL_PARAMS="key=${KEY}&request=${REQUEST_ID}"

curl -sS "${REQUEST_SFTP_ACCESS_URL}?${URL_PARAMS}" -F ssh_keys=@${SSH_KEYS} > request_sftp_result.json

# check for failures
failures=$(cat request_sftp_result.json | jq -r '.failures[]')
if [ "$failures" != "" ]; then
  echo $failures | jq -r '.'
  exit 1
fi

# The process method
PROCESS_URL="${HOST}/database/v1/process"
URL_PARAMS="key=${KEY}&request=${REQUEST_ID}"
curl -sS "${PROCESS_URL}?${URL_PARAMS}"

# The status method
STATUS_URL="${HOST}/database/v1/status"
URL_PARAMS="key=${KEY}&request=${REQUEST_ID}"
for try in $(seq 100); do
  curl -sS "${STATUS_URL}?${URL_PARAMS}" > status_result.json
  [ "$(jq -r '.request.state' status_result.json)" = done ] && break
  sleep 0.1
done
[ "$(jq -r '.request.state' status_result.json)" = done ] || exit 1

# Downloading
curl -sSf -o upgraded.dump "$(jq -r '.request.upgraded_dump_url' status_result.json)" || exit 1
cmp upgraded.dump "$DUMP" && echo "byte for byte"
