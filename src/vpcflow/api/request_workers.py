"""Threads for requests: as few at work as keep up, since those that compute hinder each other.

Most requests take less than a millisecond, and one thread answers them faster than sixteen that
take turns with the interpreter. A request that waits because another one is slow, on a disk or in a
large answer, gets a thread of its own soon.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple, TypeVar

T = TypeVar("T")
#: How long a request waits for the threads at work before one more joins them.
PATIENCE_S = 0.01


class _Job(NamedTuple):
    future: asyncio.Future[object]
    call: Callable[[], object]
    since_s: float


class RequestWorkers:
    """Runs calls in at most ``workers_max`` threads.

    Shape: ``run`` and ``close`` are for the event loop's thread.
    """

    def __init__(self, workers_max: int) -> None:
        self._workers_max = workers_max
        self._jobs: deque[_Job] = deque()
        self._lock = threading.Lock()
        self._idle = threading.Semaphore(0)
        self._threads: list[threading.Thread] = []
        self._working = 0
        self._closing = False
        self._watching = False

    async def run(self, call: Callable[[], T]) -> T:
        """What the call returns or raises."""
        loop = asyncio.get_running_loop()
        job = _Job(loop.create_future(), call, loop.time())
        with self._lock:
            self._jobs.append(job)
            wants_thread = self._working == 0
            if wants_thread:
                self._working += 1
        if wants_thread:
            self._wake()
        elif not self._watching:
            self._watching = True
            loop.call_later(PATIENCE_S, self._watch, loop)
        return await job.future  # type: ignore[return-value]

    def close(self) -> None:
        """End the threads; what they do is done first."""
        self._closing = True
        for _ in self._threads:
            self._idle.release()
        for thread in self._threads:
            thread.join()

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """One more thread joins if somebody has waited too long."""
        with self._lock:
            waiting = bool(self._jobs)
            is_late = waiting and loop.time() - self._jobs[0].since_s >= PATIENCE_S
            wants_thread = is_late and self._working < self._workers_max
            if wants_thread:
                self._working += 1
        if wants_thread:
            self._wake()
        self._watching = waiting
        if waiting:
            loop.call_later(PATIENCE_S, self._watch, loop)

    def _wake(self) -> None:
        if self._working > len(self._threads):
            number = len(self._threads)
            thread = threading.Thread(target=self._work, name=f"vpcflow-api_{number}", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._idle.release()

    def _work(self) -> None:
        while True:
            self._idle.acquire()
            if self._closing and not self._jobs:
                return
            while True:
                with self._lock:
                    if not self._jobs:
                        self._working -= 1
                        break
                    job = self._jobs.popleft()
                self._do(job)

    def _do(self, job: _Job) -> None:
        try:
            result = job.call()
        except BaseException as error:  # noqa: BLE001 - the caller raises it
            self._tell(job.future, None, error)
        else:
            self._tell(job.future, result, None)

    def _tell(
        self, future: asyncio.Future[object], result: object, error: BaseException | None
    ) -> None:
        def settle() -> None:
            if future.cancelled():
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)

        # When the server has ended, its loop is closed and nobody waits any more.
        with suppress(RuntimeError):
            future.get_loop().call_soon_threadsafe(settle)
