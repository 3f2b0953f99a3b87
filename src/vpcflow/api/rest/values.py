"""The values of a field, for completion: those that most records have."""

from __future__ import annotations

import re
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool

from vpcflow.api.rest.access import reader
from vpcflow.api.rest.answer_models import FieldValue, FieldValues
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
from vpcflow.query.expression import (
    EITHER_FIELDS,
    Compare,
    TextMatch,
    all_of,
)
from vpcflow.query.questions import QUESTION_SUMMARIES
from vpcflow.query.sql_view import sql_name, sql_text
from vpcflow.record.field_spec import FieldKind
from vpcflow.record.fields import FIELDS_BY_COLUMN, FIELDS_BY_NAME

if TYPE_CHECKING:
    from vpcflow.api.rest.services import RestServices
    from vpcflow.query.answer import Answer
    from vpcflow.query.stop_token import StopToken

#: Values that a list for completion shows.
VALUES_MAX = 100
#: Fields whose sums rollups have: these are not counted record by record.
_SUMMED = frozenset(
    {"interface-id", "action", "protocol", "flow-direction", "log-status", "account-id"}
)
_NUMBERS = frozenset({FieldKind.INT32, FieldKind.INT64})
_IPV4_BEGINNING = re.compile(r"(\d{1,3}\.){1,3}\d{0,3}|\d{1,3}")


def routes(services: RestServices) -> APIRouter:
    """``GET /values``."""
    router = APIRouter(tags=["fields"])

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
    name = FIELDS_BY_COLUMN[columns[0]].name
    summed = len(columns) == 1 and name in _SUMMED and "breakdown" in QUESTION_SUMMARIES
    summed = summed and (not prefix or FIELDS_BY_NAME[name].kind is FieldKind.TEXT)

    def run(stop: StopToken) -> Answer:
        if not summed:
            return services.queries.sql(sql, condition=condition, time_range=time_range, stop=stop)
        begins = TextMatch(name, f"{prefix}*") if prefix else None
        return services.queries.ask(
            "breakdown",
            # One more for the group without a value, and one that says that there are more.
            {"by": name, "sort": "records", "limit": limit + 2},
            condition=all_of(condition, begins),
            time_range=time_range,
            stop=stop,
        )

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
        kind = FIELDS_BY_COLUMN[column].kind
        ranges = ipv4_ranges(prefix) if kind is FieldKind.ADDRESS else ()
        test = " OR ".join(f"{name} BETWEEN '{low}' AND '{high}'" for low, high in ranges)
        # Names come from the registry, values are in quotes.
        parts.append(
            f"SELECT {name} AS value, count(*) AS records FROM flow_records "  # noqa: S608
            f"WHERE {name} IS NOT NULL{f' AND ({test})' if test else ''} GROUP BY {name}"
        )
    groups = parts[0]
    if len(parts) > 1:
        union = " UNION ALL ".join(parts)
        groups = f"SELECT value, sum(records) AS records FROM ({union}) GROUP BY value"  # noqa: S608
    # A beginning is looked for in the few values, not in every record.
    shown = "CAST(value AS VARCHAR)" if FIELDS_BY_COLUMN[columns[0]].kind in _NUMBERS else "value"
    begins = f" WHERE starts_with({shown}, {sql_text(prefix)})" if prefix else ""
    return (
        f"SELECT value, records FROM ({groups}){begins} "  # noqa: S608
        f"ORDER BY records DESC, value LIMIT {limit + 1}"
    )


def ipv4_ranges(prefix: str) -> list[tuple[IPv4Address, IPv4Address]]:
    """The IPv4 addresses whose text begins with a beginning; nothing when it is not one of these.

    Shape: 10.1 is 10.1.0.0/16, 10.10.0.0 to 10.19.255.255 and 10.100.0.0 to 10.199.255.255.
    """
    if not _IPV4_BEGINNING.fullmatch(prefix):
        return []
    *whole, last = prefix.split(".")
    if any(int(part) > 255 or part != str(int(part)) for part in whole):
        return []
    values = [value for value in range(256) if str(value).startswith(last)]
    below = 8 * (3 - len(whole))
    base = sum(int(part) << (24 - 8 * place) for place, part in enumerate(whole))
    ranges: list[tuple[int, int]] = []
    for value in values:
        first = base | value << below
        final = first | (1 << below) - 1
        if ranges and ranges[-1][1] + 1 == first:
            ranges[-1] = (ranges[-1][0], final)
        else:
            ranges.append((first, final))
    return [(IPv4Address(low), IPv4Address(high)) for low, high in ranges]


def _values(services: RestServices, field: str, answer: Answer, limit: int) -> FieldValues:
    pairs = zip(
        answer.table.column(0).to_pylist(), answer.table.column("records").to_pylist(), strict=True
    )
    rows = [(str(value), int(records)) for value, records in pairs if value is not None]
    values = [value for value, _ in rows[:limit]]
    name = field if field in EITHER_FIELDS else FIELDS_BY_COLUMN[_columns_of(field)[0]].name
    named = name == "interface-id" or name.endswith("addr")
    names = known_network(services).names.of(values) if named else {}
    return FieldValues(
        field=name,
        values=[
            FieldValue(
                value=value,
                text=_as_written(name, value),
                records=records,
                name=names[value].name if value in names else "",
            )
            for value, records in rows[:limit]
        ],
        complete=len(rows) <= limit and not answer.truncated,
    )


def _as_written(field: str, value: str) -> str:
    if value.isdigit() or field.endswith("addr"):
        return value
    return str(Compare(field, "=", value)).partition(" = ")[2]
