"""The made-up VPC: subnets, network interfaces with roles, and the addresses outside."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from vpcflow.lab.sample.settings import SampleSettings

#: High half of an IPv4 address mapped into IPv6 is zero; low half is this plus the address.
MAPPED = 0xFFFF_0000_0000
VPC_PREFIX = 10 << 24
#: The VPC's own IPv6 range, 2001:db8:5a3b::/48, and where IPv6 clients come from.
VPC_PREFIX_V6 = 0x2001_0DB8_5A3B_0000
CLIENT_PREFIX_V6 = 0x2001_0DB8_0000_0000
ZONES = 3


class Role(IntEnum):
    """What the host behind an interface does."""

    LOAD_BALANCER = 0
    NAT_GATEWAY = 1
    BASTION = 2
    RESOLVER = 3
    MONITOR = 4
    CACHE = 5
    DATABASE = 6
    WEB = 7
    APP = 8
    WORKER = 9
    IDLE = 10


#: Share of the hosts, and the least there is of each role.
_SHARES: dict[Role, tuple[float, int]] = {
    Role.LOAD_BALANCER: (0.03, 2),
    Role.NAT_GATEWAY: (0.0, 2),
    Role.BASTION: (0.0, 1),
    Role.RESOLVER: (0.0, 2),
    Role.MONITOR: (0.0, 1),
    Role.CACHE: (0.04, 1),
    Role.DATABASE: (0.05, 2),
    Role.IDLE: (0.04, 1),
    Role.WORKER: (0.18, 3),
    Role.WEB: (0.28, 4),
    Role.APP: (0.28, 4),
}
_PUBLIC = frozenset({Role.LOAD_BALANCER, Role.NAT_GATEWAY, Role.BASTION})
#: Interfaces that AWS makes itself have no instance.
_WITHOUT_INSTANCE = frozenset({Role.LOAD_BALANCER, Role.NAT_GATEWAY})
#: Third octet of the first /20 of each kind of subnet; the zone picks one of three.
_SUBNET_OCTET = {"public": 0, "private": 48, "data": 96}

Addresses = NDArray[np.uint64]


@dataclass(frozen=True)
class OutsideRanges:
    """Addresses outside the VPC, all from ranges set aside for documentation and benchmarks."""

    #: 198.18.0.0/15: web clients, scanners, partners.
    internet_first: int = (198 << 24) | (18 << 16)
    internet_count: int = 1 << 17
    #: 198.51.100.0/24: service addresses, S3 in the lower half, DynamoDB in the upper.
    s3_first: int = (198 << 24) | (51 << 16) | (100 << 8)
    dynamodb_first: int = (198 << 24) | (51 << 16) | (100 << 8) | 128
    #: 203.0.113.0/24: those who do harm. 192.0.2.0/24: partners' interfaces and name servers.
    hostile_first: int = (203 << 24) | (113 << 8)
    partner_first: int = (192 << 24) | (2 << 8)


OUTSIDE = OutsideRanges()


@dataclass(frozen=True)
class Network:
    """Every interface of the VPC as columns, one entry an interface.

    Shape: ``address`` low halves of mapped IPv4 addresses; ``address_v6`` (n, 2) halves;
    ``phase_s`` where the interface's aggregation intervals begin, within the interval.
    """

    role: NDArray[np.int8]
    address: Addresses
    address_v6: Addresses
    phase_s: NDArray[np.float64]
    interface_ids: tuple[str, ...]
    instance_ids: tuple[str | None, ...]
    subnet: NDArray[np.int32]
    subnet_ids: tuple[str, ...]
    zone_ids: tuple[str, ...]
    vpc_id: str

    def __len__(self) -> int:
        return len(self.role)

    def having(self, *roles: Role) -> NDArray[np.int32]:
        """The interfaces of the given roles."""
        return np.flatnonzero(np.isin(self.role, roles)).astype(np.int32)

    @property
    def public(self) -> NDArray[np.int32]:
        """The interfaces that the internet can reach."""
        return self.having(*_PUBLIC)


def make_network(settings: SampleSettings) -> Network:
    """Lay out the VPC 10.0.0.0/16 of a sample: the same settings give the same VPC."""
    rng = np.random.default_rng([settings.seed, 0x9E7])
    roles = _roles(settings.hosts_made)
    zone = np.arange(len(roles), dtype=np.int32) % ZONES
    tier = np.array([_tier(Role(role)) for role in roles])
    subnet = (tier * ZONES + zone).astype(np.int32)
    octets = np.array([_SUBNET_OCTET[name] for name in ("public", "private", "data")])
    number = np.zeros(len(roles), dtype=np.int64)
    for index in range(subnet.max() + 1):
        inside = np.flatnonzero(subnet == index)
        number[inside] = np.sort(rng.choice(np.arange(4, 4090), len(inside), replace=False))
    address = VPC_PREFIX | ((octets[tier] + zone * 16) << 8) | number
    halves = np.empty((len(roles), 2), dtype=np.uint64)
    halves[:, 0] = VPC_PREFIX_V6 + subnet.astype(np.uint64)
    halves[:, 1] = rng.integers(1 << 62, 1 << 63, len(roles), dtype=np.uint64)
    return Network(
        role=roles,
        address=(address + MAPPED).astype(np.uint64),
        address_v6=halves,
        phase_s=rng.integers(0, settings.interval_s, len(roles)).astype(np.float64),
        interface_ids=tuple(f"eni-{_hex17(rng)}" for _ in roles),
        instance_ids=tuple(
            None if Role(role) in _WITHOUT_INSTANCE else f"i-{_hex17(rng)}" for role in roles
        ),
        subnet=subnet,
        subnet_ids=tuple(f"subnet-{_hex17(rng)}" for _ in range(3 * ZONES)),
        zone_ids=tuple(f"{_zone_prefix(settings.region)}-az{1 + n % ZONES}" for n in range(9)),
        vpc_id=f"vpc-{_hex17(rng)}",
    )


def _roles(hosts: int) -> NDArray[np.int8]:
    counts = {role: max(least, int(share * hosts)) for role, (share, least) in _SHARES.items()}
    counts[Role.APP] += hosts - sum(counts.values())
    return np.repeat(np.array([int(role) for role in counts], dtype=np.int8), list(counts.values()))


def _tier(role: Role) -> int:
    if role in _PUBLIC:
        return 0
    return 2 if role in (Role.DATABASE, Role.CACHE) else 1


def _hex17(rng: np.random.Generator) -> str:
    return "0" + rng.bytes(8).hex()


def _zone_prefix(region: str) -> str:
    """AWS shortens eu-west-1 to euw1 in its zone ids."""
    parts = region.split("-")
    return parts[0] + "".join(part[0] for part in parts[1:-1]) + parts[-1]
