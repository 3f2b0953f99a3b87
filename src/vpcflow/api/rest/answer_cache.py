"""Answers that were given before, while the table is as it was."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vpcflow.query.answer import Answer

#: What an answer takes beside its columns.
ENTRY_BYTES = 4_096


class AnswerCache:
    """The answers asked for last, bounded in bytes; safe to use from several threads.

    Shape: a key holds the table's snapshot, so an answer never outlives what it was read from.
    Units: ``bytes_max`` 0 keeps nothing.
    """

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._lock = threading.Lock()
        self._answers: OrderedDict[bytes, tuple[Answer, int]] = OrderedDict()
        self._bytes = 0

    @property
    def kept_bytes(self) -> int:
        """What the kept answers take."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, key: bytes) -> Answer | None:
        """The answer of a key, if it is still there."""
        with self._lock:
            found = self._answers.get(key)
            if found is None:
                return None
            self._answers.move_to_end(key)
            return found[0]

    def put(self, key: bytes, answer: Answer) -> None:
        """Keep an answer; the ones that were not asked for longest make room."""
        size = size_of(answer)
        with self._lock:
            if size > self._bytes_max or key in self._answers:
                return
            self._answers[key] = (answer, size)
            self._bytes += size
            while self._bytes > self._bytes_max:
                _, (_, gone) = self._answers.popitem(last=False)
                self._bytes -= gone


def size_of(answer: Answer) -> int:
    """Bytes that an answer takes in memory, about."""
    tables = [answer.table, *(section.table for section in answer.sections)]
    return ENTRY_BYTES + sum(int(table.nbytes) for table in tables)
