"""Runs checked SQL on the embedded engine and says what its columns mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from vpcflow.query.address_functions import addresses_as_text, register_address_functions
from vpcflow.query.answer import Answer, ColumnKind, ColumnMeta, Scan
from vpcflow.query.expression import Expression
from vpcflow.query.plain_numbers import with_plain_numbers
from vpcflow.query.scan_cost import cost_of, notes_of
from vpcflow.query.sql import OutputColumn, prepare_sql
from vpcflow.query.time_range import TimeRange
from vpcflow.record.field_spec import FieldKind
from vpcflow.record.fields import FIELDS_BY_COLUMN
from vpcflow.store.data_file_entry import DataFileEntry, FileSelection

if TYPE_CHECKING:
    from vpcflow.query.engines.duckdb import DuckDbEngine

_KINDS: dict[str, ColumnKind] = {
    "start": "time",
    "end": "time",
    "bytes": "bytes",
    "packets": "packets",
    "protocol": "protocol",
    "srcport": "port",
    "dstport": "port",
}


class SelectsFiles(Protocol):
    """The file index, as far as SQL needs it."""

    def select(
        self,
        *,
        start_s: int | None = None,
        end_s: int | None = None,
        host_ranges: list[tuple[bytes, bytes]] | None = None,
    ) -> FileSelection: ...


def answer_sql(
    text: str,
    *,
    now_s: float,
    within: TimeRange,
    condition: Expression | None = None,
    index: SelectsFiles,
    open_engine: Callable[[Sequence[DataFileEntry]], DuckDbEngine],
    rows_max: int | None = None,
) -> Answer:
    """The answer to one SELECT over the view flow_records.

    Errors: FilterError at the character that is wrong; LimitError when a bound was met.
    """
    present = {name for entry in index.select().files for name in entry.columns}
    prepared = prepare_sql(
        text,
        now_s=now_s,
        within=within,
        condition=condition,
        columns=_view_columns(present),
        rows_max=rows_max,
    )
    time_range = prepared.time_range or TimeRange()
    ranges = prepared.host_ranges
    selection = index.select(
        start_s=time_range.start_s,
        end_s=time_range.end_s,
        host_ranges=None if ranges is None else [(span.first, span.last) for span in ranges],
    )
    with open_engine(selection.files) as engine:
        if prepared.needs_address_text:
            register_address_functions(engine.connection)
        found = engine.run_sql(prepared.sql, columns=prepared.stored_columns)
    table = addresses_as_text(
        with_plain_numbers(found.table),
        [column.name for column in prepared.columns if column.is_address],
    )
    columns = tuple(_meta(column) for column in prepared.columns)
    scan, note = cost_of(selection) if prepared.reads_records else (Scan(), None)
    if note is None:
        return Answer(table, columns, scan, truncated=found.truncated)
    return Answer(
        table,
        columns,
        scan,
        note,
        found.truncated,
        notes=notes_of(note),
        start_s=time_range.start_s,
        end_s=time_range.end_s,
        snapshot=selection.snapshot.name,
    )


def _view_columns(present: set[str]) -> list[str]:
    """AWS's columns that some file has values for, and the default ones."""
    made_up = {"srcaddr", "dstaddr", "srcport", "dstport", "start", "end"}
    packet = {"pkt_srcaddr", "pkt_dstaddr"} if "pkt_same" in present else set()
    default = {column for column, spec in FIELDS_BY_COLUMN.items() if spec.since_version == 2}
    return sorted((present | made_up | packet | default) & set(FIELDS_BY_COLUMN))


def _meta(column: OutputColumn) -> ColumnMeta:
    if column.is_address:
        return ColumnMeta(column.name, "address", column.name)
    kind: ColumnKind = "text"
    spec = FIELDS_BY_COLUMN.get(column.field)
    if spec is not None:
        plain: ColumnKind = "text" if spec.kind is FieldKind.TEXT else "count"
        kind = _KINDS.get(column.field, plain)
    return ColumnMeta(column.name, kind, column.name)
