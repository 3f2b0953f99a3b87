"""Prints answers: as a table for people, as JSON lines, CSV or Arrow for programs."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

BAR_WIDTH = 12
_BLOCKS = " ▏▎▍▌▋▊▉█"
_SPARKS = "▁▂▃▄▅▆▇█"
_BYTE_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
_COUNT_UNITS = ("", "k", "M", "G", "T", "P", "E")
_RIGHT = frozenset({"count", "bytes", "packets", "ratio", "duration", "port"})
#: Kinds that a terminal must not break over lines: people copy them.
_WHOLE = frozenset(
    {"address", "port", "protocol", "time", "bytes", "packets", "count", "ratio", "duration"}
)
_PROTOCOLS = {1: "ICMP", 6: "TCP", 17: "UDP", 47: "GRE", 50: "ESP", 58: "ICMPv6", 132: "SCTP"}


def scaled(value: float, units: Sequence[str] = _COUNT_UNITS) -> str:
    """A number in at most four characters and a decimal unit."""
    size = float(value)
    for unit in units[:-1]:
        if abs(size) < 999.5:
            return (
                f"{size:.0f}{unit}" if size == int(size) or size >= 99.95 else f"{size:.1f}{unit}"
            )
        size /= 1000
    return f"{size:.0f}{units[-1]}"


def bytes_text(value: float) -> str:
    """Bytes in decimal units: 12.3 MB."""
    text = scaled(value, _BYTE_UNITS)
    number = text.rstrip("kMGTPEB")
    return f"{number} {text[len(number) :]}"


def time_text(epoch_s: int) -> str:
    """Seconds since the epoch as UTC; the number itself where no calendar reaches."""
    try:
        return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return str(epoch_s)


def duration_text(seconds: float) -> str:
    """Seconds in the largest two units: 3h 20m."""
    whole = round(seconds)
    parts = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        count, whole = divmod(whole, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2]) or "0s"


def cell_text(value: Any, kind: str) -> str:
    """One value as a person reads it; null is ``-``."""
    if value is None:
        return "-"
    if kind == "bytes":
        return bytes_text(value)
    if kind == "time":
        return time_text(value)
    if kind == "ratio":
        return f"{value * 100:.1f}%"
    if kind == "duration":
        return duration_text(value)
    if kind in ("count", "packets"):
        return f"{value:,}"
    if kind == "protocol":
        return _PROTOCOLS.get(value, str(value))
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return str(value)


def bar(value: float, largest: float, width: int = BAR_WIDTH) -> str:
    """A bar of eighth blocks, ``width`` characters for the largest value."""
    if largest <= 0 or not value:
        return ""
    eighths = max(1, round(value / largest * width * 8))
    return "█" * (eighths // 8) + (_BLOCKS[eighths % 8] if eighths % 8 else "")


def sparkline(values: Iterable[float | None]) -> str:
    """One character a value, from low to high; a space where there is none."""
    known = list(values)
    largest = max((value for value in known if value is not None), default=0)
    if not largest:
        return _SPARKS[0] * len(known)
    return "".join(
        " " if value is None else _SPARKS[min(7, int(value / largest * 7.999))] for value in known
    )


def write_rows(table: pa.Table, output: str) -> None:
    """Write a table to standard output as json, csv or arrow."""
    if output == "arrow":
        with pa.ipc.new_stream(sys.stdout.buffer, table.schema) as stream:
            stream.write_table(table)
        return
    if output == "csv":
        import csv

        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(table.column_names)
        for batch in table.to_batches(max_chunksize=10_000):
            writer.writerows(
                zip(*(column.to_pylist() for column in batch.columns), strict=True)
                if batch.num_columns
                else ()
            )
        return
    import orjson

    for batch in table.to_batches(max_chunksize=10_000):
        lines = [orjson.dumps(row, default=_json_default) for row in batch.to_pylist()]
        sys.stdout.buffer.write(b"\n".join(lines) + (b"\n" if lines else b""))
    sys.stdout.buffer.flush()


def _json_default(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def table_of(
    table: pa.Table,
    kinds: Mapping[str, str],
    *,
    title: str = "",
    measure: str | None = None,
    labels: Mapping[str, str] | None = None,
) -> Table:
    """A Rich table; the measure's column is followed by bars."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    shown = Table(
        title=title or None,
        box=SIMPLE_HEAD,
        title_justify="left",
        title_style="bold",
        header_style="bold",
        pad_edge=False,
        show_edge=False,
    )
    largest = 0.0
    for name in table.column_names:
        kind = kinds.get(name, "text")
        shown.add_column(
            Text((labels or {}).get(name) or name.replace("_", " ")),
            justify="right" if kind in _RIGHT else "left",
            overflow="fold",
            no_wrap=kind in _WHOLE or name.endswith("_id"),
        )
        if name == measure:
            shown.add_column("", width=BAR_WIDTH, no_wrap=True)
            largest = max((value for value in table[name].to_pylist() if value), default=0.0)
    for row in table.to_pylist():
        cells: list[Text] = []
        for name, value in row.items():
            cells.append(_cell(value, kinds.get(name, "text")))
            if name == measure:
                cells.append(Text(bar(value or 0, largest), style="cyan"))
        shown.add_row(*cells)
    return shown


def _cell(value: Any, kind: str) -> Text:
    from rich.text import Text

    text = cell_text(value, kind)
    # Text, not markup: a record's value in brackets must not become a style.
    if value == "REJECT":
        return Text(text, style="red")
    if value is None:
        return Text(text, style="dim")
    return Text(_printable(text))


def _printable(text: str) -> str:
    """No control character reaches the terminal, whatever a record holds."""
    return "".join(letter if letter.isprintable() else "�" for letter in text)


def make_console(*, stderr: bool = False) -> Console:
    """A console that obeys NO_COLOR and, where it is no terminal, neither colours nor cuts."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else 160
    return Console(file=stream, width=width, highlight=False, soft_wrap=False)
