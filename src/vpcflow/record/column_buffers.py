"""Arrow columns straight from NumPy's memory.

``pyarrow.array`` asks whether its input is a pandas object, and imports pandas to find out: a
quarter of a second at every start.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Mask = npt.NDArray[np.bool_]


def number_column(values: npt.NDArray[Any], valid: Mask | None = None) -> pa.Array:
    """Numbers of the array's own type; null where ``valid`` is False."""
    data = np.ascontiguousarray(values)
    validity = None
    if valid is not None and not valid.all():
        validity = pa.py_buffer(np.packbits(valid, bitorder="little"))
    return pa.Array.from_buffers(
        pa.from_numpy_dtype(data.dtype), len(data), [validity, pa.py_buffer(data)]
    )


def text_column(texts: Sequence[str]) -> pa.StringArray:
    """A few texts, without nulls."""
    parts = [text.encode() for text in texts]
    ends = np.cumsum([0, *map(len, parts)], dtype=np.int32)
    return pa.StringArray.from_buffers(
        len(parts), pa.py_buffer(ends), pa.py_buffer(b"".join(parts))
    )


def code_column(codes: npt.NDArray[np.int32], texts: Sequence[str]) -> pa.DictionaryArray:
    """A dictionary column; a code below 0 is null."""
    return pa.DictionaryArray.from_arrays(number_column(codes, codes >= 0), text_column(texts))


def filled_numbers(column: pa.Array, null: int) -> npt.NDArray[Any]:
    """The numbers of a column, ``null`` where it is null."""
    dtype = np.dtype(column.type.to_pandas_dtype())
    buffers = column.buffers()
    if buffers[1] is None or not len(column):
        return np.full(len(column), null, dtype)
    values = np.frombuffer(buffers[1], dtype, len(column), column.offset * dtype.itemsize)
    return np.where(valid_rows(column), values, dtype.type(null)) if column.null_count else values


def valid_rows(column: pa.Array) -> Mask:
    """Which rows are not null."""
    bits = column.buffers()[0]
    if bits is None or not column.null_count:
        return np.ones(len(column), np.bool_)
    first = column.offset
    rows = np.unpackbits(
        np.frombuffer(bits, np.uint8), count=first + len(column), bitorder="little"
    )
    return rows[first:].view(np.bool_)
