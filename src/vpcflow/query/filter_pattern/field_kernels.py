"""Kernels that find the fields of many messages at once, and copy some of them out."""

# mypy: disable-error-code="untyped-decorator,no-any-return,return-value"

from __future__ import annotations

from typing import Any

import numpy as np

from vpcflow.base.compiled import njit
from vpcflow.record.memory_kernels import load_u8, store_u8

_TAB, _NEWLINE, _RETURN, _BLANK = 9, 10, 13, 32
_QUOTE, _OPEN, _CLOSE = 34, 91, 93


@njit(nogil=True, error_model="numpy", forceinline=True)
def _is_blank(byte: int) -> bool:
    return byte in (_BLANK, _TAB, _NEWLINE, _RETURN)


@njit(nogil=True, error_model="numpy")
def _find(at: int, end: int, byte: int) -> int:
    while at < end:
        if load_u8(at) == byte:
            return at
        at += 1
    return -1


@njit(nogil=True, error_model="numpy")
def _cut(message: int, end: int, head: Any, tail: Any) -> int:
    """Find the fields of a message and return their count.

    Shape: ``head`` gets the first ones, ``tail`` the last ones, by number modulo its length; each
    row is start and end, then the same with delimiters.
    """
    count = 0
    at = message
    closes_bracket = closes_quote = True
    room = len(tail)
    while True:
        while at < end and _is_blank(load_u8(at)):
            at += 1
        if at >= end:
            return count
        byte = load_u8(at)
        closed = -1
        if byte == _OPEN and closes_bracket:
            closed = _find(at + 1, end, _CLOSE)
            closes_bracket = closed >= 0
        elif byte == _QUOTE and closes_quote:
            closed = _find(at + 1, end, _QUOTE)
            closes_quote = closed >= 0
        row = head[count] if count < len(head) else tail[count % room]
        row[2] = at
        if closed >= 0:
            row[0], row[1], row[3] = at + 1, closed, closed + 1
            at = closed + 1
        else:
            row[0] = at
            while at < end and not _is_blank(load_u8(at)):
                at += 1
            row[1] = row[3] = at
        if count < len(head):
            tail[count % room] = row
        count += 1


@njit(cache=True, nogil=True, error_model="numpy")
def find_fields(
    data: int, offsets: Any, fields_min: int, wanted: Any, rest_from: int, spans: Any, fits: Any
) -> None:
    """For each message where the wanted fields start and end, and whether it has enough fields.

    Shape: ``wanted`` are numbers of fields, from the end where below 0; ``rest_from`` is the field
    that takes the rest of the line where there are more, -1 for none; ``spans`` has a row for each
    wanted field and message, as addresses. The caller keeps the data alive.
    """
    first = back = 1
    for w in range(len(wanted)):
        first = max(first, wanted[w] + 1)
        back = max(back, -wanted[w])
    head = np.empty((first, 4), np.int64)
    tail = np.empty((back, 4), np.int64)
    for i in range(len(fits)):
        count = _cut(data + offsets[i], data + offsets[i + 1], head, tail)
        fits[i] = count >= fields_min
        if not fits[i]:
            continue
        for w in range(len(wanted)):
            number = wanted[w]
            row = head[number] if number >= 0 else tail[(count + number) % back]
            spans[w, i, 0] = row[0]
            spans[w, i, 1] = row[1]
            if number == rest_from and count > number + 1:
                spans[w, i, 0] = row[2]
                spans[w, i, 1] = tail[(count - 1) % back][3]


@njit(cache=True, nogil=True, error_model="numpy")
def copy_spans(spans: Any, rows: Any, offsets: Any, out: int) -> None:
    """Copy the spans of some rows one after the other; ``offsets`` says where each goes."""
    for i in range(len(rows)):
        start = spans[rows[i], 0]
        target = out + offsets[i]
        for b in range(offsets[i + 1] - offsets[i]):
            store_u8(target + b, np.uint64(load_u8(start + b)))
