"""Aim: what a firewall logged reaches the interface, direction and packet that it is about."""

from __future__ import annotations

import gzip
import struct
from collections import Counter
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packet_builder import (
    ACK,
    ICMP,
    SYN,
    TCP,
    UDP,
    echo,
    ipv4,
    ipv6,
    packet_batch,
    tcp,
    timestamp_option,
    udp,
)

from vpcflow.capture.device_map import DeviceMap
from vpcflow.capture.nflog_kernels import (
    DEVICE_IN,
    DEVICE_OUT,
    FAMILY,
    FIELD_COUNT,
    GROUP,
    HOOK,
    PORT_IN,
    PREFIX,
)
from vpcflow.capture.observation_point import ObservationPoint
from vpcflow.capture.packet_batch import LinkType, PacketBatch
from vpcflow.capture.packet_sources.nflog import NflogBatch, PrefixTable, parse_nflog_file_batch
from vpcflow.capture.parse_kernels import FragmentCache, new_parsed_matrix, parse_packets
from vpcflow.capture.parsed_columns import (
    COUNT_WORD,
    DIRECTION_SHIFT,
    FLOW_WORD,
    IP_BYTES,
    RULE_SHIFT,
    SLOT_SHIFT,
    STATUS,
    VERDICT_ACCEPT,
    VERDICT_REJECT,
    VERDICT_SHIFT,
    VERDICT_UNKNOWN,
)
from vpcflow.capture.settings import CaptureSettings
from vpcflow.capture.verdict import RULES_MAX, Attributed, Attribution, RuleNumbers, VerdictSet
from vpcflow.capture.verdict_feed import VERDICT_AGE_NS, VerdictFeed
from vpcflow.inventory.network_interface import AttachmentSide, NetworkInterface

LAB_CAPTURE = Path(__file__).resolve().parents[4] / "shared/data/real/lab-capture"
PREROUTING, INPUT, FORWARD, OUTPUT, POSTROUTING = range(5)
REJECTS, ACCEPTS, SILENT = 5, 6, 7
INGRESS, EGRESS = 0, 1
OWN, PORT_A, PORT_B = 0, 1, 2  # slots
LO, ETH0, PORT_A_DEVICE, PORT_B_DEVICE, BRIDGE = 1, 2, 3, 4, 5
ENI = {OWN: "eni-own", PORT_A: "eni-a", PORT_B: "eni-b"}
SIDE = {
    OWN: AttachmentSide.INTERFACE,
    PORT_A: AttachmentSide.PORT,
    PORT_B: AttachmentSide.PORT,
}
ADDRESSES = {
    OWN: ("192.0.2.1", "2001:db8::1"),
    PORT_A: ("10.0.0.10", "2001:db8:a::10"),
    PORT_B: ("10.0.0.20",),
}
OUTSIDE = "198.51.100.9"


def point(slot: int, interface_id: str, side: AttachmentSide, *addresses: str) -> ObservationPoint:
    parsed = [ip_address(address) for address in addresses]
    interface = NetworkInterface(
        interface_id,
        "subnet-1",
        "vpc-1",
        "123456789012",
        tuple(a for a in parsed if a.version == 4),
        tuple(a for a in parsed if a.version == 6),
    )
    return ObservationPoint(slot, interface, side)


