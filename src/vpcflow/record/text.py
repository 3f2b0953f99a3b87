"""Plain text records, both ways, byte-exact with AWS.

What is read is what AWS writes and what people make of it: a header may come first (or anywhere,
when files were joined), bare or as ``${version} ${srcaddr}``; blanks may be doubled, tabs, or
stand at the ends; lines may end in CRLF and start with a byte order mark; blank lines are skipped.
``-`` is null and ``0`` a value, for every field. Numbers are decimal digits within the bounds
of their field; leading zeros are read and not written again. Text is any word of UTF-8 without
control bytes: a new action or service of AWS is kept as it stands.

A header describes the lines after it, so it wins over the format that was given. A line is taken
for a header when every word is a field id and, where the format is known, there are at least two
and half of them are in the registry; where it is not known, one of them must be.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from vpcflow.base.errors import FormatError
from vpcflow.record import text_plan as of
from vpcflow.record.batch import BATCH_RECORDS_MAX, FlowBatch, Origin
from vpcflow.record.field_spec import FieldKind
from vpcflow.record.fields import FIELDS_BY_NAME
from vpcflow.record.log_format import LogFormat, default_format
from vpcflow.record.reasons import (
    BAD_LINE_BYTES_MAX,
    LINE_BYTES_MAX,
    BadLineReason,
    BadLines,
)
from vpcflow.record.text_columns import ColumnBlock, TextDictionary, make_plan, make_schema

#: Formats whose dictionaries a decoder keeps while a file goes from one to the other.
FORMATS_KEPT_MAX = 8

_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f]")
_PADDING = bytes(16)
#: The first guess of a line's length, by field.
_FIELD_BYTES_GUESS = 7
_WINDOW_BYTES = 65_536
_BAD_LINES_FIRST, _BAD_LINES_MAX = 64, 65_536


@dataclass(frozen=True)
class Decoded:
    """What came out of one call of a decoder.

    Shape: batches and bad lines in order; ``bytes_done`` and ``lines_done`` are totals since the
    start of the object (of the decoder's input), at the end of a line: a safe place to resume.
    """

    batches: list[FlowBatch] = field(default_factory=list)
    bad: list[BadLines] = field(default_factory=list)
    bytes_done: int = 0
    lines_done: int = 0


def _hash_name(name: str) -> int:
    """FNV-1a in 64 bits, as in the kernel."""
    hashed = 0xCBF29CE484222325
    for byte in name.encode():
        hashed = ((hashed ^ byte) * 0x100000001B3) & (2**64 - 1)
    return hashed


_NAME_HASHES = np.array([_hash_name(name) for name in FIELDS_BY_NAME], dtype=np.uint64)


class _FormatInUse:
    """A log format with all that the kernel needs to decode it."""

    def __init__(self, log_format: LogFormat) -> None:
        self.log_format = log_format
        self.plan = make_plan(log_format)
        self.schema = make_schema(log_format)
        texts = sum(kind is FieldKind.TEXT for kind in log_format.kinds)
        self.texts = np.zeros((max(1, texts), of.TEXTS_LENGTH), dtype=np.int64)
        self.dictionaries = [TextDictionary(self.texts[i]) for i in range(texts)]
        self.header = np.frombuffer(log_format.header.encode() + _PADDING, dtype=np.uint8)
        self.all_text = texts == len(log_format.names)
        self.line_bytes = float(_FIELD_BYTES_GUESS * len(log_format.names))

    def renew_dictionaries(self) -> None:
        """Give up dictionaries that have grown to their bounds."""
        for dictionary in self.dictionaries:
            if dictionary.is_large:
                dictionary.reset()


class TextDecoder:
    """Decodes one object of plain text, fed in pieces of any size.

    Shape: ``log_format`` None means that the first line decides: a header, else the default
    format is assumed. Whoever resumes in mid-file gives the format and ``line_number``, the lines
    done before.
    Errors: none for bad input; every bad line is in ``Decoded.bad``.
    """

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
        self._given = log_format is not None
        self._formats: dict[LogFormat, _FormatInUse] = {}
        self._block: ColumnBlock | None = None
        self._held = bytearray()  # the start of a line that goes on in the next piece
        self._skipped_bytes = 0  # of a line that is too long, beside what is held
        self._bytes_fed = 0
        self._bytes_done = 0
        self._bytes_told = 0
        self._lines_told = line_number
        self._batches: list[FlowBatch] = []
        self._bad_lines: list[BadLines] = []
        state = np.zeros(of.STATE_LENGTH, dtype=np.int64)
        state[of.LINE] = line_number
        state[of.SEED] = secrets.randbits(62)
        state[of.FORMAT_OPEN] = log_format is None
        state[of.NAMES_AT] = _NAME_HASHES.ctypes.data
        state[of.NAMES] = len(_NAME_HASHES)
        self._state = state
        self._make_bad_room(_BAD_LINES_FIRST)
        self._use(log_format or default_format())

    @property
    def log_format(self) -> LogFormat | None:
        """The format in use; None until the first line has decided it."""
        return None if self._state[of.FORMAT_OPEN] else self._format.log_format

    def feed(self, data: bytes | bytearray | memoryview) -> Decoded:
        """Decode the lines that ``data`` completes."""
        view = memoryview(data).cast("B")
        start = 0
        self._bytes_fed += len(view)
        if self._held or self._skipped_bytes:
            start = _find_newline(view) + 1
            self._hold(view[: start or len(view)])
            if start == 0:
                return self._decoded()
            self._run_held()
        last = _find_last_newline(view, start, len(view)) + 1
        if last > start:
            # The kernel reads words: the lines at the very end are copied to where they may be
            # overrun.
            inner = _find_last_newline(view, start, len(view) - len(_PADDING)) + 1
            if inner > start:
                self._run(np.frombuffer(view, dtype=np.uint8), start, inner)
                start = inner
            if last > start:
                self._run_copy(bytes(view[start:last]))
                start = last
        self._hold(view[start:])
        return self._decoded()

    def finish(self, *, take_unterminated: bool = True) -> Decoded:
        """Decode the last line, if it has no newline; or leave it, as it may still grow."""
        if take_unterminated and (self._held or self._skipped_bytes):
            self._hold(memoryview(b"\n"))
            self._run_held()
            self._bytes_done -= 1
        return self._decoded()

    # -- pieces and lines

    def _hold(self, part: memoryview) -> None:
        """Keep the start of a line; of one that is too long, only its first bytes."""
        room = LINE_BYTES_MAX + 1 - len(self._held)  # one more, for the newline
        if self._skipped_bytes == 0 and len(part) <= room:
            self._held += part
            return
        kept = max(0, BAD_LINE_BYTES_MAX - len(self._held))
        held_bytes = len(self._held) + len(part)
        self._held += part[:kept]
        del self._held[BAD_LINE_BYTES_MAX:]
        self._skipped_bytes += held_bytes - len(self._held)

    def _run_held(self) -> None:
        """Decode the line that is held; its newline has come."""
        if self._skipped_bytes == 0:
            self._run_copy(bytes(self._held))
        else:
            length = len(self._held) + self._skipped_bytes
            self._take_bad_line(bytes(self._held), BadLineReason.TOO_LONG, length - 1)
            self._bytes_done += length
        self._held.clear()
        self._skipped_bytes = 0

    def _run_copy(self, lines: bytes) -> None:
        self._run(np.frombuffer(lines + _PADDING, dtype=np.uint8), 0, len(lines))

    def _run(self, memory: npt.NDArray[np.uint8], start: int, end: int) -> None:
        """Decode whole lines; ``memory`` goes on for some bytes after ``end``."""
        from vpcflow.record.text_kernels import decode_lines

        state = self._state
        first = memory.ctypes.data
        state[of.AT] = first + start
        state[of.END] = first + end
        self._bytes_done += end - start
        while True:
            if self._block is None:
                self._make_block()
            in_use = self._format
            decode_lines(state, in_use.plan, in_use.texts, self._bad)
            status = state[of.STATUS]
            if status == of.DONE:
                return
            if status == of.FULL_ROWS:
                decoded_bytes = self._block_bytes_ahead - self._bytes_ahead()
                self._learn_line_bytes(decoded_bytes / int(state[of.ROWS_MAX]))
                self._close_block()
            elif status == of.FULL_TEXT:
                self._grow_dictionaries()
            elif status == of.FULL_BAD:
                self._close_bad_lines()
                self._make_bad_room(min(2 * len(self._bad), _BAD_LINES_MAX))
            else:
                self._take_header(memory, int(state[of.AT]) - first)

    def _take_header(self, memory: npt.NDArray[np.uint8], start: int) -> None:
        """The kernel stopped at a line of field ids: change the format, or count it as bad."""
        line = memory[start : start + LINE_BYTES_MAX + 1].tobytes().partition(b"\n")[0]
        self._state[of.AT] += len(line) + 1
        text = line.decode("utf-8-sig").replace("${", "").replace("}", "")
        try:
            log_format = LogFormat.from_header(text)
        except FormatError:
            self._take_bad_line(line[:BAD_LINE_BYTES_MAX], BadLineReason.BAD_HEADER, len(line))
            return
        self._state[of.LINE] += 1
        if log_format != self._format.log_format:
            self._close_block()
            self._close_bad_lines()
            self._use(log_format)
        self._state[of.FORMAT_OPEN] = 0
        self._given = True

    def _use(self, log_format: LogFormat) -> None:
        """Decode what follows in this format."""
        in_use = self._formats.pop(log_format, None) or _FormatInUse(log_format)
        self._formats[log_format] = in_use
        if len(self._formats) > FORMATS_KEPT_MAX:
            del self._formats[next(iter(self._formats))]
        self._format = in_use
        self._state[of.ALL_TEXT] = in_use.all_text
        self._state[of.HEADER_AT] = in_use.header.ctypes.data
        self._state[of.HEADER_BYTES] = len(in_use.header) - len(_PADDING)

    # -- columns

    def _make_block(self) -> None:
        """Room for as many rows as the bytes ahead seem to hold, and some more."""
        bytes_ahead = self._bytes_ahead()
        line_bytes = self._format.line_bytes / 1.1
        if bytes_ahead <= _WINDOW_BYTES:  # cheap enough to have room for the shortest lines
            line_bytes = 2 * len(self._format.log_format.names)
        rows = min(int(bytes_ahead / line_bytes) + 16, BATCH_RECORDS_MAX)
        self._block = ColumnBlock(self._format.log_format, self._format.plan, rows)
        self._state[of.ROW] = 0
        self._state[of.ROWS_MAX] = rows
        self._block_bytes_ahead = bytes_ahead

    def _bytes_ahead(self) -> int:
        """What was fed and is not decoded."""
        left = self._state[of.END] - self._state[of.AT]
        return self._bytes_fed - self._bytes_done + int(left)

    def _learn_line_bytes(self, line_bytes: float) -> None:
        self._format.line_bytes = max(2.0 * len(self._format.log_format.names), line_bytes)

    def _close_block(self) -> None:
        """Make a batch of the rows so far."""
        block, rows, in_use = self._block, int(self._state[of.ROW]), self._format
        self._block = None
        self._state[of.ROW] = 0
        if block is None or rows == 0:
            return
        arrays = block.arrays(rows, in_use.dictionaries)
        records = pa.RecordBatch.from_arrays(arrays, schema=in_use.schema)
        self._batches.append(FlowBatch(records, self._origin, self._flow_log_id))
        in_use.renew_dictionaries()

    def _grow_dictionaries(self) -> None:
        """Give the dictionaries more room, or start new ones when they are at their bounds."""
        if any(dictionary.is_large for dictionary in self._format.dictionaries):
            self._close_block()
            self._format.renew_dictionaries()
        self._format.dictionaries[int(self._state[of.FULL_SLOT])].make_room()

    # -- bad lines

    def _make_bad_room(self, lines_max: int) -> None:
        self._bad = np.zeros((lines_max, of.BAD_WIDTH), dtype=np.int64)
        self._bad_data = np.empty(max(2 * BAD_LINE_BYTES_MAX, 128 * lines_max), dtype=np.uint8)
        self._state[of.BAD] = self._state[of.BAD_BYTES] = 0
        self._state[of.BAD_MAX] = lines_max
        self._state[of.BAD_BYTES_MAX] = len(self._bad_data)
        self._state[of.BAD_DATA] = self._bad_data.ctypes.data

    def _take_bad_line(self, kept: bytes, reason: BadLineReason, length: int) -> None:
        """Count a line as bad that the kernel did not judge."""
        state = self._state
        used = int(state[of.BAD_BYTES])
        if state[of.BAD] == state[of.BAD_MAX] or used + len(kept) > state[of.BAD_BYTES_MAX]:
            self._close_bad_lines()
            used = 0
        self._bad_data[used : used + len(kept)] = np.frombuffer(kept, dtype=np.uint8)
        self._bad[int(state[of.BAD])] = (
            state[of.LINE] + 1,
            reason,
            -1,
            used + len(kept),
            length,
        )
        state[of.BAD] += 1
        state[of.BAD_BYTES] = used + len(kept)
        state[of.LINE] += 1
        state[of.FORMAT_OPEN] = 0

    def _close_bad_lines(self) -> None:
        """Make the bad lines so far ready to be handed out."""
        count = int(self._state[of.BAD])
        if count == 0:
            return
        rows = self._bad[:count]
        self._bad_lines.append(
            BadLines(
                line_numbers=rows[:, of.BAD_LINE].copy(),
                reasons=rows[:, of.BAD_REASON].astype(np.int16),
                fields=rows[:, of.BAD_FIELD].astype(np.int16),
                offsets=np.concatenate([np.zeros(1, np.int64), rows[:, of.BAD_END]]),
                data=self._bad_data[: int(self._state[of.BAD_BYTES])].tobytes(),
                lengths=rows[:, of.BAD_LENGTH].copy(),
                log_format=self._format.log_format,
                format_assumed=not self._given,
            )
        )
        self._state[of.BAD] = self._state[of.BAD_BYTES] = 0

    def _decoded(self) -> Decoded:
        """Hand out what was decoded since the last call."""
        self._close_block()
        self._close_bad_lines()
        lines_done = int(self._state[of.LINE])
        if lines_done > self._lines_told:
            told = (self._bytes_done - self._bytes_told) / (lines_done - self._lines_told)
            self._learn_line_bytes(told)
            self._bytes_told, self._lines_told = self._bytes_done, lines_done
        decoded = Decoded(self._batches, self._bad_lines, self._bytes_done, lines_done)
        self._batches, self._bad_lines = [], []
        return decoded


def encode_text(
    batch: FlowBatch | pa.RecordBatch, log_format: LogFormat, *, header: bool = False
) -> bytes:
    """Print records as AWS does: values in the order of the format, one space between.

    Shape: a column that the batch lacks is null in every row. A blank or control byte in a text,
    which no line can hold, is percent-encoded, as AWS does with tags; so is a text that is only
    ``-``; an empty text is written as ``-``.
    Errors: RecordError when a column has a type that no field has.
    """
    from vpcflow.record.line_encoder import ColumnStyle, encode_lines

    records = batch.records if isinstance(batch, FlowBatch) else batch
    held = set(records.schema.names)
    columns = [
        printable_column(records.column(name)) if name in held else None
        for name in log_format.columns
    ]
    styles = [ColumnStyle(b" ", b"", b" -") for _ in columns]
    styles[0] = ColumnStyle(b"", b"", b"-")
    lines = encode_lines(columns, styles, records.num_rows)
    return log_format.header.encode() + b"\n" + lines if header else lines


def printable_column(column: pa.Array) -> pa.Array:
    """A text column whose values may stand in a line; the others as they are."""
    if pa.types.is_string(column.type):
        column = column.dictionary_encode()
    if not pa.types.is_dictionary(column.type):
        return column
    dictionary = column.dictionary
    wrong = pc.match_substring_regex(dictionary, r"[\x00-\x20\x7f]|^-?$")
    if not pc.any(wrong).as_py():
        return column
    values = [value and _percent_encoded(value) for value in dictionary.to_pylist()]
    printable = pa.array([value or "-" for value in values], pa.string())
    return pa.DictionaryArray.from_arrays(column.indices, printable)


def _percent_encoded(value: str) -> str:
    if value == "-":
        return "%2D"
    return _UNPRINTABLE.sub(lambda found: f"%{ord(found.group()):02X}", value)


def _find_newline(view: memoryview) -> int:
    """The first newline, -1 if there is none; looks at a window at a time, without a copy of all."""
    for start in range(0, len(view), _WINDOW_BYTES):
        found = bytes(view[start : start + _WINDOW_BYTES]).find(b"\n")
        if found >= 0:
            return start + found
    return -1


def _find_last_newline(view: memoryview, start: int, end: int) -> int:
    """The last newline between two places, or the place before the first."""
    while end > start:
        window = max(start, end - _WINDOW_BYTES)
        found = bytes(view[window:end]).rfind(b"\n")
        if found >= 0:
            return window + found
        end = window
    return start - 1
