"""Fields that a filter may name, and the values that they have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool

from vpcflow.api.rest.access import reader
from vpcflow.api.rest.answer_models import (
    FieldDescription,
    FieldList,
    FieldValue,
    FieldValues,
)
from vpcflow.api.rest.asking import (
    Asking,
    End,
    FilterText,
    Start,
    answered,
    filter_of,
    key_of,
    range_of,
)
from vpcflow.api.rest.known_network import known_network, names_mark
from vpcflow.base.errors import ResourceError
from vpcflow.query.answer import ColumnKind
from vpcflow.query.expression import EITHER_FIELDS, Compare
from vpcflow.query.sql_view import sql_name, sql_text
from vpcflow.record.field_spec import Cardinality, FieldKind, FieldSpec
from vpcflow.record.fields import (
    FIELDS,
    FIELDS_BY_COLUMN,
    FIELDS_BY_NAME,
    OWN_FIELDS,
    TRANSIT_GATEWAY_ONLY_FIELDS,
)

if TYPE_CHECKING:
    from vpcflow.api.rest.services import RestServices
    from vpcflow.query.answer import Answer
    from vpcflow.query.stop_token import StopToken

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
    """``GET /fields`` and ``GET /values``."""
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

    @router.get("/values")
    async def list_values(
        request: Request,
        field: Annotated[str, Query(max_length=100, description="Name of the field.")],
        prefix: Annotated[str, Query(max_length=200, description="How values begin.")] = "",
        limit: Annotated[int, Query(ge=1, le=VALUES_MAX)] = 20,
        start: Start = None,
        end: End = None,
        filter: FilterText = "",
    ) -> FieldValues:
        """The values of a field that most records have, for completion."""
        asking = await run_in_threadpool(
            _asking_of_values,
            services,
            request,
            (field, prefix, limit),
            start=start,
            end=end,
            text=filter,
        )
        answer = await answered(services.pool, request, asking)
        return await run_in_threadpool(_values, services, field, answer, limit)

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


def _asking_of_values(
    services: RestServices,
    request: Request,
    asked: tuple[str, str, int],
    *,
    start: int | None,
    end: int | None,
    text: str,
) -> Asking:
    caller = reader(services, request)
    field, prefix, limit = asked
    columns = _columns_of(field)
    time_range, condition = range_of(start, end), filter_of(services, text)
    sql = values_sql(columns, prefix, limit)
    snapshot, mark = services.queries.snapshot(), names_mark(services)
    span = [time_range.start_s, time_range.end_s]
    key = key_of("values", snapshot, sql, span, str(condition))

    def run(stop: StopToken) -> Answer:
        return services.queries.sql(sql, condition=condition, time_range=time_range, stop=stop)

    return Asking(caller, key, run, time_range, snapshot, mark, "values")


def _columns_of(field: str) -> tuple[str, ...]:
    """The columns behind a field, both ends of an either-end name.

    Errors: ResourceError when there is no such field.
    """
    if field in EITHER_FIELDS:
        return tuple(FIELDS_BY_NAME[end].column for end in EITHER_FIELDS[field])
    spec = FIELDS_BY_NAME.get(field) or FIELDS_BY_COLUMN.get(field)
    if spec is None:
        raise ResourceError(f"there is no field '{field}'", hint="GET /fields lists them")
    return (spec.column,)


def values_sql(columns: tuple[str, ...], prefix: str, limit: int) -> str:
    """SQL for the values that most records have, one more than asked for."""
    parts = []
    for column in columns:
        name = sql_name(column)
        spec = FIELDS_BY_COLUMN[column]
        shown = f"CAST({name} AS VARCHAR)" if spec.kind in _NUMBERS else name
        begins = f" AND starts_with({shown}, {sql_text(prefix)})" if prefix else ""
        # Names come from the registry, values are in quotes.
        parts.append(
            f"SELECT {name} AS value, count(*) AS records FROM flow_records "  # noqa: S608
            f"WHERE {name} IS NOT NULL{begins} GROUP BY {name}"
        )
    if len(parts) == 1:
        return f"{parts[0]} ORDER BY records DESC, value LIMIT {limit + 1}"
    union = " UNION ALL ".join(parts)
    return (
        f"SELECT value, sum(records) AS records FROM ({union}) "  # noqa: S608
        f"GROUP BY value ORDER BY records DESC, value LIMIT {limit + 1}"
    )


_NUMBERS = frozenset({FieldKind.INT32, FieldKind.INT64})


def _values(services: RestServices, field: str, answer: Answer, limit: int) -> FieldValues:
    rows = answer.table.slice(0, limit)
    values = [str(value) for value in rows.column(0).to_pylist()]
    name = field if field in EITHER_FIELDS else FIELDS_BY_COLUMN[_columns_of(field)[0]].name
    named = name == "interface-id" or name.endswith("addr")
    names = known_network(services).names.of(values) if named else {}
    return FieldValues(
        field=name,
        values=[
            FieldValue(
                value=value,
                text=_as_written(name, value),
                records=int(records),
                name=names[value].name if value in names else "",
            )
            for value, records in zip(values, rows.column(1).to_pylist(), strict=True)
        ],
        complete=answer.table.num_rows <= limit and not answer.truncated,
    )


def _as_written(field: str, value: str) -> str:
    if value.isdigit() or field.endswith("addr"):
        return value
    return str(Compare(field, "=", value)).partition(" = ")[2]