@dataclass
class Firewall:
    """A namespace with one own device and two ports, and what its firewall logs."""

    prefixes: PrefixTable = field(default_factory=PrefixTable)
    rules: RuleNumbers = field(default_factory=RuleNumbers)
    devices: DeviceMap = field(default_factory=DeviceMap)
    default_verdict: np.ndarray = field(default_factory=lambda: np.zeros(65_536, np.uint8))

    def __post_init__(self) -> None:
        self.devices.put(ETH0, OWN, SIDE[OWN])
        self.devices.put(PORT_A_DEVICE, PORT_A, SIDE[PORT_A])
        self.devices.put(PORT_B_DEVICE, PORT_B, SIDE[PORT_B])
        self.devices.ignore(BRIDGE)
        self.attribution = Attribution(
            "",
            self.devices,
            self.prefixes,
            self.rules,
            reject_groups=[REJECTS],
            accept_groups=[ACCEPTS],
        )
        self.attribution.update(
            point(slot, ENI[slot], SIDE[slot], *ADDRESSES[slot]) for slot in ENI
        )

    def log(self, packets: list[bytes], **rows: int | str) -> tuple[np.ndarray, Attributed]:
        """The parsed matrix and what was attributed of packets logged with the same words."""
        fields = np.zeros((FIELD_COUNT, len(packets)), np.int64)
        fields[GROUP] = rows.get("group", REJECTS)
        fields[FAMILY] = rows.get("family", 2)
        fields[HOOK] = rows.get("hook", FORWARD)
        fields[DEVICE_IN] = rows.get("device_in", 0)
        fields[DEVICE_OUT] = rows.get("device_out", 0)
        fields[PORT_IN] = rows.get("port_in", 0)
        prefix = str(rows.get("prefix", ""))
        if prefix not in self.prefixes.texts:
            self.prefixes.texts.append(prefix)
        fields[PREFIX] = self.prefixes.texts.index(prefix)
        batch = NflogBatch(packet_batch(packets, LinkType.RAW), fields)
        parsed = parse(batch.packets)
        return parsed, self.attribution.attribute(batch, parsed, self.default_verdict)

    def place(self, packet: bytes, **rows: int | str) -> tuple[str, int, int, int, str] | None:
        """How ("seen" or "direct"), slot, direction, verdict and rule of one logged packet."""
        parsed, found = self.log([packet], **rows)
        how = "seen" if len(found.seen) else "direct"
        matrix = parsed if len(found.seen) else found.direct
        if not matrix.shape[1] or len(found.seen) + found.direct.shape[1] == 0:
            return None
        slot, direction, verdict, rule = words(matrix, 0)
        return how, slot, direction, verdict, self.rules.rule_text(rule)


def parse(batch: PacketBatch) -> np.ndarray:
    parsed = new_parsed_matrix(max(len(batch), 1))
    parse_packets(batch, FragmentCache(), parsed)
    return parsed[:, : len(batch)].copy()


def words(matrix: np.ndarray, i: int) -> tuple[int, int, int, int]:
    flow = int(matrix[FLOW_WORD, i])
    return (
        flow >> SLOT_SHIFT,
        flow >> DIRECTION_SHIFT & 1,
        flow >> VERDICT_SHIFT & 3,
        int(matrix[COUNT_WORD, i]) >> RULE_SHIFT,
    )


def packet(source: str, destination: str, **options: int) -> bytes:
    return ipv4(tcp(1000, 80, SYN), source, destination, TCP, **options)


A, B = ADDRESSES[PORT_A][0], ADDRESSES[PORT_B][0]
SELF = ADDRESSES[OWN][0]


def test_our_prefix_says_everything() -> None:
    firewall = Firewall()
    place = firewall.place(
        packet(OUTSIDE, "10.9.9.9"), group=SILENT, prefix="vpcflow:R:eni-own:i:sg-1 default"
    )
    assert place == ("seen", OWN, INGRESS, VERDICT_REJECT, "sg-1 default")
    place = firewall.place(packet(A, B), group=SILENT, prefix="vpcflow:R:eni-b:i:acl-1/*")
    assert place == ("direct", PORT_B, INGRESS, VERDICT_REJECT, "acl-1/*")
    place = firewall.place(packet(A, B), group=SILENT, prefix="vpcflow:R:eni-a:e:acl-1/100")
    assert place == ("seen", PORT_A, EGRESS, VERDICT_REJECT, "acl-1/100")
    place = firewall.place(packet(SELF, B), group=SILENT, prefix="vpcflow:R:eni-own:e:x")
    assert place == ("direct", OWN, EGRESS, VERDICT_REJECT, "x")
    place = firewall.place(packet(A, B), group=SILENT, prefix="vpcflow:A:eni-b:i:sgr-1")
    assert place == ("seen", PORT_B, INGRESS, VERDICT_ACCEPT, "")
    assert firewall.place(packet(A, B), prefix="vpcflow:R:eni-other:i:x") is None
    assert firewall.attribution.counts.unattributed == 1


