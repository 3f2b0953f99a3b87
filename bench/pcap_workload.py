"""Capture files that look like one busy interface: made with NumPy, once, in .cache/bench."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from machine import CACHE

INTERFACE_ID = "eni-0123456789abcdef0"
INTERFACE_ADDRESS = "10.0.1.16"
#: All packets lie in one aggregation interval, so that the flow table holds every flow at once.
START_S, SPAN_US = 1_780_000_020, 55_000_000
SNAP_BYTES, HEADER_BYTES = 96, 16
CHUNK_PACKETS = 250_000
REMOTE_ADDRESSES, REMOTE_BASE, OWN_ADDRESS = 50_021, 0xC6120000, 0x0A000110
TCP, UDP, ICMP = 6, 17, 1
FIN, SYN, PSH, ACK = 1, 2, 8, 16
#: Ethernet, IPv4, TCP with timestamps: what is the same in every packet.
TEMPLATE = bytes.fromhex(
    "020000000001020000000002080045000000000040004006000000000000000000000000"
    "00000000000000000000801001f6000000000101080a0000000100000002"
)
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class PcapWorkload:
    """One capture file: how many packets, of how many flows; a direction is a flow of its own."""

    packets: int
    flows: int

    def path(self) -> Path:
        """The file, written when it is not there yet."""
        path = CACHE / f"packets-{self.packets}-{self.flows}.pcap"
        if not path.exists():
            print(f"writing {path.name} ...", file=sys.stderr, flush=True)
            CACHE.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            self._write(part)
            part.replace(path)
        return path

    def _write(self, path: Path) -> None:
        draw = np.random.default_rng(self.flows)
        # Every flow once, the rest of the packets with a heavy tail: few flows have most of them.
        drawn = draw.random(self.packets - self.flows) ** 3 * self.flows
        flow = draw.permutation(np.concatenate([np.arange(self.flows), drawn.astype(np.int64)]))
        columns = _packet_columns(flow, draw)
        with path.open("wb") as file:
            head = np.array([0xA1B2C3D4, 2 | 4 << 16, 0, 0, SNAP_BYTES, 1], "<u4")
            file.write(head.tobytes())
            for begin in range(0, self.packets, CHUNK_PACKETS):
                part = {name: c[begin : begin + CHUNK_PACKETS] for name, c in columns.items()}
                file.write(_frames(part))


def _packet_columns(flow: Numbers, draw: np.random.Generator) -> dict[str, npt.NDArray[Any]]:
    """What differs from packet to packet, with TCP sequence numbers that fit together."""
    packets = len(flow)
    conversation, direction = flow >> 1, flow & 1
    protocol = np.array([TCP] * 85 + [UDP] * 12 + [ICMP] * 3)[conversation % 100]
    first, last = _first_and_last(flow)
    kind = draw.random(packets)
    size = draw.integers(67, 1514, packets)
    size[kind < 0.45] = 66
    size[kind > 0.60] = 1514
    tcp = protocol == TCP
    size[tcp & first] = 66
    size[~tcp] = np.maximum(size[~tcp] // 2, 70)
    flags = np.where(first, SYN, np.where(size > 66, ACK | PSH, ACK))
    flags[first & (direction == 1)] |= ACK
    flags[last & ~first] |= FIN
    seq, ack = _sequence_numbers(conversation, direction, size - 66 + first)
    time_us = np.sort(draw.integers(0, SPAN_US, packets))
    return {
        "conversation": conversation,
        "direction": direction,
        "protocol": protocol,
        "size": size,
        "flags": flags,
        "seq": seq,
        "ack": ack,
        "time_us": time_us,
    }


def _first_and_last(flow: Numbers) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    order = np.argsort(flow, kind="stable")
    turns = np.flatnonzero(np.diff(flow[order])) + 1
    first, last = np.zeros((2, len(flow)), np.bool_)
    first[order[np.concatenate([[0], turns])]] = True
    last[order[np.concatenate([turns - 1, [len(flow) - 1]])]] = True
    return first, last


def _sequence_numbers(
    conversation: Numbers, direction: Numbers, payload: Numbers
) -> tuple[Numbers, Numbers]:
    """Each packet goes on where its side was, and acknowledges all that the other side sent."""
    order = np.argsort(conversation, kind="stable")
    side, begin = direction[order], np.searchsorted(conversation[order], conversation[order])
    seq, ack = np.zeros((2, len(order)), np.int64)
    ends = []
    for number in (0, 1):
        sent = np.cumsum(np.where(side == number, payload[order], 0))
        ends.append(sent - np.where(begin > 0, sent[begin - 1], 0))
    seq[order] = np.where(side == 0, ends[0], ends[1]) - payload[order]
    ack[order] = np.where(side == 0, ends[1], ends[0])
    return seq + 1_000_000, ack + 1_000_000


def _frames(part: dict[str, npt.NDArray[Any]]) -> bytes:
    """Records of a capture file, each as long as its packet or the snapshot length."""
    count = len(part["size"])
    data = np.zeros((count, HEADER_BYTES + SNAP_BYTES), np.uint8)
    kept = np.minimum(part["size"], SNAP_BYTES)
    time_us = part["time_us"]
    head = np.stack(
        [START_S + time_us // 1_000_000, time_us % 1_000_000, kept, part["size"]], axis=1
    )
    data[:, :HEADER_BYTES] = head.astype("<u4").view(np.uint8)
    frame = data[:, HEADER_BYTES:]
    frame[:, : len(TEMPLATE)] = np.frombuffer(TEMPLATE, np.uint8)
    remote = part["conversation"] % REMOTE_ADDRESSES
    port = 1024 + (remote * 37 + part["conversation"] // REMOTE_ADDRESSES) % 60_000
    inward = part["direction"] == 0
    service = np.full(len(remote), 443)
    _put(frame, 16, ">u2", part["size"] - 14)
    frame[:, 23] = part["protocol"]
    _put(frame, 26, ">u4", np.where(inward, REMOTE_BASE + remote, OWN_ADDRESS))
    _put(frame, 30, ">u4", np.where(inward, OWN_ADDRESS, REMOTE_BASE + remote))
    _put(frame, 34, ">u2", np.where(inward, port, service))
    _put(frame, 36, ">u2", np.where(inward, service, port))
    _put(frame, 38, ">u4", part["seq"] & 0xFFFFFFFF)
    _put(frame, 42, ">u4", part["ack"] & 0xFFFFFFFF)
    frame[:, 47] = part["flags"]
    udp, icmp = (np.flatnonzero(part["protocol"] == number) for number in (UDP, ICMP))
    frame[udp, 38:66] = 0
    frame[udp, 38:40] = (part["size"][udp] - 34).astype(">u2").view(np.uint8).reshape(-1, 2)
    frame[icmp, 34:66] = 0
    frame[icmp, 34] = np.where(inward[icmp], 8, 0)
    frame[:, 24:26] = _header_checksums(frame)
    return data[np.arange(HEADER_BYTES + SNAP_BYTES) < (HEADER_BYTES + kept)[:, None]].tobytes()


def _put(frame: npt.NDArray[np.uint8], at: int, kind: str, values: npt.NDArray[Any]) -> None:
    raw = np.ascontiguousarray(values.astype(kind)).view(np.uint8).reshape(len(values), -1)
    frame[:, at : at + raw.shape[1]] = raw


def _header_checksums(frame: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    words = np.ascontiguousarray(frame[:, 14:34]).view(">u2").astype(np.uint32).sum(axis=1)
    words = (words & 0xFFFF) + (words >> 16)
    words = (words & 0xFFFF) + (words >> 16)
    return (~words).astype(">u2").view(np.uint8).reshape(-1, 2)
