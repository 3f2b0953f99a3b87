"""Small Arrow arrays from Python lists, without what pyarrow's own way brings along.

``pyarrow.array`` asks whether a list is a pandas object, and imports pandas to find out: a third of
a second, more than most questions take. These arrays are the few rows of an answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

_NUMBERS = {pa.int64(): np.int64, pa.float64(): np.float64}


def array_of(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """An array of text, 64-bit integers or floating point numbers; None is null."""
    valid = np.array([value is not None for value in values], dtype=np.bool_)
    validity = None
    if not valid.all():
        validity = pa.py_buffer(np.packbits(valid, bitorder="little").tobytes())
    if kind == pa.string():
        texts = [b"" if value is None else value.encode() for value in values]
        ends = np.cumsum([0, *map(len, texts)]).astype(np.int32)
        buffers = [validity, pa.py_buffer(ends.tobytes()), pa.py_buffer(b"".join(texts))]
    else:
        filled = np.array([0 if value is None else value for value in values], dtype=_NUMBERS[kind])
        buffers = [validity, pa.py_buffer(filled.tobytes())]
    return pa.Array.from_buffers(kind, len(values), buffers)


def table_of(columns: Mapping[str, Sequence[Any]], kinds: Mapping[str, pa.DataType]) -> pa.Table:
    """A table of such arrays; columns without a kind hold 64-bit integers."""
    return pa.table(
        {name: array_of(values, kinds.get(name, pa.int64())) for name, values in columns.items()}
    )


def numbers_of(table: pa.Table, name: str) -> np.ndarray[Any, np.dtype[np.int64]]:
    """A column of 64-bit integers without nulls."""
    column = table.column(name).combine_chunks()
    if column.null_count:
        raise ValueError(f"column {name} has nulls")
    values = (
        np.frombuffer(column.buffers()[1], dtype=np.int64) if len(column) else np.empty(0, np.int64)
    )
    return values[column.offset : column.offset + len(column)]
