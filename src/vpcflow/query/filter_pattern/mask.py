"""Many messages against a filter pattern at once: no Python statement a message, but for JSON."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, reduce
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from vpcflow.query.filter_pattern.json_events import document_of, fits
from vpcflow.query.filter_pattern.match import Matcher, slot_name, wanted_terms
from vpcflow.query.filter_pattern.parse import parse_pattern
from vpcflow.query.filter_pattern.tree import (
    Comparison,
    Json,
    Number,
    Pattern,
    Regex,
    Sign,
    Slot,
    Slots,
    Term,
    Terms,
    Text,
)
from vpcflow.query.filter_pattern.values import fit_column, numbers_of
from vpcflow.record.column_buffers import number_column

Rows = npt.NDArray[np.bool_]
Alternatives = tuple[tuple[Comparison, ...], ...]


def mask(pattern: str | Pattern, messages: pa.StringArray) -> pa.BooleanArray:
    """For each message whether it fits; null does not.

    Shape: ``messages`` are ``string``; every 2 GiB of text need an array of their own, as Arrow has it.
    Errors: FilterError for a text that is no pattern.
    """
    tree = parse_pattern(pattern) if isinstance(pattern, str) else pattern
    plain = pc.fill_null(messages, "") if messages.null_count else messages
    match tree:
        case Terms(terms):
            found = _mask_terms(terms, plain)
        case Slots(slots):
            found = _mask_slots(slots, plain)
        case Json(condition):
            found = _mask_json(condition, plain)
    return pc.and_(found, messages.is_valid()) if messages.null_count else found


def texts_at(pattern: str | Pattern, selector: str, messages: pa.StringArray) -> pa.StringArray:
    """The text at ``$name``, ``$7`` or ``$.path`` of messages that fit; null where there is none."""
    tree = parse_pattern(pattern) if isinstance(pattern, str) else pattern
    if isinstance(tree, Slots):
        at = _slot_at(tree.slots, selector)
        if at is None:
            return pa.nulls(len(messages), pa.string())
        return _Fields(tree.slots, messages, [at]).texts(0, np.arange(len(messages)))
    matcher = Matcher(tree)
    matches = [matcher.matches(message) for message in messages.to_pylist()]
    return pa.array([found and found.value(selector) for found in matches], pa.string())


def numbers_at(pattern: str | Pattern, selector: str, messages: pa.StringArray) -> pa.DoubleArray:
    """The number at a selector of messages that fit; null where there is none."""
    texts = texts_at(pattern, selector, messages)
    return numbers_of(texts)


def fit_alternatives(
    alternatives: Alternatives, fit: Callable[[Comparison], pa.BooleanArray]
) -> pa.BooleanArray:
    """The result of a slot's conditions, from that of each comparison."""
    return reduce(pc.or_, (reduce(pc.and_, map(fit, together)) for together in alternatives))


def everything(count: int, *, fits: bool) -> pa.BooleanArray:
    """One answer for all messages."""
    return pa.repeat(fits, count)


def _mask_terms(terms: tuple[Term, ...], messages: pa.StringArray) -> pa.BooleanArray:
    wanted, one_is_enough = wanted_terms(terms)
    if not wanted:
        return everything(len(messages), fits=True)
    return reduce(
        pc.or_ if one_is_enough else pc.and_, (_mask_term(term, messages) for term in wanted)
    )


def _mask_term(term: Term, messages: pa.StringArray) -> pa.BooleanArray:
    if isinstance(term.value, Text):
        found = pc.match_substring(messages, term.value.text)
    else:
        found = pc.match_substring_regex(messages, term.value.text)
    return pc.invert(found) if term.sign is Sign.EXCLUDED else found


def _mask_json(condition: Any, messages: pa.StringArray) -> pa.BooleanArray:
    # Most groups hold no JSON at all: the first character says so without a look at each message.
    likely = pc.match_substring_regex(messages, r"^\s*[{\[]")
    if not pc.any(likely).as_py():
        return everything(len(messages), fits=False)
    documents = map(document_of, messages.filter(likely).to_pylist())
    rows = _to_rows(likely).copy()
    rows[rows] = [document is not None and fits(document, condition) for document in documents]
    return _to_mask(rows)


def _mask_slots(slots: tuple[Slot, ...], messages: pa.StringArray) -> pa.BooleanArray:
    if not slots:
        return everything(len(messages), fits=True)
    wanted = sorted(
        (i for i, slot in enumerate(slots) if slot.alternatives), key=lambda i: _cost(slots[i])
    )
    fields = _Fields(slots, messages, wanted)
    rows = np.flatnonzero(fields.fits)
    for w, i in enumerate(wanted):
        if not len(rows):
            break
        texts = fields.texts(w, rows)
        found = fit_alternatives(slots[i].alternatives, partial(fit_column, texts))
        rows = rows[_to_rows(found)]
    answer = np.zeros(len(messages), np.bool_)
    answer[rows] = True
    return _to_mask(answer)


def _to_mask(rows: Rows) -> pa.BooleanArray:
    bits = pa.py_buffer(np.packbits(rows, bitorder="little"))
    return pa.Array.from_buffers(pa.bool_(), len(rows), [None, bits])


def _cost(slot: Slot) -> int:
    """Cheap comparisons first: what they refuse, the others need not see."""
    kinds = [type(one.value) for together in slot.alternatives for one in together]
    return 2 if Regex in kinds else 1 if Number in kinds else 0


def _slot_at(slots: tuple[Slot, ...], selector: str) -> int | None:
    for i, slot in enumerate(slots):
        if not slot.rest and selector in (slot_name(slot, i), f"${i + 1}"):
            return i
    return None


class _Fields:
    """Where the fields of some slots stand in many messages."""

    def __init__(
        self, slots: tuple[Slot, ...], messages: pa.StringArray, wanted: list[int]
    ) -> None:
        from vpcflow.query.filter_pattern.field_kernels import find_fields

        self._keep = messages
        rest = next((i for i, slot in enumerate(slots) if slot.rest), None)
        numbers = [i - len(slots) if rest is not None and i > rest else i for i in wanted]
        count = len(messages)
        self.fits: Rows = np.zeros(count, np.bool_)
        self._spans = np.zeros((len(wanted), count, 2), np.int64)
        if not count:
            return
        _, offsets, data = messages.buffers()
        find_fields(
            data.address if data is not None else 0,
            np.frombuffer(offsets, np.int32, count + 1, 4 * messages.offset).astype(np.int64),
            len(slots) - (rest is not None),
            np.array(numbers, np.int64),
            len(slots) - 1 if rest is None else -1,
            self._spans,
            self.fits,
        )

    def texts(self, w: int, rows: npt.NDArray[np.int64]) -> pa.StringArray:
        """The texts of one wanted field in some messages; null where a message has too few fields."""
        from vpcflow.query.filter_pattern.field_kernels import copy_spans

        spans = self._spans[w]
        lengths = spans[rows, 1] - spans[rows, 0]
        offsets = np.zeros(len(rows) + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        out = np.empty(int(offsets[-1]) + 1, np.uint8)
        copy_spans(spans, rows, offsets, out.ctypes.data)
        valid = self.fits[rows]
        bits = None if valid.all() else number_column(rows, valid).buffers()[0]
        return pa.StringArray.from_buffers(
            len(rows), pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(out), bits
        )


def _to_rows(found: pa.BooleanArray) -> Rows:
    rows: Rows = found.to_numpy(zero_copy_only=False)
    return rows
