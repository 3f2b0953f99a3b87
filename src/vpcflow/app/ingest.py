"""From a source to the table: every record once, whenever it is killed.

The order of a commit is the promise. Data files are written and made durable; what was read and
what was bad is prepared in the state file under the commit's id; the table takes the files and
the id in one snapshot; the state file confirms. After a kill, the next run asks the table about
each prepared id: a known one is confirmed, any other discarded, and its objects are read again.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from vpcflow.app.memory import keep_memory
from vpcflow.app.progress import Progress
from vpcflow.app.settings import Settings
from vpcflow.app.spool_drain import drain_left_over
from vpcflow.base.clock import Clock, SystemClock
from vpcflow.base.errors import CollectError
from vpcflow.collect.intake import Intake
from vpcflow.collect.position import Skip, Take
from vpcflow.collect.reader import ReadOptions, read_object
from vpcflow.collect.source_object import (
    Fetched,
    ObjectError,
    Problem,
    RecordSource,
    SourceObject,
)
from vpcflow.collect.state_db import StateDb
from vpcflow.enrich.object_name import fill_from_object_name
from vpcflow.record.log_format import LogFormat
from vpcflow.store.maintenance import maintain
from vpcflow.store.spool import Spool
from vpcflow.store.table import FlowTable
from vpcflow.store.writer import DataFileWriter

#: Problems of a run that are kept to be told again at its end.
PROBLEMS_TOLD_MAX = 20
#: Commits of quarantined lines alone: the table never has them, so prepared is as good as done.
LINES_ALONE_PREFIX = "live-"
#: Objects that are listed before the first is read, so that the time left can be told.
OBJECTS_AHEAD_MAX = 100_000


@dataclass
class IngestReport:
    """What a run did.

    Units: counts; ``bytes`` of the objects as they are stored.
    """

    objects: int = 0
    objects_skipped: int = 0
    objects_failed: int = 0
    records: int = 0
    bad_lines: int = 0
    bytes: int = 0
    commits: int = 0
    problems: list[Problem] = field(default_factory=list)
    source_errors: list[CollectError] = field(default_factory=list)
    interrupted: bool = False


def recover(table: FlowTable, intake: Intake) -> int:
    """Settle the commits that a killed run left open; how many there were."""
    pending = intake.pending()
    for commit_id in pending:
        if commit_id.startswith(LINES_ALONE_PREFIX) or table.has_commit(commit_id):
            intake.confirm(commit_id)
        else:
            intake.discard(commit_id)
    return len(pending)


class Ingest:
    """One run over one or several sources, under the writer lock.

    Shape: open it with ``with``; ``run`` takes what is new and returns; ``report`` counts.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        log_format: LogFormat | None = None,
        take_unterminated: bool = True,
        progress: Progress | None = None,
        stop: threading.Event | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.settings = settings
        self.report = IngestReport()
        self._options = ReadOptions(settings.folder.tmp, log_format, take_unterminated)
        self._progress = progress
        self._stop = stop or threading.Event()
        self._clock = clock or SystemClock()
        self._commit_id = ""
        self._dirty = False
        # A source that is followed has the same problems at every look.
        self._problems_noted: set[Problem] = set()

    def __enter__(self) -> Ingest:
        keep_memory()
        self.settings.folder.make()
        self.settings.folder.clear_tmp()
        self._table = FlowTable.open(self.settings.folder, self.settings.table)
        self._db = StateDb(self.settings.folder)
        self._intake = Intake(self._db, self.settings.collect)
        recover(self._table, self._intake)
        drain_left_over(
            self._table, Spool(self.settings.folder, self.settings.table), self.settings
        )
        self._begin()
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.abort()
        self._db.close()
        self._table.close()

    def run(self, sources: Sequence[RecordSource]) -> IngestReport:
        """Take everything that is new in the sources and commit it.

        Shape: a source that cannot be read at all is in ``source_errors``; the others are taken.
        """
        self.report.source_errors.clear()
        for source in sources:
            try:
                for obj in self._new_objects(source):
                    if self._stop.is_set():
                        break
                    self._take_object(source, obj)
            except CollectError as error:
                self.report.source_errors.append(error)
            self._note_problems(source)
        self._commit()
        self.report.interrupted = self._stop.is_set()
        return self.report

    def maintain(self) -> None:
        """A bounded share of the table's upkeep."""
        steps_max = self.settings.ingest.maintenance_steps_max
        if steps_max:
            maintain(
                self._table,
                self.settings.store,
                steps_max=steps_max,
                keep_ids=self._intake.pending(),
            )

    def _new_objects(self, source: RecordSource) -> Iterator[SourceObject]:
        """The objects that were not taken before; the first ones are listed ahead, to know how many."""
        listed = source.objects()
        ahead = list(islice(listed, OBJECTS_AHEAD_MAX))
        new = [obj for obj in ahead if not self._is_known(obj)]
        if self._progress and len(ahead) < OBJECTS_AHEAD_MAX:
            self._progress.expect(
                files=self.report.objects + len(new),
                bytes_total=self.report.bytes + sum(obj.size for obj in new),
            )
        yield from new
        yield from (obj for obj in listed if not self._is_known(obj))

    def _is_known(self, obj: SourceObject) -> bool:
        unterminated = self._options.take_unterminated
        if self._intake.progress.known(obj, take_unterminated=unterminated) is None:
            return False
        self.report.objects_skipped += 1
        return True

    def _take_object(self, source: RecordSource, obj: SourceObject) -> None:
        unterminated = self._options.take_unterminated
        plan: Take | Skip | None = None
        try:
            with source.fetch(obj) as fetched:
                plan = self._intake.progress.plan(fetched, take_unterminated=unterminated)
                if isinstance(plan, Skip):
                    self.report.objects_skipped += 1
                    if plan.same_as:
                        self._say(f"{obj.where}: {plan.reason}")
                    return
                self._read(fetched, plan)
        except ObjectError as error:
            if isinstance(plan, Take):
                self._intake.progress.abandon(plan)
            self.report.objects_failed += 1
            self._dirty = True
            self._intake.problem(self._commit_id, error.problem, obj)
            self._tell(error.problem)

    def _read(self, fetched: Fetched, take: Take) -> None:
        self.report.objects += 1
        if take.warning:
            self._tell(take.warning)
        bytes_before = self.report.bytes
        for piece in read_object(fetched, take, self._options, self.settings.collect):
            for batch in piece.batches:
                self._writer.append(fill_from_object_name(batch))
            self._intake.add(self._commit_id, take, piece)
            self._dirty = True
            self.report.records += piece.records
            self.report.bad_lines += piece.bad_lines
            self.report.bytes = bytes_before + piece.position.raw_bytes - take.position.raw_bytes
            self._records_open += piece.records
            if piece.problem:
                self._tell(piece.problem)
                if not piece.problem.warning:
                    self.report.objects_failed += 1
            self._show()
            if self._commit_is_due():
                self._commit()
            if self._stop.is_set():
                self._intake.progress.abandon(take)
                return

    def _commit_is_due(self) -> bool:
        bounds = self.settings.ingest
        waited_s = self._clock.monotonic_s() - self._opened_s
        return self._records_open >= bounds.commit_records_max or waited_s >= bounds.commit_s

    def _begin(self) -> None:
        self._commit_id = f"ingest-{secrets.token_hex(8)}"
        self._writer = DataFileWriter(
            self._table.data_dir, self.settings.store, prefix=self._commit_id
        )
        self._records_open = 0
        self._opened_s = self._clock.monotonic_s()
        self._dirty = False

    def _commit(self) -> None:
        if not self._dirty:
            self._opened_s = self._clock.monotonic_s()
            return
        files = self._writer.finish()
        self._intake.prepare(self._commit_id)
        if files:
            self._table.commit(files, self._commit_id)
            self.report.commits += 1
        self._intake.confirm(self._commit_id)
        self._begin()

    def _note_problems(self, source: RecordSource) -> None:
        for problem in source.problems:
            if problem in self._problems_noted:
                continue
            self._problems_noted.add(problem)
            self._dirty = True
            self._intake.problem(self._commit_id, problem)
            self.report.objects_failed += not problem.warning
            self._tell(problem)

    def _tell(self, problem: Problem) -> None:
        if len(self.report.problems) < PROBLEMS_TOLD_MAX:
            self.report.problems.append(problem)
            self._say(f"{'note' if problem.warning else 'problem'}: {problem}")

    def _say(self, line: str) -> None:
        if self._progress:
            self._progress.say(line)

    def _show(self) -> None:
        if self._progress:
            self._progress.update(
                records=self.report.records,
                bytes_done=self.report.bytes,
                files=self.report.objects,
            )
