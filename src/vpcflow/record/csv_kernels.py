"""Kernels that turn CSV lines, of records or of CloudWatch exports, into plain text lines."""

# Numba's decorators and scalars have no types that mypy could follow.
# mypy: disable-error-code="untyped-decorator,no-any-return,return-value,assignment"

from __future__ import annotations

import numpy as np

from vpcflow.base.compiled import njit
from vpcflow.record.memory_kernels import load_u8, store_u8
from vpcflow.record.unwrap_kernels import (
    ASK,
    DONE,
    FAULTS,
    FULL,
    IS_LOOSE,
    LINE_BYTES_MAX,
    NOT_CSV,
    OUT_BYTES,
    POSITION,
    SPAN_END,
    SPAN_START,
    STATUS,
    TOO_LONG,
    UNITS,
    digits_only,
    line_end,
    note_fault,
    put_byte,
    room_for,
    settle,
    skip_blanks,
)

#: In place of a place: the next line is the first, so that any of them may be a header.
FIRST_LINE = -2


@njit(cache=True, nogil=True)
def is_letter(b: int) -> bool:
    """Whether a field name may start with b; ``@`` and ``$`` stand before names in some tools."""
    return 97 <= b <= 122 or 65 <= b <= 90 or b == 64 or b == 36


@njit(cache=True, nogil=True)
def is_blank(b: int) -> bool:
    """Whether b is one of the bytes that skip_blanks skips."""
    return b == 32 or b == 9 or b == 13


@njit(cache=True, nogil=True)
def put_quoted(p: int, end: int, flags: int, o: int) -> tuple[int, int]:
    """Write the quoted field that opens at p; hand back the place after its quote and the new end.

    The place is a fault when the quotes do not pair; the end is one when a blank stands inside.
    """
    p = skip_blanks(p + 1, end)
    loose = (flags & IS_LOOSE) != 0
    first = o
    while p < end:
        b = load_u8(p)
        if b == 34:
            if p + 1 < end and load_u8(p + 1) == 34:
                p += 1
            else:
                return p + 1, settle(first, o, flags)
        elif is_blank(b) and not is_blank(load_u8(p - 1)):
            # Blanks before the closing quote do not count; each run of them is looked at once.
            q = skip_blanks(p, end)
            if q < end and load_u8(q) == 34 and not (q + 1 < end and load_u8(q + 1) == 34):
                p = q
                continue
        o = put_byte(b, loose, o)
        if o < 0:
            return end, o
        p += 1
    return NOT_CSV, first


@njit(cache=True, nogil=True)
def put_field(p: int, end: int, flags: int, o: int) -> tuple[int, int]:
    """Write the bare field that starts at p; hand back the place of its comma and the new end."""
    loose = (flags & IS_LOOSE) != 0
    q = p
    while q < end and load_u8(q) != 44:
        q += 1
    e = q
    while e > p and (load_u8(e - 1) == 32 or load_u8(e - 1) == 9 or load_u8(e - 1) == 13):
        e -= 1
    first = o
    for i in range(p, e):
        b = load_u8(i)
        if b > 32 and b != 127:
            store_u8(o, b)
            o += 1
        else:
            o = put_byte(b, loose, o)
            if o < 0:
                return q, o
    return q, settle(first, o, flags)


@njit(cache=True, nogil=True)
def plain_csv_line(p: int, end: int, flags: np.ndarray, o: int) -> tuple[int, int]:
    """Write the line from p to end if it has no quote and no blank: the new end, 1 for names only.

    Hands back NOT_CSV when the line needs a closer look; what is written then does not count.
    """
    column = 0
    names = True
    s = p
    first = o
    odd = False
    while True:
        b = load_u8(p) if p < end else np.int64(44)
        if b == 44:
            if names:
                names = p > s and is_letter(load_u8(s))
            if odd or p == s:
                o = settle(first, o, flags[column] if column < flags.size else 0)
                odd = False
            if p >= end:
                store_u8(o, 10)
                return o + 1, 1 if names else 0
            store_u8(o, 32)
            o += 1
            p += 1
            s = p
            first = o
            column += 1
            continue
        if b <= 34 or b == 127:
            if b <= 32 or b != 33:
                return NOT_CSV, 0
        elif b == 46 or b == 78 or b == 110:
            # A fraction of zeros or a word for a missing number, perhaps.
            odd = True
        store_u8(o, b)
        o += 1
        p += 1


