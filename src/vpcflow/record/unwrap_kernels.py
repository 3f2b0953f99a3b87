"""Kernels that turn each line of a wrapped stream into one plain text line.

They only move bytes: whether the values are right is for the text decoder's kernel, which reads
what these write. A line that cannot be unwrapped becomes an empty line, so that line numbers stay
true, and stands in the list of faults. Places are addresses: ``p``, ``s``, ``e`` and ``end`` in what
is read, ``o`` in what is written; whoever calls keeps both alive.
"""

# Numba's decorators and scalars have no types that mypy could follow.
# mypy: disable-error-code="untyped-decorator,no-any-return,return-value,assignment"

from __future__ import annotations

import numpy as np

from vpcflow.base.compiled import njit
from vpcflow.record.memory_kernels import load_u8, load_u64, store_u8, store_u64, trailing_zeros

# Places of the state array that a kernel hands back.
POSITION, OUT_BYTES, UNITS, FAULTS, STATUS, SPAN_START, SPAN_END, AFTER_OBJECT = range(8)
STATE_PLACES = 8

# Why a kernel came back.
DONE, FULL, ASK = range(3)

# Faults; unwrap.py gives each its reason.
NOT_JSON, NOT_CSV, NO_MESSAGE, NO_KNOWN_FIELD, FIELD_TWICE, SPACE_IN_VALUE = -1, -2, -3, -4, -5, -6
TOO_LONG, TOO_MANY_FIELDS, NESTED_VALUE, NOT_TEXT, INCOMPLETE = -7, -8, -9, -10, -11

# What a column wants.
IS_NUMBER, IS_ADDRESS, IS_LOOSE, IS_KNOWN, IS_ACCOUNT = 1, 2, 4, 8, 16

#: The longest line or object that is looked at.
LINE_BYTES_MAX = 65_536
#: The deepest nesting of a value that is kept as text.
NESTING_MAX = 60
#: How much longer than its source a line can become: one byte as ``%20``.
GROWTH_MAX = 3

#: What a column without a value, or an account's leading zeros, add to a line.
COLUMN_BYTES_MAX = 16
#: Places of one fault: unit, fault, column, start and end of its bytes.
FAULT_PLACES = 5

_ACCOUNT_DIGITS = 12


# Eight bytes at a time: each of them 1, its high bit, and the bytes that are looked for.
_ONES = np.uint64(0x0101010101010101)
_HIGH = np.uint64(0x8080808080808080)
_QUOTES = np.uint64(0x2222222222222222)
_BACKSLASHES = np.uint64(0x5C5C5C5C5C5C5C5C)
_NEWLINES = np.uint64(0x0A0A0A0A0A0A0A0A)
_DELETES = np.uint64(0x7F7F7F7F7F7F7F7F)
_PRINTABLES = np.uint64(0x2121212121212121)


@njit(cache=True, nogil=True)
def zero_bytes(word: np.uint64) -> np.uint64:
    """The high bit of the lowest byte that is 0 (and of some above it); 0 when none is."""
    return (word - _ONES) & ~word & _HIGH


@njit(cache=True, nogil=True)
def skip_blanks(p: int, end: int) -> int:
    """The first place from p that is no space, tab or carriage return."""
    while p < end and (load_u8(p) == 32 or load_u8(p) == 9 or load_u8(p) == 13):
        p += 1
    return p


@njit(cache=True, nogil=True)
def line_end(p: int, end: int) -> int:
    """The place of the next newline, or end."""
    while p < end and load_u8(p) != 10:
        p += 1
    return p


@njit(cache=True, nogil=True)
def string_end(p: int, end: int) -> int:
    """The closing quote of the JSON string that opens at p, or a fault."""
    p += 1
    while p < end:
        if p + 8 <= end:
            word = load_u64(p)
            found = zero_bytes(word ^ _QUOTES) | zero_bytes(word ^ _BACKSLASHES)
            found |= zero_bytes(word ^ _NEWLINES)
            if found == 0:
                p += 8
                continue
            p += trailing_zeros(found) >> 3
        b = load_u8(p)
        if b == 34:
            return p
        if b == 10:
            return NOT_JSON
        if b == 92:
            p += 1
            if p < end and load_u8(p) == 10:
                return NOT_JSON
        p += 1
    return INCOMPLETE


