"""The columns of the stored table, with the field ids that its data files carry.

A record is stored from its interface's side: ``host`` is the interface's own end, ``peer`` the
other. AWS's source and destination come back exactly:

* direction 0: srcaddr = host, dstaddr = peer; direction 1: srcaddr = peer, dstaddr = host.
* swapped false: srcport = lo_port, dstport = hi_port; swapped true: the other way round. lo_port
  is the smaller of the two; a single known port is lo_port.
* end = duration + start, or duration alone where start is null.
* pkt_same bit 1: pkt-srcaddr equals srcaddr; bit 2: pkt-dstaddr equals dstaddr (then the column
  itself is null); without its bit the column holds the value.
* unknown_fields: fields that the registry does not have, by AWS name.

Ids are never reused and never change: AWS's fields take 100 and up in AWS's order, transit
gateway fields 300 and up, our own 400 and up.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from vpcflow.record.field_spec import ADDRESS_TYPE, FieldKind
from vpcflow.record.fields import OWN_FIELDS, TRANSIT_GATEWAY_ONLY_FIELDS, VPC_FIELDS

SECONDS_A_DAY = 86_400
SECONDS_AN_HOUR = 3_600

PKT_SRC_SAME = 1
PKT_DST_SAME = 2

DIRECTION_HOST_IS_SOURCE = 0
DIRECTION_HOST_IS_DESTINATION = 1


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """One column of the table: its name, its field id in every data file, its Arrow type."""

    name: str
    field_id: int
    type: pa.DataType

    @property
    def arrow_field(self) -> pa.Field:
        """The column as it is written, with its field id."""
        metadata = {b"PARQUET:field_id": str(self.field_id).encode()}
        return pa.field(self.name, self.type, metadata=metadata)


#: Map keys and values need ids of their own.
UNKNOWN_FIELDS_ID = 20
UNKNOWN_FIELDS_KEY_ID = 21
UNKNOWN_FIELDS_VALUE_ID = 22

_LAYOUT_COLUMNS = (
    StoredColumn("host", 1, ADDRESS_TYPE),
    StoredColumn("peer", 2, ADDRESS_TYPE),
    StoredColumn("lo_port", 3, pa.int32()),
    StoredColumn("hi_port", 4, pa.int32()),
    StoredColumn("swapped", 5, pa.bool_()),
    StoredColumn("direction", 6, pa.int32()),
    StoredColumn("start", 7, pa.int64()),
    StoredColumn("duration", 8, pa.int64()),
    StoredColumn("pkt_same", 9, pa.int32()),
)

#: AWS fields that the layout columns stand for, and so have no column of their own name.
REORIENTED_FIELDS = frozenset({"srcaddr", "dstaddr", "srcport", "dstport", "start", "end"})

_STORED_TYPES = {
    FieldKind.INT32: pa.int32(),
    FieldKind.INT64: pa.int64(),
    FieldKind.ADDRESS: ADDRESS_TYPE,
    FieldKind.TEXT: pa.string(),
}


def _registry_columns() -> tuple[StoredColumn, ...]:
    columns = []
    for first_id, specs in (
        (100, VPC_FIELDS),
        (300, TRANSIT_GATEWAY_ONLY_FIELDS),
        (400, OWN_FIELDS),
    ):
        for position, spec in enumerate(specs):
            if spec.name not in REORIENTED_FIELDS:
                columns.append(
                    StoredColumn(spec.column, first_id + position, _STORED_TYPES[spec.kind])
                )
    return tuple(columns)


_UNKNOWN_FIELDS = StoredColumn(
    "unknown_fields",
    UNKNOWN_FIELDS_ID,
    pa.map_(
        pa.field("key", pa.string(), nullable=False, metadata={b"PARQUET:field_id": b"21"}),
        pa.field("value", pa.string(), metadata={b"PARQUET:field_id": b"22"}),
    ),
)

STORED_COLUMNS: tuple[StoredColumn, ...] = (*_LAYOUT_COLUMNS, *_registry_columns(), _UNKNOWN_FIELDS)
STORED_COLUMNS_BY_NAME: dict[str, StoredColumn] = {column.name: column for column in STORED_COLUMNS}

#: Rows of a data file are in this order, nulls first; hour is start // 3600.
SORT_KEYS: tuple[str, ...] = ("hour", "host", "lo_port", "peer", "hi_port", "start")
