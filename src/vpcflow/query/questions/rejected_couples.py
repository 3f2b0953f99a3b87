"""For each refused port, the rule that refused most, and the two ends that it refused most often.

A rule that records name comes before none, however many records name none.
"""

from __future__ import annotations

from typing import Any

from vpcflow.query.answer import ColumnMeta
from vpcflow.query.expression import Expression
from vpcflow.query.plan import REFUSED
from vpcflow.query.questions.question import (
    OF_CONVERSATIONS,
    Frame,
    Measure,
    Question,
    TopParameters,
    count,
    largest,
)

_COLUMNS = (
    ColumnMeta("protocol", "protocol", "Protocol"),
    ColumnMeta("port", "port", "Port"),
    ColumnMeta("rule", "rule", "Rule"),
    ColumnMeta("interface_id", "text", "Interface"),
    ColumnMeta("source", "address", "Source"),
    ColumnMeta("target", "address", "Target"),
    ColumnMeta("rule_records", "count", "Records of the rule"),
    ColumnMeta("port_records", "count", "Records of the port"),
    ColumnMeta("records", "count", "Records of these two"),
)
_PORT = ("protocol", "port")
_ENDS = ("interface_id", "source", "target")


class RejectedCouplesParameters(TopParameters):
    """Parameters of rejected_couples."""

    sort: Measure = Measure.RECORDS


def _columns(_: RejectedCouplesParameters, __: Frame) -> tuple[ColumnMeta, ...]:
    return _COLUMNS


def _refused(_: RejectedCouplesParameters) -> Expression:
    return REFUSED


def _first_rules(groups: Any) -> Any:
    """For each port its rule, and how many records its largest group has."""
    import ibis

    rules = groups.group_by(*_PORT, "rule").aggregate(
        rule_records=count(groups), most=groups.records.max()
    )
    ranked = rules.mutate(
        place=ibis.row_number().over(
            ibis.window(
                group_by=list(_PORT),
                order_by=[
                    rules.rule.isnull().asc(),
                    rules.rule_records.desc(),
                    rules.rule.asc(),
                ],
            )
        )
    ).filter(lambda rules: rules.place == 0)
    return ranked.select(
        rule_records=ranked.rule_records,
        first_rule=ranked.rule.fill_null(""),
        most=ranked.most,
        **{f"first_{name}": ranked[name] for name in _PORT},
    )


def _first_ends(groups: Any, rules: Any) -> Any:
    """For each port the first of the largest groups of its rule: only few are put in order."""
    import ibis

    largest_ones = groups.inner_join(
        rules,
        [
            *(groups[name] == rules[f"first_{name}"] for name in _PORT),
            groups.rule.fill_null("") == rules.first_rule,
            groups.records == rules.most,
        ],
    )
    return largest_ones.mutate(
        place=ibis.row_number().over(
            ibis.window(
                group_by=list(_PORT),
                order_by=[largest_ones[name].asc(nulls_first=False) for name in _ENDS],
            )
        )
    ).filter(lambda ranked: ranked.place == 0)


def _build(records: Any, parameters: RejectedCouplesParameters) -> Any:
    from vpcflow.query.stored_table import column

    keyed = records.mutate(
        protocol=records.protocol,
        port=column(records, "dstport").fill_null(-1),
        rule=records.reject_rule,
        source=column(records, "srcaddr"),
        target=column(records, "dstaddr"),
    ).filter(records.protocol.notnull())
    measure = parameters.sort.value
    sizes = keyed.group_by(*_PORT).aggregate(
        port_records=count(keyed),
        size=count(keyed) if measure == "records" else keyed[measure].sum(),
    )
    top = largest(sizes, "size", _PORT, parameters.limit)
    listed = top.select(
        port_records=top.port_records, **{f"listed_{name}": top[name] for name in _PORT}
    )
    # Ends are gathered for the listed ports alone: there may be millions of them.
    kept = keyed.inner_join(listed, [keyed[name] == listed[f"listed_{name}"] for name in _PORT])
    groups = kept.group_by(*_PORT, "rule", *_ENDS).aggregate(
        records=count(kept), port_records=kept.port_records.max()
    )
    first = _first_ends(groups, _first_rules(groups))
    shown = first.select(
        protocol=first.protocol,
        port=first.port.nullif(-1),
        rule=first.rule,
        interface_id=first.interface_id,
        source=first.source,
        target=first.target,
        rule_records=first.rule_records.cast("int64"),
        port_records=first.port_records,
        records=first.records,
    )
    return largest(shown, "port_records", _PORT, parameters.limit)


QUESTION = Question(
    "rejected_couples",
    RejectedCouplesParameters,
    _columns,
    _build,
    condition=_refused,
    grain=OF_CONVERSATIONS,
)
