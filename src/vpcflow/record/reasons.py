"""Why a line is not a record, and the lines themselves, kept for quarantine."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from vpcflow.record.field_spec import FieldKind
from vpcflow.record.log_format import LogFormat

#: A longer line is no record, whatever it holds; it is skipped in bounded memory.
LINE_BYTES_MAX = 65_536
#: How much of a bad line is kept.
BAD_LINE_BYTES_MAX = 4_096

#: How much of a bad value a message shows.
_SHOWN_CHARACTERS_MAX = 60
_BLANKS = re.compile(rb"[ \t]+")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class BadLineReason(IntEnum):
    """Why a line is not a record; the numbers are kept on disk and never change meaning.

    Where several hold, the first of this list is given, except that the count of the fields
    goes before the values.
    """

    TOO_LONG = 1
    CONTROL_BYTE = 2
    NOT_UTF8 = 3
    BAD_HEADER = 4
    TOO_FEW_FIELDS = 5
    TOO_MANY_FIELDS = 6
    NOT_A_NUMBER = 7
    OUT_OF_RANGE = 8
    NOT_AN_ADDRESS = 9
    WRONG_TYPE = 10
    NOT_JSON = 11
    NOT_CSV = 12
    NO_MESSAGE = 13
    NO_KNOWN_FIELD = 14
    FIELD_TWICE = 15
    SPACE_IN_VALUE = 16

    @property
    def text(self) -> str:
        """The reason in words, without the line."""
        return _TEXTS[self]


_TEXTS = {
    BadLineReason.TOO_LONG: f"the line is longer than {LINE_BYTES_MAX} bytes",
    BadLineReason.CONTROL_BYTE: "the line holds a control byte",
    BadLineReason.NOT_UTF8: "the line is not UTF-8 text",
    BadLineReason.BAD_HEADER: "the header is not a log format",
    BadLineReason.TOO_FEW_FIELDS: "the line has fewer fields than its log format",
    BadLineReason.TOO_MANY_FIELDS: "the line has more fields than its log format",
    BadLineReason.NOT_A_NUMBER: "a value is not a decimal number",
    BadLineReason.OUT_OF_RANGE: "a number is out of its field's range",
    BadLineReason.NOT_AN_ADDRESS: "a value is not an IPv4 or IPv6 address",
    BadLineReason.WRONG_TYPE: "a value has the wrong type",
    BadLineReason.NOT_JSON: "the line is not a JSON object",
    BadLineReason.NOT_CSV: "the line is not CSV",
    BadLineReason.NO_MESSAGE: "the object has no text named message",
    BadLineReason.NO_KNOWN_FIELD: "none of the names is a field of flow records",
    BadLineReason.FIELD_TWICE: "a field stands twice",
    BadLineReason.SPACE_IN_VALUE: "a value holds a blank",
}

#: What to do when no line could be read and the log format was only assumed.
FORMAT_HINT = (
    "no header names the fields, so the default format was assumed;"
    " if the flow log has its own format, give it with --log-format"
)


@dataclass(frozen=True)
class BadLines:
    """Lines of one object that are no records, in order.

    Shape: one entry a line in each array; ``offsets`` has one more and points into ``data``;
    ``fields`` is the index in ``log_format``, -1 for the line as a whole.
    Units: ``line_numbers`` count from 1; ``lengths`` are bytes without the newline, before the
    cut to BAD_LINE_BYTES_MAX.
    """

    line_numbers: npt.NDArray[np.int64]
    reasons: npt.NDArray[np.int16]
    fields: npt.NDArray[np.int16]
    offsets: npt.NDArray[np.int64]
    data: bytes
    lengths: npt.NDArray[np.int64]
    log_format: LogFormat
    format_assumed: bool = False

    def __len__(self) -> int:
        return len(self.line_numbers)

    def line(self, index: int) -> bytes:
        """The bytes of a line, cut to BAD_LINE_BYTES_MAX."""
        return self.data[int(self.offsets[index]) : int(self.offsets[index + 1])]

    def message(self, index: int) -> str:
        """One sentence for people: ``line 7: dstport is 70000, more than 65535``."""
        return f"line {int(self.line_numbers[index])}: {self._fault(index)}"

    @property
    def hint(self) -> str:
        """What to do about it, if that is known."""
        return FORMAT_HINT if self.format_assumed else ""

    def _fault(self, index: int) -> str:
        reason = BadLineReason(int(self.reasons[index]))
        if reason is BadLineReason.TOO_LONG:
            return f"{int(self.lengths[index])} bytes, more than {LINE_BYTES_MAX}"
        line = self.line(index)
        if reason is BadLineReason.CONTROL_BYTE:
            return _control_byte(line) or reason.text
        tokens = _BLANKS.split(line.removeprefix(_BYTE_ORDER_MARK).strip(b" \t\r\n"))
        if reason in (BadLineReason.TOO_FEW_FIELDS, BadLineReason.TOO_MANY_FIELDS):
            return self._count(len(tokens), cut=int(self.lengths[index]) > len(line))
        field = int(self.fields[index])
        if field < 0:
            return reason.text
        if len(tokens) != len(self.log_format.names):  # not plain text, or cut
            return f"{self.log_format.names[field]}: {reason.text}"
        return self._value(reason, field, _shown(tokens[field]))

    def _count(self, found: int, *, cut: bool) -> str:
        expected = len(self.log_format.names)
        which = "the default format" if self.format_assumed else "the log format"
        at_least = "at least " if cut else ""
        return f"{at_least}{found} field{'' if found == 1 else 's'}, {which} has {expected}"

    def _value(self, reason: BadLineReason, field: int, shown: str) -> str:
        name = self.log_format.names[field]
        if reason is BadLineReason.OUT_OF_RANGE:
            spec = self.log_format.specs[field]
            limit = spec.value_max if spec else None
            if limit is None:
                limit = 2**31 - 1 if self.log_format.kinds[field] is FieldKind.INT32 else 2**63 - 1
            return f"{name} is {shown}, more than {limit}"
        if reason is BadLineReason.NOT_A_NUMBER:
            return f"{name} is {shown}, not a decimal number"
        if reason is BadLineReason.NOT_AN_ADDRESS:
            return f"{name} is {shown}, not an IPv4 or IPv6 address"
        return f"{name}: {reason.text}"


def _control_byte(line: bytes) -> str:
    text = line.removesuffix(b"\r")
    for position, byte in enumerate(text):
        if (byte < 0x20 and byte != 0x09) or byte == 0x7F:
            return f"control byte 0x{byte:02x} at position {position + 1}"
    return ""


def _shown(value: bytes) -> str:
    text = value.decode("utf-8", "backslashreplace")
    if len(text) > _SHOWN_CHARACTERS_MAX:
        return text[:_SHOWN_CHARACTERS_MAX] + "..."
    return text