@pytest.mark.parametrize(
    ("source", "destination", "rows", "expected"),
    [
        # The target's interface, else the sender's.
        (OUTSIDE, A, {"device_in": ETH0, "device_out": PORT_A_DEVICE}, ("direct", PORT_A, 0)),
        (A, OUTSIDE, {"device_in": PORT_A_DEVICE, "device_out": ETH0}, ("seen", PORT_A, 1)),
        (A, B, {"device_in": PORT_A_DEVICE, "device_out": PORT_B_DEVICE}, ("direct", PORT_B, 0)),
        (A, B, {}, ("direct", PORT_B, 0)),
        # At an own device the packet crosses the device, whatever its addresses say.
        (OUTSIDE, SELF, {"hook": INPUT, "device_in": ETH0}, ("seen", OWN, 0)),
        (SELF, OUTSIDE, {"hook": OUTPUT, "device_out": ETH0}, ("direct", OWN, 1)),
        (SELF, OUTSIDE, {"hook": PREROUTING, "device_in": ETH0}, ("seen", OWN, 0)),
        (SELF, SELF, {"hook": OUTPUT, "device_out": LO}, None),
        # Addresses of nobody: the device.
        (OUTSIDE, "10.9.9.9", {"device_in": ETH0}, ("seen", OWN, 0)),
        ("10.7.7.7", "10.9.9.9", {"device_in": PORT_A_DEVICE}, ("seen", PORT_A, 1)),
        (
            "10.7.7.7",
            "224.0.0.5",
            {"hook": POSTROUTING, "device_in": ETH0, "device_out": PORT_B_DEVICE},
            ("direct", PORT_B, 0),
        ),
        ("10.7.7.7", "10.9.9.9", {"device_in": BRIDGE}, None),
        ("10.7.7.7", "10.9.9.9", {"device_in": BRIDGE, "port_in": PORT_B_DEVICE}, ("seen", 2, 1)),
        ("10.7.7.7", "10.9.9.9", {"family": 5, "hook": 1, "device_out": ETH0}, ("direct", OWN, 1)),
        ("10.7.7.7", "10.9.9.9", {"family": 5, "hook": 0, "device_in": ETH0}, ("seen", OWN, 0)),
        ("10.7.7.7", "10.9.9.9", {"device_in": 99}, None),
    ],
)
def test_a_foreign_ruleset_by_addresses_then_device(
    source: str,
    destination: str,
    rows: dict[str, int],
    expected: tuple[str, int, int] | None,
) -> None:
    firewall = Firewall()
    place = firewall.place(packet(source, destination), prefix=" dropped ", **rows)
    if expected is None:
        assert place is None
        assert firewall.attribution.counts.unattributed == 1
    else:
        assert place == (*expected, VERDICT_REJECT, "dropped")
        assert firewall.attribution.counts.rejected == 1


def test_ipv6_addresses_and_discovery() -> None:
    firewall = Firewall()
    place = firewall.place(
        ipv6(tcp(1, 2), "2001:db8:ffff::1", ADDRESSES[PORT_A][1], TCP), family=10
    )
    assert place == ("direct", PORT_A, INGRESS, VERDICT_REJECT, "")
    solicitation = ipv6(struct.pack("!BBHI16s", 135, 0, 0, 0, b""), "fe80::1", "ff02::1", 58)
    assert firewall.place(solicitation, device_in=ETH0) is None
    assert firewall.place(b"\0\1\0\0" + b"\0" * 60, device_in=ETH0) is None
    assert firewall.attribution.counts.no_flow == 2


def test_groups_say_the_verdict_and_needless_acceptances_are_left_out() -> None:
    firewall = Firewall()
    assert firewall.place(packet(OUTSIDE, A), group=SILENT) is None
    assert firewall.attribution.counts.without_verdict == 1
    place = firewall.place(packet(OUTSIDE, A), group=ACCEPTS, prefix="web")
    assert place == ("seen", PORT_A, INGRESS, VERDICT_ACCEPT, "")
    firewall.default_verdict[PORT_A] = VERDICT_ACCEPT
    assert firewall.place(packet(OUTSIDE, A), group=ACCEPTS, prefix="web") is None
    assert firewall.attribution.counts.accepted == 2


def test_points_change() -> None:
    firewall = Firewall()
    prefix = "vpcflow:R:eni-new:i:x"
    assert firewall.place(packet(OUTSIDE, "10.0.0.30"), prefix=prefix) is None
    firewall.attribution.update([point(9, "eni-new", AttachmentSide.PORT, "10.0.0.30")])
    assert firewall.place(packet(OUTSIDE, "10.0.0.30"), prefix=prefix) == ("direct", 9, 0, 2, "x")
    assert firewall.place(packet(OUTSIDE, "10.0.0.30")) == ("direct", 9, 0, 2, "")
    assert firewall.place(packet(OUTSIDE, A)) is None


