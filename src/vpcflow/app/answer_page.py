"""One answer, printed: tables with bars and sparklines for people, rows for programs."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from vpcflow.app.output import (
    BAR_WIDTH,
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
#: Sections of the overview whose first is the one with the most records.
_BY_RECORDS = frozenset({"rejects"})
#: The widest time line that is drawn.
TIMELINE_WIDTH_MAX = 100
#: Rows that a person is shown; programs get all.
TABLE_ROWS_MAX = 1_000
#: Blanks between two columns of a table.
COLUMN_GAP = 3
EMPTY_TABLE = (
    "the table is empty: take records in with `vpcflow ingest PATH...`, or meter this host with "
    "`vpcflow run`, whose first records come when its first interval ends"
)


def print_answer(answer: Answer, output: str | None, *, measure: str | None = None) -> None:
    """Print an answer as ``output`` says (json, csv, arrow), or as a page for people.

    Notes for programs go to standard error: standard output holds rows and nothing else.
    """
    if output:
        for table in _tables(answer, output):
            write_rows(table, output)
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
        by = "records" if section.name in _BY_RECORDS else measure
        _print_table(console, section.table, section.columns, section.title, by)
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
    rows_left_out = max(0, shown.num_rows - TABLE_ROWS_MAX)
    shown = shown.slice(0, TABLE_ROWS_MAX)
    fitting = _fitting(shown, kinds, labels, measure, console.width)
    console.print(
        table_of(shown.select(fitting), kinds, title=title, measure=measure, labels=labels)
    )
    left_out = shown.num_columns - len(fitting)
    if left_out or rows_left_out:
        what = [
            f"{count:,} more {name}"
            for count, name in ((rows_left_out, "rows"), (left_out, "columns"))
            if count
        ]
        console.print(
            f"{' and '.join(what)} do not fit; --json and --csv have all",
            style="dim",
            markup=False,
        )


def _fitting(
    table: pa.Table,
    kinds: Mapping[str, str],
    labels: Mapping[str, str],
    measure: str | None,
    width: int,
) -> list[str]:
    """The columns that stand whole beside each other; a cut value is worse than a missing one."""
    widths = {}
    for name in table.column_names:
        label = labels.get(name) or name
        texts = (cell_text(value, kinds.get(name, "text")) for value in table[name].to_pylist())
        widths[name] = max([len(label), *map(len, texts)]) + COLUMN_GAP
    if measure in widths:
        widths[measure] += BAR_WIDTH + COLUMN_GAP
    names = list(table.column_names)
    while len(names) > 1 and sum(widths[name] for name in names) - COLUMN_GAP > width:
        names.remove([name for name in names if name != measure][-1])
    return names


def _tables(answer: Answer, output: str) -> list[pa.Table]:
    """The rows of an answer; those of sections say which one they are of.

    Shape: JSON rows have their own section's columns; CSV and Arrow have one header for all.
    """
    if not answer.sections:
        return [answer.table]
    named = [
        section.table.add_column(
            0, "section", pa.repeat(pa.scalar(section.name), section.table.num_rows)
        )
        for section in answer.sections
    ]
    return named if output == "json" else [pa.concat_tables(named, promote_options="permissive")]


def _notes(answer: Answer) -> list[str]:
    lines = list(answer.notes)
    if answer.truncated:
        lines.append("cut: there are more rows than the limit")
    return lines


def _print_footer(console: Console, answer: Answer) -> None:
    for line in _notes(answer):
        console.print(line, style="yellow", markup=False)
    scan = answer.scan
    rolled_up = " by their rollups" if scan.rollup else ""
    console.print(
        f"{scan.rows:,} records{rolled_up}, {bytes_text(scan.bytes)} in {scan.files:,} files "
        f"({scan.files_pruned:,} pruned), {answer.elapsed_s:.2f} s",
        style="dim",
        markup=False,
    )
