"""Fills what AWS's object name tells and the record itself does not."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pyarrow as pa

from vpcflow.record.batch import BATCH_RECORDS_MAX, FlowBatch
from vpcflow.record.field_spec import TEXT_TYPE

#: AWS has a few dozen regions.
REGIONS_KEPT_MAX = 256


def fill_from_object_name(batch: FlowBatch) -> FlowBatch:
    """Fill ``region`` from the object name where the log format has no such field.

    A flow log and its interfaces are in one region, so the name tells the truth of every record.
    The account in the name is the flow log's owner, which need not own the interface: it is not
    used. A format that has the field keeps what its maker wrote, nulls included.
    """
    region = batch.origin.region
    if not region or "region" in batch.records.schema.names:
        return batch
    column = _constant(region).slice(0, batch.num_records)
    return batch.with_records(batch.records.append_column(pa.field("region", TEXT_TYPE), column))


@lru_cache(REGIONS_KEPT_MAX)
def _constant(text: str) -> pa.DictionaryArray:
    """The same text as often as a batch can need it.

    Made of buffers: Arrow's conversions of Python values import pandas, half a second at start.
    """
    data = text.encode()
    ends = np.array([0, len(data)], np.int32)
    dictionary = pa.StringArray.from_buffers(1, pa.py_buffer(ends), pa.py_buffer(data))
    codes = pa.py_buffer(np.zeros(BATCH_RECORDS_MAX, np.int32))
    return pa.DictionaryArray.from_arrays(
        pa.Int32Array.from_buffers(pa.int32(), BATCH_RECORDS_MAX, [None, codes]), dictionary
    )
