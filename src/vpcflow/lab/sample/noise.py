"""What every public address receives unasked, and is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vpcflow.lab.sample.connections import (
    ACCEPT,
    FIN,
    ICMP,
    INGRESS,
    REJECT,
    RST,
    SYN,
    TCP,
    UDP,
    Rng,
    Rows,
    host_addresses,
    mapped,
)
from vpcflow.lab.sample.network import OUTSIDE, Network, Role
from vpcflow.lab.sample.settings import SLOT_S
from vpcflow.lab.sample.traffic import Traffic
from vpcflow.lab.sample.windows import END_LATE_S, RECORD

#: What scanners look for, most wanted first; the rest of the noise is any port at all.
TCP_PORTS = (
    23, 22, 8728, 3389, 445, 80, 8080, 5900, 2323, 1433, 6379, 443, 3306, 8443, 5432, 21, 25, 8545, 5555, 81,
    9200, 27017, 2375, 10250, 7547, 5060, 111, 139, 1521, 3128, 8888, 9090, 5985, 161, 2222, 60023, 8081, 502,
)  # fmt: skip
UDP_PORTS = (5060, 53, 123, 161, 1900, 389, 11211, 137, 500, 3702, 69, 5683, 19, 111, 17185)
ANY_PORT_SHARE = 0.35
UDP_SHARE = 0.11
ICMP_SHARE = 0.03
#: Packets of web clients that come after their connection is closed are refused too.
LATE_SHARE = 0.06
HOSTILE_SHARE = 0.3


def noise_records(network: Network, traffic: Traffic, count: int, slot_s: int, rng: Rng) -> Rows:
    """Exactly ``count`` refused records of one slot, one a probe, none answered."""
    records = np.zeros(count, RECORD)
    target = rng.choice(network.public, count)
    source = np.where(
        rng.random(count) < HOSTILE_SHARE,
        OUTSIDE.hostile_first + 128 + rng.zipf(1.3, count) % 60,
        OUTSIDE.internet_first + rng.integers(0, OUTSIDE.internet_count, count),
    )
    records["proto"] = rng.choice(
        np.array([TCP, UDP, ICMP]), count, p=[1 - UDP_SHARE - ICMP_SHARE, UDP_SHARE, ICMP_SHARE]
    )
    records["flags"] = np.where(records["proto"] == TCP, SYN, 0)
    _ports(records, source, rng)
    tries = 1 + rng.geometric(0.75, count) * (rng.random(count) < 0.2)
    sizes = np.where(
        records["proto"] == TCP,
        rng.choice(np.array([40, 44, 52, 60]), count, p=[0.45, 0.25, 0.1, 0.2]),
        28 + rng.integers(1, 120, count),
    )
    records["packets"], records["bytes"] = tries, tries * sizes
    records["interface"] = target
    records["src"] = records["pkt_src"] = mapped(source)
    records["dst"] = records["pkt_dst"] = host_addresses(network, target)
    records["direction"], records["action"] = INGRESS, REJECT
    _times(records, slot_s, rng)
    late = np.flatnonzero(rng.random(count) < LATE_SHARE)
    records[late] = _late(records[late], network, traffic, slot_s, rng)
    return records


def _ports(records: Rows, source: NDArray[Any], rng: Rng) -> None:
    count = len(records)
    wanted = np.minimum(rng.zipf(1.3, count) - 1, 10_000)
    tcp = np.array(TCP_PORTS)[wanted % len(TCP_PORTS)]
    tcp = np.where(rng.random(count) < ANY_PORT_SHARE, rng.integers(1, 65_536, count), tcp)
    udp = np.array(UDP_PORTS)[wanted % len(UDP_PORTS)]
    # Fast scanners keep one source port for a whole run.
    fixed = 40_000 + source * 2_654_435_761 % 20_000
    own = np.where(rng.random(count) < 0.35, fixed, rng.integers(1_024, 65_536, count))
    icmp = records["proto"] == ICMP
    records["sport"] = np.where(icmp, 0, own)
    records["dport"] = np.where(icmp, 0, np.where(records["proto"] == UDP, udp, tcp))


def _times(records: Rows, slot_s: int, rng: Rng) -> None:
    count = len(records)
    records["start"] = slot_s + rng.integers(0, SLOT_S, count)
    waited = np.where(records["packets"] > 1, rng.integers(1, 8, count), 0)
    waited += rng.exponential(END_LATE_S, count).astype(np.int64)
    records["end"] = np.minimum(records["start"] + waited, slot_s + SLOT_S - 1)


def _late(records: Rows, network: Network, traffic: Traffic, slot_s: int, rng: Rng) -> Rows:
    count = len(records)
    target = rng.choice(network.having(Role.LOAD_BALANCER), count)
    records["interface"] = target
    records["src"] = records["pkt_src"] = mapped(traffic.clients(rng, count, slot_s))
    records["dst"] = records["pkt_dst"] = host_addresses(network, target)
    records["proto"], records["dport"] = TCP, 443
    records["sport"] = rng.integers(1_024, 65_536, count)
    records["flags"] = rng.choice(np.array([ACCEPT, FIN, RST]), count)
    records["packets"] = 1 + rng.integers(0, 2, count)
    records["bytes"] = records["packets"] * rng.choice(np.array([40, 52, 83]), count)
    return records
