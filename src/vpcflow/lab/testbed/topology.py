"""What the lab is made of: subnets, hosts, addresses, services, and the ids of its resources.

All addresses are of documentation ranges or private.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Network

ACCOUNT_ID = "123456789012"
REGION = "eu-west-1"
AZ_ID = "euw1-az1"
VPC_CIDR = IPv4Network("10.0.0.0/16")
VPC_CIDR6 = IPv6Network("2001:db8:10::/56")
DNS_ADDRESS = IPv4Address("10.0.0.2")
DNS_DOMAIN = "lab.internal"
ROUTER = "router"
INTERNET = "internet"
#: The host's own device, whatever the host.
HOST_DEVICE = "eth0"
#: Link-local addresses of a port and of what is behind it.
PORT_LINK_LOCAL = IPv6Address("fe80::1")
HOST_LINK_LOCAL = IPv6Address("fe80::2")
#: The router's and the internet's ends of the link between them.
TRANSIT_ROUTER = IPv4Address("192.0.2.1")
TRANSIT_INTERNET = IPv4Address("192.0.2.2")


def resource_id(kind: str, name: str) -> str:
    """An id in AWS's form that is the same in every lab, as ``eni-0123456789abcdef0``."""
    return f"{kind}-0{hashlib.sha256(f'vpcflow lab {name}'.encode()).hexdigest()[:16]}"


VPC_ID = resource_id("vpc", "vpc")


@dataclass(frozen=True, slots=True)
class LabSubnet:
    """A subnet; private ones reach the outside by the NAT gateway."""

    name: str
    cidr: IPv4Network
    cidr6: IPv6Network
    private: bool

    @property
    def subnet_id(self) -> str:
        """The id in AWS's form."""
        return resource_id("subnet", self.name)

    @property
    def gateway(self) -> IPv4Address:
        """The VPC router's address, the first of the subnet."""
        return self.cidr[1]


@dataclass(frozen=True, slots=True)
class Service:
    """A program that listens; ``kind`` is ``http``, ``ssh``, ``database``, ``dns`` or ``sink``."""

    kind: str
    protocol: str
    port: int


@dataclass(frozen=True, slots=True)
class Host:
    """One namespace with one network interface, ``eth0``, at a port of the router.

    Shape: ``uplink`` is ``router``, or ``internet`` for what is outside; the first of ``ipv4`` is
    the primary address; ``subnet`` is empty where the interface is no ENI.
    """

    name: str
    role: str
    ipv4: tuple[IPv4Interface, ...]
    ipv6: tuple[IPv6Address, ...]
    gateway: IPv4Address
    subnet: str = ""
    uplink: str = ROUTER
    interface_type: str = ""
    services: tuple[Service, ...] = ()

    @property
    def device(self) -> str:
        """The port's device name in the uplink's namespace."""
        return self.name

    @property
    def interface_id(self) -> str:
        """The id in AWS's form, empty where there is no ENI."""
        return resource_id("eni", self.name) if self.subnet else ""

    @property
    def instance_id(self) -> str:
        """The id in AWS's form, empty where there is no instance."""
        return resource_id("i", self.name) if self.subnet and not self.interface_type else ""

    @property
    def mac(self) -> str:
        """The interface's MAC address, made of the primary address."""
        return _mac(0, self.ipv4[0].ip)

    @property
    def port_mac(self) -> str:
        """The port's MAC address."""
        return _mac(1, self.ipv4[0].ip)

    @property
    def addresses(self) -> tuple[str, ...]:
        """All addresses as text, the primary first."""
        return (*(str(address.ip) for address in self.ipv4), *map(str, self.ipv6))


def _mac(second: int, address: IPv4Address) -> str:
    return ":".join(f"{byte:02x}" for byte in (2, second, *address.packed))


def _subnet(name: str, number: int, *, private: bool) -> LabSubnet:
    return LabSubnet(
        name,
        IPv4Network(f"10.0.{number}.0/24"),
        IPv6Network(f"2001:db8:10:{number}::/64"),
        private,
    )


SUBNETS = {
    subnet.name: subnet
    for subnet in (
        _subnet("public", 1, private=False),
        _subnet("app", 2, private=True),
        _subnet("db", 3, private=True),
    )
}

_HTTP = Service("http", "tcp", 80)
_HTTPS = Service("http", "tcp", 443)
_SSH = Service("ssh", "tcp", 22)
_SINK = Service("sink", "udp", 9999)


def _in_vpc(
    name: str,
    role: str,
    subnet: str,
    numbers: tuple[int, ...],
    *services: Service,
    interface_type: str = "",
) -> Host:
    found = SUBNETS[subnet]
    # A NAT gateway has no IPv6 address: IPv6 leaves by the router itself.
    ipv6 = () if interface_type else (IPv6Address(f"{found.cidr6[0]}{numbers[0]}"),)
    return Host(
        name,
        role,
        tuple(IPv4Interface(f"{found.cidr[number]}/{found.cidr.prefixlen}") for number in numbers),
        ipv6,
        found.gateway,
        subnet,
        interface_type=interface_type,
        services=services,
    )


def _outside(name: str, role: str, ipv4: str, ipv6: str, *services: Service) -> Host:
    address = IPv4Interface(ipv4)
    return Host(
        name,
        role,
        (address,),
        (IPv6Address(ipv6),),
        address.network[1],
        uplink=INTERNET,
        services=services,
    )


HOSTS = {
    host.name: host
    for host in (
        _in_vpc("web", "web server", "public", (10, 11), _HTTP, _HTTPS, _SSH),
        _in_vpc("bastion", "way in for SSH", "public", (20,), _SSH),
        _in_vpc("nat", "NAT gateway", "public", (5,), interface_type="nat_gateway"),
        _in_vpc("app", "application", "app", (10,), Service("http", "tcp", 8080), _SSH),
        _in_vpc("idle", "does nothing", "app", (99,)),
        _in_vpc("db", "database", "db", (10,), Service("database", "tcp", 5432)),
        Host(
            "dns",
            "Amazon DNS",
            (IPv4Interface(f"{DNS_ADDRESS}/24"),),
            (),
            IPv4Address("10.0.0.1"),
            services=(Service("dns", "udp", 53),),
        ),
        Host(
            INTERNET,
            "everything outside",
            (IPv4Interface(f"{TRANSIT_INTERNET}/30"),),
            (),
            TRANSIT_ROUTER,
        ),
        _outside(
            "client",
            "a visitor",
            "203.0.113.50/24",
            "2001:db8:cafe::50",
            _HTTP,
            _HTTPS,
            _SINK,
        ),
        _outside("attacker", "an attacker", "198.51.100.66/24", "2001:db8:bad::66", _HTTPS),
    )
}
#: Names of all namespaces: the router's and one a host.
NAMESPACES = (ROUTER, *HOSTS)


def host_address(name: str, version: int = 4) -> str:
    """The primary address of a host in one family, as text."""
    host = HOSTS[name]
    return str(host.ipv4[0].ip) if version == 4 else str(host.ipv6[0])
