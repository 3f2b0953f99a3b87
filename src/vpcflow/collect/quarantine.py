"""Lines and objects that could not be taken: kept with their reason, counted exactly."""

# ruff: noqa: S608 - only constants of this package are put into statements; values are bound
from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from vpcflow.collect.piece import LostLine
from vpcflow.collect.settings import CollectSettings
from vpcflow.collect.source_object import Problem, ProblemCode, SourceObject, printable
from vpcflow.collect.state_db import CONFIRMED, StateDb
from vpcflow.record.batch import Origin
from vpcflow.record.log_format import LogFormat
from vpcflow.record.reasons import BAD_LINE_BYTES_MAX, BadLineReason, BadLines

LINE, OVERFLOW, PROBLEM = 0, 1, 2
#: How many objects' counts are remembered; others are counted anew.
_COUNTS_KEPT_MAX = 1000

_VISIBLE = (
    f" commit_no IN (SELECT commit_no FROM commits WHERE state = {CONFIRMED})"
    " AND (retry_no IS NULL OR retry_no NOT IN"
    f" (SELECT commit_no FROM commits WHERE state = {CONFIRMED}))"
)
_INSERT = (
    "INSERT INTO quarantine (object_no, kind, line_number, reason, field, bytes, length,"
    " line_count, encoding, format_no, format_assumed, what, hint, commit_no)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_SELECT = (
    "SELECT q.id, o.uri, q.kind, q.line_number, q.reason, q.field, q.bytes, q.length,"
    " q.line_count, q.encoding, f.names, q.format_assumed, q.what, q.hint"
    " FROM quarantine q JOIN quarantine_objects o USING (object_no)"
    " LEFT JOIN log_formats f USING (format_no) WHERE"
)


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    """One entry of the quarantine.

    Shape: ``kind`` is line (one line, with its bytes), overflow (``line_count`` more lines with
    this reason, not kept) or problem (the object as a whole; ``line_count`` 0). ``data`` is cut
    to BAD_LINE_BYTES_MAX; ``length`` is the true length.
    """

    id: int
    uri: str
    kind: str
    line_number: int | None
    reason: str
    message: str
    data: bytes
    length: int
    line_count: int
    encoding: str | None
    log_format: LogFormat | None
    hint: str

    @property
    def where(self) -> str:
        """The object in printable characters."""
        return printable(self.uri)

    @property
    def text(self) -> str:
        """The line's bytes in printable characters."""
        return printable(os.fsdecode(self.data))


@dataclass(frozen=True, slots=True)
class QuarantineCount:
    """Entries of one object with one reason."""

    uri: str
    reason: str
    lines: int
    lines_kept: int
    problems: int
    first_id: int


@dataclass(frozen=True, slots=True)
class QuarantineCounts:
    """What the quarantine holds; ``lines`` includes those of which only the count is kept."""

    lines: int
    lines_kept: int
    problems: int
    objects: int


def reason_name(code: int) -> str:
    """The short name of a reason, as it is printed and filtered by."""
    try:
        reason = ProblemCode(code) if code >= ProblemCode.MISSING else BadLineReason(code)
    except ValueError:
        return f"reason-{code}"
    return reason.name.lower().replace("_", "-")


