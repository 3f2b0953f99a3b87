"""Services: records by protocol and service port.

The service port of a record is the lower of its two ports, whichever end has it: clients take
high ports. Two high ports leave a doubt that no flow record can settle. ICMP has port 0.
"""

from __future__ import annotations

from typing import Any

from vpcflow.query.answer import ColumnMeta
from vpcflow.query.questions.question import (
    MEASURE_COLUMNS,
    OF_CONVERSATIONS,
    UNSIZED_COLUMN,
    Frame,
    Question,
    TopParameters,
    count,
    largest,
    measures,
)

_COLUMNS = (
    ColumnMeta("protocol", "protocol", "Protocol"),
    ColumnMeta("port", "port", "Port"),
    *MEASURE_COLUMNS,
    ColumnMeta("rejected", "count", "Rejected"),
    UNSIZED_COLUMN,
)


class PortsParameters(TopParameters):
    """Parameters of ports."""


def _columns(_: PortsParameters, __: Frame) -> tuple[ColumnMeta, ...]:
    return _COLUMNS


def _build(records: Any, parameters: PortsParameters) -> Any:
    known = records.filter(records.protocol.notnull())
    ports = known.group_by(protocol=known.protocol, port=known.lo_port).aggregate(
        **measures(known), rejected=count(known, known.action == "REJECT")
    )
    return largest(ports, parameters.sort, ("protocol", "port"), parameters.limit)


QUESTION = Question("ports", PortsParameters, _columns, _build, grain=OF_CONVERSATIONS)
