"""Aim: a real firewall's log gives every refused packet once, and the ring's packets their verdict.

Method: nftables in namespaces of their own, packets with exact counts sent by sockets.
"""

from __future__ import annotations

import ctypes
import select
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from ipaddress import ip_address

import numpy as np
import pytest
from firewall_router import anonymous_namespace, needs_root, run_in

from vpcflow.base.errors import CaptureError
from vpcflow.capture.device_map import DeviceMap
from vpcflow.capture.meter_kernels import place_packets
from vpcflow.capture.nflog_kernels import DEVICE_IN, DEVICE_OUT, FAMILY, GROUP, HOOK, MARK, PREFIX
from vpcflow.capture.observation_point import ObservationPoint
from vpcflow.capture.packet_batch import BATCH_PACKETS_MAX, LinkType
from vpcflow.capture.packet_sources.af_packet import AfPacketSource
from vpcflow.capture.packet_sources.namespace_socket import open_in_namespace
from vpcflow.capture.packet_sources.nflog import NflogSettings, NflogSource, PrefixTable
from vpcflow.capture.packet_sources.ring_settings import RingSettings
from vpcflow.capture.parse_kernels import FragmentCache, new_parsed_matrix, parse_packets
from vpcflow.capture.parsed_columns import (
    DESTINATION_PORT_SHIFT,
    DIRECTION_SHIFT,
    FLOW_WORD,
    METERED,
    PROTOCOL_SHIFT,
    STATUS,
    VERDICT_ACCEPT,
    VERDICT_REJECT,
    VERDICT_SHIFT,
)
from vpcflow.capture.verdict import Attribution, RuleNumbers, VerdictSet
from vpcflow.inventory.network_interface import AttachmentSide, NetworkInterface
from vpcflow.policy.log_prefix import LoggedVerdict, LogPrefix
from vpcflow.policy.security_group import Direction

pytestmark = pytest.mark.skipif(bool(needs_root()), reason=needs_root() or "runs")

CAP_NET_ADMIN = 12
LOOKS_MAX = 100
IN, OUT, ACCEPTED = 11, 12, 13
HOST = ("10.9.0.1", "2001:db8:9::1")
PEER = ("10.9.0.2", "2001:db8:9::2")
SMALL = RingSettings(block_bytes=65_536, block_count=32, retire_ms=1)


@contextmanager
def host_and_peer(rules: str) -> Iterator[tuple[str, str]]:
    """A host with a firewall at its device ``eth0``, and who speaks with it."""
    with anonymous_namespace() as host, anonymous_namespace() as peer:
        pid = peer.split("/")[2]
        run_in(
            host,
            "ip link add eth0 address 02:00:00:00:00:01 type veth"
            f" peer name eth0 address 02:00:00:00:00:02 netns {pid}",
        )
        for namespace, own, other, mac in ((host, HOST, PEER, "02"), (peer, PEER, HOST, "01")):
            run_in(
                namespace,
                f"ip address add {own[0]}/24 dev eth0; ip -6 address add {own[1]}/64 dev eth0 nodad;"
                " ip link set eth0 up;"
                + "".join(
                    f"ip neighbour replace {address} dev eth0 lladdr 02:00:00:00:00:{mac};"
                    for address in other
                ),
            )
        run_in(host, f"nft -f - <<'END'\ntable inet firewall {{\n{rules}\n}}\nEND")
        yield host, peer


def send(namespace: str, source: str, target: str, port: int, count: int, size: int = 100) -> None:
    family = socket.AF_INET6 if ":" in target else socket.AF_INET
    with closing(
        open_in_namespace(namespace, lambda: socket.socket(family, socket.SOCK_DGRAM))
    ) as opened:
        opened.bind((source, 4_000))
        for _ in range(count):
            try:
                opened.sendto(b"x" * size, (target, port))
            except PermissionError:
                continue  # how a dropped packet of the host itself is told


def read_until(source: NflogSource, enough: Callable[[], bool], take: Callable[[], None]) -> None:
    poll = select.poll()
    poll.register(source, select.POLLIN)
    for _ in range(LOOKS_MAX):
        take()
        if enough():
            return
        poll.poll(100)
    raise AssertionError(f"not enough came: {source.counts}")


RULES = f"""
chain in {{
    type filter hook input priority 0; policy accept;
    udp dport 7001 meta mark set 77 log prefix "in seven" group {IN} drop
    udp dport 7002 log prefix "let in" group {ACCEPTED} accept
}}
chain out {{
    type filter hook output priority 0; policy accept;
    udp dport 7003 log prefix "out" group {OUT} drop
}}
"""