@njit(cache=True, nogil=True)
def value_end(p: int, end: int) -> int:
    """The place after the JSON value that starts at p, or a fault; brackets must pair."""
    if p >= end:
        return INCOMPLETE
    b = load_u8(p)
    if b == 34:
        q = string_end(p, end)
        return q + 1 if q >= 0 else q
    if b != 123 and b != 91:
        q = p
        while q < end:
            b = load_u8(q)
            if b == 44 or b == 125 or b == 93 or b <= 32:
                break
            if b == 34 or b == 123 or b == 91 or b == 58:
                return NOT_JSON
            q += 1
        if q == p:
            return NOT_JSON
        return q if q < end else INCOMPLETE
    brackets = np.uint64(0)
    depth = 0
    while p < end:
        b = load_u8(p)
        if b == 34:
            q = string_end(p, end)
            if q < 0:
                return q
            p = q
        elif b == 10:
            return NOT_JSON
        elif b == 123 or b == 91:
            depth += 1
            if depth > NESTING_MAX:
                return NOT_JSON
            brackets = (brackets << np.uint64(1)) | np.uint64(1 if b == 123 else 0)
        elif b == 125 or b == 93:
            if (brackets & np.uint64(1)) != np.uint64(1 if b == 125 else 0):
                return NOT_JSON
            brackets >>= np.uint64(1)
            depth -= 1
            if depth == 0:
                return p + 1
        p += 1
    return INCOMPLETE


@njit(cache=True, nogil=True)
def hex_value(b: int) -> int:
    """The value of a hexadecimal digit, or -1."""
    if 48 <= b <= 57:
        return b - 48
    if 65 <= b <= 70:
        return b - 55
    if 97 <= b <= 102:
        return b - 87
    return -1


@njit(cache=True, nogil=True)
def code_unit(p: int, end: int) -> int:
    """The number of the ``\\uXXXX`` escape whose first digit is at p, or -1."""
    if p + 4 > end:
        return -1
    code = 0
    for i in range(p, p + 4):
        digit = hex_value(load_u8(i))
        if digit < 0:
            return -1
        code = code * 16 + digit
    return code


@njit(cache=True, nogil=True)
def put_utf8(o: int, code: int) -> int:
    """Write a code point, at most 4 bytes."""
    if code < 0x80:
        store_u8(o, code)
        return o + 1
    if code < 0x800:
        store_u8(o, 0xC0 | (code >> 6))
        store_u8(o + 1, 0x80 | (code & 63))
        return o + 2
    if code < 0x10000:
        store_u8(o, 0xE0 | (code >> 12))
        store_u8(o + 1, 0x80 | ((code >> 6) & 63))
        store_u8(o + 2, 0x80 | (code & 63))
        return o + 3
    store_u8(o, 0xF0 | (code >> 18))
    store_u8(o + 1, 0x80 | ((code >> 12) & 63))
    store_u8(o + 2, 0x80 | ((code >> 6) & 63))
    store_u8(o + 3, 0x80 | (code & 63))
    return o + 4


@njit(cache=True, nogil=True)
def put_percent(o: int, b: int) -> int:
    """Write a byte as ``%20``, AWS's own way with what a tag's value may not hold."""
    digits = b"0123456789ABCDEF"
    store_u8(o, 37)
    store_u8(o + 1, digits[b >> 4])
    store_u8(o + 2, digits[b & 15])
    return o + 3


