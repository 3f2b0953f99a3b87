"""``vpcflow flow-logs create|list|show|delete|plan``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vpcflow.app.cli.context import settings_of
from vpcflow.inventory.settings import DEFAULT_REGION

if TYPE_CHECKING:
    from vpcflow.app.control_plane import ControlPlane
    from vpcflow.app.settings import Settings
    from vpcflow.control.flow_logs.flow_log import FlowLog
    from vpcflow.control.flow_logs.service import FlowLogService
    from vpcflow.control.state import Place, State

Command = TypeVar("Command", bound=Callable[..., Any])

RESOURCE_TYPES = {"vpc": "VPC", "subnet": "Subnet", "eni": "NetworkInterface"}
_DEFAULT_HOURS = 24


@click.group("flow-logs")
def flow_logs() -> None:
    """Create, list and delete flow logs; plan what one costs.

    Works on the data folder, beside a running `vpcflow run` as well; speaks for the account's root.
    """


def _json(command: Command) -> Command:
    return click.option("--json", "as_json", is_flag=True, help="One JSON object a row.")(command)


def _region(command: Command) -> Command:
    return click.option(
        "--region",
        metavar="REGION",
        help="Only this region.  [default: where the named things are]",
    )(command)


def _traffic_and_format(command: Command) -> Command:
    command = click.option(
        "--format",
        "log_format",
        metavar="FORMAT",
        help="Fields, as '${version} ${srcaddr}'.  [default: AWS's default format]",
    )(command)
    return click.option(
        "--traffic-type",
        type=click.Choice(["ALL", "ACCEPT", "REJECT"], case_sensitive=False),
        default="ALL",
        show_default=True,
        help="Which records.",
    )(command)


@flow_logs.command()
@click.argument("resource_ids", nargs=-1, required=True, metavar="RESOURCE...")
@click.option(
    "--to",
    "destination",
    required=True,
    metavar="WHERE",
    help="A log group's name or ARN, s3://bucket/folder, or a delivery stream's ARN.",
)
@_traffic_and_format
@click.option("--role", metavar="ARN", help="Role that delivers to the log group.")
@click.option("--interval", type=click.Choice(["60", "600"]), default="600", show_default=True)
@click.option("--parquet", is_flag=True, help="S3: Parquet instead of text.")
@click.option("--hive", is_flag=True, help="S3: Hive-compatible folders.")
@click.option("--hourly", is_flag=True, help="S3: a folder for each hour.")
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="A tag; may be repeated.")
@click.option(
    "--tag-field",
    "tag_fields",
    multiple=True,
    metavar="TYPE=KEY",
    help="Tag behind a tag field of the format: instance=, network-interface= or "
    "auto-scaling-group= and its key; may be repeated.",
)
@_region
@_json
@click.pass_context
def create(
    ctx: click.Context,
    /,
    resource_ids: tuple[str, ...],
    destination: str,
    region: str | None,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Create a flow log on each RESOURCE: ids of VPCs, subnets or network interfaces, of one kind."""
    from vpcflow.control.flow_logs.validation import checked_request

    settings = settings_of(ctx)
    with _control(settings) as control:
        place = _place(settings, control.state, region, resource_ids)
        parameters = _parameters(resource_ids, destination, chosen, place)
        created = control.flow_logs.create(checked_request(parameters, place), place)
        made: Sequence[FlowLog] = ()
        if created.flow_log_ids:
            made = control.flow_logs.describe(place, ids=created.flow_log_ids).flow_logs
            _show({place: made}, control.state, as_json)
        problems = {
            one.flow_log_id: control.flow_logs.role_problem(one, place)
            for one in made
            if one.error_message
        }
    for flow_log in made:
        if flow_log.error_message:
            click.echo(
                f"{flow_log.flow_log_id}: delivery begins once the role is mended: "
                f"{problems[flow_log.flow_log_id]}",
                err=True,
            )
    for failure in created.unsuccessful:
        click.echo(f"error: {failure.resource_id}: {failure.message}", err=True)
    if created.unsuccessful:
        from vpcflow.base.errors import ServiceError

        ctx.exit(ServiceError.exit_code)


@flow_logs.command("list")
@click.option("--resource", metavar="ID", help="Only those of this resource.")
@_region
@_json
@click.pass_context
def list_(ctx: click.Context, resource: str | None, region: str | None, as_json: bool) -> None:
    """List the flow logs, in the order they were made."""
    from vpcflow.control.flow_logs.flow_log import FLOW_LOGS

    settings = settings_of(ctx)
    filters = [{"Name": "resource-id", "Values": [resource]}] if resource else []
    with _control(settings) as control:
        places = control.state.places(FLOW_LOGS)
        found = {
            place: _pages(control.flow_logs, place, filters)
            for place in places
            if region in (None, place.region)
        }
        _show(found, control.state, as_json)


