"""Stopping a question whose asker has gone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from vpcflow.base.errors import StoppedError

#: How often a running statement is interrupted until it gives up: an interrupt that comes just
#: before a statement begins is lost.
AGAIN_S = 0.05


class StopToken:
    """Stops the question that it was given to, from any thread, once and for all.

    Shape: one token may be given to several questions, one after the other or at once.
    """

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._running: dict[int, Callable[[], object]] = {}
        self._numbers = 0

    def stop(self) -> None:
        """Stop what runs, and refuse what has not begun."""
        if self._stopped.is_set():
            return
        self._stopped.set()
        if self._interrupt():
            threading.Thread(target=self._insist, name="stop-question", daemon=True).start()

    @property
    def is_stopped(self) -> bool:
        """Whether ``stop`` was called."""
        return self._stopped.is_set()

    def check(self) -> None:
        """Go on only while nobody has called ``stop``.

        Errors: StoppedError.
        """
        if self._stopped.is_set():
            raise stopped()

    @contextmanager
    def interrupting(self, interrupt: Callable[[], object]) -> Iterator[None]:
        """While it is open, ``stop`` calls ``interrupt``, which must be safe from any thread.

        Errors: StoppedError when the token was stopped before.
        """
        with self._lock:
            self.check()
            self._numbers += 1
            number = self._numbers
            self._running[number] = interrupt
        try:
            yield
        finally:
            with self._lock:
                del self._running[number]

    def _interrupt(self) -> bool:
        with self._lock:
            for interrupt in self._running.values():
                interrupt()
            return bool(self._running)

    def _insist(self) -> None:
        wait = threading.Event()
        while self._interrupt():
            wait.wait(AGAIN_S)


def stopped() -> StoppedError:
    """The fault of a question that was stopped."""
    return StoppedError("the question was stopped", hint="ask again if the answer is still wanted")
