"""Aim: people and programs get what they need from the same answer."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from rich.console import Console

from vpcflow.app.output import (
    bar,
    bytes_text,
    cell_text,
    duration_text,
    sparkline,
    table_of,
    time_text,
    write_rows,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (1536, "1.5 kB"), (12_345_678, "12.3 MB")],
)
def test_bytes_text(value: int, expected: str) -> None:
    assert bytes_text(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(0, "0s"), (59, "59s"), (3_720, "1h 2m"), (90_000, "1d 1h")]
)
def test_duration_text(value: int, expected: str) -> None:
    assert duration_text(value) == expected


def test_time_beyond_any_calendar_stays_a_number() -> None:
    assert time_text(0) == "1970-01-01 00:00:00"
    assert time_text(10**18) == str(10**18)


def test_null_and_zero_differ() -> None:
    for kind in ("bytes", "count", "packets", "time", "ratio", "duration", "text"):
        assert cell_text(None, kind) == "-"
        assert cell_text(0, kind) != "-"


def test_bar_is_longest_for_the_largest() -> None:
    assert bar(10, 10, width=8) == "█" * 8
    assert bar(0, 10) == ""
    assert bar(1, 10_000, width=8) != ""


def test_sparkline_marks_gaps() -> None:
    assert sparkline([0, None, 10]) == "▁ █"


def test_json_is_one_object_a_row(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    write_rows(pa.table({"srcaddr": ["10.0.0.1", None], "bytes": [0, None]}), "json")
    lines = capfdbinary.readouterr().out.splitlines()
    assert [json.loads(line) for line in lines] == [
        {"srcaddr": "10.0.0.1", "bytes": 0},
        {"srcaddr": None, "bytes": None},
    ]


def test_csv_has_a_header_even_without_rows(capfd: pytest.CaptureFixture[str]) -> None:
    write_rows(pa.table({"a": pa.array([], pa.int64())}), "csv")
    assert capfd.readouterr().out == "a\n"


def test_arrow_comes_back(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    table = pa.table({"a": [1, 2]})
    write_rows(table, "arrow")
    assert pa.ipc.open_stream(capfdbinary.readouterr().out).read_all() == table


def test_control_characters_and_markup_do_not_reach_the_terminal() -> None:
    console = Console(width=80, record=True, file=None)
    with console.capture() as capture:
        console.print(table_of(pa.table({"tag": ["[red]x\x1b[31m"]}), {"tag": "text"}))
    assert "[red]x" in capture.get()
    assert "\x1b[31m" not in capture.get().replace("\x1b[1m", "")
