"""What is known of one field of a flow record."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa

#: An address of either family: 16 bytes, IPv4 mapped into IPv6, in network order.
ADDRESS_TYPE = pa.binary(16)
#: Text is dictionary-encoded in memory: few values, many rows.
TEXT_TYPE = pa.dictionary(pa.int32(), pa.string())


class FieldKind(StrEnum):
    """How the value of a field is kept; decides its types everywhere."""

    INT32 = "int32"
    INT64 = "int64"
    ADDRESS = "address"
    TEXT = "text"

    @property
    def arrow_type(self) -> pa.DataType:
        """The type in a flow batch."""
        return _ARROW_TYPES[self]

    @property
    def aws_parquet_type(self) -> pa.DataType:
        """The type in Parquet as AWS delivers it."""
        return _AWS_PARQUET_TYPES[self]


_ARROW_TYPES = {
    FieldKind.INT32: pa.int32(),
    FieldKind.INT64: pa.int64(),
    FieldKind.ADDRESS: ADDRESS_TYPE,
    FieldKind.TEXT: TEXT_TYPE,
}
_AWS_PARQUET_TYPES = {
    FieldKind.INT32: pa.int32(),
    FieldKind.INT64: pa.int64(),
    FieldKind.ADDRESS: pa.string(),
    FieldKind.TEXT: pa.string(),
}


class Resource(StrEnum):
    """Whose flow logs have the field."""

    VPC = "vpc"
    TRANSIT_GATEWAY = "transit-gateway"


class Merge(StrEnum):
    """How the values of two records of one flow become one value."""

    KEY = "key"
    SUM = "sum"
    MIN = "min"
    MAX = "max"
    OR = "or"
    SAME = "same"


class Cardinality(StrEnum):
    """How many different values to expect; the console warns before it groups by a high one."""

    CONSTANT = "constant"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field: names, types, meaning, and what other schemas call it.

    Units: ``unit`` is empty for what is no quantity. ``since_version`` is 0 for vpcflow's own fields.
    """

    name: str
    since_version: int
    kind: FieldKind
    summary: str
    label: str
    null_means: str
    resources: frozenset[Resource]
    filled_by: str
    merge: Merge
    cardinality: Cardinality
    unit: str = ""
    value_min: int = 0
    value_max: int | None = None
    values: tuple[str, ...] = ()
    limits: str = ""
    ipfix: str = ""
    ocsf: str = ""
    ecs: str = ""
    otel: str = ""
    source: str = ""

    @property
    def column(self) -> str:
        """The name in SQL, Arrow and Parquet: ``-`` becomes ``_``."""
        return self.name.replace("-", "_")

    @property
    def is_ours(self) -> bool:
        """Whether vpcflow added the field; AWS does not know it."""
        return self.since_version == 0

    @property
    def arrow_field(self) -> pa.Field:
        """The column of a flow batch."""
        return pa.field(self.column, self.kind.arrow_type)
