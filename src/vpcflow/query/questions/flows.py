"""The records themselves, newest first."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field, field_validator

from vpcflow.base.errors import FilterError
from vpcflow.query.answer import ColumnKind, ColumnMeta
from vpcflow.query.expression import Compare, Expression, all_of
from vpcflow.query.filter_language import parse_filter
from vpcflow.query.questions.question import LIMIT_MAX, Frame, Parameters, Question, Window
from vpcflow.record.field_spec import FieldKind
from vpcflow.record.fields import FIELDS, FIELDS_BY_COLUMN, FIELDS_BY_NAME

DEFAULT_FIELDS = (
    "start",
    "end",
    "srcaddr",
    "srcport",
    "dstaddr",
    "dstport",
    "protocol",
    "packets",
    "bytes",
    "action",
    "log-status",
    "interface-id",
)


#: With these, records that are equal in the first are in the same order every time.
_ORDER_COLUMNS = (
    "start",
    "host",
    "lo_port",
    "peer",
    "hi_port",
    "direction",
    "bytes",
    "packets",
    "interface_id",
)


class FlowsOrder(StrEnum):
    """Which records come first."""

    NEWEST = "newest"
    OLDEST = "oldest"
    BYTES = "bytes"
    PACKETS = "packets"


class FlowsParameters(Parameters):
    """Parameters of flows."""

    address: str | None = Field(
        default=None, description="Address, network or range that either end is in."
    )
    port: int | None = Field(default=None, ge=0, le=65_535, description="Port of either end.")
    interface: str | None = Field(default=None, description="Network interface id.")
    order: FlowsOrder = Field(default=FlowsOrder.NEWEST, description="Which records come first.")
    limit: int = Field(default=100, ge=1, le=LIMIT_MAX, description="How many records to list.")
    fields: str = Field(
        default="",
        description="Fields to show, with commas between them; all: every field that is there. "
        "Empty: those that most questions need.",
    )

    @field_validator("address")
    @classmethod
    def _address_is_understood(cls, address: str | None) -> str | None:
        if address is not None:
            try:
                _near(address)
            except FilterError as error:
                raise ValueError(f"{error.what}; {error.hint}") from error
        return address

    @field_validator("fields")
    @classmethod
    def _fields_exist(cls, fields: str) -> str:
        for name in _listed(fields):
            if name.replace("-", "_") not in FIELDS_BY_COLUMN:
                raise ValueError(f"'{name}' is not a field")
        return fields


_ORDERED_BY = {
    FlowsOrder.NEWEST: "order_start",
    FlowsOrder.OLDEST: "order_start",
    FlowsOrder.BYTES: "order_bytes",
    FlowsOrder.PACKETS: "order_packets",
}


def _near(address: str) -> Expression | None:
    # In quotes nothing of the text can become a part of the filter.
    quoted = address.replace("\\", "\\\\").replace('"', '\\"')
    return parse_filter(f'addr in "{quoted}"')


def _listed(fields: str) -> tuple[str, ...]:
    if fields == "all":
        return ()
    return tuple(name.strip() for name in fields.split(",") if name.strip())


def _condition(parameters: FlowsParameters) -> Expression | None:
    return all_of(
        _near(parameters.address) if parameters.address is not None else None,
        Compare("port", "=", parameters.port) if parameters.port is not None else None,
        Compare("interface-id", "=", parameters.interface)
        if parameters.interface is not None
        else None,
    )


def _resolve(parameters: FlowsParameters, frame: Frame) -> FlowsParameters:
    names: tuple[str, ...] = _listed(parameters.fields)
    if parameters.fields == "all":
        made_up = {"srcaddr", "dstaddr", "srcport", "dstport", "start", "end"}
        there = [
            spec.name for spec in FIELDS if spec.name in made_up or spec.column in frame.columns
        ]
        names = tuple(
            there
            if "pkt_same" not in frame.columns
            else [
                spec.name for spec in FIELDS if spec.name in {*there, "pkt-srcaddr", "pkt-dstaddr"}
            ]
        )
    names = names or DEFAULT_FIELDS
    return parameters.model_copy(
        update={"fields": ",".join(FIELDS_BY_COLUMN[name.replace("-", "_")].name for name in names)}
    )


_KINDS: dict[str, ColumnKind] = {
    "start": "time",
    "end": "time",
    "bytes": "bytes",
    "packets": "packets",
    "protocol": "protocol",
    "srcport": "port",
    "dstport": "port",
}


def _columns(parameters: FlowsParameters, _: Frame) -> tuple[ColumnMeta, ...]:
    metas = []
    for name in _listed(parameters.fields):
        spec = FIELDS_BY_NAME[name]
        kind: ColumnKind = {
            FieldKind.ADDRESS: "address",
            FieldKind.TEXT: "text",
        }.get(spec.kind, "count")  # type: ignore[assignment]
        metas.append(ColumnMeta(spec.column, _KINDS.get(name, kind), spec.label))
    return tuple(metas)


def _build(records: Any, parameters: FlowsParameters) -> Any:
    from vpcflow.query.stored_table import column

    shown = {
        FIELDS_BY_NAME[name].column: column(records, FIELDS_BY_NAME[name].column)
        for name in _listed(parameters.fields)
    }
    # Columns that only order the rows, the outermost thing a statement does; they are not shown.
    order = {f"order_{name}": records[name] for name in _ORDER_COLUMNS}
    chosen = records.select(**shown, **order)
    leading = chosen[_ORDERED_BY[parameters.order]]
    oldest = parameters.order is FlowsOrder.OLDEST
    first = (leading.asc if oldest else leading.desc)(nulls_first=False)
    rest = [
        chosen[name].asc(nulls_first=False)
        for name in order
        if name != _ORDERED_BY[parameters.order]
    ]
    return chosen.order_by([first, *rest]).limit(parameters.limit)


def _window(parameters: FlowsParameters) -> Window | None:
    if parameters.order not in {FlowsOrder.NEWEST, FlowsOrder.OLDEST}:
        return None
    return Window(parameters.limit, newest=parameters.order is FlowsOrder.NEWEST)


QUESTION = Question(
    "flows",
    FlowsParameters,
    _columns,
    _build,
    condition=_condition,
    resolve=_resolve,
    window=_window,
)