class Quarantine:
    """Takes what is bad under a commit, and tells what is there.

    Shape: entries count when their commit is confirmed; of one object at most
    ``quarantine_lines_per_object_max`` lines are kept, the others are counted by reason.
    """

    def __init__(self, db: StateDb, settings: CollectSettings | None = None) -> None:
        self._db = db
        self._lines_max = (settings or CollectSettings()).quarantine_lines_per_object_max
        self._kept: dict[int, int] = {}

    # -- writing

    def add(
        self, commit_id: str, obj: SourceObject, bad: BadLines, encoding: str | None = None
    ) -> None:
        """Keep bad lines under a commit."""
        if len(bad) == 0:
            return
        with self._db.lock:
            commit_no = self._db.begin_commit(commit_id)
            object_no = self._object_no(obj)
            format_no = self._format_no(bad.log_format)
            kept = self._room(object_no, len(bad))
            rows = zip(
                bad.line_numbers[:kept].tolist(),
                bad.reasons[:kept].tolist(),
                bad.fields[:kept].tolist(),
                bad.offsets[:kept].tolist(),
                bad.offsets[1 : kept + 1].tolist(),
                bad.lengths[:kept].tolist(),
                strict=True,
            )
            assumed = int(bad.format_assumed)
            self._db.write_many(
                _INSERT,
                (
                    (object_no, LINE, number, reason, field, bad.data[start:end], length,
                     1, encoding, format_no, assumed, "", "", commit_no)
                    for number, reason, field, start, end, length in rows
                ),
            )  # fmt: skip
            codes, counts = np.unique(bad.reasons[kept:], return_counts=True)
            for code, count in zip(codes.tolist(), counts.tolist(), strict=True):
                self._overflow(commit_no, object_no, code, count)

    def add_lost(
        self, commit_id: str, obj: SourceObject, line: LostLine, encoding: str | None = None
    ) -> None:
        """Keep a line that is bad because of where it stands."""
        with self._db.lock:
            commit_no = self._db.begin_commit(commit_id)
            object_no = self._object_no(obj)
            if self._room(object_no, 1) == 0:
                self._overflow(commit_no, object_no, line.code, 1)
                return
            self._db.write(
                _INSERT,
                (object_no, LINE, line.line_number, int(line.code), -1, line.data, line.length,
                 1, encoding, None, 0, line.code.text, "", commit_no),
            )  # fmt: skip

    def add_problem(
        self, commit_id: str, problem: Problem, obj: SourceObject | None = None
    ) -> None:
        """Keep what is wrong with an object as a whole; the same again is kept once."""
        obj = obj or SourceObject(problem.uri, 0, "", Origin("", problem.uri))
        with self._db.lock:
            commit_no = self._db.begin_commit(commit_id)
            object_no = self._object_no(obj)
            known = self._db.one(
                "SELECT 1 FROM quarantine WHERE object_no = ? AND kind = ? AND reason = ?"
                " AND what = ? AND retry_no IS NULL",
                (object_no, PROBLEM, int(problem.code), problem.what),
            )
            if known is None:
                self._db.write(
                    _INSERT,
                    (object_no, PROBLEM, None, int(problem.code), -1,
                     problem.sample[:BAD_LINE_BYTES_MAX], 0, 0, None, None, 0, problem.what,
                     problem.hint, commit_no),
                )  # fmt: skip

    def resolve(self, commit_id: str, obj: SourceObject, *, cut_line: bool) -> None:
        """The object was read to its end: its earlier problem, and cut line, are of the past."""
        with self._db.lock:
            row = self._db.one(
                "SELECT object_no FROM quarantine_objects WHERE uri = ?", (os.fsencode(obj.uri),)
            )
            if row is None:
                return
            condition = "object_no = ? AND (kind = ? OR reason = ?) AND retry_no IS NULL"
            values = (row[0], PROBLEM, int(ProblemCode.CUT_LINE) if cut_line else -1)
            if self._db.one(f"SELECT 1 FROM quarantine WHERE {condition} LIMIT 1", values):
                commit_no = self._db.begin_commit(commit_id)
                self._db.write(
                    f"UPDATE quarantine SET retry_no = ? WHERE {condition}", (commit_no, *values)
                )

    def mark_retried(self, commit_id: str, ids: list[int]) -> None:
        """These lines were decoded after all; they leave the quarantine with the commit."""
        with self._db.lock:
            commit_no = self._db.begin_commit(commit_id)
            self._db.write_many(
                "UPDATE quarantine SET retry_no = ? WHERE id = ?", ((commit_no, id_) for id_ in ids)
            )

    def forget_counts(self) -> None:
        """Count anew what is kept of each object: a commit was discarded."""
        with self._db.lock:
            self._kept.clear()

    def _object_no(self, obj: SourceObject) -> int:
        uri = os.fsencode(obj.uri)
        row = self._db.one("SELECT object_no FROM quarantine_objects WHERE uri = ?", (uri,))
        if row is not None:
            return int(row[0])
        origin = obj.origin
        cursor = self._db.write(
            "INSERT INTO quarantine_objects (uri, kind, account_id, region, flow_log_id)"
            " VALUES (?, ?, ?, ?, ?)",
            (uri, origin.kind, origin.account_id, origin.region, origin.flow_log_id),
        )
        return int(cursor.lastrowid or 0)

    def _format_no(self, log_format: LogFormat) -> int:
        row = self._db.one(
            "SELECT format_no FROM log_formats WHERE names = ?", (log_format.header,)
        )
        if row is None:
            cursor = self._db.write(
                "INSERT INTO log_formats (names) VALUES (?)", (log_format.header,)
            )
            return int(cursor.lastrowid or 0)
        return int(row[0])

    def _room(self, object_no: int, lines: int) -> int:
        """How many of ``lines`` more may be kept of an object; they count as kept from now on."""
        if object_no not in self._kept:
            if len(self._kept) >= _COUNTS_KEPT_MAX:
                self._kept.clear()
            row = self._db.one(
                "SELECT COUNT(*) FROM quarantine WHERE object_no = ? AND kind = ?",
                (object_no, LINE),
            )
            self._kept[object_no] = int(row[0])
        kept = min(lines, max(0, self._lines_max - self._kept[object_no]))
        self._kept[object_no] += kept
        return kept

    def _overflow(self, commit_no: int, object_no: int, code: int, count: int) -> None:
        cursor = self._db.write(
            "UPDATE quarantine SET line_count = line_count + ? WHERE object_no = ? AND kind = ?"
            " AND reason = ? AND commit_no = ?",
            (count, object_no, OVERFLOW, int(code), commit_no),
        )
        if cursor.rowcount == 0:
            self._db.write(
                _INSERT,
                (object_no, OVERFLOW, None, int(code), -1, b"", 0, count, None, None, 0, "",
                 "see collect.quarantine_lines_per_object_max", commit_no),
            )  # fmt: skip

    # -- asking

    def list(
        self, *, limit: int = 100, after_id: int = 0, object_filter: str | None = None
    ) -> list[QuarantineRow]:
        """Entries in the order they came; ``object_filter`` is part of the object's name."""
        condition, values = _object_condition(object_filter)
        rows = self._db.all(
            f"{_SELECT} {_VISIBLE} AND q.id > ? {condition} ORDER BY q.id LIMIT ?",
            (after_id, *values, limit),
        )
        return [_quarantine_row(row) for row in rows]

    def show(self, entry_id: int) -> QuarantineRow | None:
        """One entry, None when there is none of this id, or no longer."""
        row = self._db.one(f"{_SELECT} {_VISIBLE} AND q.id = ?", (entry_id,))
        return None if row is None else _quarantine_row(row)

    def summary(self, *, object_filter: str | None = None) -> Iterator[QuarantineCount]:
        """Counts by object and reason, in the order of their first entry."""
        condition, values = _object_condition(object_filter)
        sql = (
            f"SELECT o.uri, q.reason, SUM(q.line_count), SUM(q.kind = {LINE}),"
            f" SUM(q.kind = {PROBLEM}), MIN(q.id)"
            " FROM quarantine q JOIN quarantine_objects o USING (object_no)"
            f" WHERE {_VISIBLE} {condition} GROUP BY q.object_no, q.reason ORDER BY MIN(q.id)"
        )
        for uri, reason, lines, kept, problems, first_id in self._db.all(sql, values):
            yield QuarantineCount(
                os.fsdecode(uri), reason_name(reason), lines, kept, problems, first_id
            )

    def counts(self) -> QuarantineCounts:
        """How much is in quarantine."""
        row = self._db.one(
            f"SELECT COALESCE(SUM(line_count), 0), COALESCE(SUM(kind = {LINE}), 0),"
            f" COALESCE(SUM(kind = {PROBLEM}), 0), COUNT(DISTINCT object_no)"
            f" FROM quarantine WHERE {_VISIBLE}"
        )
        return QuarantineCounts(*row)


