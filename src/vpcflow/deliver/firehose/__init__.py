"""Delivery streams here: a durable buffer each, emptied to an HTTP endpoint or a bucket."""

from vpcflow.deliver.firehose.stream_plan import BucketTarget, HttpTarget, StreamPlan
from vpcflow.deliver.firehose.streams import FirehoseStreams
from vpcflow.deliver.firehose_settings import FirehoseSettings

__all__ = ["BucketTarget", "FirehoseSettings", "FirehoseStreams", "HttpTarget", "StreamPlan"]
