"""The bytes of a capture file: plain, gzip or zstd, from a path or standard input."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import IO, Protocol, cast

import zstandard
from isal import igzip_lib

from vpcflow.base.errors import CaptureError

STANDARD_INPUT = "-"
GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
#: How much compressed data is read at a time; damage costs what it would have become.
FEED_BYTES = 32_768
#: The most memory that a zstd frame may ask for.
ZSTD_WINDOW_BYTES_MAX = 128 << 20
_MAGIC_BYTES = 4


class CaptureBytes(Protocol):
    """Decompressed bytes, once from beginning to end.

    Shape: ``read_into`` fills a part of the view and says how much, 0 at the end; then ``fault``
    says why it is not the proper end, if so.
    """

    fault: str

    def read_into(self, view: memoryview) -> int:
        """The next bytes; as many as there are at once, at least one before the end."""

    def close(self) -> None:
        """Close the file."""


def open_capture(path: str) -> CaptureBytes:
    """The bytes of a file, or of standard input for ``-``; compression is known by its magic.

    Errors: CaptureError when it cannot be opened.
    """
    try:
        if path == STANDARD_INPUT:
            raw: io.RawIOBase = io.FileIO(os.dup(sys.stdin.fileno()))
        else:
            raw = io.FileIO(path)
            if Path(path).is_file():
                os.posix_fadvise(raw.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
        plain = PlainBytes(raw)
    except OSError as error:
        raise CaptureError(
            f"cannot be read: {error.strerror}", where=path, hint=_opening_hint(error)
        ) from error
    if plain.head.startswith(GZIP_MAGIC):
        return GzipBytes(plain)
    return ZstdBytes(plain) if plain.head.startswith(ZSTD_MAGIC) else plain


def _opening_hint(error: OSError) -> str:
    if isinstance(error, IsADirectoryError):
        return "name a capture file, not a folder"
    if isinstance(error, PermissionError):
        return "check who may read it, or run with sudo"
    return "check the path"


class PlainBytes(io.RawIOBase):
    """Bytes as they lie in the file; ``head`` are the first of them."""

    def __init__(self, raw: io.RawIOBase) -> None:
        super().__init__()
        self.fault = ""
        self._raw = raw
        self.head = b""
        while len(self.head) < _MAGIC_BYTES:
            piece = raw.read(_MAGIC_BYTES - len(self.head))
            if not piece:
                break
            self.head += piece
        self._waiting = self.head

    def readable(self) -> bool:
        """For the readers of compressed data that take this as their file."""
        return True

    def read_into(self, view: memoryview) -> int:
        """The next bytes; a fault of the disk ends them."""
        if self._waiting:
            count = min(len(view), len(self._waiting))
            view[:count] = self._waiting[:count]
            self._waiting = self._waiting[count:]
            return count
        try:
            return self._raw.readinto(view) or 0
        except OSError as error:
            self.fault = f"reading stopped: {error.strerror}"
            return 0

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """As ``read_into``, under the library's name."""
        return self.read_into(memoryview(buffer))

    def close(self) -> None:
        """Close the file."""
        self._raw.close()
        super().close()


class GzipBytes:
    """Decompressed bytes of one gzip member after the other."""

    def __init__(self, plain: PlainBytes) -> None:
        self.fault = ""
        self._plain = plain
        self._inflater = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
        self._feed = plain.read(FEED_BYTES) or b""

    def read_into(self, view: memoryview) -> int:
        """The next bytes; what was decompressed before damage is given."""
        filled = 0
        while filled < len(view):
            count = self._piece(view[filled:])
            if not count:
                break
            filled += count
        return filled

    def _piece(self, view: memoryview) -> int:
        while not self.fault:
            if self._inflater.eof and not self._next_member():
                return 0
            if self._inflater.needs_input and not self._feed:
                self._feed = self._plain.read(FEED_BYTES) or b""
                if not self._feed:
                    self.fault = self._plain.fault or "the gzip data is cut"
                    return 0
            feed = self._feed if self._inflater.needs_input else b""
            try:
                piece = self._inflater.decompress(feed, max_length=len(view))
            except igzip_lib.error as error:  # type: ignore[misc]
                self.fault = f"the gzip data is damaged: {error}"
                return 0
            if feed:
                self._feed = b""
            if piece:
                view[: len(piece)] = piece
                return len(piece)
        return 0

    def _next_member(self) -> bool:
        """Begin the member that follows; False at the end."""
        rest = self._inflater.unused_data
        while not rest.lstrip(b"\0"):
            # Tapes and some writers fill the end with zeros.
            rest = self._plain.read(FEED_BYTES) or b""
            if not rest:
                self.fault = self._plain.fault
                return False
        rest = rest.lstrip(b"\0")
        if len(rest) < len(GZIP_MAGIC):
            rest += self._plain.read(FEED_BYTES) or b""
        if not rest.startswith(GZIP_MAGIC):
            self.fault = "something else follows the gzip data"
            return False
        self._inflater = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
        self._feed = rest
        return True

    def close(self) -> None:
        """Close the file."""
        self._plain.close()


class ZstdBytes:
    """Decompressed bytes of one zstd frame after the other."""

    def __init__(self, plain: PlainBytes) -> None:
        self.fault = ""
        self._plain = plain
        inflater = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW_BYTES_MAX)
        self._reader = inflater.stream_reader(
            cast("IO[bytes]", plain), read_size=FEED_BYTES, read_across_frames=True, closefd=False
        )

    def read_into(self, view: memoryview) -> int:
        """The next bytes; what was decompressed before damage is given."""
        filled = 0
        while filled < len(view) and not self.fault:
            try:
                # A piece at a time: the library gives nothing of one in which it meets damage.
                count = self._reader.readinto(view[filled : filled + FEED_BYTES])
            except zstandard.ZstdError as error:
                self.fault = f"the zstd data is damaged: {error}"
                break
            if not count:
                self.fault = self._plain.fault
                break
            filled += count
        return filled

    def close(self) -> None:
        """Close the file."""
        self._plain.close()
