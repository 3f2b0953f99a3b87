"""Kernels that turn JSON objects, one after another, into plain text lines."""

# Numba's decorators and scalars have no types that mypy could follow.
# mypy: disable-error-code="untyped-decorator,no-any-return,return-value,assignment"

from __future__ import annotations

import numpy as np

from vpcflow.base.compiled import njit
from vpcflow.record.memory_kernels import load_u8, store_u8
from vpcflow.record.unwrap_kernels import (
    AFTER_OBJECT,
    ASK,
    DONE,
    FAULTS,
    FIELD_TWICE,
    FULL,
    INCOMPLETE,
    IS_KNOWN,
    IS_LOOSE,
    LINE_BYTES_MAX,
    NESTED_VALUE,
    NO_KNOWN_FIELD,
    NO_MESSAGE,
    NOT_JSON,
    OUT_BYTES,
    POSITION,
    SPAN_END,
    SPAN_START,
    STATUS,
    TOO_LONG,
    TOO_MANY_FIELDS,
    UNITS,
    bad_unit_end,
    note_fault,
    object_start,
    open_line,
    put_json_scalar,
    put_nested,
    put_string,
    room_for,
    settle,
    skip_blanks,
    string_end,
    unit_end,
    value_end,
)

#: Columns of a key in the key table that are no columns of the format: one that waits for a record
#: with a known field beside it, one for which the format has no room, a known field's own.
WAITING, REFUSED, EXPECTED = -1, -2, -3
#: How many spellings of keys are told apart; a record with another one is a bad line.
KEYS_MAX = 2_048

# Places of the state of split_objects.
JSON_OUT, JSON_DONE, JSON_DEPTH, JSON_QUOTED, JSON_ESCAPED, JSON_PENDING = range(6)
JSON_PLACES = 6


@njit(cache=True, nogil=True)
def find_key(s: int, e: int, keys: int, key_starts: np.ndarray, hint: int) -> int:
    """The number of the key from s to e in the key table, or -1; looks from ``hint`` on, then around."""
    n = key_starts.size - 1
    length = e - s
    for step in range(n):
        k = hint + step
        if k >= n:
            k -= n
        first = key_starts[k]
        if key_starts[k + 1] - first != length:
            continue
        same = True
        for i in range(length):
            if load_u8(keys + first + i) != load_u8(s + i):
                same = False
                break
        if same:
            return k
    return -1


@njit(cache=True, nogil=True)
def key_at(s: int, end: int, keys: int, key_starts: np.ndarray, hint: int) -> int:
    """The number of the key at s if it is one of the next two after ``hint``, else -1.

    Records of one file name their fields in one order, and a field has two spellings.
    """
    for k in range(hint, min(hint + 3, key_starts.size - 1)):
        first = keys + key_starts[k]
        length = key_starts[k + 1] - key_starts[k]
        if s + length >= end or load_u8(s + length) != 34:
            continue
        i = 0
        while i < length and load_u8(first + i) == load_u8(s + i):
            i += 1
        if i == length:
            return k
    return -1


@njit(cache=True, nogil=True)
def member_start(p: int, end: int, first: bool) -> int:
    """The quote of the next key; -1 - place after the bracket when the object closes; or a fault.

    The faults lie below all places: they are shifted by 1 << 60.
    """
    p = skip_blanks(p, end)
    if p >= end:
        return INCOMPLETE - (1 << 60)
    if load_u8(p) == 125:
        return -1 - (p + 1)
    if not first:
        if load_u8(p) != 44:
            return NOT_JSON - (1 << 60)
        p = skip_blanks(p + 1, end)
        if p >= end:
            return INCOMPLETE - (1 << 60)
    if load_u8(p) != 34:
        return NOT_JSON - (1 << 60)
    return p


@njit(cache=True, nogil=True)
def member_value(key_end: int, end: int) -> int:
    """Where the value after the key starts, or a fault."""
    p = skip_blanks(key_end + 1, end)
    if p >= end:
        return INCOMPLETE
    if load_u8(p) != 58:
        return NOT_JSON
    p = skip_blanks(p + 1, end)
    return p if p < end else INCOMPLETE


