"""Traffic that is never logged: what AWS leaves out, told by the addresses and ports of a flow."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network, ip_address

import numpy as np
import numpy.typing as npt

from vpcflow.capture.observation_point import ObservationPoint
from vpcflow.capture.parsed_columns import (
    DESTINATION_PORT_SHIFT,
    DIRECTION_SHIFT,
    PROTOCOL_SHIFT,
    SLOT_SHIFT,
)

Words = npt.NDArray[np.uint64]
Mask = npt.NDArray[np.bool_]

_DNS_PORT = 53
_UDP = 17
_TCP = 6
_MIRROR_PORT = 4789
#: Rows that are looked at together: their columns stay in the CPU's cache.
_BLOCK_ROWS = 8_192


class Exclusion(StrEnum):
    """Kinds of traffic that make no flow records.

    Source: limitations of VPC flow logs in AWS's user guide. ``neighbour-discovery`` is what ARP
    is for IPv4; such packets, and ARP, are left out before they reach a flow.
    """

    AMAZON_DNS = "amazon-dns"
    METADATA = "metadata"
    TIME_SYNC = "time-sync"
    DHCP = "dhcp"
    DEFAULT_ROUTER = "default-router"
    WINDOWS_ACTIVATION = "windows-activation"
    MIRRORED_TRAFFIC = "mirrored-traffic"
    NEIGHBOUR_DISCOVERY = "neighbour-discovery"


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """An address at which the provider answers, at either end of a flow."""

    address: str
    protocol: int | None = None
    port: int | None = None


_ENDPOINTS: dict[Exclusion, tuple[_Endpoint, ...]] = {
    Exclusion.AMAZON_DNS: (
        _Endpoint("169.254.169.253", port=_DNS_PORT),
        _Endpoint("fd00:ec2::253", port=_DNS_PORT),
    ),
    Exclusion.METADATA: (_Endpoint("169.254.169.254"), _Endpoint("fd00:ec2::254")),
    Exclusion.TIME_SYNC: (_Endpoint("169.254.169.123"), _Endpoint("fd00:ec2::123")),
    Exclusion.WINDOWS_ACTIVATION: (
        _Endpoint("169.254.169.250", _TCP, 1688),
        _Endpoint("169.254.169.251", _TCP, 1688),
        _Endpoint("fd00:ec2::250", _TCP, 1688),
        _Endpoint("fd00:ec2::251", _TCP, 1688),
    ),
}
#: Client and server ports of DHCP and DHCPv6.
_DHCP_PORTS = ((67, 68), (546, 547))


def address_words(address: object) -> tuple[int, int]:
    """An address as the two words of a flow row: as its 16 bytes lie in memory."""
    parsed = ip_address(str(address))
    packed = parsed.packed if parsed.version == 6 else b"\0" * 10 + b"\xff\xff" + parsed.packed
    return int.from_bytes(packed[:8], "little"), int.from_bytes(packed[8:], "little")


@dataclass(frozen=True, slots=True)
class ExcludedCount:
    """What was left out of one interval. Units: flows, packets, IP bytes."""

    flows: int
    packets: int
    bytes: int


class Exclusions:
    """Says which flow rows make no records, and why."""

    def __init__(self, never_logged: Iterable[Exclusion]) -> None:
        self._kinds = tuple(never_logged)

    def kinds_of(self, rows: Words, points: Iterable[ObservationPoint]) -> npt.NDArray[np.int8]:
        """For each row the number of its exclusion in ``kinds``, -1 for a row that is logged."""
        found = np.full(len(rows), -1, np.int8)
        if not len(rows):
            return found
        points = tuple(points)
        for begin in range(0, len(rows), _BLOCK_ROWS):
            flows = _Flows(rows[begin : begin + _BLOCK_ROWS])
            block = found[begin : begin + _BLOCK_ROWS]
            for number, kind in enumerate(self._kinds):
                block[_matches(kind, flows, points) & (block < 0)] = number
        return found

    @property
    def kinds(self) -> tuple[Exclusion, ...]:
        """The exclusions that are in force, in the order of their numbers."""
        return self._kinds


class _Flows:
    """The columns of flow rows that exclusions look at."""

    def __init__(self, rows: Words) -> None:
        self.addresses = ((rows[:, 0], rows[:, 1]), (rows[:, 2], rows[:, 3]))
        word = rows[:, 4]
        self.ports = (
            word & np.uint64(0xFFFF),
            word >> np.uint64(DESTINATION_PORT_SHIFT) & np.uint64(0xFFFF),
        )
        self.protocol = word >> np.uint64(PROTOCOL_SHIFT) & np.uint64(0xFF)
        self.is_egress = (word >> np.uint64(DIRECTION_SHIFT) & np.uint64(1)) == 1
        self.slot = (word >> np.uint64(SLOT_SHIFT)).astype(np.int64)

    def at(self, address: object, protocol: int | None = None, port: int | None = None) -> Mask:
        """Flows from or to an address, with the port on the address's side."""
        first, second = (np.uint64(word) for word in address_words(address))
        found = np.zeros(len(self.slot), np.bool_)
        for (high, low), ports in zip(self.addresses, self.ports, strict=True):
            hit = (low == second) & (high == first)
            if port is not None:
                hit &= ports == port
            found |= hit
        return found if protocol is None else found & (self.protocol == protocol)


def _matches(kind: Exclusion, flows: _Flows, points: tuple[ObservationPoint, ...]) -> Mask:
    none = np.zeros(len(flows.slot), np.bool_)
    if kind is Exclusion.DHCP:
        return _dhcp(flows)
    if kind is Exclusion.MIRRORED_TRAFFIC:
        slots = [point.slot for point in points if point.is_mirrored]
        if not slots:
            return none
        sent = flows.is_egress & (flows.protocol == _UDP) & (flows.ports[1] == _MIRROR_PORT)
        return np.asarray(sent & np.isin(flows.slot, slots))
    found = none
    for endpoint in _ENDPOINTS.get(kind, ()):
        found |= flows.at(endpoint.address, endpoint.protocol, endpoint.port)
    if kind in (Exclusion.AMAZON_DNS, Exclusion.DEFAULT_ROUTER):
        port = _DNS_PORT if kind is Exclusion.AMAZON_DNS else None
        for address, owners in _reserved(kind, points).items():
            found |= flows.at(address, port=port) & np.isin(flows.slot, sorted(owners))
    return found


def _dhcp(flows: _Flows) -> Mask:
    found = np.zeros(len(flows.slot), np.bool_)
    for pair in _DHCP_PORTS:
        found |= np.isin(flows.ports[0], pair) & np.isin(flows.ports[1], pair)
    return np.asarray(found & (flows.protocol == _UDP))


def _reserved(kind: Exclusion, points: tuple[ObservationPoint, ...]) -> dict[object, set[int]]:
    """AWS's reserved addresses and the points of whose VPC they are.

    The router is the first address of each subnet, the DNS server the second of the VPC. A network
    that is not a cloud's has no such addresses: its .1 and .2 are hosts like others.
    """
    found: dict[object, set[int]] = {}
    for point in points:
        if point.vpc is None or not point.vpc.has_reserved_addresses:
            continue
        if kind is Exclusion.AMAZON_DNS:
            networks, step = point.vpc.cidr_blocks, 2
        else:
            networks, step = point.subnet.cidr_blocks if point.subnet else (), 1
        for network in networks:
            if isinstance(network, IPv4Network) and network.num_addresses > step:
                found.setdefault(network.network_address + step, set()).add(point.slot)
    return found
