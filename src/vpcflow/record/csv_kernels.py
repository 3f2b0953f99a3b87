"""Kernels that turn CSV lines, of records or of CloudWatch exports, into plain text lines."""

# Numba's decorators and scalars have no types that mypy could follow.
# mypy: disable-error-code="untyped-decorator,no-any-return,return-value,assignment"

from __future__ import annotations

import numpy as np
from numba import njit

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
    line_end,
    note_fault,
    put_byte,
    room_for,
    settle,
    skip_blanks,
)


@njit(cache=True, nogil=True)
def is_letter(b: int) -> bool:
    """Whether a field name may start with b; ``@`` and ``$`` stand before names in some tools."""
    return 97 <= b <= 122 or 65 <= b <= 90 or b == 64 or b == 36


@njit(cache=True, nogil=True)
def put_quoted(
    buf: np.ndarray, p: int, end: int, flags: int, out: np.ndarray, o: int
) -> tuple[int, int]:
    """Write the quoted field that opens at p; hand back the place after its quote and the new end.

    The place is a fault when the quotes do not pair; the end is one when a blank stands inside.
    """
    p = skip_blanks(buf, p + 1, end)
    loose = (flags & IS_LOOSE) != 0
    first = o
    while p < end:
        b = np.int64(buf[p])
        if b == 34:
            if p + 1 < end and buf[p + 1] == 34:
                p += 1
            else:
                return p + 1, settle(out, first, o, flags)
        elif (b == 32 or b == 9) and buf[p - 1] != 32 and buf[p - 1] != 9:
            # Blanks before the closing quote do not count; each run of them is looked at once.
            q = skip_blanks(buf, p, end)
            if q < end and buf[q] == 34 and not (q + 1 < end and buf[q + 1] == 34):
                p = q
                continue
        o = put_byte(b, loose, out, o)
        if o < 0:
            return end, o
        p += 1
    return NOT_CSV, first


@njit(cache=True, nogil=True)
def put_field(
    buf: np.ndarray, p: int, end: int, flags: int, out: np.ndarray, o: int
) -> tuple[int, int]:
    """Write the bare field that starts at p; hand back the place of its comma and the new end."""
    loose = (flags & IS_LOOSE) != 0
    q = p
    while q < end and buf[q] != 44:
        q += 1
    e = q
    while e > p and (buf[e - 1] == 32 or buf[e - 1] == 9 or buf[e - 1] == 13):
        e -= 1
    first = o
    for i in range(p, e):
        b = np.int64(buf[i])
        if b > 32 and b != 127:
            out[o] = b
            o += 1
        else:
            o = put_byte(b, loose, out, o)
            if o < 0:
                return q, o
    return q, settle(out, first, o, flags)


@njit(cache=True, nogil=True)
def csv_line(
    buf: np.ndarray, p: int, end: int, flags: np.ndarray, out: np.ndarray, o: int
) -> tuple[int, int, int]:
    """Write the line buf[p:end]; hand back the new end or a fault, the column, and 1 for names only."""
    column = 0
    names = 1
    while True:
        p = skip_blanks(buf, p, end)
        wants = flags[column] if column < flags.size else 0
        quoted = p < end and buf[p] == 34
        s = p + 1 if quoted else p
        if s >= end or not is_letter(buf[s]):
            names = 0
        if quoted:
            p, o = put_quoted(buf, p, end, wants, out, o)
            if p < 0:
                return p, -1, 0
            p = skip_blanks(buf, p, end)
        else:
            p, o = put_field(buf, p, end, wants, out, o)
        if o < 0:
            return o, column, 0
        if p >= end:
            out[o] = 10
            return o + 1, -1, names
        if buf[p] != 44:
            return NOT_CSV, column, 0
        out[o] = 32
        o += 1
        p += 1
        column += 1


@njit(cache=True, nogil=True)
def same_bytes(buf: np.ndarray, s: int, e: int, other: np.ndarray) -> bool:
    """Whether buf[s:e] are the bytes of ``other``."""
    if e - s != other.size:
        return False
    for i in range(other.size):
        if buf[s + i] != other[i]:
            return False
    return True


@njit(cache=True, nogil=True)
def csv_to_text(
    buf: np.ndarray,
    end: int,
    flags: np.ndarray,
    header: np.ndarray,
    no_header_at: int,
    out: np.ndarray,
    faults: np.ndarray,
    state: np.ndarray,
) -> None:
    """Turn the lines of buf[state[POSITION]:end] into plain text until they end or ``out`` is full.

    A line equal to ``header`` becomes an empty one. Comes back with ASK before a line of nothing
    but names (a header?) unless it starts at ``no_header_at``. The last line may lack its newline.
    """
    p = state[POSITION]
    o = 0
    state[UNITS] = 0
    state[FAULTS] = 0
    state[STATUS] = DONE
    while p < end:
        if state[UNITS] >= faults.shape[0] or not room_for(out, o, end - p, flags.size):
            state[STATUS] = FULL
            break
        n = line_end(buf, p, end)
        e = n
        while e > p and (buf[e - 1] == 13 or buf[e - 1] == 32 or buf[e - 1] == 9):
            e -= 1
        fault = 0
        field = -1
        if e - p > LINE_BYTES_MAX:
            fault = TOO_LONG
        elif e == p or same_bytes(buf, p, e, header):
            out[o] = 10
            o += 1
        else:
            w, field, names = csv_line(buf, p, e, flags, out, o)
            if names and p != no_header_at:
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
            out[o] = 10
            o += 1
        state[UNITS] += 1
        p = n + 1 if n < end else end
    state[POSITION] = p
    state[OUT_BYTES] = o


