"""The flow batch: the only thing that passes between stages."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pyarrow as pa

from vpcflow.base.errors import RecordError
from vpcflow.record.field_spec import TEXT_TYPE
from vpcflow.record.fields import FIELDS_BY_COLUMN

#: The most records one batch holds.
BATCH_RECORDS_MAX = 65_536


@dataclass(frozen=True, slots=True)
class Origin:
    """Where records came from, as far as the place itself tells.

    Shape: ``kind`` is file, s3, stdin, capture or sample; ``uri`` names the object;
    the rest is read from AWS's object name and is empty elsewhere.
    """

    kind: str
    uri: str = ""
    account_id: str | None = None
    region: str | None = None
    flow_log_id: str | None = None


@dataclass(frozen=True, slots=True)
class FlowBatch:
    """Flow records as one immutable Arrow batch.

    Shape: the columns are any subset of the registry's columns, each with its registry type
    (int32, int64, 16-byte address, dictionary text); other columns are unknown fields, text,
    named as in their log format. A column that is missing is null in every row.
    Units: ``interval_s`` is the aggregation interval in seconds, None when not known.
    Errors: RecordError when a column has another type, or there are too many rows.
    """

    records: pa.RecordBatch
    origin: Origin
    flow_log_id: str | None = None
    interval_s: int | None = None

    def __post_init__(self) -> None:
        if self.records.num_rows > BATCH_RECORDS_MAX:
            raise RecordError(
                f"a flow batch holds at most {BATCH_RECORDS_MAX} records, got {self.records.num_rows}"
            )
        for field in self.records.schema:
            spec = FIELDS_BY_COLUMN.get(field.name)
            expected = spec.kind.arrow_type if spec else TEXT_TYPE
            if field.type != expected:
                raise RecordError(f"column {field.name} is {field.type}, expected {expected}")

    @property
    def num_records(self) -> int:
        """How many records the batch holds."""
        return int(self.records.num_rows)

    def with_records(self, records: pa.RecordBatch) -> FlowBatch:
        """The same batch with other columns."""
        return replace(self, records=records)
