"""CSV streams: records under a header of field names, and CloudWatch exports."""

from __future__ import annotations

import csv

import numpy as np

from vpcflow.record.batch import Origin
from vpcflow.record.column_names import field_names, known_name
from vpcflow.record.csv_kernels import FIRST_LINE, csv_to_text, export_to_text
from vpcflow.record.log_format import FORMAT_FIELDS_MAX, LogFormat, default_format
from vpcflow.record.unwrap import UnwrappingDecoder, column_flags
from vpcflow.record.unwrap_kernels import SPAN_START, UNITS

#: Names of the message's column in CloudWatch exports.
MESSAGE_COLUMNS = ("message", "@message")


def split_csv(line: bytes) -> list[str]:
    """The fields of one CSV line; a broken one as far as it goes."""
    text = line.decode("utf-8", "replace").strip("\r\n")
    try:
        fields = next(csv.reader([text], skipinitialspace=True), [])
    except csv.Error:
        return []
    return [name.strip() for name in fields]


def csv_header(line: bytes) -> LogFormat | None:
    """The log format that a CSV line names, or None when it is no header.

    Half of its names are fields of the registry, or three of them are.
    """
    columns = split_csv(line)
    if not 0 < len(columns) <= FORMAT_FIELDS_MAX:
        return None
    known = sum(known_name(column) is not None for column in columns)
    if known < 3 and known * 2 < len(columns):
        return None
    return LogFormat(field_names(columns))


class CsvDecoder(UnwrappingDecoder):
    """Decodes comma separated records; empty and ``-`` are null, quotes are tolerated.

    Shape: a header may come first, or again where files were joined; without one the lines are in
    the given format, or the default one.
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
        self._format = log_format or default_format()
        self._format_known = log_format is not None
        self._header = np.zeros(0, np.uint8)
        self._no_header_at = -1 if line_number else FIRST_LINE
        self._use(self._format)

    @property
    def log_format(self) -> LogFormat | None:
        """The format in use; None before a header or a record decided it."""
        return self._format if self._format_known or self._lines else None

    def _use(self, log_format: LogFormat) -> None:
        self._format = log_format
        self._flags = column_flags(log_format)
        self._switch_format(log_format)

    def _step(self, end: int, final: bool) -> None:
        csv_to_text(
            end,
            self._flags,
            self._header.ctypes.data,
            len(self._header),
            self._no_header_at,
            self._plain_start,
            self._plain_end,
            self._faults,
            self._state,
        )
        if self._state[UNITS]:
            self._no_header_at = -1

    def _read_plain(self, data: bytearray, first: int) -> None:
        super()._read_plain(data, first)
        if self._text.log_format != self._format:
            # A record of nothing but field names passed for a header of plain text.
            self._switch_format(self._format)

    def _answer(self, data: bytearray, start: int, end: int) -> None:
        """Take data[start:end] for a header if it is one."""
        line = bytes(data[start:end])
        log_format = csv_header(line)
        if log_format is None:
            self._no_header_at = int(self._state[SPAN_START])
            return
        self._header = np.frombuffer(bytearray(line), np.uint8)
        self._no_header_at = -1
        self._format_known = True
        if log_format != self._format:
            self._use(log_format)


class ExportDecoder(UnwrappingDecoder):
    """Decodes CloudWatch exports: ``timestamp,message`` with or without header and quotes, or lines
    of an ISO time, a space and the message.

    Shape: of more columns, or in another order, the one with the most blanks is the message.
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
        self._no_header_at = -1

    def _step(self, end: int, final: bool) -> None:
        export_to_text(
            end,
            self._no_header_at,
            self._plain_start,
            self._plain_end,
            self._faults,
            self._state,
        )
        self._no_header_at = -1

    def _answer(self, data: bytearray, start: int, end: int) -> None:
        """Skip data[start:end] if it is a header: its line becomes an empty one."""
        if any(column.lower() in MESSAGE_COLUMNS for column in split_csv(bytes(data[start:end]))):
            data[start:end] = b" " * (end - start)
        else:
            self._no_header_at = int(self._state[SPAN_START])
