"""Aim: no bytes make the parsers raise; the namespaces' names are read as they are meant."""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpcflow.inventory.sources.network_namespace import namespace_path, open_namespace
from vpcflow.inventory.sources.rtnetlink import (
    AddressMessage,
    LinkMessage,
    parse_address,
    parse_link,
)


def attribute(kind: int, data: bytes) -> bytes:
    padding = b"\0" * (-len(data) % 4)
    return struct.pack("=HH", 4 + len(data), kind) + data + padding


def link(*attributes: bytes, family: int = 0) -> LinkMessage | None:
    data = bytearray(struct.pack("=BxHiII", family, 0, 7, 0, 0) + b"".join(attributes))
    return parse_link(data, 0, len(data), True)


def address(
    *attributes: bytes, family: int = socket.AF_INET, flags: int = 0
) -> AddressMessage | None:
    data = bytearray(struct.pack("=BBBBI", family, 24, flags, 0, 7) + b"".join(attributes))
    return parse_address(data, 0, len(data), True)


def test_link() -> None:
    kind = attribute(18 | 0x8000, attribute(1, b"veth\0"))
    mac = attribute(1, bytes.fromhex("02000000000a"))
    assert link(attribute(3, b"eth0\0"), mac, kind, attribute(45, b"\0\0\0\0")) == LinkMessage(
        True, 7, "eth0", "02:00:00:00:00:0a", "veth", True
    )
    assert link(attribute(3, b"lo\0"), attribute(1, bytes(6))) == LinkMessage(
        True, 7, "lo", "", "", False
    )
    assert link(attribute(3, b"ib0\0"), attribute(1, bytes(20))) == LinkMessage(
        True, 7, "ib0", "", "", False
    )
    assert link(attribute(3, b"v0\0"), family=socket.AF_BRIDGE) is None
    assert link(mac) is None


def test_address_of_a_point_to_point_link_is_the_local_one() -> None:
    parsed = address(attribute(1, bytes([10, 0, 0, 2])), attribute(2, bytes([10, 0, 0, 1])))
    assert parsed is not None
    assert (str(parsed.address), parsed.prefix_length, parsed.is_new) == ("10.0.0.1", 24, True)


def test_refused_duplicate_is_not_there() -> None:
    flags = attribute(8, struct.pack("=I", 0x88))
    parsed = address(attribute(1, bytes(16)), flags, family=socket.AF_INET6)
    assert parsed is not None
    assert not parsed.is_new


@given(st.binary(max_size=80), st.booleans())
def test_any_bytes_are_parsed_or_refused(data: bytes, is_new: bool) -> None:
    for family in (0, socket.AF_INET, socket.AF_INET6):
        buffer = bytearray(bytes([family]) + data)
        for parse in (parse_link, parse_address):
            parsed = parse(buffer, 0, len(buffer), is_new)
            assert parsed is None or isinstance(parsed, LinkMessage | AddressMessage)


def test_names_and_paths_of_namespaces(tmp_path: Path) -> None:
    assert namespace_path("web") == Path("/run/netns/web")
    assert namespace_path("/proc/4711/ns/net") == Path("/proc/4711/ns/net")
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "missing", tmp_path, Path("/proc/self/ns/mnt")):
        assert open_namespace(path) is None


@pytest.mark.parametrize("name", ["", "/proc/self/ns/net"])
def test_own_namespace_opens(name: str) -> None:
    handle = open_namespace(namespace_path(name))
    assert handle is not None
    os.close(handle)
