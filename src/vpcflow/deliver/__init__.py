"""Records to their destinations: log groups, S3 and Firehose, at least once."""
