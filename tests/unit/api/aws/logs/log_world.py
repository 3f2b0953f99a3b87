"""CloudWatch Logs over a table and a store of events, asked by boto3, in which a test owns the time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from boto_over_services import BotoOverServices

from vpcflow.api.aws.logs.service import service
from vpcflow.base.clock import ManualClock
from vpcflow.base.data_folder import DataFolder
from vpcflow.control.logs.service import LogGroupService
from vpcflow.control.state import Database, Place, State
from vpcflow.query.log_events import LogEventReader
from vpcflow.record.batch import FlowBatch, Origin
from vpcflow.record.fields import FIELDS_BY_COLUMN
from vpcflow.record.flow_log_selection import (
    FlowLogSelection,
    LogGroupSource,
    ScopeColumn,
    TrafficType,
)
from vpcflow.record.log_format import default_format
from vpcflow.record.values import parse_address
from vpcflow.store.event_store import EventStore, EventStoreSettings
from vpcflow.store.ingestion_times import IngestionTimes
from vpcflow.store.maintenance import maintain
from vpcflow.store.settings import StoreSettings
from vpcflow.store.table import FlowTable
from vpcflow.store.table_settings import TableSettings
from vpcflow.store.writer import DataFileWriter

ACCOUNT = "123456789012"
PLACE = Place(ACCOUNT, "us-east-1")
NOW_S = 1_700_000_000
NOW_MS = NOW_S * 1000
GROUP = "/vpc/flow-logs"


class LogWorld:
    """The service and what is under it; ``sources`` are the flow logs of each group."""

    def __init__(self, root: Path, settings: EventStoreSettings | None = None) -> None:
        self.folder = DataFolder(root / "data")
        self.clock = ManualClock(float(NOW_S))
        self.state = State(Database.in_folder(root))
        self.sources: dict[str, list[LogGroupSource]] = {}
        self.table = FlowTable.open(self.folder, TableSettings(), clock=self.clock)
        self.ingestion = IngestionTimes(self.folder.root)
        self.settings = settings
        self._commits = 0
        self.open()

    def open(self, budget_s: float = 60.0) -> None:
        """Begin anew over what is on the disk, as after a restart."""
        self.text = EventStore(self.folder.root, self.settings)
        self.groups = LogGroupService(self.state, self.text)
        self.reader = LogEventReader(
            self.table.index, self.text, self.ingestion, clock=self.clock, budget_s=budget_s
        )
        made = service(
            self.state, self.groups, self.reader, lambda _place, name: self.sources.get(name, [])
        )
        self.service = made
        self.logs = BotoOverServices({"logs": made}, self.clock).client("logs")

    def flow_log(
        self,
        group: str = GROUP,
        traffic_type: TrafficType = TrafficType.ALL,
        interface: str = "eni-1",
        from_s: int = 0,
    ) -> None:
        """A flow log on an interface that delivers to a group."""
        selection = FlowLogSelection(
            ScopeColumn.INTERFACE, interface, traffic_type, default_format(), from_s
        )
        number = len(self.sources.get(group, ())) + 1
        self.sources.setdefault(group, []).append(LogGroupSource(f"fl-{number}", selection))

    def record(self, rows: Sequence[Mapping[str, Any]], *, note: bool = True) -> None:
        """Commit flow records to the table."""
        filled = [_filled(row) for row in rows]
        columns = {
            name: pa.array(
                [row.get(name) for row in filled], FIELDS_BY_COLUMN[name].kind.arrow_type
            )
            for name in filled[0]
        }
        writer = DataFileWriter(self.table.data_dir, StoreSettings(), prefix=f"t{self._commits}")
        writer.append(FlowBatch(pa.record_batch(columns), Origin("capture")))
        files = writer.finish()
        starts = [row["start"] for row in filled]
        if note:
            self.ingestion.note(min(starts), max(starts), int(self.clock.now_s() * 1000))
        self._commits += 1
        self.table.commit(files, f"commit-{self._commits}")

    def compact(self) -> None:
        """Merge all files."""
        maintain(self.table, StoreSettings(), full=True)

    def put(self, stream: str, events: Sequence[tuple[int, str]], group: str = GROUP) -> Any:
        """Put text events."""
        return self.logs.put_log_events(
            logGroupName=group,
            logStreamName=stream,
            logEvents=[{"timestamp": time, "message": text} for time, text in events],
        )

    def filtered(self, group: str = GROUP, **parameters: Any) -> list[dict[str, Any]]:
        """All events of all pages."""
        pages = self.logs.get_paginator("filter_log_events").paginate(
            logGroupName=group, **parameters
        )
        return [event for page in pages for event in page["events"]]


def _filled(row: Mapping[str, Any]) -> dict[str, Any]:
    start = row["start"]
    whole: dict[str, Any] = {
        "version": 2,
        "account_id": ACCOUNT,
        "interface_id": "eni-1",
        "srcaddr": "10.0.0.1",
        "dstaddr": "10.0.0.2",
        "srcport": 40_000,
        "dstport": 22,
        "protocol": 6,
        "packets": 1,
        "bytes": 40,
        "start": start,
        "end": start + 10,
        "action": "ACCEPT",
        "log_status": "OK",
        **row,
    }
    for name in ("srcaddr", "dstaddr"):
        whole[name] = parse_address(whole[name])
    return whole
