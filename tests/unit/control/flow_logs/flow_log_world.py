"""A control plane of flow logs in which a test says what exists."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from vpcflow.base.clock import ManualClock
from vpcflow.control.flow_logs.request_token import Created
from vpcflow.control.flow_logs.service import FlowLogService
from vpcflow.control.flow_logs.surroundings import MayAttach, Surroundings
from vpcflow.control.flow_logs.validation import checked_request
from vpcflow.control.state import Database, Place, State

ACCOUNT = "123456789012"
PLACE = Place(ACCOUNT, "us-east-1")
ROLE = f"arn:aws:iam::{ACCOUNT}:role/flow-logs"
MISSING = "LogDestination: {} does not exist"
DENIED = "Access Denied for LogDestination: {}. Please check LogDestination permission."
GROUP = {
    "ResourceType": "VPC",
    "ResourceIds": ["vpc-1"],
    "TrafficType": "ALL",
    "LogGroupName": "group",
    "DeliverLogsPermissionArn": ROLE,
}
S3 = {
    "ResourceType": "VPC",
    "ResourceIds": ["vpc-1"],
    "TrafficType": "ALL",
    "LogDestinationType": "s3",
    "LogDestination": "arn:aws:s3:::bucket",
}


@dataclass
class World:
    """What there is, and the service over it."""

    url: str
    resources: set[str] = field(
        default_factory=lambda: {"vpc-1", "vpc-2", "vpc-3", "subnet-1", "eni-1"}
    )
    buckets: set[str] = field(default_factory=lambda: {"bucket", "other"})
    denied: set[str] = field(default_factory=set)
    roles: set[str] = field(default_factory=lambda: {ROLE})
    asked: list[tuple[str, str, bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = ManualClock(1_700_000_000.25)
        self.state = State(Database(self.url))
        self.service = FlowLogService(
            self.state,
            self.clock,
            Surroundings(self.exists, self.role_problem, self.bucket_problem, self.stream_problem),
        )

    def exists(self, _place: Place, resource_type: str, resource_id: str) -> bool:
        prefix = {"VPC": "vpc-", "Subnet": "subnet-", "NetworkInterface": "eni-"}[resource_type]
        return resource_id.startswith(prefix) and resource_id in self.resources

    def role_problem(self, _place: Place, role: str, _group: str, _id: str) -> str | None:
        return None if role in self.roles else "no such role"

    def bucket_problem(
        self, _place: Place, bucket: str, prefix: str, hive: bool, may_attach: MayAttach
    ) -> tuple[str, str] | None:
        self.asked.append((bucket, prefix, hive))
        if bucket in self.denied:
            return "400", DENIED.format(bucket)
        if not may_attach(f"arn:aws:s3:::{bucket}"):
            return "400", DENIED.format(bucket)
        return None if bucket in self.buckets else ("400", MISSING.format(bucket))

    def stream_problem(self, _place: Place, stream: str, *_: str | None) -> tuple[str, str] | None:
        name = stream.rpartition("/")[2]
        return None if name == "stream" else ("400", MISSING.format(name))

    def create(self, base: dict[str, Any], **changes: Any) -> Created:
        """Create with some parameters changed."""
        request = checked_request({**base, **changes}, PLACE)
        return self.service.create(request, PLACE)

    def only(self, base: dict[str, Any], **changes: Any) -> str:
        """Create one flow log and give its id."""
        (flow_log_id,) = self.create(base, **changes).flow_log_ids
        return flow_log_id
