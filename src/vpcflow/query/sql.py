"""SQL over flow_records: one SELECT in AWS's names becomes one SELECT over the stored columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from vpcflow.base.errors import FilterError, LimitError
from vpcflow.query.expression import AddressRange, Expression
from vpcflow.query.sql_condition import condition_of_scans
from vpcflow.query.sql_guard import check_sql
from vpcflow.query.sql_rewrite import QueryRewriter
from vpcflow.query.sql_scope import OutColumn
from vpcflow.query.sql_text import parse_sql, split_sql, too_deep
from vpcflow.query.sql_view import (
    UNKNOWN_FIELDS,
    RecordScan,
    merge_ranges,
    scan_sql,
    stored_columns,
    view_columns,
)
from vpcflow.query.time_range import TimeRange
from vpcflow.record.fields import FIELDS, FIELDS_BY_COLUMN

#: The longest SQL that goes to the engine; rewriting repeats parts.
ENGINE_CHARACTERS_MAX = 8_000_000


@dataclass(frozen=True, slots=True)
class OutputColumn:
    """One column of an answer.

    Shape: ``field`` is the AWS column whose values it holds or sums, empty for others.
    """

    name: str
    is_address: bool
    field: str


@dataclass(frozen=True, slots=True)
class PreparedSql:
    """A checked query, ready for DuckDB.

    Shape: ``sql`` reads the one relation flow_records_stored and gives addresses as text; when
    ``needs_address_text`` the connection needs register_address_functions. ``time_range`` and
    ``host_ranges`` hold every record that can matter, None when any can. ``stored_columns`` are
    the columns that it reads. ``reads_records`` is false for a query such as SELECT 1.
    Units: ``rows_max`` is the bound on rows; the SQL gives one more when there are more.
    """

    sql: str
    columns: tuple[OutputColumn, ...]
    time_range: TimeRange | None
    host_ranges: tuple[AddressRange, ...] | None
    stored_columns: tuple[str, ...]
    needs_address_text: bool
    reads_records: bool
    rows_max: int | None


def prepare_sql(
    text: str,
    *,
    now_s: float,
    rows_max: int | None = None,
    within: TimeRange | None = None,
    condition: Expression | None = None,
    columns: Sequence[str] | None = None,
    unknown_fields: Sequence[str] = (),
) -> PreparedSql:
    """Check and rewrite one query.

    Shape: ``within`` bounds start and ``condition`` the records, beside what the query says;
    ``columns`` are what ``SELECT *`` gives, the whole registry when None; ``unknown_fields`` are
    names of fields that the registry does not have, each a text column with _ for -.
    Units: ``now_s`` is the moment of asking, epoch seconds.
    Errors: FilterError at the character that is wrong; LimitError when it is too long or too deep.
    """
    try:
        tokens = split_sql(text)
        tree = parse_sql(tokens, text)
        check_sql(tree, tokens, text)
        unknown = _unknown_names(unknown_fields)
        rewriter = QueryRewriter(
            text,
            now_s=now_s,
            view_columns=view_columns(columns, unknown),
            all_columns=[*(spec.column for spec in FIELDS), *unknown, UNKNOWN_FIELDS],
        )
        while isinstance(tree, exp.Subquery) and not tree.args.get("alias"):
            tree = tree.this
        query, outputs = rewriter.rewrite(tree, None)
        if rows_max is not None:
            _limit(query, rows_max + 1)
        sql = rewriter.as_text(query, outputs).sql(
            "duckdb", normalize_functions=False, comments=False
        )
    except RecursionError as error:
        raise too_deep() from error
    bounded = condition_of_scans(condition, within or TimeRange())
    for scan in rewriter.scans.values():
        scan.bound(bounded.time_range.start_s, bounded.time_range.end_s)
        scan.condition = bounded
    for marker, scan in rewriter.scans.items():
        sql = sql.replace(marker, scan_sql(scan, unknown))
    if len(sql) > ENGINE_CHARACTERS_MAX:
        raise LimitError(
            "the query becomes too long for the engine", hint="use fewer networks at once"
        )
    scans = list(rewriter.scans.values())
    return PreparedSql(
        sql=sql,
        columns=tuple(map(_output, outputs)),
        time_range=_whole_time(scans),
        host_ranges=_whole_hosts(scans),
        stored_columns=stored_columns(scans),
        needs_address_text="addr_text(" in sql,
        reads_records=bool(scans),
        rows_max=rows_max,
    )


def _output(column: OutColumn) -> OutputColumn:
    is_address = column.kind is not None and not column.kind.is_network
    return OutputColumn(column.name, is_address, column.field)


def _unknown_names(names: Sequence[str]) -> dict[str, str]:
    """Columns of unknown fields with their names in the log format; a registry name wins."""
    columns = {name.replace("-", "_").lower(): name for name in names}
    return {
        column: name
        for column, name in columns.items()
        if column not in FIELDS_BY_COLUMN and column != UNKNOWN_FIELDS
    }


def _limit(query: exp.Expression, rows: int) -> None:
    """Bound the rows of the whole query; a smaller LIMIT of its own stays."""
    limit = query.args.get("limit")
    if limit is not None:
        value = limit.args.get("count") if isinstance(limit, exp.Fetch) else limit.expression
        if int(value.name) <= rows:
            return
    query.set("limit", exp.Limit(expression=exp.Literal.number(rows)))


def _whole_time(scans: list[RecordScan]) -> TimeRange | None:
    ranges = [scan.time_range for scan in scans]
    known = [one for one in ranges if one is not None]
    if not known or len(known) < len(ranges):
        return None
    starts, ends = [one.start_s for one in known], [one.end_s for one in known]
    return _open_to_none(
        TimeRange(
            None if None in starts else min(s for s in starts if s is not None),
            None if None in ends else max(e for e in ends if e is not None),
        )
    )


def _open_to_none(time_range: TimeRange) -> TimeRange | None:
    return None if time_range.is_open else time_range


def _whole_hosts(scans: list[RecordScan]) -> tuple[AddressRange, ...] | None:
    ranges = [scan.host_ranges for scan in scans]
    if not ranges or any(one is None for one in ranges):
        return None
    return merge_ranges(r for one in ranges if one is not None for r in one)


__all__ = ["FilterError", "OutputColumn", "PreparedSql", "prepare_sql"]
