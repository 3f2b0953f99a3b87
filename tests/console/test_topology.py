"""Aim: a map of 500 nodes opens, is read by everybody, and filters what it shows.

Method: a network and its interfaces made through the API, records between them from a file.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aws_endpoint import ACCOUNT_ID
from playwright.sync_api import Browser, expect
from served_console import ConsoleServer, vpcflow
from watched_pages import Visits, axe_faults, settled

NODES = 500
SUBNETS = 10


def made_interfaces(ec2: Any) -> list[tuple[str, str]]:
    """Ids and addresses of interfaces in a VPC of its own."""
    vpc = ec2.create_vpc(CidrBlock="10.50.0.0/16")["Vpc"]["VpcId"]
    found = []
    for subnet in range(SUBNETS):
        made = ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.50.{subnet}.0/24")["Subnet"]["SubnetId"]
        for _ in range(NODES // SUBNETS):
            interface = ec2.create_network_interface(SubnetId=made)["NetworkInterface"]
            found.append((interface["NetworkInterfaceId"], interface["PrivateIpAddress"]))
    return found


def write_records(path: Path, interfaces: list[tuple[str, str]]) -> None:
    start = int(time.time()) - 600
    with path.open("w") as file:
        for at, (interface, address) in enumerate(interfaces):
            peer = interfaces[(at * 7 + 31) % len(interfaces)][1]
            action = "REJECT" if at % 5 == 0 else "ACCEPT"
            file.write(
                f"2 {ACCOUNT_ID} {interface} {address} {peer} {40_000 + at} 443 6 "
                f"{10 + at} {1_000 * (at + 1)} {start} {start + 60} {action} OK\n"
            )


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[ConsoleServer]:
    """The console over a network of 500 interfaces that speak with each other."""
    folder = tmp_path_factory.mktemp("large")
    data, lines = folder / "data", folder / "lines.log"
    with ConsoleServer(data, "--no-capture") as server:
        write_records(lines, made_interfaces(server.client("ec2")))
        server.stop()
    vpcflow(data, "ingest", str(lines))
    with ConsoleServer(data, "--no-capture") as server:
        yield server


def test_five_hundred_nodes_open_and_filter(visits: Visits, large: ConsoleServer) -> None:
    graph = large.api("GET", f"/graph?level=interface&limit={NODES}")
    assert len(graph["nodes"]) >= NODES
    page = settled(visits.open(large, "/topology?last=1h"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Topology")
    expect(page.get_by_role("img").first).to_be_visible()
    assert axe_faults(page) == []
    page.get_by_role("combobox", name="Filter", exact=True).fill("action = REJECT")
    with page.expect_response(re.compile(r"/graph\?.*REJECT")) as answered:
        page.keyboard.press("Enter")
    links = answered.value.json()["links"]
    assert links
    assert all(link["rejected"] == link["records"] for link in links)
    settled(page)
