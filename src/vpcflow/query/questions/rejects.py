"""What was refused, with first and last seen and who was most on the other side."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field

from vpcflow.query.answer import ColumnKind, ColumnMeta
from vpcflow.query.expression import Expression
from vpcflow.query.plan import REFUSED
from vpcflow.query.questions.question import (
    MEASURE_COLUMNS,
    OF_CONVERSATIONS,
    UNSIZED_COLUMN,
    Frame,
    Measure,
    Question,
    TopParameters,
    largest,
    measures,
    summed,
)


class RejectsBy(StrEnum):
    """What refused records are gathered by."""

    PORT = "port"
    SOURCE = "source"
    TARGET = "target"
    INTERFACE = "interface"


class RejectsParameters(TopParameters):
    """Parameters of rejects."""

    sort: Measure = Field(default=Measure.RECORDS, description="What the largest has most of.")
    by: RejectsBy = Field(
        default=RejectsBy.PORT,
        description="port: protocol and destination port; source or target: the address; "
        "interface: the network interface that refused.",
    )


_KEYS: dict[RejectsBy, tuple[tuple[str, str, ColumnKind, str], ...]] = {
    RejectsBy.PORT: (
        ("protocol", "protocol", "protocol", "Protocol"),
        ("port", "dstport", "port", "Port"),
    ),
    RejectsBy.SOURCE: (("source", "srcaddr", "address", "Source"),),
    RejectsBy.TARGET: (("target", "dstaddr", "address", "Target"),),
    RejectsBy.INTERFACE: (
        ("account_id", "account_id", "text", "Account"),
        ("interface_id", "interface_id", "text", "Interface"),
    ),
}


def _other(by: RejectsBy) -> tuple[str, str, str]:
    """The other side of a grouping: its field, and what it is called, one and many."""
    return (
        ("dstaddr", "target", "targets")
        if by is RejectsBy.SOURCE
        else ("srcaddr", "source", "sources")
    )


def _columns(parameters: RejectsParameters, _: Frame) -> tuple[ColumnMeta, ...]:
    _field, one, many = _other(parameters.by)
    records, packets, size = MEASURE_COLUMNS[2], MEASURE_COLUMNS[1], MEASURE_COLUMNS[0]
    return (
        *(ColumnMeta(name, kind, label) for name, _, kind, label in _KEYS[parameters.by]),
        records,
        packets,
        size,
        ColumnMeta(many, "count", many.capitalize()),
        ColumnMeta(f"top_{one}", "address", f"Top {one}"),
        ColumnMeta("first_seen", "time", "First seen"),
        ColumnMeta("last_seen", "time", "Last seen"),
        UNSIZED_COLUMN,
    )


def build_rejects(records: Any, parameters: RejectsParameters) -> Any:
    """The largest groups of refused records; the condition has chosen them already."""
    from vpcflow.query.stored_table import column

    field, one, many = _other(parameters.by)
    keys = _KEYS[parameters.by]
    names = tuple(name for name, *_ in keys)
    couples = records.group_by(
        **{name: column(records, stored) for name, stored, *_ in keys},
        other=column(records, field),
    ).aggregate(
        **measures(records),
        first_seen=records.first_start.min(),
        last_seen=records.last_start.max(),
    )
    # The larger the count, and then the smaller the address: first in this order is the top one.
    import ibis

    ranked = couples.mutate(
        place=ibis.row_number().over(
            ibis.window(
                group_by=list(names),
                order_by=[couples.records.desc(), couples.other.asc(nulls_first=False)],
            )
        )
    )
    groups = ranked.group_by(*names).aggregate(
        **summed(ranked),
        **{
            many: ranked.other.count(),
            f"top_{one}": ranked.other.max(where=ranked.place == 0),
        },
        first_seen=ranked.first_seen.min(),
        last_seen=ranked.last_seen.max(),
    )
    return largest(groups, parameters.sort, names, parameters.limit)


def refused(_: Any) -> Expression:
    """The condition of rejects."""
    return REFUSED


QUESTION = Question(
    "rejects",
    RejectsParameters,
    _columns,
    build_rejects,
    condition=refused,
    grain=OF_CONVERSATIONS,
)
