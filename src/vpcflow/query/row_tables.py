"""Plain rows of an answer: summed up in Python while they are few, and made a table at the end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

    from vpcflow.query.answer import ColumnMeta

Row = dict[str, Any]

#: Kinds of columns that do not hold 64-bit integers; addresses are bytes until they are shown.
_TEXTS = frozenset({"text", "rule"})
_FRACTIONS = frozenset({"ratio", "microseconds"})


def sum_of(rows: Iterable[Row], name: str) -> int | None:
    """A sum that ignores nulls, and is null where there is nothing else."""
    known = [row[name] for row in rows if row[name] is not None]
    return sum(known) if known else None


def count_of(rows: Iterable[Row], **values: Any) -> int:
    """The records of the rows that have all the values."""
    return sum(
        row["records"] for row in rows if all(row[name] == value for name, value in values.items())
    )


def row_table(rows: Sequence[Row], columns: Sequence[ColumnMeta]) -> pa.Table:
    """Rows as a table of an answer's columns, each of its kind's type."""
    import pyarrow as pa

    from vpcflow.query.answer_arrays import array_of

    made = {}
    for column in columns:
        values = [row[column.name] for row in rows]
        if column.kind == "address":
            made[column.name] = _addresses(values)
        elif column.kind in _TEXTS:
            made[column.name] = array_of(values, pa.string())
        else:
            kind = pa.float64() if column.kind in _FRACTIONS else pa.int64()
            made[column.name] = array_of(values, kind)
    return pa.table(made)


def _addresses(values: Sequence[bytes | None]) -> pa.Array:
    """Stored addresses, 16 bytes each."""
    import numpy as np
    import pyarrow as pa

    valid = np.array([value is not None for value in values], dtype=np.bool_)
    buffers = [
        pa.py_buffer(np.packbits(valid, bitorder="little").tobytes()),
        pa.py_buffer(b"".join(value or b"\0" * 16 for value in values)),
    ]
    return pa.Array.from_buffers(pa.binary(16), len(values), buffers)
