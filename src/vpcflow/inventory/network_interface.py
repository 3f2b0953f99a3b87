"""A network interface, its addresses, and the Linux device at which its packets are seen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address

Address = IPv4Address | IPv6Address


class AttachmentSide(StrEnum):
    """Which end of the wire the device is.

    INTERFACE: the device is the interface itself; what it receives is ingress.
    PORT: the device is the other end, as a hypervisor's or a container host's port; what it
    receives has left the interface and is egress.
    """

    INTERFACE = "interface"
    PORT = "port"


@dataclass(frozen=True, slots=True)
class Attachment:
    """The Linux device at which an interface's packets are seen.

    Shape: ``namespace`` is empty for the namespace that vpcflow runs in, else a name below
    ``/run/netns`` or a path such as ``/proc/4711/ns/net``.
    """

    device: str
    namespace: str = ""
    side: AttachmentSide = AttachmentSide.INTERFACE


@dataclass(frozen=True, slots=True)
class NetworkInterface:
    """One elastic network interface.

    Shape: the first of ``ipv4_addresses`` is the primary address, which flow records show;
    ``interface_type`` is one of AWS's (``nat_gateway``, ...), empty for an ordinary interface.
    """

    interface_id: str
    subnet_id: str
    vpc_id: str
    account_id: str
    ipv4_addresses: tuple[IPv4Address, ...] = ()
    ipv6_addresses: tuple[IPv6Address, ...] = ()
    mac: str = ""
    instance_id: str | None = None
    security_group_ids: tuple[str, ...] = ()
    name: str = ""
    interface_type: str = ""
    attachment: Attachment | None = None

    @property
    def addresses(self) -> tuple[Address, ...]:
        """All addresses, IPv4 first, the primary first of all."""
        return (*self.ipv4_addresses, *self.ipv6_addresses)


@dataclass(frozen=True, slots=True)
class MirrorSession:
    """Mirrored traffic of one interface, as AWS Traffic Mirroring sends it: VXLAN with this VNI."""

    vni: int
    interface_id: str
