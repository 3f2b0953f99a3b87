"""The kernel that turns record lines into columns, checking every byte of them.

``decode_lines`` works on whole lines at an address. Three arrays of integers describe the work:
``state`` (where it stands), ``plan`` (a row for each field: kind, where its column lies, its
largest value) and ``texts`` (a row for each text field: its dictionary). When it needs Python
(the block of rows is full, a dictionary must grow, a header came) it stops before the line and
says why in ``state[STATUS]``; called again, it goes on there.
"""

# mypy: disable-error-code="untyped-decorator,no-any-return,return-value,assignment"

from __future__ import annotations

from typing import Any

import numpy as np

from vpcflow.base.compiled import njit
from vpcflow.record.address_kernels import parse_address
from vpcflow.record.memory_kernels import (
    load_i64,
    load_u8,
    load_u64,
    store_u8,
    store_u32,
    store_u64,
)
from vpcflow.record.reasons import BAD_LINE_BYTES_MAX, LINE_BYTES_MAX
from vpcflow.record.text_plan import (
    ALL_TEXT,
    AT,
    BAD,
    BAD_BYTES,
    BAD_BYTES_MAX,
    BAD_DATA,
    BAD_END,
    BAD_FIELD,
    BAD_LENGTH,
    BAD_LINE,
    BAD_MAX,
    BAD_REASON,
    DONE,
    END,
    FORMAT_OPEN,
    FULL_BAD,
    FULL_ROWS,
    FULL_SLOT,
    FULL_TEXT,
    HEADER,
    HEADER_AT,
    HEADER_BYTES,
    KIND,
    KIND_ADDRESS,
    KIND_INT32,
    KIND_TEXT,
    LINE,
    NAMES,
    NAMES_AT,
    PLAN_LENGTH,
    ROW,
    ROWS_MAX,
    SAME_HEADER,
    SEED,
    STATUS,
    TEXT,
    TEXTS_LENGTH,
    VALID_AT,
    VALUE_MAX,
    VALUES_AT,
)
from vpcflow.record.value_kernels import (
    NEEDS_ROOM,
    read_integer,
    read_text,
    utf8_length,
)

_U = np.uint64
_SPACE, _TAB, _NEWLINE, _RETURN, _DASH, _DELETE = 32, 9, 10, 13, 45, 127
_FNV_START, _FNV_PRIME = _U(0xCBF29CE484222325), _U(0x100000001B3)

# What became of a line, beside a BadLineReason (which is above 0) and NEEDS_ROOM.
_GOOD, _BLANK = 0, -1
_TOO_LONG, _CONTROL, _NOT_UTF8, _TOO_FEW, _TOO_MANY = 1, 2, 3, 5, 6
_NOT_A_NUMBER, _OUT_OF_RANGE, _NOT_AN_ADDRESS = 7, 8, 9


@njit(nogil=True, error_model="numpy", forceinline=True)
def _skip_blanks(at: int) -> int:
    while load_u8(at) == _SPACE or load_u8(at) == _TAB:
        at += 1
    return at


@njit(nogil=True, error_model="numpy", forceinline=True)
def _start_of_line(at: int) -> int:
    """Past a byte order mark and blanks."""
    if load_u8(at) == 0xEF and load_u8(at + 1) == 0xBB and load_u8(at + 2) == 0xBF:
        at += 3
    return _skip_blanks(at)


@njit(nogil=True, error_model="numpy", forceinline=True)
def _is_end(at: int) -> bool:
    byte = load_u8(at)
    return byte == _NEWLINE or (byte == _RETURN and load_u8(at + 1) == _NEWLINE)


@njit(nogil=True, error_model="numpy", forceinline=True)
def _read_value(p: int, row: int, field: int, texts: int, seed: np.uint64) -> int:
    """Write one value into its column; return what follows it, or a negative reason."""
    kind = load_i64(field + 8 * KIND)
    column = load_i64(field + 8 * VALUES_AT)
    if load_u8(p) == _DASH and load_u8(p + 1) <= _SPACE:
        bits = load_i64(field + 8 * VALID_AT) + (row >> 3)
        store_u8(bits, _U(load_u8(bits) & ~(1 << (row & 7))))
        if kind == KIND_ADDRESS:
            store_u64(column + 16 * row, _U(0))
            store_u64(column + 16 * row + 8, _U(0))
        elif kind == KIND_INT32 or kind == KIND_TEXT:
            store_u32(column + 4 * row, _U(0))
        else:
            store_u64(column + 8 * row, _U(0))
        return p + 1
    if kind == KIND_TEXT:
        code, q = read_text(p, texts + 8 * TEXTS_LENGTH * load_i64(field + 8 * TEXT), seed)
        store_u32(column + 4 * row, _U(code))
        return q
    if kind == KIND_ADDRESS:
        return parse_address(p, column + 16 * row)
    value, q = read_integer(p, load_i64(field + 8 * VALUE_MAX))
    if kind == KIND_INT32:
        store_u32(column + 4 * row, _U(value))
    else:
        store_u64(column + 8 * row, _U(value))
    return q


