"""Before a flow log is there: its volume and price, its example line, the fields to choose from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, cast

from fastapi import APIRouter, Request, Response

from vpcflow.api.asked import Steps
from vpcflow.api.flow_log_estimate import RecentTraffic, load_prices, measuring
from vpcflow.api.rest.access import allowed, place_of, reader
from vpcflow.api.rest.composed import composed
from vpcflow.api.rest.flow_log_example import (
    compile_early,
    example_line,
    example_of,
    known_field,
    parsed_as_far,
)
from vpcflow.api.rest.flow_log_models import (
    DestinationWord,
    FlowLogFields,
    FlowLogPlan,
    FormatField,
    FormatPreview,
    FormatVersion,
    PlanOfResource,
    PlanOrder,
    PlanWay,
    PreviewField,
    PreviewOrder,
)
from vpcflow.api.rest.flow_log_words import resource_type_of
from vpcflow.base.errors import ResourceError, ServiceError
from vpcflow.control.flow_logs.cost import (
    HOURS_A_MONTH,
    NOT_COUNTED,
    Measured,
    PriceTable,
    estimate,
)
from vpcflow.control.flow_logs.log_format_rules import checked_format
from vpcflow.control.flow_logs.selections import scope_of
from vpcflow.record.field_spec import Resource
from vpcflow.record.fields import DEFAULT_FIELD_NAMES, FIELDS, FIELDS_BY_NAME
from vpcflow.record.flow_log_selection import FlowLogSelection, TrafficType
from vpcflow.record.log_format import LogFormat, default_format

if TYPE_CHECKING:
    from vpcflow.api.rest.services import RestServices
    from vpcflow.control.caller import Caller

#: The region whose prices are taken where a region has none.
PRICES_OF = "us-east-1"
_GOOD_COVERAGE = 0.98
_FAIR_COVERAGE = 0.8
_GOOD_HOURS = 24.0
_FAIR_HOURS = 1.0
_TYPES = (("CloudWatch", "cloud-watch-logs"), ("S3", "s3"), ("Firehose", "kinesis-data-firehose"))
_TITLES = {
    2: "Version 2, the default",
    3: "Version 3: instances, TCP flags, addresses within the packets",
    4: "Version 4: region and place",
    5: "Version 5: services, direction, path",
    7: "Version 7: ECS",
    8: "Version 8: why a flow was rejected",
    9: "Version 9: the resource",
    10: "Version 10: encryption",
    11: "Version 11: tags, next hops",
}
Certainty = Literal["high", "medium", "low", "none"]


def routes(services: RestServices) -> APIRouter:
    """The routes of the wizard."""
    router = APIRouter(tags=["flow logs"])

    @router.post("/flow-logs/plan", response_model=FlowLogPlan)
    async def plan_flow_logs(body: PlanOrder, request: Request) -> Response:
        """Says what such flow logs would produce and cost in a month, from recent records."""

        def steps() -> Steps[FlowLogPlan]:
            caller = reader(services, request)
            return (yield from _plan(body, place_of(services, caller).region))

        return await composed(services, request, steps)

    @router.post("/flow-logs/preview", response_model=FormatPreview)
    async def preview_log_format(body: PreviewOrder, request: Request) -> Response:
        """Says what a log format prints, also of one that is only half typed."""

        def steps() -> Steps[FormatPreview]:
            caller = allowed(services, request, "ec2:DescribeFlowLogs")
            return (yield from _preview(services, caller, body))

        return await composed(services, request, steps)

    @router.get("/flow-log-fields")
    def flow_log_fields(request: Request) -> FlowLogFields:
        """Lists the fields that a flow log may have, by the version that brought them."""
        allowed(services, request, "ec2:DescribeFlowLogs")
        # Whoever asks for the fields goes on to the example line and the plan.
        compile_early()
        return _fields()

    return router


def _preview(services: RestServices, caller: Caller, order: PreviewOrder) -> Steps[FormatPreview]:
    log_format, fault = parsed_as_far(order.log_format)
    if log_format is None:
        error = fault.what if fault else ""
        position = fault.position if fault else None
        return FormatPreview(
            fields=[], version=2, header="", line="", sample="example",
            error=error, position=position,
        )  # fmt: skip
    line, sample = yield from example_line(services, caller, log_format, order.resource_id)
    error, position = (fault.what, fault.position) if fault else ("", None)
    if not error:
        error, position = _refused(log_format, order.log_format)
    values = dict(zip(log_format.names, line.split(" "), strict=False))
    return FormatPreview(
        fields=[_preview_field(name, values.get(name, "")) for name in log_format.names],
        version=log_format.version,
        header=log_format.header,
        line=line,
        sample=sample,
        error=error,
        position=position,
    )


def _refused(log_format: LogFormat, text: str) -> tuple[str, int | None]:
    """What CreateFlowLogs says of a format whose form is right, and where."""
    try:
        checked_format(text.strip() or None, Resource.VPC)
    except ServiceError as error:
        foreign = (name for name in log_format.names if not known_field(name))
        first = next((f"${{{name}}}" for name in foreign), "")
        return error.message, max(text.find(first), 0)
    return "", None


def _preview_field(name: str, value: str) -> PreviewField:
    spec = FIELDS_BY_NAME.get(name)
    known = known_field(name)
    return PreviewField(
        name=name,
        known=known,
        version=spec.since_version if spec and known else None,
        label=spec.label if spec else name,
        summary=spec.summary if spec else "no field of this name is known",
        value=value,
    )


def _fields() -> FlowLogFields:
    versions: dict[int, list[FormatField]] = {}
    for spec in FIELDS:
        if spec.is_ours or Resource.VPC not in spec.resources:
            continue
        versions.setdefault(spec.since_version, []).append(
            FormatField(
                name=spec.name,
                label=spec.label,
                summary=spec.summary,
                unit=spec.unit,
                default=spec.name in DEFAULT_FIELD_NAMES,
                example=example_of(spec.name),
            )
        )
    return FlowLogFields(
        versions=[
            FormatVersion(
                version=version, title=_TITLES.get(version, f"Version {version}"), fields=found
            )
            for version, found in sorted(versions.items())
        ],
        default_format=str(default_format()),
    )


def _plan(order: PlanOrder, region: str) -> Steps[FlowLogPlan]:
    prices = load_prices(None)
    priced = region if region in prices.regions else PRICES_OF
    log_format = checked_format(order.log_format or None, Resource.VPC)
    measured: list[Measured] = []
    told: list[PlanOfResource] = []
    for resource_id in dict.fromkeys(order.resource_ids):
        if not resource_type_of(resource_id):
            raise ServiceError(
                "InvalidParameter",
                f"{resource_id} is no VPC, subnet or network interface.",
                fields={"where": "resource_ids"},
            )
        traffic_type = TrafficType(order.traffic_type)
        selection = FlowLogSelection(
            scope_of(resource_id), resource_id, traffic_type, log_format, 0
        )
        try:
            traffic = yield from measuring(selection, order.hours)
        except ResourceError as error:
            told.append(
                PlanOfResource(resource_id=resource_id, problem=f"{error.what}; {error.hint}")
            )
            continue
        measured.append(traffic.measured)
        told.append(_told(resource_id, traffic))
    certainty, doubts = _certainty(told)
    if priced != region:
        doubts.append(f"no prices are known for {region}: those of {priced} are taken")
    per_hour = sum(one.records_per_hour for one in measured)
    return FlowLogPlan(
        resources=told,
        records_per_hour=round(per_hour, 1),
        records_per_month=round(per_hour * HOURS_A_MONTH),
        ways=_ways(measured, prices, priced),
        certainty=certainty,
        doubts=doubts,
        price_date=prices.date.isoformat(),
        price_source=prices.source,
        price_region=priced,
        hours_a_month=HOURS_A_MONTH,
        taken_for_granted=[
            f"a gigabyte is {prices.gb_bytes:,} bytes",
            "the uncompressed lines are billed, whatever the destination stores",
        ],
        not_counted=list(NOT_COUNTED),
    )


def _told(resource_id: str, traffic: RecentTraffic) -> PlanOfResource:
    measured = traffic.measured
    each = max(measured.sample_records, 1)
    return PlanOfResource(
        resource_id=resource_id,
        from_s=traffic.from_s,
        until_s=traffic.until_s,
        hours=round(traffic.hours, 2),
        coverage=round(traffic.coverage, 4),
        interfaces=traffic.interfaces,
        records=traffic.records,
        skipdata_records=traffic.skipdata,
        records_per_hour=round(measured.records_per_hour, 1),
        sample_records=measured.sample_records,
        text_bytes=round(measured.text_bytes / each, 1),
        gzip_bytes=round(measured.gzip_bytes / each, 1),
        parquet_bytes=round(measured.parquet_bytes / each, 1),
    )


def _ways(measured: list[Measured], prices: PriceTable, region: str) -> list[PlanWay]:
    """Every way, with tiers over all resources together."""
    found = estimate(_together(measured), prices, region)
    return [
        PlanWay(
            way=one.way,
            destination_type=cast(
                DestinationWord, next(kind for word, kind in _TYPES if one.way.startswith(word))
            ),
            billed_gb=round(one.billed_gb, 4),
            stored_gb=round(one.stored_gb, 4),
            usd=None if one.usd is None else round(one.usd, 2),
        )
        for one in found
    ]


def _together(measured: list[Measured]) -> Measured:
    """Resources as one: the sizes of a record weighted by how many each has."""
    total = Measured(sum(one.records_per_hour for one in measured), 1, 0, 0, 0)
    if total.records_per_hour == 0.0:
        return total
    scale = 1_000_000

    def size(name: str) -> int:
        parts = (
            getattr(one, name) / max(one.sample_records, 1) * one.records_per_hour
            for one in measured
        )
        return int(sum(parts) / total.records_per_hour * scale)

    return replace(
        total,
        sample_records=scale,
        text_bytes=size("text_bytes"),
        gzip_bytes=size("gzip_bytes"),
        parquet_bytes=size("parquet_bytes"),
    )


def _certainty(told: list[PlanOfResource]) -> tuple[Certainty, list[str]]:
    seen = [one for one in told if not one.problem]
    doubts = [f"{one.resource_id}: {one.problem}" for one in told if one.problem]
    if not seen:
        return "none", doubts
    hours, coverage = min(one.hours for one in seen), min(one.coverage for one in seen)
    lost = sum(one.skipdata_records for one in seen)
    if hours < _GOOD_HOURS:
        doubts.append(f"only {hours:g} hours were measured: a month has quieter and busier ones")
    if coverage < _GOOD_COVERAGE:
        doubts.append(f"of {1 - coverage:.1%} of the minutes nothing is known")
    if lost:
        doubts.append(f"{lost:,} SKIPDATA records: there was more traffic than was recorded")
    if len(seen) < len(told) or hours < _FAIR_HOURS or coverage < _FAIR_COVERAGE:
        return "low", doubts
    return ("medium" if doubts else "high"), doubts
