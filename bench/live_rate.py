"""``vpcflow run`` against the highest rate that a sender reaches over veth: losses and CPU. Root.

``live_rate.py [--seconds 5] [--payload 18] [--flows 1] [--senders 1]``; prints one JSON object. With
many flows the sender's sockets each go through many destination ports. CPU seconds of the sender
are those of sending alone, with what the kernel does to bring its packets across and into the ring.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import math
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time
from itertools import cycle
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
#: How long a sender waits that is ahead of its rate.
PAUSE_S = 0.0002
FIRST_PORT = 1024
HEADER_BYTES = 28
#: Names, payloads, flows, senders; payloads of the least frame of Ethernet and of 1,400 bytes.
#: One sender leaves a processor of two to the meter, two leave none.
CASES = (
    ("small packets, one flow", 18, 1, 1),
    ("small packets, 65,536 flows", 18, 65_536, 1),
    ("1,400-byte packets, one flow", 1400 - HEADER_BYTES, 1, 1),
    ("1,400-byte packets, 65,536 flows", 1400 - HEADER_BYTES, 65_536, 1),
    ("small packets, 65,536 flows of two senders", 18, 65_536, 2),
)
#: After the last packet its block is handed out and held for the firewall's word.
SETTLE_S = 0.3
DROPPED_SHARE_MAX, CPU_SHARE_MAX = 0.001, 0.15


def messages_to(target: str, ports: list[int], payload: ctypes.Array[ctypes.c_char]) -> Any:
    """One ``mmsghdr`` a destination port, with all that it points to kept beside it."""
    vector = ctypes.create_string_buffer(
        struct.pack("@PN", ctypes.addressof(payload), len(payload))
    )
    host = socket.inet_aton(target)
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


def sender(
    near: str, seconds: float, payload_bytes: int, flows: int, target: str, rate: float
) -> None:
    """Send with ``sendmmsg`` until the time is over; print packets sent and CPU seconds.

    Units: ``rate`` is in packets a second; infinite for as fast as it goes.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    payload = ctypes.create_string_buffer(payload_bytes)
    sockets = [
        open_in_namespace(near, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        for _ in range(min(SOCKETS, flows))
    ]
    ports = max(1, flows // SOCKETS)
    batches = [
        messages_to(target, [FIRST_PORT + (begin + n) % ports for n in range(MESSAGES)], payload)
        for begin in range(0, ports, MESSAGES)
    ]
    # A connected socket needs no search for the route with every packet.
    if flows == 1:
        sockets[0].connect((target, FIRST_PORT))
    filenos = [one.fileno() for one in sockets]
    turns = cycle([(fileno, messages) for messages, _ in batches for fileno in filenos])
    sent, cpu_s, begun = 0, time.process_time(), time.perf_counter()
    while (passed := time.perf_counter() - begun) < seconds:
        if sent >= passed * rate:
            time.sleep(PAUSE_S)
            continue
        fileno, messages = next(turns)
        sent += max(0, libc.sendmmsg(fileno, messages, MESSAGES, 0))
    print(json.dumps({"sent": sent, "cpu_s": time.process_time() - cpu_s}))


def send(
    near: str,
    seconds: float,
    payload_bytes: int,
    flows: int,
    *,
    senders: int = 1,
    target: str = TARGET,
    rate: float = math.inf,
) -> tuple[int, float]:
    """Run senders to their end; packets sent and their CPU seconds."""
    command = [sys.executable, __file__, "--near", near, "--seconds", str(seconds)]
    command += ["--payload", str(payload_bytes), "--flows", str(max(1, flows // senders))]
    command += ["--target", target, "--rate", str(rate)]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(senders)]
    told = [json.loads(child.communicate()[0]) for child in children]
    return sum(one["sent"] for one in told), sum(one["cpu_s"] for one in told)


def measure(
    folder: Path, seconds: float, payload_bytes: int, flows: int, senders: int = 1
) -> dict[str, Any]:
    """One run of the service under one sender or several, whose sockets have ports of their own."""
    with veth() as (near, far), LiveProcess(folder, "--netns", far) as service:
        time.sleep(SETTLE_S)
        before, begun = received(far), service.cpu_s()
        sent, sender_cpu_s = send(near, seconds, payload_bytes, flows, senders=senders)
        time.sleep(SETTLE_S)
        cpu_s = service.cpu_s() - begun
        status, arrived = service.status(), received(far) - before
        service.stop()
        kept = service.query(
            "SELECT count(*) AS records, coalesce(sum(packets), 0) AS packets, "
            "coalesce(sum(bytes), 0) AS bytes "
            f"FROM flow_records WHERE pkt_dstaddr = '{TARGET}' AND log_status = 'OK'"
        )[0]
    dropped = status["lost"]["ring-dropped"]
    assert kept["bytes"] == kept["packets"] * (payload_bytes + HEADER_BYTES)
    return {
        "sent": sent,
        "packets_per_s": round(sent / seconds),
        "arrived": arrived,
        "seen": status["packets"]["metered"],
        "dropped": dropped,
        "table_full": status["lost"]["flow-table-full"],
        "records": kept["records"],
        "packets_in_records": kept["packets"],
        "unaccounted": arrived - kept["packets"] - dropped,
        "dropped_share": dropped / max(1, arrived),
        "meter_cpu_s": round(cpu_s, 3),
        "sender_cpu_s": round(sender_cpu_s, 3),
        "cpu_share": cpu_s / sender_cpu_s,
    }


def live(runs: int, seconds: float = 5.0) -> list[Result]:
    """Drops and CPU of ``vpcflow run`` over veth, for few and many flows, small and large packets."""
    require_kernel_tools()
    results = []
    for name, payload, flows, senders in CASES:
        done = []
        for _ in range(runs):
            with tempfile.TemporaryDirectory() as folder:
                done.append(measure(Path(folder), seconds, payload, flows, senders))
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
    parser.add_argument("--senders", type=int, default=1)
    parser.add_argument("--target", default=TARGET, help=argparse.SUPPRESS)
    parser.add_argument("--rate", type=float, default=math.inf, help=argparse.SUPPRESS)
    parser.add_argument("--near", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.near:
        sender(
            chosen.near,
            chosen.seconds,
            chosen.payload,
            chosen.flows,
            chosen.target,
            chosen.rate,
        )
        return 0
    require_kernel_tools()
    with tempfile.TemporaryDirectory() as folder:
        told = measure(Path(folder), chosen.seconds, chosen.payload, chosen.flows, chosen.senders)
    print(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