@njit(cache=True, nogil=True)
def read_members(
    p: int,
    end: int,
    keys: int,
    key_starts: np.ndarray,
    key_columns: np.ndarray,
    flags: np.ndarray,
    spans: np.ndarray,
    unknown: np.ndarray,
) -> tuple[int, int]:
    """Find the values of the object whose bracket opens before p.

    Hands back the place after the object and 0, or the place of the fault and the fault.
    ``spans`` gets each column's value (start, end), ``unknown`` the first key that has to be asked
    for: one that is not in the table, or one that waits, when the object has a known field.
    """
    for c in range(flags.size):
        spans[c, 0] = -1
    unknown[0] = -1
    waiting = -1
    n_keys = key_starts.size - 1
    hint = 0
    first = True
    known = False
    fault = 0
    while True:
        s = member_start(p, end, first)
        if s < -(1 << 59):
            return p, s + (1 << 60)
        if s < 0:
            p = -1 - s
            break
        first = False
        k = key_at(s + 1, end, keys, key_starts, hint)
        if k >= 0:
            e = s + 1 + key_starts[k + 1] - key_starts[k]
        else:
            e = string_end(s, end)
            if e < 0:
                return s, e
            k = find_key(s + 1, e, keys, key_starts, hint)
        v = member_value(e, end)
        if v < 0:
            return e, v
        p = value_end(v, end)
        if p < 0:
            return v, p
        column = EXPECTED
        if k >= 0:
            hint = k + 1 if k + 1 < n_keys else 0
            column = key_columns[k]
        elif n_keys >= KEYS_MAX:
            column = REFUSED
        if column == EXPECTED and unknown[0] < 0:
            unknown[0] = s
            unknown[1] = e + 1
        if column == REFUSED:
            fault = TOO_MANY_FIELDS
        if column < 0:
            if column == WAITING:
                waiting = s
                unknown[2] = e + 1
            continue
        if spans[column, 0] >= 0:
            fault = FIELD_TWICE
        spans[column, 0] = v
        spans[column, 1] = p
        if flags[column] & IS_KNOWN:
            known = True
    if fault == 0 and not known and unknown[0] < 0:
        fault = NO_KNOWN_FIELD
    if known and unknown[0] < 0 and waiting >= 0:
        unknown[0] = waiting
        unknown[1] = unknown[2]
    return p, fault


@njit(cache=True, nogil=True)
def write_members(flags: np.ndarray, spans: np.ndarray, o: int) -> tuple[int, int]:
    """Write one line in the format's order; hand back the new end and the column, or a fault and it."""
    for c in range(flags.size):
        s = spans[c, 0]
        e = spans[c, 1]
        if s < 0:
            store_u8(o, 45)
            o += 1
        elif load_u8(s) == 34:
            o = put_text_value(s + 1, e - 1, flags[c], o)
        elif load_u8(s) == 123 or load_u8(s) == 91:
            o = put_nested(s, e, o) if flags[c] & IS_LOOSE else NESTED_VALUE
        else:
            o = put_json_scalar(s, e, flags[c], o)
        if o < 0:
            return o, c
        store_u8(o, 32)
        o += 1
    store_u8(o - 1, 10)
    return o, -1


@njit(cache=True, nogil=True)
def put_text_value(s: int, e: int, flags: int, o: int) -> int:
    """Write a JSON string as one token; blanks around it do not count."""
    while s < e and load_u8(s) == 32:
        s += 1
    while e > s and load_u8(e - 1) == 32:
        e -= 1
    first = o
    o = put_string(s, e, False, (flags & IS_LOOSE) != 0, o)
    return settle(first, o, flags) if o >= 0 else o


@njit(cache=True, nogil=True)
def write_message(spans: np.ndarray, o: int) -> tuple[int, int]:
    """Write the message that stands in column 0 as the line."""
    s = spans[0, 0]
    if load_u8(s) != 34:
        return NO_MESSAGE, -1
    o = put_string(s + 1, spans[0, 1] - 1, True, False, o)
    if o < 0:
        return o, -1
    store_u8(o, 10)
    return o + 1, -1


@njit(cache=True, nogil=True)
def object_fault(fault: int, message: bool, asks: bool) -> int:
    """The fault of a whole object, where a message and flat records differ."""
    if fault == INCOMPLETE:
        return NOT_JSON
    if message and (fault == NO_KNOWN_FIELD or (fault == 0 and asks)):
        return NO_MESSAGE
    return fault


