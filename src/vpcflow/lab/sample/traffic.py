"""Ordinary traffic: who talks to whom, how often, how long and how much."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vpcflow.lab.sample.connections import (
    ICMP,
    TCP,
    UDP,
    Close,
    Rng,
    Rows,
    Service,
    ephemeral_ports,
    make_connections,
    mapped,
    refuse,
    set_client,
    set_server,
)
from vpcflow.lab.sample.network import CLIENT_PREFIX_V6, OUTSIDE, Network, Role
from vpcflow.lab.sample.settings import SLOT_S

#: No connection of a sample lives longer.
LIFE_S_MAX = 12 * 3_600
#: Web clients are drawn by Zipf's law with this exponent; rarer ones change from day to day.
CLIENT_ZIPF = 1.05
CLIENTS_FAITHFUL = 2_000
HEADER_BYTES = 52


class Way(Enum):
    """Between whom a connection runs, and so how many records an interval of it makes."""

    INSIDE = ("inside", 4)
    REFUSED_INSIDE = ("refused inside", 2)
    FROM_INTERNET = ("from internet", 2)
    FROM_INTERNET_V6 = ("from internet, IPv6", 2)
    TO_ENDPOINT = ("to endpoint", 2)
    THROUGH_NAT = ("through NAT", 6)


@dataclass(frozen=True)
class Kind:
    """One kind of connection.

    Units: ``share`` of the ordinary records; ``life_s``, ``request``, ``answer`` are the median
    and the sigma of a lognormal law, bytes of payload a connection, or a second if ``streams``.
    """

    name: str
    share: float
    way: Way
    clients: tuple[Role, ...]
    servers: tuple[Role, ...]
    ports: tuple[int, ...]
    life_s: tuple[float, float]
    request: tuple[float, float]
    answer: tuple[float, float]
    proto: int = TCP
    packet_bytes: int = 1_400
    streams: bool = False
    resets: float = 0.02
    service: Service = Service.NONE


_INSIDERS = (Role.WEB, Role.APP, Role.WORKER, Role.MONITOR)
_LB, _WEB, _APP, _WORKER = (Role.LOAD_BALANCER,), (Role.WEB,), (Role.APP,), (Role.WORKER,)
_DB, _DNS, _MONITOR, _BASTION = (Role.DATABASE,), (Role.RESOLVER,), (Role.MONITOR,), (Role.BASTION,)
_IN, _IN6, _VPC = Way.FROM_INTERNET, Way.FROM_INTERNET_V6, Way.INSIDE
_NAT, _S3 = Way.THROUGH_NAT, Way.TO_ENDPOINT

KINDS: tuple[Kind, ...] = (
    Kind(
        "https", 0.20, _IN, (), _LB, (443, 443, 443, 443, 80), (4, 1.6), (1.1e3, 0.9), (14e3, 1.7)
    ),
    Kind("https-v6", 0.06, _IN6, (), _LB, (443,), (4, 1.6), (1.1e3, 0.9), (14e3, 1.7)),
    Kind("websocket", 0.03, _IN, (), _LB, (443,), (900, 1.2), (14, 1.0), (60, 1.2), TCP, 300, True),
    Kind("lb-web", 0.18, _VPC, _LB, _WEB, (8080,), (12, 1.5), (2.5e3, 1.1), (25e3, 1.6)),
    Kind("web-app", 0.14, _VPC, _WEB, _APP, (8443, 9000), (25, 1.5), (4e3, 1.2), (12e3, 1.5)),
    Kind(
        "app-db", 0.09, _VPC, _APP, _DB, (5432,), (1800, 1.1), (90, 1.5), (420, 1.6), TCP, 350, True
    ),
    Kind(
        "app-cache",
        0.06,
        _VPC,
        _APP,
        (Role.CACHE,),
        (6379,),
        (2400, 1.0),
        (60, 1.6),
        (150, 1.6),
        TCP,
        200,
        True,
    ),
    Kind("mistaken", 0.005, Way.REFUSED_INSIDE, _APP, _DB, (3306,), (7, 0.1), (1, 0.01), (1, 0.01)),
    Kind(
        "s3", 0.04, _S3, _WORKER, (), (443,), (9, 1.3), (3e3, 2.2), (180e3, 2.2), service=Service.S3
    ),
    Kind(
        "dynamodb",
        0.03,
        _S3,
        (*_APP, *_WORKER),
        (),
        (443,),
        (30, 1.4),
        (5e3, 1.2),
        (9e3, 1.4),
        service=Service.DYNAMODB,
    ),
    Kind(
        "partner",
        0.06,
        _NAT,
        (*_APP, *_WORKER),
        (),
        (443, 443, 443, 80),
        (6, 1.4),
        (2e3, 1.2),
        (9e3, 1.8),
    ),
    Kind("ntp", 0.004, _NAT, _INSIDERS, (), (123,), (0.05, 0.5), (48, 0.01), (48, 0.01), UDP),
    Kind("dns", 0.05, _VPC, _INSIDERS, _DNS, (53,), (0.02, 1.0), (42, 0.25), (110, 0.5), UDP),
    Kind("dns-out", 0.01, _NAT, _DNS, (), (53,), (0.05, 1.0), (44, 0.25), (140, 0.6), UDP),
    Kind(
        "metrics",
        0.03,
        _VPC,
        _MONITOR,
        (*_WEB, *_APP, *_WORKER, *_DB),
        (9100,),
        (0.3, 0.8),
        (320, 0.05),
        (21e3, 0.2),
    ),
    Kind(
        "ping",
        0.01,
        _VPC,
        _MONITOR,
        (*_WEB, *_APP, *_DB, *_LB),
        (0,),
        (3, 0.3),
        (224, 0.01),
        (224, 0.01),
        ICMP,
    ),
    Kind(
        "admin-in",
        0.003,
        _IN,
        (),
        _BASTION,
        (22,),
        (900, 1.2),
        (25, 1.0),
        (90, 1.2),
        TCP,
        120,
        True,
    ),
    Kind(
        "admin",
        0.003,
        _VPC,
        _BASTION,
        (*_WEB, *_APP, *_DB),
        (22,),
        (600, 1.2),
        (25, 1.0),
        (90, 1.2),
        TCP,
        120,
        True,
    ),
)


class Traffic:
    """Draws connections of every kind; its weights belong to one network and one seed."""

    def __init__(self, network: Network, seed: int, interval_s: int) -> None:
        self._network = network
        self._interval_s = interval_s
        rng = np.random.default_rng([seed, 0x7AF])
        self._popular = 1.0 / np.arange(1, len(network) + 1) ** 0.5
        self._shuffle = rng.permutation(len(network))
        ranks = np.arange(1, OUTSIDE.internet_count // 2 + 1, dtype=np.float64)
        self._client_law = np.cumsum(ranks**-CLIENT_ZIPF)
        self._client_law /= self._client_law[-1]
        self._client_order = rng.permutation(OUTSIDE.internet_count)
        self._nats = network.having(Role.NAT_GATEWAY)

    def draw(self, kind: Kind, records: float, first_s: float, rng: Rng) -> Rows:
        """New connections of one slot that will make about ``records`` records."""
        count = int(rng.poisson(records / self._records_each(kind)))
        rows = self._rows(kind, count, first_s, rng)
        rows["t0"] = first_s + rng.random(count) * SLOT_S
        rows["t1"] += rows["t0"]
        return rows

    def draw_running(self, kind: Kind, records: float, first_s: float, rng: Rng) -> Rows:
        """Long connections that already run when the sample begins."""
        mean_s = _mean_life_s(kind)
        count = int(rng.poisson(records / self._records_each(kind) * mean_s / SLOT_S))
        rows = self._rows(kind, count, first_s, rng)
        if not count:
            return rows
        # Those that are met running are the long ones: draw by length, then a moment within.
        rows = rows[rng.choice(count, count, p=rows["t1"] / rows["t1"].sum())]
        rows["sport"] = ephemeral_ports(rng, count)
        life = rows["t1"].copy()
        rows["t0"] = first_s - rng.random(count) * life
        rows["t1"] = rows["t0"] + life
        return rows[rows["t1"] > first_s + 1]

    def clients(self, rng: Rng, count: int, first_s: float) -> NDArray[np.int64]:
        """Addresses of web clients, the same ones every day and a crowd that changes."""
        rank = np.searchsorted(self._client_law, rng.random(count))
        day = int(first_s // 86_400)
        moved = np.where(rank < CLIENTS_FAITHFUL, rank, rank + day * 7_919)
        order = self._client_order[moved % OUTSIDE.internet_count]
        return np.asarray(OUTSIDE.internet_first + order)

    def hosts(self, roles: tuple[Role, ...], rng: Rng, count: int) -> NDArray[np.int32]:
        """Interfaces of the roles, some busier than others."""
        chosen = self._network.having(*roles)
        weights = self._popular[self._shuffle[chosen]]
        picked: NDArray[np.int32] = rng.choice(chosen, count, p=weights / weights.sum())
        return picked

    def _records_each(self, kind: Kind) -> float:
        return float(kind.way.value[1]) * (1.0 + _mean_life_s(kind) / self._interval_s)

    def _rows(self, kind: Kind, count: int, first_s: float, rng: Rng) -> Rows:
        rows = make_connections(count)
        life_s = rng.lognormal(np.log(kind.life_s[0]), kind.life_s[1], count)
        rows["t1"] = np.clip(life_s, 0.001, LIFE_S_MAX)
        rows["sport"] = ephemeral_ports(rng, count)
        rows["dport"] = rng.choice(np.array(kind.ports), count)
        rows["proto"] = kind.proto
        rows["service"] = kind.service
        rows["close"] = np.where(rng.random(count) < kind.resets, Close.RST, Close.FIN)
        self._ends(rows, kind, first_s, rng)
        _volumes(rows, kind, rng)
        if kind.way is Way.REFUSED_INSIDE:
            refuse(rows)
        if kind.proto == ICMP:
            rows["sport"] = 0
        return rows

    def _ends(self, rows: Rows, kind: Kind, first_s: float, rng: Rng) -> None:
        count = len(rows)
        if kind.servers:
            set_server(rows, self._network, self.hosts(kind.servers, rng, count))
        elif kind.service == Service.S3:
            rows["server"] = mapped(OUTSIDE.s3_first + rng.zipf(1.6, count) % 128)
        elif kind.service == Service.DYNAMODB:
            rows["server"] = mapped(OUTSIDE.dynamodb_first + rng.zipf(2.0, count) % 128)
        else:
            rows["server"] = mapped(self._outside_servers(kind, rng, count))
        if kind.clients:
            set_client(rows, self._network, self.hosts(kind.clients, rng, count))
        elif kind.way is Way.FROM_INTERNET_V6:
            self._clients_v6(rows, rng, first_s)
        else:
            rows["client"] = mapped(self.clients(rng, count, first_s))
            rows["sport"] = rng.integers(1_024, 65_536, count)
        if kind.way is Way.THROUGH_NAT:
            rows["nat_if"] = self._nats[rows["client_if"] % len(self._nats)]

    def _outside_servers(self, kind: Kind, rng: Rng, count: int) -> NDArray[np.int64]:
        if kind.proto == UDP:
            return OUTSIDE.partner_first + 200 + rng.integers(0, 8, count)
        partners = OUTSIDE.partner_first + 1 + rng.zipf(1.3, count) % 190
        wider = OUTSIDE.internet_first + self._client_order[rng.zipf(1.2, count) % 3_000]
        return np.where(rng.random(count) < 0.6, partners, wider)

    def _clients_v6(self, rows: Rows, rng: Rng, first_s: float) -> None:
        """Each client keeps its /64 and takes a new address in it every day, as phones do."""
        client = self.clients(rng, len(rows), first_s).astype(np.uint64)
        rows["client"][:, 0] = np.uint64(CLIENT_PREFIX_V6) + (
            client & np.uint64(0x1FFFF)
        ) * np.uint64(2)
        mixed = (client + np.uint64(int(first_s // 86_400))) * np.uint64(0x9E37_79B9_7F4A_7C15)
        rows["client"][:, 1] = mixed ^ (mixed >> np.uint64(29))
        rows["server"] = self._network.address_v6[rows["server_if"]]


def _mean_life_s(kind: Kind) -> float:
    median, sigma = kind.life_s
    return float(min(median * np.exp(sigma**2 / 2), LIFE_S_MAX))


def _volumes(rows: Rows, kind: Kind, rng: Rng) -> None:
    count = len(rows)
    scale: Any = rows["t1"] if kind.streams else 1.0
    request = rng.lognormal(np.log(kind.request[0]), kind.request[1], count) * scale
    answer = rng.lognormal(np.log(kind.answer[0]), kind.answer[1], count) * scale
    if kind.proto != TCP:
        single = 4 if kind.proto == ICMP else 1
        rows["fwd_packets"] = rows["rev_packets"] = single
        rows["fwd_bytes"] = request.astype(np.int64) + single * 28
        rows["rev_bytes"] = answer.astype(np.int64) + single * 28
        return
    sent = np.ceil(request / kind.packet_bytes)
    received = np.ceil(answer / kind.packet_bytes)
    fwd = 3 + sent + np.floor(received * rng.uniform(0.3, 0.7, count)) + rng.integers(0, 3, count)
    rev = 3 + received + np.floor(sent * rng.uniform(0.3, 0.7, count)) + rng.integers(0, 3, count)
    rows["fwd_packets"], rows["rev_packets"] = fwd, rev
    rows["fwd_bytes"] = request.astype(np.int64) + fwd * HEADER_BYTES + 8
    rows["rev_bytes"] = answer.astype(np.int64) + rev * HEADER_BYTES + 8
