"""How the namespaces are wired: commands for ``ip -batch``, kernel settings, the NAT's ruleset.

Every interface has a port of its own at the router, so that also packets between two hosts of one
subnet cross it, as they cross the hypervisors of a cloud.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from vpcflow.lab.testbed.namespaces import network_namespace
from vpcflow.lab.testbed.topology import (
    HOST_DEVICE,
    HOST_LINK_LOCAL,
    HOSTS,
    INTERNET,
    PORT_LINK_LOCAL,
    ROUTER,
    SUBNETS,
    TRANSIT_INTERNET,
    VPC_CIDR,
    VPC_CIDR6,
    Host,
)

#: The route table of the private subnets.
_PRIVATE_TABLE = 100
_QUIET = {
    "ipv6/conf/default/accept_dad": "0",
    "ipv6/conf/default/accept_ra": "0",
    "ipv6/conf/default/router_solicitations": "0",
    "ipv6/conf/default/addr_gen_mode": "1",
    "ipv4/conf/all/rp_filter": "0",
    "ipv4/conf/default/rp_filter": "0",
}
_FORWARDS = {
    "ipv4/ip_forward": "1",
    "ipv6/conf/all/forwarding": "1",
    "ipv4/conf/all/send_redirects": "0",
    "ipv4/conf/default/send_redirects": "0",
}
_ANSWERS_FOR_OTHERS = {"ipv4/conf/default/proxy_arp": "1"}


def kernel_settings(name: str) -> dict[str, str]:
    """Files below ``/proc/sys/net`` and what to write there, before the first link is made."""
    settings = dict(_QUIET)
    if name in (ROUTER, INTERNET, "nat"):
        settings |= _FORWARDS
    if name in (ROUTER, INTERNET):
        settings |= _ANSWERS_FOR_OTHERS
    return settings


def port_settings(name: str) -> dict[str, str]:
    """As ``kernel_settings``, but to be written when the ports are there."""
    # Else an answer in another's name waits up to 0.8 seconds.
    ports = [host.device for host in HOSTS.values() if host.uplink == name and host.name != name]
    return {f"ipv4/neigh/{device}/proxy_delay": "0" for device in ports}


def link_commands(name: str, pids: Mapping[str, int]) -> list[str]:
    """The ``ip`` commands of one namespace; the router's come first, then the internet's.

    Shape: ``pids`` are processes in the namespaces, by name.
    """
    commands = ["link set lo up"]
    if name != ROUTER:
        commands += _host_end(HOSTS[name])
    for host in HOSTS.values():
        if host.uplink == name and host.name != name:
            commands += _port(host, pids[host.name])
    if name == ROUTER:
        commands += _router_routes()
    elif name == INTERNET:
        commands.append(f"route add {VPC_CIDR6} via {PORT_LINK_LOCAL} dev {HOST_DEVICE}")
    return commands


def _port(host: Host, pid: int) -> Iterable[str]:
    device = host.device
    yield (
        f"link add name {device} address {host.port_mac} type veth "
        f"peer name {HOST_DEVICE} address {host.mac} netns {network_namespace(pid)}"
    )
    yield f"addr add {host.gateway}/32 dev {device}"
    yield f"addr add {PORT_LINK_LOCAL}/64 dev {device} nodad"
    yield f"link set {device} up"
    for address in host.addresses:
        yield f"route add {address} dev {device}"


def _host_end(host: Host) -> Iterable[str]:
    for address in host.ipv4:
        yield f"addr add {address} dev {HOST_DEVICE}"
    yield f"addr add {HOST_LINK_LOCAL}/64 dev {HOST_DEVICE} nodad"
    for address6 in host.ipv6:
        yield f"addr add {address6}/128 dev {HOST_DEVICE} nodad"
    yield f"link set {HOST_DEVICE} up"
    yield f"route add 0.0.0.0/0 via {host.gateway} dev {HOST_DEVICE}"
    if host.ipv6:
        yield f"route add ::/0 via {PORT_LINK_LOCAL} dev {HOST_DEVICE}"


def _router_routes() -> Iterable[str]:
    # An address of the VPC that nobody has is silence, as at AWS, and no ICMP error.
    yield f"route add blackhole {VPC_CIDR}"
    yield f"route add blackhole {VPC_CIDR6}"
    yield f"route add 0.0.0.0/0 via {TRANSIT_INTERNET} dev {INTERNET}"
    yield f"route add ::/0 via {HOST_LINK_LOCAL} dev {INTERNET}"
    nat = HOSTS["nat"]
    yield f"route add 0.0.0.0/0 via {nat.ipv4[0].ip} dev {nat.device} table {_PRIVATE_TABLE}"
    # Inside the VPC the main table decides for everybody; only its default route is passed over.
    yield "rule add pref 100 lookup main suppress_prefixlength 0"
    for host in HOSTS.values():
        if host.subnet and SUBNETS[host.subnet].private:
            yield f"rule add pref 200 iif {host.device} lookup {_PRIVATE_TABLE}"


def router_ruleset() -> str:
    """The router's own nftables ruleset: it forwards, and answers to nothing but who has what."""
    return (
        "table inet lab_router {\n"
        "  chain own {\n"
        "    type filter hook input priority filter; policy drop;\n"
        "    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept\n"
        "  }\n"
        "}\n"
    )


def nat_ruleset() -> str:
    """The NAT gateway's own nftables ruleset: private subnets leave under its address."""
    private = ", ".join(str(subnet.cidr) for subnet in SUBNETS.values() if subnet.private)
    return (
        "table ip nat_gateway {\n"
        "  chain translate {\n"
        "    type nat hook postrouting priority srcnat; policy accept;\n"
        f"    ip saddr {{ {private} }} masquerade\n"
        "  }\n"
        "  chain pass {\n"
        "    type filter hook forward priority filter; policy drop;\n"
        f"    ip saddr {{ {private} }} accept\n"
        "    ct state established,related accept\n"
        "  }\n"
        # What nobody inside asked for is not answered.
        "  chain own { type filter hook input priority filter; policy drop; }\n"
        "}\n"
    )
