"""Connections as columns, and what each network interface on their way sees of them."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vpcflow.lab.sample.network import MAPPED, Network

Rng = np.random.Generator
#: A structured array; its fields are those of CONNECTION or VIEW.
Rows = NDArray[Any]

TCP, UDP, ICMP, ICMPV6 = 6, 17, 1, 58
INGRESS, EGRESS = 0, 1
ACCEPT, REJECT = 0, 1
FIN, SYN, RST, SYN_ACK = 1, 2, 4, 18
#: AWS's codes of the way out: same VPC, gateway endpoint, internet gateway.
PATH_NONE, PATH_SAME_VPC, PATH_ENDPOINT, PATH_INTERNET = 0, 1, 7, 8
NOBODY = -1
EPHEMERAL_FIRST, EPHEMERAL_LAST = 32_768, 60_999


class Close(IntEnum):
    """How a connection ends; decides the flags of its records."""

    NONE = 0
    FIN = 1
    RST = 2


class Service(IntEnum):
    """The AWS service an outside address belongs to."""

    NONE = 0
    S3 = 1
    DYNAMODB = 2


class Story(IntEnum):
    """The planted incident a record belongs to."""

    ORDINARY = 0
    PORT_SCAN = 1
    BRUTE_FORCE = 2
    BEACON = 3
    EXFILTRATION = 4
    TOP_TALKER = 5


CONNECTION = np.dtype(
    [
        ("t0", "f8"),
        ("t1", "f8"),
        ("client", "u8", 2),
        ("server", "u8", 2),
        ("client_if", "i4"),
        ("server_if", "i4"),
        ("nat_if", "i4"),
        ("sport", "i4"),
        ("dport", "i4"),
        ("proto", "i4"),
        ("fwd_packets", "f8"),
        ("fwd_bytes", "f8"),
        ("rev_packets", "f8"),
        ("rev_bytes", "f8"),
        ("close", "i1"),
        ("server_action", "i1"),
        ("service", "i1"),
        ("story", "i1"),
    ]
)
VIEW = np.dtype(
    [
        ("t0", "f8"),
        ("t1", "f8"),
        ("next_window", "i8"),
        ("interface", "i4"),
        ("src", "u8", 2),
        ("dst", "u8", 2),
        ("pkt_src", "u8", 2),
        ("pkt_dst", "u8", 2),
        ("sport", "i4"),
        ("dport", "i4"),
        ("proto", "i4"),
        ("packets", "f8"),
        ("bytes", "f8"),
        ("flags_first", "i1"),
        ("flags_last", "i1"),
        ("direction", "i1"),
        ("action", "i1"),
        ("src_service", "i1"),
        ("dst_service", "i1"),
        ("path", "i1"),
        ("story", "i1"),
    ]
)


def make_connections(count: int) -> Rows:
    """``count`` connections with nothing known of them: no interface, TCP, closed by FIN."""
    rows = np.zeros(count, CONNECTION)
    for name in ("client_if", "server_if", "nat_if"):
        rows[name] = NOBODY
    rows["proto"] = TCP
    rows["close"] = Close.FIN
    return rows


def ephemeral_ports(rng: Rng, count: int) -> NDArray[np.int64]:
    """Source ports as Linux picks them."""
    return rng.integers(EPHEMERAL_FIRST, EPHEMERAL_LAST + 1, count)


def mapped(addresses: Any) -> NDArray[np.uint64]:
    """IPv4 addresses as two halves, (n, 2)."""
    low = np.asarray(addresses).astype(np.uint64) + np.uint64(MAPPED)
    return np.stack([np.zeros_like(low), low], axis=-1)


def host_addresses(network: Network, interfaces: NDArray[Any]) -> NDArray[np.uint64]:
    """The IPv4 addresses of interfaces as two halves, (n, 2)."""
    low = network.address[interfaces]
    return np.stack([np.zeros_like(low), low], axis=-1)


def set_client(rows: Rows, network: Network, interfaces: NDArray[Any]) -> None:
    """The clients are hosts of the VPC."""
    rows["client_if"] = interfaces
    rows["client"] = host_addresses(network, interfaces)


def set_server(rows: Rows, network: Network, interfaces: NDArray[Any]) -> None:
    """The servers are hosts of the VPC."""
    rows["server_if"] = interfaces
    rows["server"] = host_addresses(network, interfaces)


def refuse(rows: Rows) -> None:
    """The server's security group lets nothing in: three tries, no answer."""
    rows["server_action"] = REJECT
    rows["close"] = Close.NONE
    rows["fwd_packets"], rows["fwd_bytes"] = 3, 180
    rows["rev_packets"] = rows["rev_bytes"] = 0


