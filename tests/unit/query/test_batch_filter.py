"""Aim: what arrives is filtered as the table is. Method: plain Python's three-valued logic beside it."""

from __future__ import annotations

import pytest
from flow_rows import batch_of, holds, random_rows
from hypothesis import given, settings
from hypothesis import strategies as st
from test_filter_language import EXPRESSIONS

from vpcflow.query.batch_filter import truth
from vpcflow.query.expression import Expression
from vpcflow.query.filter_language import parse_filter

ROWS = random_rows(120, 5, packet_addresses=True)
BATCH = batch_of(ROWS).records


@given(EXPRESSIONS, st.integers(0, 100))
@settings(max_examples=300, deadline=None)
def test_every_condition_says_the_same_as_plain_python(expression: Expression, offset: int) -> None:
    # A slice has buffers that begin elsewhere.
    part, rows = BATCH.slice(offset), ROWS[offset:]
    assert truth(part, expression).to_pylist() == [holds(expression, row) for row in rows]


@pytest.mark.parametrize(
    "text",
    [
        "addr in 10.0.0.0/24 and port = 22",
        "not srcaddr in 10.0.0.0/30 or action = REJECT",
        "srcaddr = fd00::5",
        "reject-rule like acl-1/*",
        "tcp-flags is null",
        "bytes > 9000000000000",
        "interface-id in (eni-00, eni-03) and bytes != 40",
    ],
)
def test_filters_that_people_write(text: str) -> None:
    condition = parse_filter(text)
    assert condition is not None
    found = truth(BATCH, condition).to_pylist()
    assert found == [holds(condition, row) for row in ROWS]
    assert len(set(found)) > 1 or text.startswith(("tcp-flags", "bytes >")), "it decides something"


def test_no_records_at_all() -> None:
    condition = parse_filter("addr in 10.0.0.0/24")
    assert condition is not None
    assert truth(BATCH.slice(0, 0), condition).to_pylist() == []
