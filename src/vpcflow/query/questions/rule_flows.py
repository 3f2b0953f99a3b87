"""What was accepted at each interface, as rules see it: way, peer, protocol, service, leg.

Which end is the service, and so whether a record is of a request or of its reply, is known where
its TCP flags hold the SYN. Else the lower port is taken to be the service's. Where that one is high
too, ``other_port`` is the other, so that rules can say which it is; clients take ports from
CLIENT_PORTS_FROM on. DHCP is left out: no rule is asked about it.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from vpcflow.query.answer import ColumnMeta
from vpcflow.query.expression import Compare, Expression
from vpcflow.query.questions.question import (
    LIMIT_MAX,
    MEASURE_COLUMNS,
    UNSIZED_COLUMN,
    Frame,
    Parameters,
    Question,
    largest,
    measures,
)

#: The first port that Linux gives to clients; services lie below.
CLIENT_PORTS_FROM = 32_768

#: Values of ``leg``.
REQUEST, REPLY, UNSURE = 0, 1, 2

_COLUMNS = (
    ColumnMeta("interface_id", "text", "Interface"),
    ColumnMeta("direction", "count", "Direction"),
    ColumnMeta("host", "address", "Host"),
    ColumnMeta("peer", "address", "Peer"),
    ColumnMeta("protocol", "protocol", "Protocol"),
    ColumnMeta("port", "port", "Port"),
    ColumnMeta("other_port", "port", "Other port", quiet=True),
    ColumnMeta("leg", "count", "Leg"),
    *MEASURE_COLUMNS,
    ColumnMeta("last_seen", "time", "Last seen"),
    UNSIZED_COLUMN,
)
_KEYS = ("interface_id", "direction", "host", "peer", "protocol", "port", "other_port", "leg")
_TCP, _UDP = 6, 17
_SYN, _ACK = 2, 16
_DHCP = ((67, 68), (546, 547))


class RuleFlowsParameters(Parameters):
    """Parameters of rule_flows."""

    limit: int = Field(
        default=100_000, ge=1, le=LIMIT_MAX, description="How many rows, most records first."
    )


def _columns(_: RuleFlowsParameters, __: Frame) -> tuple[ColumnMeta, ...]:
    return _COLUMNS


def _accepted(_: RuleFlowsParameters) -> Expression:
    return Compare("action", "=", "ACCEPT")


def _build(records: Any, parameters: RuleFlowsParameters) -> Any:
    import ibis

    known = records.filter(
        records.interface_id.notnull()
        & records.peer.notnull()
        & records.host.notnull()
        & records.protocol.notnull()
    )
    low, high = known.lo_port, known.hi_port
    for pair in _DHCP:
        is_dhcp = (known.protocol == _UDP) & low.isin(pair) & high.isin(pair)
        known = known.filter(~is_dhcp.fill_null(False))
        low, high = known.lo_port, known.hi_port
    # The destination has the lower port where ports are swapped.
    to_low = known.swapped.fill_null(False)
    flags = known.tcp_flags.fill_null(0)
    began = (known.protocol == _TCP) & ((flags & _SYN) == _SYN)
    answered = (flags & _ACK) == _ACK
    has_ports = known.protocol.isin((_TCP, _UDP))
    by_ports = (has_ports & (low < high)).fill_null(False)
    keyed = known.mutate(
        port=ibis.cases(
            (~has_ports, ibis.null("int32")),
            (began & (answered == to_low), high),
            else_=low,
        ),
        other_port=(~began & by_ports & (low >= CLIENT_PORTS_FROM)).ifelse(
            high, ibis.null("int32")
        ),
        leg=ibis.cases(
            (began & answered, REPLY),
            (began, REQUEST),
            (by_ports & to_low, REQUEST),
            (by_ports, REPLY),
            else_=UNSURE,
        ).cast("int64"),
    )
    # Of a SYN the service is the destination's port, of what answers one the source's.
    groups = keyed.group_by(*_KEYS).aggregate(**measures(keyed), last_seen=keyed.last_start.max())
    return largest(groups, "records", _KEYS, parameters.limit)


QUESTION = Question("rule_flows", RuleFlowsParameters, _columns, _build, condition=_accepted)
