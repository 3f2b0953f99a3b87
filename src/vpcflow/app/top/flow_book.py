"""The flows that `vpcflow top` knows: from snapshots of the open interval to rates.

A running capture counts from zero in each interval. The book keeps what it has seen, so that totals
go on from one interval to the next, and a rate is what came between the last few snapshots.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from vpcflow.app.live_view import FLOWS_SHOWN_MAX, WINDOW_FACTS_KEY
from vpcflow.record.column_buffers import filled_numbers

Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

#: Snapshots that a rate is an average over.
RATE_SNAPSHOTS = 3
#: A flow that the open interval no longer holds is shown for so long after its last packet.
KEPT_S = 15
#: Flows of closed intervals that are kept.
PAST_FLOWS_MAX = FLOWS_SHOWN_MAX
#: Snapshots closer than this are taken to be this far apart: no rate from next to no time.
SPAN_S_MIN = 0.25
#: Different interface ids, and rules, that are kept as text; what comes later is shown as ``-``.
TEXTS_MAX = 65_536
UNKNOWN, ACCEPT, REJECT = -1, 0, 1

# Words of a key: source, destination, one of everything small, interface.
_KEY_WORDS = 6
_PORT, _PROTOCOL, _EGRESS, _ACTION = 16, 32, 40, 44


class TextCodes:
    """Texts by number, bounded."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._codes: dict[str, int] = {}

    def codes_of(self, texts: Sequence[str | None]) -> Ints:
        """The number of each text, -1 for none."""
        return np.array([self._code(text) for text in texts] + [-1], np.int64)

    def _code(self, text: str | None) -> int:
        if text is None:
            return -1
        code = self._codes.get(text)
        if code is None:
            if len(self.texts) >= TEXTS_MAX:
                return -1
            code = self._codes[text] = len(self.texts)
            self.texts.append(text)
        return code


def _empty(*shape: int) -> Any:
    return np.zeros((0, *shape), np.int64)


@dataclass(frozen=True)
class FlowRows:
    """Flows side by side; never changed, so that what is on the screen can be kept.

    Units: ``counts`` packets and bytes since the flow came up; ``rates`` the same a second;
    ``start`` and ``last`` seconds since the epoch.
    """

    keys: Words = field(default_factory=lambda: np.zeros((0, _KEY_WORDS), np.uint64))
    counts: Ints = field(default_factory=lambda: _empty(2))
    rates: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 2)))
    rule: Ints = field(default_factory=_empty)
    start: Ints = field(default_factory=_empty)
    last: Ints = field(default_factory=_empty)
    interface_ids: Sequence[str] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    rules: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def source(self) -> Words:
        """Source addresses, two words each as they lie in memory."""
        return self.keys[:, 0:2]

    @property
    def destination(self) -> Words:
        """Destination addresses."""
        return self.keys[:, 2:4]

    @property
    def source_port(self) -> Ints:
        """Source ports."""
        return self._part(0, 0xFFFF)

    @property
    def destination_port(self) -> Ints:
        """Destination ports."""
        return self._part(_PORT, 0xFFFF)

    @property
    def protocol(self) -> Ints:
        """Protocol numbers."""
        return self._part(_PROTOCOL, 0xFF)

    @property
    def egress(self) -> Ints:
        """1 for egress, 0 for ingress, -1 where it is unknown."""
        return self._part(_EGRESS, 3) - 1

    @property
    def action(self) -> Ints:
        """ACCEPT, REJECT or UNKNOWN."""
        return self._part(_ACTION, 3) - 1

    @property
    def interface(self) -> Ints:
        """Places in ``interface_ids``, -1 for none."""
        return self.keys[:, 5].astype(np.int64) - 1

    def interface_name(self, code: int) -> str:
        """The name of an interface, or its id where it has none."""
        if code < 0:
            return "-"
        interface_id = self.interface_ids[code]
        return self.names.get(interface_id) or interface_id

    def rule_text(self, code: int) -> str:
        """The rule that rejected, or ``-``."""
        return self.rules[code] if code >= 0 else "-"

    def taken(self, which: npt.NDArray[Any]) -> FlowRows:
        """Some of the rows."""
        return replace(
            self,
            keys=self.keys[which],
            counts=self.counts[which],
            rates=self.rates[which],
            rule=self.rule[which],
            start=self.start[which],
            last=self.last[which],
        )

    def _part(self, shift: int, mask: int) -> Ints:
        part = self.keys[:, 4] >> np.uint64(shift) & np.uint64(mask)
        return np.asarray(part.astype(np.int64))


