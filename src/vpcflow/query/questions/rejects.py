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
    count,
    largest,
    measures,
)


class RejectsBy(StrEnum):
    """What refused records are gathered by."""

    PORT = "port"
    SOURCE = "source"
    TARGET = "target"
    INTERFACE = "interface"
    RULE = "rule"


class RejectsParameters(TopParameters):
    """Parameters of rejects."""

    sort: Measure = Field(default=Measure.RECORDS, description="What the largest has most of.")
    by: RejectsBy = Field(
        default=RejectsBy.PORT,
        description="port: protocol and destination port; source or target: the address; "
        "interface: the network interface that refused; rule: the rule that did.",
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
    RejectsBy.RULE: (("rule", "reject_rule", "text", "Rule"),),
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


def known_key(key: Any) -> Any:
    """A key with a value that no record has in place of null, for joins that nulls take part in."""
    if key.type().is_integer():
        return key.fill_null(-1)
    return key.fill_null(b"" if key.type().is_binary() else "-")


def build_rejects(records: Any, parameters: RejectsParameters) -> Any:
    """The largest groups of refused records; the condition has chosen them already."""
    from vpcflow.query.stored_table import column

    field, one, many = _other(parameters.by)
    keys = _KEYS[parameters.by]
    names = tuple(name for name, *_ in keys)
    keyed = records.mutate(
        **{name: column(records, stored) for name, stored, *_ in keys},
        other=column(records, field),
    )
    groups = keyed.group_by(*names).aggregate(
        **measures(keyed), first_seen=keyed.first_start.min(), last_seen=keyed.last_start.max()
    )
    top = largest(groups, parameters.sort, names, parameters.limit)
    # The other sides are counted for the listed groups alone: there may be millions of them.
    listed = top.select(**{f"listed_{name}": top[name] for name in names})
    kept = keyed.inner_join(
        listed, [known_key(keyed[name]) == known_key(listed[f"listed_{name}"]) for name in names]
    )
    couples = kept.group_by(*names, "other").aggregate(records=count(kept))
    # One by one they would have to be put in order, to find the first alone.
    sizes = couples.group_by(**{f"other_{name}": couples[name] for name in names}).aggregate(
        **{many: couples.other.count(), "most": couples.records.max()}
    )
    largest_ones = couples.inner_join(
        sizes,
        [
            *(known_key(couples[name]) == known_key(sizes[f"other_{name}"]) for name in names),
            couples.records == sizes.most,
        ],
    )
    # Of the largest the smallest address is the top one.
    others = largest_ones.group_by(*(f"other_{name}" for name in names)).aggregate(
        **{many: largest_ones[many].max(), f"top_{one}": largest_ones.other.min()}
    )
    joined = top.left_join(
        others, [known_key(top[name]) == known_key(others[f"other_{name}"]) for name in names]
    )
    return largest(joined, parameters.sort, names, parameters.limit)


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