@njit(cache=True, nogil=True)
def csv_line(p: int, end: int, flags: np.ndarray, o: int) -> tuple[int, int, int]:
    """Write the line from p to end; hand back the new end or a fault, the column, and 1 for names only."""
    column = 0
    names = 1
    while True:
        p = skip_blanks(p, end)
        wants = flags[column] if column < flags.size else 0
        quoted = p < end and load_u8(p) == 34
        s = p + 1 if quoted else p
        if s >= end or not is_letter(load_u8(s)):
            names = 0
        if quoted:
            p, o = put_quoted(p, end, wants, o)
            if p < 0:
                return p, -1, 0
            p = skip_blanks(p, end)
        else:
            p, o = put_field(p, end, wants, o)
        if o < 0:
            return o, column, 0
        if p >= end:
            store_u8(o, 10)
            return o + 1, -1, names
        if load_u8(p) != 44:
            return NOT_CSV, column, 0
        store_u8(o, 32)
        o += 1
        p += 1
        column += 1


@njit(cache=True, nogil=True)
def same_bytes(s: int, e: int, other: int, other_bytes: int) -> bool:
    """Whether from s to e are the bytes of ``other``."""
    if e - s != other_bytes:
        return False
    for i in range(other_bytes):
        if load_u8(s + i) != load_u8(other + i):
            return False
    return True


@njit(cache=True, nogil=True)
def csv_to_text(
    end: int,
    flags: np.ndarray,
    header: int,
    header_bytes: int,
    no_header_at: int,
    out: int,
    out_end: int,
    faults: np.ndarray,
    state: np.ndarray,
) -> None:
    """Turn the lines of state[POSITION] to end into plain text until they end or the room is full.

    A line equal to ``header`` becomes an empty one. Comes back with ASK before a line of nothing
    but names (a header?) unless it starts at ``no_header_at``; before any line where that is
    FIRST_LINE. The last line may lack its newline.
    """
    p = state[POSITION]
    o = out
    state[UNITS] = 0
    state[FAULTS] = 0
    state[STATUS] = DONE
    while p < end:
        if state[UNITS] >= faults.shape[0] or not room_for(o, out_end, end - p, flags.size):
            state[STATUS] = FULL
            break
        n = line_end(p, end)
        e = n
        while e > p and (load_u8(e - 1) == 13 or load_u8(e - 1) == 32 or load_u8(e - 1) == 9):
            e -= 1
        fault = 0
        field = -1
        if e - p > LINE_BYTES_MAX:
            fault = TOO_LONG
        elif e == p or same_bytes(p, e, header, header_bytes):
            store_u8(o, 10)
            o += 1
        else:
            w, names = plain_csv_line(p, e, flags, o)
            if w < 0:
                w, field, names = csv_line(p, e, flags, o)
            if (names and p != no_header_at) or no_header_at == FIRST_LINE:
                state[STATUS] = ASK
                state[SPAN_START] = p
                state[SPAN_END] = e
                break
            if w < 0:
                fault = w
            else:
                o = w
        if fault != 0:
            note_fault(state, faults, fault, field, p, n)
            store_u8(o, 10)
            o += 1
        state[UNITS] += 1
        p = n + 1 if n < end else end
    state[POSITION] = p
    state[OUT_BYTES] = o - out


@njit(cache=True, nogil=True)
def csv_field_end(p: int, end: int) -> int:
    """The place of the comma after the field that starts at p, or end; a fault for open quotes."""
    p = skip_blanks(p, end)
    if p < end and load_u8(p) == 34:
        p += 1
        while p < end:
            if load_u8(p) == 34:
                if p + 1 >= end or load_u8(p + 1) != 34:
                    break
                p += 1
            p += 1
        if p >= end:
            return NOT_CSV
    while p < end and load_u8(p) != 44:
        p += 1
    return p


@njit(cache=True, nogil=True)
def time_end(p: int, end: int) -> int:
    """The place after an ISO time and its space (``2026-01-31T10:00:00.000Z ``), or p."""
    if end - p < 20 or load_u8(p + 4) != 45 or load_u8(p + 7) != 45 or load_u8(p + 10) != 84:
        return p
    for i in range(4):
        if load_u8(p + i) < 48 or load_u8(p + i) > 57:
            return p
    q = p + 11
    while q < end and load_u8(q) != 32 and load_u8(q) != 44:
        q += 1
    return q + 1 if q < end and load_u8(q) == 32 else p


