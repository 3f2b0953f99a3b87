"""Fields that a filter may name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request

from vpcflow.api.rest.access import reader
from vpcflow.api.rest.answer_models import (
    FieldDescription,
    FieldList,
)
from vpcflow.query.answer import ColumnKind
from vpcflow.query.expression import EITHER_FIELDS
from vpcflow.record.field_spec import Cardinality, FieldKind, FieldSpec
from vpcflow.record.fields import (
    FIELDS,
    OWN_FIELDS,
    TRANSIT_GATEWAY_ONLY_FIELDS,
)

if TYPE_CHECKING:
    from vpcflow.api.rest.services import RestServices

#: Values that a list for completion shows.
VALUES_MAX = 100

_KINDS: dict[str, ColumnKind] = {
    "start": "time",
    "end": "time",
    "bytes": "bytes",
    "packets": "packets",
    "protocol": "protocol",
    "srcport": "port",
    "dstport": "port",
    "reject-rule": "rule",
    "rtt-us": "microseconds",
}
_SPLITTABLE = frozenset({Cardinality.CONSTANT, Cardinality.LOW, Cardinality.MEDIUM})
_EITHER_LABELS = {
    "addr": ("Either address", "Source or destination address."),
    "port": ("Either port", "Source or destination port."),
}


def routes(services: RestServices) -> APIRouter:
    """``GET /fields``."""
    router = APIRouter(tags=["fields"])

    @router.get("/fields")
    def list_fields(request: Request) -> FieldList:
        """Every field that a filter may name."""
        reader(services, request)
        present = _present_columns(services)
        either = [
            FieldDescription(
                name=name,
                column=name,
                kind="address" if name == "addr" else "port",
                unit="",
                label=_EITHER_LABELS[name][0],
                summary=_EITHER_LABELS[name][1],
                group="Either end",
                values=[],
                splittable=False,
                present=True,
            )
            for name in EITHER_FIELDS
        ]
        return FieldList(fields=[*either, *(_described(spec, present) for spec in FIELDS)])

    return router


def _described(spec: FieldSpec, present: frozenset[str]) -> FieldDescription:
    plain: ColumnKind = "count"
    if spec.kind in {FieldKind.ADDRESS, FieldKind.TEXT}:
        plain = "address" if spec.kind is FieldKind.ADDRESS else "text"
    return FieldDescription(
        name=spec.name,
        column=spec.column,
        kind=_KINDS.get(spec.name, plain),
        unit=spec.unit,
        label=spec.label,
        summary=spec.summary,
        group=_group(spec),
        values=list(spec.values),
        splittable=spec.cardinality in _SPLITTABLE,
        present=spec.column in present,
    )


def _group(spec: FieldSpec) -> str:
    if spec in OWN_FIELDS:
        return "vpcflow"
    if spec in TRANSIT_GATEWAY_ONLY_FIELDS:
        return "Transit gateway"
    return f"Version {spec.since_version}"


def _present_columns(services: RestServices) -> frozenset[str]:
    """Columns that some record of the table has a value for."""
    from vpcflow.store.file_index import FileIndex

    columns = {name for entry in FileIndex(services.folder).entries() for name in entry.columns}
    made_up = {"srcaddr", "dstaddr", "srcport", "dstport", "start", "end"}
    packet = {"pkt_srcaddr", "pkt_dstaddr"} if "pkt_same" in columns else set()
    return frozenset(columns | made_up | packet)
