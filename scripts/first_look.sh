#!/bin/sh
# What `make run` shows. As root it meters this host into DATA until Ctrl-C; without the permission
# for that, or with SAMPLE=1, a generated sample is taken in and its overview printed.
set -eu
bin=$1
data=$2
if [ "$(id -u)" = 0 ] && [ -z "${SAMPLE:-}" ]; then
    exec "$bin/vpcflow" --data "$data/store" run
fi
sample="$data/sample"
if [ ! -e "$sample/README.txt" ]; then
    "$bin/vpcflow" sample "$sample" --records "${RECORDS:-500000}" --days 2
fi
"$bin/vpcflow" --data "$data/sample-store" ingest "$sample/AWSLogs"
"$bin/vpcflow" --data "$data/sample-store" overview
cat <<TXT

That was generated traffic; $sample/README.txt says what is hidden in it.
The real traffic of this host:
  sudo $bin/vpcflow run
Your own flow logs, from a folder or from S3:
  $bin/vpcflow --data my-flows ingest PATH...
  $bin/vpcflow --data my-flows ingest s3://BUCKET/PREFIX
  $bin/vpcflow --data my-flows overview
TXT
