"""What the table of `vpcflow top` shows: flows one by one, or by address, port or interface.

A view is columns over numpy arrays. Nothing of a row becomes text until the row is on the screen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from vpcflow.app.output import bytes_text, duration_text, scaled
from vpcflow.app.top.flow_book import REJECT, FlowRows
from vpcflow.app.top.row_filter import ACTION_WORDS, PROTOCOL_WORDS, address_text

Numbers = npt.NDArray[Any]
#: Protocols that have ports.
_WITH_PORTS = np.array([6, 17, 132])


class Mode(StrEnum):
    """What one row is."""

    FLOWS = "flows"
    TALKERS = "talkers"
    PORTS = "ports"
    INTERFACES = "interfaces"


@dataclass(frozen=True)
class Column:
    """One column.

    Shape: ``text`` makes the cell of a row; ``order`` sorts the rows, ``sort_key`` names it.
    ``rank``: where there is no room, columns of the highest rank go first. ``room``: the width
    that the column may grow to when its texts are longer than ``width``.
    """

    title: str
    width: int
    text: Callable[[int], str]
    order: Numbers
    sort_key: str
    rank: int = 0
    right: bool = False
    room: int = 0


@dataclass(frozen=True)
class View:
    """A table as it could be shown, and what marks its rows.

    Shape: ``ids`` stay the same for the same thing from one view to the next; ``rejected`` is the
    share of rejected packets, ``weight`` what the bars show.
    """

    columns: tuple[Column, ...]
    ids: npt.NDArray[np.int64]
    rejected: npt.NDArray[np.float64]
    weight: npt.NDArray[np.float64]
    detail: Callable[[int], str]

    def __len__(self) -> int:
        return len(self.ids)


def make_view(mode: Mode, rows: FlowRows, now_s: float) -> View:
    """The view of a mode over some flows."""
    if mode is Mode.FLOWS:
        return _flows(rows, now_s)
    if mode is Mode.TALKERS:
        return _talkers(rows)
    if mode is Mode.PORTS:
        return _ports(rows)
    return _interfaces(rows)


def sorted_rows(view: View, sort_key: str, *, reverse: bool) -> npt.NDArray[np.int64]:
    """Rows in order: the largest number first, or the first name; the rest by weight."""
    column = next((one for one in view.columns if one.sort_key == sort_key), None)
    order = column.order if column else view.weight
    is_name = sort_key in ("name", "source", "destination", "port", "direction", "rule")
    first = order if is_name else -order
    return np.lexsort((view.ids, -view.weight, -first if reverse else first))


def rate_text(bytes_a_second: float) -> str:
    """A rate in bits a second, in at most five characters."""
    return scaled(float(round(8 * bytes_a_second)))


def count_text(count: float) -> str:
    """A count in at most five characters."""
    return scaled(float(count))


def size_text(octets: float) -> str:
    """Bytes in at most six characters."""
    return bytes_text(float(octets)).replace(" ", "")


def protocol_word(number: int) -> str:
    """A protocol's name, or its number."""
    return PROTOCOL_WORDS.get(number, str(number))


def _share(part: Numbers, whole: Numbers) -> npt.NDArray[np.float64]:
    return np.asarray(np.divide(part, whole, out=np.zeros(len(whole)), where=whole > 0))


