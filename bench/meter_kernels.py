"""Packet parsing and the flow table alone: nanoseconds of CPU for each packet, by phase.

``taskset -c 1 python bench/meter_kernels.py [--packets N] [--flows N ...] [--bytes N] [--batch N]``.
The packets are made in memory, each of a flow drawn at random, so a table that does not fit into
the CPU's cache meets the worst order. The median of the rounds is printed. CPU seconds: a
neighbour on the machine must not count.
"""

from __future__ import annotations

import argparse
import json
import time
from statistics import median

import numpy as np
import numpy.typing as npt

from results import Result
from vpcflow.capture.flow_table import FlowTable
from vpcflow.capture.packet_batch import LinkType, PacketBatch
from vpcflow.capture.parse_kernels import FragmentCache, new_parsed_matrix, parse_packets
from vpcflow.capture.parsed_columns import FLOW_WORD

#: What stands before each packet, as a record's header does in a capture file.
HEADER_BYTES = 16
FLOWS_MAX = 2_000_000
PACKETS, SIZE_BYTES, BATCH_PACKETS = 4_000_000, 100, 4096
FLOWS = (1_000, 200_000, 1_000_000)
START_NS = 1_700_000_000_000_000_000
#: Ethernet, IPv4, TCP with the timestamp option: the fields that differ are filled in.
TEMPLATE = bytes.fromhex(
    "020000000002020000000001080045000034000040004006000000000000000000000000"
    "000000000000000000008010ffff000000000101080a0000000100000002"
)


def packets_of(flows: int, packets: int, size: int) -> npt.NDArray[np.uint8]:
    """Packets in a row, each of ``size`` bytes after its header."""
    draw = np.random.default_rng(flows)
    flow = draw.integers(0, flows, packets).astype(np.uint32)
    data = np.zeros((packets, HEADER_BYTES + size), np.uint8)
    frame = data[:, HEADER_BYTES:]
    frame[:, : len(TEMPLATE)] = np.frombuffer(TEMPLATE, np.uint8)
    frame[:, 16:18] = np.full(packets, size - 14, ">u2").view(np.uint8).reshape(-1, 2)
    frame[:, 26:30] = (flow + 0x0A000000).astype(">u4").view(np.uint8).reshape(-1, 4)
    frame[:, 30:34] = (flow % 997 + 0x0B000000).astype(">u4").view(np.uint8).reshape(-1, 4)
    frame[:, 34:36] = (flow % 60_000 + 1024).astype(">u2").view(np.uint8).reshape(-1, 2)
    frame[:, 37] = 80
    return np.concatenate([data.reshape(-1), np.zeros(64, np.uint8)])


def measure(
    data: npt.NDArray[np.uint8], packets: int, size: int, batch_packets: int
) -> tuple[float, float, int]:
    """Nanoseconds a packet of parsing, of the table with its clearing, and how many flows."""
    table, fragments = FlowTable(FLOWS_MAX), FragmentCache()
    parsed = new_parsed_matrix(batch_packets)
    rows = np.empty(batch_packets, np.int32)
    count = np.full(batch_packets, size, np.int32)
    zero, still = np.zeros(batch_packets, np.int32), np.zeros(batch_packets, np.int8)
    step = np.arange(batch_packets, dtype=np.int64)
    parsing = metering = 0
    clock = time.process_time_ns
    for first in range(0, packets, batch_packets):
        many = min(batch_packets, packets - first)
        batch = PacketBatch(
            LinkType.ETHERNET,
            data,
            ((first + step) * (size + HEADER_BYTES) + HEADER_BYTES)[:many],
            count[:many],
            count[:many],
            (START_NS + (first + step) * 1000)[:many],
            zero[:many],
            still[:many],
            zero[:many],
        )
        begun = clock()
        parse_packets(batch, fragments, parsed)
        parsed_at = clock()
        parsed[FLOW_WORD, :many] |= np.uint64(7 << 48)
        placed_at = clock()
        table.update(parsed, 0, many, START_NS, rows)
        metering += clock() - placed_at
        parsing += parsed_at - begun
    flows = table.count
    begun = clock()
    table.clear()
    metering += clock() - begun
    return parsing / packets, metering / packets, flows


def kernels(runs: int) -> list[Result]:
    """Parsing and the flow table alone, for few and many flows; the process may use one core."""
    results = []
    measure(packets_of(10, 1000, SIZE_BYTES), 1000, SIZE_BYTES, BATCH_PACKETS)
    for flows in FLOWS:
        data = packets_of(flows, PACKETS, SIZE_BYTES)
        rounds = [measure(data, PACKETS, SIZE_BYTES, BATCH_PACKETS) for _ in range(runs)]
        parsing, metering = (median(one[part] for one in rounds) for part in (0, 1))
        results.append(
            Result(
                f"parsing and flow table alone, {rounds[0][2]:,} flows",
                parsing + metering,
                "ns/packet",
                "lower",
                note=f"parsing {parsing:.0f}, flow table {metering:.0f} ns of CPU",
                runs=[list(one[:2]) for one in rounds],
            )
        )
    return results


def main() -> None:
    """Print one line of JSON for each number of flows."""
    options = argparse.ArgumentParser()
    options.add_argument("--packets", type=int, default=PACKETS)
    options.add_argument("--flows", type=int, nargs="+", default=list(FLOWS))
    options.add_argument("--bytes", type=int, default=SIZE_BYTES)
    options.add_argument("--batch", type=int, default=BATCH_PACKETS)
    options.add_argument("--rounds", type=int, default=3)
    given = options.parse_args()
    measure(packets_of(10, 1000, given.bytes), 1000, given.bytes, given.batch)
    for flows in given.flows:
        data = packets_of(flows, given.packets, given.bytes)
        rounds = [
            measure(data, given.packets, given.bytes, given.batch) for _ in range(given.rounds)
        ]
        parsing = median(one[0] for one in rounds)
        metering = median(one[1] for one in rounds)
        print(
            json.dumps(
                {
                    "flows": rounds[0][2],
                    "parse_ns": round(parsing, 1),
                    "table_ns": round(metering, 1),
                    "packets_per_cpu_s": round(1e9 / (parsing + metering)),
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