def _object_condition(object_filter: str | None) -> tuple[str, tuple[Any, ...]]:
    if not object_filter:
        return "", ()
    return "AND INSTR(o.uri, ?) > 0", (os.fsencode(object_filter),)


def _quarantine_row(row: Any) -> QuarantineRow:
    (id_, uri, kind, number, code, field, data, length, count, encoding, names, assumed, what,
     hint) = row  # fmt: skip
    log_format = LogFormat.from_header(names) if names else None
    message = what
    if kind == OVERFLOW:
        message = f"{count} more lines of this object with this reason, only counted"
    elif kind == LINE and log_format is not None:
        bad = BadLines(
            line_numbers=np.array([number], np.int64),
            reasons=np.array([code], np.int16),
            fields=np.array([field], np.int16),
            offsets=np.array([0, len(data)], np.int64),
            data=data,
            lengths=np.array([length], np.int64),
            log_format=log_format,
            format_assumed=bool(assumed),
        )
        message, hint = bad.message(0), bad.hint
    elif kind == LINE:
        message = f"line {number}: {what}"
    return QuarantineRow(
        id_, os.fsdecode(uri), ("line", "overflow", "problem")[kind], number, reason_name(code),
        message, data, length, count, encoding, log_format, hint,
    )  # fmt: skip
