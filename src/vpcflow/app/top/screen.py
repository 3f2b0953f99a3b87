"""The screen of `vpcflow top`: figures, bars, the table, and the keys."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import numpy as np
from rich.text import Text
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Footer, Input, Static

from vpcflow.app.top import palette
from vpcflow.app.top.figures import Figure, TrafficBars, figures
from vpcflow.app.top.flow_book import REJECT
from vpcflow.app.top.help_screen import HelpScreen
from vpcflow.app.top.live_feed import Ask, LiveFeed, Reading
from vpcflow.app.top.row_filter import RowFilter, row_filter
from vpcflow.app.top.row_table import RowTable
from vpcflow.app.top.views import Mode, make_view, sorted_rows
from vpcflow.base.clock import Clock, SystemClock
from vpcflow.base.errors import FilterError

#: From this size on there is room around the figures, and for higher bars.
WIDE_COLUMNS, TALL_LINES = 132, 34
#: From this width on there is room for what the figures are made of.
NOTES_COLUMNS = 160
_FIGURES = ("Throughput", "Packets", "Flows", "Rejected", "Dropped", "Interval")


class ReadingArrived(Message):
    """The feed has asked; from its thread to the screen's."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        super().__init__()


class TopApp(App[None]):
    """Live flows of the capture that runs on a data folder."""

    TITLE = "vpcflow top"
    ENABLE_COMMAND_PALETTE = False
    CSS = f"""
    Screen {{ background: {palette.BACKGROUND}; color: {palette.TEXT}; }}
    #title {{ height: 1; text-align: center; background: {palette.SURFACE}; }}
    #figures {{ height: 2; }}
    #title, #detail, Figure, TrafficBars {{ text-wrap: nowrap; text-overflow: ellipsis; }}
    Figure {{ width: 1fr; height: 2; background: {palette.SURFACE}; padding: 0 1; }}
    TrafficBars {{ height: 3; }}
    RowTable {{ height: 1fr; background: {palette.SURFACE}; scrollbar-size: 0 0;
                overflow-x: hidden; }}
    #notice {{ height: auto; background: {palette.SELECTED}; color: {palette.WARN}; }}
    #detail {{ height: 1; color: {palette.TEXT_QUIET}; }}
    #filter {{ height: 1; border: none; padding: 0; background: {palette.SELECTED}; }}
    .hidden {{ display: none; }}
    .roomy #figures {{ height: 4; margin: 1 1; }}
    .roomy Figure {{ height: 4; padding: 1 2; margin-right: 1; }}
    .roomy TrafficBars {{ height: 7; margin: 0 1 1 1; }}
    .roomy RowTable {{ margin: 0 1; }}
    Footer {{ background: {palette.SURFACE}; }}
    FooterKey {{ margin-right: 1; }}
    FooterKey .footer-key--key {{ color: {palette.WARN}; background: {palette.SURFACE}; }}
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "mode('flows')", "Flows"),
        Binding("t", "mode('talkers')", "Talkers"),
        Binding("p", "mode('ports')", "Ports"),
        Binding("i", "mode('interfaces')", "Ifaces"),
        Binding("r", "rejects", "Rejects"),
        Binding("slash", "filter", "Filter", key_display="/"),
        Binding("space", "pause", "Pause", key_display="space"),
        Binding("question_mark", "help", "Help", key_display="?"),
        Binding("q", "quit", "Quit"),
        Binding("s", "sort('rate')", show=False),
        Binding("b", "sort('bytes')", show=False),
        Binding("c", "sort('packets')", show=False),
        Binding("n", "sort('name')", show=False),
        Binding("x", "sort('rejected')", show=False),
        Binding("a", "sort('age')", show=False),
        Binding("less_than_sign,left", "sort_beside(-1)", show=False),
        Binding("greater_than_sign,right", "sort_beside(1)", show=False),
        Binding("escape", "clear", show=False),
    ]

    def __init__(self, folder: Path, ask: Ask, clock: Clock | None = None) -> None:
        super().__init__()
        self._folder = folder
        self._clock = clock or SystemClock()
        self._feed = LiveFeed(ask, self._arrived, clock)
        self._reading: Reading | None = None
        self._ended_s = 0.0
        self._mode = Mode.FLOWS
        self._sort_key = "rate"
        self._reverse = False
        self._rejects_only = False
        self._paused = False
        self._filter: RowFilter | None = None
        self._filter_text = ""
        self._filter_fault = ""
        self._latest: Reading | None = None

    def compose(self) -> ComposeResult:
        """The parts, from top to bottom."""
        yield Static(id="title")
        with Horizontal(id="figures"):
            for title in _FIGURES:
                yield Figure(title)
        yield TrafficBars()
        yield Static(id="notice", classes="hidden")
        yield RowTable()
        yield Static(id="detail")
        yield Input(
            placeholder="a text to look for, or srcaddr in 10.0.0.0/8 and dstport = 443",
            id="filter",
            compact=True,
        )
        yield Footer(compact=True)

    def on_mount(self) -> None:
        """Begin to ask."""
        self._close_filter()
        self._draw()
        self._feed.start()

    def on_unmount(self) -> None:
        """Ask no more."""
        self._feed.stop()

    def on_resize(self, event: events.Resize) -> None:
        """More room, more to see."""
        roomy = event.size.width >= WIDE_COLUMNS and event.size.height >= TALL_LINES
        self.screen.set_class(roomy, "roomy")
        self.call_after_refresh(self._draw)

    def _arrived(self, reading: Reading) -> None:
        self.post_message(ReadingArrived(reading))

    def on_reading_arrived(self, message: ReadingArrived) -> None:
        """Take what the feed read; while paused it is only kept."""
        reading = message.reading
        if reading.problem and (self._latest is None or not self._latest.problem):
            self._ended_s = reading.at_s
        self._latest = reading
        self.query_one(TrafficBars).add(None if reading.problem else reading.totals)
        if not self._paused:
            if not reading.problem:
                self._reading = reading
            self._draw()

    def _draw(self) -> None:
        """Bring everything up to date."""
        reading = self._reading
        self._draw_notice()
        if reading is None:
            self._draw_title()
            return
        wide = self.size.width >= NOTES_COLUMNS
        shown = figures(reading.totals, reading.status, wide=wide)
        for widget, figure in zip(self.query(Figure), shown, strict=True):
            widget.show(figure)
        rows = reading.rows
        if self._rejects_only:
            rows = rows.taken(np.flatnonzero(rows.action == REJECT))
        if self._filter is not None:
            rows = rows.taken(np.flatnonzero(self._filter(rows)))
        view = make_view(self._mode, rows, reading.at_s)
        order = sorted_rows(view, self._sort_key, reverse=self._reverse)
        table = self.query_one(RowTable)
        table.dimmed = self._latest is not None and bool(self._latest.problem)
        table.show(view, order, self._sort_key, reverse=self._reverse)
        self._view = view
        self._draw_detail()

    def _draw_title(self) -> None:
        text = Text(no_wrap=True, overflow="ellipsis")
        text.append("vpcflow top", f"bold {palette.TEXT}")
        first, last, count = self.query_one(RowTable).shown_range
        facts = [f"{self._mode.value} {first}-{last} of {count:,}" if count else self._mode.value]
        if self._rejects_only:
            facts.append("rejects only")
        if self._filter_text:
            facts.append(f"filter: {self._filter_text}")
        text.append(f" — {', '.join(facts)} — {self._folder}", palette.TEXT_QUIET)
        if self._paused:
            text.append("  PAUSED, space goes on", f"bold {palette.WARN}")
        self.query_one("#title", Static).update(text)

    def _draw_notice(self) -> None:
        """Say plainly when there is nothing to show, and why."""
        latest = self._latest
        lines = []
        if latest is None:
            lines.append(f"asking the capture of {self._folder} ...")
        elif latest.problem and self._reading is None:
            lines.append(f"{latest.problem}: {self._folder}; looking again every second")
            lines.append(latest.hint)
        elif latest.problem:
            at = datetime.fromtimestamp(self._ended_s, UTC).strftime("%H:%M:%S")
            lines.append(
                f"the capture ended at {at} UTC ({latest.problem}); these are its last "
                "numbers, looking for a new one every second"
            )
        elif latest.status.get("problem"):
            lines.append(f"problem: {latest.status['problem']}")
        if self._filter_fault:
            lines.append(f"filter: {self._filter_fault}")
        notice = self.query_one("#notice", Static)
        notice.set_class(not lines, "hidden")
        notice.update(Text("\n".join(line for line in lines if line)))

    def _draw_detail(self) -> None:
        """The row under the cursor in full, which the table may have had to cut; and where it is."""
        self._draw_title()
        selected = self.query_one(RowTable).selected
        text = Text(no_wrap=True, overflow="ellipsis")
        if selected is not None:
            text.append(self._view.detail(selected))
        elif self._filter is not None or self._rejects_only:
            text.append("no flow fits; Esc shows all")
        else:
            text.append("no flows yet")
        self.query_one("#detail", Static).update(text)

    def on_row_table_moved(self) -> None:
        """Another row under the cursor."""
        self._draw_detail()

    def on_row_table_sort_asked(self, message: RowTable.SortAsked) -> None:
        """A click on a column's head."""
        self.action_sort(message.sort_key)

    def action_mode(self, mode: str) -> None:
        """Flows, talkers, ports or interfaces."""
        self._mode = Mode(mode)
        self._draw()

    def action_sort(self, sort_key: str) -> None:
        """Sort by a column; a second time the other way round."""
        self._reverse = not self._reverse if sort_key == self._sort_key else False
        self._sort_key = sort_key
        self._draw()

    def action_sort_beside(self, by: int) -> None:
        """Sort by the column to the left or right."""
        keys = self.query_one(RowTable).sort_keys
        if not keys:
            return
        at = keys.index(self._sort_key) if self._sort_key in keys else 0
        self.action_sort(keys[(at + by) % len(keys)])

    def action_rejects(self) -> None:
        """Only what was rejected, or everything."""
        self._rejects_only = not self._rejects_only
        self._draw()

    def action_pause(self) -> None:
        """Hold the picture, or go on; counting never stops."""
        self._paused = not self._paused
        if not self._paused and self._latest is not None and not self._latest.problem:
            self._reading = self._latest
        self._draw()

    def action_filter(self) -> None:
        """Open the line for the filter."""
        line = self.query_one("#filter", Input)
        line.value = self._filter_text
        line.display = True
        # At once: what is typed next is the filter, not keys of the table.
        self.screen.set_focus(line)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Filter by what was typed."""
        self._filter_fault = ""
        try:
            chosen = row_filter(event.value, now_s=self._clock.now_s())
        except FilterError as error:
            self._filter_fault = f"{error.what}; {error.hint}" if error.hint else error.what
        else:
            self._filter, self._filter_text = chosen, event.value.strip()
            self._close_filter()
        self._draw()

    def _close_filter(self) -> None:
        self._filter_fault = ""
        self.query_one("#filter", Input).display = False
        self.screen.set_focus(self.query_one(RowTable))

    def action_clear(self) -> None:
        """Close the filter's line; without one show everything again."""
        if self.query_one("#filter", Input).has_focus:
            self._close_filter()
        else:
            self._filter, self._filter_text, self._rejects_only = None, "", False
        self._draw()

    def action_help(self) -> None:
        """The keys."""
        self.push_screen(HelpScreen())