@njit(cache=True, nogil=True)
def put_string(s: int, e: int, message: bool, loose: bool, o: int) -> int:
    """Write the JSON string from s to e (without its quotes) and hand back the new end, or a fault.

    A message keeps its spaces and loses line ends at its end; a loose value has blanks
    percent-encoded; any other value may not hold blanks.
    """
    first = o
    escapes = False
    while s < e:
        if s + 8 <= e:
            word = load_u64(s)
            odd = zero_bytes(word ^ _BACKSLASHES)
            if not message:
                odd |= ((word - _PRINTABLES) & ~word & _HIGH) | zero_bytes(word ^ _DELETES)
            if odd == 0:
                store_u64(o, word)
                s += 8
                o += 8
                continue
        b = load_u8(s)
        s += 1
        if b == 92:
            escapes = True
            if s >= e:
                return NOT_JSON
            b = load_u8(s)
            s += 1
            if b == 110:
                b = 10
            elif b == 114:
                b = 13
            elif b == 116:
                b = 9
            elif b == 98:
                b = 8
            elif b == 102:
                b = 12
            elif b == 117:
                b = code_unit(s, e)
                s += 4
                if b < 0:
                    return NOT_JSON
                if 0xD800 <= b < 0xDC00:
                    if s + 6 > e or load_u8(s) != 92 or load_u8(s + 1) != 117:
                        return NOT_TEXT
                    low = code_unit(s + 2, e)
                    if low < 0xDC00 or low > 0xDFFF:
                        return NOT_TEXT
                    s += 6
                    b = 0x10000 + ((b - 0xD800) << 10) + (low - 0xDC00)
                elif 0xDC00 <= b < 0xE000:
                    return NOT_TEXT
                if b >= 0x80:
                    o = put_utf8(o, b)
                    continue
            elif b != 34 and b != 92 and b != 47:
                return NOT_JSON
        if message:
            store_u8(o, b)
            o += 1
            continue
        o = put_byte(b, loose, o)
        if o < 0:
            return o
    if message and escapes:
        while o > first and (load_u8(o - 1) == 10 or load_u8(o - 1) == 13):
            o -= 1
        for i in range(first, o):
            if load_u8(i) == 10:
                return SPACE_IN_VALUE
    return o


@njit(cache=True, nogil=True)
def is_null_word(s: int, e: int) -> bool:
    """Whether from s to e is what programs write for a missing number: None, null, NULL, NaN, nan."""
    n = e - s
    if n != 3 and n != 4:
        return False
    a, b, c = load_u8(s) | 32, load_u8(s + 1) | 32, load_u8(s + 2) | 32
    if n == 3:
        return a == 110 and b == 97 and c == 110
    d = load_u8(s + 3) | 32
    return (a == 110 and b == 117 and c == 108 and d == 108) or (
        a == 110 and b == 111 and c == 110 and d == 101
    )


@njit(cache=True, nogil=True)
def whole_end(s: int, e: int) -> int:
    """Where the whole number from s to e ends once a fraction of zeros is left out."""
    q = e
    while q > s and load_u8(q - 1) == 48:
        q -= 1
    if q > s + 1 and q <= e and load_u8(q - 1) == 46:
        return q - 1
    return e


@njit(cache=True, nogil=True)
def settle(first: int, o: int, flags: int) -> int:
    """Make the token written from ``first`` what its column wants; hand back its end."""
    if o == first or (flags & (IS_NUMBER | IS_ADDRESS) and is_null_word(first, o)):
        store_u8(first, 45)
        return first + 1
    if flags & IS_NUMBER:
        return whole_end(first, o)
    return o


@njit(cache=True, nogil=True)
def put_byte(b: int, loose: bool, o: int) -> int:
    """Write a byte of a token; a blank is percent-encoded in a loose one, else a fault."""
    if b > 32 and b != 127:
        store_u8(o, b)
        return o + 1
    return put_percent(o, b) if loose else SPACE_IN_VALUE


@njit(cache=True, nogil=True)
def digits_only(s: int, e: int) -> bool:
    """Whether from s to e holds nothing but digits."""
    for i in range(s, e):
        if load_u8(i) < 48 or load_u8(i) > 57:
            return False
    return True


