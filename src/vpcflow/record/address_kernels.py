"""Addresses between text and 16 bytes, at machine speed."""

# mypy: disable-error-code="untyped-decorator,no-any-return,return-value"

from __future__ import annotations

from typing import Any

import numpy as np

from vpcflow.base.compiled import njit
from vpcflow.record.memory_kernels import (
    load_u8,
    load_u32,
    load_u64,
    store_u8,
    store_u32,
    store_u64,
    trailing_zeros,
)

#: The longest text of an address: eight groups of four and seven colons.
ADDRESS_TEXT_BYTES_MAX = 39

_MAPPED_WORD = np.uint64(0xFFFF0000)  # bytes 8 to 11 of a mapped address, lowest first
_ZERO_DIGITS = np.uint64(0x30303030)
_DIGIT_CARRY = np.uint64(0x76767676)
_TOP_BITS = np.uint64(0x80808080)


def _octet_texts() -> np.ndarray[Any, np.dtype[np.uint64]]:
    """Each octet's digits in the low bytes, how many there are in bits 32 and up."""
    texts = np.zeros(256, dtype=np.uint64)
    for value in range(256):
        digits = str(value).encode()
        texts[value] = int.from_bytes(digits, "little") | len(digits) << 32
    return texts


_OCTETS = _octet_texts()


@njit(nogil=True, error_model="numpy", forceinline=True)
def parse_octet(at: int) -> Any:
    """One to three digits, no leading zero, at most 255: the value (-1 if not) and what follows."""
    word = load_u32(at) ^ _ZERO_DIGITS
    stop = ((word + _DIGIT_CARRY) | word) & _TOP_BITS
    if stop == np.uint64(0):
        return np.int64(-1), at
    length = trailing_zeros(stop) >> 3
    if length == 0:
        return np.int64(-1), at
    digits = np.int64((word << np.uint64(32 - 8 * length)) & np.uint64(0xFFFFFFFF))
    value = ((digits >> 24) & 0xFF) + ((digits >> 16) & 0xFF) * 10 + ((digits >> 8) & 0xFF) * 100
    if value > 255 or (length > 1 and (word & np.uint64(0xFF)) == np.uint64(0)):
        return np.int64(-1), at
    return value, at + length


@njit(nogil=True, error_model="numpy", forceinline=True)
def parse_ipv4(at: int) -> Any:
    """Four octets: they, the first lowest (-1 if it is no IPv4 address), and what follows."""
    a, p = parse_octet(at)
    if a < 0 or load_u8(p) != 46:
        return np.int64(-1), p
    b, p = parse_octet(p + 1)
    if b < 0 or load_u8(p) != 46:
        return np.int64(-1), p
    c, p = parse_octet(p + 1)
    if c < 0 or load_u8(p) != 46:
        return np.int64(-1), p
    d, p = parse_octet(p + 1)
    if d < 0:
        return np.int64(-1), p
    return a | b << 8 | c << 16 | d << 24, p


@njit(nogil=True, error_model="numpy")
def _hex_digit(byte: int) -> int:
    if 48 <= byte <= 57:
        return byte - 48
    if 97 <= byte <= 102:
        return byte - 87
    if 65 <= byte <= 70:
        return byte - 55
    return -1


@njit(nogil=True, error_model="numpy")
def _parse_group(at: int) -> Any:
    """One to four hexadecimal digits: the value (-1 if none or more) and what follows."""
    value = np.int64(0)
    p = at
    while p - at < 5:
        digit = _hex_digit(load_u8(p))
        if digit < 0:
            break
        value = value << 4 | digit
        p += 1
    if p == at or p - at > 4:
        return np.int64(-1), p
    return value, p


@njit(nogil=True, error_model="numpy")
def _store_group(target: int, index: int, value: int) -> None:
    store_u8(target + 2 * index, np.uint64(value >> 8))
    store_u8(target + 2 * index + 1, np.uint64(value & 0xFF))


@njit(nogil=True, error_model="numpy")
def _open_gap(target: int, gap: int, groups: int) -> None:
    """Move the groups after ``::`` to the end and put zeros in the gap."""
    moved = groups - gap
    for i in range(2 * moved):
        store_u8(target + 15 - i, np.uint64(load_u8(target + 2 * groups - 1 - i)))
    for i in range(2 * gap, 16 - 2 * moved):
        store_u8(target + i, np.uint64(0))


