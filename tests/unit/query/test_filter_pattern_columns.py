"""Aim: records fit a pattern by their columns exactly as their printed lines do.

Method: Hypothesis makes records, formats and patterns; the printed lines are the measure, for the
mask and for what a scan may skip by.
"""

from __future__ import annotations

from ipaddress import ip_address

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vpcflow.query.expression import (
    And,
    Compare,
    Expression,
    InNetwork,
    IsNull,
    Or,
    TextMatch,
    to_bytes,
)
from vpcflow.query.filter_pattern import column_mask, lines_array, mask, to_expression
from vpcflow.query.filter_pattern.values import fits_glob
from vpcflow.record.field_spec import ADDRESS_TYPE
from vpcflow.record.flow_log_selection import lines_of
from vpcflow.record.log_format import LogFormat, default_format

NAMES = ("version", "interface-id", "srcaddr", "dstport", "bytes", "action", "vpc-id")
ADDRESSES = ["10.0.2.7", "10.0.20.7", "10.1.0.1", "2001:db8::1", "::", "::ffff:0:1"]
TEXTS = ["REJECT", "ACCEPT", "eni-1", "a b", "-", "", "22", "100%"]


def records_of(rows: list[tuple[object, ...]]) -> pa.RecordBatch:
    columns = list(zip(*rows, strict=True)) if rows else [()] * 5

    def addresses(values: tuple[object, ...]) -> pa.Array:
        return pa.array(
            [None if value is None else to_bytes(ip_address(str(value))) for value in values],
            ADDRESS_TYPE,
        )

    return pa.RecordBatch.from_arrays(
        [
            pa.array(columns[0], pa.string()).dictionary_encode(),
            addresses(columns[1]),
            pa.array(columns[2], pa.int32()),
            pa.array(columns[3], pa.int64()),
            pa.array(columns[4], pa.string()),
        ],
        names=["interface_id", "srcaddr", "dstport", "bytes", "action"],
    )


def nullable(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.none() | strategy


rows = st.tuples(
    nullable(st.sampled_from(TEXTS)),
    nullable(st.sampled_from(ADDRESSES)),
    nullable(st.sampled_from([0, 22, 220, 443])),
    nullable(st.sampled_from([0, 400, 2**53 + 1, 2**63 - 1])),
    nullable(st.sampled_from(TEXTS)),
)
values = st.sampled_from(
    [
        *(
            f'"{text}"'
            for text in (*ADDRESSES, *TEXTS, "022", "10.0.2.*", "*:*", "2*", "* 4*")
            if text
        ),
        *("22", "400", "1e2", "9007199254740993", "10.0.2.*", "10.*", "-", "%^1%", "2.5", "-1"),
    ]
)
formats = st.lists(st.sampled_from(NAMES), min_size=1, unique=True).map(
    lambda names: LogFormat(tuple(names))
)


@st.composite
def patterns(draw: st.DrawFn) -> str:
    slots: list[str] = []
    regexes = 0
    for i in range(draw(st.integers(0, 8))):
        name = f"f{i}"
        parts: list[str] = []
        for _ in range(draw(st.integers(0, 2))):
            value = draw(values)
            regexes += value.startswith("%")
            if regexes > 2:
                value = '"x"'
            number = (
                value[0] not in '"%'
                and value.lstrip("-").replace(".", "").replace("e", "").isdigit()
            )
            operators = ["=", "!=", "<", ">="] if number else ["=", "!="]
            parts.append(f"{name} {draw(st.sampled_from(operators))} {value}")
        slots.append(draw(st.sampled_from([" && ", " || "])).join(parts) or name)
    if draw(st.booleans()):
        slots.insert(draw(st.integers(0, len(slots))), "...")
    return f"[{', '.join(slots)}]"


def holds(expression: Expression | None, record: dict[str, object]) -> bool:
    """A plain reading of the few conditions that a pattern becomes."""
    match expression:
        case None:
            return True
        case And(parts):
            return all(holds(part, record) for part in parts)
        case Or(parts):
            return any(holds(part, record) for part in parts)
        case TextMatch(name, pattern):
            text = record.get(name.replace("-", "_"))
            return isinstance(text, str) and fits_glob(text, pattern)
        case IsNull(name):
            return record.get(name.replace("-", "_")) is None
        case InNetwork(name, ranges):
            address = record.get(name.replace("-", "_"))
            return isinstance(address, bytes) and any(
                span.first <= address <= span.last for span in ranges
            )
        case Compare(name, operator, value):
            found = record.get(name.replace("-", "_"))
            if found is None:
                return False
            return {
                "=": found == value,
                "!=": found != value,
                "<": operator == "<" and found < value,  # type: ignore[operator]
                ">=": operator == ">=" and found >= value,  # type: ignore[operator]
            }[operator]
    raise AssertionError(expression)


terms = st.lists(
    st.tuples(
        st.sampled_from(["", "", "-", "?"]),
        st.sampled_from(
            [
                "REJECT",
                "EJ",
                "ACCEPT",
                "eni",
                "-",
                "22",
                "10.0",
                ":1",
                "%",
                "20b",
                "0b",
                "100%",
                "x",
                "c",
            ]
        ),
    ),
    max_size=3,
).map(lambda parts: " ".join(f'{sign}"{text}"' for sign, text in parts))


@settings(max_examples=300, deadline=None)  # the first call loads kernels
@given(patterns() | terms, formats, st.lists(rows, max_size=8))
def test_columns_fit_as_the_printed_lines_do(
    pattern: str, log_format: LogFormat, values: list[tuple[object, ...]]
) -> None:
    records = records_of(values)
    lines = lines_array(lines_of(records, log_format), records.num_rows)
    printed = mask(pattern, lines).to_pylist()
    by_column = column_mask(pattern, log_format, records)
    assert by_column is not None
    assert by_column.to_pylist() == printed
    condition = to_expression(pattern, log_format)
    for record, fit in zip(records.to_pylist(), printed, strict=True):
        assert holds(condition, record) or not fit


def test_a_text_with_a_delimiter_must_be_printed() -> None:
    records = records_of([("[x", None, 1, 1, None)])
    log_format = LogFormat(("interface-id", "action"))
    assert column_mask("[a, b=-]", log_format, records) is None
    assert column_mask('"a b"', log_format, records) is None
    assert column_mask("%a%", log_format, records) is None
    assert column_mask("{ $.a = 1 }", log_format, records) is None
    everything = column_mask("", log_format, records)
    assert everything is not None
    assert everything.to_pylist() == [True]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("[a, b, c, s=10.0.2.*, ...]", "srcaddr in 10.0.2.0/24"),
        ("[..., action=REJECT, status]", "action = REJECT"),
        ("[..., b>=400, s, e, action, status]", "bytes >= 400"),
        ("[v,a,i,s,d,sp,dp=80||dp=8080,...]", "dstport = 80 or dstport = 8080"),
        ("[v=2, ...]", "None"),
        ("[a=x, b]", "None"),
        (
            "REJECT",
            "account-id like *REJECT* or interface-id like *REJECT* or action like *REJECT* "
            "or log-status like *REJECT*",
        ),
        ("REJECT -443 ?x", "as REJECT"),
        ("22", "None"),
        ("-ACCEPT", "None"),
    ],
)
def test_what_a_scan_may_skip_by(pattern: str, expected: str) -> None:
    if expected.startswith("as "):
        expected = str(to_expression(expected.removeprefix("as "), default_format()))
    assert str(to_expression(pattern, default_format())) == expected
