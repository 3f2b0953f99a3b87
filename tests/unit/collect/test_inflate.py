"""Aim: every byte before a cut or a damage comes out, and nothing hostile takes memory.

Method: streams cut and damaged at every sort of place, compared with what went in.
"""

from __future__ import annotations

import gzip
import io
import random
import tempfile
import zlib

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from vpcflow.collect.inflate import ByteStream, Fault
from vpcflow.collect.settings import MIB, CollectSettings
from vpcflow.collect.source_object import ProblemCode

SETTINGS = CollectSettings()


def text(lines: int, seed: int = 1) -> bytes:
    numbers = random.Random(seed)
    return b"".join(
        b"2 123456789012 eni-%d 10.0.0.%d 10.1.0.%d %d 443 6 1 40 1700000000 1700000060 ACCEPT OK\n"
        % tuple(numbers.randrange(250) for _ in range(4))
        for _ in range(lines)
    )


TEXT = text(20_000)


def inflate(
    data: bytes, *, skip: int = 0, settings: CollectSettings = SETTINGS, size: int | None = None
) -> tuple[bytes, Fault | None]:
    with tempfile.TemporaryFile(buffering=0) as file:
        file.write(data)
        stream = ByteStream(file, len(data) if size is None else size, settings)
        chunks = list(stream.chunks(skip))
    assert all(len(chunk) <= 2 * settings.chunk_bytes for chunk in chunks)
    return b"".join(chunks), stream.fault


def code(fault: Fault | None) -> ProblemCode | None:
    return fault.code if fault else None


PACKED = {
    "plain": TEXT,
    "gzip": gzip.compress(TEXT, 6),
    "gzip members": b"".join(
        gzip.compress(TEXT[at : at + 9999]) for at in range(0, len(TEXT), 9999)
    ),
    "gzip padded": gzip.compress(TEXT) + bytes(1000),
    "zstd": zstandard.compress(TEXT),
    "zstd frames": zstandard.compress(TEXT[:777]) + zstandard.compress(TEXT[777:]),
    "zstd checksum": zstandard.ZstdCompressor(write_checksum=True).compress(TEXT),
    "zstd skippable": b"\x50\x2a\x4d\x18\x05\x00\x00\x00hello" + zstandard.compress(TEXT),
}


@pytest.mark.parametrize("name", PACKED)
@pytest.mark.parametrize("skip", [0, 1, 4096, 1_000_000, len(TEXT)])
def test_gives_the_bytes_behind_a_place(name: str, skip: int) -> None:
    assert inflate(PACKED[name], skip=skip) == (TEXT[skip:], None)


def test_gzip_headers_with_names_and_streaming_zstd() -> None:
    out = io.BytesIO()
    with gzip.GzipFile("a name.log", "wb", fileobj=out) as file:
        file.write(TEXT)
    assert inflate(out.getvalue()) == (TEXT, None)
    packer = zstandard.ZstdCompressor().compressobj()
    streamed = packer.compress(TEXT[:5000]) + packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    streamed += packer.compress(TEXT[5000:]) + packer.flush()
    assert inflate(streamed) == (TEXT, None)


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_a_cut_gzip_gives_all_that_is_before_the_cut(data: st.DataObject) -> None:
    whole = PACKED["gzip"]
    cut = data.draw(st.integers(2, len(whole) - 1) | st.integers(len(whole) - 12, len(whole) - 1))
    expected = zlib.decompressobj(31).decompress(whole[:cut])
    found, fault = inflate(whole[:cut])
    assert found == expected
    assert code(fault) is ProblemCode.TRUNCATED


@given(st.integers(4, len(PACKED["zstd checksum"]) - 1))
@settings(max_examples=30, deadline=None)
def test_a_cut_zstd_gives_its_whole_blocks(cut: int) -> None:
    found, fault = inflate(PACKED["zstd checksum"][:cut])
    assert TEXT.startswith(found)
    assert code(fault) is ProblemCode.TRUNCATED
    assert len(found) > len(TEXT) * cut / len(PACKED["zstd checksum"]) - 3 * 131072


SMALL_GZIP = gzip.compress(text(400))