@njit(cache=True, nogil=True)
def put_message(p: int, end: int, o: int) -> int:
    """Write the message from p to end, without its quotes if it has some."""
    p = skip_blanks(p, end)
    while end > p and (load_u8(end - 1) == 32 or load_u8(end - 1) == 13):
        end -= 1
    if end - p >= 2 and load_u8(p) == 34 and load_u8(end - 1) == 34:
        p += 1
        end -= 1
        while p < end:
            if load_u8(p) == 34:
                p += 1
                if p >= end or load_u8(p) != 34:
                    return NOT_CSV
            store_u8(o, load_u8(p))
            o += 1
            p += 1
    else:
        for i in range(p, end):
            store_u8(o, load_u8(i))
            o += 1
    store_u8(o, 10)
    return o + 1


@njit(cache=True, nogil=True)
def is_time(s: int, e: int) -> bool:
    """Whether the field from s to e is a time: only digits, or a date and more; quotes do not count."""
    if s < e and load_u8(s) == 34:
        s += 1
    if e > s and load_u8(e - 1) == 34:
        e -= 1
    if e - s >= 10 and load_u8(s + 4) == 45 and load_u8(s + 7) == 45:
        return 48 <= load_u8(s) <= 57
    return e > s and digits_only(s, e)


@njit(cache=True, nogil=True)
def export_line(p: int, e: int, o: int) -> tuple[int, int]:
    """Write the message of the export's line from p to e; hand back the new end or a fault, 1 to ask.

    The message is the field with the most blanks, beside a time that comes first. A line without
    a comma is taken as a record as it stands.
    """
    s = time_end(p, e)
    if s > p:
        return put_message(s, e, o), 0
    q = csv_field_end(p, e)
    if q < 0:
        return q, 0
    if q >= e:
        return put_message(p, e, o), 0
    timed = is_time(p, q)
    best_start, best_end, most = p, q, -1
    s = p
    while True:
        if not timed or s > p:
            blanks = 0
            for i in range(s, q):
                if load_u8(i) == 32:
                    blanks += 1
            if blanks > most:
                best_start, best_end, most = s, q, blanks
        if q >= e:
            break
        s = q + 1
        q = csv_field_end(s, e)
        if q < 0:
            return q, 0
    first = p + 1 if load_u8(p) == 34 else p
    asks = most == 0 and is_letter(load_u8(first))
    return put_message(best_start, best_end, o), 1 if asks else 0


@njit(cache=True, nogil=True)
def export_to_text(
    end: int,
    no_header_at: int,
    out: int,
    out_end: int,
    faults: np.ndarray,
    state: np.ndarray,
) -> None:
    """Turn the lines ``time,message`` or ``time message`` of an export into their messages.

    Comes back with ASK before a line of fields without blanks whose first byte is a letter (a
    header?) unless it starts at ``no_header_at``.
    """
    p = state[POSITION]
    o = out
    state[UNITS] = 0
    state[FAULTS] = 0
    state[STATUS] = DONE
    while p < end:
        if state[UNITS] >= faults.shape[0] or not room_for(o, out_end, end - p, 0):
            state[STATUS] = FULL
            break
        n = line_end(p, end)
        e = n
        while e > p and (load_u8(e - 1) == 13 or load_u8(e - 1) == 32 or load_u8(e - 1) == 9):
            e -= 1
        fault = 0
        if n - p > LINE_BYTES_MAX:
            fault = TOO_LONG
        elif e == p:
            store_u8(o, 10)
            o += 1
        else:
            w, asks = export_line(p, e, o)
            if asks and p != no_header_at:
                state[STATUS] = ASK
                state[SPAN_START] = p
                state[SPAN_END] = e
                break
            if w < 0:
                fault = w
            else:
                o = w
        if fault != 0:
            note_fault(state, faults, fault, -1, p, n)
            store_u8(o, 10)
            o += 1
        state[UNITS] += 1
        p = n + 1 if n < end else end
    state[POSITION] = p
    state[OUT_BYTES] = o - out
