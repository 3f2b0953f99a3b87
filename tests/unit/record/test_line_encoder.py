"""Columns to lines: what stands around values, nulls, slices, long texts."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpcflow.base.errors import RecordError
from vpcflow.record.field_spec import ADDRESS_TYPE, TEXT_TYPE
from vpcflow.record.line_encoder import ColumnStyle, encode_lines
from vpcflow.record.log_format import LogFormat
from vpcflow.record.text import encode_text
from vpcflow.record.values import format_address

NAMES = ("version", "bytes", "srcaddr", "action")


def records(
    rows: list[tuple[int | None, int | None, bytes | None, str | None]],
) -> pa.RecordBatch:
    types = [pa.int32(), pa.int64(), ADDRESS_TYPE, TEXT_TYPE]
    columns = [pa.array([row[i] for row in rows], kind) for i, kind in enumerate(types)]
    return pa.RecordBatch.from_arrays(columns, names=list(NAMES))


def test_json_lines_by_styles_alone() -> None:
    batch = records([(2, 2**63 - 1, bytes(16), "A"), (None, 0, None, None)])
    styles = [
        ColumnStyle(b'"version":', b"", b'"version":null'),
        ColumnStyle(b',"bytes":', b"", b',"bytes":null'),
        ColumnStyle(b',"srcaddr":"', b'"', b',"srcaddr":null'),
        ColumnStyle(b',"action":"', b'"'),
    ]
    text = encode_lines(batch.columns, styles, 2, line_before=b"{", line_after=b"}\n")
    assert text == (
        b'{"version":2,"bytes":9223372036854775807,"srcaddr":"::","action":"A"}\n'
        b'{"version":null,"bytes":0,"srcaddr":null}\n'
    )


@given(
    st.lists(
        st.tuples(
            st.none() | st.integers(-(2**31), 2**31 - 1),
            st.none() | st.integers(-(2**63), 2**63 - 1),
            st.none()
            | st.binary(min_size=16, max_size=16)
            | st.binary(min_size=4, max_size=4).map(lambda last: bytes(10) + b"\xff\xff" + last),
            st.none() | st.text(max_size=20),
        ),
        max_size=30,
    ),
    st.integers(0, 5),
)
def test_any_values_and_any_slice(
    rows: list[tuple[int | None, int | None, bytes | None, str | None]], start: int
) -> None:
    batch = records(rows).slice(start)
    styles = [ColumnStyle(b"<", b">", b"~")] * 4
    expected = "".join(
        "".join(
            "~" if value is None else f"<{format_address(value) if i == 2 else value}>"
            for i, value in enumerate(row)
        )
        + "\n"
        for row in rows[start:]
    )
    assert encode_lines(batch.columns, styles, batch.num_rows) == expected.encode()


def test_texts_much_longer_than_the_first_room() -> None:
    texts = ["x" * 300_000, "a", "y" * 1_000_000, "b"] * 3
    column = pa.array(texts).dictionary_encode()
    text = encode_lines([column, None], [ColumnStyle(), ColumnStyle(null=b" -")], len(texts))
    assert text.decode() == "".join(f"{value} -\n" for value in texts)


def test_a_column_that_is_missing_is_null_in_every_row() -> None:
    batch = records([(2, None, None, "A")])
    log_format = LogFormat(("action", "srcport", "version"))
    assert encode_text(batch, log_format) == b"A - 2\n"
    assert encode_text(batch, log_format, header=True) == b"action srcport version\nA - 2\n"


def test_text_that_no_line_can_hold_is_percent_encoded() -> None:
    values = ["two words", "tab\there", "new\nline", "-", "", "100%", "é"]
    column = pa.array(values).dictionary_encode()
    batch = pa.RecordBatch.from_arrays([column], names=["interface_tag"])
    assert encode_text(batch, LogFormat(("interface-tag",))).decode() == (
        "two%20words\ntab%09here\nnew%0Aline\n%2D\n-\n100%\né\n"
    )


def test_dictionaries_with_null_inside_and_plain_strings() -> None:
    values = pa.array(["a", None])
    inside = pa.DictionaryArray.from_arrays(pa.array([0, 1, None], pa.int32()), values)
    plain = pa.array(["p", None, "q"])
    text = encode_lines([inside, plain], [ColumnStyle(null=b"-")] * 2, 3)
    assert text == b"ap\n--\n-q\n"


def test_no_rows_no_text() -> None:
    assert encode_lines([None], [ColumnStyle()], 0) == b""


@pytest.mark.parametrize(
    ("column", "rows"), [(pa.array([1.5]), 1), (pa.array([1, 2]), 1), (pa.array([True]), 1)]
)
def test_a_column_that_cannot_be_written_is_refused(column: pa.Array, rows: int) -> None:
    with pytest.raises(RecordError):
        encode_lines([column], [ColumnStyle()], rows)
