"""One answer, printed: tables with bars and sparklines for people, rows for programs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from vpcflow.app.output import bytes_text, make_console, sparkline, table_of, write_rows

if TYPE_CHECKING:
    from rich.console import Console

    from vpcflow.query.answer import Answer, ColumnMeta, Section

#: Sections that read best as one line of blocks, with the column that it shows.
_SPARK_COLUMN = "bytes"


def print_answer(answer: Answer, output: str | None, *, measure: str | None = None) -> None:
    """Print an answer as ``output`` says (json, csv, arrow), or as a page for people.

    Notes for programs go to standard error: standard output holds rows and nothing else.
    """
    if output:
        write_rows(_flat(answer), output)
        for line in _warnings(answer):
            sys.stderr.write(f"{line}\n")
        return
    console = make_console()
    if answer.sections:
        for section in answer.sections:
            _print_section(console, section, measure)
    elif answer.table.num_rows == 0:
        console.print("no records match")
    else:
        console.print(_table(answer.table, answer.columns, "", measure))
    _print_footer(console, answer)


def _print_section(console: Console, section: Section, measure: str | None) -> None:
    if section.table.num_rows == 0:
        return
    names = section.table.column_names
    if section.name == "series" and measure in names:
        values = section.table[measure].to_pylist()
        console.print(f"[bold]{section.title}[/bold]\n{sparkline(values)}\n", markup=True)
        return
    console.print(_table(section.table, section.columns, section.title, measure))
    console.print()


def _table(
    table: pa.Table, columns: Sequence[ColumnMeta], title: str, measure: str | None
) -> object:
    kinds = {column.name: column.kind for column in columns}
    empty = [
        column.name
        for column in columns
        if column.quiet and not any(table[column.name].to_pylist())
    ]
    shown = table.drop_columns(empty)
    return table_of(shown, kinds, title=title, measure=measure)


def _flat(answer: Answer) -> pa.Table:
    if not answer.sections:
        return answer.table
    named = [
        section.table.add_column(
            0, "section", pa.repeat(pa.scalar(section.name), section.table.num_rows)
        )
        for section in answer.sections
    ]
    return pa.concat_tables(named, promote_options="permissive")


def _warnings(answer: Answer) -> list[str]:
    lines = list(answer.notes)
    if answer.truncated:
        lines.append("cut: there are more rows than the limit")
    if answer.coverage.lower_bound:
        lines.append(
            f"SKIPDATA: {answer.coverage.skipdata_records:,} records say that flows were lost; "
            "sums are lower bounds"
        )
    return lines


def _print_footer(console: Console, answer: Answer) -> None:
    for line in _warnings(answer):
        console.print(line, style="yellow", markup=False)
    scan = answer.scan
    source = "rollup rows" if scan.rollup else "records"
    console.print(
        f"{scan.rows:,} {source}, {bytes_text(scan.bytes)} in {scan.files:,} files "
        f"({scan.files_pruned:,} pruned), {answer.elapsed_s:.2f} s",
        style="dim",
        markup=False,
    )
