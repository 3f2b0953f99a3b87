"""Aim: captures of real traffic become the records that were computed from them by other means.

Method: the command within this process; the flow logs and the collector's output that come with
the captures, field by field. The captures lie beside the checkout; without them nothing is tested.
"""

from __future__ import annotations

import csv
import gzip
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vpcflow.app.cli.main import cli

LAB = Path(__file__).resolve().parents[3] / "shared/data/real/lab-capture"
pytestmark = pytest.mark.skipif(not LAB.is_dir(), reason="the lab's captures are not here")

INTERFACES = {
    "web": ("eni-096683105c7c9e4da", ("10.0.1.10", "10.0.1.11", "2001:db8:1::10")),
    "bastion": ("eni-0138ff37f237d7918", ("10.0.1.20",)),
    "app": ("eni-0931ce6cef0155aac", ("10.0.2.10",)),
    "db": ("eni-00ee65655a6348282", ("10.0.3.10",)),
}
#: Records, packets and bytes of ACCEPT and of REJECT egress together.
TOTALS = {
    "web": (258 + 261 + 1, 1879 + 9402 + 4, 197464 + 13192786 + 240),
    "bastion": (3 + 3, 6 + 9, 392 + 525),
    "app": (71 + 71, 7821 + 5200, 10643502 + 6361205),
    "db": (4 + 4 + 3, 150 + 118 + 1085, 9020 + 144152 + 1530228),
}
V2 = [
    "version",
    "account-id",
    "interface-id",
    "srcaddr",
    "dstaddr",
    "srcport",
    "dstport",
    "protocol",
    "packets",
    "bytes",
    "start",
    "end",
    "action",
    "log-status",
]
V5 = [*V2, "tcp-flags", "type", "pkt-srcaddr", "pkt-dstaddr", "flow-direction"]
Lines = list[dict[str, str]]
Metered = Callable[..., Lines]


@pytest.fixture
def metered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: Any) -> Metered:
    """The lines of a host's capture in a format."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VPCFLOW_INVENTORY__ACCOUNT_ID", "123456789012")

    def _metered(name: str, fields: list[str], *choices: str) -> Lines:
        interface_id, addresses = INTERFACES[name]
        given = ["capture", "--read", str(LAB / f"{name}.pcap.gz"), "--interface-id", interface_id]
        given += choices
        for address in addresses:
            given += ["--address", address]
        text = " ".join(f"${{{field}}}" for field in fields)
        cli.main([*given, "--output", "-", "--log-format", text], standalone_mode=False)
        sys.stdout.flush()
        header, *lines = capfdbinary.readouterr()[0].decode().splitlines()
        return [dict(zip(header.split(), line.split(), strict=True)) for line in lines]

    return _metered


def shipped(flow_log: str, name: str) -> Lines:
    """The records of a flow log at a host."""
    found = []
    for path in LAB.rglob(f"*{flow_log}*.log.gz"):
        header, *lines = gzip.decompress(path.read_bytes()).decode().splitlines()
        found += [dict(zip(header.split(), line.split(), strict=True)) for line in lines]
    return [line for line in found if line["interface-id"] == INTERFACES[name][0]]


def as_counter(lines: Lines, fields: list[str]) -> Counter[tuple[str, ...]]:
    return Counter(tuple(line[field] for field in fields) for line in lines)


def seen(line: dict[str, str], name: str) -> bool:
    """Whether the host's own capture has the packets: the firewall took no others from it."""
    own = line["srcaddr"] in INTERFACES[name][1]
    return line["log-status"] == "OK" and (line["action"] == "ACCEPT" or own)