def _address_order(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """The places of addresses in numeric order."""
    rank = np.empty(len(words), np.int64)
    by = np.lexsort((words[:, 1].byteswap(), words[:, 0].byteswap()))
    rank[by] = np.arange(len(words))
    return rank


def _ids(keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """A number for each key, the same in the next view."""
    mixed = np.zeros(len(keys), np.uint64)
    for column in range(keys.shape[1]):
        mixed = (mixed ^ keys[:, column]) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return np.asarray((mixed >> np.uint64(1)).astype(np.int64))


def _text_order(texts: list[str], codes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Places of texts in alphabetical order; no text comes last."""
    ranks = np.empty(len(texts) + 1, np.int64)
    ranks[sorted(range(len(texts)), key=texts.__getitem__)] = np.arange(len(texts))
    ranks[-1] = len(texts)
    return np.asarray(ranks[codes])


def _measures(
    counts: npt.NDArray[np.int64], rates: npt.NDArray[np.float64], *, packet_rank: int = 2
) -> tuple[Column, ...]:
    packets, octets = counts[:, 0], counts[:, 1]
    return (
        Column("bit/s", 5, lambda n: rate_text(rates[n, 1]), rates[:, 1], "rate", -1, True),
        Column(
            "pkt/s", 5, lambda n: count_text(round(rates[n, 0], 1)), rates[:, 0], "pps", 5, True
        ),
        Column("Pkts", 5, lambda n: count_text(packets[n]), packets, "packets", packet_rank, True),
        Column("Bytes", 6, lambda n: size_text(octets[n]), octets, "bytes", 1, True),
    )


def _flows(rows: FlowRows, now_s: float) -> View:
    names = [rows.interface_name(code) for code in range(len(rows.interface_ids))]
    interface, egress, action = rows.interface, rows.egress, rows.action
    source_port, port, protocol = rows.source_port, rows.destination_port, rows.protocol
    age = np.maximum(0, int(now_s) - rows.start)

    def port_text(row: int) -> str:
        word = protocol_word(int(protocol[row]))
        return f"{port[row]}/{word}" if protocol[row] in _WITH_PORTS else word

    def detail(row: int) -> str:
        code = int(interface[row])
        name = rows.interface_name(code)
        where = rows.interface_ids[code] if code >= 0 else "-"
        ends = [_address(rows.source, row), _address(rows.destination, row)]
        if protocol[row] in _WITH_PORTS:
            ports = (source_port[row], port[row])
            ends = [
                f"[{end}]:{of}" if ":" in end else f"{end}:{of}"
                for end, of in zip(ends, ports, strict=True)
            ]
        rule = f" by {rows.rule_text(int(rows.rule[row]))}" if action[row] == REJECT else ""
        at = name if name == where else f"{name} ({where})"
        way = ("ingress", "egress", "-")[int(egress[row])]
        return (
            f"{ACTION_WORDS[int(action[row])]}{rule}: {ends[0]} → {ends[1]} "
            f"{protocol_word(int(protocol[row]))}, {way} at {at}"
        )

    columns = (
        Column(
            "Iface", 7, lambda n: rows.interface_name(int(interface[n])),
            _text_order(names, interface), "name", 0, room=21,
        ),
        Column("Dir", 3, lambda n: ("in", "out", "-")[int(egress[n])], egress, "direction", 1),
        Column(
            "Source", 15, lambda n: _address(rows.source, n),
            _address_order(rows.source), "source", 0, room=39,
        ),
        Column("Sport", 5, lambda n: str(source_port[n]), source_port, "source-port", 4, True),
        Column(
            "Destination", 15, lambda n: _address(rows.destination, n),
            _address_order(rows.destination), "destination", 0, room=39,
        ),
        Column("Port", 9, port_text, protocol * 65_536 + port, "port", 0),
        *_measures(rows.counts, rows.rates),
        Column("Action", 6, lambda n: ACTION_WORDS[int(action[n])], action, "rejected", -1),
        Column(
            "Rule", 12, lambda n: rows.rule_text(int(rows.rule[n])),
            _text_order(list(rows.rules), rows.rule), "rule", 3, room=32,
        ),
        Column("Age", 6, lambda n: duration_text(int(age[n])), age, "age", 3, True, 8),
    )  # fmt: skip
    is_rejected = (action == REJECT).astype(np.float64)
    return View(columns, _ids(rows.keys), is_rejected, rows.rates[:, 1], detail)


def _address(words: npt.NDArray[np.uint64], row: int) -> str:
    return address_text(words[row].tobytes())


@dataclass(frozen=True)
class _Groups:
    """Sums over the flows of each group."""

    first: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    rates: npt.NDArray[np.float64]
    flows: npt.NDArray[np.int64]
    rejected: npt.NDArray[np.float64]
    sent: npt.NDArray[np.float64]


def _grouped(
    keys: npt.NDArray[np.uint64], rows: FlowRows, row_of: Numbers, sends: npt.NDArray[np.bool_]
) -> _Groups:
    """Group by key; a key belongs to the flow in ``row_of``, and ``sends`` its bytes or not."""
    _, first, place = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    place, size = place.reshape(-1), len(first)
    counts = np.zeros((size, 2), np.int64)
    rates, sent = np.zeros((size, 2)), np.zeros(size)
    np.add.at(counts, place, rows.counts[row_of])
    np.add.at(rates, place, rows.rates[row_of])
    np.add.at(sent, place[sends], rows.rates[row_of[sends], 1])
    refused = np.where(rows.action[row_of] == REJECT, rows.counts[row_of, 0], 0)
    rejected = np.bincount(place, weights=refused, minlength=size)
    return _Groups(
        first,
        counts,
        rates,
        np.bincount(place, minlength=size),
        _share(rejected, counts[:, 0]),
        sent,
    )


def _group_columns(groups: _Groups, sent: str = "", received: str = "") -> tuple[Column, ...]:
    """The columns that all groups have."""
    got = groups.rates[:, 1] - groups.sent
    ways = (
        Column(sent, 6, lambda n: rate_text(groups.sent[n]), groups.sent, "sent", 2, True, 9),
        Column(received, 6, lambda n: rate_text(got[n]), got, "received", 2, True, 9),
    )
    rejected = groups.rejected
    return (
        Column("Flows", 6, lambda n: count_text(groups.flows[n]), groups.flows, "flows", 1, True),
        *(ways if sent else ()),
        *_measures(groups.counts, groups.rates),
        Column("Rejected", 8, lambda n: _percent(rejected[n]), rejected, "rejected", -1, True),
    )


def _percent(share: float) -> str:
    return f"{share:.0%}" if share in (0.0, 1.0) else f"{share:.1%}"


def _talkers(rows: FlowRows) -> View:
    both = np.concatenate([rows.source, rows.destination])
    row_of = np.tile(np.arange(len(rows)), 2)
    sends = np.arange(len(both)) < len(rows)
    groups = _grouped(both, rows, row_of, sends)
    words = both[groups.first]

    def name(row: int) -> str:
        return _address(words, row)

    columns = (
        Column("Address", 15, name, _address_order(words), "name", 0, room=39),
        *_group_columns(groups, "Sent/s", "Recv/s"),
    )
    return View(columns, _ids(words), groups.rejected, groups.rates[:, 1], name)


def _ports(rows: FlowRows) -> View:
    """By the lower of the two ports, which is the service's in all but odd cases."""
    port = np.minimum(rows.source_port, rows.destination_port)
    port = np.where(np.isin(rows.protocol, _WITH_PORTS), port, 0)
    keys = np.stack([rows.protocol, port], axis=1).astype(np.uint64)
    to_service = rows.destination_port == port
    groups = _grouped(keys, rows, np.arange(len(rows)), ~to_service)
    found = keys[groups.first].astype(np.int64)

    def name(row: int) -> str:
        word = protocol_word(int(found[row, 0]))
        return f"{found[row, 1]}/{word}" if found[row, 0] in _WITH_PORTS else word

    order = found[:, 0] * 65_536 + found[:, 1]
    columns = (
        Column("Port", 12, name, order, "name", 0),
        *_group_columns(groups, "From/s", "To/s"),
    )
    return View(columns, _ids(found.astype(np.uint64)), groups.rejected, groups.rates[:, 1], name)


def _interfaces(rows: FlowRows) -> View:
    codes = rows.interface
    groups = _grouped(
        codes.astype(np.uint64).reshape(-1, 1), rows, np.arange(len(rows)), rows.egress == 1
    )
    found = codes[groups.first]
    names = [rows.interface_name(code) for code in range(len(rows.interface_ids))]

    def interface_id(row: int) -> str:
        return rows.interface_ids[found[row]] if found[row] >= 0 else "-"

    def name(row: int) -> str:
        return rows.interface_name(int(found[row]))

    columns = (
        Column("Interface", 15, name, _text_order(names, found), "name", 0, room=30),
        Column("Id", 21, interface_id, found, "id", 3, room=24),
        *_group_columns(groups, "Out/s", "In/s"),
    )
    ids = _ids(found.astype(np.uint64).reshape(-1, 1))
    return View(
        columns, ids, groups.rejected, groups.rates[:, 1], lambda n: f"{name(n)} {interface_id(n)}"
    )
