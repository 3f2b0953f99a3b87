"""Numbers and text of record lines, at machine speed; addresses have a file of their own."""

# mypy: disable-error-code="untyped-decorator,no-any-return,return-value,assignment"

from __future__ import annotations

from typing import Any

import numpy as np

from vpcflow.base.compiled import njit
from vpcflow.record.memory_kernels import (
    load_i64,
    load_u8,
    load_u32,
    load_u64,
    store_u8,
    store_u32,
    store_u64,
    trailing_zeros,
)
from vpcflow.record.reasons import LINE_BYTES_MAX
from vpcflow.record.text_plan import (
    BYTES_AT,
    BYTES_MAX,
    BYTES_USED,
    COUNT,
    LAST,
    OFFSETS_AT,
    SLOTS,
    SLOTS_AT,
    VALUES_MAX,
)

#: What ``read_text`` gives as the end of a text that found no room in its dictionary.
NEEDS_ROOM = -2

_U = np.uint64
SPACE, DELETE = 32, 127

_ONES = _U(0x0101010101010101)
_TOPS = _U(0x8080808080808080)
_ZERO_DIGITS = _U(0x3030303030303030)
_DIGIT_CARRY = _U(0x7676767676767676)
_BELOW_PRINT = _U(0x2121212121212121)
_DELETES = _U(0x7F7F7F7F7F7F7F7F)
_MIX = _U(0x9E3779B97F4A7C15)
_INT64_MAX = _U(2**63 - 1)
_POWERS = np.array([10**i for i in range(9)], dtype=np.uint64)


@njit(nogil=True, error_model="numpy", forceinline=True)
def _digits(word: np.uint64, length: int) -> np.uint64:
    """The value of the first ``length`` (1 to 8) digits of a word that was XORed with zeros."""
    x = word << _U(64 - 8 * length)
    x = (x * _U(2561)) >> _U(8)
    x = ((x & _U(0x00FF00FF00FF00FF)) * _U(6553601)) >> _U(16)
    return ((x & _U(0x0000FFFF0000FFFF)) * _U(42949672960001)) >> _U(32)


@njit(nogil=True, error_model="numpy", forceinline=True)
def read_integer(at: int, value_max: int) -> Any:
    """Decimal digits, leading zeros allowed: the value, and what follows (-1 if it is none)."""
    word = load_u64(at) ^ _ZERO_DIGITS
    stop = ((word + _DIGIT_CARRY) | word) & _TOPS
    if stop != _U(0):
        length = trailing_zeros(stop) >> 3
        if length == 0:
            return np.int64(0), np.int64(-1)
        value = np.int64(_digits(word, length))
        return value, at + length if value <= value_max else np.int64(-1)
    large = _digits(word, 8)
    word = load_u64(at + 8) ^ _ZERO_DIGITS
    stop = ((word + _DIGIT_CARRY) | word) & _TOPS
    if stop == _U(0):
        return _read_long_integer(at + 16, large * _POWERS[8] + _digits(word, 8), value_max)
    length = trailing_zeros(stop) >> 3
    if length:
        large = large * _POWERS[length] + _digits(word, length)
    value = np.int64(large)
    return value, at + 8 + length if value <= value_max else np.int64(-1)


@njit(nogil=True, error_model="numpy")
def _read_long_integer(at: int, large: np.uint64, value_max: int) -> Any:
    """The same for a number whose first 16 digits are read."""
    while True:
        digit = load_u8(at) - 48
        if digit < 0 or digit > 9:
            break
        if large > (_INT64_MAX - _U(digit)) // _U(10):
            return np.int64(0), np.int64(-1)
        large = large * _U(10) + _U(digit)
        at += 1
    value = np.int64(large)
    return value, at if value <= value_max else np.int64(-1)


@njit(nogil=True, error_model="numpy", forceinline=True)
def same_bytes(a: int, b: int, length: int) -> bool:
    """Whether text at two addresses is equal; reads up to seven bytes more of both."""
    i = 0
    while i + 8 <= length:
        if load_u64(a + i) != load_u64(b + i):
            return False
        i += 8
    rest = length - i
    return rest == 0 or (load_u64(a + i) ^ load_u64(b + i)) << _U(64 - 8 * rest) == _U(0)


@njit(nogil=True, error_model="numpy")
def utf8_length(at: int) -> int:
    """How many bytes the character at an address has; 0 if it is not UTF-8."""
    first = load_u8(at)
    if first < 0x80:
        return 1
    second = load_u8(at + 1)
    if 0xC2 <= first <= 0xDF:
        return 2 if second & 0xC0 == 0x80 else 0
    if second & 0xC0 != 0x80 or load_u8(at + 2) & 0xC0 != 0x80:
        return 0
    if first & 0xF0 == 0xE0:
        if (first == 0xE0 and second < 0xA0) or (first == 0xED and second > 0x9F):
            return 0
        return 3
    if first < 0xF0 or first > 0xF4 or load_u8(at + 3) & 0xC0 != 0x80:
        return 0
    if (first == 0xF0 and second < 0x90) or (first == 0xF4 and second > 0x8F):
        return 0
    return 4