@njit(nogil=True, error_model="numpy")
def parse_ipv6(at: int, target: int) -> int:
    """Write the 16 bytes of an IPv6 address; return what follows it, or -1."""
    p = at
    groups = 0
    gap = -1
    if load_u8(p) == 58:
        if load_u8(p + 1) != 58:
            return -1
        gap = 0
        p += 2
    while groups < 8:
        start = p
        value, p = _parse_group(p)
        if load_u8(p) == 46 and groups <= 6:
            octets, p = parse_ipv4(start)
            if octets < 0:
                return -1
            store_u32(target + 2 * groups, np.uint64(octets))
            groups += 2
            break
        if value < 0:
            if p == start and gap == groups:  # nothing after ::
                break
            return -1
        _store_group(target, groups, value)
        groups += 1
        if load_u8(p) != 58:
            break
        if load_u8(p + 1) == 58:
            if gap >= 0:
                return -1
            gap = groups
            p += 1
        elif groups == 8:
            break
        p += 1
    if gap < 0:
        return p if groups == 8 else -1
    if groups == 8:
        return -1
    _open_gap(target, gap, groups)
    return p


@njit(nogil=True, error_model="numpy", forceinline=True)
def parse_address(at: int, target: int) -> int:
    """Write the 16 bytes of an address of either family; return what follows it, or -1."""
    octets, p = parse_ipv4(at)
    if octets >= 0:
        store_u64(target, np.uint64(0))
        store_u64(target + 8, _MAPPED_WORD | np.uint64(octets) << np.uint64(32))
        return p
    return parse_ipv6(at, target)


@njit(nogil=True, error_model="numpy")
def _format_octet(octet: np.uint64, target: int) -> int:
    """Write up to three digits and a dot after them (four bytes); return where the dot is."""
    text = _OCTETS[np.int64(octet)]
    length = np.int64(text >> np.uint64(32))
    dotted = text | np.uint64(46) << np.uint64(8 * length)
    store_u32(target, dotted)
    return target + length


@njit(nogil=True, error_model="numpy")
def _format_group(value: int, target: int) -> int:
    shift = 12
    while shift > 0 and value >> shift == 0:
        shift -= 4
    while shift >= 0:
        digit = (value >> shift) & 15
        store_u8(target, np.uint64(digit + 48 if digit < 10 else digit + 87))
        target += 1
        shift -= 4
    return target


@njit(nogil=True, error_model="numpy")
def _format_ipv6(source: int, target: int) -> int:
    best_start, best_length, length = -1, 1, 0
    for i in range(8):
        if load_u8(source + 2 * i) | load_u8(source + 2 * i + 1):
            length = 0
        else:
            length += 1
            if length > best_length:
                best_start, best_length = i - length + 1, length
    i = 0
    while i < 8:
        if i == best_start:
            store_u8(target, np.uint64(58))
            target += 1
            i += best_length
            if i == 8:
                store_u8(target, np.uint64(58))
                target += 1
            continue
        if i:
            store_u8(target, np.uint64(58))
            target += 1
        target = _format_group(load_u8(source + 2 * i) << 8 | load_u8(source + 2 * i + 1), target)
        i += 1
    return target


@njit(nogil=True, error_model="numpy")
def format_address(source: int, target: int) -> int:
    """Write the text of 16 bytes (and at most one byte more); return where it ends."""
    low = load_u64(source + 8)
    if load_u64(source) == np.uint64(0) and (low & np.uint64(0xFFFFFFFF)) == _MAPPED_WORD:
        byte = np.uint64(0xFF)
        target = _format_octet(low >> np.uint64(32) & byte, target) + 1
        target = _format_octet(low >> np.uint64(40) & byte, target) + 1
        target = _format_octet(low >> np.uint64(48) & byte, target) + 1
        return _format_octet(low >> np.uint64(56), target)
    return _format_ipv6(source, target)


@njit(cache=True, nogil=True, error_model="numpy")
def format_addresses(source: int, valid: Any, offsets: Any, text: Any) -> int:
    """Print addresses one after the other; return the bytes written."""
    start = np.int64(text.ctypes.data)
    out = start
    offsets[0] = 0
    for i in range(len(valid)):
        if valid[i]:
            out = format_address(source + 16 * i, out)
        offsets[i + 1] = out - start
    return out - start


@njit(cache=True, nogil=True, error_model="numpy")
def parse_addresses(text: int, offsets: Any, addresses: Any, valid: Any, refused: Any) -> None:
    """Read texts as addresses; what is no address becomes null, and refused unless it is ``-``."""
    word = np.zeros(64, dtype=np.uint8)  # a copy that may be read beyond its end
    word_at = np.int64(word.ctypes.data)
    target = np.int64(addresses.ctypes.data)
    for i in range(len(valid)):
        if not valid[i]:
            continue
        start, length = np.int64(offsets[i]), np.int64(offsets[i + 1] - offsets[i])
        valid[i] = False
        if length == 1 and load_u8(text + start) == 45:
            continue
        refused[i] = True
        if length > 48:
            continue
        for j in range(length):
            store_u8(word_at + j, np.uint64(load_u8(text + start + j)))
        store_u8(word_at + length, np.uint64(10))
        if parse_address(word_at, target + 16 * i) == word_at + length:
            valid[i] = True
            refused[i] = False
