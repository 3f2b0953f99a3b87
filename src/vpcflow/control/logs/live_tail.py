"""What just arrived in log groups, for those who watch: bounded queues, nothing is kept."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from vpcflow.control.state import Place

#: Events that wait for a watcher; more are dropped and counted, and the update says ``sampled``.
WAITING_EVENTS_MAX = 5_000
#: Sessions of one account and region, as at AWS.
SESSIONS_MAX = 15
UPDATE_EVENTS_MAX = 500


class TailEvent(NamedTuple):
    """An event that arrived, in milliseconds."""

    group: str
    stream: str
    timestamp: int
    message: str
    ingestion_ms: int


class TailUpdate(NamedTuple):
    """What one look gives; ``sampled`` when some were dropped."""

    events: list[TailEvent]
    sampled: bool


#: Which messages of a list are wanted; None: all.
Fits = Callable[[Sequence[str]], Sequence[bool]]


@dataclass(frozen=True, slots=True)
class TailChoice:
    """Which groups of a place, which streams (by name or prefix, neither: all), which messages."""

    place: Place
    groups: frozenset[str]
    streams: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()
    fits: Fits | None = None

    def takes(self, place: Place, group: str, stream: str) -> bool:
        """Whether a stream is watched."""
        if place != self.place or group not in self.groups:
            return False
        if self.streams:
            return stream in self.streams
        return not self.prefixes or stream.startswith(self.prefixes)


class TailSession:
    """One watcher's queue."""

    def __init__(self, choice: TailChoice) -> None:
        self.choice = choice
        self.dropped = 0
        self._waiting: deque[TailEvent] = deque()
        self._told_dropped = 0
        self._lock = threading.Lock()

    def offer(self, events: Sequence[TailEvent]) -> None:
        """Take what there is room for."""
        with self._lock:
            room = WAITING_EVENTS_MAX - len(self._waiting)
            self._waiting.extend(events[:room])
            self.dropped += max(0, len(events) - room)

    def take(self, events_max: int = UPDATE_EVENTS_MAX) -> TailUpdate:
        """What arrived since the last look; what is beyond the maximum is dropped."""
        with self._lock:
            waiting, self._waiting = list(self._waiting), deque()
            given = waiting[:events_max]
            self.dropped += len(waiting) - len(given)
            sampled = self.dropped > self._told_dropped
            self._told_dropped = self.dropped
        return TailUpdate(given, sampled)


class LiveTailHub:
    """Hands arriving events to sessions; costs next to nothing while there is none.

    Shape: safe for any number of threads.
    """

    def __init__(self) -> None:
        self._sessions: tuple[TailSession, ...] = ()
        self._lock = threading.Lock()

    def open(self, choice: TailChoice) -> TailSession | None:
        """A new session; None when the place has SESSIONS_MAX."""
        session = TailSession(choice)
        with self._lock:
            if sum(one.choice.place == choice.place for one in self._sessions) >= SESSIONS_MAX:
                return None
            self._sessions = (*self._sessions, session)
        return session

    def close(self, session: TailSession) -> None:
        """The watcher left."""
        with self._lock:
            self._sessions = tuple(one for one in self._sessions if one is not session)

    def watches(self, place: Place, group: str) -> bool:
        """Whether anybody watches a group."""
        return any(
            one.choice.place == place and group in one.choice.groups for one in self._sessions
        )

    def publish(
        self,
        place: Place,
        group: str,
        stream: str,
        timestamps: Sequence[int],
        messages: Sequence[str],
        ingestion_ms: int,
    ) -> None:
        """Events arrived in a stream."""
        for session in self._sessions:
            choice = session.choice
            if not choice.takes(place, group, stream):
                continue
            texts, times = messages, timestamps
            if choice.fits is not None:
                fits = choice.fits(messages)
                texts = [text for text, yes in zip(messages, fits, strict=True) if yes]
                times = [time for time, yes in zip(timestamps, fits, strict=True) if yes]
            session.offer(
                [
                    TailEvent(group, stream, time, text, ingestion_ms)
                    for time, text in zip(times, texts, strict=True)
                ]
            )
