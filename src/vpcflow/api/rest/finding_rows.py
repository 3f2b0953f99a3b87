"""Rows that findings are made of, asked at most once a minute while records arrive.

Every commit makes a new table, and every open console asks for its findings each minute: what was
found a minute ago is still what to look at.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vpcflow.api.asked import Question, Steps
from vpcflow.api.rest.asking import key_of
from vpcflow.base.errors import QueryError
from vpcflow.query.time_range import TimeRange

if TYPE_CHECKING:
    from vpcflow.api.rest.services import RestServices
    from vpcflow.query.expression import Expression

#: Rows of an older table serve so long.
FRESH_S = 60.0
#: Questions whose rows are kept; each keeps few of them.
KEPT_MAX = 64

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FoundRows:
    """The rows of a question that matter, of all rows it had; ``note`` says what is missing."""

    rows: tuple[Row, ...] = ()
    rows_seen: int = 0
    records_seen: int = 0
    note: str = ""
    failed: bool = False


@dataclass(frozen=True, slots=True)
class _Kept:
    snapshot: str
    made_s: float
    found: FoundRows


class FindingRows:
    """Asks questions and keeps the rows that matter, for any number of threads."""

    def __init__(self, services: RestServices) -> None:
        self._services = services
        self._lock = threading.Lock()
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()

    def ask(
        self,
        name: str,
        parameters: dict[str, Any],
        condition: Expression | None,
        time_range: TimeRange,
        choose: Callable[[list[Row]], Sequence[Row]] = lambda rows: rows,
    ) -> Steps[FoundRows]:
        """What ``choose`` keeps of the rows; a question that cannot be answered leaves a note."""
        services = self._services
        snapshot = services.queries.snapshot()
        times = [time_range.start_s, time_range.end_s]
        about = key_of("findings", "", name, parameters, times, str(condition))
        now_s = services.clock.now_s()
        with self._lock:
            kept = self._kept.get(about)
        if kept and (kept.snapshot == snapshot or 0 <= now_s - kept.made_s < FRESH_S):
            return kept.found
        found = yield from _run(Question(name, parameters, condition, time_range), choose)
        if found.failed:
            return found
        with self._lock:
            self._kept[about] = _Kept(snapshot, now_s, found)
            self._kept.move_to_end(about)
            while len(self._kept) > KEPT_MAX:
                self._kept.popitem(last=False)
        return found


def _run(question: Question, choose: Callable[[list[Row]], Sequence[Row]]) -> Steps[FoundRows]:
    try:
        answer = yield question
    except QueryError as error:
        return FoundRows(note=f"{question.name}: {error.what}", failed=True)
    rows: list[Row] = answer.table.to_pylist()
    note = f"{question.name}: not everything was looked at; choose a shorter time"
    return FoundRows(
        rows=tuple(choose(rows)),
        rows_seen=len(rows),
        records_seen=sum(row.get("records") or 0 for row in rows),
        note=note if answer.truncated else "",
    )
