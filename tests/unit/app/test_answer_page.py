"""Aim: a person sees whole values, a program sees all of them."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from vpcflow.app.answer_page import TABLE_ROWS_MAX, print_answer
from vpcflow.query.answer import Answer, ColumnMeta, Scan, Section

SCAN = Scan(rows=3, bytes=100, files=1)


def answer_of(table: pa.Table, *columns: ColumnMeta) -> Answer:
    return Answer(table, columns, SCAN)


def test_columns_that_do_not_fit_are_left_out_whole_and_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    names = [f"column_{number}" for number in range(30)]
    table = pa.table({name: ["x" * 20] for name in names})
    print_answer(answer_of(table, *(ColumnMeta(name, "text") for name in names)), None)
    out = capsys.readouterr().out
    assert "…" not in out
    kept = out.count("x" * 20)
    assert 0 < kept < 30
    assert f"{30 - kept} more columns do not fit" in out


def test_many_rows_are_cut_for_people_only(capfd: pytest.CaptureFixture[str]) -> None:
    table = pa.table({"n": list(range(TABLE_ROWS_MAX + 5))})
    answer = answer_of(table, ColumnMeta("n", "count"))
    print_answer(answer, None)
    assert "5 more rows" in capfd.readouterr().out
    print_answer(answer, "json")
    assert len(capfd.readouterr().out.splitlines()) == TABLE_ROWS_MAX + 5


def test_notes_go_to_standard_error_when_a_program_reads(
    capfd: pytest.CaptureFixture[str],
) -> None:
    answer = Answer(
        pa.table({"n": [1]}), (ColumnMeta("n", "count"),), SCAN, notes=("mind the gap",)
    )
    print_answer(answer, "json")
    out, err = capfd.readouterr()
    assert json.loads(out) == {"n": 1}
    assert "mind the gap" in err


def test_sections_say_which_they_are(capfd: pytest.CaptureFixture[str]) -> None:
    sections = (
        Section("totals", "Totals", pa.table({"bytes": [5]}), (ColumnMeta("bytes", "bytes"),)),
        Section("ports", "Ports", pa.table({"port": [22]}), (ColumnMeta("port", "port"),)),
    )
    answer = Answer(sections[0].table, sections[0].columns, SCAN, sections=sections)
    print_answer(answer, "json")
    rows = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert rows == [{"section": "totals", "bytes": 5}, {"section": "ports", "port": 22}]
    print_answer(answer, "csv")
    assert capfd.readouterr().out == "section,bytes,port\ntotals,5,\nports,,22\n"


def test_empty_table_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    print_answer(Answer(pa.table({"n": pa.array([], pa.int64())}), ()), None)
    assert "vpcflow ingest" in capsys.readouterr().out
