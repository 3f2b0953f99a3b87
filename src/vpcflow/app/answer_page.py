"""One answer, printed: tables with bars and sparklines for people, rows for programs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from vpcflow.app.output import (
    bytes_text,
    cell_text,
    make_console,
    scaled,
    sparkline,
    table_of,
    write_rows,
)

if TYPE_CHECKING:
    from rich.console import Console

    from vpcflow.query.answer import Answer, ColumnMeta, Section

#: Columns that programs want and a terminal has no room for.
_PROGRAM_COLUMNS = frozenset(
    {"packets_sent", "packets_received", "records_without_bytes", "longest_gap_start"}
)
#: The widest time line that is drawn.
TIMELINE_WIDTH_MAX = 100
_NATURAL_WIDTH_MAX = 10_000
EMPTY_TABLE = "the table is empty: take records in with `vpcflow ingest PATH...`"


def print_answer(answer: Answer, output: str | None, *, measure: str | None = None) -> None:
    """Print an answer as ``output`` says (json, csv, arrow), or as a page for people.

    Notes for programs go to standard error: standard output holds rows and nothing else.
    """
    if output:
        write_rows(_flat(answer), output)
        for line in _notes(answer):
            sys.stderr.write(f"{line}\n")
        return
    console = make_console()
    if answer.scan.files + answer.scan.files_pruned == 0:
        console.print(EMPTY_TABLE, markup=False)
        return
    if answer.sections:
        for section in answer.sections:
            _print_section(console, section, measure)
    elif answer.table.num_rows == 0:
        console.print("no records match")
    elif answer.columns and answer.columns[0].name == "time" and measure:
        _print_series(console, answer, measure)
    else:
        _print_table(console, answer.table, answer.columns, "", measure)
    _print_footer(console, answer)


def _print_section(console: Console, section: Section, measure: str | None) -> None:
    names = section.table.column_names
    if section.table.num_rows == 0:
        return
    if section.name == "totals":
        _print_totals(console, section.table.to_pylist()[0], section.columns)
    elif section.columns[0].kind == "time" and measure in names:
        console.print(section.title, style="bold")
        _print_timeline(console, section.table, section.columns[0].name, measure or "bytes")
    else:
        _print_table(console, section.table, section.columns, section.title, measure)
    console.print()


def _print_totals(console: Console, row: dict[str, Any], columns: Sequence[ColumnMeta]) -> None:
    kinds = {column.name: column.kind for column in columns}
    label = {column.name: column.label or column.name.replace("_", " ") for column in columns}
    for name, value in row.items():
        if name not in _PROGRAM_COLUMNS:
            console.print(f"{label[name].lower():14} {cell_text(value, kinds[name])}", markup=False)


def _print_timeline(console: Console, table: pa.Table, time: str, measure: str) -> None:
    from vpcflow.app.output import time_text

    values = _narrowed(table[measure].to_pylist())
    times = table[time].to_pylist()
    console.print(sparkline(values), style="cyan", markup=False)
    console.print(
        f"{time_text(times[0])}{' ' * max(2, len(values) - 32)}{time_text(times[-1])}",
        style="dim",
        markup=False,
    )


def _narrowed(values: list[float | None]) -> list[float | None]:
    """At most as many values as a line is wide, each the sum of its neighbours."""
    step = -(-len(values) // TIMELINE_WIDTH_MAX)
    if step <= 1:
        return values
    return [
        sum(value or 0 for value in values[first : first + step])
        for first in range(0, len(values), step)
    ]


def _print_series(console: Console, answer: Answer, measure: str) -> None:
    """One line of blocks for each line of the series, then its rows."""
    names = answer.table.column_names
    split = next((name for name in names if name not in _SERIES_COLUMNS), None)
    if split is None:
        _print_timeline(console, answer.table, "time", measure)
    else:
        lines: dict[Any, list[float | None]] = {}
        for row in answer.table.to_pylist():
            lines.setdefault(row[split], []).append(row[measure])
        width = max(len(cell_text(key, "text")) for key in lines)
        for key, values in lines.items():
            total = scaled(sum(value or 0 for value in values))
            line = sparkline(_narrowed(values))
            console.print(f"{cell_text(key, 'text'):{width}}  {line}  {total}", markup=False)
    console.print()
    _print_table(console, answer.table, answer.columns, "", measure)


_SERIES_COLUMNS = frozenset(
    {"time", "bytes", "packets", "records", "records_without_bytes", "lower_bound"}
)


def _print_table(
    console: Console,
    table: pa.Table,
    columns: Sequence[ColumnMeta],
    title: str,
    measure: str | None,
) -> None:
    """Print the columns that fit; the last ones are left out first, and counted."""
    kinds = {column.name: column.kind for column in columns}
    labels = {column.name: column.label.lower() for column in columns}
    hidden = {column.name for column in columns if column.quiet} | _PROGRAM_COLUMNS
    if "account_id" in table.column_names and len(table["account_id"].unique()) == 1:
        hidden.add("account_id")
    shown = table.drop_columns([name for name in table.column_names if name in hidden])
    left_out = 0
    wide = console.options.update(max_width=_NATURAL_WIDTH_MAX)
    while True:
        drawn = table_of(shown, kinds, title=title, measure=measure, labels=labels)
        fits = console.measure(drawn, options=wide).maximum <= console.width
        if fits or shown.num_columns <= 1:
            break
        # A cut value is worse than a missing one.
        last = [name for name in shown.column_names if name != measure][-1]
        shown = shown.drop_columns([last])
        left_out += 1
    console.print(drawn)
    if left_out:
        console.print(
            f"{left_out} more columns do not fit; --json has all", style="dim", markup=False
        )


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


def _notes(answer: Answer) -> list[str]:
    lines = list(answer.notes)
    if answer.truncated:
        lines.append("cut: there are more rows than the limit")
    return lines


def _print_footer(console: Console, answer: Answer) -> None:
    for line in _notes(answer):
        console.print(line, style="yellow", markup=False)
    scan = answer.scan
    source = "rollup rows" if scan.rollup else "records"
    console.print(
        f"{scan.rows:,} {source}, {bytes_text(scan.bytes)} in {scan.files:,} files "
        f"({scan.files_pruned:,} pruned), {answer.elapsed_s:.2f} s",
        style="dim",
        markup=False,
    )
