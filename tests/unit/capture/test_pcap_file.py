"""Aim: a capture file is read as it was written, whatever its kind, and damage costs little.

Method: files written by a plain writer, at every boundary of the pieces that are read.
"""

from __future__ import annotations

import gzip
import os
import random
import struct
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard
from capture_writer import (
    MICROSECONDS,
    MODIFIED,
    NANOSECONDS,
    T0_NS,
    FilePacket,
    block,
    enhanced,
    interface,
    old_packet,
    option,
    packets_of,
    pcap,
    pcap_header,
    pcap_record,
    read_all,
    section,
    simple_packet,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from vpcflow.base.errors import CaptureError
from vpcflow.capture.packet_batch import BATCH_PACKETS_MAX, LinkType, PacketDirection
from vpcflow.capture.packet_sources.pcap_file import PcapFileSource
from vpcflow.capture.packet_sources.pcap_kernels import PACKET_BYTES_MAX

RECEIVED, SENT, UNKNOWN = PacketDirection.RECEIVED, PacketDirection.SENT, PacketDirection.UNKNOWN
ORDERS = pytest.mark.parametrize("order", ["<", ">"])

packets_strategy = st.lists(
    st.builds(
        FilePacket,
        data=st.binary(max_size=200),
        time_ns=st.integers(0, (1 << 32) - 1).map(lambda value: value * 1_000_000_000)
        | st.integers(0, (1 << 31) * 1_000_000).map(lambda value: value * 1000),
        wire_bytes=st.integers(0, 100_000),
        direction=st.sampled_from([RECEIVED, SENT]),
    ),
    max_size=12,
)


def some_packets(count: int, seed: int = 1) -> list[FilePacket]:
    chance = random.Random(seed)
    return [
        FilePacket(
            chance.randbytes(chance.randint(1, 120)),
            T0_NS + number * 1_000_000,
            wire_bytes=chance.randint(0, 1500),
        )
        for number in range(count)
    ]


def source_of(folder: Path, content: bytes, **options: int) -> PcapFileSource:
    path = folder / "file"
    path.write_bytes(content)
    return PcapFileSource(str(path), **options)


def without_direction(packets: list[FilePacket]) -> list[FilePacket]:
    return [replace(packet, direction=UNKNOWN) for packet in packets]


@settings(max_examples=60, deadline=None)
@given(
    packets=packets_strategy,
    order=st.sampled_from("<>"),
    magic=st.sampled_from([MICROSECONDS, NANOSECONDS, MODIFIED]),
    chunk_bytes=st.integers(1, 400),
)
def test_pcap_is_read_as_written(
    tmp_path_factory: pytest.TempPathFactory,
    packets: list[FilePacket],
    order: str,
    magic: int,
    chunk_bytes: int,
) -> None:
    folder = tmp_path_factory.getbasetemp()
    source = source_of(folder, pcap(packets, order=order, magic=magic), chunk_bytes=chunk_bytes)
    expected = packets if magic == MODIFIED else without_direction(packets)
    assert read_all(source) == expected
    assert (source.counts.malformed, source.warnings) == (0, [])


@settings(max_examples=60, deadline=None)
@given(
    packets=packets_strategy,
    order=st.sampled_from("<>"),
    kinds=st.lists(st.sampled_from("eos?"), min_size=12, max_size=12),
    chunk_bytes=st.integers(1, 400),
)
def test_pcapng_is_read_as_written(
    tmp_path_factory: pytest.TempPathFactory,
    packets: list[FilePacket],
    order: str,
    kinds: list[str],
    chunk_bytes: int,
) -> None:
    content = section(order=order) + interface(order=order)
    expected, last_ns = [], 0
    for packet, kind in zip(packets, kinds, strict=False):
        if kind == "s":
            whole = replace(packet, wire_bytes=len(packet.data))
            content += simple_packet(whole, order=order)
            expected.append(replace(whole, time_ns=last_ns, direction=UNKNOWN))
            continue
        if kind == "o":
            content += old_packet(packet, order=order)
            expected.append(replace(packet, direction=UNKNOWN))
        else:
            content += enhanced(packet, order=order, options=option(1, b"text", order=order))
            expected.append(packet)
        if kind == "?":
            content += block(0x40000BAD, packet.data, order=order)
        last_ns = packet.time_ns
    source = source_of(tmp_path_factory.getbasetemp(), content, chunk_bytes=chunk_bytes)
    assert read_all(source) == expected
    assert (source.counts.malformed, source.warnings) == (0, [])


@ORDERS
def test_every_boundary_of_a_piece_gives_the_same_packets(tmp_path: Path, order: str) -> None:
    packets = some_packets(6)
    files = {
        "pcap": pcap(packets, order=order),
        "pcapng": section(order=order)
        + interface(order=order)
        + b"".join(enhanced(packet, order=order) for packet in packets),
    }
    for content in files.values():
        for chunk_bytes in range(1, len(content) + 1):
            assert read_all(source_of(tmp_path, content, chunk_bytes=chunk_bytes)) == packets


def test_batches_are_bounded(tmp_path: Path) -> None:
    count = 2 * BATCH_PACKETS_MAX + 5
    packet = pcap_record(FilePacket(b"x"))
    source = source_of(tmp_path, pcap_header() + packet * count)
    sizes = [len(batch) for batch in source.batches()]
    assert sum(sizes) == source.counts.packets == count
    assert max(sizes) == BATCH_PACKETS_MAX


@pytest.mark.parametrize(
    ("resolution", "units", "expected_ns"),
    [
        (None, 1_500_000, 1_500_000_000),
        (0, 2, 2_000_000_000),
        (3, 1_234, 1_234_000_000),
        (6, 1_700_000_000_000_001, 1_700_000_000_000_001_000),
        (9, 1_700_000_000_000_000_001, 1_700_000_000_000_000_001),
        (12, 1_234_567_890_123_456, 1_234_567_890_123),
        (18, 17 * 10**17, 1_700_000_000),
        (0x80 | 10, 1024 + 512, 1_500_000_000),
        (0x80 | 20, 3 << 19, 1_500_000_000),
        (0x80 | 32, (5 << 32) | (1 << 31), 5_500_000_000),
        (0x80 | 60, 3 << 59, 1_500_000_000),
        (0x80, 7, 7_000_000_000),
    ],
)
@ORDERS
def test_units_of_time(
    tmp_path: Path, order: str, resolution: int | None, units: int, expected_ns: int
) -> None:
    content = (
        section(order=order)
        + interface(order=order, resolution=resolution)
        + interface(order=order, resolution=resolution, offset_s=1000)
        + enhanced(FilePacket(b"a"), order=order, units=units)
        + enhanced(FilePacket(b"b"), order=order, units=units, number=1)
    )
    found = read_all(source_of(tmp_path, content))
    assert [packet.time_ns for packet in found] == [expected_ns, expected_ns + 1000 * 10**9]


def test_times_that_cannot_be_are_counted(tmp_path: Path) -> None:
    content = (
        section()
        + interface(resolution=0)
        + interface(resolution=30)
        + interface(offset_s=-(1 << 62))
        + enhanced(FilePacket(b"a"), units=1 << 63)
        + enhanced(FilePacket(b"b"), number=1)
        + enhanced(FilePacket(b"c"), number=2)
        + enhanced(FilePacket(b"d"), units=5)
    )
    source = source_of(tmp_path, content)
    assert read_all(source) == [FilePacket(b"d", 5_000_000_000)]
    assert (source.counts.malformed, source.counts.unread) == (2, 1)
    assert "too fine" in source.warnings[0]


def test_sections_and_interfaces_are_numbered_through_the_file(tmp_path: Path) -> None:
    packets = [
        FilePacket(b"one", T0_NS, device=0),
        FilePacket(b"two", T0_NS, device=1, link_type=LinkType.RAW),
        FilePacket(b"three", T0_NS, device=1, link_type=LinkType.RAW),
        FilePacket(b"four", T0_NS, device=2),
        FilePacket(b"five", T0_NS, device=3, link_type=LinkType.NFLOG),
        FilePacket(b"six", T0_NS, device=2),
    ]
    content = (
        section()
        + interface()
        + enhanced(packets[0])
        + interface(101)
        + enhanced(packets[1], number=1)
        + enhanced(packets[2], number=1)
        + section(order=">")
        + interface(order=">")
        + interface(239, order=">")
        + enhanced(packets[3], order=">")
        + enhanced(packets[4], order=">", number=1)
        + enhanced(packets[5], order=">")
    )
    source = source_of(tmp_path, content)
    batches = [(batch.link_type, len(batch)) for batch in source.batches()]
    runs = [LinkType.ETHERNET, LinkType.RAW, LinkType.ETHERNET, LinkType.NFLOG, LinkType.ETHERNET]
    assert batches == list(zip(runs, [1, 2, 1, 1, 1], strict=True))
    assert read_all(source_of(tmp_path, content)) == packets


def test_a_link_type_that_is_not_read(tmp_path: Path) -> None:
    content = (
        section()
        + interface(105)
        + interface()
        + enhanced(FilePacket(b"radio"))
        + enhanced(FilePacket(b"wire"), number=1)
    )
    source = source_of(tmp_path, content)
    assert read_all(source) == [FilePacket(b"wire", device=1)]
    assert (source.counts.unread, source.counts.malformed) == (1, 0)
    assert "link type 105 (802.11)" in source.warnings[0]
    with pytest.raises(CaptureError, match=r"link type 105 \(802.11\), which is not read"):
        source_of(tmp_path, pcap([], link_number=105))


@pytest.mark.parametrize(
    ("number", "link"), [(12, LinkType.RAW), (229, LinkType.RAW), (276, LinkType.LINUX_SLL2)]
)
def test_link_numbers(tmp_path: Path, number: int, link: LinkType) -> None:
    # Bits above the link type say how many check bytes a frame ends with.
    source = source_of(tmp_path, pcap([FilePacket(bytes(20))], link_number=number | 0x2400_0000))
    assert [packet.link_type for packet in read_all(source)] == [link]


def test_cooked_headers_tell_the_direction(tmp_path: Path) -> None:
    kinds = [0, 1, 2, 3, 4, 5]
    expected = [RECEIVED] * 4 + [SENT, UNKNOWN]
    first = [FilePacket(struct.pack("!H", kind) + bytes(20)) for kind in kinds]
    second = [FilePacket(bytes(10) + bytes([kind]) + bytes(20)) for kind in kinds]
    for number, packets, cut in ((113, first, 1), (276, second, 10)):
        content = pcap([*packets, FilePacket(packets[0].data[:cut])], link_number=number)
        source = source_of(tmp_path, content)
        assert [packet.direction for packet in read_all(source)] == [*expected, UNKNOWN]


def test_losses_of_the_capturing_program(tmp_path: Path) -> None:
    lost = option(4, struct.pack("<Q", 3))
    statistics = struct.pack("<III", 0, 0, 0) + option(5, struct.pack("<Q", 5))
    later = struct.pack("<III", 0, 0, 0) + option(5, struct.pack("<Q", 6))
    later += option(7, struct.pack("<Q", 1))
    packets = section() + interface() + enhanced(FilePacket(b"a"), options=lost)
    packets += old_packet(FilePacket(b"b"), drops=1)
    source = source_of(tmp_path, packets)
    read_all(source)
    assert source.counts.dropped == 4
    source = source_of(tmp_path, packets + block(5, statistics) + block(5, later))
    read_all(source)
    assert source.counts.dropped == 7


@pytest.mark.parametrize("kind", ["gzip", "gzip twice", "gzip with zeros", "zstd", "zstd twice"])
def test_compressed_files(tmp_path: Path, kind: str) -> None:
    packets = some_packets(3000)
    content = pcap(packets)
    half = len(content) // 2
    pack = zstandard.compress if kind.startswith("zstd") else gzip.compress
    packed = pack(content)
    if kind.endswith("twice"):
        packed = pack(content[:half]) + pack(content[half:])
    elif kind.endswith("zeros"):
        packed += bytes(70_000)
    source = source_of(tmp_path, packed, chunk_bytes=5000)
    assert read_all(source) == packets
    assert source.warnings == []


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_compressed_files_that_are_cut_or_damaged_keep_what_came_before(
    tmp_path: Path, pack: object
) -> None:
    packets = some_packets(6000)
    assert callable(pack)
    packed = pack(pcap(packets))
    source = source_of(tmp_path, packed[: len(packed) // 2])
    found = read_all(source)
    assert found == packets[: len(found)]
    assert len(found) > 1000
    assert source.counts.malformed + len(source.warnings) > 0
    broken = bytearray(packed)
    middle = len(broken) // 2
    broken[middle : middle + 2000] = random.Random(3).randbytes(2000)
    source = source_of(tmp_path, bytes(broken))
    found = read_all(source)
    good = next((at for at, packet in enumerate(found) if packet != packets[at]), len(found))
    assert good > 1000
    assert source.warnings


def test_a_file_cut_anywhere_gives_the_whole_records_before(tmp_path: Path) -> None:
    packets = some_packets(4)
    ng = section() + interface() + b"".join(enhanced(packet) for packet in packets)
    for content in (pcap(packets), ng):
        for end in range(60, len(content)):
            source = source_of(tmp_path, content[:end])
            found = read_all(source)
            assert found == packets[: len(found)]
            assert len(found) < len(packets)
            assert len(source.warnings) == source.counts.malformed <= 1


@ORDERS
@pytest.mark.parametrize("chunk_bytes", [64, 1000, 1 << 20])
def test_absurd_lengths_cost_one_record(tmp_path: Path, order: str, chunk_bytes: int) -> None:
    packets = some_packets(40)
    records = [pcap_record(packet, order=order) for packet in packets]
    for length in (PACKET_BYTES_MAX + 1, 0x7FFFFFFF, 0xFFFFFFFF):
        broken = list(records)
        broken[20] = records[20][:8] + struct.pack(f"{order}I", length) + records[20][12:]
        content = pcap_header(order=order) + b"".join(broken)
        source = source_of(tmp_path, content, chunk_bytes=chunk_bytes)
        assert read_all(source) == packets[:20] + packets[21:]
        assert source.counts.malformed == 1
        assert "damaged at byte" in source.warnings[0]
        assert "passed over" in source.warnings[1]
    blocks = [enhanced(packet, order=order) for packet in packets]
    for length in (3, 8, 4 << 20, 0xFFFFFFFC, len(blocks[20]) + 4):
        broken = list(blocks)
        broken[20] = blocks[20][:4] + struct.pack(f"{order}I", length) + blocks[20][8:]
        content = section(order=order) + interface(order=order) + b"".join(broken)
        source = source_of(tmp_path, content, chunk_bytes=chunk_bytes)
        assert read_all(source) == packets[:20] + packets[21:]
        assert source.counts.malformed == 1


def test_a_packet_block_that_lies_about_its_inside_is_counted(tmp_path: Path) -> None:
    good = FilePacket(b"good")
    lies = struct.pack("<IIIII", 0, 0, 0, 500, 500) + bytes(20)
    content = (
        section()
        + interface()
        + block(6, lies)
        + block(6, bytes(8))
        + block(3, b"")
        + enhanced(FilePacket(b"x"), number=7)
        + enhanced(good)
    )
    source = source_of(tmp_path, content)
    assert read_all(source) == [good]
    assert source.counts.malformed == 4


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_damage_anywhere_never_raises(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    packets = some_packets(8)
    ng = section() + interface() + b"".join(enhanced(packet) for packet in packets)
    content = bytearray(data.draw(st.sampled_from([pcap(packets), ng])))
    at = data.draw(st.integers(28, len(content) - 1))
    junk = data.draw(st.binary(min_size=1, max_size=40))
    content[at : at + data.draw(st.integers(0, 40))] = junk
    source = source_of(tmp_path_factory.getbasetemp(), bytes(content), chunk_bytes=100)
    found = read_all(source)
    assert len(found) <= len(content) // 16


def test_large_unknown_blocks_are_passed_over(tmp_path: Path) -> None:
    packet = FilePacket(b"behind it")
    large = block(0x40000BAD, bytes(3 << 20))
    head = section() + interface()
    source = source_of(tmp_path, head + large + enhanced(packet))
    assert read_all(source) == [packet]
    assert source.counts.malformed == 0
    source = source_of(tmp_path, head + large[: 2 << 20])
    assert read_all(source) == []
    assert source.counts.malformed == 1


def test_largest_packet(tmp_path: Path) -> None:
    packets = [FilePacket(bytes(PACKET_BYTES_MAX)), FilePacket(b"next")]
    assert read_all(source_of(tmp_path, pcap(packets), chunk_bytes=1000)) == packets


def test_pipes_and_standard_input(tmp_path: Path) -> None:
    packets = some_packets(2000)
    content = pcap(packets)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(content))
    writer.start()
    assert read_all(PcapFileSource(str(pipe))) == packets
    writer.join()
    program = (
        "from vpcflow.capture.packet_sources.pcap_file import PcapFileSource\n"
        "print(sum(len(batch) for batch in PcapFileSource('-').batches()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        input=gzip.compress(content),
        capture_output=True,
    )
    assert done.stdout.split() == [b"2000"], done.stderr


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty"),
        (b"hello, this is no capture\n", "is text, not a capture file"),
        ("Grüße".encode(), "is text"),
        (b"2 123456789012 eni-1 10.0.0.1 10.0.0.2 1 2 6 1 2 3 4 ACCEPT OK\n", "flow log file"),
        (b"version account-id interface-id srcaddr\n2 1 2 3\n", "flow log file"),
        (gzip.compress(b"version account-id interface-id srcaddr\n"), "flow log file"),
        (gzip.compress(gzip.compress(b"x" * 100)), "gzip data within"),
        (b"PAR1" + bytes(100), "a Parquet file"),
        (b"BZh91AY", "bzip2"),
        (bytes(range(200, 250)), "begins with c8 c9 ca cb"),
        (pcap_header()[:10], "ends within its header"),
        (b"\x0a\x0d\x0d\x0a" + bytes(40), "is not a capture file"),
        (gzip.compress(b"x" * 100)[:10], "cannot be read: the gzip data is cut"),
        (struct.pack("<IHH", MICROSECONDS, 3, 0) + bytes(16), "pcap of version 3.0"),
    ],
)
def test_what_is_no_capture_file(tmp_path: Path, content: bytes, what: str) -> None:
    with pytest.raises(CaptureError, match=what) as caught:
        source_of(tmp_path, content)
    assert str(tmp_path) in caught.value.where


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="No such file"):
        PcapFileSource(str(tmp_path / "absent.pcap"))
    with pytest.raises(CaptureError, match="Is a directory") as caught:
        PcapFileSource(str(tmp_path))
    assert "not a folder" in caught.value.hint


