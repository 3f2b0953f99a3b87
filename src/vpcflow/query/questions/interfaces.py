"""Network interfaces: totals, first and last record, own addresses, reject share."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from vpcflow.query.answer import ColumnMeta
from vpcflow.query.answer_arrays import array_of
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
    summed,
)

_COLUMNS = (
    ColumnMeta("account_id", "text", "Account"),
    ColumnMeta("interface_id", "text", "Interface"),
    ColumnMeta("address", "address", "Address"),
    ColumnMeta("addresses", "count", "Addresses"),
    *MEASURE_COLUMNS,
    ColumnMeta("bytes_out", "bytes", "Out"),
    ColumnMeta("bytes_in", "bytes", "In"),
    ColumnMeta("rejected", "count", "Rejected"),
    ColumnMeta("reject_share", "ratio", "Reject share"),
    ColumnMeta("first", "time", "First"),
    ColumnMeta("last", "time", "Last"),
    UNSIZED_COLUMN,
)


class InterfacesParameters(TopParameters):
    """Parameters of interfaces."""


def _columns(_: InterfacesParameters, __: Frame) -> tuple[ColumnMeta, ...]:
    return _COLUMNS


def _build(records: Any, parameters: InterfacesParameters) -> Any:
    import ibis

    groups = records.group_by("account_id", "interface_id", "host").aggregate(
        **measures(records),
        bytes_out=records.bytes.sum(where=records.direction == 0),
        bytes_in=records.bytes.sum(where=records.direction == 1),
        rejected=count(records, records.action == "REJECT"),
        flows=count(records, records.action.notnull()),
        first=records.first_start.min(),
        last=records.last_start.max(),
    )
    # The address that most records name stands for the interface.
    ranked = groups.mutate(
        place=ibis.row_number().over(
            ibis.window(
                group_by=["account_id", "interface_id"],
                order_by=[
                    groups.host.isnull().asc(),
                    groups.records.desc(),
                    groups.host.asc(nulls_first=False),
                ],
            )
        )
    )
    interfaces = ranked.group_by("account_id", "interface_id").aggregate(
        **summed(ranked),
        address=ranked.host.max(where=ranked.place == 0),
        addresses=ranked.host.count(),
        bytes_out=ranked.bytes_out.sum(),
        bytes_in=ranked.bytes_in.sum(),
        rejected=ranked.rejected.sum(),
        flows=ranked.flows.sum(),
        first=ranked["first"].min(),
        last=ranked["last"].max(),
    )
    return largest(interfaces, parameters.sort, ("account_id", "interface_id"), parameters.limit)


def _finish(table: pa.Table, _: InterfacesParameters, __: Frame) -> pa.Table:
    """Adds the share of flow records that were refused; null where there was no flow."""
    share = [
        row["rejected"] / row["flows"] if row["flows"] else None
        for row in table.select(["rejected", "flows"]).to_pylist()
    ]
    return table.append_column("reject_share", array_of(share, pa.float64()))


QUESTION = Question(
    "interfaces",
    InterfacesParameters,
    _columns,
    _build,
    grain=OF_CONVERSATIONS,
    finish=_finish,
)
