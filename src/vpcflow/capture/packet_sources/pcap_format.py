"""The headers of pcap and pcapng files, and what a file is that is neither.

Source: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng, www.tcpdump.org/linktypes.html.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from vpcflow.base.errors import CaptureError
from vpcflow.capture.packet_batch import LinkType
from vpcflow.capture.packet_sources.capture_bytes import GZIP_MAGIC, ZSTD_MAGIC

PCAP_HEADER_BYTES = 24
PCAPNG_MAGIC = b"\x0a\x0d\x0d\x0a"
_MICROSECONDS, _NANOSECONDS, _MODIFIED = 0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34
_RECORD_BYTES, _MODIFIED_RECORD_BYTES = 16, 24
#: The link type's bits; the others say how many check bytes frames end with.
_LINK_MASK = 0x03FF_FFFF
#: Other numbers of a bare IP packet: of BSD systems, and of one family alone.
_RAW_NUMBERS = {12, 14, 228, 229}

_LINK_NAMES = {
    9: "PPP",
    50: "PPP",
    105: "802.11",
    127: "802.11 radio",
    147: "private",
    195: "802.15.4",
    187: "Bluetooth",
    201: "Bluetooth",
    220: "USB",
    249: "USB",
    227: "CAN",
    247: "InfiniBand",
    253: "netlink",
}

_OTHER_FILES = (
    (b"BZh", "bzip2 data", "decompress it with bunzip2"),
    (b"\xfd7zXZ\x00", "xz data", "decompress it with unxz"),
    (b"PK\x03\x04", "a zip archive", "take the capture file out of it"),
    (b"\x04\x22\x4d\x18", "lz4 data", "decompress it with lz4 -d"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "take the capture file out of it"),
    (GZIP_MAGIC, "gzip data within gzip or zstd data", "decompress it once"),
    (ZSTD_MAGIC, "zstd data within gzip or zstd data", "decompress it once"),
    (b"PAR1", "a Parquet file", "flow log files are read by `vpcflow ingest`"),
    (b"snoop\0\0\0", "a snoop file", "convert it with `editcap -F pcap`"),
)
_HINT = "capture files are written by `tcpdump -w FILE`, as pcap or pcapng"


def link_type_of(number: int) -> LinkType | None:
    """The link type with this number in capture files; None when it is not read."""
    if number in _RAW_NUMBERS:
        return LinkType.RAW
    try:
        return LinkType(number)
    except ValueError:
        return None


def link_name(number: int) -> str:
    """A link type's number with its name, where it is known."""
    name = _LINK_NAMES.get(number)
    return f"{number} ({name})" if name else str(number)


@dataclass(frozen=True, slots=True)
class PcapHeader:
    """What a pcap file's header says.

    Units: ``unit_ns`` nanoseconds of one unit of the time's fraction; ``record_bytes`` bytes
    before each packet.
    """

    swapped: bool
    unit_ns: int
    record_bytes: int
    link_type: LinkType


def read_pcap_header(head: bytes, where: str) -> PcapHeader:
    """The header of a pcap file.

    Errors: CaptureError when it is none, is cut, or has a link type that is not read.
    """
    magic_little, magic_big = (
        (struct.unpack_from(f"{order}I", head)[0] if len(head) >= 4 else 0) for order in "<>"
    )
    known = {_MICROSECONDS, _NANOSECONDS, _MODIFIED}
    if magic_little not in known and magic_big not in known:
        raise not_a_capture(head, where)
    if len(head) < PCAP_HEADER_BYTES:
        raise CaptureError("ends within its header", where=where, hint=_HINT)
    swapped = magic_little not in known
    magic = magic_big if swapped else magic_little
    order = ">" if swapped else "<"
    major, minor, _, _, _, network = struct.unpack_from(f"{order}HHiIII", head, 4)
    if major != 2:
        raise CaptureError(
            f"is pcap of version {major}.{minor}, which is not read",
            where=where,
            hint="convert it with `editcap -F pcap`",
        )
    number = network & _LINK_MASK
    link_type = link_type_of(number)
    if link_type is None:
        read = ", ".join(link.name.lower() for link in LinkType)
        raise CaptureError(
            f"has link type {link_name(number)}, which is not read",
            where=where,
            hint=f"link types that are read: {read}",
        )
    return PcapHeader(
        swapped=swapped,
        unit_ns=1 if magic == _NANOSECONDS else 1000,
        record_bytes=_MODIFIED_RECORD_BYTES if magic == _MODIFIED else _RECORD_BYTES,
        link_type=link_type,
    )


def not_a_capture(head: bytes, where: str) -> CaptureError:
    """What to say of a file that is no capture file, by its first bytes."""
    if not head:
        return CaptureError("is empty", where=where, hint=_HINT)
    for magic, name, hint in _OTHER_FILES:
        if head.startswith(magic):
            return CaptureError(f"is {name}, not a capture file", where=where, hint=hint)
    if _is_text(head):
        first = head.split(b"\n", 1)[0].split()
        if b"srcaddr" in first or (len(first) == 14 and first[0] == b"2"):
            return CaptureError(
                "is a flow log file, not a capture file",
                where=where,
                hint="flow log files are read by `vpcflow ingest`",
            )
        return CaptureError("is text, not a capture file", where=where, hint=_HINT)
    return CaptureError(
        f"is not a capture file: it begins with {head[:4].hex(' ')}", where=where, hint=_HINT
    )


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8", "strict")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:
            return False
        text = head[: error.start].decode("utf-8")
    return all(character.isprintable() or character in "\t\r\n" for character in text)


@dataclass(frozen=True, slots=True)
class Interface:
    """What a pcapng interface description says.

    Units: ``per_second`` units of time of a second, 0 when it cannot be kept; ``offset_s``
    seconds that are added.
    """

    link_number: int
    snap_bytes: int
    per_second: int
    is_binary: bool
    offset_s: int


def read_interface(block: bytes, *, swapped: bool) -> Interface:
    """An interface description block, header and trailer included."""
    order = ">" if swapped else "<"
    if len(block) < 20:
        return Interface(-1, 0, 1_000_000, False, 0)
    number, _, snap_bytes = struct.unpack_from(f"{order}HHI", block, 8)
    per_second, is_binary, offset_s = 1_000_000, False, 0
    for code, value in options(block[16:-4], order):
        if code == 9 and len(value) == 1:
            is_binary = bool(value[0] & 0x80)
            exponent = value[0] & 0x7F
            per_second = int(2**exponent if is_binary else 10**exponent)
            if per_second >= 1 << 63:
                per_second = 0
        elif code == 14 and len(value) == 8:
            offset_s = struct.unpack(f"{order}q", value)[0]
    return Interface(number, snap_bytes, per_second, is_binary, offset_s)


def read_drops(block: bytes, *, swapped: bool) -> tuple[int, int]:
    """The interface and its lost packets of an interface statistics block."""
    order = ">" if swapped else "<"
    if len(block) < 24:
        return 0, 0
    drops = 0
    for code, value in options(block[20:-4], order):
        # Dropped by the interface, and by the system for want of room.
        if code in {5, 7} and len(value) == 8:
            (count,) = struct.unpack(f"{order}Q", value)
            drops += count if count < 1 << 62 else 0
    return struct.unpack_from(f"{order}I", block, 8)[0], drops


def options(data: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """Code and value of every option, up to the end or the first damaged one."""
    at = 0
    while at + 4 <= len(data):
        code, length = struct.unpack_from(f"{order}HH", data, at)
        if code == 0 or at + 4 + length > len(data):
            return
        yield code, data[at + 4 : at + 4 + length]
        at += 4 + (length + 3 & ~3)