GOLDEN = Path(__file__).resolve().parents[2] / "golden/captures"


def test_captures_of_tcpdump() -> None:
    payloads = [0, 100, 200, 10, 10]
    times: dict[str, list[int]] = {}
    for name, link_type, head, there, back in (
        ("any-device-sll2", LinkType.LINUX_SLL2, 20, SENT, RECEIVED),
        ("any-device-sll", LinkType.LINUX_SLL, 16, SENT, RECEIVED),
        ("nanoseconds-cut", LinkType.ETHERNET, 14, UNKNOWN, UNKNOWN),
    ):
        found = read_all(PcapFileSource(str(GOLDEN / f"{name}.pcap")))
        assert [packet.wire_bytes for packet in found] == [head + 28 + size for size in payloads]
        assert [packet.direction for packet in found] == [there] * 3 + [back] * 2
        assert {packet.link_type for packet in found} == {link_type}
        cut = 60 if name == "nanoseconds-cut" else 1500
        assert [len(packet.data) for packet in found] == [
            min(cut, packet.wire_bytes) for packet in found
        ]
        assert all(packet.data[head] == 0x45 for packet in found)
        times[name] = [packet.time_ns for packet in found]
    assert times["any-device-sll"] == times["any-device-sll2"]
    # As tcpdump itself prints them.
    fractions = [237_487_851, 237_506_579, 237_514_050, 237_728_708, 237_750_780]
    assert times["nanoseconds-cut"] == [1_795_779_379 * 10**9 + part for part in fractions]


