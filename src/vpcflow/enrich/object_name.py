"""Fills what AWS's object name tells and the record itself does not."""

from __future__ import annotations

import pyarrow as pa

from vpcflow.record.batch import FlowBatch
from vpcflow.record.field_spec import TEXT_TYPE


def fill_from_object_name(batch: FlowBatch) -> FlowBatch:
    """Fill ``region`` from the object name where the log format has no such field.

    A flow log and its interfaces are in one region, so the name tells the truth of every record.
    The account in the name is the flow log's owner, which need not own the interface: it is not
    used. A format that has the field keeps what its maker wrote, nulls included.
    """
    region = batch.origin.region
    if not region or "region" in batch.records.schema.names:
        return batch
    column = pa.DictionaryArray.from_arrays(
        pa.repeat(pa.scalar(0, pa.int32()), batch.num_records), pa.array([region], pa.string())
    )
    return batch.with_records(batch.records.append_column(pa.field("region", TEXT_TYPE), column))
