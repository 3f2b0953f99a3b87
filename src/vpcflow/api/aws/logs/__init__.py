"""CloudWatch Logs as its clients speak it."""
