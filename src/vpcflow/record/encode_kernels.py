"""The kernel that turns columns into lines, for every encoding that is made of lines."""

# mypy: disable-error-code="untyped-decorator,no-any-return,return-value"

from __future__ import annotations

from typing import Any

import numpy as np

from vpcflow.base.compiled import njit
from vpcflow.record.address_kernels import format_address
from vpcflow.record.line_plan import (
    AFTER_AT,
    AFTER_BYTES,
    BEFORE_AT,
    BEFORE_BYTES,
    KIND,
    KIND_ADDRESS,
    KIND_INT32,
    KIND_INT64,
    KIND_NULL,
    NULL_AT,
    NULL_BYTES,
    OFFSETS_AT,
    PLAN_LENGTH,
    TEXT_AT,
    VALID_AT,
    VALID_OFFSET,
    VALUES_AT,
)
from vpcflow.record.memory_kernels import (
    load_i32,
    load_i64,
    load_u8,
    load_u32,
    load_u64,
    store_u8,
    store_u16,
    store_u32,
    store_u64,
)

_U = np.uint64
_TEN, _HUNDRED = _U(10), _U(100)
#: The digits of 0 to 99, the first in the low byte.
_PAIRS = np.array([int.from_bytes(b"%02d" % i, "little") for i in range(100)], dtype=np.uint16)


@njit(nogil=True, error_model="numpy", forceinline=True)
def _put(source: int, length: int, target: int) -> int:
    """Copy bytes, never reading beyond them; return where the copy ends."""
    if length >= 8:
        last = length - 8
        i = 0
        while i < last:
            store_u64(target + i, load_u64(source + i))
            i += 8
        store_u64(target + last, load_u64(source + last))
    elif length >= 4:
        store_u32(target, load_u32(source))
        store_u32(target + length - 4, load_u32(source + length - 4))
    else:
        for i in range(length):
            store_u8(target + i, _U(load_u8(source + i)))
    return target + length


@njit(nogil=True, error_model="numpy", forceinline=True)
def _put_integer(value: int, target: int) -> int:
    """Write a decimal number."""
    rest = _U(value)
    if value < 0:
        store_u8(target, _U(45))
        target += 1
        rest = ~rest + _U(1)
    length = 1
    limit = _TEN
    while length < 19 and rest >= limit:
        length += 1
        limit *= _TEN
    p = target + length
    while rest >= _HUNDRED:
        p -= 2
        store_u16(p, _U(_PAIRS[np.int64(rest % _HUNDRED)]))
        rest //= _HUNDRED
    if rest >= _TEN:
        store_u16(p - 2, _U(_PAIRS[np.int64(rest)]))
    else:
        store_u8(p - 1, rest + _U(48))
    return target + length


@njit(nogil=True, error_model="numpy", forceinline=True)
def _is_null(column: int, row: int) -> bool:
    if load_i64(column + 8 * KIND) == KIND_NULL:
        return True
    bitmap = load_i64(column + 8 * VALID_AT)
    if bitmap == 0:
        return False
    bit = row + load_i64(column + 8 * VALID_OFFSET)
    return load_u8(bitmap + (bit >> 3)) >> (bit & 7) & 1 == 0


@njit(nogil=True, error_model="numpy", forceinline=True)
def _put_value(column: int, row: int, out: int, room: int) -> int:
    """Write one value that is not null; -1 when a text needs more than ``room`` bytes."""
    kind = load_i64(column + 8 * KIND)
    values = load_i64(column + 8 * VALUES_AT)
    if kind == KIND_INT32:
        return _put_integer(load_i32(values + 4 * row), out)
    if kind == KIND_INT64:
        return _put_integer(load_i64(values + 8 * row), out)
    if kind == KIND_ADDRESS:
        return format_address(values + 16 * row, out)
    offsets = load_i64(column + 8 * OFFSETS_AT) + 4 * load_i32(values + 4 * row)
    start = load_i32(offsets)
    length = load_i32(offsets + 4) - start
    if length > room:
        return -1
    return _put(load_i64(column + 8 * TEXT_AT) + start, length, out)


@njit(nogil=True, error_model="numpy", forceinline=True)
def _put_line(plan: int, columns: int, row: int, out: int, room: int) -> int:
    """Write the columns of one line; -1 when its text needs more than ``room`` bytes."""
    line = out
    for c in range(columns):
        column = plan + 8 * PLAN_LENGTH * c
        if _is_null(column, row):
            out = _put(load_i64(column + 8 * NULL_AT), load_i64(column + 8 * NULL_BYTES), out)
            continue
        out = _put(load_i64(column + 8 * BEFORE_AT), load_i64(column + 8 * BEFORE_BYTES), out)
        out = _put_value(column, row, out, room - (out - line))
        if out < 0:
            return -1
        out = _put(load_i64(column + 8 * AFTER_AT), load_i64(column + 8 * AFTER_BYTES), out)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def encode_rows(plan: Any, row: int, rows: int, out: int, out_end: int, fixed: int) -> Any:
    """Write lines from ``row`` on while there is room; the next row, and where the text ends.

    Shape: ``plan`` has a row for each column, the first and the last being the line's own prefix
    and suffix (columns of nulls); ``fixed`` is the most that a line needs without its text.
    """
    plan_at, columns = np.int64(plan.ctypes.data), len(plan)
    while row < rows:
        room = out_end - out - fixed
        if room < 0:
            break
        end = _put_line(plan_at, columns, row, out, room)
        if end < 0:
            break
        out = end
        row += 1
    return row, out