#: Frames and frame bytes of real captures that may lie beside the checkout.
LAB_CAPTURE = Path(__file__).resolve().parents[4] / "shared/data/real/lab-capture"
LAB_TOTALS = {
    "web": (11_323, 13_550_800),
    "router-web": (11_342, 13_552_075),
    "bastion": (32, 1_885),
    "app": (13_026, 17_187_299),
    "db": (1_358, 1_702_640),
}


@pytest.mark.skipif(not LAB_CAPTURE.is_dir(), reason="the real captures are not here")
def test_real_captures_have_their_totals() -> None:
    for name, totals in LAB_TOTALS.items():
        source = PcapFileSource(str(LAB_CAPTURE / f"{name}.pcap.gz"))
        frames = [packet for batch in source.batches() for packet in packets_of(batch)]
        assert (len(frames), sum(frame.wire_bytes for frame in frames)) == totals
        assert {frame.link_type for frame in frames} == {LinkType.ETHERNET}
        assert (source.counts.malformed, source.warnings) == (0, [])
    source = PcapFileSource(str(LAB_CAPTURE / "nflog.pcap.gz"))
    links = [(batch.link_type, len(batch)) for batch in source.batches()]
    assert sum(count for _, count in links) == 3_780
    assert {link for link, _ in links} == {LinkType.NFLOG}