@njit(nogil=True, error_model="numpy", forceinline=True)
def _read_line(p: int, row: int, plan: int, fields: int, texts: int, seed: np.uint64) -> Any:
    """Write one line into the columns: what became of it, the field at fault, where it stopped."""
    p = _start_of_line(p)
    if _is_end(p):
        return _BLANK, -1, p
    last = fields - 1
    for f in range(fields):
        q = _read_value(p, row, plan + 8 * PLAN_LENGTH * f, texts, seed)
        if q < 0:
            return (NEEDS_ROOM if q == NEEDS_ROOM else _CONTROL), f, p
        if load_u8(q) == _SPACE and load_u8(q + 1) > _SPACE:
            p = q + 1
            if f == last:
                return _TOO_MANY, f, p
            continue
        p = _skip_blanks(q)
        if _is_end(p):
            return (_GOOD if f == last else _TOO_FEW), f, p
        if p == q or f == last:
            return _CONTROL, f, q
    return _GOOD, -1, p


@njit(nogil=True, error_model="numpy")
def _classify(line: int, newline: int, fault: int, plan: Any) -> Any:
    """The reason why a line is bad, and its field (-1: the line); the order is BadLineReason's."""
    end = newline
    if end > line and load_u8(end - 1) == _RETURN:
        end -= 1
    p = line
    while p < end:
        byte = load_u8(p)
        if (byte < _SPACE and byte != _TAB) or byte == _DELETE:
            return _CONTROL, -1
        p += 1
    p = line
    while p < end:
        length = utf8_length(p)
        if length == 0:
            return _NOT_UTF8, -1
        p += length
    tokens = 0
    p = _start_of_line(line)
    while p < end:
        tokens += 1
        while p < end and load_u8(p) != _SPACE and load_u8(p) != _TAB:
            p += 1
        p = _skip_blanks(p)
    if tokens != len(plan):
        return (_TOO_FEW if tokens < len(plan) else _TOO_MANY), -1
    p = _start_of_line(line)
    for _ in range(fault):
        while load_u8(p) > _SPACE:
            p += 1
        p = _skip_blanks(p)
    if plan[fault, KIND] == KIND_ADDRESS:
        return _NOT_AN_ADDRESS, fault
    while load_u8(p) > _SPACE:
        if not 48 <= load_u8(p) <= 57:
            return _NOT_A_NUMBER, fault
        p += 1
    return _OUT_OF_RANGE, fault


@njit(nogil=True, error_model="numpy")
def _is_same_header(p: int, state: Any) -> bool:
    """Whether a line is the header of the format in use, its field ids bare or in ``${}``."""
    name = state[HEADER_AT]
    end = name + state[HEADER_BYTES]
    while True:
        wrapped = load_u8(p) == 36 and load_u8(p + 1) == 123
        if wrapped:
            p += 2
        while name < end and load_u8(name) != _SPACE:
            if load_u8(p) != load_u8(name):
                return False
            p += 1
            name += 1
        if wrapped:
            if load_u8(p) != 125:
                return False
            p += 1
        after = _skip_blanks(p)
        if name == end:
            return _is_end(after)
        if after == p:
            return False
        p = after
        name += 1


@njit(nogil=True, error_model="numpy")
def _read_name(p: int) -> Any:
    """A field id, bare or as ``${field-id}``: what follows it (-1 if it is none), and its hash."""
    wrapped = load_u8(p) == 36 and load_u8(p + 1) == 123
    if wrapped:
        p += 2
    hashed = _FNV_START
    before = _DASH
    while True:
        byte = load_u8(p)
        letter = 97 <= byte <= 122
        if before == _DASH and not letter and not (48 <= byte <= 57 and hashed != _FNV_START):
            return np.int64(-1), hashed
        if not letter and not 48 <= byte <= 57 and byte != _DASH:
            break
        hashed = (hashed ^ _U(byte)) * _FNV_PRIME
        before = byte
        p += 1
    if wrapped:
        if byte != 125:
            return np.int64(-1), hashed
        p += 1
    return p if load_u8(p) <= _SPACE else np.int64(-1), hashed


