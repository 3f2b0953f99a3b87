"""Events of log groups: ``log_events.py DATA RUNS``; first pages of FilterLogEvents, rates of PutLogEvents.

DATA holds a table (best 20M records over 7 days, version 5). Both go through the operations' handlers,
without HTTP; a put's body is read from JSON each time, and is on the disk when it is answered.
"""

from __future__ import annotations

import json
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq

from vpcflow.api.aws.logs.service import service
from vpcflow.api.aws.operation import Call, RawRequest, Service
from vpcflow.base.data_folder import DataFolder
from vpcflow.control.caller import root_caller
from vpcflow.control.logs.service import LogGroupService
from vpcflow.control.state import Database, Place, State
from vpcflow.query.log_events import LogEventReader
from vpcflow.record.flow_log_selection import (
    FlowLogSelection,
    LogGroupSource,
    ScopeColumn,
    TrafficType,
)
from vpcflow.record.log_format import default_format
from vpcflow.store.event_store import EventStore
from vpcflow.store.file_index import FileIndex
from vpcflow.store.ingestion_times import IngestionTimes

ACCOUNT = "123456789012"
HOUR_S = 3_600
SSH_REJECTS = "[v, account, eni, s, d, sp, dp=22, p=6, packets, bytes, st, en, action=REJECT, ls]"
#: Events a put, bytes an event, clients at a time.
PUTS = ((10_000, 78, 1), (10_000, 78, 4), (3_500, 270, 1), (1_000, 78, 1), (100, 78, 4), (1, 78, 4))
PUT_S = 2.0


def ask(made: Service, operation: str, parameters: dict[str, Any], now_s: float) -> Any:
    """The answer of a handler."""
    raw = RawRequest("POST", "/", "", [], b"")
    caller = root_caller(ACCOUNT)
    call = Call(
        "logs", operation, parameters, caller, "us-east-1", "r", now_s, raw, lambda *_, **__: None
    )
    return made.operations[operation].handle(call)


def sources_of(index: FileIndex) -> dict[str, list[LogGroupSource]]:
    """A flow log on the VPC, and one on an interface, that the table's first file names."""
    found = {}
    path = index.entries()[0].path
    for scope in (ScopeColumn.VPC, ScopeColumn.INTERFACE):
        column = pq.ParquetFile(path).read_row_group(0, columns=[scope.value]).column(0)
        value = next(text for text in column.unique().to_pylist() if text)
        selection = FlowLogSelection(scope, value, TrafficType.ALL, default_format(), 0)
        found[scope.value] = [LogGroupSource("fl-1", selection)]
    return found


def first_pages(made: Service, groups: Sequence[str], begin_s: int, days: int, runs: int) -> Any:
    """Milliseconds of the first page of an hour, by group and pattern; the first one is cold."""
    told: dict[str, Any] = {}
    for group in groups:
        for pattern in ("", "REJECT", SSH_REJECTS):
            taken, events = [], []
            for number in range(runs):
                start = begin_s + (number * 5 % (days * 24)) * HOUR_S
                asked = {"startTime": start * 1000, "endTime": (start + HOUR_S) * 1000 - 1}
                begun = time.perf_counter()
                asked = {"logGroupName": group, "filterPattern": pattern, **asked}
                page = ask(made, "FilterLogEvents", asked, begin_s)
                taken.append(round((time.perf_counter() - begun) * 1000, 1))
                events.append(len(page["events"]))
            told[f"{group} {pattern or 'all'}"] = {"ms": taken, "events": events}
    return told


def puts(made: Service, now_s: int) -> Any:
    """Events a second, each batch on the disk."""
    told = {}
    for events, size, clients in PUTS:
        items = [
            {"timestamp": now_s * 1000 + at // 100, "message": f"{at:0{size}d}"}
            for at in range(events)
        ]
        body = orjson.dumps({"logGroupName": "put", "logStreamName": "s", "logEvents": items})
        done = [0] * clients
        end = time.perf_counter() + PUT_S

        def client(
            which: int, body: bytes = body, done: list[int] = done, end: float = end
        ) -> None:
            while time.perf_counter() < end:
                ask(made, "PutLogEvents", orjson.loads(body), now_s)
                done[which] += 1

        begun = time.perf_counter()
        threads = [threading.Thread(target=client, args=(which,)) for which in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.perf_counter() - begun
        label = f"{events} events of {size} bytes, {clients} clients"
        told[label] = round(sum(done) * events / seconds)
    return told


def main(folder: str, runs: str) -> None:
    """Measure both and say the figures."""
    data = DataFolder(folder)
    index = FileIndex(data)
    totals = index.totals()
    begin_s, last_s = totals.start_min or 0, totals.start_max or 0
    with tempfile.TemporaryDirectory(dir=data.root) as scratch:
        root = Path(scratch)
        state = State(Database.in_folder(root))
        text = EventStore(root)
        groups = LogGroupService(state, text)
        sources = sources_of(index)
        place = Place(ACCOUNT, "us-east-1")
        for name in (*sources, "put"):
            groups.create_group(place, name, 1)
        groups.create_stream(place, "put", "s", 1)
        reader = LogEventReader(index, text, IngestionTimes(data.root))
        made = service(state, groups, reader, lambda _place, name: sources.get(name, []))
        days = max(1, (last_s - begin_s) // 86_400)
        told = {
            "records": totals.rows,
            "filter_log_events": first_pages(made, [*sources], begin_s, days, int(runs)),
            "put_log_events": puts(made, last_s),
        }
        text.close()
        state.database.close()
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
