"""Aim: NFLOG messages become packets with all that the firewall said, whatever is damaged."""

from __future__ import annotations

import csv
import gzip
import socket
import struct
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpcflow.base.errors import CaptureError
from vpcflow.capture.nflog_kernels import (
    COUNT_COUNT,
    COUNT_LOST,
    COUNT_MALFORMED,
    COUNT_PREFIXES_REFUSED,
    DEVICE_IN,
    DEVICE_OUT,
    FAMILY,
    FIELD_COUNT,
    GROUP,
    HOOK,
    LINK_PROTOCOL,
    MARK,
    PORT_IN,
    PORT_OUT,
    PREFIX,
    PREFIXES_MAX,
    SEQUENCE,
    parse_messages,
)
from vpcflow.capture.packet_batch import LinkType, PacketBatch
from vpcflow.capture.packet_sources.nflog import (
    NflogCounts,
    NflogSource,
    PrefixTable,
    parse_nflog_file_batch,
)

LAB_CAPTURE = Path(__file__).resolve().parents[4] / "shared/data/real/lab-capture"
NOW_NS = 1_700_000_000_123_456_789
BIG_32 = (MARK, DEVICE_IN, DEVICE_OUT, PORT_IN, PORT_OUT, SEQUENCE)
KIND_OF = {MARK: 2, DEVICE_IN: 4, DEVICE_OUT: 5, PORT_IN: 6, PORT_OUT: 7, SEQUENCE: 12}


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("<HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)


def nflog(
    payload: bytes | None = b"\x45\0\0\x1c" + b"\0" * 24,
    *,
    family: int = socket.AF_INET,
    group: int = 5,
    hook: int = 2,
    link_protocol: int = 0x0800,
    prefix: bytes | None = None,
    time: tuple[int, int] | None = None,
    **numbers: int,
) -> bytes:
    """The header and attributes of one message."""
    body = struct.pack("!BBH", family, 0, group)
    body += attribute(1, struct.pack("!HBx", link_protocol, hook))
    if prefix is not None:
        body += attribute(10, prefix + b"\0")
    for name, value in numbers.items():
        body += attribute(KIND_OF[globals()[name.upper()]], struct.pack("!I", value))
    if time is not None:
        body += attribute(3, struct.pack("!QQ", *time))
    body += attribute(8, b"\0\6\0\0" + b"\2" * 8)  # a hardware address, passed over
    if payload is not None:
        body += attribute(9, payload)
    return body


def message(body: bytes, kind: int = 0x0400) -> bytes:
    return struct.pack("<IHHII", 16 + len(body), kind, 2, 0, 0) + body


def parse(
    datagrams: list[bytes], groups: tuple[int, ...] = (5,), packets_max: int = 64
) -> tuple[int, dict[str, np.ndarray], np.ndarray, PrefixTable, list[int]]:
    data = np.frombuffer(b"".join(datagrams) + b"\xa5" * 64, np.uint8)
    sizes = np.cumsum([0] + [len(part) for part in datagrams])
    arrays = {
        "offset": np.zeros(packets_max, np.int64),
        "captured": np.zeros(packets_max, np.int32),
        "wire": np.zeros(packets_max, np.int32),
        "time": np.zeros(packets_max, np.int64),
        "device": np.zeros(packets_max, np.int32),
    }
    fields = np.zeros((FIELD_COUNT, packets_max), np.int64)
    counts = np.zeros(COUNT_COUNT, np.int64)
    prefixes = PrefixTable()
    expected = np.zeros(len(groups), np.int64)
    n = parse_messages(
        data,
        sizes[:-1].astype(np.int64),
        sizes[1:].astype(np.int64),
        NOW_NS,
        np.array(groups, np.int64),
        expected,
        *arrays.values(),
        fields,
        prefixes.hashes,
        prefixes.numbers,
        prefixes.places,
        counts,
    )
    prefixes.learn(data)
    return n, arrays, fields, prefixes, counts.tolist()


def test_one_message_gives_all_that_was_said() -> None:
    payload = b"\x45\0\x05\xdc" + b"\1" * 124
    body = nflog(
        payload,
        group=300,
        hook=3,
        prefix=b"ssh-in",
        time=(1_700_000_001, 42),
        mark=7,
        device_out=9,
        port_in=11,
        port_out=12,
        sequence=0,
    )
    n, arrays, fields, prefixes, counts = parse([message(body)], groups=(300,))
    assert n == 1
    assert counts[COUNT_MALFORMED] == counts[COUNT_LOST] == 0
    assert arrays["captured"][0] == 128
    assert arrays["wire"][0] == 1500, "the length that the packet had, not that of the copy"
    assert arrays["time"][0] == 1_700_000_001_000_042_000
    assert arrays["device"][0] == 9, "without a device in, the device out"
    row = fields[:, 0].tolist()
    assert (row[GROUP], row[FAMILY], row[HOOK], row[LINK_PROTOCOL]) == (300, 2, 3, 0x0800)
    assert (row[DEVICE_IN], row[DEVICE_OUT], row[PORT_IN], row[PORT_OUT]) == (0, 9, 11, 12)
    assert (row[MARK], row[SEQUENCE]) == (7, 0)
    assert prefixes.texts[row[PREFIX]] == "ssh-in"


def test_without_a_time_it_is_the_time_of_the_read_and_ipv6_has_its_length() -> None:
    payload = b"\x60\0\0\0" + struct.pack("!H", 1000) + b"\0" * 60
    n, arrays, fields, _, _ = parse([message(nflog(payload, family=10, device_in=3))])
    assert n == 1
    assert arrays["time"][0] == NOW_NS
    assert arrays["wire"][0] == 1040
    assert arrays["device"][0] == 3
    assert fields[SEQUENCE, 0] == -1
    assert fields[PREFIX, 0] == 0


def test_several_datagrams_with_other_messages_between() -> None:
    done = message(b"\0\0\0\0", kind=3)
    first = message(nflog(prefix=b"a")) + message(nflog(prefix=b"b")) + done
    second = message(nflog(prefix=b"a")) + done
    n, _, fields, prefixes, counts = parse([first, done, second])
    assert n == 3
    assert [prefixes.texts[p] for p in fields[PREFIX, :3]] == ["a", "b", "a"]
    assert prefixes.texts == ["", "a", "b"]
    assert counts[COUNT_MALFORMED] == 0


def test_gaps_are_counted_by_group_over_the_turn_of_the_counter() -> None:
    def numbered(group: int, *sequences: int) -> bytes:
        return b"".join(message(nflog(group=group, sequence=s)) for s in sequences)

    assert parse([numbered(5, 0, 1, 2)])[4][COUNT_LOST] == 0
    assert parse([numbered(5, 3, 4, 10)])[4][COUNT_LOST] == 3 + 5
    mixed = numbered(5, 0, 1) + numbered(6, 2) + numbered(5, 4)
    assert parse([mixed], groups=(5, 6))[4][COUNT_LOST] == 2 + 2
    assert parse([numbered(5, 0) + numbered(7, 90)])[4][COUNT_LOST] == 0, "not our group"
    before_turn = (1 << 31) - 1
    top = (1 << 32) - 1
    turned = numbered(5, before_turn, top - 1, top, 0, 2)
    assert parse([turned])[4][COUNT_LOST] == before_turn + (top - 2 - before_turn) + 1
    assert parse([numbered(5, 0, 1, 2, 0, 1)])[4][COUNT_LOST] == 0, "bound anew"


def test_damage_ends_its_own_message_only() -> None:
    good = message(nflog(prefix=b"good"))
    without_packet = message(nflog(None))
    long_attribute = bytearray(message(nflog()))
    long_attribute[20:22] = struct.pack("<H", 9_999)
    short_attribute = bytearray(message(nflog()))
    short_attribute[20:22] = struct.pack("<H", 3)
    cut = message(nflog())[:-8]
    no_header = message(b"")
    datagrams = [
        without_packet + bytes(long_attribute) + bytes(short_attribute) + no_header + good,
        cut,
        good,
    ]
    n, _, fields, prefixes, counts = parse(datagrams)
    assert n == 2
    assert counts[COUNT_MALFORMED] == 5
    assert {prefixes.texts[p] for p in fields[PREFIX, :2]} == {"good"}


@given(st.lists(st.binary(max_size=200), max_size=5), st.booleans(), st.data())
def test_any_bytes_are_survived(parts: list[bytes], wrap: bool, data: st.DataObject) -> None:
    if wrap:
        parts = [message(bytes(part)) for part in parts]
    whole = bytearray(message(nflog(prefix=b"p", device_in=1, sequence=0)))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] = data.draw(st.integers(0, 255))
    n, arrays, _, prefixes, _ = parse([*parts, bytes(whole)])
    size = sum(map(len, parts)) + len(whole)
    for i in range(n):
        assert 0 <= arrays["offset"][i] <= arrays["offset"][i] + arrays["captured"][i] <= size
    assert len(prefixes.texts) <= n + len(parts) + 2


