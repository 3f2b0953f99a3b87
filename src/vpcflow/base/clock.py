"""Time as a thing that is handed in, so that tests own it."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Where the time comes from and how one waits for it."""

    def now_s(self) -> float:
        """Seconds since the epoch, UTC."""

    def monotonic_s(self) -> float:
        """Seconds of a clock that never goes back."""

    def wait(self, wake: threading.Event, timeout_s: float) -> bool:
        """Wait until ``wake`` is set or the time is over; True when it was set."""


class SystemClock:
    """The machine's own clock."""

    def now_s(self) -> float:
        return time.time()

    def monotonic_s(self) -> float:
        return time.monotonic()

    def wait(self, wake: threading.Event, timeout_s: float) -> bool:
        return wake.wait(timeout_s)


class ManualClock:
    """A clock that moves only when told, or when somebody waits for it."""

    def __init__(self, now_s: float = 1_700_000_000.0) -> None:
        self._now_s = now_s
        self._monotonic_s = 0.0

    def now_s(self) -> float:
        return self._now_s

    def monotonic_s(self) -> float:
        return self._monotonic_s

    def advance(self, seconds: float) -> None:
        """Move both clocks on by ``seconds``."""
        self._now_s += seconds
        self._monotonic_s += seconds

    def wait(self, wake: threading.Event, timeout_s: float) -> bool:
        if wake.is_set():
            return True
        self.advance(timeout_s)
        return wake.is_set()
