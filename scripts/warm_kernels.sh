#!/bin/sh
# Compiles the kernels once, so that the first run does not wait for them: takes a few records in,
# in every encoding, and asks for them.
set -eu
bin=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
echo "compiling kernels, once (about half a minute)"
"$bin/vpcflow" --data "$folder" ingest tests/golden/flow_logs >/dev/null 2>&1
"$bin/vpcflow" --data "$folder" table maintain --full >/dev/null
"$bin/vpcflow" --data "$folder" query 'SELECT * FROM flow_records' >/dev/null 2>&1