def test_more_prefixes_than_there_is_room_for_are_counted() -> None:
    extra = 10
    datagrams = [
        message(nflog(prefix=b"rule %d" % number)) for number in range(PREFIXES_MAX + extra)
    ]
    n, _, fields, prefixes, counts = parse(datagrams, packets_max=PREFIXES_MAX + extra)
    assert n == PREFIXES_MAX + extra
    assert len(prefixes.texts) == PREFIXES_MAX + 1
    assert counts[COUNT_PREFIXES_REFUSED] == extra
    assert fields[PREFIX, -extra:].tolist() == [0] * extra
    assert prefixes.texts[fields[PREFIX, 4000]] == "rule 4000"


def test_what_the_arrays_cannot_hold_is_left() -> None:
    n, arrays, _, _, _ = parse([message(nflog()) * 5], packets_max=3)
    assert n == 3
    assert np.all(arrays["captured"] == 28)


def file_batch(data: bytes) -> PacketBatch:
    """The records of a pcap file in microseconds, little-endian."""
    at, offsets, sizes, wires, times = 24, [], [], [], []
    while at < len(data):
        seconds, micros, size, wire = struct.unpack_from("<IIII", data, at)
        offsets.append(at + 16)
        sizes.append(size)
        wires.append(wire)
        times.append(seconds * 1_000_000_000 + micros * 1_000)
        at += 16 + size
    n = len(offsets)
    return PacketBatch(
        LinkType.NFLOG,
        np.frombuffer(data + b"\0" * 64, np.uint8),
        np.array(offsets, np.int64),
        np.array(sizes, np.int32),
        np.array(wires, np.int32),
        np.array(times, np.int64),
        np.zeros(n, np.int32),
        np.full(n, 2, np.int8),
        np.zeros(n, np.int32),
    )


