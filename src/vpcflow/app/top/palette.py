"""The colours of `vpcflow top`: red only ever means rejected or bad, blue is accepted traffic."""

from __future__ import annotations

BACKGROUND = "#0b0f15"
SURFACE = "#131921"
ZEBRA = "#0f141b"
HEADER = "#232d39"
SELECTED = "#17263f"
TEXT = "#e8edf4"
TEXT_QUIET = "#a9b5c4"
ACCENT = "#78a9ff"
ACCEPT = "#4d97f5"
REJECT = "#ff7163"
WARN = "#e8b04b"
