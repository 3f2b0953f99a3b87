"""The ring at the highest rate that one sender reaches over veth: drops and CPU, root needed.

``ring_rate.py [--seconds 5] [--payload 64] [--senders 1]``; prints one JSON object. The packets
are only found in the ring, not metered. CPU of the sender includes what the kernel does to bring
its packets across and into the ring.
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
import time
from collections.abc import Iterator
from contextlib import contextmanager

from vpcflow.capture.packet_sources.af_packet import AfPacketSource
from vpcflow.capture.packet_sources.namespace_socket import open_in_namespace
from vpcflow.capture.packet_sources.ring_settings import RingSettings

MESSAGES = 128
#: How often the reader looks, as the meter does while it holds packets for a verdict.
TICK_S = 0.01
#: Reaches the far end, and is not its address: nothing answers.
TARGET = "10.9.0.3"
MAC = "02:00:00:00:00:02"
SOCKETS = 4


@contextmanager
def namespace() -> Iterator[str]:
    """A network namespace that ends with the block; gives its path."""
    process = subprocess.Popen(
        ["unshare", "--net", "sh", "-c", "echo ready; exec cat"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n", "unshare --net was refused: be root"
        yield f"/proc/{process.pid}/ns/net"
    finally:
        process.kill()
        process.communicate()


def run_in(path: str, command: str) -> None:
    """Run a shell command in a namespace."""
    subprocess.run(["nsenter", f"--net={path}", "sh", "-ec", command], check=True)


def sender(near: str, seconds: float, payload_bytes: int) -> None:
    """Send with ``sendmmsg`` until the time is over; print packets sent and CPU seconds."""
    libc = ctypes.CDLL(None, use_errno=True)
    payload = ctypes.create_string_buffer(payload_bytes)
    vector = ctypes.create_string_buffer(
        struct.pack("@PN", ctypes.addressof(payload), len(payload))
    )
    message = struct.pack("@PIPNPNiI", 0, 0, ctypes.addressof(vector), 1, 0, 0, 0, 0)
    messages = ctypes.create_string_buffer(message.ljust(64, b"\0") * MESSAGES)
    # A connected socket needs no search for the route with every packet.
    sockets = []
    for number in range(SOCKETS):
        made = open_in_namespace(near, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        made.connect((TARGET, 10_000 + number))
        sockets.append(made)
    sent = 0
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for made in sockets:
            sent += max(0, libc.sendmmsg(made.fileno(), messages, MESSAGES, 0))
    times = os.times()
    print(json.dumps({"sent": sent, "cpu_s": times.user + times.system}))


def read(ring: AfPacketSource, senders: list[subprocess.Popen[bytes]]) -> tuple[float, int]:
    """Take packets until the senders have ended and the ring is empty; CPU seconds, blocks."""
    blocks, last_looks = 0, 20
    begun = time.process_time()
    while last_looks:
        if all(process.poll() is not None for process in senders):
            last_looks -= 1
        for _ in ring.batches():
            blocks += 1
        time.sleep(TICK_S)
    return time.process_time() - begun, blocks


def main() -> int:
    """Measure once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--payload", type=int, default=64)
    parser.add_argument("--senders", type=int, default=1)
    parser.add_argument("--blocks", type=int, default=RingSettings().block_count)
    parser.add_argument("--near", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.near:
        sender(chosen.near, chosen.seconds, chosen.payload)
        return 0
    with namespace() as near, namespace() as far:
        for path in (near, far):
            run_in(path, "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6")
        pid = far.split("/")[2]
        run_in(near, f"ip link add near type veth peer name far address {MAC} netns {pid}")
        run_in(near, "ip address add 10.9.0.1/24 dev near; ip link set near up")
        run_in(far, "ip address add 10.9.0.2/24 dev far; ip link set far up")
        run_in(near, f"ip neighbour replace {TARGET} dev near lladdr {MAC}")
        ring = AfPacketSource(far, RingSettings(block_count=chosen.blocks))
        command = [sys.executable, __file__, "--near", near, "--seconds", str(chosen.seconds)]
        command += ["--payload", str(chosen.payload)]
        senders = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(chosen.senders)]
        cpu_s, blocks = read(ring, senders)
        told = [json.loads(process.communicate()[0]) for process in senders]
        ring.close()
    sent = sum(one["sent"] for one in told)
    sender_cpu_s = sum(one["cpu_s"] for one in told)
    counts = ring.counts
    print(
        json.dumps(
            {
                "sent": sent,
                "packets_per_s": round(sent / chosen.seconds),
                "seen": counts.packets,
                "dropped": counts.dropped,
                "dropped_share": counts.dropped / max(1, counts.dropped + counts.packets),
                "blocks": blocks,
                "reader_cpu_s": round(cpu_s, 3),
                "sender_cpu_s": round(sender_cpu_s, 3),
                "reader_share": round(cpu_s / sender_cpu_s, 4),
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
