#!/bin/sh
# What `make run` shows: the console, whose address is printed first. As root it meters this host into
# DATA until Ctrl-C; without the permission for that, or with SAMPLE=1, it shows a generated sample.
# With LAB=1 it meters a small network of its own, with traffic in it.
set -eu
bin=$1
data=$2
if [ -n "${LAB:-}" ]; then
    "$bin/vpcflow" --data "$data/lab-store" lab up
    exec "$bin/vpcflow" --data "$data/lab-store" run --lab --interval "${INTERVAL:-10}"
fi
if [ "$(id -u)" = 0 ] && [ -z "${SAMPLE:-}" ]; then
    exec "$bin/vpcflow" --data "$data/store" run
fi
sample="$data/sample"
if [ ! -e "$sample/README.txt" ]; then
    "$bin/vpcflow" sample "$sample" --records "${RECORDS:-500000}" --days 2
fi
"$bin/vpcflow" --data "$data/sample-store" ingest "$sample/AWSLogs"
cat <<TXT

This is generated traffic; $sample/README.txt says what is hidden in it.
The real traffic of this host:      sudo $bin/vpcflow run
Your own flow logs, then \`run --no-capture\` on the same folder:
  $bin/vpcflow --data my-flows ingest PATH...
  $bin/vpcflow --data my-flows ingest s3://BUCKET/PREFIX
TXT
exec "$bin/vpcflow" --data "$data/sample-store" run --no-capture
