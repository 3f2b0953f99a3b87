"""Log groups, their streams and the rules that CloudWatch Logs has for them."""
