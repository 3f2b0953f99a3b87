"""The figures above the table, and the last minutes of traffic as bars."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from rich.text import Text
from textual.widget import Widget

from vpcflow.app.output import bytes_text, scaled
from vpcflow.app.top.flow_book import Totals
from vpcflow.app.top.palette import ACCEPT, REJECT, TEXT, TEXT_QUIET
from vpcflow.app.top.views import count_text, rate_text

#: Seconds of traffic that are remembered for the bars: more than any terminal is wide.
HISTORY_MAX = 512
_BLOCKS = " ▁▂▃▄▅▆▇█"


def figures(
    totals: Totals, status: Mapping[str, Any], *, wide: bool
) -> list[tuple[str, str, str, bool]]:
    """Title, value, what it is made of, and whether it is bad: one for each figure.

    Shape: a narrow screen has no room for what it is made of.
    """
    lost = {name: count for name, count in status.get("lost", {}).items() if count}
    rejected = totals.reject_rate > 0
    notes = (
        f"{bytes_text(totals.byte_rate)}/s",
        "",
        f"{totals.left_out:,} not shown" if totals.left_out else "in this interval",
        "packets" if rejected else "",
        ", ".join(f"{name} {count:,}" for name, count in lost.items()) or "nothing",
        progress_bar(totals, 10) if totals.interval_s else "",
    )
    values = (
        ("Throughput", f"{spaced(rate_text(totals.byte_rate))}bit/s", False),
        ("Packets", f"{count_text(round(totals.packet_rate, 1))} /s", False),
        ("Flows", f"{totals.flows:,}", False),
        ("Rejected", f"{count_text(round(totals.reject_rate, 1))} /s", rejected),
        ("Dropped", count_text(sum(lost.values())), bool(lost)),
        ("Interval", f"{totals.done_s:.0f}/{totals.interval_s} s", False),
    )
    return [
        (title, value, note if wide else "", bad)
        for (title, value, bad), note in zip(values, notes, strict=True)
    ]


def spaced(text: str) -> str:
    """A number and its unit's letter with a space between: 1.2 M."""
    return f"{text[:-1]} {text[-1]}" if text[-1:].isalpha() else f"{text} "


def progress_bar(totals: Totals, width: int) -> str:
    """How much of the interval is over."""
    done = round(min(1.0, totals.done_s / totals.interval_s) * width)
    return "█" * done + "░" * (width - done)


def block_rows(values: Iterable[float], width: int, height: int) -> list[str]:
    """Bars of the last ``width`` values, ``height`` lines high, the newest at the right."""
    shown = list(values)[-width:]
    largest = max(shown, default=0.0)
    eighths = [max(1, round(value / largest * 8 * height)) if value > 0 else 0 for value in shown]
    lines = []
    for line in range(height - 1, -1, -1):
        cells = (_BLOCKS[max(0, min(8, count - 8 * line))] for count in eighths)
        lines.append("".join(cells).rjust(width))
    return lines


class Figure(Widget):
    """A title over a number."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self._shown = (title, "-", "", False)

    def show(self, shown: tuple[str, str, str, bool]) -> None:
        """Show another number."""
        self._shown = shown
        self.refresh()

    def render(self) -> Text:
        title, value, note, bad = self._shown
        text = Text(no_wrap=True, overflow="ellipsis")
        text.append(f"{title}\n", TEXT_QUIET)
        text.append(value, f"bold {REJECT if bad else TEXT}")
        if note:
            text.append(f"  {note}", REJECT if bad else TEXT_QUIET)
        return text


class TrafficBars(Widget):
    """Throughput of the last seconds in blue, and rejected packets in red on a line of their own."""

    def __init__(self) -> None:
        super().__init__()
        self._traffic: deque[float] = deque(maxlen=HISTORY_MAX)
        self._rejected: deque[float] = deque(maxlen=HISTORY_MAX)

    def add(self, totals: Totals | None) -> None:
        """One more second; None when nothing is known of it."""
        self._traffic.append(totals.byte_rate if totals else 0.0)
        self._rejected.append(totals.reject_rate if totals else 0.0)
        self.refresh()

    def render(self) -> Text:
        width, height = self.size.width, self.size.height
        labels = [
            f"bit/s {rate_text(max(self._traffic, default=0.0)):>6}",
            f"rejects {scaled(max(self._rejected, default=0.0)):>4}",
        ]
        room = max(1, width - len(labels[0]) - 1)
        text = Text(no_wrap=True, overflow="crop")
        for number, line in enumerate(block_rows(self._traffic, room, max(1, height - 1))):
            text.append(labels[0] if number == 0 else " " * len(labels[0]), TEXT_QUIET)
            text.append(f" {line}\n", ACCEPT)
        text.append(labels[1], TEXT_QUIET)
        text.append(f" {block_rows(self._rejected, room, 1)[0]}", REJECT)
        return text
