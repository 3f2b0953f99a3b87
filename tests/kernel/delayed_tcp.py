"""Real TCP over a wire with a set delay, captured at one end: for the test and for the benchmark."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass

import numpy as np

from vpcflow.capture import parsed_columns as columns
from vpcflow.capture.flow_table import FlowTable
from vpcflow.capture.packet_batch import LinkType, PacketBatch, PacketDirection
from vpcflow.capture.packet_sources.namespace_socket import open_in_namespace
from vpcflow.capture.parse_kernels import FragmentCache, new_parsed_matrix, parse_packets
from vpcflow.capture.rtt import RttCounts, RttMeter
from vpcflow.lab.delay_line import DelayLine

CLIENT, SERVER, PORT = "10.99.0.1", "10.99.0.2", 5201
ANSWER_BYTES = 100
_GUARD_BYTES = 64
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _SIOCSIFADDR, _SIOCSIFNETMASK = 0x8913, 0x8914, 0x8916, 0x891C
_IFF_UP = 1
_SO_TIMESTAMPNS = 35
_SO_RCVBUFFORCE = 33
_BUFFER_BYTES = 64 << 20
_ETH_P_ALL = 3
_WAIT_S = 10.0

#: A frame, its time in nanoseconds, and whether it was sent out.
Frame = tuple[bytes, int, bool]


def _address(device: str, address: str) -> bytes:
    return struct.pack("16sHH4s8x", device.encode(), socket.AF_INET, 0, socket.inet_aton(address))


def bring_up(namespace: str, device: str, address: str) -> None:
    """Give a device an address of a /24 and bring it up."""
    with closing(open_in_namespace(namespace, socket.socket)) as control:
        fcntl.ioctl(control, _SIOCSIFADDR, _address(device, address))
        fcntl.ioctl(control, _SIOCSIFNETMASK, _address(device, "255.255.255.0"))
        request = fcntl.ioctl(control, _SIOCGIFFLAGS, struct.pack("16sH14x", device.encode(), 0))
        (flags,) = struct.unpack_from("H", request, 16)
        fcntl.ioctl(
            control, _SIOCSIFFLAGS, struct.pack("16sH14x", device.encode(), flags | _IFF_UP)
        )


@contextmanager
def new_namespace() -> Iterator[str]:
    """The path of a network namespace without a name, which is gone afterwards."""
    handles: list[int] = []

    def unshare() -> None:
        if ctypes.CDLL(None, use_errno=True).unshare(0x4000_0000):
            raise OSError(ctypes.get_errno(), "unshare")
        handles.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY))

    thread = threading.Thread(target=unshare)
    thread.start()
    thread.join()
    (handle,) = handles
    try:
        yield f"/proc/{os.getpid()}/fd/{handle}"
    finally:
        os.close(handle)


def open_capture(namespace: str, device: str) -> socket.socket:
    """A socket that keeps all frames of a device, with the kernel's time of each."""

    def make() -> socket.socket:
        opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        opened.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER_BYTES)
        opened.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        opened.bind((device, _ETH_P_ALL))
        opened.setblocking(False)
        return opened

    return open_in_namespace(namespace, make)


def captured(capture: socket.socket) -> list[Frame]:
    """All frames that wait."""
    frames: list[Frame] = []
    while True:
        try:
            data, ancillary, _, sender = capture.recvmsg(65_535, 64)
        except BlockingIOError:
            return frames
        seconds, nanoseconds = struct.unpack("qq", ancillary[0][2])
        is_sent = sender[2] == socket.PACKET_OUTGOING
        frames.append((data, seconds * 10**9 + nanoseconds, is_sent))


def batch_of(frames: list[Frame]) -> PacketBatch:
    """A packet batch of captured frames."""
    parts, offsets, at = [], [], 0
    for data, _, _ in frames:
        offsets.append(at)
        parts += [data, b"\0" * _GUARD_BYTES]
        at += len(data) + _GUARD_BYTES
    lengths = np.array([len(data) for data, _, _ in frames], np.int32)
    sides = [PacketDirection.SENT if sent else PacketDirection.RECEIVED for _, _, sent in frames]
    return PacketBatch(
        link_type=LinkType.ETHERNET,
        data=np.frombuffer(b"".join(parts), np.uint8),
        offset=np.array(offsets, np.int64),
        captured_bytes=lengths,
        wire_bytes=lengths,
        time_ns=np.array([when for _, when, _ in frames], np.int64),
        device=np.zeros(len(frames), np.int32),
        direction=np.array(sides, np.int8),
        segment_bytes=np.zeros(len(frames), np.int32),
    )


def receive(connection: socket.socket, size: int) -> bytes:
    """So many bytes; fewer when the other side has ended."""
    parts = b""
    while len(parts) < size and (data := connection.recv(size - len(parts))):
        parts += data
    return parts


