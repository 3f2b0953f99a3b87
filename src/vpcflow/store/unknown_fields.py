"""Fields that the registry does not have: columns to one map column and back."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vpcflow.record.field_spec import TEXT_TYPE
from vpcflow.store.arrow_views import bitmap_of, numbers_column, one_chunk, validity_of
from vpcflow.store.stored_schema import STORED_COLUMNS_BY_NAME


def to_unknown_fields(columns: dict[str, pa.Array], rows: int) -> pa.Array:
    """One map a record of the fields that have a value; null where none has."""
    names = sorted(columns)
    present = np.zeros((rows, len(names)), np.bool_)
    for place, name in enumerate(names):
        valid = validity_of(columns[name])
        present[:, place] = valid if len(valid) else True
    row_of, name_of = np.nonzero(present)
    offsets = np.zeros(rows + 1, np.int32)
    np.cumsum(present.sum(axis=1), out=offsets[1:])
    # All columns end to end: the value of a row in a column is at column * rows + row.
    values = one_chunk(pa.chunked_array([columns[name] for name in names], TEXT_TYPE))
    items = values.take(pa.array(name_of * rows + row_of)).cast(pa.string())
    keys = pa.array(names, pa.string()).take(pa.array(name_of))
    map_type = STORED_COLUMNS_BY_NAME["unknown_fields"].type
    entries = pa.StructArray.from_arrays(
        [keys, items], fields=[map_type.key_field, map_type.item_field]
    )
    return pa.Array.from_buffers(
        map_type,
        rows,
        [bitmap_of(np.asarray(present.any(axis=1))), pa.py_buffer(offsets)],
        children=[entries],
    )


def from_unknown_fields(column: pa.MapArray) -> dict[str, pa.Array]:
    """One text column a field, in order of name."""
    rows = len(column)
    lengths = pc.fill_null(pc.list_value_length(pc.cast(column, _list_type(column))), 0)
    row_of = np.repeat(np.arange(rows), lengths.to_numpy(zero_copy_only=False))
    entries = pc.list_flatten(pc.cast(column, _list_type(column)))
    keys = entries.field(0)
    items = entries.field(1)
    columns = {}
    for name in sorted(pc.unique(keys).to_pylist()):
        places = np.flatnonzero(pc.equal(keys, name).to_numpy(zero_copy_only=False))
        indices = np.zeros(rows, np.int64)
        valid = np.zeros(rows, np.uint8)
        indices[row_of[places]] = places
        valid[row_of[places]] = 1
        taken = items.take(numbers_column(indices, valid)).cast(pa.string())
        columns[name] = taken.dictionary_encode()
    return columns


def _list_type(column: pa.MapArray) -> pa.DataType:
    return pa.list_(pa.struct([("key", column.type.key_type), ("value", column.type.item_type)]))
