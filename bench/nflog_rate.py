"""Verdicts by NFLOG at a set rate: what is lost, what is known to be lost, and the CPU. Root needed.

``nflog_rate.py [--rate 200000] [--seconds 5] [--payload 64]``; prints one JSON object. A sender
floods UDP over a veth into a rule that logs and drops; the reader parses what is logged, finds the
interface and lets the verdicts wait, as the meter does. The rule's counter is the truth.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import re
import select
import socket
import struct
import subprocess
import sys
import time

from ring_rate import MAC, namespace, run_in
from vpcflow.capture.device_map import DeviceMap
from vpcflow.capture.packet_batch import BATCH_PACKETS_MAX
from vpcflow.capture.packet_sources.namespace_socket import open_in_namespace
from vpcflow.capture.packet_sources.nflog import NflogSource, PrefixTable
from vpcflow.capture.parse_kernels import FragmentCache, new_parsed_matrix, parse_packets
from vpcflow.capture.verdict import Attribution, RuleNumbers, VerdictSet
from vpcflow.inventory.network_interface import AttachmentSide

#: Packets of one system call of the sender.
MESSAGES = 64
GROUP = 64
TICK_MS = 10
HOLD_NS = 60_000_000
#: The receiving end's own address: the packets reach its input hook.
TARGET = "10.9.0.2"
RULES = f"""
table ip firewall {{
    chain in {{
        type filter hook input priority 0; policy accept;
        meta l4proto udp counter log prefix "flood" group {GROUP} drop
    }}
}}
"""


def sender(near: str, seconds: float, payload_bytes: int, rate: float) -> None:
    """Send ``rate`` packets a second; print packets sent and CPU seconds."""
    libc = ctypes.CDLL(None, use_errno=True)
    payload = ctypes.create_string_buffer(payload_bytes)
    vector = ctypes.create_string_buffer(
        struct.pack("@PN", ctypes.addressof(payload), len(payload))
    )
    message = struct.pack("@PIPNPNiI", 0, 0, ctypes.addressof(vector), 1, 0, 0, 0, 0)
    messages = ctypes.create_string_buffer(message.ljust(64, b"\0") * MESSAGES)
    made = open_in_namespace(near, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    made.connect((TARGET, 9_000))
    sent = 0
    begun = time.perf_counter()
    while (passed := time.perf_counter() - begun) < seconds:
        if sent >= passed * rate:
            time.sleep(0.0002)
            continue
        sent += max(0, libc.sendmmsg(made.fileno(), messages, MESSAGES, 0))
    times = os.times()
    print(json.dumps({"sent": sent, "cpu_s": times.user + times.system}))


class Reader:
    """What the meter does with logged packets, less the ring."""

    def __init__(self, far: str) -> None:
        prefixes = PrefixTable()
        self.source = NflogSource(far, [GROUP], prefixes=prefixes)
        devices = DeviceMap()
        devices.put(
            open_in_namespace(far, lambda: socket.if_nametoindex("far")),
            0,
            AttachmentSide.INTERFACE,
        )
        self.attribution = Attribution(far, devices, prefixes, RuleNumbers(), reject_groups=[GROUP])
        self.verdicts = VerdictSet()
        self.fragments = FragmentCache()
        self.parsed = new_parsed_matrix(BATCH_PACKETS_MAX)

    def look(self) -> int:
        """Take what waits; how many packets."""
        batch = self.source.read()
        parse_packets(batch.packets, self.fragments, self.parsed)
        whose = self.attribution.attribute(batch, self.parsed, self.verdicts.default_verdict)
        now_ns = time.monotonic_ns()
        self.verdicts.add(self.parsed, whose.seen, now_ns)
        while self.verdicts.expire(now_ns, HOLD_NS).shape[1] == BATCH_PACKETS_MAX:
            pass
        return len(batch)


def counted(far: str) -> int:
    """Packets that the rule has met."""
    listed = subprocess.run(
        ["nsenter", f"--net={far}", "nft", "list", "table", "ip", "firewall"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    found = re.search(r"counter packets (\d+)", listed)
    assert found, listed
    return int(found[1])


def main() -> int:
    """Measure once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=200_000)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--payload", type=int, default=64)
    parser.add_argument("--near", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.near:
        sender(chosen.near, chosen.seconds, chosen.payload, chosen.rate)
        return 0
    with namespace() as near, namespace() as far:
        for path in (near, far):
            run_in(path, "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6")
        pid = far.split("/")[2]
        run_in(near, f"ip link add near type veth peer name far address {MAC} netns {pid}")
        run_in(near, "ip address add 10.9.0.1/24 dev near; ip link set near up")
        run_in(far, "ip address add 10.9.0.2/24 dev far; ip link set far up")
        run_in(near, f"ip neighbour replace {TARGET} dev near lladdr {MAC}")
        run_in(far, f"nft -f - <<'END'\n{RULES}\nEND")
        reader = Reader(far)
        reader.look()  # compiles
        command = [sys.executable, __file__, "--near", near]
        for name in ("seconds", "payload", "rate"):
            command += [f"--{name}", str(getattr(chosen, name))]
        poll = select.poll()
        poll.register(reader.source, select.POLLIN)
        flood = subprocess.Popen(command, stdout=subprocess.PIPE)
        cpu = time.process_time()
        looks = 0
        while True:
            ended = flood.poll() is not None
            if reader.look() == 0 and ended and not poll.poll(100):
                break
            looks += 1
            time.sleep(TICK_MS / 1000)
        cpu = time.process_time() - cpu
        assert flood.stdout is not None
        told = json.loads(flood.stdout.read())
        truth = counted(far)
        reader.source.close()
    counts = reader.source.counts
    print(
        json.dumps(
            {
                "sent": told["sent"],
                "packets_per_s": round(told["sent"] / chosen.seconds),
                "met_by_rule": truth,
                "read": counts.packets,
                "counted_lost": counts.dropped,
                "unaccounted": truth - counts.packets - counts.dropped,
                "overruns": counts.overruns,
                "rejected": reader.attribution.counts.rejected,
                "verdicts_without_room": reader.verdicts.no_room,
                "looks": looks,
                "reader_cpu_s": round(cpu, 3),
                "reader_cpu_of_one_core": round(cpu / chosen.seconds, 4),
                "sender_cpu_s": round(told["cpu_s"], 3),
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