@njit(nogil=True, error_model="numpy")
def _is_header(p: int, state: Any) -> bool:
    """Whether a line names fields: all tokens are field ids, enough of them known ones."""
    tokens, known = 0, 0
    while not _is_end(p):
        q, hashed = _read_name(p)
        if q < 0:
            return False
        tokens += 1
        for i in range(state[NAMES]):
            if load_u64(state[NAMES_AT] + 8 * i) == hashed:
                known += 1
                break
        p = _skip_blanks(q)
        if p == q and not _is_end(p):
            return False
    if state[FORMAT_OPEN]:
        return known > 0
    return tokens > 1 and 2 * known >= tokens


@njit(nogil=True, error_model="numpy")
def _keep_bad_line(line: int, newline: int, reason: int, field: int, state: Any, bad: Any) -> None:
    index, used = state[BAD], state[BAD_BYTES]
    kept = min(newline - line, BAD_LINE_BYTES_MAX)
    for i in range(kept):
        store_u8(state[BAD_DATA] + used + i, _U(load_u8(line + i)))
    bad[index, BAD_LINE] = state[LINE] + 1
    bad[index, BAD_REASON] = reason
    bad[index, BAD_FIELD] = field
    bad[index, BAD_END] = used + kept
    bad[index, BAD_LENGTH] = newline - line
    state[BAD] = index + 1
    state[BAD_BYTES] = used + kept


@njit(nogil=True, error_model="numpy")
def _restore_valid(row: int, plan: Any) -> None:
    """Set the bits again that a bad line cleared in the row it did not take."""
    for f in range(len(plan)):
        bits = plan[f, VALID_AT] + (row >> 3)
        store_u8(bits, _U(load_u8(bits) | 1 << (row & 7)))


@njit(nogil=True, error_model="numpy", forceinline=True)
def _newline(at: int) -> int:
    while load_u8(at) != _NEWLINE:
        at += 1
    return at


@njit(nogil=True, error_model="numpy")
def _check_header(line: int, state: Any) -> int:
    """Before a line is read: HEADER when Python must read it, SAME_HEADER to skip it, else DONE."""
    start = _start_of_line(line)
    if _is_end(start) or _newline(line) - line > LINE_BYTES_MAX:
        return DONE
    if not state[FORMAT_OPEN] and _is_same_header(start, state):
        return SAME_HEADER
    if _is_header(start, state):
        return HEADER
    state[FORMAT_OPEN] = 0
    return DONE


@njit(nogil=True, error_model="numpy")
def _fault(
    line: int, outcome: int, field: int, newline: int, plan: Any, state: Any, bad: Any
) -> int:
    """Deal with a line that is no record; return why to go back to Python, DONE to go on."""
    if newline - line <= LINE_BYTES_MAX:
        if outcome == _BLANK:
            return DONE
        start = _start_of_line(line)
        if _is_same_header(start, state):
            return DONE
        if _is_header(start, state):
            return HEADER
        reason, field = _classify(line, newline, field, plan)
    else:
        reason, field = _TOO_LONG, -1
    kept = min(newline - line, BAD_LINE_BYTES_MAX)
    if state[BAD] == state[BAD_MAX] or state[BAD_BYTES] + kept > state[BAD_BYTES_MAX]:
        return FULL_BAD
    _keep_bad_line(line, newline, reason, field, state, bad)
    state[FORMAT_OPEN] = 0
    return DONE


@njit(cache=True, nogil=True, error_model="numpy")
def decode_lines(state: Any, plan: Any, texts: Any, bad: Any) -> None:
    """Decode the whole lines from ``state[AT]`` to ``state[END]``, or until Python must act."""
    line, row, end = state[AT], state[ROW], state[END]
    rows_max, seed = state[ROWS_MAX], _U(state[SEED])
    plan_at, fields, texts_at = np.int64(plan.ctypes.data), len(plan), np.int64(texts.ctypes.data)
    status = DONE
    while line < end:
        if row == rows_max:
            status = FULL_ROWS
            break
        if state[FORMAT_OPEN] or state[ALL_TEXT]:
            status = _check_header(line, state)
            if status == HEADER:
                break
            if status == SAME_HEADER:
                status = DONE
                line = _newline(line) + 1
                state[LINE] += 1
                continue
        outcome, field, p = _read_line(line, row, plan_at, fields, texts_at, seed)
        if outcome == NEEDS_ROOM:
            _restore_valid(row, plan)
            status = FULL_TEXT
            state[FULL_SLOT] = plan[field, TEXT]
            break
        newline = _newline(p)
        if outcome == _GOOD and newline - line <= LINE_BYTES_MAX:
            row += 1
        else:
            _restore_valid(row, plan)
            status = _fault(line, outcome, field, newline, plan, state, bad)
            if status != DONE:
                break
        line = newline + 1
        state[LINE] += 1
    state[AT], state[ROW], state[STATUS] = line, row, status