@dataclass(frozen=True)
class Totals:
    """What all flows do together, a second; ``flows`` is those of the open interval.

    Units: ``left_s`` and ``interval_s`` seconds; the rates are of packets and bytes.
    """

    packet_rate: float = 0.0
    byte_rate: float = 0.0
    reject_rate: float = 0.0
    flows: int = 0
    interval_s: int = 0
    done_s: float = 0.0
    left_out: int = 0


class FlowBook:
    """Takes snapshots, keeps counts and rates.

    Shape: ``rows`` and ``totals`` are new objects after each ``take``.
    Errors: ValueError (pyarrow's ArrowInvalid) when the answer is no Arrow stream.
    """

    def __init__(self) -> None:
        self.rows = FlowRows()
        self.totals = Totals()
        self._interfaces = TextCodes()
        self._rules = TextCodes()
        self._counted = _empty(2)
        self._recent = _empty(RATE_SNAPSHOTS, 2)
        self._spans: list[float] = []
        self._total = np.zeros(3, np.int64)
        self._total_recent: list[Ints] = []
        self._opened_s = -1.0
        self._at_s = 0.0
        self._is_first = True

    def take(self, answer: bytes, status: Mapping[str, Any], now_s: float) -> None:
        """One answer of the capture to ``flows``, and its ``status``, which stands in when it is
        empty."""
        table, facts = _read(answer, status, now_s)
        opened_s, at_s = float(facts["opened"]), float(facts["at"])
        fresh = opened_s != self._opened_s
        since_s = opened_s if fresh else max(self._at_s, opened_s)
        if len(self._spans) == 1 and self._is_first:
            # The first rates are averages since the interval began; now there are better ones.
            self._is_first, self._spans, self._total_recent = False, [], []
            self._recent = np.zeros_like(self._recent)
        self._spans = [max(at_s - since_s, SPAN_S_MIN), *self._spans][:RATE_SNAPSHOTS]
        self._take_totals(facts, fresh=fresh)
        shown = table.num_rows if table is not None else 0
        partial = not fresh and facts["flows"] > shown
        self._merge(table, facts.get("interfaces"), fresh=fresh, partial=partial)
        self._opened_s, self._at_s = opened_s, at_s
        self._forget(at_s)

    def _take_totals(self, facts: Mapping[str, Any], *, fresh: bool) -> None:
        now = np.array([facts["packets"], facts["bytes"], facts["rejected"]], np.int64)
        before = np.where(now < self._total, 0, self._total)
        step = now if fresh else now - before
        self._total = now
        self._total_recent = [step, *self._total_recent][:RATE_SNAPSHOTS]
        rates = np.sum(self._total_recent, axis=0) / sum(self._spans)
        interval_s = int(facts["interval_s"])
        self.totals = Totals(
            packet_rate=float(rates[0]),
            byte_rate=float(rates[1]),
            reject_rate=float(rates[2]),
            flows=int(facts["flows"]),
            interval_s=interval_s,
            done_s=float(facts["at"]) % interval_s if interval_s else 0.0,
            left_out=max(0, int(facts["flows"]) - FLOWS_SHOWN_MAX),
        )

    def _merge(
        self,
        table: pa.Table | None,
        names: Mapping[str, str] | None,
        *,
        fresh: bool,
        partial: bool,
    ) -> None:
        old = self.rows
        keys, counts, rule, start, last = self._columns(table)
        places, size = _places(np.concatenate([old.keys, keys]))
        was, now = places[: len(old)], places[len(old) :]
        counted = np.zeros((size, 2), np.int64)
        np.add.at(counted, now, counts)
        before = np.zeros((size, 2), np.int64)
        before[was] = self._counted
        is_there, is_known = np.zeros(size, np.bool_), np.zeros(size, np.bool_)
        is_there[now], is_known[was] = True, True
        # A smaller count than before: the counter began again.
        base = np.zeros_like(before) if fresh else np.where(counted < before, 0, before)
        step = np.where(is_there[:, None], counted - base, 0)
        first, latest = np.full(size, np.iinfo(np.int64).max), np.zeros(size, np.int64)
        first[was], latest[was] = old.start, old.last
        np.minimum.at(first, now, start)
        np.maximum.at(latest, now, last)
        if partial:
            # It was among those left out until now: what it did since the last snapshot is unknown.
            step[is_there & ~is_known & (first < int(self._at_s))] = 0
        total = np.where(is_known[:, None], 0, counted)
        total[was] = old.counts
        total[is_known] += step[is_known]
        recent = np.zeros((size, RATE_SNAPSHOTS, 2), np.int64)
        recent[was, 1:] = self._recent[:, :-1]
        recent[:, 0] = step
        merged_keys, merged_rule = np.zeros((size, _KEY_WORDS), np.uint64), np.full(size, -1)
        merged_keys[was], merged_keys[now] = old.keys, keys
        merged_rule[was], merged_rule[now] = old.rule, rule
        self._counted = np.where(is_there[:, None] | fresh, counted, before)
        self._recent = recent
        self._is_there = is_there
        self.rows = FlowRows(
            merged_keys,
            total,
            recent.sum(axis=1) / sum(self._spans),
            merged_rule,
            first,
            latest,
            tuple(self._interfaces.texts),
            dict(names) if names is not None else old.names,
            tuple(self._rules.texts),
        )

    def _columns(self, table: pa.Table | None) -> tuple[Words, Ints, Ints, Ints, Ints]:
        """Keys, counts, rules, starts and ends of an answer."""
        if table is None or not table.num_rows:
            return FlowRows().keys, _empty(2), _empty(), _empty(), _empty()
        keys = np.zeros((table.num_rows, _KEY_WORDS), np.uint64)
        keys[:, 0:2] = _address_words(table, "srcaddr")
        keys[:, 2:4] = _address_words(table, "dstaddr")
        egress = _codes(table, "flow_direction", ("ingress", "egress").index)
        action = _codes(table, "action", ("ACCEPT", "REJECT").index)
        small = (
            _numbers(table, "srcport")
            | _numbers(table, "dstport") << _PORT
            | _numbers(table, "protocol") << _PROTOCOL
            | (egress + 1) << _EGRESS
            | (action + 1) << _ACTION
        )
        keys[:, 4] = small.astype(np.uint64)
        interface = _text_codes(table, "interface_id", self._interfaces)
        keys[:, 5] = (interface + 1).astype(np.uint64)
        counts = np.stack([_numbers(table, "packets"), _numbers(table, "bytes")], axis=1)
        rule = _text_codes(table, "reject_rule", self._rules)
        return keys, counts, rule, _numbers(table, "start"), _numbers(table, "end")

    def _forget(self, at_s: float) -> None:
        """Flows of closed intervals that have been silent, and those beyond the bound."""
        past = np.flatnonzero(~self._is_there & (self.rows.last >= at_s - KEPT_S))
        if len(past) > PAST_FLOWS_MAX:
            past = past[np.argsort(self.rows.last[past])[-PAST_FLOWS_MAX:]]
        kept = np.sort(np.concatenate([np.flatnonzero(self._is_there), past]))
        if len(kept) < len(self.rows):
            self.rows = self.rows.taken(kept)
            self._counted, self._recent = self._counted[kept], self._recent[kept]


