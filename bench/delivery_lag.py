"""From an interval's end to its records being readable: ``delivery_lag.py FOLDER INTERVALS RECORDS``.

The control plane, the recorder and the endpoint as ``vpcflow run`` has them, in this process; only
the packets are left out: intervals of one minute are handed to the recorder as the meter closes
them, one when the last one is readable. Each interval's last second is asked for over HTTP until it
has events: all records of an interval come in one commit. Units: seconds.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from ipaddress import IPv4Address
from pathlib import Path

import numpy as np

from endpoint_process import ACCOUNT, client_of
from endpoint_rates import PLACE, flow_log, prepared, state_of
from signed_load import KEY_ID, SECRET
from vpcflow.app.control_service import ControlService
from vpcflow.app.recorder import Recorder
from vpcflow.app.settings import Settings
from vpcflow.base.data_folder import DataFolder
from vpcflow.capture.exclusions import address_words
from vpcflow.capture.observation_point import ObservationPoint
from vpcflow.capture.window import ClosedWindow
from vpcflow.control.flow_logs.flow_log import FLOW_LOGS
from vpcflow.inventory.network_interface import AttachmentSide, NetworkInterface
from vpcflow.store.file_index import FileIndex
from vpcflow.store.spool import Spool
from vpcflow.store.table import FlowTable

GROUP = "lag"
INTERVAL_S = 60
INTERFACES = 1_000
FIRST_RECORDS = 60_000
POLL_S = 0.05
LAG_S_MAX = 60.0
_NS = 1_000_000_000
_TCP, _HTTPS = 6, 443


def points_of(vpc_id: str) -> tuple[ObservationPoint, ...]:
    """Interfaces of one VPC."""
    return tuple(
        ObservationPoint(
            slot,
            NetworkInterface(
                f"eni-{slot:017x}", "subnet-1", vpc_id, ACCOUNT, (_address(slot),), ()
            ),
            AttachmentSide.INTERFACE,
        )
        for slot in range(INTERFACES)
    )


def window_of(
    number: int, start_s: int, records: int, points: tuple[ObservationPoint, ...]
) -> ClosedWindow:
    """A minute with as many flows to the interfaces, rows as in the flow table."""
    rng = np.random.default_rng(number)
    slots = np.arange(records, dtype=np.uint64) % INTERFACES
    own = np.array([address_words(str(_address(slot))) for slot in range(INTERFACES)], np.uint64)
    rows = np.zeros((records, 8), np.uint64)
    rows[:, 0] = own[0, 0]
    rows[:, 1] = (own[0, 1] & ~np.uint64(0xFFFFFF)) | rng.integers(0, 1 << 24, records, np.uint64)
    rows[:, 2:4] = own[slots]
    ports = rng.integers(1024, 65_536, records, np.uint64)
    accepted = np.uint64(1 << 41)
    rows[:, 4] = ports | np.uint64(_HTTPS << 16 | _TCP << 32) | accepted | slots << np.uint64(48)
    rows[:, 5] = rng.integers(1, 100, records, np.uint64)
    rows[:, 6] = rows[:, 5] * np.uint64(500)
    first = rng.integers(0, INTERVAL_S * 1_000_000, records, np.uint64)
    rows[:, 7] = first | first << np.uint64(32)
    return ClosedWindow(start_s * _NS, (start_s + INTERVAL_S) * _NS, INTERVAL_S, rows, points)


def main(folder: str, intervals: int, records: int) -> None:
    """Hand over the intervals and say the lag of each."""
    data = DataFolder(Path(folder))
    vpc_id = prepared(data, GROUP)
    first_s = int(time.time()) // INTERVAL_S * INTERVAL_S - (intervals + 2) * INTERVAL_S
    with state_of(data) as state, state.change() as change:
        made = flow_log(1, vpc_id, GROUP, first_s * 1000)
        change.put(FLOW_LOGS, PLACE, made.flow_log_id, made)
    os.environ |= {
        "VPCFLOW_ROOT_ACCESS_KEY_ID": KEY_ID,
        "VPCFLOW_ROOT_SECRET_ACCESS_KEY": SECRET,
        "VPCFLOW_ACCOUNT_ID": ACCOUNT,
        "VPCFLOW_API__PORT": "0",
    }
    settings = Settings(data=data.root, inventory={"account_id": ACCOUNT})
    points = points_of(vpc_id)
    lags: list[float] = []
    cpu: list[float] = []
    with data.writer_lock(), FlowTable.open(data, settings.table) as table:
        control = ControlService(settings)
        recorder = Recorder(
            settings,
            table,
            Spool(data, settings.table),
            on_committed=control.take,
            ingestion=control.ingestion,
        )
        control.start()
        recorder.start()
        logs = client_of(control.url, "logs")
        try:
            for number in range(intervals + 1):
                start_s = first_s + number * INTERVAL_S
                # The first one is small and does not count: kernels are loaded when metering begins.
                window = window_of(number, start_s, records if number else FIRST_RECORDS, points)
                last_ms = (start_s + INTERVAL_S - 1) * 1000
                asked = {"logGroupName": GROUP, "startTime": last_ms, "endTime": last_ms + 999}
                begun, cpu_s = time.monotonic(), time.process_time()
                recorder.offer(window)
                while not logs.filter_log_events(**asked, limit=1)["events"]:
                    if recorder.failed or time.monotonic() - begun > LAG_S_MAX:
                        raise SystemExit(f"not readable: {recorder.failed or recorder.counts}")
                    threading.Event().wait(POLL_S)
                if number:
                    lags.append(round(time.monotonic() - begun, 3))
                    cpu.append(round(time.process_time() - cpu_s, 3))
        finally:
            recorder.close()
            control.stop()
    records = FileIndex(data).totals().rows - FIRST_RECORDS
    print(json.dumps({"lags": lags, "cpu": cpu, "records": records}))


def _address(slot: int) -> IPv4Address:
    return IPv4Address("10.1.0.0") + slot


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