def test_what_the_rules_log_comes_with_all_that_they_say() -> None:
    with (
        host_and_peer(RULES) as (host, peer),
        closing(NflogSource(host, [IN, OUT, ACCEPTED])) as source,
    ):
        eth0 = open_in_namespace(host, lambda: socket.if_nametoindex("eth0"))
        begun_ns = time.time_ns()
        for family in (0, 1):
            send(peer, PEER[family], HOST[family], 7001, 300, size=1000)
            send(peer, PEER[family], HOST[family], 7002, 20)
            send(peer, PEER[family], HOST[family], 7004, 5)
            send(host, HOST[family], PEER[family], 7003, 70)
        found: Counter[tuple[int, ...]] = Counter()
        octets = 0

        def take() -> None:
            nonlocal octets
            batch = source.read()
            rows = batch.fields[[GROUP, FAMILY, HOOK, DEVICE_IN, DEVICE_OUT, MARK, PREFIX]]
            found.update(tuple(column) for column in rows.T.tolist())
            octets += int(batch.packets.wire_bytes.sum())
            assert batch.packets.link_type is LinkType.RAW
            assert np.all(batch.packets.captured_bytes <= 128)
            assert np.all(batch.packets.time_ns >= begun_ns - 1_000_000)
            assert np.all(batch.packets.time_ns <= time.time_ns() + 1_000_000)

        read_until(source, lambda: found.total() >= 780, take)
        text = {text: number for number, text in enumerate(source.prefixes.texts)}
        # The family is that of the packet, and the number of a hook that of its netfilter family.
        assert found == {
            (IN, 2, 1, eth0, 0, 77, text["in seven"]): 300,
            (IN, 10, 1, eth0, 0, 77, text["in seven"]): 300,
            (ACCEPTED, 2, 1, eth0, 0, 0, text["let in"]): 20,
            (ACCEPTED, 10, 1, eth0, 0, 0, text["let in"]): 20,
            (OUT, 2, 3, 0, eth0, 0, text["out"]): 70,
            (OUT, 10, 3, 0, eth0, 0, text["out"]): 70,
        }
        assert octets == 300 * (1028 + 1048) + 20 * (128 + 148) + 70 * (128 + 148)
        assert (source.counts.packets, source.counts.dropped) == (780, 0)
        assert source.counts.malformed == 0


def test_what_a_full_buffer_loses_is_counted() -> None:
    sent = 3_000
    settings = NflogSettings(receive_buffer_bytes=4_096, threshold_packets=1, message_bytes=4_096)
    with host_and_peer(RULES) as (host, peer), closing(NflogSource(host, [IN], settings)) as source:
        send(peer, PEER[0], HOST[0], 7001, sent)
        packets = len(source.read())
        assert source.counts.overruns >= 1
        assert source.counts.dropped >= 1, "known before the next packet comes"
        # Afterwards packets come through again, and show how many are missing.
        more = 0

        def take() -> None:
            nonlocal packets, more
            packets += len(source.read())
            if packets + source.counts.dropped < sent + 1 and more < 50:
                send(peer, PEER[0], HOST[0], 7001, 1)
                more += 1

        read_until(
            source, lambda: more > 0 and packets + source.counts.dropped == sent + more, take
        )
        assert 0 < packets < sent
        assert source.counts.dropped > 1


def test_a_taken_group_is_told_from_a_missing_permission() -> None:
    with anonymous_namespace() as namespace, closing(NflogSource(namespace, [IN, OUT])):
        with pytest.raises(CaptureError, match="another program reads this group") as taken:
            NflogSource(namespace, [OUT])
        assert "group 12" in str(taken.value)
        with closing(NflogSource(namespace, [ACCEPTED])):
            pass
        with pytest.raises(CaptureError, match="CAP_NET_ADMIN") as missing:
            _without_net_admin(lambda: NflogSource(namespace, [ACCEPTED]))
        assert "grant" in missing.value.hint


def _without_net_admin(make: Callable[[], NflogSource]) -> None:
    """Call with the effective capability taken from this thread, then give it back."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    data = (ctypes.c_uint32 * 6)()
    assert libc.capget(header, data) == 0
    held = data[0]
    # Entering the namespace needs another capability, which stays.
    data[0] = held & ~(1 << CAP_NET_ADMIN)
    assert libc.capset(header, data) == 0
    try:
        make().close()
    finally:
        data[0] = held
        assert libc.capset(header, data) == 0


def our_rules(interface_id: str) -> str:
    """What a compiled ruleset does, in small: refuse one port in and one out, accept the rest."""
    refused_in = LogPrefix(LoggedVerdict.REJECT, interface_id, Direction.INGRESS, "acl-1/*")
    refused_out = LogPrefix(LoggedVerdict.REJECT, interface_id, Direction.EGRESS, "sg-1 default")
    return f"""
