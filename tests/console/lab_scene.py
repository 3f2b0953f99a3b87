"""A lab of real packets with the console over it, and what has happened there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

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


class LabScene(NamedTuple):
    """A running lab and the server that meters it."""

    lab: Lab
    server: ConsoleServer

    def ask(self, question: str, **parameters: str) -> dict[str, Any]:
        """The data of a question, column by column."""
        answer = self.server.api("GET", f"/questions/{question}?{urlencode(parameters)}")
        data: dict[str, Any] = answer["data"]
        return data

    def until_metered(self, condition: str) -> None:
        """Wait until such records are in the table. Errors: AssertionError after a long time."""
        deadline_s = time.monotonic() + PROCESS_SECONDS_MAX
        body = {"text": f"SELECT count(*) AS n FROM flow_records WHERE {condition}"}
        while not self.server.api("POST", "/sql", body)["data"]["n"][0]:
            assert time.monotonic() < deadline_s, f"no records {condition}"


@contextmanager
def lab_scene_in(data: Path) -> Iterator[LabScene]:
    """A lab where visitors read pages and an attacker scans; ends with the block."""
    options = ("--lab", "--interval", "2")
    with (
        Lab.start(data / "lab", offload=False) as lab,
        ConsoleServer(data, *options, environment=SOON, waits_for="metering") as server,
    ):
        scene = LabScene(lab, server)
        for scenario in ("pages", "dns", "ping", "database"):
            lab.once(scenario)
        lab.once("scan", ports=f"{SHUT_PORT},23,80,443,3389")
        scene.until_metered(f"action = 'REJECT' AND dstport = {SHUT_PORT}")
        scene.until_metered("action = 'ACCEPT' AND dstport = 5432")
        yield scene
