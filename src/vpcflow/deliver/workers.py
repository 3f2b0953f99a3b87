"""Threads for destinations elsewhere, which may hang: they never keep the process from ending."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future

from vpcflow.base.clock import Clock

_Work = tuple[Future[bool], Callable[[], bool]]


class Workers:
    """Does what is handed over, in ``count`` daemon threads that start when they are needed.

    Shape: nothing bounds what waits but whoever hands it over.
    """

    def __init__(self, count: int, name: str) -> None:
        self._count = count
        self._name = name
        self._waiting: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._is_closed = False

    def submit(self, work: Callable[[], bool]) -> Future[bool]:
        """Do something soon; to be called by one thread."""
        future: Future[bool] = Future()
        self._waiting.put((future, work))
        if len(self._threads) < self._count:
            name = f"{self._name}-{len(self._threads)}"
            thread = threading.Thread(target=self._run, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()
        return future

    def close(self, wait_s: float, clock: Clock) -> bool:
        """Begin nothing any more, and wait so long for what is under way; whether all of it ended."""
        self._is_closed = True
        until_s = clock.monotonic_s() + wait_s
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join(max(0.0, until_s - clock.monotonic_s()))
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        while (found := self._waiting.get()) is not None:
            future, work = found
            if self._is_closed:
                future.cancel()
                continue
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001 - whoever asks for the result gets it
                future.set_exception(error)
