"""S3 on the same endpoint: buckets here that flow logs deliver to and every S3 client reads."""

from vpcflow.api.aws.s3.service import service

__all__ = ["service"]
