"""The keys of `vpcflow top`, in full."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from vpcflow.app.top import palette

KEYS = (
    ("f t p i", "flows, talkers (by address), ports, interfaces"),
    ("r", "rejects only, or everything"),
    ("s b c", "sort by bit/s, bytes, packets"),
    ("n x a", "sort by name, rejects, age; the same key turns it round"),
    ("< >", "sort by the column to the left or right; or click its head"),
    ("/", "filter: 10.0.1, 443, REJECT, web, or a condition such as"),
    ("", "addr in 10.0.0.0/8 and dstport in (22, 3389)"),
    ("up down", "move; the detail line shows the row in full"),
    ("space", "hold the picture, and go on"),
    ("esc", "no filter"),
    ("q", "quit"),
)
NOTES = (
    "Rates are averages over the last three seconds. Packets and bytes count",
    "from when top first saw the flow, over intervals. A flow that is over is",
    "shown for 15 seconds more. Sent, Recv, From, To, Out, In: bits a second.",
    "In ports, the lower port is the service's.",
)


class HelpScreen(ModalScreen[None]):
    """What each key does; any of q, ?, Esc closes it."""

    CSS = f"""
    HelpScreen {{ align: center middle; }}
    #help {{ width: 78; max-width: 100%; height: auto; max-height: 100%; padding: 1 2;
             background: {palette.SURFACE}; border: round {palette.ACCENT}; }}
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,enter", "dismiss", show=False),
    ]

    def compose(self) -> ComposeResult:
        """One text in a box."""
        text = Text()
        for keys, meaning in KEYS:
            text.append(f"{keys:9}", f"bold {palette.WARN}")
            text.append(f"{meaning}\n", palette.TEXT)
        text.append("\n" + "\n".join(NOTES), palette.TEXT_QUIET)
        with VerticalScroll(id="help"):
            yield Static(text)
