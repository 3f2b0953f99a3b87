"""NumPy views of Arrow columns and back, without copies where there is no need for one.

A validity array has one byte a row, or no bytes at all when every row has a value.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vpcflow.record.field_spec import ADDRESS_TYPE

Array = npt.NDArray[Any]

ALL_VALID: Array = np.zeros(0, np.uint8)
ADDRESS_BYTES = 16


def one_chunk(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """The column as one array; dictionaries of its chunks become one."""
    if isinstance(column, pa.Array):
        return column
    if column.num_chunks == 1:
        return column.chunk(0)
    if column.num_chunks == 0:
        return pa.array([], column.type)
    if pa.types.is_dictionary(column.type):
        column = column.unify_dictionaries()
    return pa.concat_arrays(column.chunks)


def validity_of(array: pa.Array) -> Array:
    """One byte a row: 1 where there is a value."""
    bitmap = array.buffers()[0]
    if array.null_count == 0 or bitmap is None:
        return ALL_VALID if array.null_count == 0 else np.zeros(len(array), np.uint8)
    begin = array.offset
    first_byte = begin // 8
    last_byte = (begin + len(array) + 7) // 8
    bits = np.unpackbits(np.frombuffer(bitmap, np.uint8)[first_byte:last_byte], bitorder="little")
    return bits[begin - first_byte * 8 :][: len(array)]


def numbers_of(array: pa.Array) -> Array:
    """The values of an int32 or int64 column; null rows hold anything."""
    dtype = array.type.to_pandas_dtype()
    return _values(array, np.dtype(dtype).itemsize).view(dtype)


def booleans_of(array: pa.Array) -> Array:
    """The values of a boolean column, one byte a row."""
    bits = np.unpackbits(np.frombuffer(array.buffers()[1], np.uint8), bitorder="little")
    return bits[array.offset : array.offset + len(array)]


def words_of(array: pa.Array) -> Array:
    """The values of an address column as two little-endian words each."""
    return _values(array, ADDRESS_BYTES).view(np.uint64).reshape(-1, 2)


def _values(array: pa.Array, width: int) -> Array:
    buffer = array.buffers()[1]
    if buffer is None or len(array) == 0:
        return np.zeros(len(array) * width, np.uint8)
    return np.frombuffer(buffer, np.uint8, len(array) * width, array.offset * width)


def bitmap_of(valid: Array) -> pa.Buffer | None:
    """The validity bitmap of a column."""
    return pa.py_buffer(np.packbits(valid, bitorder="little")) if len(valid) else None


def numbers_column(values: Array, valid: Array = ALL_VALID) -> pa.Array:
    """An int32 or int64 column."""
    values = np.ascontiguousarray(values)
    return pa.Array.from_buffers(
        pa.from_numpy_dtype(values.dtype), len(values), [bitmap_of(valid), pa.py_buffer(values)]
    )


def booleans_column(values: Array, valid: Array = ALL_VALID) -> pa.Array:
    """A boolean column from one byte a row."""
    bits = pa.py_buffer(np.packbits(values, bitorder="little"))
    return pa.Array.from_buffers(pa.bool_(), len(values), [bitmap_of(valid), bits])


def addresses_column(words: Array, valid: Array = ALL_VALID) -> pa.Array:
    """An address column from two words each."""
    words = np.ascontiguousarray(words)
    return pa.Array.from_buffers(ADDRESS_TYPE, len(words), [bitmap_of(valid), pa.py_buffer(words)])


def codes_column(codes: Array, dictionary: pa.Array) -> pa.DictionaryArray:
    """A dictionary column from int32 codes, -1 for null."""
    valid = codes >= 0
    indices = numbers_column(codes.astype(np.int32, copy=False), _if_needed(valid))
    return pa.DictionaryArray.from_arrays(indices, dictionary)


def codes_of(array: pa.DictionaryArray) -> Array:
    """The codes of a dictionary column, -1 for null; a copy when there are nulls."""
    codes = numbers_of(array.indices)
    valid = validity_of(array.indices)
    if len(valid):
        codes = np.where(valid, codes, np.int32(-1))
    return codes.astype(np.int32, copy=False)


def _if_needed(valid: Array) -> Array:
    return ALL_VALID if valid.all() else valid


def with_values(valid: Array) -> Array:
    """A validity array, or none when every row has a value."""
    return _if_needed(valid)