@flow_logs.command()
@click.argument("flow_log_id")
@_region
@_json
@click.pass_context
def show(ctx: click.Context, flow_log_id: str, region: str | None, as_json: bool) -> None:
    """Show all of one flow log."""
    from vpcflow.base.errors import ResourceError

    settings = settings_of(ctx)
    with _control(settings) as control:
        place = _place(settings, control.state, region, [flow_log_id])
        found = control.flow_logs.describe(place, ids=[flow_log_id]).flow_logs
        rows = _members(found, control.state, place)
        # Of a status AWS says two words; what the role lacks is known here.
        failed = [one for one in found if one.error_message]
        problems = [control.flow_logs.role_problem(one, place) for one in failed]
    if not rows:
        raise ResourceError(
            f"there is no flow log {flow_log_id}", hint="`vpcflow flow-logs list` lists them"
        )
    (members,) = rows
    if as_json:
        _print_json([members])
        return
    width = max(map(len, members))
    for name, value in members.items():
        click.echo(f"{name:{width}}  {_shown(value)}")
    for problem in filter(None, problems):
        click.echo(f"delivery begins once the role is mended: {problem}", err=True)


@flow_logs.command()
@click.argument("flow_log_ids", nargs=-1, required=True, metavar="ID...")
@_region
@click.pass_context
def delete(ctx: click.Context, flow_log_ids: tuple[str, ...], region: str | None) -> None:
    """Delete flow logs, all or none; what they delivered stays."""
    settings = settings_of(ctx)
    with _control(settings) as control:
        place = _place(settings, control.state, region, flow_log_ids)
        control.flow_logs.delete(place, flow_log_ids)
    for flow_log_id in flow_log_ids:
        click.echo(f"deleted {flow_log_id}")


@flow_logs.command()
@click.argument("resource_id", metavar="RESOURCE")
@_traffic_and_format
@click.option(
    "--hours",
    type=click.IntRange(1, 24 * 366),
    default=_DEFAULT_HOURS,
    show_default=True,
    help="How many of the resource's last hours to measure.",
)
@click.option(
    "--prices",
    "prices_file",
    type=click.Path(path_type=Path),
    help="Another price table, in TOML.  [default: the one of the package]",
)
@_region
@_json
@click.pass_context
def plan(
    ctx: click.Context,
    resource_id: str,
    traffic_type: str,
    log_format: str | None,
    hours: int,
    prices_file: Path | None,
    region: str | None,
    as_json: bool,
) -> None:
    """Say what a flow log on RESOURCE would produce and cost in a month; creates nothing.

    Rates and sizes are measured from the records that the table has of the resource, printed in the
    chosen format; prices come from a dated table.
    """
    from vpcflow.api.flow_log_estimate import load_prices, measure
    from vpcflow.app.flow_log_plan_page import print_plan
    from vpcflow.control.flow_logs.cost import estimate
    from vpcflow.control.flow_logs.log_format_rules import checked_format
    from vpcflow.control.flow_logs.selections import scope_of
    from vpcflow.query.service import FlowQueries
    from vpcflow.record.field_spec import Resource
    from vpcflow.record.flow_log_selection import FlowLogSelection, TrafficType

    _resource_type([resource_id])
    settings = settings_of(ctx)
    with _control(settings) as control:
        place = _place(settings, control.state, region, [resource_id])
    prices = load_prices(prices_file)
    priced = place.region if place.region in prices.regions else DEFAULT_REGION
    selection = FlowLogSelection(
        scope_of(resource_id),
        resource_id,
        TrafficType(traffic_type.upper()),
        checked_format(log_format, Resource.VPC),
        0,
    )
    traffic = measure(FlowQueries(settings.folder, settings.query), selection, hours)
    found = estimate(traffic.measured, prices, priced)
    if priced != place.region:
        click.echo(f"no prices are known for {place.region}: those of {priced}", err=True)
    print_plan(selection, traffic, found, prices, priced, as_json=as_json)


@contextmanager
def _control(settings: Settings) -> Iterator[ControlPlane]:
    from vpcflow.app.control_plane import control_plane

    control = control_plane(settings)
    try:
        yield control
    finally:
        control.close()


def _place(settings: Settings, state: State, region: str | None, ids: Iterable[str]) -> Place:
    """Where the named things are, whosever they are; else the settings' account and region."""
    from vpcflow.control.flow_logs.flow_log import FLOW_LOGS
    from vpcflow.control.network.resources import NETWORK_INTERFACES, SUBNETS, VPCS
    from vpcflow.control.state import Kind, Place

    if region is None:
        kinds: tuple[Kind[Any], ...] = (VPCS, SUBNETS, NETWORK_INTERFACES, FLOW_LOGS)
        wanted = set(ids)
        for kind in kinds:
            for place in state.places(kind):
                if wanted & state.all(kind, place).keys():
                    return place
    return Place(settings.inventory.account_id, region or settings.inventory.region)