@njit(cache=True, nogil=True)
def csv_field_end(buf: np.ndarray, p: int, end: int) -> int:
    """The place of the comma after the field that starts at p, or end; a fault for open quotes."""
    p = skip_blanks(buf, p, end)
    if p < end and buf[p] == 34:
        p += 1
        while p < end:
            if buf[p] == 34:
                if p + 1 >= end or buf[p + 1] != 34:
                    break
                p += 1
            p += 1
        if p >= end:
            return NOT_CSV
    while p < end and buf[p] != 44:
        p += 1
    return p


@njit(cache=True, nogil=True)
def time_end(buf: np.ndarray, p: int, end: int) -> int:
    """The place after an ISO time and its space (``2026-01-31T10:00:00.000Z ``), or p."""
    if end - p < 20 or buf[p + 4] != 45 or buf[p + 7] != 45 or buf[p + 10] != 84:
        return p
    for i in range(4):
        if buf[p + i] < 48 or buf[p + i] > 57:
            return p
    q = p + 11
    while q < end and buf[q] != 32 and buf[q] != 44:
        q += 1
    return q + 1 if q < end and buf[q] == 32 else p


@njit(cache=True, nogil=True)
def put_message(buf: np.ndarray, p: int, end: int, out: np.ndarray, o: int) -> int:
    """Write the message buf[p:end], without its quotes if it has some."""
    p = skip_blanks(buf, p, end)
    while end > p and (buf[end - 1] == 32 or buf[end - 1] == 13):
        end -= 1
    if end - p >= 2 and buf[p] == 34 and buf[end - 1] == 34:
        p += 1
        end -= 1
        while p < end:
            if buf[p] == 34:
                p += 1
                if p >= end or buf[p] != 34:
                    return NOT_CSV
            out[o] = buf[p]
            o += 1
            p += 1
    else:
        for i in range(p, end):
            out[o] = buf[i]
            o += 1
    out[o] = 10
    return o + 1


@njit(cache=True, nogil=True)
def export_line(
    buf: np.ndarray, p: int, e: int, column: int, is_last: bool, out: np.ndarray, o: int
) -> tuple[int, int]:
    """Write the message of the export's line buf[p:e]; hand back the new end or a fault, and 1 to ask.

    A line without a time and a comma before it is taken as a record as it stands.
    """
    s = time_end(buf, p, e)
    if s > p:
        return put_message(buf, s, e, out, o), 0
    first = csv_field_end(buf, p, e)
    if first < 0:
        return first, 0
    if first >= e:
        return put_message(buf, p, e, out, o), 0
    s = p
    for _ in range(column):
        q = csv_field_end(buf, s, e)
        if q < 0 or q >= e:
            return NOT_CSV, 0
        s = q + 1
    q = e if is_last else csv_field_end(buf, s, e)
    t = p + 1 if buf[p] == 34 and p + 1 < e else p
    return (put_message(buf, s, q, out, o) if q >= 0 else q), 1 if is_letter(buf[t]) else 0


@njit(cache=True, nogil=True)
def export_to_text(
    buf: np.ndarray,
    end: int,
    column: int,
    is_last: bool,
    no_header_at: int,
    out: np.ndarray,
    faults: np.ndarray,
    state: np.ndarray,
) -> None:
    """Turn the lines ``time,message`` or ``time message`` of an export into their messages.

    ``column`` is the message's. Comes back with ASK before a line whose first field starts with a
    letter (a header?) unless it starts at ``no_header_at``.
    """
    p = state[POSITION]
    o = 0
    state[UNITS] = 0
    state[FAULTS] = 0
    state[STATUS] = DONE
    while p < end:
        if state[UNITS] >= faults.shape[0] or not room_for(out, o, end - p, 0):
            state[STATUS] = FULL
            break
        n = line_end(buf, p, end)
        e = n
        while e > p and (buf[e - 1] == 13 or buf[e - 1] == 32 or buf[e - 1] == 9):
            e -= 1
        fault = 0
        if n - p > LINE_BYTES_MAX:
            fault = TOO_LONG
        elif e == p:
            out[o] = 10
            o += 1
        else:
            w, asks = export_line(buf, p, e, column, is_last, out, o)
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
            out[o] = 10
            o += 1
        state[UNITS] += 1
        p = n + 1 if n < end else end
    state[POSITION] = p
    state[OUT_BYTES] = o