def test_rule_numbers_are_bounded() -> None:
    rules = RuleNumbers()
    assert rules.number("") == 0
    numbers = [rules.number(f"rule {n}") for n in range(RULES_MAX + 3)]
    assert numbers[:2] == [1, 2]
    assert numbers[RULES_MAX - 1] == RULES_MAX
    assert numbers[RULES_MAX:] == [0, 0, 0]
    assert rules.refused == 3
    assert rules.number("rule 7") == 8
    assert rules.rule_text(8) == "rule 7"


def ring(packets: list[bytes], slot: int, direction: int) -> np.ndarray:
    """Packets of the ring with their place."""
    parsed = parse(packet_batch(packets, LinkType.RAW))
    parsed[FLOW_WORD] |= np.uint64(slot << SLOT_SHIFT | direction << DIRECTION_SHIFT)
    return parsed


def waiting(
    packets: list[bytes], slot: int, direction: int, verdict: int = VERDICT_REJECT, rule: int = 7
) -> np.ndarray:
    """Logged packets as ``Attribution`` leaves them."""
    parsed = ring([part[:128] for part in packets], slot, direction)
    parsed[FLOW_WORD] |= np.uint64(verdict << VERDICT_SHIFT)
    parsed[COUNT_WORD] |= np.uint64(rule << RULE_SHIFT)
    return parsed


def every(matrix: np.ndarray) -> np.ndarray:
    return np.arange(matrix.shape[1], dtype=np.int64)


def applied(verdicts: VerdictSet, parsed: np.ndarray) -> list[tuple[int, int]]:
    verdicts.apply(parsed, 0, parsed.shape[1])
    return [words(parsed, i)[2:] for i in range(parsed.shape[1])]


def test_only_the_refused_packet_is_rejected_and_once() -> None:
    verdicts = VerdictSet(64)
    verdicts.default_verdict[3] = VERDICT_ACCEPT
    options = timestamp_option(1, 2)
    packets = [
        ipv4(tcp(1000, 80, SYN, b"x" * 500, sequence=n, options=options), OUTSIDE, A, TCP)
        for n in range(4)
    ]
    logged = waiting([packets[1], packets[2]], 3, INGRESS)
    assert verdicts.add(logged, every(logged), 0).shape[1] == 0
    elsewhere = ring(packets, 4, INGRESS)
    assert applied(verdicts, elsewhere) == [(VERDICT_UNKNOWN, 0)] * 4
    assert applied(verdicts, ring(packets, 3, EGRESS)) == [(VERDICT_ACCEPT, 0)] * 4
    reject, accept = (VERDICT_REJECT, 7), (VERDICT_ACCEPT, 0)
    assert applied(verdicts, ring(packets, 3, INGRESS)) == [accept, reject, reject, accept]
    assert applied(verdicts, ring(packets, 3, INGRESS)) == [accept] * 4
    assert (len(verdicts), verdicts.matched) == (0, 2)


def test_equal_packets_are_rejected_as_often_as_they_were_refused() -> None:
    verdicts = VerdictSet(64)
    same = [ipv4(udp(5, 6, b"abc"), OUTSIDE, A, UDP)] * 5
    logged = waiting(same[:3], 1, INGRESS)
    verdicts.add(logged, every(logged), 0)
    found = [verdict for verdict, _ in applied(verdicts, ring(same, 1, INGRESS))]
    assert sorted(found) == [VERDICT_UNKNOWN] * 2 + [VERDICT_REJECT] * 3


def test_a_refusal_overrules_an_acceptance_of_the_same_packet() -> None:
    verdicts = VerdictSet(64)
    one = [packet(OUTSIDE, A, identification=9)]
    for verdict in (VERDICT_ACCEPT, VERDICT_REJECT):
        logged = waiting(one, 1, INGRESS, verdict, rule=verdict)
        verdicts.add(logged, every(logged), 0)
    assert len(verdicts) == 1
    assert applied(verdicts, ring(one, 1, INGRESS)) == [(VERDICT_REJECT, VERDICT_REJECT)]
    assert len(verdicts) == 0


