"""Asks the running capture once a second, in a thread of its own, for as long as the screen is up."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from vpcflow.app.top.flow_book import FlowBook, FlowRows, Totals
from vpcflow.base.clock import Clock, SystemClock
from vpcflow.base.errors import CaptureError, FlowLogError

#: How often the capture is asked.
ASK_S = 1.0

Ask = Callable[[str], bytes]


@dataclass(frozen=True)
class Reading:
    """What one question brought; ``problem`` says why it brought nothing."""

    at_s: float
    rows: FlowRows = field(default_factory=FlowRows)
    totals: Totals = field(default_factory=Totals)
    status: dict[str, Any] = field(default_factory=dict)
    problem: str = ""
    hint: str = ""


class LiveFeed:
    """Reads the capture into a book.

    Shape: ``on_reading`` is called in the feed's thread, once for each question.
    """

    def __init__(
        self, ask: Ask, on_reading: Callable[[Reading], None], clock: Clock | None = None
    ) -> None:
        self._ask = ask
        self._on_reading = on_reading
        self._clock = clock or SystemClock()
        self._stop = threading.Event()
        self._book = FlowBook()

    def start(self) -> None:
        """Begin to ask. The thread does not hold up the end of the process."""
        threading.Thread(target=self._run, name="vpcflow-top", daemon=True).start()

    def stop(self) -> None:
        """Ask no more."""
        self._stop.set()

    def read(self) -> Reading:
        """Ask once."""
        try:
            status = json.loads(self._answer("status"))
            answer = self._ask("flows")
            now_s = self._clock.now_s()
            self._book.take(answer, status, now_s)
        except FlowLogError as error:
            return self._failed(error.what, error.hint)
        except ValueError as error:  # also pyarrow's: the capture ended while it answered
            return self._failed("the capture's answer is cut off", str(error).splitlines()[0])
        return Reading(now_s, self._book.rows, self._book.totals, status)

    def _answer(self, request: str) -> bytes:
        answer = self._ask(request)
        if not answer:
            raise CaptureError("the running capture does not answer")
        return answer

    def _failed(self, problem: str, hint: str) -> Reading:
        # The next answer may come from another capture, whose counts are others.
        self._book = FlowBook()
        return Reading(self._clock.now_s(), problem=problem, hint=hint)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._on_reading(self.read())
            self._clock.wait(self._stop, ASK_S)
