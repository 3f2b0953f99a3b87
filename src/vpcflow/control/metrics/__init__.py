"""CloudWatch metrics: what filters and clients count, by minute."""