def serve(listening: socket.socket, connections: int) -> None:
    """Answer requests, which begin with their length, of one client after the other."""
    for _ in range(connections):
        connection, _ = listening.accept()
        with connection:
            connection.settimeout(_WAIT_S)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while head := receive(connection, 4):
                receive(connection, struct.unpack("!I", head)[0] - 4)
                connection.sendall(b"!" * ANSWER_BYTES)


def talk(connection: socket.socket, requests: Sequence[int]) -> None:
    """Requests of so many bytes, one after the other."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for size in requests:
        connection.sendall(struct.pack("!I", size) + b"?" * (size - 4))
        receive(connection, ANSWER_BYTES)
    connection.shutdown(socket.SHUT_WR)
    assert not connection.recv(1)


def ping(opened: socket.socket, count: int) -> None:
    """ICMP echoes one after the other, each answered."""
    for number in range(count):
        body = struct.pack("!HHHH", 0x0800, 0, 77, number) + b"\0" * 48
        total = sum(struct.unpack("!28H", body))
        total = (total & 0xFFFF) + (total >> 16)
        opened.sendto(body[:2] + struct.pack("!H", ~total & 0xFFFF) + body[4:], (SERVER, 0))
        while opened.recv(2048)[20] != 0:
            pass


def ping_ms(frames: list[Frame]) -> list[float]:
    """From each ICMP echo to its answer, by the kernel's times."""
    sent: dict[bytes, int] = {}
    took = []
    for data, when, is_sent in frames:
        if data[12:14] == b"\x08\x00" and data[23] == socket.IPPROTO_ICMP:
            if is_sent:
                sent[data[40:42]] = when
            elif data[40:42] in sent:
                took.append((when - sent[data[40:42]]) / 1e6)
    return took


@dataclass(frozen=True)
class Measured:
    """What was seen at the client's end of a wire.

    Shape: one entry an echo, or a connection.
    Units: milliseconds; the server's are from its answers to the client's acknowledgement.
    """

    pings: list[float]
    client_least: list[float]
    client_median: list[float]
    client_samples: list[int]
    server_median: list[float]
    counts: RttCounts
    packets: int


def evaluate(frames: list[Frame]) -> Measured:
    """Frames to flows and round-trip times, as the meter does it."""
    count = len(frames)
    parsed = new_parsed_matrix(count)
    parse_packets(batch_of(frames), FragmentCache(), parsed)
    sent = np.array([is_sent for _, _, is_sent in frames], np.uint64)
    parsed[columns.FLOW_WORD, :count] |= sent << np.uint64(columns.DIRECTION_SHIFT)
    row_of_packet = np.full(count, -1, np.int32)
    table = FlowTable(1024)
    table.update(parsed, 0, count, frames[0][1], row_of_packet)
    meter = RttMeter(1024, 100_000)
    meter.update(parsed, 0, count, row_of_packet)
    times = meter.close_window()
    words = table.rows[times.row, columns.FLOW_WORD - 1]
    client = (words >> np.uint64(columns.DIRECTION_SHIFT) & np.uint64(1)).astype(bool)
    return Measured(
        pings=ping_ms(frames),
        client_least=(times.minimum[client] / 1e3).tolist(),
        client_median=(times.median[client] / 1e3).tolist(),
        client_samples=times.count[client].tolist(),
        server_median=(times.median[~client] / 1e3).tolist(),
        counts=meter.counts,
        packets=count,
    )


def measure(
    round_trip_s: float, connections: int, requests: Sequence[int], pings: int = 10
) -> Measured:
    """Pings and connections with requests over a wire that takes so long there and back."""
    with ExitStack() as stack:
        ends = [stack.enter_context(new_namespace()) for _ in range(2)]
        stack.enter_context(DelayLine(*ends, round_trip_s / 2))
        for end, address in zip(ends, (CLIENT, SERVER), strict=True):
            bring_up(end, "delay0", address)
        capture = stack.enter_context(open_capture(ends[0], "delay0"))

        def listen() -> socket.socket:
            return socket.create_server((SERVER, PORT))

        def connect() -> socket.socket:
            return socket.create_connection((SERVER, PORT), timeout=_WAIT_S)

        def open_echo() -> socket.socket:
            return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)

        listening = stack.enter_context(open_in_namespace(ends[1], listen))
        listening.settimeout(_WAIT_S)
        server = threading.Thread(target=serve, args=(listening, connections))
        server.start()
        with open_in_namespace(ends[0], open_echo) as echo:
            echo.settimeout(_WAIT_S)
            ping(echo, pings)
        for _ in range(connections):
            with open_in_namespace(ends[0], connect) as client:
                talk(client, requests)
        server.join()
        return evaluate(captured(capture))