def _read(
    answer: bytes, status: Mapping[str, Any], now_s: float
) -> tuple[pa.Table | None, dict[str, Any]]:
    """The flows of an answer and what its interval holds; without flows what the status says."""
    if not answer:
        return None, {
            "at": now_s,
            "opened": float(status.get("interval_opened", 0)),
            "interval_s": status.get("interval_s", 0),
            **dict.fromkeys(("flows", "packets", "bytes", "rejected"), 0),
        }
    table = pa.ipc.open_stream(answer).read_all()
    facts = json.loads((table.schema.metadata or {}).get(WINDOW_FACTS_KEY, b""))
    if "srcaddr" not in table.schema.names:  # nothing but SKIPDATA
        return None, facts
    if table.column("srcaddr").null_count:
        table = table.filter(pc.is_valid(table.column("srcaddr")))
    return table.combine_chunks(), facts


def _places(keys: Words) -> tuple[npt.NDArray[np.int64], int]:
    """For each key the number of its kind, and how many kinds there are."""
    if not len(keys):
        return np.zeros(0, np.int64), 0
    order = np.lexsort(keys.T)
    ordered = keys[order]
    is_new = np.ones(len(keys), np.bool_)
    is_new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    places = np.empty(len(keys), np.int64)
    places[order] = np.cumsum(is_new) - 1
    return places, int(is_new.sum())


def _column(table: pa.Table, name: str) -> pa.Array:
    column = table.column(name)
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _address_words(table: pa.Table, name: str) -> Words:
    column = _column(table, name)
    return np.frombuffer(
        column.buffers()[1], np.uint64, 2 * len(column), 16 * column.offset
    ).reshape(-1, 2)


def _numbers(table: pa.Table, name: str) -> Ints:
    numbers: Ints = filled_numbers(_column(table, name), 0).astype(np.int64)
    return numbers


def _codes(table: pa.Table, name: str, code_of: Any) -> Ints:
    column = _column(table, name)
    codes = np.array([*map(code_of, column.dictionary.to_pylist()), -1], np.int64)
    taken: Ints = codes[filled_numbers(column.indices, -1)]
    return taken


def _text_codes(table: pa.Table, name: str, texts: TextCodes) -> Ints:
    column = _column(table, name)
    taken: Ints = texts.codes_of(column.dictionary.to_pylist())[filled_numbers(column.indices, -1)]
    return taken
