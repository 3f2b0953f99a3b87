"""A table that draws only the rows on the screen, however many there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from vpcflow.app.output import bar
from vpcflow.app.top.palette import (
    ACCENT,
    ACCEPT,
    HEADER,
    REJECT,
    SELECTED,
    SURFACE,
    TEXT,
    TEXT_QUIET,
    ZEBRA,
)
from vpcflow.app.top.views import Column, View

#: Bars take what is left of a line, up to so much, and at least so much.
BAR_MAX, BAR_MIN = 30, 8
_GAP = 1


@dataclass(frozen=True)
class _Placed:
    """A column and where it stands on the line."""

    column: Column
    at: int
    width: int


def place_columns(
    columns: tuple[Column, ...], grown: dict[str, int], width: int
) -> tuple[list[_Placed], int]:
    """The columns that fit into a line, and the width that is left for bars.

    Shape: ``grown`` is how wide the texts of a column were so far, by its title.
    """
    chosen = list(columns)
    while len(chosen) > 1 and sum(c.width + _GAP for c in chosen) - _GAP > width:
        chosen.remove(max(reversed(chosen), key=lambda column: column.rank))
    left = width - sum(c.width + _GAP for c in chosen) + _GAP
    placed, at = [], 0
    for column in chosen:
        wish = min(max(column.room, column.width), grown.get(column.title, 0))
        more = max(0, min(wish - column.width, left))
        left -= more
        placed.append(_Placed(column, at, column.width + more))
        at += column.width + more + _GAP
    left -= _GAP
    return placed, min(left, BAR_MAX) if left >= BAR_MIN else 0


def fitted(text: str, width: int, *, right: bool = False) -> str:
    """A text of exactly this width; what is too long loses its middle."""
    if len(text) > width:
        head = (width - 1) // 2
        text = f"{text[:head]}…{text[len(text) - (width - 1 - head) :]}"
    shown = "".join(letter if letter.isprintable() else "�" for letter in text)
    return shown.rjust(width) if right else shown.ljust(width)


class RowTable(ScrollView, can_focus=True):
    """The rows of a view, with a cursor; a click on a column's head asks to sort by it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "move(-1000000)", show=False),
        Binding("end", "move(1000000)", show=False),
    ]

    class Moved(Message):
        """The cursor is on another row."""

    class SortAsked(Message):
        """The head of a column was clicked."""

        def __init__(self, sort_key: str) -> None:
            self.sort_key = sort_key
            super().__init__()

    def __init__(self) -> None:
        super().__init__()
        self._view: View | None = None
        self._order = np.zeros(0, np.int64)
        self._sort_key = "rate"
        self._reverse = False
        self._grown: dict[str, int] = {}
        self._placed: list[_Placed] = []
        self._bar_width = 0
        self.cursor = 0
        #: The row that the cursor follows once somebody has moved it.
        self._followed: int | None = None
        self.dimmed = False

    @property
    def selected(self) -> int | None:
        """The view's row under the cursor."""
        return int(self._order[self.cursor]) if self.cursor < len(self._order) else None

    @property
    def shown_range(self) -> tuple[int, int, int]:
        """First and last row on the screen, counted from 1, and how many rows there are."""
        first = self.scroll_offset.y
        last = min(len(self._order), first + max(0, self.size.height - 1))
        return min(first + 1, last), last, len(self._order)

    @property
    def sort_keys(self) -> list[str]:
        """What the columns on the screen sort by, from left to right."""
        return [placed.column.sort_key for placed in self._placed]

    def show(
        self, view: View, order: npt.NDArray[np.int64], sort_key: str, *, reverse: bool
    ) -> None:
        """Show a view in this order."""
        if self._view is None or view.columns[0].title != self._view.columns[0].title:
            self._grown = {}
            self._followed, self.cursor = None, 0
        self._view, self._order = view, order
        self._sort_key, self._reverse = sort_key, reverse
        if self._followed is not None:
            found = np.flatnonzero(view.ids[order] == self._followed)
            if len(found):
                self.cursor = int(found[0])
        self.cursor = max(0, min(self.cursor, len(order) - 1))
        self.virtual_size = Size(self.size.width, len(order) + 1)
        if self._followed is not None:
            self._scroll_to_cursor()
        self.refresh()

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        if not len(self._order) or self._view is None:
            return
        self.cursor = max(0, min(self.cursor + by, len(self._order) - 1))
        self._followed = int(self._view.ids[self._order[self.cursor]])
        self._scroll_to_cursor()
        self.refresh()
        self.post_message(self.Moved())

    def action_page(self, by: int) -> None:
        """Move the cursor by a screen."""
        self.action_move(by * max(1, self.size.height - 2))

    def on_click(self, event: events.Click) -> None:
        """The head sorts, a row takes the cursor."""
        if event.y == 0:
            for placed in self._placed:
                if placed.at <= event.x < placed.at + placed.width + _GAP:
                    self.post_message(self.SortAsked(placed.column.sort_key))
            return
        row = self.scroll_offset.y + event.y - 1
        if row < len(self._order):
            self.action_move(row - self.cursor)

    def on_resize(self) -> None:
        """Other columns fit."""
        self.virtual_size = Size(self.size.width, len(self._order) + 1)
        self.refresh()

    def _scroll_to_cursor(self) -> None:
        first, height = self.scroll_offset.y, max(1, self.size.height - 1)
        if self.cursor < first:
            self.scroll_to(y=self.cursor, animate=False, force=True)
        elif self.cursor >= first + height:
            self.scroll_to(y=self.cursor - height + 1, animate=False, force=True)

    def render_line(self, y: int) -> Strip:
        """One line of the screen: the head, or a row."""
        width = self.size.width
        if self._view is None:
            return Strip.blank(width, Style(bgcolor=SURFACE))
        if y == 0:
            self._place(width)
            return self._head(width)
        place = self.scroll_offset.y + y - 1
        if place >= len(self._order):
            return Strip.blank(width, Style(bgcolor=SURFACE))
        return self._row(self._view, place, width)

    def _place(self, width: int) -> None:
        """Widths follow the texts on the screen; they only grow, so that nothing jumps."""
        view, first = self._view, self.scroll_offset.y
        assert view is not None
        for column in view.columns:
            if column.room:
                on_screen = self._order[first : first + self.size.height].tolist()
                longest = max((len(column.text(row)) for row in on_screen), default=0)
                self._grown[column.title] = max(self._grown.get(column.title, 0), longest)
        self._placed, self._bar_width = place_columns(view.columns, self._grown, width)

    def _head(self, width: int) -> Strip:
        plain = Style(color=TEXT_QUIET, bgcolor=HEADER, bold=True)
        sorted_by = Style(color=ACCENT, bgcolor=HEADER, bold=True, underline=True)
        segments = []
        for placed in self._placed:
            column = placed.column
            style = sorted_by if column.sort_key == self._sort_key else plain
            title = fitted(column.title, placed.width, right=column.right)
            segments += [Segment(title, style), Segment(" " * _GAP, plain)]
        return Strip(segments).adjust_cell_length(width, plain)

    def _row(self, view: View, place: int, width: int) -> Strip:
        row = int(self._order[place])
        is_cursor = place == self.cursor and self.has_focus
        ground = SELECTED if is_cursor else ZEBRA if place % 2 else SURFACE
        refused = float(view.rejected[row])
        colour = TEXT_QUIET if self.dimmed else REJECT if refused == 1.0 else TEXT
        style = Style(color=colour, bgcolor=ground, bold=is_cursor)
        segments = []
        for placed in self._placed:
            column = placed.column
            text = fitted(column.text(row), placed.width, right=column.right)
            marked = column.sort_key == "rejected" and refused > 0 and not self.dimmed
            segments.append(Segment(text, style + Style(color=REJECT) if marked else style))
            segments.append(Segment(" " * _GAP, style))
        if self._bar_width:
            largest = float(view.weight.max()) if len(view) else 0.0
            blocks = bar(float(view.weight[row]), largest, self._bar_width)
            bar_colour = REJECT if refused == 1.0 else ACCEPT
            segments.append(Segment(blocks, Style(color=bar_colour, bgcolor=ground)))
        return Strip(segments).adjust_cell_length(width, style)
