"""The planted incidents, so that tutorials have something to find and tests know the answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vpcflow.lab.sample.connections import (
    Close,
    Rng,
    Rows,
    Story,
    ephemeral_ports,
    make_connections,
    mapped,
    refuse,
    set_client,
    set_server,
)
from vpcflow.lab.sample.network import OUTSIDE, Network, Role
from vpcflow.lab.sample.settings import SampleSettings

#: Shares of the sample's records that the incidents take, and their bounds.
SCAN_SHARE, SCAN_PROBES_MIN, SCAN_PROBES_MAX = 0.002, 100, 60_000
SCAN_TARGETS_MAX = 64
SCAN_OPEN_PORTS = frozenset({22, 5432, 6379, 8080, 8443, 9000, 9100})
BRUTE_SHARE, BRUTE_TRIES_MIN, BRUTE_TRIES_MAX = 0.001, 60, 20_000
BEACON_SHARE, BEACON_PERIODS_S = 0.003, (60, 120, 300, 600, 1_200, 3_600)
EXFILTRATION_SHARE, TOP_TALKER_SHARE = 0.002, 0.01
#: Bytes of payload for each record of the sample: large against the mean of ordinary records.
EXFILTRATION_BYTES_A_RECORD, EXFILTRATION_BYTES_MIN = 6_000, 50_000_000
TOP_TALKER_BYTES_A_RECORD, TOP_TALKER_BYTES_MIN = 100_000, 1_000_000_000
SKIPDATA_S = 1_200
HOUR_S, DAY_S = 3_600, 86_400


@dataclass(frozen=True)
class Incident:
    """One planted incident: its connections, and what one would have to find."""

    story: Story
    connections: Rows
    source: int
    target: int | None
    port: int | None
    start_s: int
    end_s: int
    detail: str


@dataclass(frozen=True)
class SkippedWindow:
    """The time in which some interfaces say SKIPDATA."""

    interfaces: tuple[int, ...]
    start_s: int
    end_s: int


def plan_incidents(network: Network, settings: SampleSettings) -> tuple[Incident, ...]:
    """All incidents of a sample; about two records of a hundred belong to one."""
    rng = np.random.default_rng([settings.seed, 0x1C1])
    return (
        _port_scan(network, settings, rng),
        _brute_force(network, settings, rng),
        _beacon(network, settings, rng),
        _exfiltration(network, settings, rng),
        _top_talker(network, settings, rng),
    )


def plan_skipped(network: Network, settings: SampleSettings) -> SkippedWindow:
    """Twenty minutes of the second day, or the only one, when two load balancers skip records."""
    start_s = settings.start_s + min(1, settings.days - 1) * DAY_S + 13 * HOUR_S
    busiest = network.having(Role.LOAD_BALANCER)[:2]
    return SkippedWindow(tuple(int(i) for i in busiest), start_s, start_s + SKIPDATA_S)


def _port_scan(network: Network, settings: SampleSettings, rng: Rng) -> Incident:
    """A worker tries ports of its neighbours; most are refused, a few answer with a reset."""
    start_s = settings.start_s + min(1, settings.days - 1) * DAY_S + 3 * HOUR_S + 600
    end_s = start_s + 1_200
    scanner = network.having(Role.WORKER)[0]
    targets = network.having(Role.WEB, Role.APP, Role.DATABASE, Role.CACHE)[:SCAN_TARGETS_MAX]
    probes = _bounded(settings.records * SCAN_SHARE, SCAN_PROBES_MIN, SCAN_PROBES_MAX)
    ports = max(2, probes // len(targets))
    rows = make_connections(ports * len(targets))
    set_client(rows, network, np.full(len(rows), scanner))
    set_server(rows, network, np.tile(targets, ports))
    rows["dport"] = np.repeat(np.arange(20, 20 + ports), len(targets))
    rows["sport"] = ephemeral_ports(rng, len(rows))
    rows["t0"] = np.sort(rng.uniform(start_s, end_s, len(rows)))
    rows["t1"] = rows["t0"] + 0.002
    is_open = np.isin(rows["dport"], list(SCAN_OPEN_PORTS)) & (rng.random(len(rows)) < 0.5)
    shut = rows[~is_open]
    refuse(shut)
    shut["fwd_packets"], shut["fwd_bytes"] = 1, 60
    rows[~is_open] = shut
    rows["close"] = np.where(is_open, Close.RST, Close.NONE)
    for name, value in (
        ("fwd_packets", 2),
        ("fwd_bytes", 100),
        ("rev_packets", 1),
        ("rev_bytes", 60),
    ):
        rows[name] = np.where(is_open, value, rows[name])
    detail = f"{len(targets)} hosts, ports 20 to {19 + ports}"
    return _incident(Story.PORT_SCAN, rows, (start_s, end_s), None, detail)


def _brute_force(network: Network, settings: SampleSettings, rng: Rng) -> Incident:
    """One outside address tries SSH passwords at the bastion for hours; the last try holds."""
    start_s = settings.start_s + (settings.days - 1) * DAY_S + 4 * HOUR_S
    end_s = start_s + 3 * HOUR_S
    tries = _bounded(settings.records * BRUTE_SHARE, BRUTE_TRIES_MIN, BRUTE_TRIES_MAX)
    rows = make_connections(tries)
    rows["client"] = mapped(np.full(tries, OUTSIDE.hostile_first + 77))
    set_server(rows, network, np.full(tries, network.having(Role.BASTION)[0]))
    rows["sport"], rows["dport"] = ephemeral_ports(rng, tries), 22
    rows["t0"] = np.sort(rng.uniform(start_s, end_s, tries))
    rows["t1"] = rows["t0"] + rng.uniform(0.8, 4.5, tries)
    rows["fwd_packets"] = rng.integers(11, 18, tries)
    rows["rev_packets"] = rng.integers(10, 17, tries)
    rows["fwd_bytes"] = 1_500 + rows["fwd_packets"] * 52 + rng.integers(0, 160, tries)
    rows["rev_bytes"] = 1_900 + rows["rev_packets"] * 52 + rng.integers(0, 160, tries)
    rows[-1:]["t1"] = rows[-1:]["t0"] + 240
    rows[-1:]["fwd_packets"], rows[-1:]["fwd_bytes"] = 420, 31_000
    rows[-1:]["rev_packets"], rows[-1:]["rev_bytes"] = 510, 96_000
    return _incident(
        Story.BRUTE_FORCE, rows, (start_s, end_s), 22, f"{tries} connections, the last one holds"
    )


def _beacon(network: Network, settings: SampleSettings, rng: Rng) -> Incident:
    """An application host calls one outside address again and again, always about as much."""
    whole_s = settings.end_s - settings.start_s
    calls_max = max(1.0, settings.records * BEACON_SHARE / 6)
    period_s = next(
        (period for period in BEACON_PERIODS_S if whole_s / period <= calls_max),
        BEACON_PERIODS_S[-1],
    )
    at = np.arange(settings.start_s + period_s / 2, settings.end_s - 30, period_s)
    rows = make_connections(len(at))
    rows["t0"] = at + rng.uniform(-0.02, 0.02, len(at)) * period_s
    rows["t1"] = rows["t0"] + rng.uniform(0.4, 0.9, len(at))
    _through_nat(rows, network, network.having(Role.APP)[1], OUTSIDE.hostile_first + 199)
    rows["sport"], rows["dport"] = ephemeral_ports(rng, len(at)), 443
    rows["fwd_packets"], rows["rev_packets"] = 9, 8
    rows["fwd_bytes"] = 1_204 + rng.integers(0, 6, len(at))
    rows["rev_bytes"] = 4_410 + rng.integers(0, 6, len(at))
    span = (settings.start_s, settings.end_s)
    return _incident(Story.BEACON, rows, span, 443, f"every {period_s} s, {len(at)} calls")


def _exfiltration(network: Network, settings: SampleSettings, rng: Rng) -> Incident:
    """In the last night one worker sends far more outside than ever before."""
    budget = settings.records * EXFILTRATION_SHARE / 6 * settings.interval_s
    length_s = _bounded(budget / 3, 600, 2 * HOUR_S)
    start_s = settings.start_s + (settings.days - 1) * DAY_S + HOUR_S + 1_800
    count = 3
    rows = make_connections(count)
    rows["t0"] = start_s + np.arange(count) * 20
    rows["t1"] = start_s + length_s - np.arange(count) * 15
    _through_nat(rows, network, network.having(Role.WORKER)[1], OUTSIDE.hostile_first + 66)
    rows["sport"], rows["dport"] = ephemeral_ports(rng, count), 443
    volume = max(EXFILTRATION_BYTES_MIN, settings.records * EXFILTRATION_BYTES_A_RECORD) // count
    _bulk(rows, volume)
    return _incident(
        Story.EXFILTRATION, rows, (start_s, start_s + length_s), 443, f"{count} long connections"
    )


def _top_talker(network: Network, settings: SampleSettings, rng: Rng) -> Incident:
    """The primary database feeds its replica: more bytes than anything else."""
    budget_s = int(settings.records * TOP_TALKER_SHARE / 4 * settings.interval_s)
    length_s = _bounded(budget_s, 1_200, settings.end_s - settings.start_s - 120)
    databases = network.having(Role.DATABASE)
    rows = make_connections(1)
    rows["t0"] = settings.start_s + 60
    rows["t1"] = rows["t0"] + length_s
    set_client(rows, network, databases[:1])
    set_server(rows, network, databases[1:2])
    rows["sport"], rows["dport"] = ephemeral_ports(rng, 1), 5433
    _bulk(rows, max(TOP_TALKER_BYTES_MIN, settings.records * TOP_TALKER_BYTES_A_RECORD))
    start_s = settings.start_s + 60
    return _incident(
        Story.TOP_TALKER, rows, (start_s, start_s + length_s), 5433, "database replication"
    )


def _bulk(rows: Rows, volume: int) -> None:
    rows["fwd_bytes"], rows["fwd_packets"] = volume, volume // 1_450
    rows["rev_packets"] = volume // 2_900
    rows["rev_bytes"] = rows["rev_packets"] * 54


def _through_nat(rows: Rows, network: Network, host: int, outside: int) -> None:
    set_client(rows, network, np.full(len(rows), host))
    rows["server"] = mapped(np.full(len(rows), outside))
    rows["nat_if"] = network.having(Role.NAT_GATEWAY)[0]


def _incident(
    story: Story, rows: Rows, span: tuple[int, int], port: int | None, detail: str
) -> Incident:
    rows["story"] = story
    servers = np.unique(rows["server"][:, 1])
    return Incident(
        story=story,
        connections=rows,
        source=int(rows["client"][0, 1]),
        target=int(servers[0]) if len(servers) == 1 else None,
        port=port,
        start_s=span[0],
        end_s=span[1],
        detail=detail,
    )


def _bounded(value: float, least: int, most: int) -> int:
    return int(max(least, min(most, value)))
