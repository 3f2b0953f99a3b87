"""Which flows are shown: a condition of the filter language, or simply a text to look for."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from vpcflow.app.top.flow_book import FlowRows
from vpcflow.base.errors import FilterError
from vpcflow.query.expression import (
    EITHER_FIELDS,
    AddressRange,
    And,
    Compare,
    Expression,
    In,
    InNetwork,
    IsNull,
    Not,
    Or,
    TextMatch,
    fields_of,
    to_address,
)
from vpcflow.query.filter_language import parse_filter

Mask = npt.NDArray[np.bool_]
RowFilter = Callable[[FlowRows], Mask]

#: Addresses whose text is kept.
ADDRESS_TEXTS_MAX = 65_536
ACTION_WORDS = ("ACCEPT", "REJECT", "-")
DIRECTION_WORDS = ("ingress", "egress", "-")
PROTOCOL_WORDS = {1: "icmp", 6: "tcp", 17: "udp", 47: "gre", 50: "esp", 58: "icmpv6", 132: "sctp"}
_NUMBERS: dict[str, Callable[[FlowRows], npt.NDArray[np.int64]]] = {
    "srcport": lambda rows: rows.source_port,
    "dstport": lambda rows: rows.destination_port,
    "protocol": lambda rows: rows.protocol,
    "packets": lambda rows: rows.counts[:, 0],
    "bytes": lambda rows: rows.counts[:, 1],
    "start": lambda rows: rows.start,
    "end": lambda rows: rows.last,
}
_ADDRESSES: dict[str, Callable[[FlowRows], npt.NDArray[np.uint64]]] = {
    "srcaddr": lambda rows: rows.source,
    "dstaddr": lambda rows: rows.destination,
}
#: Codes and the text of each; -1, the last text, is none.
_TEXTS: dict[str, Callable[[FlowRows], tuple[npt.NDArray[np.int64], Sequence[str]]]] = {
    "action": lambda rows: (rows.action, ACTION_WORDS),
    "flow-direction": lambda rows: (rows.egress, DIRECTION_WORDS),
    "interface-id": lambda rows: (rows.interface, (*rows.interface_ids, "-")),
    "reject-rule": lambda rows: (rows.rule, (*rows.rules, "-")),
}
FIELDS = (*_ADDRESSES, *_NUMBERS, *_TEXTS)
#: What only the filter language has; a text with none of it is looked for as it is.
_LANGUAGE = re.compile(r"[=<>~]|\b(in|like|is)\b")
_ORDER: dict[str, Callable[[Any, Any], Any]] = {
    "=": lambda values, value: values == value,
    "!=": lambda values, value: values != value,
    "<": lambda values, value: values < value,
    "<=": lambda values, value: values <= value,
    ">": lambda values, value: values > value,
    ">=": lambda values, value: values >= value,
}


def row_filter(text: str, *, now_s: float = 0.0) -> RowFilter | None:
    """The filter that a text means; None when it is blank.

    Errors: FilterError for a fault in a condition, or a field that a live flow does not have.
    """
    if not text.strip():
        return None
    if not _LANGUAGE.search(text):
        wanted = text.strip().lower()
        return lambda rows: _holding(rows, wanted)
    expression = parse_filter(text, now_s=now_s)
    if expression is None:
        return None
    for name in fields_of(expression):
        if name not in FIELDS:
            raise FilterError(
                f"a live flow has no {name}",
                text=text,
                position=max(0, text.lower().find(name)),
                hint=f"fields are {', '.join(FIELDS)}, addr and port",
            )
    return lambda rows: _judge(expression, rows)[0]


@lru_cache(ADDRESS_TEXTS_MAX)
def address_text(stored: bytes) -> str:
    """An address of 16 bytes as text."""
    return str(to_address(stored))


def _holding(rows: FlowRows, wanted: str) -> Mask:
    """Rows in which an address, a port, a name or a rule holds the text."""
    found = np.zeros(len(rows), np.bool_)
    for words in (rows.source, rows.destination):
        data = np.ascontiguousarray(words).tobytes()
        shown = (address_text(data[at : at + 16]) for at in range(0, len(data), 16))
        found |= np.fromiter((wanted in text for text in shown), np.bool_, len(rows))
    for ports in (rows.source_port, rows.destination_port):
        values, places = np.unique(ports, return_inverse=True)
        found |= np.array([str(value) == wanted for value in values.tolist()], np.bool_)[places]
    names = (*(rows.interface_name(code) for code in range(len(rows.interface_ids))), "-")
    for codes, texts in (*(part(rows) for part in _TEXTS.values()), (rows.interface, names)):
        found |= np.array([wanted in text.lower() for text in texts], np.bool_)[codes]
    protocols = [number for number, word in PROTOCOL_WORDS.items() if wanted == word]
    return np.asarray(found | np.isin(rows.protocol, protocols))


def _judge(expression: Expression, rows: FlowRows) -> tuple[Mask, Mask]:
    """Where the condition is true, and where it is false; elsewhere it is unknown."""
    match expression:
        case And(parts):
            judged = [_judge(part, rows) for part in parts]
            return (
                np.logical_and.reduce([true for true, _ in judged]),
                np.logical_or.reduce([false for _, false in judged]),
            )
        case Or(parts):
            judged = [_judge(part, rows) for part in parts]
            return (
                np.logical_or.reduce([true for true, _ in judged]),
                np.logical_and.reduce([false for _, false in judged]),
            )
        case Not(part):
            true, false = _judge(part, rows)
            return false, true
    judged = [_test(expression, name, rows) for name in _ends(expression.field)]
    return (
        np.logical_or.reduce([true for true, _ in judged]),
        np.logical_and.reduce([false for _, false in judged]),
    )


def _ends(field: str) -> tuple[str, ...]:
    return EITHER_FIELDS.get(field, (field,))


def _test(
    test: Compare | In | InNetwork | IsNull | TextMatch, name: str, rows: FlowRows
) -> tuple[Mask, Mask]:
    """One test of one field."""
    if isinstance(test, InNetwork):
        words = _ADDRESSES[name](rows)
        true = np.zeros(len(rows), np.bool_)
        for span in test.ranges:
            true |= _within(words, span)
        return true, ~true
    if name in _TEXTS:
        codes, texts = _TEXTS[name](rows)
        known = codes >= 0
        if isinstance(test, IsNull):
            return ~known, known
        true = np.array([_text_fits(test, text) for text in texts], np.bool_)[codes] & known
        return true, known & ~true
    if isinstance(test, IsNull):
        none = np.zeros(len(rows), np.bool_)
        return none, ~none
    values = _NUMBERS[name](rows)
    if isinstance(test, Compare):
        true = np.asarray(_ORDER[test.operator](values, test.value), np.bool_)
    else:
        true = np.isin(values, test.values if isinstance(test, In) else ())
    return true, ~true


def _text_fits(test: Compare | In | TextMatch, text: str) -> bool:
    if isinstance(test, Compare):
        return bool(_ORDER[test.operator](text, test.value))
    if isinstance(test, In):
        return text in test.values
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in test.pattern)
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


def _within(words: npt.NDArray[np.uint64], span: AddressRange) -> Mask:
    """Addresses from the first to the last of a range; the words lie in network order."""
    high, low = words[:, 0].byteswap(), words[:, 1].byteswap()
    first_high, first_low = _big(span.first)
    last_high, last_low = _big(span.last)
    return np.asarray(
        ((high > first_high) | ((high == first_high) & (low >= first_low)))
        & ((high < last_high) | ((high == last_high) & (low <= last_low)))
    )


def _big(stored: bytes) -> tuple[np.uint64, np.uint64]:
    return np.uint64(int.from_bytes(stored[:8], "big")), np.uint64(
        int.from_bytes(stored[8:], "big")
    )