def inventory_text() -> str:
    """Every interface of the lab: a refusal between two of them is its target's."""
    hosts = {**INTERFACES, "idle": ("eni-04fa75707415abeb3", ("10.0.2.99",))}
    tables = ['[[vpc]]\nname = "lab"\naccount_id = "123456789012"']
    tables[0] += (
        '\ncidr_blocks = ["10.0.0.0/16", "2001:db8:1::/64"]\nhas_reserved_addresses = false'
    )
    for name, blocks in (
        ("public", '"10.0.1.0/24", "2001:db8:1::/64"'),
        ("app", '"10.0.2.0/24"'),
        ("db", '"10.0.3.0/24"'),
    ):
        tables.append(f'[[subnet]]\nname = "{name}"\ncidr_blocks = [{blocks}]')
    for interface_id, addresses in hosts.values():
        tables.append(f'[[interface]]\nid = "{interface_id}"\naddresses = {list(addresses)}')
    return "\n".join(tables)


EVERY = pytest.mark.parametrize("name", INTERFACES)


@EVERY
def test_totals(name: str, metered: Metered) -> None:
    lines = [line for line in metered(name, V2) if line["log-status"] == "OK"]
    packets, octets = (sum(int(line[field]) for line in lines) for field in ("packets", "bytes"))
    assert (len(lines), packets, octets) == TOTALS[name]
    assert {line["action"] for line in lines} == {"-"}, "nobody told an action"


@EVERY
@pytest.mark.parametrize(
    ("flow_log", "fields"), [("fl-076120001e2847555", V2), ("fl-060ff117448f67873", V5)]
)
def test_records_equal_the_flow_log(
    name: str, flow_log: str, fields: list[str], metered: Metered
) -> None:
    """All fields but the action, which a capture alone does not tell."""
    made = [line for line in metered(name, fields) if line["log-status"] == "OK"]
    told = [line for line in shipped(flow_log, name) if seen(line, name)]
    compared = [field for field in fields if field != "action"]
    assert as_counter(made, compared) == as_counter(told, compared)


@EVERY
def test_minutes_without_records(name: str, metered: Metered) -> None:
    """Those of the flow log, and those whose packets were all refused on the way to the host."""
    lines = metered(name, V2)
    made = {
        (int(line["start"]), int(line["end"])) for line in lines if line["log-status"] == "NODATA"
    }
    told = shipped("fl-076120001e2847555", name)
    silent = {
        (int(line["start"]), int(line["end"])) for line in told if line["log-status"] == "NODATA"
    }
    reached = {int(line["start"]) // 60 for line in told if seen(line, name)}
    refused = {int(line["start"]) // 60 for line in told if line["action"] == "REJECT"}
    only_refused = {
        (minute * 60, minute * 60 + 59)
        for minute in refused - reached
        if min(reached) < minute < max(reached)
    }
    assert made == silent | only_refused


@EVERY
def test_the_firewalls_log_tells_accept_and_reject(
    name: str, metered: Metered, tmp_path: Path
) -> None:
    """Every record of the flow log, refused ones too, and every minute without."""
    inventory = tmp_path / "lab.toml"
    inventory.write_text(inventory_text())
    log = LAB / "nflog.pcap.gz"
    made = metered(name, V2, "--inventory", str(inventory), "--nflog", str(log))
    told = shipped("fl-076120001e2847555", name)
    assert as_counter(made, V2) == as_counter(told, V2)
    assert len(made) == len(told)


def test_another_meter_counts_the_same(metered: Metered) -> None:
    """nfpcapd on web's capture; fragmented ICMP and discovery, where it is not right, left out."""
    kept = {"6", "17"}
    theirs: Counter[tuple[str, ...]] = Counter()
    with gzip.open(LAB / "nfdump.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            if row["proto"] in kept:
                key = (row["proto"], row["src"], row["sport"], row["dst"], row["dport"])
                theirs[*key, "packets"] += int(row["packets"])
                theirs[*key, "bytes"] += int(row["bytes"])
    ours: Counter[tuple[str, ...]] = Counter()
    for line in metered("web", V5):
        if line["protocol"] in kept:
            key = (
                line["protocol"],
                line["pkt-srcaddr"],
                line["srcport"],
                line["pkt-dstaddr"],
                line["dstport"],
            )
            ours[*key, "packets"] += int(line["packets"])
            ours[*key, "bytes"] += int(line["bytes"])
    assert len(ours) > 500
    assert ours == theirs
