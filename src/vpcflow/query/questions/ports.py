"""Services: records by protocol and service port.

The service port of a record is the lower of its two ports, whichever end has it: clients take
high ports. Two high ports leave a doubt that no flow record can settle. ICMP has port 0.
"""

from __future__ import annotations

from typing import Any

from vpcflow.query.answer import ColumnMeta
from vpcflow.query.questions.question import (
    MEASURE_COLUMNS,
    UNSIZED_COLUMN,
    Frame,
    Question,
    TopParameters,
    largest,
    measures,
    summed,
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
    groups = known.group_by(protocol=known.protocol, port=known.lo_port, action=known.action)
    counted = groups.aggregate(**measures(known))
    ports = counted.group_by("protocol", "port").aggregate(
        **summed(counted),
        rejected=counted.records.sum(where=counted.action == "REJECT").fill_null(0),
    )
    return largest(ports, parameters.sort, ("protocol", "port"), parameters.limit)


QUESTION = Question("ports", PortsParameters, _columns, _build)