@njit(cache=True, nogil=True)
def put_json_scalar(s: int, e: int, flags: int, o: int) -> int:
    """Write a JSON number, true, false or null; NaN is taken for null, as many programs write it."""
    b = load_u8(s)
    if b == 110 or b == 78:
        if not is_null_word(s, e):
            return NOT_JSON
        store_u8(o, 45)
        return o + 1
    if b == 116 or b == 102:
        word = b"true" if b == 116 else b"false"
        if e - s != len(word):
            return NOT_JSON
        for i in range(e - s):
            if load_u8(s + i) != word[i]:
                return NOT_JSON
    else:
        digits = 0
        for i in range(s, e):
            b = load_u8(i)
            if 48 <= b <= 57:
                digits += 1
            elif b != 45 and b != 43 and b != 46 and b != 101 and b != 69:
                return NOT_JSON
        if digits == 0:
            return NOT_JSON
        if flags & (IS_NUMBER | IS_ACCOUNT):
            e = whole_end(s, e)
        if flags & IS_ACCOUNT and digits_only(s, e):
            for _ in range(_ACCOUNT_DIGITS - (e - s)):
                store_u8(o, 48)
                o += 1
    for i in range(s, e):
        store_u8(o, load_u8(i))
        o += 1
    return o


@njit(cache=True, nogil=True)
def put_nested(s: int, e: int, o: int) -> int:
    """Write a JSON object or array as text without blanks."""
    quoted = False
    i = s
    while i < e:
        b = load_u8(i)
        if quoted and b == 92:
            store_u8(o, b)
            store_u8(o + 1, load_u8(i + 1))
            o += 2
            i += 2
            continue
        if b == 34:
            quoted = not quoted
        if b <= 32 or b == 127:
            if quoted:
                o = put_percent(o, b)
        else:
            store_u8(o, b)
            o += 1
        i += 1
    return o


@njit(cache=True, nogil=True)
def note_fault(
    state: np.ndarray, faults: np.ndarray, fault: int, field: int, start: int, end: int
) -> None:
    """Put the unit from start to end on the list of faults."""
    n = state[FAULTS]
    faults[n, 0] = state[UNITS]
    faults[n, 1] = fault
    faults[n, 2] = field
    faults[n, 3] = start
    faults[n, 4] = end
    state[FAULTS] = n + 1


@njit(cache=True, nogil=True)
def room_for(o: int, out_end: int, unit_bytes: int, columns: int) -> bool:
    """Whether a unit of that length surely fits between o and out_end."""
    unit_bytes = min(unit_bytes, LINE_BYTES_MAX)
    return o + GROWTH_MAX * unit_bytes + COLUMN_BYTES_MAX * (columns + 1) < out_end


@njit(cache=True, nogil=True)
def object_start(p: int, end: int) -> int:
    """Where the object of this line opens: a bracket or comma of an array may stand before it."""
    p = skip_blanks(p, end)
    if p < end and (load_u8(p) == 91 or load_u8(p) == 44):
        p = skip_blanks(p + 1, end)
    return p


@njit(cache=True, nogil=True)
def unit_end(p: int, end: int) -> int:
    """The end of a unit whose object closed before p: after the newline, or at the next object.

    Hands back a fault when something else follows, and end when nothing does.
    """
    p = skip_blanks(p, end)
    comma = p < end and load_u8(p) == 44
    if comma:
        p = skip_blanks(p + 1, end)
    if p < end and load_u8(p) == 93:
        p = skip_blanks(p + 1, end)
    if p >= end:
        return p
    if load_u8(p) == 10:
        return p + 1
    if load_u8(p) == 123:
        return p
    return NOT_JSON


@njit(cache=True, nogil=True)
def bad_unit_end(p: int, end: int) -> int:
    """Where to go on after a broken object: its line's end, or the next ``}{`` of the line."""
    while p < end:
        if load_u8(p) == 10:
            return p + 1
        if load_u8(p) == 125 and p + 2 < end and load_u8(p + 1) == 123 and load_u8(p + 2) == 34:
            return p + 1
        p += 1
    return end


@njit(cache=True, nogil=True)
def open_line(p: int, end: int) -> int:
    """Where a line that holds no object ends: blank, or one bracket or comma of an array; else -1."""
    q = skip_blanks(p, end)
    if q < end and (load_u8(q) == 91 or load_u8(q) == 93 or load_u8(q) == 44):
        q = skip_blanks(q + 1, end)
    if q >= end:
        return q
    if load_u8(q) == 10:
        return q + 1
    return -1
