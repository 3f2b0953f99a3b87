"""A small ingest over a stand-in table: what the tests of collect run, and kill, as a whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from vpcflow.base.data_folder import DataFolder
from vpcflow.collect.intake import Intake
from vpcflow.collect.piece import Piece
from vpcflow.collect.position import Skip
from vpcflow.collect.reader import ReadOptions, read_object
from vpcflow.collect.settings import CollectSettings
from vpcflow.collect.source_object import ObjectError, RecordSource
from vpcflow.collect.state_db import StateDb
from vpcflow.record.log_format import LogFormat


class Killed(BaseException):
    """The process ends here."""


@dataclass
class Table:
    """Commits that are there as a whole or not at all, and outlive the process."""

    commits: dict[str, list[tuple[object, ...]]] = field(default_factory=dict)

    def has_commit(self, commit_id: str) -> bool:
        return commit_id in self.commits

    @property
    def rows(self) -> list[tuple[object, ...]]:
        return sorted((row for rows in self.commits.values() for row in rows), key=repr)


def rows_of(pieces: Iterable[Piece]) -> list[tuple[object, ...]]:
    rows = []
    for piece in pieces:
        for batch in piece.batches:
            names = batch.records.schema.names
            for record in batch.records.to_pylist():
                rows.append(tuple((name, record[name]) for name in names))
    return rows


@dataclass
class Run:
    """One start of the program; ``kill_at`` ends it at its n-th step."""

    root: Path
    table: Table
    settings: CollectSettings = field(default_factory=CollectSettings)
    pieces_a_commit: int = 1
    take_unterminated: bool = True
    log_format: LogFormat | None = None
    kill_at: int | None = None
    skips: list[Skip] = field(default_factory=list)
    steps: int = 0

    def __post_init__(self) -> None:
        self.folder = DataFolder(self.root)
        self.db = StateDb(self.folder)
        self.intake = Intake(self.db, self.settings)
        for commit_id in self.intake.pending():
            if self.table.has_commit(commit_id):
                self.intake.confirm(commit_id)
            else:
                self.intake.discard(commit_id)

    def step(self) -> None:
        self.steps += 1
        if self.steps == self.kill_at:
            # What a kill leaves: the file as it is, nothing of what was only in a transaction.
            self.db._connection.close()
            raise Killed

    def ingest(self, source: RecordSource) -> Run:
        options = ReadOptions(self.folder.tmp, self.log_format, self.take_unterminated)
        self._new_commit()
        for obj in source.objects():
            skip = self.intake.progress.known(obj, take_unterminated=self.take_unterminated)
            if skip:
                self.skips.append(skip)
                continue
            try:
                with source.fetch(obj) as fetched:
                    plan = self.intake.progress.plan(
                        fetched, take_unterminated=self.take_unterminated
                    )
                    if isinstance(plan, Skip):
                        self.skips.append(plan)
                        continue
                    for piece in read_object(fetched, plan, options, self.settings):
                        self.intake.add(self.commit_id, plan, piece)
                        self.pieces.append(piece)
                        self.step()
                        if len(self.pieces) >= self.pieces_a_commit:
                            self._commit()
            except ObjectError as error:
                self.intake.problem(self.commit_id, error.problem, obj)
        for problem in source.problems:
            self.intake.problem(self.commit_id, problem)
        self._commit()
        self.db.close()
        return self

    def _new_commit(self) -> None:
        self.pieces: list[Piece] = []
        self.commit_id = next(f"c{n}" for n in count() if f"c{n}" not in self.table.commits)

    def _commit(self) -> None:
        self.step()
        self.intake.prepare(self.commit_id)
        self.step()
        self.table.commits[self.commit_id] = rows_of(self.pieces)
        self.step()
        self.intake.confirm(self.commit_id)
        self.step()
        self._new_commit()
