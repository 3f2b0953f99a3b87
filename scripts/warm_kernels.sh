#!/bin/sh
# Compiles the kernels once, so that the first run does not wait for them: takes a few records in,
# in every encoding, asks for them, and meters a few packets.
set -eu
bin=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
echo "compiling kernels, once (about a minute)"
"$bin/vpcflow" --data "$folder" ingest tests/golden/flow_logs >/dev/null 2>&1
"$bin/vpcflow" --data "$folder" table maintain --full >/dev/null
"$bin/vpcflow" --data "$folder" query 'SELECT * FROM flow_records' >/dev/null 2>&1
made=tests/golden/made_captures
"$bin/vpcflow" --data "$folder" capture --read "$made/connection.pcap" --interval 60 \
    --interface-id eni-0123456789abcdef0 --address 10.0.1.10 >/dev/null
cat >"$folder/rules.toml" <<'TOML'
[[vpc]]
name = "made"
cidr_blocks = ["10.0.0.0/16"]
[[subnet]]
name = "made"
cidr_blocks = ["10.0.1.0/24"]
[[interface]]
id = "eni-0123456789abcdef0"
addresses = ["10.0.1.10"]
security_groups = ["made"]
[[security_group]]
name = "made"
TOML
"$bin/vpcflow" capture --read "$made/connection.pcap" --inventory "$folder/rules.toml" \
    --interface-id eni-0123456789abcdef0 --output - >/dev/null 2>&1
for capture in two-interfaces.pcapng never-logged.pcap; do
    "$bin/vpcflow" capture --read "$made/$capture" --inventory "$made/inventory.toml" --output - \
        --interface-id eni-0123456789abcdef0 --address 10.0.1.10 >/dev/null 2>&1
done
"$bin/python" -c 'from vpcflow.capture.settings import CaptureSettings
from vpcflow.capture.warm_up import load_kernels
load_kernels(CaptureSettings())'
