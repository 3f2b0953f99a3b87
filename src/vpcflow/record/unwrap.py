"""Decoders of wrapped streams: each line is unwrapped by a kernel and then read as plain text.

One validator, the text decoder's, judges every record; what is counted here is only what could
not be unwrapped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from vpcflow.record.batch import BATCH_RECORDS_MAX, FlowBatch, Origin
from vpcflow.record.column_names import is_account, is_tag
from vpcflow.record.field_spec import FieldKind
from vpcflow.record.log_format import LogFormat, default_format
from vpcflow.record.reasons import BAD_LINE_BYTES_MAX, BadLineReason, BadLines
from vpcflow.record.text import Decoded, TextDecoder
from vpcflow.record.unwrap_kernels import (
    AFTER_OBJECT,
    ASK,
    DONE,
    FAULT_PLACES,
    FAULTS,
    FIELD_TWICE,
    INCOMPLETE,
    IS_ACCOUNT,
    IS_ADDRESS,
    IS_KNOWN,
    IS_LOOSE,
    IS_NUMBER,
    LINE_BYTES_MAX,
    NESTED_VALUE,
    NO_KNOWN_FIELD,
    NO_MESSAGE,
    NOT_CSV,
    NOT_JSON,
    NOT_TEXT,
    OUT_BYTES,
    POSITION,
    SPACE_IN_VALUE,
    SPAN_END,
    SPAN_START,
    STATE_PLACES,
    STATUS,
    TOO_LONG,
    TOO_MANY_FIELDS,
    UNITS,
)

#: How much of a stream is unwrapped at a time.
PIECE_BYTES_MAX = 4 * 1024 * 1024
#: Room for the plain text of one step of a kernel.
PLAIN_BYTES_MAX = 4 * 1024 * 1024
#: Objects are looked for in a line that is not complete once it is this long.
OBJECT_TRY_BYTES_MIN = 32 * 1024

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_REASONS = {
    NOT_JSON: BadLineReason.NOT_JSON,
    INCOMPLETE: BadLineReason.NOT_JSON,
    NOT_CSV: BadLineReason.NOT_CSV,
    NO_MESSAGE: BadLineReason.NO_MESSAGE,
    NO_KNOWN_FIELD: BadLineReason.NO_KNOWN_FIELD,
    FIELD_TWICE: BadLineReason.FIELD_TWICE,
    SPACE_IN_VALUE: BadLineReason.SPACE_IN_VALUE,
    TOO_LONG: BadLineReason.TOO_LONG,
    TOO_MANY_FIELDS: BadLineReason.TOO_MANY_FIELDS,
    NESTED_VALUE: BadLineReason.WRONG_TYPE,
    NOT_TEXT: BadLineReason.NOT_UTF8,
}


class Decoder(Protocol):
    """What turns the bytes of one object into flow batches and bad lines."""

    @property
    def log_format(self) -> LogFormat | None:
        """The format of the lines read last; None before the first."""

    def feed(self, data: bytes | memoryview) -> Decoded:
        """Take the next bytes, cut anywhere."""

    def finish(self, *, take_unterminated: bool = True) -> Decoded:
        """Take what is left; a line without its end only when told."""


def column_flags(log_format: LogFormat) -> npt.NDArray[np.int64]:
    """What each column of a format wants of a value, for the kernels."""
    flags = np.zeros(len(log_format.names), np.int64)
    parts = zip(log_format.names, log_format.specs, log_format.kinds, strict=True)
    for index, (name, spec, kind) in enumerate(parts):
        if kind in (FieldKind.INT32, FieldKind.INT64):
            flags[index] |= IS_NUMBER
        if kind is FieldKind.ADDRESS:
            flags[index] |= IS_ADDRESS
        if spec is not None:
            flags[index] |= IS_KNOWN
        if spec is None or is_tag(name):
            flags[index] |= IS_LOOSE
        if is_account(name):
            flags[index] |= IS_ACCOUNT
    return flags


def bad_lines(
    log_format: LogFormat,
    entries: Sequence[tuple[int, BadLineReason, int, bytes, int]],
) -> BadLines:
    """Bad lines from (line number, reason, field, bytes, true length) each."""
    cut = [data[:BAD_LINE_BYTES_MAX] for _, _, _, data, _ in entries]
    offsets = np.zeros(len(entries) + 1, np.int64)
    np.cumsum([len(data) for data in cut], out=offsets[1:])
    return BadLines(
        line_numbers=np.array([entry[0] for entry in entries], np.int64),
        reasons=np.array([entry[1] for entry in entries], np.int16),
        fields=np.array([entry[2] for entry in entries], np.int16),
        offsets=offsets,
        data=b"".join(cut),
        lengths=np.array([entry[4] for entry in entries], np.int64),
        log_format=log_format,
    )


class UnwrappingDecoder:
    """What the decoders of all wrapped streams share: pieces, lines, faults, the text decoder.

    Shape: a subclass runs its kernel in ``_step`` and answers its questions in ``_answer``.
    """

    #: Whether a unit may end before a newline, as one JSON object after another may.
    _ends_without_newline = False

    def __init__(
        self,
        origin: Origin,
        log_format: LogFormat | None = None,
        *,
        line_number: int = 0,
        flow_log_id: str | None = None,
    ) -> None:
        self._origin = origin
        self._flow_log_id = flow_log_id
        self._lines = line_number
        self._bytes = 0
        self._starts = line_number == 0
        self._carry = bytearray()
        self._long_line = b""
        self._long_bytes = 0
        self._batches: list[FlowBatch] = []
        self._bad: list[BadLines] = []
        self._plain = np.empty(PLAIN_BYTES_MAX, np.uint8)
        self._plain_start = self._plain.ctypes.data
        self._plain_end = self._plain_start + PLAIN_BYTES_MAX
        self._faults = np.zeros((BATCH_RECORDS_MAX, FAULT_PLACES), np.int64)
        self._state = np.zeros(STATE_PLACES, np.int64)
        self._state[AFTER_OBJECT] = line_number > 0
        self._text = self._text_decoder(log_format)

    @property
    def log_format(self) -> LogFormat | None:
        """The format of the lines read last; None before the first."""
        return self._text.log_format

    def feed(self, data: bytes | memoryview) -> Decoded:
        """Take the next bytes, cut anywhere; at most LINE_BYTES_MAX of them are carried."""
        view = memoryview(data).cast("B")
        for start in range(0, len(view), PIECE_BYTES_MAX):
            self._feed_piece(view[start : start + PIECE_BYTES_MAX])
        return self._decoded()

    def finish(self, *, take_unterminated: bool = True) -> Decoded:
        """Take what is left; a line without its newline only when told."""
        if self._long_bytes:
            if take_unterminated:
                self._end_long_line(0)
        elif self._carry and (take_unterminated or self._ends_without_newline):
            self._take(self._carry, len(self._carry), take_unterminated)
        self._keep(self._text.finish())
        return self._decoded()

    def _feed_piece(self, piece: memoryview) -> None:
        if self._long_bytes:
            rest = bytes(piece)
            cut = rest.find(b"\n") + 1
            if not cut:
                self._long_bytes += len(rest)
                return
            self._end_long_line(cut)
            piece = piece[cut:]
        carried = len(self._carry)
        data = self._carry
        data += piece
        cut = data.rfind(b"\n", carried) + 1
        self._carry = data[self._take(data, cut, False) :] if cut else data
        if self._ends_without_newline and len(self._carry) >= OBJECT_TRY_BYTES_MIN:
            self._carry = self._carry[self._take(self._carry, len(self._carry), False) :]
        if len(self._carry) > LINE_BYTES_MAX:
            self._long_line = bytes(self._carry[:BAD_LINE_BYTES_MAX])
            self._long_bytes = len(self._carry)
            self._carry = bytearray()

    def _end_long_line(self, rest_bytes: int) -> None:
        """Count the line that was too long to carry; ``rest_bytes`` of it came with its newline."""
        length = self._long_bytes + max(rest_bytes - 1, 0)
        entry = (self._lines + 1, BadLineReason.TOO_LONG, -1, self._long_line, length)
        self._bad.append(bad_lines(self._text.log_format or default_format(), [entry]))
        self._lines += 1
        self._bytes += self._long_bytes + rest_bytes
        self._long_line, self._long_bytes = b"", 0
        self._keep(self._text.feed(b"\n"))

    def _take(self, data: bytearray, end: int, final: bool) -> int:
        """Unwrap and read data[:end]; hand back how much of it is done."""
        memory = np.frombuffer(data, np.uint8)  # keeps the bytes where they are
        first = memory.ctypes.data
        state = self._state
        state[POSITION] = first
        if self._starts:
            self._starts = False
            if data.startswith(_BYTE_ORDER_MARK):
                state[POSITION] += len(_BYTE_ORDER_MARK)
        while True:
            self._step(first + end, final)
            self._read_plain(data, first)
            if state[STATUS] == DONE:
                break
            if state[STATUS] == ASK:
                self._answer(data, int(state[SPAN_START]) - first, int(state[SPAN_END]) - first)
        self._bytes += int(state[POSITION]) - first
        return int(state[POSITION]) - first

    def _step(self, end: int, final: bool) -> None:
        raise NotImplementedError

    def _answer(self, data: bytearray, start: int, end: int) -> None:
        raise NotImplementedError

    def _read_plain(self, data: bytearray, first: int) -> None:
        """Read the lines of the kernel's step and keep its faults; data lies at ``first``."""
        state = self._state
        if state[OUT_BYTES]:
            self._keep(self._text.feed(self._plain[: int(state[OUT_BYTES])].data))
        entries = []
        for unit, fault, field, start, end in self._faults[: int(state[FAULTS])].tolist():
            line = bytes(data[start - first : end - first]).rstrip(b"\r\n")
            entries.append((self._lines + unit + 1, _REASONS[fault], field, line, len(line)))
        if entries:
            self._bad.append(bad_lines(self._text.log_format or default_format(), entries))
        self._lines += int(state[UNITS])

    def _switch_format(self, log_format: LogFormat) -> None:
        """Read the lines from here on in another format."""
        self._keep(self._text.finish())
        self._text = self._text_decoder(log_format)

    def _text_decoder(self, log_format: LogFormat | None) -> TextDecoder:
        return TextDecoder(
            self._origin,
            log_format,
            line_number=self._lines,
            flow_log_id=self._flow_log_id,
        )

    def _keep(self, decoded: Decoded) -> None:
        self._batches += decoded.batches
        self._bad += decoded.bad

    def _decoded(self) -> Decoded:
        parts: dict[str, Any] = {"batches": self._batches, "bad": self._bad}
        self._batches, self._bad = [], []
        return Decoded(**parts, bytes_done=self._bytes, lines_done=self._lines)
