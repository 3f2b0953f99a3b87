"""A lab of real packets with the console over it, and what has happened there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aws_endpoint import PROCESS_SECONDS_MAX
from served_console import ConsoleServer

from vpcflow.lab.testbed.lab import Lab
from vpcflow.lab.testbed.topology import REGION, host_address

#: Objects are published as soon as the interval allows, not every five minutes.
SOON = {
    "VPCFLOW_DELIVER__PUBLISH_INTERVAL_S": "1",
    "VPCFLOW_DELIVER__PUBLISH_LATENESS_S": "0",
    "VPCFLOW_INVENTORY__REGION": REGION,
}
ATTACKER, WEB = str(host_address("attacker")), str(host_address("web"))
#: A port that the scan finds shut: no group of the lab allows it from outside.
SHUT_PORT = 22


class LabScene:
    """A running lab and the server that meters it."""

    def __init__(self, lab: Lab, server: ConsoleServer) -> None:
        self.lab = lab
        self.server = server

    def crash_and_start(self) -> None:
        """End the server as a power failure does, and start it again where it was."""
        self.server.kill()
        self.server = self.server.again()

    def metered(self, column: str, condition: str) -> list[Any]:
        """The values that such records have in the table, in order."""
        text = f"SELECT {column} AS v FROM flow_records WHERE {condition} ORDER BY v"
        values: list[Any] = self.server.api("POST", "/sql", {"text": text})["data"]["v"]
        return values

    def until_metered(self, condition: str, distinct: str = "start", least: int = 1) -> None:
        """Wait until such records are in the table. Errors: AssertionError after a long time."""
        deadline_s = time.monotonic() + PROCESS_SECONDS_MAX
        while len(set(self.metered(distinct, condition))) < least:
            assert time.monotonic() < deadline_s, f"no records {condition}"


@contextmanager
def lab_scene_in(data: Path) -> Iterator[LabScene]:
    """A lab where visitors read pages and an attacker scans; ends with the block."""
    options = ("--lab", "--interval", "2")
    with Lab.start(data / "lab", offload=False) as lab:
        server = ConsoleServer(data, *options, environment=SOON, waits_for="metering")
        scene = LabScene(lab, server)
        try:
            for scenario in ("pages", "dns", "ping", "database"):
                lab.once(scenario)
            lab.once("scan", ports=f"{SHUT_PORT},23,80,443,3389")
            scene.until_metered(f"action = 'REJECT' AND dstport = {SHUT_PORT}")
            scene.until_metered("action = 'ACCEPT' AND dstport = 5432")
            yield scene
        finally:
            scene.server.kill()