@njit(nogil=True, error_model="numpy")
def _text_end(at: int) -> int:
    """Where the text at an address ends: before a blank or a control byte; -1 if not UTF-8."""
    p = at
    while True:
        byte = load_u8(p)
        if byte <= SPACE or byte == DELETE:
            return p
        length = utf8_length(p)
        if length == 0:
            return -1
        p += length


@njit(nogil=True, error_model="numpy", forceinline=True)
def _mixed(hashed: np.uint64, word: np.uint64, seed: np.uint64) -> np.uint64:
    hashed = (hashed ^ word) * (seed | _U(1))
    return hashed ^ hashed >> _U(32)


@njit(nogil=True, error_model="numpy")
def _scan_text(at: int, seed: np.uint64) -> Any:
    """Where the text at an address ends (-1 if not UTF-8), and its hash."""
    hashed = seed
    p = at
    while True:
        word = load_u64(p)
        deletes = word ^ _DELETES
        stop = ((word - _BELOW_PRINT) | (deletes - _ONES) | word) & _TOPS
        if stop == _U(0):
            hashed = _mixed(hashed, word, seed)
            p += 8
            continue
        length = trailing_zeros(stop) >> 3
        if load_u8(p + length) >= 0x80:
            return _scan_text_slowly(at, seed)
        if length:
            hashed = _mixed(hashed, word << _U(64 - 8 * length), seed)
        return p + length, _mixed(hashed, _U(length), _MIX)


@njit(nogil=True, error_model="numpy")
def _scan_text_slowly(at: int, seed: np.uint64) -> Any:
    """The same for text with characters beyond ASCII."""
    end = _text_end(at)
    hashed = seed
    p = at
    while p + 8 <= end:
        hashed = _mixed(hashed, load_u64(p), seed)
        p += 8
    length = end - p
    if 0 < length < 8:
        hashed = _mixed(hashed, load_u64(p) << _U(64 - 8 * length), seed)
    return end, _mixed(hashed, _U(length & 7), _MIX)


@njit(nogil=True, error_model="numpy")
def _find_code(at: int, length: int, hashed: np.uint64, text: int) -> int:
    """The dictionary code of a text, added if it is new; -1 if there is no room for it."""
    slots, mask = load_i64(text + 8 * SLOTS_AT), load_i64(text + 8 * SLOTS) - 1
    offsets, values = load_i64(text + 8 * OFFSETS_AT), load_i64(text + 8 * BYTES_AT)
    tag = hashed >> _U(32)
    slot = np.int64(tag) & mask
    while True:
        entry = load_u64(slots + 8 * slot)
        if entry == _U(0):
            break
        if entry >> _U(32) == tag:
            code = np.int64(entry & _U(0xFFFFFFFF)) - 1
            start = np.int64(load_u32(offsets + 4 * code))
            if np.int64(load_u32(offsets + 4 * code + 4)) - start == length and same_bytes(
                at, values + start, length
            ):
                return code
        slot = (slot + 1) & mask
    code, used = load_i64(text + 8 * COUNT), load_i64(text + 8 * BYTES_USED)
    if code == load_i64(text + 8 * VALUES_MAX) or used + length > load_i64(text + 8 * BYTES_MAX):
        return -1
    for i in range(length):
        store_u8(values + used + i, _U(load_u8(at + i)))
    store_u32(offsets + 4 * code + 4, _U(used + length))
    store_u64(slots + 8 * slot, tag << _U(32) | _U(code + 1))
    store_u64(text + 8 * COUNT, _U(code + 1))
    store_u64(text + 8 * BYTES_USED, _U(used + length))
    return code


@njit(nogil=True, error_model="numpy", forceinline=True)
def read_text(at: int, text: int, seed: np.uint64) -> Any:
    """The code of the text at an address and what follows it, or a negative reason."""
    last = load_i64(text + 8 * LAST)
    if last >= 0:  # the row before often has the same value
        start = np.int64(load_u32(load_i64(text + 8 * OFFSETS_AT) + 4 * last))
        length = np.int64(load_u32(load_i64(text + 8 * OFFSETS_AT) + 4 * last + 4)) - start
        if (
            same_bytes(at, load_i64(text + 8 * BYTES_AT) + start, length)
            and load_u8(at + length) <= SPACE
        ):
            return last, at + length
    end, hashed = _scan_text(at, seed)
    if end <= at or end - at > LINE_BYTES_MAX:
        return np.int64(0), np.int64(-1)
    code = _find_code(at, end - at, hashed, text)
    if code < 0:
        return code, np.int64(NEEDS_ROOM)
    store_u64(text + 8 * LAST, _U(code))
    return code, end


@njit(cache=True, nogil=True, error_model="numpy")
def rehash(old: Any, new: Any) -> None:
    """Move the entries of a dictionary's hash table into a larger one, which is all zeros."""
    mask = len(new) - 1
    for entry in old:
        if entry != _U(0):
            slot = np.int64(entry >> _U(32)) & mask
            while new[slot] != _U(0):
                slot = (slot + 1) & mask
            new[slot] = entry
