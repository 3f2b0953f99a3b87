"""Aim: flow rows become records by AWS's rules. Method: small windows, records as AWS prints them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from flow_row_builder import START_S, point_of, row_of, window_of

from vpcflow.capture.aggregation import AggregatedWindow, aggregate
from vpcflow.capture.exclusions import Exclusion, Exclusions
from vpcflow.capture.window import ClosedWindow, RttRows
from vpcflow.record.batch import BATCH_RECORDS_MAX, FlowBatch, Origin
from vpcflow.record.codec import encode
from vpcflow.record.log_format import LogFormat
from vpcflow.record.sniff import Encoding

NOTHING = Exclusions(())


def lines(made: AggregatedWindow, names: str) -> list[str]:
    """The records as text in a format of bare field names."""
    log_format = LogFormat(tuple(names.split()))
    batches = [FlowBatch(batch, Origin("capture")) for batch in made.batches]
    return encode(batches, Encoding.TEXT, log_format, header=False).decode().splitlines()


def lines_of(window: ClosedWindow, names: str, exclusions: Exclusions = NOTHING) -> list[str]:
    return lines(aggregate(window, exclusions, nodata=False), names)


def test_a_flow_in_the_order_of_version_5() -> None:
    row = row_of(
        "203.0.113.5", "10.0.1.10", (50_000, 443), packets=7, octets=900, flags=19,
        first_us=1_500_000, last_us=59_999_999,
    )  # fmt: skip
    names = (
        "interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action"
        " log-status tcp-flags type flow-direction pkt-srcaddr pkt-dstaddr"
    )
    assert lines_of(window_of([row]), names) == [
        f"eni-{0:017x} 203.0.113.5 10.0.1.10 50000 443 6 7 900 {START_S + 1} {START_S + 59} ACCEPT"
        " OK 19 IPv4 ingress 203.0.113.5 10.0.1.10"
    ]


@pytest.mark.parametrize(
    ("source", "destination", "egress", "shown"),
    [
        ("203.0.113.5", "10.0.1.11", False, "203.0.113.5 10.0.1.10 203.0.113.5 10.0.1.11"),
        ("203.0.113.5", "192.0.2.9", False, "203.0.113.5 10.0.1.10 203.0.113.5 192.0.2.9"),
        ("10.0.1.11", "203.0.113.5", True, "10.0.1.10 203.0.113.5 10.0.1.11 203.0.113.5"),
        ("10.0.9.9", "203.0.113.5", True, "10.0.1.10 203.0.113.5 10.0.9.9 203.0.113.5"),
        ("10.0.9.9", "10.0.1.10", False, "10.0.9.9 10.0.1.10 10.0.9.9 10.0.1.10"),
        ("10.0.9.9", "224.0.0.251", False, "10.0.9.9 224.0.0.251 10.0.9.9 224.0.0.251"),
        ("2001:db8::9", "2001:db8::11", False, "2001:db8::9 2001:db8::11 2001:db8::9 2001:db8::11"),
        (
            "2001:db8::9",
            "2001:db8:5::1",
            False,
            "2001:db8::9 2001:db8::10 2001:db8::9 2001:db8:5::1",
        ),
        ("fe80::1", "2001:db8::9", True, "fe80::1 2001:db8::9 fe80::1 2001:db8::9"),
        ("2001:db8::9", "ff02::1", False, "2001:db8::9 ff02::1 2001:db8::9 ff02::1"),
    ],
)
def test_the_interfaces_own_end_shows_its_primary_address(
    source: str, destination: str, egress: bool, shown: str
) -> None:
    point = point_of(0, "10.0.1.10", "10.0.1.11", "fe80::1", "2001:db8::10", "2001:db8::11")
    window = window_of([row_of(source, destination, egress=egress)], [point])
    assert lines_of(window, "srcaddr dstaddr pkt-srcaddr pkt-dstaddr") == [shown]


def test_each_interface_has_its_own_primary_address() -> None:
    points = [point_of(3, "10.0.1.10"), point_of(9, "10.0.2.20")]
    rows = [
        row_of("192.0.2.1", "192.0.2.2", slot=3),
        row_of("192.0.2.1", "192.0.2.2", slot=9),
    ]
    assert lines_of(window_of(rows, points), "interface-id dstaddr") == [
        f"eni-{3:017x} 10.0.1.10",
        f"eni-{9:017x} 10.0.2.20",
    ]


def test_an_interface_without_addresses_shows_the_packets() -> None:
    point = point_of()
    bare = replace(point, interface=replace(point.interface, ipv4_addresses=()))
    assert lines_of(window_of([row_of("192.0.2.1", "192.0.2.2")], [bare]), "dstaddr") == [
        "192.0.2.2"
    ]


@pytest.mark.parametrize(
    ("verdict", "source", "text"),
    [(0, 0, "- -"), (1, 1, "ACCEPT nflog"), (2, 1, "REJECT nflog"), (1, 2, "ACCEPT policy")],
)
def test_action_and_who_told_it(verdict: int, source: int, text: str) -> None:
    window = window_of([row_of("192.0.2.1", "10.0.1.10", verdict=verdict)], action_source=[source])
    assert lines_of(window, "action action-source") == [text]


def test_the_rule_that_refused() -> None:
    rows = [
        row_of("192.0.2.1", "10.0.1.10", verdict=2, rule=2),
        row_of("192.0.2.2", "10.0.1.10", verdict=2),
        row_of("192.0.2.3", "10.0.1.10", verdict=2, rule=9),
    ]
    window = window_of(rows, rules=("sg-1", "acl-1/100"))
    assert lines_of(window, "reject-rule") == ["acl-1/100", "-", "-"]


def test_round_trip_times_stay_with_their_rows_when_others_are_excluded() -> None:
    rows = [
        row_of("169.254.169.254", "10.0.1.10", (80, 5)),
        row_of("192.0.2.1", "10.0.1.10"),
        row_of("192.0.2.2", "10.0.1.10"),
    ]
    numbers = [np.array(values, np.int64) for values in ([0, 2], [1, 10], [2, 20], [3, 30])]
    window = window_of(rows, rtt=RttRows(*numbers))
    only = Exclusions((Exclusion.METADATA,))
    assert lines_of(window, "srcaddr rtt-us rtt-min-us rtt-count", only) == [
        "192.0.2.1 - - -",
        "192.0.2.2 20 10 30",
    ]


def test_a_silent_interface_says_nodata() -> None:
    points = [point_of(0), point_of(1, "10.0.1.11")]
    made = aggregate(window_of([row_of("192.0.2.1", "10.0.1.10")], points), NOTHING)
    assert (made.flows, made.nodata, made.skipdata, made.records) == (1, 1, 0, 2)
    assert lines(made, "interface-id srcaddr packets start end action log-status")[1] == (
        f"eni-{1:017x} - - {START_S} {START_S + 59} - NODATA"
    )


def test_an_interface_that_came_and_went_says_when() -> None:
    point = replace(point_of(), from_s=START_S + 10.7, until_s=START_S + 20.2)
    made = aggregate(window_of([], [point]), NOTHING)
    assert lines(made, "start end log-status") == [f"{START_S + 10} {START_S + 20} NODATA"]


def test_an_interface_that_came_after_the_end_is_not_of_the_interval() -> None:
    points = [replace(point_of(0), from_s=START_S + 59.5), point_of(1)]
    window = replace(window_of([], points, lost=frozenset({""})), end_ns=(START_S + 59) * 10**9)
    assert lines(aggregate(window, NOTHING), "interface-id log-status") == [
        f"eni-{1:017x} SKIPDATA"
    ]


def test_traffic_that_is_never_logged_leaves_nodata() -> None:
    rows = [row_of("10.0.1.10", "169.254.169.254", (5, 80), egress=True, packets=3, octets=120)]
    made = aggregate(window_of(rows), Exclusions((Exclusion.METADATA,)))
    assert (made.flows, made.nodata) == (0, 1)
    count = made.excluded[Exclusion.METADATA]
    assert (count.flows, count.packets, count.bytes) == (1, 3, 120)


def test_skipped_packets_say_skipdata_beside_the_records() -> None:
    points = [point_of(0), point_of(1, "10.0.1.11")]
    rows = [row_of("192.0.2.1", "10.0.1.10")]
    made = aggregate(window_of(rows, points, skipped={0: 5}), NOTHING)
    assert lines(made, "interface-id log-status") == [
        f"eni-{0:017x} OK",
        f"eni-{1:017x} NODATA",
        f"eni-{0:017x} SKIPDATA",
    ]


def test_what_the_kernel_dropped_may_be_of_any_interface_of_the_namespace() -> None:
    points = [point_of(0), replace(point_of(1), namespace="blue")]
    made = aggregate(window_of([], points, lost=frozenset({"blue"})), NOTHING)
    assert lines(made, "interface-id log-status") == [
        f"eni-{0:017x} NODATA",
        f"eni-{1:017x} SKIPDATA",
    ]


def test_more_flows_than_a_batch_holds() -> None:
    rows = np.tile(
        np.array(row_of("192.0.2.1", "10.0.1.10", packets=2, octets=50), np.uint64),
        (BATCH_RECORDS_MAX + 5, 1),
    )
    made = aggregate(replace(window_of([]), rows=rows), NOTHING)
    assert [batch.num_rows for batch in made.batches] == [BATCH_RECORDS_MAX, 5]
    total = pa.compute.sum(pa.Table.from_batches(made.batches)["bytes"]).as_py()
    assert total == made.bytes == 50 * (BATCH_RECORDS_MAX + 5)
    assert made.packets == 2 * (BATCH_RECORDS_MAX + 5)


def test_types_are_those_of_the_registry() -> None:
    made = aggregate(window_of([row_of("192.0.2.1", "10.0.1.10")]), NOTHING)
    for batch in made.batches:
        assert FlowBatch(batch, Origin("capture")).num_records == 1


def test_last_packets_of_an_interface_that_went_before_are_its_own() -> None:
    gone = replace(point_of(), from_s=START_S - 100.0, until_s=START_S - 1.0)
    late = aggregate(window_of([row_of("192.0.2.1", "10.0.1.10")], [gone]), NOTHING)
    assert lines(late, "interface-id log-status") == [f"eni-{0:017x} OK"]
    silent = aggregate(window_of([], [gone], lost=frozenset({""})), NOTHING)
    assert silent.records == 0, "no line of an interval in which it did not exist"
