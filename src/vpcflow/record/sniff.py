"""Which encoding a file has, told from its first bytes; a name is never asked."""

from __future__ import annotations

import re
from enum import StrEnum

#: The first bytes that are enough to tell.
SNIFF_BYTES = 65_536

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_PARQUET = b"PAR1"
_ISO_TIME_LINE = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[^ ,]* ")
_ISO_TIME_FIELD = re.compile(rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")
_DOCUMENT = re.compile(rb'"(?:logEvents|events)"\s*:\s*\[')
_MESSAGE = re.compile(rb'[{,]\s*"@?message"\s*:\s*"')
_KNOWN_FILES: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xfe", "UTF-16 text; write it as UTF-8, for example with iconv -f UTF-16 -t UTF-8"),
    (b"\xfe\xff", "UTF-16 text; write it as UTF-8, for example with iconv -f UTF-16 -t UTF-8"),
    (b"PK\x03\x04", "a zip archive; unpack it first"),
    (b"BZh", "compressed with bzip2; decompress it, or use gzip or zstd"),
    (b"\xfd7zXZ\x00", "compressed with xz; decompress it, or use gzip or zstd"),
    (b"\x1f\x8b", "gzip inside of gzip; decompress it once"),
    (b"ORC", "an ORC file; write it as Parquet"),
    (b"Obj\x01", "an Avro file; write it as Parquet or JSON lines"),
    (b"ARROW1", "an Arrow file; write it as Parquet"),
    (b"\xd4\xc3\xb2\xa1", "a packet capture, not flow records"),
    (b"\xa1\xb2\xc3\xd4", "a packet capture, not flow records"),
    (b"\x4d\x3c\xb2\xa1", "a packet capture, not flow records"),
    (b"\x0a\x0d\x0d\x0a", "a packet capture, not flow records"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"%PDF", "a PDF document"),
    (b"\x7fELF", "a program"),
)


class Encoding(StrEnum):
    """How flow records stand in an object."""

    TEXT = "text"
    CSV = "csv"
    JSON_LINES = "json-lines"
    FIREHOSE = "firehose"
    CLOUDWATCH_EXPORT = "cloudwatch-export"
    CLOUDWATCH_DOCUMENT = "cloudwatch-document"
    PARQUET = "parquet"


def sniff(head: bytes) -> Encoding | None:
    """The encoding of an object that begins with ``head`` (SNIFF_BYTES are enough), None if unknown.

    Shape: an empty object, and one of nothing but blanks, is text without lines.
    """
    if head.startswith(_PARQUET):
        return Encoding.PARQUET
    if why_unknown(head):
        return None
    text = head.removeprefix(_BYTE_ORDER_MARK).lstrip(b" \t\r\n")
    if text[:1] == b"{" or (text[:1] == b"[" and text[1:].lstrip()[:1] in (b"{", b"")):
        return _json_encoding(text)
    return _line_encoding(text.partition(b"\n")[0].rstrip())


def why_unknown(head: bytes) -> str:
    """What ``head`` is instead of flow records, for people; empty when it may be flow records."""
    for magic, what in _KNOWN_FILES:
        if head.startswith(magic):
            return f"it is {what}" if not what.startswith("compressed") else f"it was {what}"
    line = head.removeprefix(_BYTE_ORDER_MARK).partition(b"\n")[0][:4096]
    odd = sum(byte < 0x20 and byte not in b"\t\r\n" for byte in line)
    if b"\x00" in line or odd * 10 > len(line):
        return "it is binary, in no format that holds flow records"
    return ""


def _json_encoding(text: bytes) -> Encoding:
    first = text[: text.find(b"}") + 1] if b"}" in text else text
    if _DOCUMENT.search(first):
        return Encoding.CLOUDWATCH_DOCUMENT
    return Encoding.FIREHOSE if _MESSAGE.search(first) else Encoding.JSON_LINES


def _line_encoding(line: bytes) -> Encoding:
    if _ISO_TIME_LINE.match(line):
        return Encoding.CLOUDWATCH_EXPORT
    fields = [field.strip(b' "\t') for field in line.split(b",")]
    if len(fields) < 2:
        return Encoding.TEXT
    if any(field.lower() in (b"message", b"@message") for field in fields):
        return Encoding.CLOUDWATCH_EXPORT
    timed = fields[0].isdigit() or _ISO_TIME_FIELD.match(fields[0])
    if timed and b" " in fields[1]:
        return Encoding.CLOUDWATCH_EXPORT
    # A blank in the first field of several: plain text with a comma somewhere.
    return Encoding.TEXT if b" " in fields[0] else Encoding.CSV
