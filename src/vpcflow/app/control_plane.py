"""The control plane of a data folder put together: for the server, and for commands beside it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from vpcflow.app.elsewhere import has_buckets_elsewhere, has_streams_elsewhere
from vpcflow.base.clock import Clock, SystemClock
from vpcflow.control.arns import arn
from vpcflow.control.bucket_policy import DELIVERY_SERVICE
from vpcflow.control.buckets import Buckets
from vpcflow.control.delivery_streams import DeliveryStreams
from vpcflow.control.flow_logs.service import FlowLogService
from vpcflow.control.flow_logs.surroundings import MayAttach, Surroundings
from vpcflow.control.network.resources import NETWORK_INTERFACES, SUBNETS, VPCS
from vpcflow.control.network.service import NetworkService
from vpcflow.control.permissions import (
    LOG_GROUP_ACTIONS,
    Permissions,
    chain_problem,
    role_problem,
)
from vpcflow.control.state import Database, Kind, Place, State

if TYPE_CHECKING:
    from vpcflow.app.settings import Settings

LOGS_PRINCIPAL = "logs.amazonaws.com"
FLOW_LOGS_PRINCIPAL = "vpc-flow-logs.amazonaws.com"
_RESOURCE_KINDS: dict[str, Kind[Any]] = {
    "VPC": VPCS,
    "Subnet": SUBNETS,
    "NetworkInterface": NETWORK_INTERFACES,
}


@dataclass(frozen=True)
class ControlPlane:
    """Everything that has state, without anything that runs."""

    state: State
    permissions: Permissions
    network: NetworkService
    buckets: Buckets
    flow_logs: FlowLogService

    def close(self) -> None:
        """Give the database back."""
        self.state.database.close()


def control_plane(settings: Settings, clock: Clock | None = None) -> ControlPlane:
    """Open the control plane.

    Errors: StoreError when its database cannot be opened, SettingsError for its URL.
    """
    clock = clock or SystemClock()
    url = settings.control.database_url
    state = State(Database(url) if url else Database.in_folder(settings.folder.root))
    buckets = Buckets(state)
    surroundings = Surroundings(
        resource_exists=partial(_resource_exists, state),
        role_problem=partial(_role_problem, state),
        bucket_problem=partial(_bucket_problem, settings, buckets),
        stream_problem=partial(_stream_problem, settings, state),
    )
    return ControlPlane(
        state,
        Permissions(state, clock),
        NetworkService(state),
        buckets,
        FlowLogService(state, clock, surroundings),
    )


def _resource_exists(state: State, place: Place, resource_type: str, resource_id: str) -> bool:
    return state.get(_RESOURCE_KINDS[resource_type], place, resource_id) is not None


def _role_problem(
    state: State, place: Place, role_arn: str, group_name: str, flow_log_id: str
) -> str | None:
    here = partial(arn, account_id=place.account_id, region=place.region)
    return role_problem(
        state,
        role_arn,
        place.account_id,
        FLOW_LOGS_PRINCIPAL,
        LOG_GROUP_ACTIONS,
        (here("logs", resource=f"log-group:{group_name}"),),
        here("ec2", resource=f"vpc-flow-log/{flow_log_id}"),
    )


def stream_role_problem(state: State, place: Place, role_arn: str, stream_arn: str) -> str | None:
    """What keeps CloudWatch Logs from sending events on to a delivery stream with a role."""
    return role_problem(
        state,
        role_arn,
        place.account_id,
        LOGS_PRINCIPAL,
        ("firehose:PutRecord", "firehose:PutRecordBatch"),
        (stream_arn,),
        arn("logs", place.region, place.account_id, "*"),
    )


def _bucket_problem(
    settings: Settings,
    buckets: Buckets,
    place: Place,
    bucket: str,
    prefix: str,
    hive: bool,
    may_attach: MayAttach,
) -> tuple[str, str] | None:
    if buckets.find(bucket) is None and has_buckets_elsewhere(settings):
        from vpcflow.deliver.aws_objects import AwsObjects

        found = AwsObjects(settings.deliver).problem(bucket, place.region)
        return None if found is None else ("400", found)
    return buckets.check_delivery(place, bucket, prefix, hive=hive, may_attach=may_attach)


def _stream_problem(
    settings: Settings,
    state: State,
    place: Place,
    stream_arn: str,
    role_arn: str | None,
    cross_account_role_arn: str | None,
) -> tuple[str, str] | None:
    """Why flow logs cannot deliver to a stream, which may be another account's if that lets them in.

    Shape: a stream that may be elsewhere is believed in: describing it needs a permission of its own.
    """
    if has_streams_elsewhere(settings):
        return None
    name = stream_arn.rpartition("/")[2]
    found = DeliveryStreams(state).find_arn(stream_arn)
    if found is None:
        return "400", f"LogDestination: {name} does not exist"
    if found.account_id == place.account_id:
        return None
    let_in = (
        role_arn is not None
        and cross_account_role_arn is not None
        and cross_account_role_arn.split(":")[4] == found.account_id
        and chain_problem(state, cross_account_role_arn, role_arn) is None
        and role_problem(
            state,
            role_arn,
            place.account_id,
            DELIVERY_SERVICE,
            ("sts:AssumeRole",),
            (cross_account_role_arn,),
            arn("logs", place.region, place.account_id, "*"),
        )
        is None
    )
    if let_in:
        return None
    return (
        "400",
        f"Access Denied for LogDestination: {name}. Please check LogDestination permission.",
    )
