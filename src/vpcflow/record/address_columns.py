"""Whole columns of addresses between text and 16 bytes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vpcflow.base.errors import RecordError
from vpcflow.record.address_kernels import (
    ADDRESS_TEXT_BYTES_MAX,
    format_addresses,
    parse_addresses,
)
from vpcflow.record.field_spec import ADDRESS_TYPE

_PADDING_BYTES = 16


def format_address_column(addresses: pa.FixedSizeBinaryArray) -> pa.StringArray:
    """Print a column of addresses; null stays null.

    Errors: RecordError when it is no column of 16 bytes, or its text would pass 2 GiB.
    """
    if addresses.type != ADDRESS_TYPE:
        raise RecordError(f"a column of type {addresses.type} holds no addresses")
    rows = len(addresses)
    if rows * ADDRESS_TEXT_BYTES_MAX >= 2**31:
        raise RecordError(f"{rows} addresses are too many to print at once")
    _, values = addresses.buffers()
    valid = _valid_mask(addresses)
    offsets = np.empty(rows + 1, dtype=np.int32)
    text = np.empty(rows * ADDRESS_TEXT_BYTES_MAX + _PADDING_BYTES, dtype=np.uint8)
    start = values.address + 16 * addresses.offset if values is not None else 0
    length = format_addresses(start, valid, offsets, text)
    return pa.StringArray.from_buffers(
        rows,
        pa.py_buffer(offsets),
        pa.py_buffer(text[:length].copy()),
        pa.array(valid).buffers()[1] if addresses.null_count else None,
        addresses.null_count,
    )


def parse_address_column(
    values: pa.Array,
) -> tuple[pa.FixedSizeBinaryArray, npt.NDArray[np.bool_]]:
    """Read a column of text as addresses; the second result is True where a text was refused."""
    if pa.types.is_dictionary(values.type):
        distinct, refused = parse_address_column(values.dictionary)
        indices = values.indices
        codes = indices.fill_null(0).to_numpy(zero_copy_only=False)
        used = indices.is_valid().to_numpy(zero_copy_only=False)
        if len(refused) == 0:
            return pa.nulls(len(values), ADDRESS_TYPE), np.zeros(len(values), dtype=np.bool_)
        return distinct.take(indices), refused[codes] & used
    if values.type != pa.string():
        values = values.cast(pa.string())
    rows = len(values)
    _, offsets_buffer, text_buffer = values.buffers()
    addresses = np.zeros(rows * 16, dtype=np.uint8)
    valid = _valid_mask(values)
    refused = np.zeros(rows, dtype=np.bool_)
    if rows and text_buffer is not None:
        offsets = np.frombuffer(offsets_buffer, dtype=np.int32, offset=4 * values.offset)
        parse_addresses(text_buffer.address, offsets[: rows + 1].copy(), addresses, valid, refused)
    elif rows:
        refused |= valid  # texts of no bytes
        valid[:] = False
    bitmap = None if valid.all() else pa.array(valid).buffers()[1]
    array = pa.Array.from_buffers(ADDRESS_TYPE, rows, [bitmap, pa.py_buffer(addresses)])
    return array, refused


def _valid_mask(array: pa.Array) -> npt.NDArray[np.bool_]:
    """One byte for each value, to be changed by the caller."""
    if array.null_count == 0:
        return np.ones(len(array), dtype=np.bool_)
    mask: npt.NDArray[np.bool_] = array.is_valid().to_numpy(zero_copy_only=False)
    return mask.copy()
