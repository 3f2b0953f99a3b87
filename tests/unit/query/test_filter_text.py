"""A filter as chips and as text: whatever is printed is the same condition when it is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_filter_language import EXPRESSIONS

from vpcflow.query.expression import Expression, all_of
from vpcflow.query.filter_language import parse_filter
from vpcflow.query.filter_text import field_test, filter_text, top_terms

_SPANS = st.builds(
    lambda field, word, ends: parse_filter(f"{field} {word} ({ends})"),
    st.sampled_from(["dstport", "port", "bytes", "protocol"]),
    st.sampled_from(["in", "not in"]),
    st.lists(st.sampled_from(["22", "80-90", "0-0", "250-251"]), min_size=1, max_size=4).map(
        ", ".join
    ),
)


@given(EXPRESSIONS)
def test_text_reads_back(condition: Expression) -> None:
    assert parse_filter(filter_text(condition)) == condition


@given(st.lists(st.one_of(_SPANS, EXPRESSIONS), min_size=1, max_size=4))
def test_chips_joined_by_and_are_the_filter(parts: list[Expression]) -> None:
    condition = all_of(*parts)
    terms = top_terms(condition)
    chips = [filter_text(term, inner=len(terms) > 1) for term in terms]
    assert parse_filter(" and ".join(chips)) == condition
    assert [parse_filter(chip) for chip in chips] == terms


@given(st.one_of(_SPANS, EXPRESSIONS))
def test_the_words_of_a_test_are_the_test(condition: Expression) -> None:
    test = field_test(condition)
    if test is not None:
        assert parse_filter(str(test)) == condition
        assert str(test).startswith(f"{test.field} {test.op}")


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("dstport in (22, 8000-8100)", "dstport in (22, 8000-8100)"),
        ("port in (80-90)", "port in (80-90)"),
        ("bytes>=1kB and bytes<=2kB", "bytes in (1000-2000)"),
        ("not srcaddr = 10.0.0.1", "srcaddr != 10.0.0.1"),
        ("port != 53", "port != 53"),
        ("ACTION==reject&&not interface-id like 'eni-*'", None),
        ("(srcport = 1 or dstport = 2) and action = ACCEPT", None),
        ("dstaddr not in (10.0.0.0/8, 192.168.0.0/16)", None),
        ("not (bytes = 1 and packets = 2)", None),
        ("vpc-id is not null", None),
        ("  ", ""),
    ],
)
def test_the_one_spelling(text: str, printed: str | None) -> None:
    condition = parse_filter(text)
    found = filter_text(condition)
    assert parse_filter(found) == condition
    if printed is not None:
        assert found == printed
