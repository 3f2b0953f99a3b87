"""AWS STS: who am I, and keys for a while."""

from vpcflow.api.aws.sts.operations import service

__all__ = ["service"]
