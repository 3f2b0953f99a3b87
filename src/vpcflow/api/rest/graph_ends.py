"""Which node each end of an edge belongs to, at every level of the graph."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any, Final

from vpcflow.api.rest.graph_models import GraphLevel, NodeKind
from vpcflow.api.rest.known_network import KnownNetwork
from vpcflow.query.address_scope import Scope as PeerScope

INTERNET: Final = "internet"
OTHER: Final = "other"
#: Private addresses that no interface is known to have.
ELSEWHERE: Final = "private"
#: Without an inventory, addresses of such a network are taken for a subnet.
_SUBNET_BITS: Final = {4: 24, 6: 64}


@dataclass(frozen=True, slots=True)
class End:
    """A node as one end of an edge; ``is_ours`` where an interface of it can have records."""

    id: str
    kind: NodeKind
    name: str
    parent: str | None = None
    filter: str = ""
    is_ours: bool = False


_INTERNET = End(INTERNET, "internet", "Internet")
_OTHER = End(OTHER, "other", "All others")
_ELSEWHERE = End(ELSEWHERE, "network", "Other private addresses")


def networks_filter(blocks: Iterable[object]) -> str:
    """Records with an end in any of these networks; empty without networks.

    Shape: by address, since records name their VPC and subnet in some formats only.
    """
    texts = [str(block) for block in blocks]
    if len(texts) > 1:
        return f"addr in ({', '.join(texts)})"
    return f"addr in {texts[0]}" if texts else ""


class Ends:
    """Finds ends, each once.

    Shape: ``hosts`` are addresses that records name as an interface's own, with the interface and
    its account; of an address that several interfaces have, and no VPC tells apart, none is taken.
    """

    def __init__(
        self, known: KnownNetwork, level: GraphLevel, hosts: list[tuple[str, str, str]]
    ) -> None:
        self._known = known
        self._level = level
        self._seen: dict[tuple[str, str], set[str]] = {}
        self._address: dict[str, str] = {}
        for account_id, interface_id, address in hosts:
            self._seen.setdefault((account_id, address), set()).add(interface_id)
            self._address.setdefault(interface_id, address)
        self._found: dict[tuple[str, str], End] = {}

    def own(self, row: dict[str, Any]) -> End:
        """The node of the interface whose records an edge is made of."""
        if row["scope"] == PeerScope.OTHER:
            return _OTHER
        if self._level is GraphLevel.HOST and row["host"] is not None:
            return self._host(row["host"])
        return self._of_interface(row["interface_id"] or "-", row["account_id"] or "")

    def peer(self, row: dict[str, Any]) -> End:
        """The node at the other end."""
        if row["scope"] == PeerScope.OTHER:
            return _OTHER
        address = row["peer"]
        if address is None:
            return _INTERNET
        key = (row["interface_id"] or "", address)
        if key not in self._found:
            self._found[key] = self._of_peer(row, address)
        return self._found[key]

    def interface_of(self, row: dict[str, Any]) -> str | None:
        """The interface that has the peer's address; None when it is not known, or not one."""
        address = row["peer"]
        if address is None:
            return None
        vpc_id = self._known.vpc_of(row["interface_id"])
        held = self._known.names.interfaces_of(address, vpc_id)
        if not held and vpc_id is not None:
            # Peered VPCs: an address that only one interface has is that one's.
            held = self._known.names.interfaces_of(address)
        if not held:
            held = tuple(self._seen.get((row["account_id"] or "", address), ()))
        return held[0] if len(held) == 1 else None

    def _of_peer(self, row: dict[str, Any], address: str) -> End:
        interface_id = self.interface_of(row)
        if self._level is GraphLevel.HOST:
            return self._host(address, ours=interface_id is not None)
        if interface_id is not None:
            return self._of_interface(interface_id, row["account_id"] or "")
        named = self._known.names.of_address(address, self._known.vpc_of(row["interface_id"]))
        if named is not None and named.kind == "service":
            return End(f"service:{named.name}", "service", named.name)
        if named is not None and named.kind == "network" and named.vpc_id is None:
            return End(f"network:{named.name}", "network", named.name)
        if ip_address(address).is_global and named is None:
            return _INTERNET
        if self._level is GraphLevel.SUBNET:
            return self._subnet_of_address(address, self._known.vpc_of(row["interface_id"]))
        return _ELSEWHERE

    def _host(self, address: str, ours: bool = True) -> End:
        named = self._known.names.of_address(address)
        name = named.name if named is not None and named.kind != "network" else address
        return End(
            address,
            "host",
            name,
            named.interface_id if named else None,
            f"addr = {address}",
            ours or (named is not None and named.interface_id is not None),
        )

    def _of_interface(self, interface_id: str, account_id: str) -> End:
        key = (interface_id, "")
        if key not in self._found:
            self._found[key] = self._made(interface_id, account_id)
        return self._found[key]

    def _made(self, interface_id: str, account_id: str) -> End:
        names, inventory = self._known.names, self._known.rules.inventory
        one = inventory.interfaces.get(interface_id)
        match self._level:
            case GraphLevel.SUBNET if one is not None:
                subnet = one.subnet_id
                return self._subnet(subnet, one.vpc_id)
            case GraphLevel.SUBNET if interface_id in self._address:
                return self._subnet_of_address(self._address[interface_id], None)
            case GraphLevel.VPC if one is not None:
                vpc = inventory.vpcs.get(one.vpc_id)
                text = networks_filter(vpc.cidr_blocks if vpc else ())
                name = names.text_of(one.vpc_id)
                return End(one.vpc_id, "vpc", name, None, text, is_ours=True)
            case GraphLevel.VPC:
                shown = account_id or "no account"
                return End(f"account:{shown}", "vpc", f"Account {shown}", is_ours=True)
            case GraphLevel.GROUP if one is not None and one.security_group_ids:
                first, *more = one.security_group_ids
                name = names.text_of(first) + (f" and {len(more)} more" if more else "")
                key = "+".join(one.security_group_ids)
                return End(key, "group", name, one.vpc_id, is_ours=True)
            case GraphLevel.GROUP:
                return End("group:none", "group", "In no known group", is_ours=True)
        return End(
            interface_id,
            "interface",
            names.text_of(interface_id),
            one.subnet_id if one else None,
            f"interface-id = {interface_id}",
            is_ours=True,
        )

    def _subnet(self, subnet_id: str, vpc_id: str | None) -> End:
        subnet = self._known.rules.inventory.subnets.get(subnet_id)
        text = networks_filter(subnet.cidr_blocks if subnet else ())
        name = self._known.names.text_of(subnet_id)
        return End(subnet_id, "subnet", name, vpc_id, text, is_ours=True)

    def _subnet_of_address(self, address: str, vpc_id: str | None) -> End:
        subnet_id = self._known.names.subnet_of(address, vpc_id) if vpc_id else None
        if subnet_id is not None:
            return self._subnet(subnet_id, vpc_id)
        version = ip_address(address).version
        network = str(ip_network(f"{address}/{_SUBNET_BITS[version]}", strict=False))
        return End(network, "subnet", network, None, f"addr in {network}", is_ours=True)
