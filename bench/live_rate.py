"""``vpcflow run`` against the highest rate that a sender reaches over veth: losses and CPU. Root.

``live_rate.py [--seconds 5] [--payload 18] [--flows 1]``; prints one JSON object. With many flows
the sender's sockets each go through many destination ports. CPU seconds of the sender include what
the kernel does to bring its packets across and into the ring.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from live_process import LiveProcess, received, require_kernel_tools, veth
from machine import median
from results import Result
from ring_rate import TARGET
from vpcflow.capture.packet_sources.namespace_socket import open_in_namespace

#: Packets of one system call of the sender.
MESSAGES = 128
SOCKETS = 64
FIRST_PORT = 1024
HEADER_BYTES = 28
#: Names, payloads and flows; the payloads make the least frame of Ethernet and a full one.
CASES = (
    ("small packets, one flow", 18, 1),
    ("small packets, 65,536 flows", 18, 65_536),
    ("1,400-byte packets, one flow", 1400 - HEADER_BYTES, 1),
    ("1,400-byte packets, 65,536 flows", 1400 - HEADER_BYTES, 65_536),
)
#: After the last packet its block is handed out and held for the firewall's word.
SETTLE_S = 0.3
DROPPED_SHARE_MAX, CPU_SHARE_MAX = 0.001, 0.15


def messages_to(ports: list[int], payload: ctypes.Array[ctypes.c_char]) -> Any:
    """One ``mmsghdr`` a destination port, with all that it points to kept beside it."""
    vector = ctypes.create_string_buffer(
        struct.pack("@PN", ctypes.addressof(payload), len(payload))
    )
    host = socket.inet_aton(TARGET)
    names = ctypes.create_string_buffer(
        b"".join(struct.pack("=H2s4s8x", socket.AF_INET, port.to_bytes(2), host) for port in ports)
    )
    first = ctypes.addressof(names)
    packed = b"".join(
        struct.pack(
            "@PIPNPNiI", first + 16 * number, 16, ctypes.addressof(vector), 1, 0, 0, 0, 0
        ).ljust(64, b"\0")
        for number in range(len(ports))
    )
    return ctypes.create_string_buffer(packed), (vector, names, payload)


def sender(near: str, seconds: float, payload_bytes: int, flows: int) -> None:
    """Send with ``sendmmsg`` until the time is over; print packets sent and CPU seconds."""
    libc = ctypes.CDLL(None, use_errno=True)
    payload = ctypes.create_string_buffer(payload_bytes)
    sockets = [
        open_in_namespace(near, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        for _ in range(min(SOCKETS, flows))
    ]
    ports = max(1, flows // SOCKETS)
    batches = [
        messages_to([FIRST_PORT + (begin + n) % ports for n in range(MESSAGES)], payload)
        for begin in range(0, ports, MESSAGES)
    ]
    # A connected socket needs no search for the route with every packet.
    if flows == 1:
        sockets[0].connect((TARGET, FIRST_PORT))
    filenos = [one.fileno() for one in sockets]
    sent = 0
    end = time.perf_counter() + seconds
    while True:
        for messages, _ in batches:
            for fileno in filenos:
                sent += max(0, libc.sendmmsg(fileno, messages, MESSAGES, 0))
            if time.perf_counter() >= end:
                times = os.times()
                print(json.dumps({"sent": sent, "cpu_s": times.user + times.system}))
                return


def measure(folder: Path, seconds: float, payload_bytes: int, flows: int) -> dict[str, Any]:
    """One run of the service under one sender."""
    with veth() as (near, far), LiveProcess(folder, "--netns", far) as service:
        command = [sys.executable, __file__, "--near", near, "--seconds", str(seconds)]
        command += ["--payload", str(payload_bytes), "--flows", str(flows)]
        time.sleep(SETTLE_S)
        before, begun = received(far), service.cpu_s()
        told = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        time.sleep(SETTLE_S)
        cpu_s = service.cpu_s() - begun
        status, arrived = service.status(), received(far) - before
        begun = service.cpu_s()
        service.stop()
        kept = service.query(
            "SELECT count(*) AS records, coalesce(sum(packets), 0) AS packets, "
            "coalesce(sum(bytes), 0) AS bytes "
            f"FROM flow_records WHERE pkt_dstaddr = '{TARGET}' AND log_status = 'OK'"
        )[0]
    dropped = status["lost"]["ring-dropped"]
    assert kept["bytes"] == kept["packets"] * (payload_bytes + HEADER_BYTES)
    return {
        "sent": told["sent"],
        "packets_per_s": round(told["sent"] / seconds),
        "arrived": arrived,
        "seen": status["packets"]["metered"],
        "dropped": dropped,
        "table_full": status["lost"]["flow-table-full"],
        "records": kept["records"],
        "packets_in_records": kept["packets"],
        "unaccounted": arrived - kept["packets"] - dropped,
        "dropped_share": dropped / max(1, arrived),
        "meter_cpu_s": round(cpu_s, 3),
        "sender_cpu_s": round(told["cpu_s"], 3),
        "cpu_share": cpu_s / told["cpu_s"],
    }


def live(runs: int, seconds: float = 5.0) -> list[Result]:
    """Drops and CPU of ``vpcflow run`` over veth, for few and many flows, small and large packets."""
    require_kernel_tools()
    results = []
    for name, payload, flows in CASES:
        done = []
        for _ in range(runs):
            with tempfile.TemporaryDirectory() as folder:
                done.append(measure(Path(folder), seconds, payload, flows))
        middle = sorted(done, key=lambda one: one["cpu_share"])[len(done) // 2]
        note = (
            f"{middle['packets_per_s']:,} packets/s; sent {middle['sent']:,}, arrived "
            f"{middle['arrived']:,}, seen {middle['seen']:,}, dropped {middle['dropped']:,}, in "
            f"{middle['records']:,} records {middle['packets_in_records']:,}, unaccounted in any "
            f"run {max(abs(one['unaccounted']) for one in done)}; CPU of the meter "
            f"{middle['meter_cpu_s']:.2f} s, of the sender {middle['sender_cpu_s']:.2f} s; both "
            f"share {os.cpu_count()} processors"
        )
        drops = [100 * one["dropped_share"] for one in done]
        shares = [100 * one["cpu_share"] for one in done]
        results += [
            Result(
                f"live, {name}: dropped",
                median(drops),
                "%",
                "lower",
                bar=100 * DROPPED_SHARE_MAX,
                note=note,
                runs=done,
            ),
            Result(
                f"live, {name}: CPU of the sender's",
                median(shares),
                "%",
                "lower",
                bar=100 * CPU_SHARE_MAX,
                runs=shares,
            ),
        ]
    return results


def main() -> int:
    """Measure once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--payload", type=int, default=18)
    parser.add_argument("--flows", type=int, default=1)
    parser.add_argument("--near", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.near:
        sender(chosen.near, chosen.seconds, chosen.payload, chosen.flows)
        return 0
    require_kernel_tools()
    with tempfile.TemporaryDirectory() as folder:
        told = measure(Path(folder), chosen.seconds, chosen.payload, chosen.flows)
    print(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
