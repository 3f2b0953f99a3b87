"""The flow batch: the only thing that passes between stages."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pyarrow as pa

from vpcflow.base.errors import RecordError
from vpcflow.record.field_spec import TEXT_TYPE
from vpcflow.record.fields import FIELDS_BY_COLUMN

#: The most records one batch holds.
BATCH_RECORDS_MAX = 65_536


#: Schemas that were found right; a decoder makes thousands of batches of one schema.
SCHEMAS_KEPT_MAX = 16
_right_schemas: list[pa.Schema] = []


def _check_schema(schema: pa.Schema) -> None:
    if any(schema.equals(known) for known in _right_schemas):
        return
    for field in schema:
        spec = FIELDS_BY_COLUMN.get(field.name)
        expected = spec.kind.arrow_type if spec else TEXT_TYPE
        if field.type != expected:
            raise RecordError(f"column {field.name} is {field.type}, expected {expected}")
    _right_schemas.insert(0, schema)
    del _right_schemas[SCHEMAS_KEPT_MAX:]


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
        _check_schema(self.records.schema)

    @property
    def num_records(self) -> int:
        """How many records the batch holds."""
        return int(self.records.num_rows)

    def with_records(self, records: pa.RecordBatch) -> FlowBatch:
        """The same batch with other columns."""
        return replace(self, records=records)