@given(st.integers(20, len(SMALL_GZIP) - 1), st.integers(1, 255))
@settings(max_examples=60, deadline=None)
def test_a_damaged_gzip_gives_what_zlib_gives(place: int, change: int) -> None:
    damaged = bytearray(SMALL_GZIP)
    damaged[place] ^= change
    decompressor = zlib.decompressobj(31)
    parts = []
    try:
        for byte in damaged:
            parts.append(decompressor.decompress(bytes([byte])))
    except zlib.error:
        pass
    found, fault = inflate(bytes(damaged))
    expected = b"".join(parts)
    assert found[: len(expected)] == expected
    assert len(found) - len(expected) < 300  # bytes of the very symbol that is wrong
    assert fault is not None


def test_damage_in_a_second_member_keeps_the_first() -> None:
    second = bytearray(gzip.compress(text(100, seed=2)))
    second[-6] ^= 1
    found, fault = inflate(gzip.compress(TEXT) + bytes(second))
    assert found == TEXT + text(100, seed=2)
    assert code(fault) is ProblemCode.CORRUPT


@given(st.integers(10, len(PACKED["zstd checksum"]) - 10))
@settings(max_examples=20, deadline=None)
def test_a_damaged_zstd_never_fails_otherwise(place: int) -> None:
    damaged = bytearray(PACKED["zstd checksum"])
    damaged[place] ^= 0x10
    _, fault = inflate(bytes(damaged))
    assert code(fault) in (ProblemCode.CORRUPT, ProblemCode.TRUNCATED, ProblemCode.TOO_LARGE)


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_bytes_behind_the_end_are_told_and_left(name: str) -> None:
    found, fault = inflate(PACKED[name] + b"garbage")
    assert found == TEXT
    assert code(fault) is ProblemCode.TRAILING_BYTES
    assert fault is not None
    assert "7 bytes" in fault.what


def test_a_bomb_is_seen_early() -> None:
    small = CollectSettings(inflate_ratio_after_bytes=MIB)
    for bomb in (gzip.compress(bytes(200 * MIB), 9), zstandard.compress(bytes(64 * MIB))):
        size = 0
        with tempfile.TemporaryFile(buffering=0) as file:
            file.write(bomb)
            stream = ByteStream(file, len(bomb), small)
            for chunk in stream.chunks():
                size += len(chunk)
        assert code(stream.fault) is ProblemCode.ZIP_BOMB
        assert size < 140 * MIB


def test_decoded_bytes_are_bounded() -> None:
    small = CollectSettings(decoded_bytes_max=100_000, chunk_bytes=4096)
    found, fault = inflate(PACKED["gzip"], settings=small)
    assert 90_000 < len(found) <= 100_000
    assert code(fault) is ProblemCode.TOO_LARGE


def test_a_zstd_window_is_bounded() -> None:
    wide = zstandard.ZstdCompressor(
        compression_params=zstandard.ZstdCompressionParameters(window_log=25)
    )
    packer = wide.compressobj()
    data = packer.compress(TEXT) + packer.flush()
    found, fault = inflate(data, settings=CollectSettings(zstd_window_bytes_max=MIB))
    assert (found, code(fault)) == (b"", ProblemCode.TOO_LARGE)


def test_nested_and_unread_compressions() -> None:
    assert code(inflate(gzip.compress(PACKED["gzip"]))[1]) is ProblemCode.NESTED
    assert code(inflate(zstandard.compress(PACKED["gzip"]))[1]) is ProblemCode.NESTED
    for magic in (b"BZh91AY", b"\xfd7zXZ\x00\x00", b"PK\x03\x04"):
        found, fault = inflate(magic + bytes(100))
        assert (found, code(fault)) == (b"", ProblemCode.UNSUPPORTED_COMPRESSION)


def test_only_the_planned_size_is_read() -> None:
    assert inflate(TEXT + b"later", size=len(TEXT)) == (TEXT, None)
    found, fault = inflate(PACKED["gzip"] * 2, size=len(PACKED["gzip"]))
    assert (found, fault) == (TEXT, None)
    found, fault = inflate(TEXT, size=len(TEXT) + 5)
    assert (found, code(fault)) == (TEXT, ProblemCode.CHANGED)


@given(
    st.binary(max_size=200),
    st.sampled_from([b"\x1f\x8b", b"\x1f\x8b\x08\x00", b"\x28\xb5\x2f\xfd", b""]),
)
@settings(deadline=None)
def test_any_bytes_end_in_a_result(data: bytes, magic: bytes) -> None:
    inflate(magic + data)
