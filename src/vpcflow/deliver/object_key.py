"""The keys of delivered objects, as AWS names them.

Source: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime

from vpcflow.deliver.plan import DeliveryPlan, S3Destination

#: A slot of an object's name: the records' ``end`` is in it.
SLOT_S = 300


def object_key(plan: DeliveryPlan, to: S3Destination, slot_start_s: int, name_hash: str) -> str:
    """The key of an object with the records that end in a slot.

    Units: ``slot_start_s`` is epoch seconds, a multiple of ``SLOT_S``.
    """
    slot = datetime.fromtimestamp(slot_start_s, UTC)
    if to.hive_compatible_partitions:
        place = (
            f"AWSLogs/aws-account-id={plan.account_id}/aws-service=vpcflowlogs/"
            f"aws-region={plan.region}/{slot:year=%Y/month=%m/day=%d}/"
        )
        hour = f"{slot:hour=%H}/"
    else:
        place = f"AWSLogs/{plan.account_id}/vpcflowlogs/{plan.region}/{slot:%Y/%m/%d}/"
        hour = f"{slot:%H}/"
    prefix = f"{to.prefix}/" if to.prefix else ""
    suffix = "log.parquet" if to.parquet else "log.gz"
    name = (
        f"{plan.account_id}_vpcflowlogs_{plan.region}_{plan.flow_log_id}_"
        f"{slot:%Y%m%dT%H%M}Z_{name_hash}.{suffix}"
    )
    return f"{prefix}{place}{hour if to.per_hour_partition else ''}{name}"


def name_hash(
    flow_log_id: str, slot_start_s: int, after: int, to: int, part: int, skipped: Iterable[int]
) -> str:
    """Eight hex digits that are the same whenever the same records are written again.

    Shape: the records are those of the journal's segments after ``after`` up to ``to``; a segment
    that was dropped in between makes another name, so that its SKIPDATA replaces no records.
    """
    told = f"{flow_log_id} {slot_start_s} {after} {to} {part} {sorted(skipped)}"
    return hashlib.blake2b(told.encode(), digest_size=4).hexdigest()
