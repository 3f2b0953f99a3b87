"""The filter language: what it says, how it prints, and where it points when it is wrong."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpcflow.base.errors import FilterError
from vpcflow.query.expression import (
    KEYWORDS,
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
    all_of,
    any_of,
    fields_of,
    kind_of,
    to_bytes,
)
from vpcflow.query.filter_language import NESTING_MAX, parse_filter
from vpcflow.record.field_spec import FieldKind
from vpcflow.record.fields import FIELDS_BY_NAME


def network(text: str) -> AddressRange:
    (only,) = AddressRange.of_network(ip_network(text))
    return only


def test_all_of_ipv6_is_without_ipv4() -> None:
    found = parse_filter("addr in ::/0")
    assert isinstance(found, InNetwork)
    for text, inside in (("::", True), ("fd00::1", True), ("0.0.0.0", False), ("::1:0:0:0", True)):
        address = to_bytes(ip_address(text))
        assert any(span.first <= address <= span.last for span in found.ranges) is inside, text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("action = REJECT", Compare("action", "=", "REJECT")),
        ("ACTION == reject", Compare("action", "=", "REJECT")),
        ("log_status=nodata", Compare("log-status", "=", "NODATA")),
        ("srcaddr in 10.0.0.0/8", InNetwork("srcaddr", (network("10.0.0.0/8"),))),
        ("dstaddr = 10.0.0.1", InNetwork("dstaddr", (network("10.0.0.1/32"),))),
        ("dstaddr != ::1", Not(InNetwork("dstaddr", (network("::1/128"),)))),
        (
            "addr not in (10.0.0.0/8, 2001:db8::/32)",
            Not(InNetwork("addr", (network("10.0.0.0/8"), network("2001:db8::/32")))),
        ),
        (
            "pkt-srcaddr in 10.0.0.1-10.0.0.9",
            InNetwork(
                "pkt-srcaddr",
                (
                    AddressRange(
                        to_bytes(IPv4Address("10.0.0.1")), to_bytes(IPv4Address("10.0.0.9"))
                    ),
                ),
            ),
        ),
        ("dstport in (22, 3389)", In("dstport", (22, 3389))),
        ("port != 22", Not(Compare("port", "=", 22))),
        ("protocol = tcp", Compare("protocol", "=", 6)),
        ("bytes > 10MB", Compare("bytes", ">", 10_000_000)),
        ("bytes >= 1.5KiB", Compare("bytes", ">=", 1536)),
        ("start >= 2026-11-23T04:00Z", Compare("start", ">=", 1_795_406_400)),
        ("start > now-1h", Compare("start", ">", 996_400)),
        ("action is null", IsNull("action")),
        ("action = -", IsNull("action")),
        ("action is not null", Not(IsNull("action"))),
        ("action != -", Not(IsNull("action"))),
        ("instance-id like i-0*", TextMatch("instance-id", "i-0*")),
        ("instance-id !~ 'a b?'", Not(TextMatch("instance-id", "a b?"))),
        ('account-id = "-"', Compare("account-id", "=", "-")),
        ("account-id = 012345678901", Compare("account-id", "=", "012345678901")),
        ('action = "odd"', Compare("action", "=", "odd")),
        (
            "dstport in (22, 8000-8100)",
            Or(
                (
                    In("dstport", (22,)),
                    And((Compare("dstport", ">=", 8000), Compare("dstport", "<=", 8100))),
                )
            ),
        ),
    ],
)
def test_a_filter_says(text: str, expected: Expression) -> None:
    assert parse_filter(text, now_s=1_000_000.0) == expected


def test_and_binds_tighter_than_or_and_not_tighter_than_both() -> None:
    parsed = parse_filter("not action = ACCEPT and dstport = 22 || protocol = udp")
    assert parsed == Or(
        (
            And((Not(Compare("action", "=", "ACCEPT")), Compare("dstport", "=", 22))),
            Compare("protocol", "=", 17),
        )
    )


def test_an_either_port_range_bounds_one_port_and_not_one_bound_each() -> None:
    parsed = parse_filter("port in (100-200)")
    assert parsed == Or(
        (
            And((Compare("srcport", ">=", 100), Compare("srcport", "<=", 200))),
            And((Compare("dstport", ">=", 100), Compare("dstport", "<=", 200))),
        )
    )


@pytest.mark.parametrize("text", ["", "  \n\t "])
def test_a_blank_filter_is_no_condition(text: str) -> None:
    assert parse_filter(text) is None


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("srcadr = 10.0.0.1", 0, "did you mean srcaddr"),
        ("action = REJECT and", 19, "expected a field"),
        ("action = REJECT dstport = 22", 16, "expected and, or, or the end"),
        ("action = DENY", 9, "ACCEPT or REJECT"),
        ("dstport = ssh-alt", 10, "expected a number"),
        ("dstport = 70000", 10, "at most 65535"),
        ("dstport in ()", 12, "at least one value"),
        ("dstport in (22, 80", 18, "expected , or )"),
        ("dstport in (90-80)", 12, "backwards"),
        ("(action = REJECT", 16, "expected ) for the ( at character 1"),
        ("srcaddr in 10.0.0.1/8", 11, "the network is 10.0.0.0/8"),
        ("srcaddr in 10.0.0.300", 11, "expected an address"),
        ("srcaddr < 10.0.0.1", 8, "has no order"),
        ("srcaddr like 10.*", 8, "no text"),
        ("action = 'REJECT", 9, "has no end"),
        ("action & REJECT", 7, "stands alone"),
        ("action not REJECT", 11, "expected in or like"),
        ("action is REJECT", 10, "expected null"),
        ("action", 6, "expected an operator"),
        ("start > yesterday", 8, "not a moment"),
        ("bytes > -", 8, "no order"),
        ("dstport = = 22", 10, "expected a value"),
    ],
)
def test_an_error_points_at_the_character(text: str, position: int, words: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse_filter(text)
    assert caught.value.position == position
    assert words in f"{caught.value.what} {caught.value.hint}"
    assert caught.value.pointed() == f"{text}\n{' ' * position}^"


def test_nesting_is_bounded() -> None:
    parse_filter("(" * NESTING_MAX + "port = 1" + ")" * NESTING_MAX)
    with pytest.raises(FilterError, match="nest deeper"):
        parse_filter("(" * 5_000 + "port = 1" + ")" * 5_000)
    with pytest.raises(FilterError, match="nest deeper"):
        parse_filter("not " * 5_000 + "port = 1")


@given(st.text(max_size=60))
def test_any_text_parses_or_gives_a_position_within_it(text: str) -> None:
    try:
        parse_filter(text)
    except FilterError as error:
        assert 0 <= error.position <= len(text)


@given(
    st.lists(
        st.sampled_from(
            [
                *KEYWORDS,
                "(",
                ")",
                ",",
                "=",
                "!=",
                "srcaddr",
                "port",
                "action",
                "22",
                "-",
                "10.0.0.1",
                "'x'",
            ]
        ),
        max_size=12,
    )
)
def test_any_words_parse_or_give_a_position_within_them(words: list[str]) -> None:
    text = " ".join(words)
    try:
        parse_filter(text)
    except FilterError as error:
        assert 0 <= error.position <= len(text)


_NAMES = [*FIELDS_BY_NAME, "addr", "port"]
_BY_KIND = {kind: [name for name in _NAMES if kind_of(name) is kind] for kind in FieldKind}
_NUMBERS = [*_BY_KIND[FieldKind.INT32], *_BY_KIND[FieldKind.INT64]]
_ADDRESSES = st.one_of(
    st.integers(0, 2**32 - 1).map(IPv4Address), st.integers(0, 2**128 - 1).map(IPv6Address)
).map(to_bytes)
_RANGES = st.tuples(_ADDRESSES, _ADDRESSES).map(lambda ends: AddressRange(min(ends), max(ends)))
_TEXTS = st.one_of(
    st.sampled_from(["ACCEPT", "accept", "-", "and", "eni-1", "a b", 'q"\\', "10.0.0.1"]),
    st.text(max_size=8),
)


@st.composite
def _number_tests(draw: st.DrawFn) -> Expression:
    name = draw(st.sampled_from(_NUMBERS))
    values = st.integers(0, 255)
    operators = ["=", "<", "<=", ">", ">="] + ([] if name == "port" else ["!="])
    return draw(
        st.one_of(
            st.builds(Compare, st.just(name), st.sampled_from(operators), values),
            st.builds(In, st.just(name), st.lists(values, min_size=1, max_size=4).map(tuple)),
        )
    )


_TESTS: st.SearchStrategy[Expression] = st.one_of(
    _number_tests(),
    st.builds(
        InNetwork,
        st.sampled_from(_BY_KIND[FieldKind.ADDRESS]),
        st.lists(_RANGES, min_size=1, max_size=3).map(tuple),
    ),
    st.builds(
        Compare, st.sampled_from(_BY_KIND[FieldKind.TEXT]), st.sampled_from(["=", "!="]), _TEXTS
    ),
    st.builds(
        In,
        st.sampled_from(_BY_KIND[FieldKind.TEXT]),
        st.lists(_TEXTS, min_size=1, max_size=3).map(tuple),
    ),
    st.builds(TextMatch, st.sampled_from(_BY_KIND[FieldKind.TEXT]), _TEXTS),
    st.builds(IsNull, st.sampled_from(list(FIELDS_BY_NAME))),
)
EXPRESSIONS: st.SearchStrategy[Expression] = st.recursive(
    _TESTS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: all_of(*parts)),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: any_of(*parts)),
        inner.map(Not),
    ),
    max_leaves=8,
)


@given(EXPRESSIONS)
def test_what_is_printed_reads_back(expression: Expression) -> None:
    assert parse_filter(str(expression)) == expression


@given(EXPRESSIONS)
def test_the_fields_of_an_expression_are_fields(expression: Expression) -> None:
    assert set(fields_of(expression)) <= set(FIELDS_BY_NAME)