@njit(cache=True, nogil=True)
def json_to_text(
    end: int,
    final: bool,
    message: bool,
    keys: int,
    key_starts: np.ndarray,
    key_columns: np.ndarray,
    flags: np.ndarray,
    spans: np.ndarray,
    unknown: np.ndarray,
    out: int,
    out_end: int,
    faults: np.ndarray,
    state: np.ndarray,
) -> None:
    """Turn the objects from state[POSITION] to end into lines until they end or the room is full.

    ``message``: column 0 holds a whole line; otherwise the columns are the format's. Comes back
    with ASK and the span of a key that the table does not have, before that unit.
    An object is one unit, whether or not a newline follows it; so is any other line.
    """
    p = state[POSITION]
    o = out
    state[UNITS] = 0
    state[FAULTS] = 0
    state[STATUS] = DONE
    while p < end:
        if state[AFTER_OBJECT]:
            q = skip_blanks(p, end)
            if q >= end:
                p = q
                break
            state[AFTER_OBJECT] = 0
            if load_u8(q) == 10:
                p = q + 1
                continue
        if state[UNITS] >= faults.shape[0] or not room_for(o, out_end, end - p, flags.size):
            state[STATUS] = FULL
            break
        r = open_line(p, end)
        if r >= 0:
            if r >= end and load_u8(r - 1) != 10 and not final:
                break
            store_u8(o, 10)
            o += 1
            state[UNITS] += 1
            p = r
            continue
        s = object_start(p, end)
        q = s
        fault = NOT_JSON
        if s < end and load_u8(s) == 123:
            q, fault = read_members(
                s + 1, end, keys, key_starts, key_columns, flags, spans, unknown
            )
        if fault == INCOMPLETE and not final:
            break
        closed = fault != NOT_JSON and fault != INCOMPLETE
        fault = object_fault(fault, message, message and unknown[0] >= 0 and spans[0, 0] < 0)
        r = unit_end(q, end) if closed else NOT_JSON
        if r < 0:
            closed = False
            fault = NOT_JSON
            r = bad_unit_end(q, end)
            if r >= end and load_u8(r - 1) != 10 and not final:
                break
        if r - p > LINE_BYTES_MAX:
            fault = TOO_LONG
        if fault == 0 and unknown[0] >= 0 and not message:
            state[STATUS] = ASK
            state[SPAN_START] = unknown[0]
            state[SPAN_END] = unknown[1]
            break
        field = -1
        if fault == 0:
            if message:
                w, field = write_message(spans, o)
            else:
                w, field = write_members(flags, spans, o)
            if w < 0:
                fault = w
            else:
                o = w
        if fault != 0:
            note_fault(state, faults, fault, field, p, r)
            store_u8(o, 10)
            o += 1
        state[UNITS] += 1
        state[AFTER_OBJECT] = 1 if closed and load_u8(r - 1) != 10 and r >= end else 0
        p = r
    state[POSITION] = p
    state[OUT_BYTES] = o - out


@njit(cache=True, nogil=True)
def split_objects(p: int, end: int, target: int, out: int, state: np.ndarray) -> None:
    """Write the objects that are ``target`` braces deep to ``out``, each on a line of its own.

    The text goes on from call to call; the room is twice as long as it, and some. What stands
    between the objects is left out; where nothing may stand (target 1), it becomes a line too.
    A string that is open at the end of its line is broken: the search starts anew after it.
    JSON_DONE is the place after the last line written.
    """
    depth = state[JSON_DEPTH]
    quoted = state[JSON_QUOTED]
    escaped = state[JSON_ESCAPED]
    pending = state[JSON_PENDING]
    o = out
    first = p
    state[JSON_DONE] = 0
    for p in range(first, end):
        b = load_u8(p)
        ended = False
        if quoted:
            if b == 10:
                quoted = 0
                depth = 0
                ended = pending != 0
            elif escaped:
                escaped = 0
            elif b == 92:
                escaped = 1
            elif b == 34:
                quoted = 0
        elif b == 34:
            quoted = 1
        elif b == 123:
            if depth == target - 1 and pending:
                store_u8(o, 10)
                o += 1
                pending = 0
                state[JSON_DONE] = p - first
            depth += 1
        elif b == 125 and depth > 0:
            depth -= 1
            ended = depth == target - 1
        elif b == 10 and depth == 0:
            ended = pending != 0
        inside = depth >= target or (ended and depth == target - 1)
        if not inside and target == 1 and depth == 0 and b > 32:
            inside = pending != 0 or (b != 44 and b != 91 and b != 93)
        if inside and b != 10:
            store_u8(o, b)
            o += 1
            pending = 1
        elif inside or (pending and b != 10):
            store_u8(o, 32)
            o += 1
        if ended and pending:
            store_u8(o, 10)
            o += 1
            pending = 0
            escaped = 0
            state[JSON_DONE] = p + 1 - first
    state[JSON_DEPTH] = depth
    state[JSON_QUOTED] = quoted
    state[JSON_ESCAPED] = escaped
    state[JSON_PENDING] = pending
    state[JSON_OUT] = o - out
