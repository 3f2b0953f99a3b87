"""Reading plain text slowly and plainly: what the kernel must agree with, line for line.

Nothing imports this but tests.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field

from vpcflow.base.errors import FormatError
from vpcflow.record.field_spec import FieldKind, FieldSpec
from vpcflow.record.fields import FIELDS_BY_NAME
from vpcflow.record.log_format import LogFormat, default_format
from vpcflow.record.reasons import BAD_LINE_BYTES_MAX, LINE_BYTES_MAX, BadLineReason

Value = int | bytes | str | None

_FIELD_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_WRAPPED = re.compile(r"\$\{(.*)\}")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class ReferenceBadLine:
    """One line that is no record."""

    line_number: int
    reason: BadLineReason
    field: int
    data: bytes
    length: int
    log_format: LogFormat


@dataclass
class ReferenceDecoded:
    """All records and bad lines of one object, in order."""

    records: list[tuple[LogFormat, tuple[Value, ...]]] = field(default_factory=list)
    bad: list[ReferenceBadLine] = field(default_factory=list)
    lines: int = 0


class _BadLineError(Exception):
    def __init__(self, reason: BadLineReason, index: int = -1) -> None:
        self.reason = reason
        self.index = index
        super().__init__(reason.text)


def decode_reference(data: bytes, log_format: LogFormat | None = None) -> ReferenceDecoded:
    """Decode a whole object, the last line with or without its newline."""
    result = ReferenceDecoded()
    is_open = log_format is None
    in_use = log_format or default_format()
    lines = data.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    for number, line in enumerate(lines, start=1):
        result.lines = number
        try:
            words = _words(line)
            if not words:
                continue
            names = _header_names(words, None if is_open else in_use)
            if names is not None:
                try:
                    in_use = LogFormat(tuple(names))
                except FormatError:
                    raise _BadLineError(BadLineReason.BAD_HEADER) from None
                is_open = False
                continue
            is_open = False
            result.records.append((in_use, _record(words, in_use)))
        except _BadLineError as bad:
            is_open = False
            kept = line[:BAD_LINE_BYTES_MAX]
            result.bad.append(
                ReferenceBadLine(number, bad.reason, bad.index, kept, len(line), in_use)
            )
    return result


def _words(line: bytes) -> list[str]:
    if len(line) > LINE_BYTES_MAX:
        raise _BadLineError(BadLineReason.TOO_LONG)
    line = line.removesuffix(b"\r")
    if any((byte < 0x20 and byte != 0x09) or byte == 0x7F for byte in line):
        raise _BadLineError(BadLineReason.CONTROL_BYTE)
    try:
        text = line.removeprefix(_BYTE_ORDER_MARK).decode("utf-8")
    except UnicodeDecodeError:
        raise _BadLineError(BadLineReason.NOT_UTF8) from None
    return [word for word in re.split("[ \t]", text) if word]


def _header_names(words: list[str], in_use: LogFormat | None) -> list[str] | None:
    """The field ids, when the line is a header."""
    names = []
    for word in words:
        wrapped = _WRAPPED.fullmatch(word)
        name = wrapped.group(1) if wrapped else word
        if not _FIELD_ID.fullmatch(name):
            return None
        names.append(name)
    known = sum(name in FIELDS_BY_NAME for name in names)
    if in_use is None:
        return names if known else None
    if tuple(names) == in_use.names:
        return names
    return names if len(names) > 1 and 2 * known >= len(names) else None


def _record(words: list[str], log_format: LogFormat) -> tuple[Value, ...]:
    if len(words) < len(log_format.names):
        raise _BadLineError(BadLineReason.TOO_FEW_FIELDS)
    if len(words) > len(log_format.names):
        raise _BadLineError(BadLineReason.TOO_MANY_FIELDS)
    return tuple(
        _value(word, index, log_format.kinds[index], log_format.specs[index])
        for index, word in enumerate(words)
    )


def _value(word: str, index: int, kind: FieldKind, spec: FieldSpec | None) -> Value:
    if word == "-":
        return None
    if kind is FieldKind.TEXT:
        return word
    if kind is FieldKind.ADDRESS:
        return _address(word, index)
    if not re.fullmatch("[0-9]+", word):
        raise _BadLineError(BadLineReason.NOT_A_NUMBER, index)
    largest = 2**31 - 1 if kind is FieldKind.INT32 else 2**63 - 1
    if spec is not None and spec.value_max is not None:
        largest = spec.value_max
    digits = word.lstrip("0") or "0"
    if len(digits) > 19 or int(digits) > largest:
        raise _BadLineError(BadLineReason.OUT_OF_RANGE, index)
    return int(digits)


def _address(word: str, index: int) -> bytes:
    if "%" in word:  # a zone
        raise _BadLineError(BadLineReason.NOT_AN_ADDRESS, index)
    try:
        address = ipaddress.ip_address(word)
    except ValueError:
        raise _BadLineError(BadLineReason.NOT_AN_ADDRESS, index) from None
    if address.version == 4:
        return bytes(10) + b"\xff\xff" + address.packed
    return address.packed
