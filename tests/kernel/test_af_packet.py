"""Aim: the ring shows every packet of a namespace once, with its device, direction and length.

Method: real devices in namespaces of their own, packets with exact counts sent by sockets.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from firewall_router import anonymous_namespace, needs_root, run_in

from vpcflow.base.errors import CaptureError
from vpcflow.capture.packet_batch import LinkType, PacketDirection
from vpcflow.capture.packet_sources.af_packet import AfPacketSource
from vpcflow.capture.packet_sources.namespace_socket import open_in_namespace
from vpcflow.capture.packet_sources.ring_settings import RingSettings

pytestmark = pytest.mark.skipif(bool(needs_root()), reason=needs_root() or "runs")

SMALL = RingSettings(block_bytes=65_536, block_count=32, retire_ms=1)
#: How often a test looks at a ring for what must come; each look waits up to 100 ms.
LOOKS_MAX = 100
SENT, RECEIVED = PacketDirection.SENT, PacketDirection.RECEIVED
CAP_NET_RAW = 13
#: Reaches the far end, and is not its address: nothing answers.
NOBODY = ("10.9.0.3", 9)


@dataclass(frozen=True)
class Seen:
    """One packet as the ring showed it."""

    device: int
    direction: int
    data: bytes
    wire_bytes: int
    time_ns: int
    segment_bytes: int

    @property
    def is_udp(self) -> bool:
        return self.data[12:14] == b"\x08\x00" and self.data[23] == socket.IPPROTO_UDP

    @property
    def tcp_payload_bytes(self) -> int:
        if self.data[12:14] != b"\x08\x00" or self.data[23] != socket.IPPROTO_TCP:
            return 0
        total = struct.unpack_from("!H", self.data, 16)[0]
        return int(total - 20 - (self.data[46] >> 4) * 4)


def drain(source: AfPacketSource) -> list[Seen]:
    seen = []
    for batch in source.batches():
        assert batch.link_type is LinkType.ETHERNET
        for at in range(len(batch)):
            start = int(batch.offset[at])
            seen.append(
                Seen(
                    int(batch.device[at]),
                    int(batch.direction[at]),
                    batch.data[start : start + int(batch.captured_bytes[at])].tobytes(),
                    int(batch.wire_bytes[at]),
                    int(batch.time_ns[at]),
                    int(batch.segment_bytes[at]),
                )
            )
    return seen


def drain_until(source: AfPacketSource, enough: Callable[[list[Seen]], bool]) -> list[Seen]:
    poll = select.poll()
    poll.register(source, select.POLLIN)
    seen: list[Seen] = []
    for _ in range(LOOKS_MAX):
        seen += drain(source)
        if enough(seen):
            return seen
        poll.poll(100)
    raise AssertionError(f"only {len(seen)} packets came: {source.counts}")


@contextmanager
def veth_pair(settings: RingSettings = SMALL) -> Iterator[tuple[str, str]]:
    """Two namespaces with one veth between them and nothing that speaks by itself."""
    with anonymous_namespace() as near, anonymous_namespace() as far:
        pid = far.split("/")[2]
        for namespace in (near, far):
            run_in(namespace, "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6")
        run_in(
            near,
            "ip link add near address 02:00:00:00:00:01 type veth"
            f" peer name far address 02:00:00:00:00:02 netns {pid};"
            " ip address add 10.9.0.1/24 dev near; ip link set near up",
        )
        run_in(
            far,
            "ip address add 10.9.0.2/24 dev far; ip link set far up;"
            " ip neighbour replace 10.9.0.1 lladdr 02:00:00:00:00:01 dev far",
        )
        for address in ("10.9.0.2", NOBODY[0]):
            run_in(near, f"ip neighbour replace {address} lladdr 02:00:00:00:00:02 dev near")
        yield near, far


def ifindex(namespace: str, name: str) -> int:
    return open_in_namespace(namespace, lambda: socket.if_nametoindex(name))


def udp_socket(namespace: str, address: str, port: int = 0) -> socket.socket:
    made = open_in_namespace(namespace, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    made.bind((address, port))
    return made


def udp_ports(seen: list[Seen]) -> list[tuple[int, int, int]]:
    """Device, direction and destination port of every UDP packet."""
    return [
        (item.device, item.direction, struct.unpack_from("!H", item.data, 36)[0])
        for item in seen
        if item.is_udp
    ]


def test_every_packet_shows_once_at_each_end_with_its_direction() -> None:
    there, back = 3_000, 1_500
    with veth_pair() as (near, far), ExitStack() as stack:
        rings = [AfPacketSource(namespace, SMALL) for namespace in (near, far)]
        for ring in rings:
            stack.callback(ring.close)
        client = stack.enter_context(udp_socket(near, "10.9.0.1", 4000))
        server = stack.enter_context(udp_socket(far, "10.9.0.2", 5000))
        before = time.time_ns()
        seen: list[list[Seen]] = [[], []]
        for number in range(there):
            client.sendto(bytes(number % 1400), ("10.9.0.2", 5000))
            if number < back:
                server.sendto(bytes(100), ("10.9.0.1", 4000))
            if number % 500 == 0:
                for ring, packets in zip(rings, seen, strict=True):
                    packets.extend(drain(ring))
        for ring, packets in zip(rings, seen, strict=True):
            missing = there + back - len(packets)
            packets.extend(drain_until(ring, lambda more, missing=missing: len(more) >= missing))
        after = time.time_ns()
        for ring, packets, name, there_way in zip(
            rings, seen, ("near", "far"), (SENT, RECEIVED), strict=True
        ):
            assert (ring.counts.packets, ring.counts.dropped) == (there + back, 0)
            assert {packet.device for packet in packets} == {ifindex(ring.namespace, name)}
            forward = [packet for packet in packets if packet.direction == there_way]
            sizes = [14 + 20 + 8 + number % 1400 for number in range(there)]
            assert [packet.wire_bytes for packet in forward] == sizes
            assert [len(packet.data) for packet in forward] == [min(192, size) for size in sizes]
            others = [packet for packet in packets if packet.direction != there_way]
            assert [packet.wire_bytes for packet in others] == [142] * back
            times = [packet.time_ns for packet in packets]
            assert before <= min(times) and max(times) <= after
            assert times == sorted(times)


def test_a_device_that_appears_later_is_seen_from_its_first_packet() -> None:
    with anonymous_namespace() as namespace:
        run_in(namespace, "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6")
        ring = AfPacketSource(namespace, SMALL)
        for name in ("one", "two"):
            run_in(
                namespace,
                f"ip link add {name} type veth peer name {name}-end;"
                f" ip link set {name} up; ip link set {name}-end up;"
                f" ip address add 10.8.0.1/24 dev {name};"
                f" ip neighbour add 10.8.0.2 lladdr 02:00:00:00:00:09 dev {name}",
            )
            with udp_socket(namespace, "10.8.0.1") as sender:
                sender.sendto(b"first", ("10.8.0.2", 7000))
            seen = drain_until(ring, lambda more: len(more) >= 2)
            ends = ifindex(namespace, name), ifindex(namespace, f"{name}-end")
            assert udp_ports(seen) == [(ends[0], SENT, 7000), (ends[1], RECEIVED, 7000)]
            run_in(namespace, f"ip link del {name}")
        ring.close()


def test_loopback_is_left_out() -> None:
    with veth_pair() as (near, _):
        run_in(near, "ip link set lo up")
        ring = AfPacketSource(near, SMALL)
        with udp_socket(near, "127.0.0.1") as own, udp_socket(near, "10.9.0.1") as sender:
            own.sendto(b"inside", ("127.0.0.1", 9))
            sender.sendto(b"outside", NOBODY)
        seen = drain_until(ring, lambda more: len(more) >= 1)
        assert udp_ports(seen) == [(ifindex(near, "near"), SENT, 9)]
        ring.close()


def test_segments_of_an_offload_add_up_to_what_was_sent() -> None:
    total = 1_000_000
    with veth_pair() as (near, far), ExitStack() as stack:
        rings = [AfPacketSource(namespace, SMALL) for namespace in (near, far)]
        for ring in rings:
            stack.callback(ring.close)
        listener = stack.enter_context(
            open_in_namespace(far, lambda: socket.create_server(("10.9.0.2", 5001)))
        )
        client = stack.enter_context(open_in_namespace(near, socket.socket))

        def send() -> None:
            client.connect(("10.9.0.2", 5001))
            client.sendall(bytes(total))
            client.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        accepted, _ = listener.accept()
        with accepted:
            received = 0
            while piece := accepted.recv(65_536):
                received += len(piece)
        sender.join()
        assert received == total
        for ring, way in zip(rings, (SENT, RECEIVED), strict=True):

            def payload(seen: list[Seen], way: PacketDirection = way) -> list[Seen]:
                return [item for item in seen if item.direction == way and item.tcp_payload_bytes]

            seen = payload(
                drain_until(
                    ring,
                    lambda more, payload=payload: (
                        sum(item.tcp_payload_bytes for item in payload(more)) >= total
                    ),
                )
            )
            assert sum(item.tcp_payload_bytes for item in seen) == total
            joined = [item for item in seen if item.segment_bytes]
            assert joined, "veth hands on what the offload joined"
            for item in seen:
                segment = item.segment_bytes or item.tcp_payload_bytes
                assert segment <= 1460, "as the wire's MTU would have it"
                assert bool(item.segment_bytes) == (item.tcp_payload_bytes > 1460)
                assert item.wire_bytes == 14 + struct.unpack_from("!H", item.data, 16)[0]


TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x1, 0x1000


def test_a_device_without_ethernet_shows_ethernet_all_the_same() -> None:
    with veth_pair() as (near, _), ExitStack() as stack:

        def make() -> int:
            made = os.open("/dev/net/tun", os.O_RDWR)
            fcntl.ioctl(made, TUNSETIFF, struct.pack("16sH22x", b"raw0", IFF_TUN | IFF_NO_PI))
            return made

        tun = open_in_namespace(near, make)
        stack.callback(os.close, tun)
        run_in(near, "ip address add 10.7.0.1/24 dev raw0; ip link set raw0 up")
        ring = AfPacketSource(near, SMALL)
        stack.callback(ring.close)
        sender = stack.enter_context(udp_socket(near, "0.0.0.0", 4000))
        sender.sendto(b"into the tunnel", ("10.7.0.2", 7001))
        sender.sendto(b"over the veth", (NOBODY[0], 7002))
        sent = os.read(tun, 2048)
        answer = sent[:12] + sent[16:20] + sent[12:16] + sent[22:24] + sent[20:22] + sent[24:]
        os.write(tun, answer)
        seen = drain_until(ring, lambda more: len(more) >= 3)
        raw0, veth = ifindex(near, "raw0"), ifindex(near, "near")
        assert udp_ports(seen) == [(raw0, SENT, 7001), (veth, SENT, 7002), (raw0, RECEIVED, 4000)]
        blank = bytes(12) + b"\x08\x00"
        assert [seen[0].data, seen[2].data] == [blank + sent, blank + answer]
        assert seen[0].wire_bytes == 14 + len(sent)
        assert {item.segment_bytes for item in seen} == {0}


def test_a_vlan_tag_that_the_kernel_took_off_leaves_plain_ethernet() -> None:
    payload = struct.pack("!HHHH", 4000, 7003, 8, 0)
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28, 0, 0, 64, 17, 0, b"\x0a" * 4, b"\x0b" * 4)
    ends = bytes.fromhex("020000000002020000000001")
    tagged = ends + struct.pack("!HHH", 0x8100, 77, 0x0800) + header + payload
    twice = ends + struct.pack("!HHHHH", 0x88A8, 5, 0x8100, 77, 0x0800) + header + payload
    with veth_pair() as (near, far):
        ring = AfPacketSource(far, SMALL)
        raw = open_in_namespace(near, lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0))
        with raw:
            address = struct.pack("=HHiHBB8s", 17, 0, ifindex(near, "near"), 0, 0, 0, b"")
            assert ctypes.CDLL(None).bind(raw.fileno(), address, len(address)) == 0
            raw.send(tagged)
            raw.send(twice)
        seen = drain_until(ring, lambda more: len(more) >= 2)
        plain = ends + b"\x08\x00" + header + payload
        assert seen[0].data == plain
        assert seen[1].data == ends + struct.pack("!HHH", 0x8100, 77, 0x0800) + header + payload
        ring.close()


def test_a_full_ring_drops_counts_and_goes_on() -> None:
    tiny = RingSettings(block_bytes=16_384, block_count=2, retire_ms=1)
    sent = 2_000
    with veth_pair() as (near, _):
        ring = AfPacketSource(near, tiny)
        with udp_socket(near, "10.9.0.1") as sender:
            for _ in range(sent):
                sender.sendto(bytes(100), NOBODY)
            seen = drain(ring)
            ring.refresh_counts()
            assert ring.counts.dropped > 0
            assert ring.counts.packets + ring.counts.dropped == sent
            assert len(seen) == ring.counts.packets > 0
            dropped = ring.counts.dropped
            sender.sendto(b"after", (NOBODY[0], 10))
            seen = drain_until(ring, lambda more: len(more) >= 1)
            assert [port for *_, port in udp_ports(seen)] == [10]
            assert ring.counts.dropped == dropped
        ring.close()


def test_packets_are_held_until_they_are_old_or_half_of_the_ring_waits() -> None:
    settings = RingSettings(block_bytes=16_384, block_count=4, retire_ms=1)
    hold = 50_000_000
    with veth_pair() as (near, _), udp_socket(near, "10.9.0.1") as sender:
        ring = AfPacketSource(near, settings)
        sender.sendto(b"held", NOBODY)
        poll = select.poll()
        poll.register(ring, select.POLLIN)
        assert poll.poll(10_000)
        waiting = ring.peek()
        assert waiting is not None
        newest = int(waiting.time_ns[-1])
        assert ring.peek() is waiting, "the same until it is released"
        ring.release()
        assert ring.peek() is None
        ring.release()

        sender.sendto(b"held", NOBODY)
        assert poll.poll(10_000)
        assert ring.peek(hold, newest) is None
        assert ring.waiting_blocks() == 1
        for _ in range(200):
            sender.sendto(bytes(200), NOBODY)
        for _ in range(LOOKS_MAX):
            if ring.waiting_blocks() > 2:
                break
            poll.poll(100)
        assert ring.peek(hold, newest) is not None
        ring.release()
        while ring.peek(0) is not None:
            ring.release()
        sender.sendto(b"held", NOBODY)
        assert poll.poll(10_000)
        assert ring.peek(hold, time.time_ns() + hold) is not None
        ring.close()


def test_devices_and_namespaces_that_go_away_leave_the_ring_readable() -> None:
    with veth_pair() as (near, _):
        ring = AfPacketSource(near, SMALL)
        with udp_socket(near, "10.9.0.1") as sender:
            sender.sendto(b"before", NOBODY)
            run_in(near, "ip link set near down")
            ring.refresh_counts()
            run_in(
                near,
                "ip link set near up;"
                " ip neighbour replace 10.9.0.3 lladdr 02:00:00:00:00:02 dev near",
            )
            sender.sendto(b"after", (NOBODY[0], 10))
            run_in(near, "ip link del near")
        assert not ring.vanished()
    assert ring.vanished()
    seen = drain_until(ring, lambda more: len(udp_ports(more)) >= 2)
    assert [port for *_, port in udp_ports(seen)] == [9, 10]
    ring.close()
    ring.close()
    assert ring.peek() is None
    assert list(ring.batches()) == []


def test_a_batch_stays_readable_after_the_ring_was_closed() -> None:
    with veth_pair() as (near, _), udp_socket(near, "10.9.0.1") as sender:
        ring = AfPacketSource(near, SMALL)
        sender.sendto(b"kept", NOBODY)
        drained = select.poll()
        drained.register(ring, select.POLLIN)
        assert drained.poll(10_000)
        batch = ring.peek()
        assert batch is not None
        ring.close()
        del ring
        start, size = int(batch.offset[0]), int(batch.captured_bytes[0])
        assert batch.data[start : start + size].tobytes().endswith(b"kept")
        assert len(batch.data[start + size : start + size + 64]) == 64


def test_what_stands_in_the_way_is_said(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="does not exist"):
        AfPacketSource("no-such-namespace", SMALL)
    with pytest.raises(CaptureError, match="is not a network namespace"):
        file = tmp_path / "file"
        file.touch()
        AfPacketSource(str(file), SMALL)
    too_large = RingSettings(block_bytes=1 << 20, block_count=16_384)
    if too_large.ring_bytes > 2 * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"):
        with pytest.raises(CaptureError, match="no memory"):
            AfPacketSource("", too_large)


def test_without_the_capability_the_hint_grants_it() -> None:
    found: list[CaptureError] = []

    def run() -> None:
        # Capabilities are a thread's own.
        libc = ctypes.CDLL(None)
        header = struct.pack("=Ii", 0x20080522, 0)
        sets = ctypes.create_string_buffer(24)
        assert libc.capget(header, sets) == 0
        low = struct.unpack_from("=I", sets.raw)[0] & ~(1 << CAP_NET_RAW)
        struct.pack_into("=I", sets, 0, low)
        assert libc.capset(header, sets) == 0
        with pytest.raises(CaptureError) as caught:
            AfPacketSource("", SMALL)
        found.append(caught.value)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert "no permission" in found[0].what
    assert "setcap cap_net_raw,cap_net_admin+ep /" in found[0].hint
