#!/bin/sh
# First look without any cloud account: a generated sample, taken in, and its overview.
# Until live capture exists this is what `make run` shows.
set -eu
bin=$1
data=$2
sample="$data/sample"
if [ ! -e "$sample/README.txt" ]; then
    "$bin/vpcflow" sample "$sample" --records "${RECORDS:-500000}" --days 2
fi
"$bin/vpcflow" --data "$data/store" ingest "$sample/AWSLogs"
"$bin/vpcflow" --data "$data/store" overview
cat <<TXT

That was generated traffic; $sample/README.txt says what is hidden in it.
Your own flow logs, from a folder or from S3:
  $bin/vpcflow --data my-flows ingest PATH...
  $bin/vpcflow --data my-flows ingest s3://BUCKET/PREFIX
  $bin/vpcflow --data my-flows overview
TXT
