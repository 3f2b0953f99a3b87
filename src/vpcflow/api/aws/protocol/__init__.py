"""AWS's wire protocols: read a request and write an answer by botocore's service models alone."""
