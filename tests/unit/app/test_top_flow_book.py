"""Aim: counts and rates of live flows are right, also where counters begin again.

Method: snapshots made by hand, at times of our own.
"""

from __future__ import annotations

import numpy as np
import pytest
from top_answers import DB, INTERVAL_S, OPENED, WEB, Flow, answer, status

from vpcflow.app.top import flow_book
from vpcflow.app.top.flow_book import KEPT_S, PAST_FLOWS_MAX, FlowBook

_TURN = OPENED + INTERVAL_S


def _take(
    book: FlowBook, at_s: float, *shown: Flow, opened_s: float = OPENED, **facts: int
) -> None:
    book.take(answer(shown, at_s, opened_s, **facts), status(), at_s)


def _flow(octets: int, port: int = 443, **more: object) -> Flow:
    return Flow("10.0.0.1", "10.0.0.2", port, octets // 100, octets, **more)  # type: ignore[arg-type]


def _by_port(book: FlowBook) -> dict[int, tuple[int, float]]:
    """Bytes and bytes a second of each flow."""
    rows = book.rows
    found = zip(rows.destination_port.tolist(), rows.counts[:, 1], rows.rates[:, 1], strict=True)
    return {port: (int(octets), float(rate)) for port, octets, rate in found}


def test_first_snapshot_is_an_average_since_the_interval_began() -> None:
    book = FlowBook()
    _take(book, OPENED + 10, _flow(5_000))
    assert _by_port(book) == {443: (5_000, 500.0)}
    assert (book.totals.byte_rate, book.totals.packet_rate) == (500.0, 5.0)
    assert (book.totals.done_s, book.totals.flows) == ((OPENED + 10) % INTERVAL_S, 1)


def test_later_rates_are_what_lies_between_the_last_snapshots() -> None:
    book = FlowBook()
    _take(book, OPENED + 10, _flow(90_000))
    for second, octets in enumerate((91_000, 93_000, 96_000, 100_000), 11):
        _take(book, OPENED + second, _flow(octets))
    assert _by_port(book) == {443: (100_000, 3_000.0)}
    _take(book, OPENED + 16, _flow(100_000), _flow(700, port=22, start=OPENED + 15))
    assert _by_port(book)[443] == (100_000, pytest.approx(7_000 / 4))
    assert _by_port(book)[22] == (700, pytest.approx(700 / 4))


def test_totals_go_on_over_the_turn_of_an_interval() -> None:
    book = FlowBook()
    _take(book, _TURN - 2, _flow(10_000))
    _take(book, _TURN - 1, _flow(12_000))
    _take(book, _TURN + 1, _flow(500), opened_s=_TURN)
    # What came between the last snapshot and the turn nobody saw; the rate is of the time since.
    assert _by_port(book) == {443: (12_500, pytest.approx(2_500 / 2))}
    assert book.totals.byte_rate == pytest.approx(2_500 / 2)


def test_more_than_before_in_a_new_interval_is_all_new() -> None:
    """The counter began again, although it is larger than it was."""
    book = FlowBook()
    _take(book, _TURN - 1, _flow(1_000))
    _take(book, _TURN + 1, _flow(5_000), opened_s=_TURN)
    assert _by_port(book)[443][0] == 6_000


def test_a_smaller_count_is_a_counter_that_began_again() -> None:
    book = FlowBook()
    _take(book, OPENED + 1, _flow(1_000))
    _take(book, OPENED + 2, _flow(400))
    assert _by_port(book) == {443: (1_400, 400.0)}


def test_flows_of_a_closed_interval_stay_for_a_while() -> None:
    book = FlowBook()
    _take(book, _TURN - 1, _flow(1_000, end=_TURN - 2), _flow(100, port=22, end=_TURN - 40))
    _take(book, _TURN + 1, opened_s=_TURN)
    assert _by_port(book) == {443: (1_000, 0.0)}
    book.take(b"", status(interval_opened=_TURN), _TURN - 2 + KEPT_S)
    assert _by_port(book) == {443: (1_000, 0.0)}
    book.take(b"", status(interval_opened=_TURN), _TURN - 1 + KEPT_S)
    assert not len(book.rows)


def test_a_flow_that_comes_back_within_an_interval_is_no_burst() -> None:
    """Answers hold the largest flows only; one that was left out for a while was not idle."""
    book = FlowBook()
    _take(book, OPENED + 20, _flow(9_000), flows=2)
    _take(book, OPENED + 21, _flow(9_000), _flow(8_000, port=22, start=OPENED + 3), flows=3)
    assert _by_port(book)[22] == (8_000, 0.0)
    # One that is really new is.
    _take(book, OPENED + 22, _flow(9_000), _flow(600, port=80, start=OPENED + 21), flows=3)
    assert _by_port(book)[80] == (600, 300.0)


def test_records_of_one_flow_are_one_row() -> None:
    """Packets to two addresses of an interface are two records with its primary address."""
    book = FlowBook()
    _take(book, OPENED + 10, _flow(1_000), _flow(2_000))
    assert _by_port(book) == {443: (3_000, 300.0)}


def test_every_part_of_the_key_tells_flows_apart() -> None:
    first = _flow(100)
    others = [
        first._replace(source="10.0.0.3"),
        first._replace(destination="2001:db8::1"),
        first._replace(port=444),
        first._replace(source_port=1),
        first._replace(protocol=17),
        first._replace(direction="egress"),
        first._replace(interface=DB),
        first._replace(action="REJECT"),
        first._replace(action=None),
    ]
    book = FlowBook()
    for at_s in (OPENED + 1, OPENED + 2):
        _take(book, at_s, first, *others)
    rows = book.rows
    assert len(rows) == 1 + len(others)
    assert rows.counts[:, 1].tolist() == [100] * len(rows)
    assert sorted(rows.action.tolist()) == [-1, *[0] * 8, 1]
    names = {rows.interface_name(code) for code in rows.interface.tolist()}
    assert names == {"web", DB}, "a name, and the id where there is none"


def test_rejects_and_rules() -> None:
    book = FlowBook()
    _take(book, OPENED + 10, _flow(4_000, action="REJECT", rule="acl-1/90"), _flow(100, port=80))
    rows = book.rows
    rules = dict(zip(rows.destination_port.tolist(), rows.rule.tolist(), strict=True))
    assert (rows.rule_text(rules[443]), rows.rule_text(rules[80])) == ("acl-1/90", "-")
    assert book.totals.reject_rate == 4.0


def test_totals_count_what_an_answer_leaves_out() -> None:
    book = FlowBook()
    _take(book, OPENED + 10, _flow(1_000), bytes=50_000, packets=500, flows=7_000)
    assert (book.totals.byte_rate, book.totals.packet_rate) == (5_000.0, 50.0)
    assert book.totals.left_out == 2_000


def test_past_flows_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow_book, "PAST_FLOWS_MAX", 3)
    book = FlowBook()
    flows = [_flow(100, port=port, end=_TURN - 10 + port) for port in range(1, 8)]
    _take(book, _TURN - 1, *flows)
    assert len(book.rows) == 7, "those of the open interval are not past"
    _take(book, _TURN + 1, opened_s=_TURN)
    assert sorted(_by_port(book)) == [5, 6, 7]
    assert PAST_FLOWS_MAX > 3


def test_what_is_shown_does_not_change_later() -> None:
    """A paused screen keeps its rows."""
    book = FlowBook()
    _take(book, OPENED + 1, _flow(1_000))
    held = book.rows
    before = np.array(held.counts)
    _take(book, OPENED + 2, _flow(9_000), _flow(5, port=1))
    assert np.array_equal(held.counts, before)
    assert held.interface_ids == (WEB,)


def test_what_is_no_answer_is_refused() -> None:
    for cut in (b"garbage", answer([_flow(100)], OPENED + 1)[:200]):
        with pytest.raises(ValueError, match=r".+"):
            FlowBook().take(cut, status(), OPENED + 1)
