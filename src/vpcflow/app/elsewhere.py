"""Whether the settings name destinations that are not on this endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vpcflow.app.settings import Settings


def has_buckets_elsewhere(settings: Settings) -> bool:
    """Whether buckets that are not here are looked for at AWS or another endpoint."""
    deliver = settings.deliver
    return bool(deliver.s3_endpoint_url or deliver.aws_profile or deliver.aws_region)


def has_streams_elsewhere(settings: Settings) -> bool:
    """The same for delivery streams."""
    deliver = settings.deliver
    return bool(deliver.firehose_endpoint_url or deliver.aws_profile or deliver.aws_region)
