"""Flow rows, observation points and windows for tests, from values that people read."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import numpy as np

from vpcflow.capture.exclusions import address_words
from vpcflow.capture.observation_point import ObservationPoint
from vpcflow.capture.window import ClosedWindow, RttRows
from vpcflow.inventory.network_interface import AttachmentSide, NetworkInterface
from vpcflow.inventory.subnet import Subnet
from vpcflow.inventory.vpc import Vpc

START_S = 1_700_000_040
VPC = Vpc("vpc-1", "123456789012", "eu-west-1", (ip_network("10.0.0.0/16"),))
SUBNET = Subnet("subnet-1", "vpc-1", "euw1-az1", (ip_network("10.0.1.0/24"),))


def point_of(
    slot: int = 0, *addresses: str, vpc: Vpc | None = VPC, mirrored: bool = False
) -> ObservationPoint:
    """An interface whose first IPv4 address is the primary one."""
    parsed = [ip_address(address) for address in addresses or ("10.0.1.10",)]
    interface = NetworkInterface(
        f"eni-{slot:017x}",
        "subnet-1",
        "vpc-1",
        "123456789012",
        tuple(a for a in parsed if isinstance(a, IPv4Address)),
        tuple(a for a in parsed if isinstance(a, IPv6Address)),
    )
    return ObservationPoint(
        slot, interface, AttachmentSide.INTERFACE, "", vpc, SUBNET, mirrored, float(START_S)
    )


def row_of(
    source: str,
    destination: str,
    ports: tuple[int, int] = (0, 0),
    protocol: int = 6,
    *,
    egress: bool = False,
    verdict: int = 1,
    slot: int = 0,
    packets: int = 1,
    octets: int = 40,
    flags: int = 0,
    rule: int = 0,
    first_us: int = 0,
    last_us: int = 0,
) -> list[int]:
    """One row of the flow table."""
    word = ports[0] | ports[1] << 16 | protocol << 32 | egress << 40 | verdict << 41 | slot << 48
    return [
        *address_words(source),
        *address_words(destination),
        word,
        packets | flags << 40 | rule << 48,
        octets,
        first_us | last_us << 32,
    ]


def window_of(
    rows: Sequence[Sequence[int]],
    points: Sequence[ObservationPoint] = (),
    *,
    rtt: RttRows | None = None,
    skipped: dict[int, int] | None = None,
    lost: frozenset[str] = frozenset(),
    rules: tuple[str, ...] = (),
    action_source: Sequence[int] | None = None,
) -> ClosedWindow:
    """A closed interval of 60 seconds that begins at ``START_S``."""
    return ClosedWindow(
        START_S * 10**9,
        (START_S + 60) * 10**9,
        60,
        np.array(rows, np.uint64).reshape(-1, 8),
        tuple(points) or (point_of(),),
        rtt,
        skipped or {},
        lost,
        rules,
        None if action_source is None else np.array(action_source, np.uint8),
    )
