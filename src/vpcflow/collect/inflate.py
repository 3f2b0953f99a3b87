"""Bytes of an object, decompressed by what they are and not by what the file is called."""

from __future__ import annotations

import io
import zlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, BinaryIO

import zstandard
from isal import igzip_lib

from vpcflow.collect import zstd_blocks
from vpcflow.collect.settings import CollectSettings
from vpcflow.collect.source_object import ProblemCode

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer as Buffer

GZIP_MAGIC = b"\x1f\x8b"
#: Compressions that are known by sight and not read.
_UNREAD_MAGIC = (
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"PK\x03\x04", "zip"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"\xff\x06\x00\x00sNaPpY", "snappy"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
)
HEAD_BYTES = 16
#: How much is decompressed at a time: little, so that a bomb is seen before much came out.
FEED_BYTES = 128 * 1024
#: How far the slow way goes at a time where the fast one stopped.
RESCUE_STEP_BYTES = 64 * 1024
_GZIP_WINDOW = 31


class Compression(StrEnum):
    """How an object's bytes are compressed."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a stream ended before its proper end, or what followed after it."""

    code: ProblemCode
    what: str
    hint: str = ""


def compression_of(head: bytes) -> Compression:
    """The compression that these first bytes show."""
    if head.startswith(GZIP_MAGIC):
        return Compression.GZIP
    return Compression.ZSTD if zstd_blocks.is_frame_start(head) else Compression.NONE


