"""JSON streams: flat records, Firehose's messages, CloudWatch documents of events."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from vpcflow.record.batch import Origin
from vpcflow.record.column_names import field_name, known_name
from vpcflow.record.fields import FIELDS
from vpcflow.record.json_kernels import (
    EXPECTED,
    JSON_DEPTH,
    JSON_DONE,
    JSON_OUT,
    JSON_PLACES,
    REFUSED,
    WAITING,
    json_to_text,
    split_objects,
)
from vpcflow.record.log_format import FORMAT_FIELDS_MAX, LogFormat
from vpcflow.record.text import Decoded
from vpcflow.record.unwrap import PIECE_BYTES_MAX, Decoder, UnwrappingDecoder, column_flags
from vpcflow.record.unwrap_kernels import FAULTS, IS_KNOWN, LINE_BYTES_MAX, NO_MESSAGE

_BLANKS = b" \t\r\n"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_MESSAGE_KEYS = {b"message": 0, b"@message": 0}


class _KeyTable:
    """The keys that are told apart, as bytes in a row, each with its column; columns come first."""

    def __init__(self, columns: dict[bytes, int]) -> None:
        self._columns = columns
        self.keys: npt.NDArray[np.uint8]
        self.starts: npt.NDArray[np.int64]
        self.columns: npt.NDArray[np.int64]
        self._lay_out()

    def get(self, key: bytes) -> int | None:
        return self._columns.get(key)

    def put(self, key: bytes, column: int) -> None:
        is_last = column == WAITING and key not in self._columns
        self._columns[key] = column
        if is_last:
            self.keys = np.append(self.keys, np.frombuffer(key, np.uint8))
            self.starts = np.append(self.starts, self.starts[-1] + len(key))
            self.columns = np.append(self.columns, WAITING)
        else:
            self._lay_out()

    def _lay_out(self) -> None:
        # A stable sort: the keys of the columns in the columns' order, so that the next key of a
        # record is found where the last one says; those that wait come last.
        order = sorted(self._columns, key=lambda key: self._columns[key] % (1 << 32))
        self.keys = np.frombuffer(bytearray(b"".join(order)), np.uint8)
        self.starts = np.zeros(len(order) + 1, np.int64)
        np.cumsum([len(key) for key in order], out=self.starts[1:])
        self.columns = np.array([self._columns[key] for key in order], np.int64)


class _JsonDecoder(UnwrappingDecoder):
    """What flat records and messages share: the kernel and its table of keys."""

    _ends_without_newline = True
    _messages = False

    def __init__(
        self,
        origin: Origin,
        log_format: LogFormat | None = None,
        *,
        line_number: int = 0,
        flow_log_id: str | None = None,
    ) -> None:
        super().__init__(origin, log_format, line_number=line_number, flow_log_id=flow_log_id)
        self._table = _KeyTable(dict(_MESSAGE_KEYS))
        self._flags = np.array([IS_KNOWN], np.int64)
        self._spans = np.zeros((1, 2), np.int64)
        self._unknown = np.zeros(3, np.int64)

    def _step(self, end: int, final: bool) -> None:
        json_to_text(
            end,
            final,
            self._messages,
            self._table.keys.ctypes.data,
            self._table.starts,
            self._table.columns,
            self._flags,
            self._spans,
            self._unknown,
            self._plain_start,
            self._plain_end,
            self._faults,
            self._state,
        )


class MessageDecoder(_JsonDecoder):
    """Decodes ``{"message":"<record line>"}``, as Firehose delivers it, newline between or not.

    Shape: other keys of the object do not count. ``only_messages`` False: an object without a
    message is no bad line, as in a CloudWatch document.
    """

    _messages = True

    def __init__(
        self,
        origin: Origin,
        log_format: LogFormat | None = None,
        *,
        line_number: int = 0,
        flow_log_id: str | None = None,
        only_messages: bool = True,
    ) -> None:
        super().__init__(origin, log_format, line_number=line_number, flow_log_id=flow_log_id)
        self._only_messages = only_messages

    def _read_plain(self, data: bytearray, first: int) -> None:
        if not self._only_messages:
            faults = self._faults[: int(self._state[FAULTS])]
            kept = faults[faults[:, 1] != NO_MESSAGE]
            self._faults[: len(kept)] = kept
            self._state[FAULTS] = len(kept)
        super()._read_plain(data, first)


class JsonLinesDecoder(_JsonDecoder):
    """Decodes flat JSON objects; the log format is the union of the keys, in order of appearance.

    Shape: one object a line, or several, or an array of them with a bracket or comma at the ends
    of the lines. A key is a field's name in any spelling; another key becomes an unknown text
    field once it stands beside a known one. A nested value is kept as text in an unknown field.
    """

    def __init__(
        self,
        origin: Origin,
        log_format: LogFormat | None = None,
        *,
        line_number: int = 0,
        flow_log_id: str | None = None,
    ) -> None:
        super().__init__(origin, log_format, line_number=line_number, flow_log_id=flow_log_id)
        keys: dict[bytes, int] = {}
        for spec in FIELDS:
            keys |= {spec.column.encode(): EXPECTED, spec.name.encode(): EXPECTED}
        self._table = _KeyTable(keys)
        self._format: LogFormat | None = None
        self._use(())
        if log_format is not None:
            for column, name in enumerate(log_format.names):
                self._table.put(name.encode(), column)
                self._table.put(name.replace("-", "_").encode(), column)
            self._use(log_format.names)

    @property
    def log_format(self) -> LogFormat | None:
        """The union of the keys so far; None before the first record."""
        return self._format

    def _use(self, names: Sequence[str]) -> None:
        """Read from here on with these columns."""
        self._flags = np.zeros(0, np.int64)
        self._spans = np.zeros((len(names), 2), np.int64)
        if names:
            self._format = LogFormat(tuple(names))
            self._flags = column_flags(self._format)
            self._switch_format(self._format)

    def _read_plain(self, data: bytearray, first: int) -> None:
        super()._read_plain(data, first)
        if self._format is not None and self._text.log_format != self._format:
            # A record of nothing but field names passed for a header: back to the keys.
            self._switch_format(self._format)

    def _answer(self, data: bytearray, start: int, end: int) -> None:
        """Find the column of the key data[start:end], quotes included."""
        key = bytes(data[start + 1 : end - 1])
        try:
            text = str(json.loads(data[start:end], strict=False))
        except ValueError:
            text = key.decode("utf-8", "replace")
        if known_name(text) is None and self._table.get(key) != WAITING:
            self._table.put(key, WAITING)
            return
        name = field_name(text)
        names = self._format.names if self._format else ()
        if name in names:
            self._table.put(key, names.index(name))
        elif len(names) >= FORMAT_FIELDS_MAX:
            self._table.put(key, REFUSED)
        else:
            self._table.put(key, len(names))
            self._use([*names, name])


class JsonStreamDecoder:
    """Decodes a JSON stream whatever its line breaks are: the first object shows them.

    Shape: objects that close on the line where they open are read by ``make_inner``'s decoder as
    they stand; others, and those ``depth`` 2 inside a document, are put on one line each first,
    and their number is the line number.
    """

    def __init__(self, make_inner: Callable[[], Decoder], *, depth: int, resumes: bool) -> None:
        self._inner = make_inner()
        self._depth = depth
        self._resumes = resumes
        self._head: bytearray | None = bytearray()
        self._state: npt.NDArray[np.int64] | None = None
        self._bytes = 0
        self._bytes_done = 0

    @property
    def log_format(self) -> LogFormat | None:
        """The format of the records read last; None before the first."""
        return self._inner.log_format

    def feed(self, data: bytes | memoryview) -> Decoded:
        """Take the next bytes, cut anywhere."""
        if self._head is None:
            return self._pass_on(data)
        self._head += data
        head = self._head.removeprefix(_BYTE_ORDER_MARK).lstrip(_BLANKS + b"[],")
        if b"\n" not in head and len(head) < LINE_BYTES_MAX:
            return Decoded(lines_done=self._inner.feed(b"").lines_done)
        return self._begin(head)

    def finish(self, *, take_unterminated: bool = True) -> Decoded:
        """Take what is left; an object that is not closed only when told."""
        first = Decoded()
        if self._head is not None:
            first = self._begin(self._head.removeprefix(_BYTE_ORDER_MARK).lstrip(_BLANKS + b"[],"))
        last = self._inner.finish(take_unterminated=take_unterminated)
        if self._state is None:
            bytes_done = last.bytes_done
        else:
            bytes_done = self._bytes if take_unterminated else self._bytes_done
        return replace(
            last,
            batches=first.batches + last.batches,
            bad=first.bad + last.bad,
            bytes_done=bytes_done,
        )

    def _begin(self, head: bytearray) -> Decoded:
        """Choose by the first object, and read what was held."""
        line = head.partition(b"\n")[0]
        if self._depth > 1 or not (_closes(line) or len(line) >= LINE_BYTES_MAX):
            self._state = np.zeros(JSON_PLACES, np.int64)
            first = self._head.lstrip(_BLANKS)[:1] if self._head else b""
            self._state[JSON_DEPTH] = self._depth - 1 if self._resumes and first in b",]" else 0
        data, self._head = bytes(self._head or b""), None
        return self._pass_on(data)

    def _pass_on(self, data: bytes | memoryview) -> Decoded:
        if self._state is None:
            return self._inner.feed(data)
        batches, bad = [], []
        decoded = self._inner.feed(b"")
        view = memoryview(data).cast("B")
        for start in range(0, len(view), PIECE_BYTES_MAX):
            piece = np.frombuffer(bytearray(view[start : start + PIECE_BYTES_MAX]), np.uint8)
            lines = np.empty(2 * len(piece) + 2, np.uint8)
            place = piece.ctypes.data
            split_objects(place, place + len(piece), self._depth, lines.ctypes.data, self._state)
            if self._state[JSON_DONE]:
                self._bytes_done = self._bytes + int(self._state[JSON_DONE])
            self._bytes += len(piece)
            decoded = self._inner.feed(lines[: int(self._state[JSON_OUT])].data)
            batches += decoded.batches
            bad += decoded.bad
        return Decoded(batches, bad, self._bytes_done, decoded.lines_done)


def _closes(line: bytes | bytearray) -> bool:
    """Whether the object that opens in this line closes in it, or there is none at all."""
    depth, quoted, escaped = 0, False, False
    for byte in bytes(line[:LINE_BYTES_MAX]):
        if quoted:
            quoted = escaped or byte != 0x22
            escaped = not escaped and byte == 0x5C
        elif byte == 0x22:
            quoted = True
        elif byte == 0x7B:
            depth += 1
        elif byte == 0x7D:
            depth -= 1
            if depth <= 0:
                return True
    return not line.lstrip().startswith(b"{") or quoted
