"""Every packet of a capture of 5 million accounted for: records, exclusions, statuses, skipped.

The capture is the one of the ``pcap`` measure with packets among it that make no record: excluded
ones, other protocols, damaged ones. What the file has is found by reading it here, packet by packet.
"""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

from machine import CACHE, VPCFLOW
from pcap_workload import INTERFACE_ADDRESS, INTERFACE_ID, SPAN_US, START_S, PcapWorkload
from results import Result

PACKETS, FLOWS = 5_000_000, 200_000
#: Of each kind of odd packet.
ODD_PACKETS = 20_000
ETHERNET_BYTES, RECORD_HEADER_BYTES, FILE_HEADER_BYTES = 14, 16, 24
#: With fewer flows kept apart than there are, packets are skipped, and counted too.
FLOWS_MAX_SMALL = 100_000
#: The interface's own MAC, its neighbour's, and those of two others.
MACS = bytes.fromhex("020000000001020000000002")
OTHER_MACS = bytes.fromhex("020000000003020000000004")
OWN, METADATA, TIME_SYNC = "0a000110", "a9fea9fe", "a9fea97b"
FOREIGN = ("c6120001", "c6120002")


def ipv4(source: str, destination: str, total: int, first: str = "45", macs: bytes = MACS) -> bytes:
    """A frame with an IPv4 UDP packet of ``total`` bytes, all of it there."""
    header = bytes.fromhex(f"{first}00{total:04x}0000400040110000{source}{destination}")
    return macs + b"\x08\x00" + (header + bytes.fromhex("01f40123001c0000")).ljust(total, b"\0")


#: By the name under which a packet is counted: its frame, and how much of it was captured.
ODD: dict[str, tuple[bytes, int]] = {
    "arp": (MACS + b"\x08\x06" + bytes(28), 42),
    "not-ip": (MACS + b"\x88\xcc" + bytes(46), 60),
    "malformed": (ipv4(FOREIGN[0], OWN, 60, first="41"), 74),
    "truncated": (ipv4(FOREIGN[0], OWN, 60), 24),
    "other-host": (ipv4(*FOREIGN, 60, macs=OTHER_MACS), 74),
    "metadata": (ipv4(OWN, METADATA, 60), 74),
    "time-sync": (ipv4(TIME_SYNC, OWN, 60), 74),
}


def capture_file() -> Path:
    """The capture, written when it is not there yet: the odd packets stand in its second half."""
    usual = PACKETS - ODD_PACKETS * len(ODD)
    path = CACHE / f"odd-packets-{PACKETS}-{FLOWS}.pcap"
    if not path.exists():
        part = path.with_suffix(".part")
        shutil.copy(PcapWorkload(usual, FLOWS).path(), part)
        at_us = START_S * 1_000_000 + SPAN_US // 2
        with part.open("ab") as file:
            for frame, kept in ODD.values():
                head = struct.pack("<4I", *divmod(at_us, 1_000_000), kept, len(frame))
                file.write((head + frame[:kept]) * ODD_PACKETS)
        part.replace(path)
    return path


def read_file(path: Path) -> tuple[int, int]:
    """Packets, and bytes behind the Ethernet header of all of them."""
    data = path.read_bytes()
    lengths = struct.Struct("<II")
    at, packets, frame_bytes = FILE_HEADER_BYTES, 0, 0
    while at < len(data):
        kept, size = lengths.unpack_from(data, at + 8)
        packets += 1
        frame_bytes += size
        at += RECORD_HEADER_BYTES + kept
    return packets, frame_bytes - ETHERNET_BYTES * packets


def measure(flows_max: int | None = None) -> dict[str, Any]:
    """Meter the file into lines; what the lines hold and what the command counted besides."""
    environment = {**os.environ, "NO_COLOR": "1"}
    if flows_max:
        environment["VPCFLOW_CAPTURE__FLOWS_MAX"] = str(flows_max)
    command = [str(VPCFLOW), "capture", "--read", str(capture_file()), "--output", "-", "--json"]
    command += ["--interface-id", INTERFACE_ID, "--address", INTERFACE_ADDRESS]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    told: dict[str, Any] = json.loads(done.stderr.splitlines()[-1])
    lines = Counter[str]()
    for line in done.stdout.splitlines()[1:]:
        words = line.split()
        lines[words[13]] += 1
        if words[13] == "OK":
            lines["packets"] += int(words[8])
            lines["bytes"] += int(words[9])
    return told | {"lines": lines}


def account() -> list[Result]:
    """Packets and bytes of the file that are nowhere, with room for all flows and without."""
    path = capture_file()
    packets, ip_bytes = read_file(path)
    results = []
    for name, flows_max in (("", None), (", flow table too small", FLOWS_MAX_SMALL)):
        told = measure(flows_max)
        results += _results(name, told, packets, ip_bytes)
    return results


def _results(name: str, told: dict[str, Any], packets: int, ip_bytes: int) -> list[Result]:
    lines, statuses = told["lines"], dict(told["packets_by_status"])
    metered = statuses.pop("metered")
    excluded, skipped = told["excluded_packets"], told["skipped_packets"]
    found = lines["packets"] + sum(excluded.values()) + sum(statuses.values()) + skipped
    # What the meter read of each packet: bytes of those in no record are known by their number.
    odd_bytes = {kind: len(frame) - ETHERNET_BYTES for kind, (frame, _) in ODD.items()}
    known = sum(odd_bytes[kind] * count for kind, count in {**statuses, **excluded}.items())
    wrong_kinds = {
        kind: count for kind, count in {**statuses, **excluded}.items() if count != ODD_PACKETS
    }
    assert not wrong_kinds, f"not {ODD_PACKETS} packets each: {wrong_kinds}"
    assert metered == lines["packets"] + sum(excluded.values()) + skipped
    note = (
        f"of {packets:,}: {lines['packets']:,} in {lines['OK']:,} records, "
        f"{sum(excluded.values()):,} excluded ({', '.join(excluded)}), {skipped:,} skipped and told "
        f"by {lines['SKIPDATA']} SKIPDATA, "
        + ", ".join(f"{count:,} {kind}" for kind, count in statuses.items())
    )
    results = [
        Result(
            f"packets of a capture unaccounted for{name}",
            abs(packets - found),
            "packets",
            "lower",
            bar=0,
            note=note,
        )
    ]
    if not skipped:
        what, missing = "bytes of a capture unaccounted for", ip_bytes - lines["bytes"] - known
        results.append(Result(what, abs(missing), "B", "lower", bar=0))
    return results