class ByteStream:
    """The decompressed bytes of an open file, up to ``size`` raw bytes of it.

    Shape: ``chunks`` may be run once; every byte before a cut or a damaged place is in it.
    Afterwards ``fault`` says what was wrong, if anything.
    """

    def __init__(self, file: BinaryIO, size: int, settings: CollectSettings) -> None:
        self._settings = settings
        self._raw = _Bounded(file, size)
        self._file = io.BufferedReader(self._raw, settings.read_bytes)
        self.head = self._file.peek(HEAD_BYTES)[:HEAD_BYTES]
        self.compression = compression_of(self.head)
        self.fault: Fault | None = None
        self._consumed = 0

    def chunks(self, skip_bytes: int = 0) -> Iterator[bytes]:
        """Decompressed bytes after the first ``skip_bytes``, in pieces of a bounded size."""
        unread = next((name for magic, name in _UNREAD_MAGIC if self.head.startswith(magic)), None)
        if unread:
            self.fault = Fault(
                ProblemCode.UNSUPPORTED_COMPRESSION,
                f"{unread} is not read",
                f"decompress it, or compress it with gzip or zstd instead of {unread}",
            )
            return
        try:
            if self.compression is Compression.NONE:
                yield from self._plain(skip_bytes)
                return
            inner = self._gzip() if self.compression is Compression.GZIP else self._zstd()
            yield from _skip(
                self._guarded(_gathered(inner, self._settings.chunk_bytes)), skip_bytes
            )
        except OSError as error:
            self.fault = Fault(
                ProblemCode.READ_FAILED, f"could not be read to its end: {error.strerror}"
            )

    def _plain(self, skip_bytes: int) -> Iterator[bytes]:
        self._file.seek(skip_bytes)
        while chunk := self._file.read(self._settings.chunk_bytes):
            yield chunk
        if self._raw.short:
            self.fault = Fault(ProblemCode.CHANGED, "became shorter while it was read")

    def _guarded(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Stop at a bomb, at the bound on decoded bytes, and at a compression within another."""
        settings = self._settings
        decoded = 0
        for chunk in chunks:
            if decoded == 0 and compression_of(chunk[:HEAD_BYTES]) is not Compression.NONE:
                self.fault = Fault(
                    ProblemCode.NESTED,
                    f"{compression_of(chunk[:HEAD_BYTES])} within {self.compression}",
                    "decompress it once and take the result in",
                )
                return
            decoded += len(chunk)
            ratio = decoded / max(1, self._consumed)
            if decoded > settings.inflate_ratio_after_bytes and ratio > settings.inflate_ratio_max:
                self.fault = Fault(
                    ProblemCode.ZIP_BOMB,
                    f"decompresses to more than {settings.inflate_ratio_max} times its size; "
                    f"stopped after {decoded} bytes",
                    "see collect.inflate_ratio_max if it is truly yours",
                )
                return
            if decoded > settings.decoded_bytes_max:
                self.fault = Fault(
                    ProblemCode.TOO_LARGE,
                    f"decompresses to more than {settings.decoded_bytes_max} bytes",
                    "see collect.decoded_bytes_max",
                )
                return
            yield chunk

    def _gzip(self) -> Iterator[bytes]:
        pending = self._file.read(len(GZIP_MAGIC))
        while True:
            member_offset = self._file.tell() - len(pending)
            decompressor = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
            delivered = 0
            while not decompressor.eof:
                data = b""
                if decompressor.needs_input:
                    data = pending or self._file.read1(FEED_BYTES)
                    pending = b""
                    self._consumed = self._file.tell()
                out = self._decompressed(decompressor, data)
                if out is None:
                    # ISA-L keeps back its last symbol at a cut, and a whole call's output at an
                    # error. zlib gives every byte, and has the last word on what is wrong.
                    rest = yield from self._rescue(member_offset, delivered)
                    if rest is None:
                        return
                    pending = rest
                    break
                delivered += len(out)
                if out:
                    yield out
            else:
                pending = decompressor.unused_data
            pending = self._next_member(pending)
            if not pending:
                return

    def _decompressed(self, decompressor: Any, data: bytes) -> bytes | None:
        """The next output, None at a cut or an error."""
        if decompressor.needs_input and not data:
            return None
        try:
            return bytes(decompressor.decompress(data, self._settings.chunk_bytes))
        except igzip_lib.error:  # type: ignore[misc]
            return None

    def _next_member(self, pending: bytes) -> bytes:
        """What is left after a member when another one begins there, else nothing."""
        while len(pending) < len(GZIP_MAGIC):
            more = self._file.read1(self._settings.read_bytes)
            if not more:
                break
            pending += more
        if not pending or pending.startswith(GZIP_MAGIC):
            return pending
        size, padding = 0, True
        rest = pending
        while rest:
            size += len(rest)
            padding = padding and not rest.strip(b"\0")
            rest = self._file.read1(self._settings.read_bytes)
        if not padding:
            self.fault = _trailing(size, "gzip")
        return b""

    def _rescue(self, offset: int, delivered: int) -> Generator[bytes, None, bytes | None]:
        """Decompress a member again, slowly, and yield what lies behind ``delivered`` bytes.

        Shape: returns the raw bytes behind the member, None when it ends in a fault.
        """
        self._file.seek(offset)
        decompressor = zlib.decompressobj(_GZIP_WINDOW)
        done, data = 0, b""
        while not decompressor.eof:
            data = data or self._file.read(RESCUE_STEP_BYTES)
            before = decompressor.copy()
            error = ""
            try:
                out = decompressor.decompress(data, RESCUE_STEP_BYTES)
            except zlib.error as found:
                out, error = _up_to_error(before, data), _reason(found)
            done += len(out)
            self._consumed = self._file.tell()
            if done > delivered:
                yield out[-(done - delivered) :]
                delivered = done
            if error:
                self.fault = _damaged("gzip", done, error)
                return None
            if not data and not out:
                self.fault = _cut("gzip", done)
                return None
            data = decompressor.unconsumed_tail
        return decompressor.unused_data

    def _zstd(self) -> Iterator[bytes]:
        context = zstandard.ZstdDecompressor(max_window_size=self._settings.zstd_window_bytes_max)
        decompressor = context.decompressobj()
        done = 0
        try:
            for block in zstd_blocks.blocks(self._file):
                if isinstance(block, int):
                    if block:
                        self.fault = _trailing(block, "zstd")
                    return
                self._consumed = self._file.tell()
                if block.first:
                    decompressor = context.decompressobj()
                out = decompressor.decompress(block.data)
                done += len(out)
                if out:
                    yield out
        except zstd_blocks.ZstdCutError:
            self.fault = _cut("zstd", done)
        except ValueError as error:
            self.fault = _damaged("zstd", done, str(error))
        except zstandard.ZstdError as error:
            if "too much memory" in str(error):
                self.fault = Fault(
                    ProblemCode.TOO_LARGE,
                    "zstd data that asks for more memory than is allowed",
                    "see collect.zstd_window_bytes_max",
                )
            else:
                self.fault = _damaged("zstd", done, _reason(error))


class _Bounded(io.RawIOBase):
    """The first ``size`` bytes of a file; what is added later is for the next time."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        super().__init__()
        self._file = file
        self._size = size
        self._at = 0
        self.short = False
        file.seek(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_CUR:
            offset += self._at
        elif whence == io.SEEK_END:
            offset += self._size
        self._at = self._file.seek(offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer).cast("B")
        wanted = min(len(view), max(0, self._size - self._at))
        if wanted == 0:
            return 0
        data = self._file.read(wanted)
        if not data:
            self.short = True
        view[: len(data)] = data
        self._at += len(data)
        return len(data)


def _gathered(chunks: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Join small pieces until they are worth a decoder's call."""
    held: list[bytes] = []
    held_bytes = 0
    for chunk in chunks:
        held.append(chunk)
        held_bytes += len(chunk)
        if held_bytes * 2 >= size:
            yield held[0] if len(held) == 1 else b"".join(held)
            held, held_bytes = [], 0
    if held:
        yield b"".join(held)


def _skip(chunks: Iterator[bytes], size: int) -> Iterator[bytes]:
    for chunk in chunks:
        if size >= len(chunk):
            size -= len(chunk)
            continue
        yield chunk[size:] if size else chunk
        size = 0


def _up_to_error(decompressor: zlib._Decompress, data: bytes) -> bytes:
    """What comes out of bytes that hold an error, before it; zlib itself throws that away."""
    out = []
    try:
        for at in range(len(data)):
            out.append(decompressor.decompress(data[at : at + 1]))
    except zlib.error:
        pass
    return b"".join(out)


def _cut(compression: str, done: int) -> Fault:
    return Fault(
        ProblemCode.TRUNCATED,
        f"the {compression} data is cut off; taken up to the cut, after {done} decompressed bytes",
        "fetch the file again; what follows the cut is then read on",
    )


def _damaged(compression: str, done: int, reason: str) -> Fault:
    return Fault(
        ProblemCode.CORRUPT,
        f"damaged {compression} data ({reason}); taken up to decompressed byte {done}",
        "fetch the file again; lines before the damage are kept",
    )


def _trailing(size: int, compression: str) -> Fault:
    return Fault(
        ProblemCode.TRAILING_BYTES,
        f"{size} bytes after the end of the {compression} data are left out",
        "check how the file was made",
    )


def _reason(error: Exception) -> str:
    return str(error).rpartition(": ")[2]