def make_views(rows: Rows, network: Network, rng: Rng) -> Rows:
    """What every interface on the way sees: two views each, one a direction.

    Shape: a connection between hosts of the VPC is seen at both ends; one through the NAT gateway
    is seen there four times more, with the gateway's address and port towards the internet.
    A refused request has no answer.
    """
    parts = []
    at_server = rows[rows["server_if"] != NOBODY]
    answered = at_server[at_server["server_action"] == ACCEPT]
    parts.append(_view(at_server, "server_if", INGRESS, forward=True))
    parts.append(_view(answered, "server_if", EGRESS, forward=False))
    at_client = rows[rows["client_if"] != NOBODY]
    answered = at_client[at_client["server_action"] == ACCEPT]
    parts.append(_view(at_client, "client_if", EGRESS, forward=True))
    parts.append(_view(answered, "client_if", INGRESS, forward=False))
    parts[0]["action"] = at_server["server_action"]
    translated = rows[rows["nat_if"] != NOBODY]
    if len(translated):
        parts.extend(_nat_views(translated, network, rng))
    views = np.concatenate(parts)
    return views[views["packets"] > 0]


def _view(rows: Rows, interface: str, direction: int, *, forward: bool) -> Rows:
    views = np.zeros(len(rows), VIEW)
    for name in ("t0", "t1", "proto", "story"):
        views[name] = rows[name]
    views["interface"] = rows[interface]
    views["direction"] = direction
    source, target = ("client", "server") if forward else ("server", "client")
    views["src"] = views["pkt_src"] = rows[source]
    views["dst"] = views["pkt_dst"] = rows[target]
    views["sport"] = rows["sport" if forward else "dport"]
    views["dport"] = rows["dport" if forward else "sport"]
    views["packets"] = rows["fwd_packets" if forward else "rev_packets"]
    views["bytes"] = rows["fwd_bytes" if forward else "rev_bytes"]
    views["dst_service" if forward else "src_service"] = rows["service"]
    tcp = rows["proto"] == TCP
    views["flags_first"] = np.where(tcp, SYN if forward else SYN_ACK, 0)
    last = np.where(rows["close"] == Close.FIN, FIN, 0)
    if not forward:
        last = np.where(rows["close"] == Close.RST, RST, last)
    views["flags_last"] = np.where(tcp, last, 0)
    if direction == EGRESS:
        views["path"] = _path(rows)
    return views


def _path(rows: Rows) -> NDArray[np.int64]:
    inside = (rows["server_if"] != NOBODY) & (rows["client_if"] != NOBODY)
    inside |= rows["nat_if"] != NOBODY
    outside = np.where(rows["service"] != Service.NONE, PATH_ENDPOINT, PATH_INTERNET)
    return np.where(inside, PATH_SAME_VPC, outside)


def _nat_views(rows: Rows, network: Network, rng: Rng) -> list[Rows]:
    gateway = host_addresses(network, rows["nat_if"])
    port = np.where(rows["proto"] == ICMP, 0, rng.integers(1024, 65_536, len(rows)))
    from_host = _view(rows, "nat_if", INGRESS, forward=True)
    from_host["dst"] = gateway
    to_internet = _view(rows, "nat_if", EGRESS, forward=True)
    to_internet["src"] = to_internet["pkt_src"] = gateway
    to_internet["sport"] = port
    to_internet["path"] = PATH_INTERNET
    from_internet = _view(rows, "nat_if", INGRESS, forward=False)
    from_internet["dst"] = from_internet["pkt_dst"] = gateway
    from_internet["dport"] = port
    to_host = _view(rows, "nat_if", EGRESS, forward=False)
    to_host["src"] = gateway
    return [from_host, to_internet, from_internet, to_host]
