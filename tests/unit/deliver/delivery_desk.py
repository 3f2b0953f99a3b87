"""What the tests of delivery share: records, plans, destinations that note what they got."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from vpcflow.base.clock import ManualClock
from vpcflow.base.data_folder import DataFolder
from vpcflow.deliver.log_group import LogGroupDelivery
from vpcflow.deliver.plan import (
    DeliveryPlan,
    Destination,
    FirehoseDestination,
    LogGroupDestination,
    S3Destination,
)
from vpcflow.deliver.service import DeliveryService
from vpcflow.deliver.settings import DeliverySettings
from vpcflow.record.batch import FlowBatch, Origin
from vpcflow.record.column_buffers import code_column, number_column
from vpcflow.record.field_spec import ADDRESS_TYPE
from vpcflow.record.flow_log_selection import (
    FlowLogSelection,
    ScopeColumn,
    TrafficType,
    lines_of,
)
from vpcflow.record.log_format import LogFormat, default_format
from vpcflow.store.spool import Spool

T0 = 1_700_000_100  # A start of a slot of five minutes.
ACCOUNT: Final = "123456789012"
REGION: Final = "eu-central-1"
ARN = f"arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/flows"
LOG_GROUP, BUCKET, STREAM = (
    LogGroupDestination("flows"),
    S3Destination("flows"),
    FirehoseDestination(ARN),
)


def records_of(
    count: int,
    *,
    start_s: int = T0,
    span_s: int = 60,
    interfaces: int = 4,
    seed: int = 0,
    first_port: int = 0,
) -> pa.RecordBatch:
    """Records of an interval, each told apart by its bytes; two interfaces a subnet, two VPCs."""
    rng = np.random.default_rng(seed)
    eni = np.arange(count, dtype=np.int32) % interfaces
    rng.shuffle(eni)
    start = np.sort(rng.integers(start_s, start_s + span_s, count))
    action = rng.integers(-1, 2, count).astype(np.int32)
    enis = [f"eni-{number:017x}" for number in range(interfaces)]
    subnets = [f"subnet-{number:017x}" for number in range((interfaces + 1) // 2)]
    address = pa.array([bytes(10) + b"\xff\xff\x0a\x00\x01\x0a"] * count, ADDRESS_TYPE)
    columns = {
        "version": number_column(np.full(count, 5, np.int32)),
        "account_id": code_column(np.zeros(count, np.int32), [ACCOUNT]),
        "interface_id": code_column(eni, enis),
        "srcaddr": address,
        "dstaddr": address,
        "srcport": number_column(np.full(count, 443, np.int32)),
        "dstport": number_column(np.full(count, 1024, np.int32)),
        "protocol": number_column(np.full(count, 6, np.int32)),
        "packets": number_column(np.ones(count, np.int64)),
        "bytes": number_column(np.arange(first_port, first_port + count, dtype=np.int64)),
        "start": number_column(start.astype(np.int64)),
        "end": number_column((start + 9).astype(np.int64)),
        "action": code_column(action, ["ACCEPT", "REJECT"]),
        "log_status": code_column(np.zeros(count, np.int32), ["OK"]),
        "vpc_id": code_column(eni % 2, ["vpc-a", "vpc-b"]),
        "subnet_id": code_column(eni // 2, subnets),
    }
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


def plan_of(
    number: int,
    to: Destination,
    *,
    scope: ScopeColumn = ScopeColumn.VPC,
    resource_id: str = "vpc-a",
    traffic: TrafficType = TrafficType.ALL,
    from_s: int = T0,
    until_s: int | None = None,
    log_format: LogFormat | None = None,
) -> DeliveryPlan:
    """One flow log."""
    log_format = log_format or default_format()
    selection = FlowLogSelection(scope, resource_id, traffic, log_format, from_s, until_s)
    return DeliveryPlan(f"fl-{number:017x}", ACCOUNT, REGION, selection, to)


def lines_for(plan: DeliveryPlan, *batches: pa.RecordBatch) -> list[str]:
    """What the flow log is to deliver of these records, sorted."""
    made = (
        lines_of(plan.selection.select(records), plan.selection.log_format) for records in batches
    )
    return sorted(line for part in made for line in part.decode().splitlines())


@dataclass
class Destinations:
    """A log group, a bucket and a stream that keep what they get, and fail when told."""

    deliveries: list[LogGroupDelivery] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)
    puts: list[str] = field(default_factory=list)
    records: list[bytes] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    before: Callable[[str], None] = lambda what: None

    def receive(self, deliveries: Sequence[LogGroupDelivery], ingested_ms: int) -> dict[str, str]:
        self.before("log group")
        self.deliveries += [d for d in deliveries if d.plan.flow_log_id not in self.refused]
        return self.refused

    def lines(self, plan: DeliveryPlan) -> list[str]:
        """What the log group got for a flow log, sorted."""
        return sorted(
            line
            for one in self.deliveries
            if one.plan.flow_log_id == plan.flow_log_id
            for line in lines_of(one.records, plan.selection.log_format).decode().splitlines()
        )

    def object_lines(self) -> list[str]:
        """The lines of all gzip objects, sorted, without their headers."""
        made = (gzip.decompress(data).decode().splitlines()[1:] for data in self.objects.values())
        return sorted(line for part in made for line in part)

    def messages(self) -> list[str]:
        """The lines that the stream got, sorted."""
        return sorted(json.loads(record)["message"] for record in self.records)

    def put_object(self, key: str, data: bytes) -> None:
        self.before("bucket")
        self.objects[key] = data
        self.puts.append(key)
        self.before("bucket after")

    def put_records(self, records: Sequence[bytes]) -> None:
        self.before("stream")
        self.records += records
        self.batches.append(len(records))
        self.before("stream after")


class _Bucket:
    def __init__(self, to: Destinations) -> None:
        self._to = to

    def put(self, plan: DeliveryPlan, bucket: str, key: str, data: bytes) -> None:
        self._to.put_object(key, data)


class _Stream:
    def __init__(self, to: Destinations) -> None:
        self._to = to

    def put(self, stream_arn: str, records: Sequence[bytes]) -> None:
        self._to.put_records(records)


class Delivery:
    """A delivery service over a real spool, with a clock that the test moves."""

    def __init__(self, folder: Path, *plans: DeliveryPlan, **settings: object) -> None:
        self.folder = folder
        self.plans: tuple[DeliveryPlan, ...] = plans
        self.settings = DeliverySettings(
            **{"workers_max": 0, "gate_interval_s": 0, "status_interval_s": 0, **settings}  # type: ignore[arg-type]
        )
        self.clock = ManualClock(T0)
        self.to = Destinations()
        self.gate: dict[str, str] = {}
        self.statuses: list[tuple[str, str, str | None, int | None]] = []
        self.start()

    def start(self) -> None:
        """Begin, or begin again after a kill."""
        data = DataFolder(self.folder)
        data.make()
        self.spool = Spool(data)
        self.service = DeliveryService(
            self.folder / "delivery",
            self.settings,
            self.clock,
            plans=lambda: self.plans,
            gate=lambda plan: self.gate.get(plan.flow_log_id),
            on_status=lambda plan, status, message, until_s: self.statuses.append(
                (plan.flow_log_id, status.value, message, until_s)
            ),
            log_groups=self.to,
            objects=_Bucket(self.to),
            firehose=_Stream(self.to),
        )

    def commit(self, *batches: pa.RecordBatch) -> None:
        """As after a commit of the table: hand over what waits, then drop it."""
        for records in batches:
            self.spool.append(FlowBatch(records, Origin("capture"), None, 60))
        self.hand_over()

    def hand_over(self) -> None:
        waiting = self.spool.segments()
        self.service.take([segment.path for segment in waiting])
        self.spool.drop(segment.batch_id for segment in waiting)

    def steps(self, seconds: float, each_s: float = 30.0) -> None:
        """Let time pass."""
        for _ in range(int(seconds // each_s)):
            self.service.step()
            self.clock.advance(each_s)
        self.service.step()

    @property
    def waiting(self) -> int:
        """Files of the journal."""
        return len(list((self.folder / "delivery/journal").glob("*.arrow")))
