"""Rejected bursts: when an interface refused far more than usual, and who was behind it.

First the series of every interface, from hourly sums where the range is a day or longer, and of the
sources that had much rejected, wherever it was; then the records of the intervals that stand out,
and no others. Sources are looked for among conversations that began and ended within an interval;
that only chooses where to look, and what is told of a burst is exact. Usual is what the asked range
shows, so ask for a long one and say with ``since_s`` which bursts matter.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import pyarrow as pa
from pydantic import Field

from vpcflow.query.answer import ColumnMeta, Section
from vpcflow.query.expression import (
    AddressRange,
    And,
    Compare,
    Expression,
    In,
    InNetwork,
    all_of,
    any_of,
)
from vpcflow.query.plan import REFUSED
from vpcflow.query.questions.burst_details import Detail, incidents
from vpcflow.query.questions.burst_series import INTERFACE_KEY, SOURCE_KEY, Spell, spells
from vpcflow.query.questions.question import Frame, Parameters, Question, Step, count
from vpcflow.query.rollup_choice import Grain
from vpcflow.query.row_tables import row_table
from vpcflow.query.time_range import MOMENT_MAX_S
from vpcflow.store.stored_schema import SECONDS_A_DAY, SECONDS_AN_HOUR

#: The most spells whose records are looked at, those that stand out most.
SPELLS_MAX = 256
#: The most separate stretches of time in one statement; more are joined, the nearest first.
WINDOWS_MAX = 16
#: With more interfaces than this the records of all are read.
INTERFACES_MAX = 128
#: Widths of intervals below a day, where records are read: a range this long or longer has them.
_WIDTHS_S = ((SECONDS_A_DAY, SECONDS_AN_HOUR), (6 * SECONDS_AN_HOUR, 300), (0, 60))

BURST_COLUMNS = (
    ColumnMeta("start", "time", "Start"),
    ColumnMeta("end", "time", "End"),
    ColumnMeta("shape", "text", "Shape"),
    ColumnMeta("account_id", "text", "Account"),
    ColumnMeta("interface_id", "text", "Interface"),
    ColumnMeta("interfaces", "count", "Interfaces"),
    ColumnMeta("rejected", "count", "Rejected"),
    ColumnMeta("baseline", "count", "Usual"),
    ColumnMeta("factor", "count", "Times usual"),
    ColumnMeta("top_source", "address", "Top source"),
    ColumnMeta("source_share", "ratio", "Of top source"),
    ColumnMeta("sources", "count", "Sources"),
    ColumnMeta("top_target", "address", "Top target"),
    ColumnMeta("targets", "count", "Targets"),
    ColumnMeta("top_protocol", "protocol", "Top protocol"),
    ColumnMeta("top_port", "port", "Top port"),
    ColumnMeta("ports", "count", "Ports"),
)


class BurstsBy(StrEnum):
    """What one burst is of."""

    INCIDENT = "incident"
    INTERFACE = "interface"


class BurstsParameters(Parameters):
    """Parameters of bursts."""

    by: BurstsBy = Field(
        default=BurstsBy.INCIDENT,
        description="incident: bursts of one source at the same time are one, however many "
        "interfaces refused it; interface: every interface's own.",
    )
    deviations: float = Field(
        default=6.0, ge=1, le=1_000, description="How many deviations above usual stand out."
    )
    records_min: int = Field(
        default=50, ge=1, description="Fewer rejected records in an interval are no burst."
    )
    since_s: int | None = Field(
        default=None,
        ge=0,
        le=MOMENT_MAX_S,
        description="List only bursts that end after this moment, epoch seconds.",
    )
    limit: int = Field(
        default=20, ge=1, le=SPELLS_MAX, description="How many bursts to list, the largest first."
    )


class SeriesWidth(Parameters):
    """What the statements depend on."""

    width_s: int
    records_min: int = 1


def width_of(frame: Frame) -> int:
    """How wide an interval is for a range."""
    length_s = (frame.end_s or 0) - (frame.start_s or 0)
    return next(width for least, width in _WIDTHS_S if length_s >= least)


def _columns(_: BurstsParameters, __: Frame) -> tuple[ColumnMeta, ...]:
    return BURST_COLUMNS


def _build_series(rows: Any, parameters: SeriesWidth) -> Any:
    timed = rows.filter(rows.start.notnull() & (rows.action == "REJECT"))
    return timed.group_by(
        account_id=timed.account_id,
        interface_id=timed.interface_id,
        time=timed.start - timed.start % parameters.width_s,
    ).aggregate(rejected=count(timed))


def _build_sources(rows: Any, parameters: SeriesWidth) -> Any:
    """The series of sources with enough rejected records in one interval, and of no others."""
    from vpcflow.query.stored_table import column

    refused = rows.filter(rows.action == "REJECT")
    width_s = parameters.width_s
    # Whoever comes again and again for hours is no burst, and nobody knows when its records were.
    refused = refused.filter(refused.first_start // width_s == refused.last_start // width_s)
    keyed = refused.select(
        source=column(refused, "srcaddr"),
        time=refused.first_start - refused.first_start % width_s,
        records=refused.records,
    )
    # Most sources come once or twice: far fewer groups are left without them.
    totals = keyed.group_by("source").aggregate(total=count(keyed))
    likely = totals.filter(totals.total >= parameters.records_min).select("source")
    kept = keyed.semi_join(likely, "source")
    series = kept.group_by("source", "time").aggregate(rejected=count(kept))
    large = series.filter(series.rejected >= parameters.records_min).select("source").distinct()
    return series.semi_join(large, "source")


def _build_details(records: Any, parameters: SeriesWidth) -> Any:
    from vpcflow.query.stored_table import column

    return records.group_by(
        account_id=records.account_id,
        interface_id=records.interface_id,
        time=records.start - records.start % parameters.width_s,
        source=column(records, "srcaddr"),
        target=column(records, "dstaddr"),
        protocol=records.protocol,
        port=column(records, "dstport"),
    ).aggregate(records=count(records), first=records.start.min(), last=records.start.max())


def _steps(parameters: BurstsParameters, frame: Frame) -> dict[str, Step]:
    width_s = width_of(frame)
    grain = Grain.HOURS if width_s % SECONDS_AN_HOUR == 0 else Grain.RECORDS
    steps = {"interfaces": Step(_build_series, grain, SeriesWidth(width_s=width_s))}
    if parameters.by is BurstsBy.INCIDENT:
        # A conversation does not know when each of its records was; an hour is coarse enough.
        grain = Grain.CONVERSATIONS if grain is Grain.HOURS else Grain.RECORDS
        large = SeriesWidth(width_s=width_s, records_min=parameters.records_min)
        steps["sources"] = Step(_build_sources, grain, large)
    return steps


def _spells(tables: dict[str, pa.Table], parameters: BurstsParameters, frame: Frame) -> list[Spell]:
    if frame.start_s is None or frame.end_s is None:
        return []
    width_s = width_of(frame)
    found = []
    for name, key in (("interfaces", INTERFACE_KEY), ("sources", SOURCE_KEY)):
        if name in tables:
            found += spells(
                tables[name].to_pylist(),
                key,
                start_s=frame.start_s - frame.start_s % width_s,
                end_s=frame.end_s,
                width_s=width_s,
                deviations=parameters.deviations,
                least=parameters.records_min,
            )
    found.sort(key=lambda one: (-one.excess, one.start_s, repr(one.key)))
    since_s = parameters.since_s
    return [one for one in found if since_s is None or one.end_s > since_s][:SPELLS_MAX]


def _follow(
    tables: dict[str, pa.Table], parameters: BurstsParameters, frame: Frame
) -> dict[str, Step]:
    found = _spells(tables, parameters, frame)
    if not found:
        return {}
    width = SeriesWidth(width_s=width_of(frame))
    return {"details": Step(_build_details, Grain.RECORDS, width, _condition(found))}


def _condition(found: list[Spell]) -> Expression | None:
    """Refused records of the spells; not exactly, so that few statements serve all of them."""
    windows = [
        And((Compare("start", ">=", start_s), Compare("start", "<", end_s)))
        for start_s, end_s in _windows(found)
    ]
    names = sorted({one.key[1] or "" for one in found if not one.is_of_source})
    sources = sorted({one.key[0] for one in found if one.is_of_source and one.key[0]})
    listed: Expression | None = None
    if len(names) <= INTERFACES_MAX and "" not in names:
        parts: list[Expression] = []
        if names:
            parts.append(In("interface-id", tuple(_padded(names))))
        if sources:
            spans = tuple(AddressRange(source, source) for source in _padded(sources))
            parts.append(InNetwork("srcaddr", spans))
        listed = any_of(*parts) if parts else None
    first_s, last_s = min(one.start_s for one in found), max(one.end_s for one in found)
    # The bounds of all are what lets whole files be left out.
    whole = (Compare("start", ">=", first_s), Compare("start", "<", last_s))
    return all_of(REFUSED, *whole, any_of(*_padded(windows)), listed)


def _windows(found: list[Spell]) -> list[tuple[int, int]]:
    """The stretches of time of all spells, at most WINDOWS_MAX of them."""
    joined: list[tuple[int, int]] = []
    for start_s, end_s in sorted((one.start_s, one.end_s) for one in found):
        if joined and start_s <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end_s, joined[-1][1]))
        else:
            joined.append((start_s, end_s))
    while len(joined) > WINDOWS_MAX:
        gaps = [joined[place + 1][0] - joined[place][1] for place in range(len(joined) - 1)]
        place = gaps.index(min(gaps))
        joined[place : place + 2] = [(joined[place][0], joined[place + 1][1])]
    return joined


def _padded(values: list[Any]) -> list[Any]:
    """As many as the next power of two, the last again and again: statements differ by number."""
    size = 1
    while size < len(values):
        size *= 2
    return values + values[-1:] * (size - len(values))


def _sections(
    tables: dict[str, pa.Table], parameters: BurstsParameters, frame: Frame
) -> list[Section]:
    found = _spells(tables, parameters, frame)
    rows = []
    if found:
        details = Detail.by_spell(tables["details"], found)
        rows = incidents(found, details, merged=parameters.by is BurstsBy.INCIDENT)
    table = row_table(rows[: parameters.limit], BURST_COLUMNS)
    return [Section("bursts", "Rejected bursts", table, BURST_COLUMNS)]


QUESTION = Question(
    "bursts",
    BurstsParameters,
    _columns,
    steps=_steps,
    follow=_follow,
    sections=_sections,
)