def test_records_of_a_file_are_read_alike() -> None:
    bodies = [nflog(prefix=b"a", device_in=2), b"\2\0\0\5\x09\0\1\0", nflog(prefix=b"b")]
    data = b"\0" * 24 + b"".join(
        struct.pack("<IIII", 1_700_000_000, 5, len(body), len(body)) + body for body in bodies
    )
    counts, prefixes = NflogCounts(), PrefixTable()
    batch = parse_nflog_file_batch(file_batch(data), prefixes, counts)
    assert len(batch) == 2
    assert (counts.packets, counts.malformed) == (2, 1)
    assert batch.packets.link_type is LinkType.RAW
    assert batch.packets.time_ns.tolist() == [1_700_000_000_000_005_000] * 2
    assert [prefixes.texts[p] for p in batch.fields[PREFIX]] == ["a", "b"]


def test_another_link_type_is_refused() -> None:
    batch = file_batch(b"\0" * 24)
    batch.link_type = LinkType.ETHERNET
    with pytest.raises(CaptureError, match="link type 1"):
        parse_nflog_file_batch(batch, PrefixTable())


def test_groups_are_bounded() -> None:
    for groups in ([], list(range(33))):
        with pytest.raises(CaptureError, match="1 to 32 groups"):
            NflogSource("", groups)


@pytest.mark.skipif(not LAB_CAPTURE.is_dir(), reason="the real capture is not beside the checkout")
def test_a_real_capture_comes_out_by_rule() -> None:
    data = gzip.decompress((LAB_CAPTURE / "nflog.pcap.gz").read_bytes())
    prefixes, counts = PrefixTable(), NflogCounts()
    batch = parse_nflog_file_batch(file_batch(data), prefixes, counts)
    assert (len(batch), counts.malformed) == (3780, 0)
    assert int(batch.packets.wire_bytes.sum()) == 1_662_024
    packets: Counter[str] = Counter()
    octets: Counter[str] = Counter()
    for prefix, wire in zip(batch.fields[PREFIX], batch.packets.wire_bytes, strict=True):
        packets[prefixes.texts[prefix]] += 1
        octets[prefixes.texts[prefix]] += int(wire)
    assert packets == {
        "db-egress": 1085,
        "other-egress": 4,
        "icmp-in": 9,
        "ssh-in": 153,
        "internet-in": 2520,
        "default": 9,
    }
    assert octets["db-egress"] == 1_530_228
    assert octets["internet-in"] == 114_888
    with (LAB_CAPTURE / "rejected.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    seconds = batch.packets.time_ns // 1_000_000_000
    assert seconds.min() == min(int(row["first"]) for row in rows)
    assert seconds.max() == max(int(row["last"]) for row in rows)
