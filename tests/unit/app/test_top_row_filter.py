"""Aim: the filter line of `vpcflow top` shows what it says, and no more."""

from __future__ import annotations

import pytest
from top_answers import DB, OPENED, Flow, answer, status

from vpcflow.app.top.flow_book import FlowBook, FlowRows
from vpcflow.app.top.row_filter import row_filter
from vpcflow.base.errors import FilterError

_FLOWS = {
    "https": Flow("10.0.1.5", "203.0.113.9", 443, 10, 10_000, direction="egress"),
    "ssh": Flow("198.51.100.7", "10.0.1.5", 22, 1, 60, "REJECT", "acl-1/90"),
    "dns": Flow("10.0.2.5", "10.0.0.2", 53, 1, 70, None, interface=DB, protocol=17),
    "v6": Flow("2001:db8::5", "2001:db8:1::9", 8443, 5, 900, source_port=443),
}


@pytest.fixture(scope="module")
def rows() -> FlowRows:
    book = FlowBook()
    book.take(answer(_FLOWS.values(), OPENED + 1), status(), OPENED + 1)
    return book.rows


def _shown(rows: FlowRows, text: str) -> set[str]:
    chosen = row_filter(text)
    assert chosen is not None
    ports = {flow.port: name for name, flow in _FLOWS.items()}
    return {ports[port] for port in rows.destination_port[chosen(rows)].tolist()}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("10.0.1", {"https", "ssh"}),
        ("443", {"https", "v6"}),
        ("44", set()),
        ("WEB", {"https", "ssh", "v6"}),
        ("eni-0bbb", {"dns"}),
        ("reject", {"ssh"}),
        ("acl-1", {"ssh"}),
        ("udp", {"dns"}),
        ("2001:db8:1", {"v6"}),
        ("egress", {"https"}),
        ("nothing such", set()),
        ("srcaddr in 10.0.0.0/8", {"https", "dns"}),
        ("addr = 10.0.1.5", {"https", "ssh"}),
        ("addr in (2001:db8::/32, 10.0.2.0/24)", {"dns", "v6"}),
        ("addr in 10.0.0.2-10.0.2.4", {"https", "ssh", "dns"}),
        ("port = 443", {"https", "v6"}),
        ("dstport in (22, 50-60)", {"ssh", "dns"}),
        ("bytes >= 900 and protocol = tcp", {"https", "v6"}),
        ("packets < 2 or dstport = 443", {"ssh", "dns", "https"}),
        ("action = REJECT", {"ssh"}),
        # A null is neither equal nor different, as in all questions.
        ("action != REJECT", {"https", "v6"}),
        ("not action = REJECT", {"https", "v6"}),
        ("action is null", {"dns"}),
        ("action != REJECT or action = -", {"https", "v6", "dns"}),
        ("reject-rule like acl-*", {"ssh"}),
        ("flow-direction = egress", {"https"}),
        ("interface-id in (eni-0bbbbbbbbbbbbbbbb)", {"dns"}),
        ("not (srcaddr in 10.0.0.0/8 or dstport = 22)", {"v6"}),
        ("srcport is not null", set(_FLOWS)),
    ],
)
def test_filter(rows: FlowRows, text: str, names: set[str]) -> None:
    assert _shown(rows, text) == names


def test_nothing_is_no_filter() -> None:
    assert row_filter("  ") is None


@pytest.mark.parametrize(
    ("text", "position"),
    [("srcaddr = ", 10), ("vpc-id = vpc-1", 0), ("port = 1 and az-id = a", 13)],
)
def test_faults_are_told(text: str, position: int) -> None:
    with pytest.raises(FilterError) as caught:
        row_filter(text)
    assert caught.value.position == position


def test_no_rows() -> None:
    for text in ("10.0", "addr in 10.0.0.0/8 and action = REJECT"):
        chosen = row_filter(text)
        assert chosen is not None
        assert chosen(FlowRows()).tolist() == []