chain in {{
    type filter hook input priority 0; policy accept;
    udp dport 7001 log prefix "{refused_in.format()}" group 64 drop
}}
chain out {{
    type filter hook output priority 0; policy accept;
    udp dport 7003 log prefix "{refused_out.format()}" group 64 drop
}}
"""


def test_the_packets_of_the_ring_get_the_verdict_of_the_firewall() -> None:
    """Both directions, both families: refused where it was refused, accepted all else."""
    slot, counts = 5, (200, 150, 40)
    interface = NetworkInterface(
        "eni-1",
        "subnet-1",
        "vpc-1",
        "123456789012",
        tuple(a for a in map(ip_address, HOST) if a.version == 4),
        tuple(a for a in map(ip_address, HOST) if a.version == 6),
    )
    devices, rules, prefixes, verdicts = DeviceMap(), RuleNumbers(), PrefixTable(), VerdictSet()
    verdicts.default_verdict[slot] = VERDICT_ACCEPT
    with (
        host_and_peer(our_rules("eni-1")) as (host, peer),
        closing(NflogSource(host, [64], prefixes=prefixes)) as source,
        closing(AfPacketSource(host, SMALL)) as ring,
    ):
        devices.put(
            open_in_namespace(host, lambda: socket.if_nametoindex("eth0")),
            slot,
            AttachmentSide.INTERFACE,
        )
        attribution = Attribution(host, devices, prefixes, rules)
        attribution.update([ObservationPoint(slot, interface, AttachmentSide.INTERFACE, host)])
        for family in (0, 1):
            send(peer, PEER[family], HOST[family], 7001, counts[0])
            send(peer, PEER[family], HOST[family], 7002, counts[1])
            send(host, HOST[family], PEER[family], 7003, counts[2])
            send(host, HOST[family], PEER[family], 7004, counts[1])
        found: Counter[tuple[int, int, int]] = Counter()
        logged = new_parsed_matrix(BATCH_PACKETS_MAX)
        fragments = FragmentCache()

        def take_log() -> None:
            batch = source.read()
            parse_packets(batch.packets, fragments, logged)
            whose = attribution.attribute(batch, logged, verdicts.default_verdict)
            assert verdicts.add(logged, whose.seen, time.monotonic_ns()).shape[1] == 0
            found.update(_verdicts(whose.direct))

        refused = 2 * (counts[0] + counts[2])
        read_until(source, lambda: attribution.counts.rejected >= refused, take_log)
        assert len(verdicts) == 2 * counts[0]

        parsed = new_parsed_matrix(BATCH_PACKETS_MAX)
        expected = {
            (7001, 0, VERDICT_REJECT): 2 * counts[0],
            (7002, 0, VERDICT_ACCEPT): 2 * counts[1],
            (7003, 1, VERDICT_REJECT): 2 * counts[2],
            (7004, 1, VERDICT_ACCEPT): 2 * counts[1],
        }
        poll = select.poll()
        poll.register(ring, select.POLLIN)
        for _ in range(LOOKS_MAX):
            for batch in ring.batches():
                parse_packets(batch, fragments, parsed)
                place_packets(
                    parsed, batch.device, batch.direction, devices.keys, devices.values, True
                )
                verdicts.apply(parsed, 0, len(batch))
                found.update(_verdicts(parsed[:, : len(batch)]))
            if found.total() >= sum(expected.values()):
                break
            poll.poll(100)
    assert found == expected
    assert (len(verdicts), verdicts.matched) == (0, 2 * counts[0])
    assert rules.texts == ["", "acl-1/*", "sg-1 default"]


def _verdicts(matrix: np.ndarray) -> list[tuple[int, int, int]]:
    """Destination port, direction and verdict of each UDP packet to one of the test's ports."""
    flow = matrix[FLOW_WORD, matrix[STATUS] == METERED]
    flow = flow[flow >> np.uint64(PROTOCOL_SHIFT) & np.uint64(0xFF) == 17]
    port = flow >> np.uint64(DESTINATION_PORT_SHIFT) & np.uint64(0xFFFF)
    flow, port = flow[port // 10 == 700], port[port // 10 == 700]
    direction = flow >> np.uint64(DIRECTION_SHIFT) & np.uint64(1)
    verdict = flow >> np.uint64(VERDICT_SHIFT) & np.uint64(3)
    return list(zip(port.tolist(), direction.tolist(), verdict.tolist(), strict=True))
