"""Firehose's API: delivery streams, and records put into them."""

from vpcflow.api.aws.firehose.plans import plan_of
from vpcflow.api.aws.firehose.service import service

__all__ = ["plan_of", "service"]