def test_fragments_of_a_packet_that_the_firewall_joined() -> None:
    verdicts = VerdictSet(64)
    ping = echo(b"p" * 3000)
    whole = ipv4(ping, OUTSIDE, A, ICMP, identification=77)
    parts = [
        ipv4(
            ping[at : at + 1480],
            OUTSIDE,
            A,
            ICMP,
            identification=77,
            fragment_offset=at,
            more_fragments=at + 1480 < len(ping),
        )
        for at in range(0, len(ping), 1480)
    ]
    other = ipv4(parts[0][20:], OUTSIDE, A, ICMP, identification=78, more_fragments=True)
    logged = waiting([whole], 1, INGRESS)
    verdicts.add(logged, every(logged), 0)
    reject = (VERDICT_REJECT, 7)
    assert applied(verdicts, ring([*parts, other], 1, INGRESS)) == [reject] * 3 + [(0, 0)]
    assert verdicts.expire(10, 5).shape[1] == 0, "its fragments were met"
    assert (len(verdicts), verdicts.late) == (0, 0)


def test_a_packet_whose_destination_was_translated_first() -> None:
    verdicts = VerdictSet(64)
    before = packet(OUTSIDE, SELF, identification=5)
    after = ipv4(tcp(1000, 8080, SYN), OUTSIDE, A, TCP, identification=5)
    logged = waiting([after], 0, INGRESS)
    verdicts.add(logged, every(logged), 0)
    unlike = [
        packet(OUTSIDE, SELF, identification=6),
        ipv4(tcp(1001, 80, SYN), OUTSIDE, SELF, TCP, identification=5),
        ipv4(tcp(1000, 80, ACK), OUTSIDE, SELF, TCP, identification=5),
    ]
    found = applied(verdicts, ring([*unlike, before], 0, INGRESS))
    assert found == [(0, 0)] * 3 + [(VERDICT_REJECT, 7)]


def test_what_is_never_met_comes_back_as_it_was() -> None:
    verdicts = VerdictSet(64)
    first = waiting([packet(OUTSIDE, A, identification=n) for n in (1, 2)], 1, INGRESS)
    second = waiting([packet(OUTSIDE, A, identification=3)], 1, INGRESS)
    accepted = waiting([packet(OUTSIDE, A, identification=4)], 1, INGRESS, VERDICT_ACCEPT)
    verdicts.add(first, every(first), 100)
    verdicts.add(accepted, every(accepted), 100)
    verdicts.add(second, every(second), 150)
    assert verdicts.expire(149, 50).shape[1] == 0
    late = verdicts.expire(150, 50)
    assert np.array_equal(late, first)
    assert (len(verdicts), verdicts.late) == (1, 2)
    assert np.array_equal(verdicts.expire(140, 50), second), "the clock was set back"


def test_the_set_is_bounded_and_gives_back_what_it_cannot_hold() -> None:
    verdicts = VerdictSet(4)
    logged = waiting([packet(OUTSIDE, A, identification=n) for n in range(1, 7)], 1, INGRESS)
    back = verdicts.add(logged, every(logged), 0)
    assert np.array_equal(back, logged[:, 4:])
    assert back.flags.c_contiguous
    assert (len(verdicts), verdicts.no_room) == (4, 2)
    accepted = waiting([packet(OUTSIDE, B, identification=9)], 1, INGRESS, VERDICT_ACCEPT)
    assert verdicts.add(accepted, every(accepted), 0).shape[1] == 0
    verdicts.expire(10, 1)
    assert verdicts.add(logged[:, :4].copy(), every(logged[:, :4]), 20).shape[1] == 0


def test_a_feed_tells_what_it_had_no_room_for_and_whose_refusals_were_late() -> None:
    prefixes = PrefixTable()
    feed = VerdictFeed("", DeviceMap(), VerdictSet(4), RuleNumbers(), prefixes, CaptureSettings())
    feed.update([point(9, ENI[PORT_A], SIDE[PORT_A], A), point(5, ENI[OWN], SIDE[OWN], SELF)])
    prefixes.texts.append("vpcflow:R:eni-own:i:sg-1 default")
    fields = np.zeros((FIELD_COUNT, 6), np.int64)
    fields[PREFIX] = 1
    packets = [packet(OUTSIDE, SELF, identification=n) for n in range(1, 7)]
    feed.take(NflogBatch(packet_batch(packets, LinkType.RAW), fields), 0)
    # They count as refused, and their twins of the ring will count as accepted.
    assert feed.dropped == 2
    assert feed.expire(VERDICT_AGE_NS - 1) == []
    assert feed.expire(VERDICT_AGE_NS) == [5]


CHOICES = st.lists(st.tuples(st.sampled_from("ara"), st.integers(0, 5)), max_size=40)


