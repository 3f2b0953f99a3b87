"""Runs the console's questions: a few at a time, each of them once, none that nobody waits for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vpcflow.api.rest.answer_cache import AnswerCache
from vpcflow.base.errors import LimitError, ServiceError, StoppedError
from vpcflow.query.stop_token import StopToken, stopped

if TYPE_CHECKING:
    from vpcflow.query.answer import Answer

#: What a caller who is refused is told to wait.
RETRY_AFTER_S = 2

Run = Callable[[StopToken], "Answer"]


class TooManyQuestionsError(ServiceError):
    """The queue of questions is full."""

    def __init__(self, waiting_max: int) -> None:
        super().__init__(
            "TooManyQuestions",
            f"{waiting_max} questions wait for their turn already; ask again in a moment.",
            status=429,
            fields={"retry-after": str(RETRY_AFTER_S)},
        )


@dataclass(slots=True)
class PoolCounts:
    """What the pool did since it started."""

    started: int = 0
    finished: int = 0
    interrupted: int = 0
    shared: int = 0
    cached: int = 0
    refused: int = 0


@dataclass(slots=True, eq=False)
class _Job:
    key: bytes
    run: Run
    stop: StopToken = field(default_factory=StopToken)
    waiters: int = 1
    late: bool = False
    answer: Future[Answer] = field(default_factory=Future)

    def __post_init__(self) -> None:
        # From now on nobody can cancel it: others may wait for the same.
        self.answer.set_running_or_notify_cancel()


class Ticket:
    """One caller's place at a question; given back with ``leave``, also when it was answered."""

    def __init__(self, answer: Future[Answer], leave: Callable[[], None]) -> None:
        self.answer = answer
        self.leave = leave


class QueryPool:
    """Threads that run questions, the queue before them, and the answers of before.

    Shape: callers with the same key share one run. A question whose last caller left is taken out
    of the queue, or interrupted where it runs.
    Units: ``time_s_max`` counts from where a question begins to run.
    """

    def __init__(
        self, *, workers: int, waiting_max: int, time_s_max: float, cache_bytes_max: int
    ) -> None:
        self._workers = workers
        self._waiting_max = waiting_max
        self._time_s_max = time_s_max
        self._lock = threading.Lock()
        self._jobs: dict[bytes, _Job] = {}
        self._open = 0
        self._closed = False
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="console-query")
        self.cache = AnswerCache(cache_bytes_max)
        self.counts = PoolCounts()

    @property
    def unfinished(self) -> int:
        """Questions that run or wait now."""
        return self._open

    def enter(self, key: bytes, run: Run, *, keep: bool = True) -> Ticket:
        """Ask; the answer comes in the ticket.

        Shape: ``keep`` says whether the answer may be given again.
        Errors: TooManyQuestionsError when the queue is full, ServiceError 503 after ``close``.
        """
        kept = self.cache.get(key) if keep else None
        with self._lock:
            if kept is not None:
                self.counts.cached += 1
                known: Future[Answer] = Future()
                known.set_result(kept)
                return Ticket(known, lambda: None)
            if self._closed:
                raise ServiceError("Stopping", "The server is ending.", status=503)
            job = self._jobs.get(key)
            if job is not None:
                job.waiters += 1
                self.counts.shared += 1
                return self._ticket(job)
            if self._open >= self._workers + self._waiting_max:
                self.counts.refused += 1
                raise TooManyQuestionsError(self._waiting_max)
            job = _Job(key, run)
            self._jobs[key] = job
            self._open += 1
            self._threads.submit(self._work, job, keep)
        return self._ticket(job)

    def close(self) -> None:
        """Interrupt what runs, refuse what waits, and end the threads."""
        with self._lock:
            self._closed = True
            jobs = list(self._jobs.values())
        for job in jobs:
            job.stop.stop()
        self._threads.shutdown(wait=True)

    def _ticket(self, job: _Job) -> Ticket:
        left = threading.Event()

        def leave() -> None:
            if not left.is_set():
                left.set()
                self._leave(job)

        return Ticket(job.answer, leave)

    def _leave(self, job: _Job) -> None:
        with self._lock:
            job.waiters -= 1
            if job.waiters or job.answer.done():
                return
            # Whoever asks the same from now on starts anew: this run ends without an answer.
            if self._jobs.get(job.key) is job:
                del self._jobs[job.key]
            self.counts.interrupted += 1
        job.stop.stop()

    def _work(self, job: _Job, keep: bool) -> None:
        timer = threading.Timer(self._time_s_max, self._stop_late, [job])
        timer.daemon = True
        answer, error = None, None
        try:
            job.stop.check()
            self.counts.started += 1
            timer.start()
            answer = job.run(job.stop)
            if keep:
                self.cache.put(job.key, answer)
        except BaseException as raised:  # noqa: BLE001 - whoever waits for the answer gets it
            error = self._told(job, raised)
        finally:
            timer.cancel()
        with self._lock:
            if self._jobs.get(job.key) is job:
                del self._jobs[job.key]
            self._open -= 1
            self.counts.finished += 1
        if answer is not None:
            job.answer.set_result(answer)
        else:
            job.answer.set_exception(error or stopped())

    def _stop_late(self, job: _Job) -> None:
        job.late = True
        job.stop.stop()

    def _told(self, job: _Job, raised: BaseException) -> BaseException:
        if job.late and isinstance(raised, StoppedError):
            return LimitError(
                f"the question took longer than {self._time_s_max:g} s and was stopped",
                hint="ask for less time or fewer columns, or raise rest.time_s_max",
            )
        return raised