def _parameters(
    resource_ids: tuple[str, ...], destination: str, chosen: Mapping[str, Any], place: Place
) -> dict[str, Any]:
    """The options as parameters of CreateFlowLogs."""
    parameters: dict[str, Any] = {
        "ResourceIds": list(resource_ids),
        "ResourceType": _resource_type(resource_ids),
        "TrafficType": chosen["traffic_type"],
        "MaxAggregationInterval": int(chosen["interval"]),
        "DeliverLogsPermissionArn": chosen["role"],
        **_destination(destination, place),
    }
    if chosen["log_format"] is not None:
        parameters["LogFormat"] = chosen["log_format"]
    options = {
        "FileFormat": "parquet" if chosen["parquet"] else "",
        "HiveCompatiblePartitions": chosen["hive"],
        "PerHourPartition": chosen["hourly"],
    }
    if any(options.values()):
        parameters["DestinationOptions"] = options
    tags = []
    for text in chosen["tags"]:
        key, _, value = text.partition("=")
        tags.append({"Key": key, "Value": value})
    fields: dict[str, list[str]] = {}
    for text in chosen["tag_fields"]:
        owner, _, key = text.partition("=")
        fields.setdefault(owner, []).append(key)
    if fields:
        parameters["TagFieldSpecifications"] = [
            {"ResourceType": owner, "TagKeys": keys} for owner, keys in fields.items()
        ]
    if tags:
        parameters["TagSpecifications"] = [{"ResourceType": "vpc-flow-log", "Tags": tags}]
    return parameters


def _resource_type(resource_ids: Iterable[str]) -> str:
    prefixes = {resource_id.partition("-")[0] for resource_id in resource_ids}
    kinds = {RESOURCE_TYPES.get(prefix, "") for prefix in prefixes}
    if len(kinds) > 1:
        raise click.UsageError("the resources of one command are of one kind")
    (kind,) = kinds
    if not kind:
        raise click.UsageError(
            "a resource is the id of a VPC, a subnet or a network interface: "
            "vpc-..., subnet-... or eni-..."
        )
    return kind


def _destination(text: str, place: Place) -> dict[str, str]:
    from vpcflow.control.arns import arn

    if text.startswith("s3://"):
        bucket = arn("s3", "", "", text.removeprefix("s3://"), within=place.region)
        return {"LogDestinationType": "s3", "LogDestination": bucket}
    if not text.startswith("arn:"):
        return {"LogDestinationType": "cloud-watch-logs", "LogGroupName": text}
    service = text.split(":")[2:3]
    kind = {"s3": "s3", "firehose": "kinesis-data-firehose"}.get(
        service[0] if service else "", "cloud-watch-logs"
    )
    return {"LogDestinationType": kind, "LogDestination": text}


def _pages(service: FlowLogService, place: Place, filters: list[dict[str, Any]]) -> list[FlowLog]:
    found: list[FlowLog] = []
    token: str | None = None
    while True:
        page = service.describe(place, filters=filters, next_token=token)
        found += page.flow_logs
        token = page.next_token
        if token is None:
            return found


def _members(found: Iterable[FlowLog], state: State, place: Place) -> list[dict[str, Any]]:
    from vpcflow.api.aws.ec2.flow_logs import answered
    from vpcflow.control.tags import TAG_SETS

    tag_sets = state.all(TAG_SETS, place)
    return [
        answered(one, tag_sets[one.flow_log_id].tags if one.flow_log_id in tag_sets else {})
        for one in found
    ]


def _show(found: Mapping[Place, Iterable[FlowLog]], state: State, as_json: bool) -> None:
    members = [one for place, here in found.items() for one in _members(here, state, place)]
    if as_json:
        _print_json(members)
        return
    import pyarrow as pa

    from vpcflow.app.output import make_console, table_of

    rows = [
        {
            "flow_log_id": one["FlowLogId"],
            "resource_id": one["ResourceId"],
            "traffic": one.get("TrafficType", "-"),
            "to": one.get("LogGroupName") or one.get("LogDestination", "-"),
            "status": one.get("DeliverLogsErrorMessage") or one["DeliverLogsStatus"],
            "created": int(one["CreationTime"].timestamp()),
        }
        for one in members
    ]
    if not rows:
        click.echo("no flow logs; `vpcflow flow-logs create --help` says how to make one", err=True)
        return
    make_console().print(table_of(pa.Table.from_pylist(rows), {"created": "time"}))


def _print_json(rows: Iterable[Mapping[str, Any]]) -> None:
    import orjson

    for row in rows:
        click.echo(orjson.dumps(row, option=orjson.OPT_UTC_Z).decode())


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_shown(one) for one in value) or "-"
    if isinstance(value, dict):
        if set(value) == {"Key", "Value"}:
            return f"{value['Key']}={value['Value']}"
        return ", ".join(f"{name} {_shown(one)}" for name, one in value.items())
    return str(value)