@settings(deadline=None)
@given(CHOICES, st.integers(0, 3))
def test_like_a_multiset(steps: list[tuple[str, int]], default: int) -> None:
    """Reference: a counter of packets; the kernels add, meet and expire in the same order."""
    verdicts = VerdictSet(8)
    default = default % 3
    verdicts.default_verdict[1] = default
    model: list[int] = []
    for step, (kind, number) in enumerate(steps):
        one = [ipv6(udp(1, 2 + number), "2001:db8::9", "2001:db8:a::10", UDP)]
        if kind == "a":
            logged = waiting(one, 1, INGRESS)
            back = verdicts.add(logged, every(logged), step)
            assert back.shape[1] == (len(model) == 8)
            if len(model) < 8:
                model.append(number)
        else:
            expected = (VERDICT_REJECT, 7) if number in model else (default, 0)
            assert applied(verdicts, ring(one, 1, INGRESS)) == [expected]
            if number in model:
                model.remove(number)
        assert len(verdicts) == len(model)
    assert verdicts.expire(1_000, 1).shape[1] == len(model)


def test_what_is_not_metered_is_left_alone() -> None:
    verdicts = VerdictSet(8)
    verdicts.default_verdict[:] = VERDICT_ACCEPT
    parsed = ring([packet(OUTSIDE, A), b"\0" * 64], 1, INGRESS)
    before = parsed[FLOW_WORD, 1]
    verdicts.apply(parsed, 0, 2)
    assert parsed[STATUS, 1] != 0
    assert parsed[FLOW_WORD, 1] == before


@pytest.mark.skipif(not LAB_CAPTURE.is_dir(), reason="the real capture is not beside the checkout")
def test_the_real_drops_land_at_their_interfaces() -> None:
    data = gzip.decompress((LAB_CAPTURE / "nflog.pcap.gz").read_bytes())
    at, records = 24, []
    while at < len(data):
        seconds, micros, size, _ = struct.unpack_from("<IIII", data, at)
        records.append((at + 16, size, seconds * 1_000_000_000 + micros * 1_000))
        at += 16 + size
    offset, sizes, times = (np.array(column) for column in zip(*records, strict=True))
    n = len(records)
    zeros = np.zeros(n, np.int32)
    source = PacketBatch(
        LinkType.NFLOG,
        np.frombuffer(data + b"\0" * 64, np.uint8),
        offset,
        sizes.astype(np.int32),
        sizes.astype(np.int32),
        times,
        zeros,
        np.full(n, 2, np.int8),
        zeros,
    )
    prefixes, rules = PrefixTable(), RuleNumbers()
    attribution = Attribution("", DeviceMap(), prefixes, rules, reject_groups=[0, 1, 2, 3, 4, 5])
    names = {"web": 1, "bastion": 2, "app": 3, "db": 4}
    addresses = {
        "web": ("10.0.1.10", "10.0.1.11", "2001:db8:1::10"),
        "bastion": ("10.0.1.20",),
        "app": ("10.0.2.10",),
        "db": ("10.0.3.10",),
    }
    attribution.update(
        point(slot, f"eni-{name}", AttachmentSide.PORT, *addresses[name])
        for name, slot in names.items()
    )
    batch = parse_nflog_file_batch(source, prefixes)
    parsed = parse(batch.packets)
    found = attribution.attribute(batch, parsed, np.zeros(65_536, np.uint8))
    packets: Counter[tuple[int, int]] = Counter()
    octets: Counter[tuple[int, int]] = Counter()
    for matrix in (parsed[:, found.seen], found.direct):
        for i in range(matrix.shape[1]):
            slot, direction, verdict, rule = words(matrix, i)
            assert verdict == VERDICT_REJECT
            assert rules.rule_text(rule) in prefixes.texts[1:]
            packets[slot, direction] += 1
            octets[slot, direction] += int(matrix[IP_BYTES, i])
    assert packets == {
        (1, INGRESS): 2254,
        (1, EGRESS): 4,
        (2, INGRESS): 6,
        (3, INGRESS): 4,
        (4, INGRESS): 10,
        (4, EGRESS): 1085,
    }
    assert octets[1, INGRESS] == 112_172
    assert octets[4, EGRESS] == 1_530_228
    counts = attribution.counts
    assert counts.rejected + counts.unattributed + counts.no_flow == 3780
    assert counts.unattributed + counts.no_flow == 417
