"""Groups of records by one to three fields, at once or over time: tables, bars, pies and pivots.

With ``other`` one more row holds what the listed groups leave, so that shares are true. Over time
every listed group has every interval, with 0 where nothing was. A breakdown by ``address`` counts
a record at either end, as talkers does.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator

from vpcflow.query.answer import ColumnMeta
from vpcflow.query.answer_arrays import array_of
from vpcflow.query.questions.breakdown_fields import (
    ADDRESS,
    CLASS,
    Key,
    fields_named,
    keys_of,
    knows,
    value_of,
)
from vpcflow.query.questions.question import (
    MEASURE_COLUMNS,
    UNSIZED_COLUMN,
    Frame,
    Parameters,
    Question,
    count,
    largest,
    measures,
)
from vpcflow.query.questions.rejects import known_key
from vpcflow.query.questions.traffic import (
    INTERVALS_MAX,
    checked_interval,
    is_traffic,
    times_of,
    width_of,
)
from vpcflow.query.rollup_choice import Grain
from vpcflow.query.time_range import parse_span
from vpcflow.store.rollup_schema import TRAFFIC_PERIOD_S
from vpcflow.store.stored_schema import SECONDS_AN_HOUR

LIMIT_MAX = 10_000

_SUMS = ("bytes", "packets", "records", "rejected", "records_without_bytes")


class BreakdownSort(StrEnum):
    """What the groups are sorted by."""

    BYTES = "bytes"
    PACKETS = "packets"
    RECORDS = "records"
    REJECTED = "rejected"


class BreakdownParameters(Parameters):
    """Parameters of breakdown."""

    by: str = Field(
        default="address",
        description="1 to 3 fields with commas between: any field of records, class, scope, host, "
        "peer, address (either end) or service (protocol and lower port).",
    )
    interval: str = Field(
        default="", description="Over time, in intervals of a span or auto; empty for sums alone."
    )
    intervals_max: int = Field(
        default=300, ge=1, le=INTERVALS_MAX, description="The most intervals to answer with."
    )
    limit: int = Field(default=10, ge=1, le=LIMIT_MAX, description="How many groups to list.")
    sort: BreakdownSort = Field(
        default=BreakdownSort.BYTES, description="What the first groups have most of."
    )
    other: bool = Field(default=False, description="Add a row for all that is not listed.")
    distinct: bool = Field(
        default=False, description="Count the different hosts and peers of each group; slower."
    )

    @field_validator("by")
    @classmethod
    def _by_names_fields(cls, by: str) -> str:
        return ",".join(fields_named(by))

    @field_validator("interval")
    @classmethod
    def _interval_is_a_span(cls, interval: str) -> str:
        return checked_interval(interval) if interval else ""

    @property
    def keys(self) -> tuple[Key, ...]:
        """The columns of the groups."""
        return keys_of(fields_named(self.by))


def _resolve(parameters: BreakdownParameters, frame: Frame) -> BreakdownParameters:
    if not parameters.interval:
        return parameters
    width_s = width_of(parameters.interval, parameters.intervals_max, frame)
    return parameters.model_copy(update={"interval": f"{width_s}s"})


def _grain(parameters: BreakdownParameters, frame: Frame) -> Grain:
    fields = fields_named(parameters.by)

    def known(grain: Grain) -> bool:
        return knows(grain, fields, frame.fields, frame.refused)

    width_s = parse_span(parameters.interval) if parameters.interval else 0
    if not parameters.distinct:
        if width_s % TRAFFIC_PERIOD_S == 0 and known(Grain.TRAFFIC):
            return Grain.TRAFFIC
        if width_s % SECONDS_AN_HOUR == 0 and known(Grain.HOURS):
            return Grain.HOURS
    return Grain.CONVERSATIONS if not width_s and known(Grain.CONVERSATIONS) else Grain.RECORDS


def _columns(parameters: BreakdownParameters, _: Frame) -> tuple[ColumnMeta, ...]:
    columns = [key.column for key in parameters.keys]
    if parameters.interval:
        columns.insert(0, ColumnMeta("time", "time", "Time"))
    columns += [*MEASURE_COLUMNS, ColumnMeta("rejected", "count", "Rejected")]
    if parameters.distinct:
        columns += [ColumnMeta("hosts", "count", "Hosts"), ColumnMeta("peers", "count", "Peers")]
    columns.append(UNSIZED_COLUMN)
    if parameters.other:
        columns.append(ColumnMeta("is_other", "count", "Other", quiet=True))
    return tuple(columns)


def _sums(rows: Any) -> dict[str, Any]:
    return {**measures(rows), "rejected": count(rows, rows.action == "REJECT")}


def _added(groups: Any, names: Sequence[str]) -> dict[str, Any]:
    """The sums of groups that have sums; counts fit in 64 bits."""
    return {
        name: groups[name].sum()
        if name in {"bytes", "packets"}
        else groups[name].sum().cast("int64")
        for name in names
    }


def _sides(rows: Any, parameters: BreakdownParameters) -> list[Any]:
    """The rows with their keys, as each end sees them where the ends count apart."""
    fields = fields_named(parameters.by)
    if CLASS in fields:
        rows = rows.filter(is_traffic(rows))
    if parameters.interval:
        rows = rows.filter(rows.start.notnull())
    sides = []
    for end in ("host", "peer") if ADDRESS in fields else ("host",):
        kept = rows.filter(rows[end].notnull()) if ADDRESS in fields else rows
        values = {f"key_{key.name}": value_of(kept, key, end) for key in parameters.keys}
        if parameters.interval:
            width_s = parse_span(parameters.interval)
            values["key_time"] = kept.start - kept.start % width_s
        sides.append(kept.mutate(**values))
    return sides


def _grouped(sides: Sequence[Any], keys: Sequence[str], only: str = "") -> Any:
    """Sums by keys over all sides; each side is summed up before they are put together.

    Shape: all sums, or ``only`` one of them.
    """
    import ibis

    groups = []
    for side in sides:
        sums = {only: _sums(side)[only]} if only else _sums(side)
        named = {key: side[f"key_{key}"] for key in keys}
        groups.append(side.group_by(**named).aggregate(**sums) if keys else side.aggregate(**sums))
    if len(groups) == 1:
        return groups[0]
    both = ibis.union(*groups, distinct=False)
    added = _added(both, [only] if only else _SUMS)
    return both.group_by(*keys).aggregate(**added) if keys else both.aggregate(**added)


def _kept(side: Any, listed: Any, keys: Sequence[str]) -> Any:
    """The rows of the listed groups."""
    pairs = [known_key(side[f"key_{key}"]) == known_key(listed[f"listed_{key}"]) for key in keys]
    return side.semi_join(listed, pairs)


def _with_distinct(top: Any, sides: Sequence[Any], keys: Sequence[str]) -> Any:
    """How many hosts and peers each of the listed groups has; ``sides`` hold their rows alone."""
    import ibis

    ends = []
    for kept in sides:
        columns = {f"other_{key}": kept[f"key_{key}"] for key in keys}
        ends.append(kept.select(**columns, host=kept.host, peer=kept.peer).distinct())
    both = ends[0] if len(ends) == 1 else ibis.union(*ends, distinct=True)
    counted = both.group_by(*(f"other_{key}" for key in keys)).aggregate(
        hosts=both.host.nunique(), peers=both.peer.nunique()
    )
    joined = top.left_join(
        counted, [known_key(top[key]) == known_key(counted[f"other_{key}"]) for key in keys]
    )
    return joined.select(*top.columns, "hosts", "peers")


def _build(rows: Any, parameters: BreakdownParameters) -> Any:
    import ibis

    names = tuple(key.name for key in parameters.keys)
    sides = _sides(rows, parameters)
    timed = bool(parameters.interval)
    # Found by what they are sorted by alone, and only then summed up whole: there may be millions.
    sizes = _grouped(sides, names, parameters.sort)
    top = largest(sizes, parameters.sort, names, parameters.limit)
    listed = top.select(**{f"listed_{name}": top[name] for name in names})
    kept = [_kept(side, listed, names) for side in sides]
    answer = _grouped(kept, ("time", *names) if timed else names)
    if parameters.distinct and not timed:
        answer = _with_distinct(answer, kept, names)
    if not parameters.other:
        return answer if timed else largest(answer, parameters.sort, names, parameters.limit)
    # The sums of everything come along, and the rest is what the listed groups leave of them.
    whole = _grouped(sides, ("time",) if timed else ())
    answer = answer.mutate(is_other=ibis.literal(0, type="int64"))
    absent = {
        name: ibis.null(answer[name].type()) for name in answer.columns if name not in whole.columns
    }
    absent["is_other"] = ibis.literal(1, type="int64")
    casts = {name: whole[name].cast(answer[name].type()) for name in whole.columns}
    rest = whole.mutate(**absent).mutate(**casts).select(*answer.columns)
    return ibis.union(answer, rest, distinct=False)


def _finish(table: pa.Table, parameters: BreakdownParameters, frame: Frame) -> pa.Table:
    if parameters.interval:
        return _filled(table, parameters, frame)
    if not parameters.other:
        return table
    listed = table.filter(pc.equal(table["is_other"], 0))
    order = [(parameters.sort.value, "descending")]
    order += [(key.name, "ascending") for key in parameters.keys]
    listed = listed.sort_by(order)
    rest = table.filter(pc.equal(table["is_other"], 1))
    left = _left(_rows(rest)[:1], _rows(listed))
    for name in _SUMS:
        place = rest.schema.get_field_index(name)
        rest = rest.set_column(place, name, array_of([left[name]], pa.int64()))
    return pa.concat_tables(
        [listed.cast(rest.schema), rest] if left["records"] else [listed], promote_options="none"
    )


def _rows(table: pa.Table) -> list[dict[str, Any]]:
    return table.select(list(_SUMS)).to_pylist()  # type: ignore[no-any-return]


def _left(whole: list[dict[str, Any]], listed: list[dict[str, Any]]) -> dict[str, Any]:
    """What some rows leave of a whole; null where the rest says nothing."""
    total = whole[0] if whole else dict.fromkeys(_SUMS, 0)
    left = {name: (total[name] or 0) - sum(row[name] or 0 for row in listed) for name in _SUMS}
    if left["records"] and left["records"] == left["records_without_bytes"]:
        left["bytes"] = None
    return left


def _filled(table: pa.Table, parameters: BreakdownParameters, frame: Frame) -> pa.Table:
    """Every listed group at every time, the largest first, and the rest after them."""
    names = [key.name for key in parameters.keys]
    rows = table.to_pylist()
    flags = [bool(row.get("is_other")) for row in rows]
    lines: dict[tuple[Any, ...], int] = {}
    totals: dict[tuple[Any, ...], int] = {}
    sums: dict[tuple[int, tuple[Any, ...]], dict[str, Any]] = {}
    whole: dict[int, dict[str, Any]] = {}
    for place, (row, is_whole) in enumerate(zip(rows, flags, strict=True)):
        if is_whole:
            whole[row["time"]] = row
            continue
        line = tuple(row[name] for name in names)
        lines.setdefault(line, place)
        totals[line] = totals.get(line, 0) + (row[parameters.sort] or 0)
        sums[row["time"], line] = row
    ranked = (
        sorted(
            lines, key=lambda line: (-totals[line], [(value is None, value or 0) for value in line])
        )
        if len({tuple(map(type, line)) for line in lines}) <= 1
        else sorted(lines, key=lambda line: (-totals[line], str(line)))
    )
    nothing = dict.fromkeys(_SUMS, 0)
    places: list[int | None] = []
    measured: list[dict[str, Any]] = []
    times: list[int] = []
    has_rest = parameters.other and any(
        _left([whole[time_s]], [sums.get((time_s, line), nothing) for line in ranked])["records"]
        for time_s in whole
    )
    for time_s in times_of(parse_span(parameters.interval), frame):
        found = [sums.get((time_s, line), nothing) for line in ranked]
        measured += found
        places += [lines[line] for line in ranked]
        if has_rest:
            measured.append(_left([whole[time_s]] if time_s in whole else [], found))
            places.append(None)
        times += [time_s] * (len(ranked) + has_rest)
    keys = table.select(names).take(array_of(places, pa.int64()))
    columns: dict[str, Any] = {"time": array_of(times, pa.int64())}
    columns |= {name: keys.column(name) for name in names}
    columns |= {name: array_of([row[name] for row in measured], pa.int64()) for name in _SUMS}
    columns["is_other"] = array_of([int(place is None) for place in places], pa.int64())
    return pa.table(columns)


QUESTION = Question(
    "breakdown",
    BreakdownParameters,
    _columns,
    _build,
    resolve=_resolve,
    grain=_grain,
    finish=_finish,
    finish_needs_all=True,
)
