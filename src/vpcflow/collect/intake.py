"""Progress and quarantine together: what a commit takes in, in two phases."""

from __future__ import annotations

from vpcflow.collect.piece import Piece
from vpcflow.collect.position import Take
from vpcflow.collect.progress import Progress
from vpcflow.collect.quarantine import Quarantine
from vpcflow.collect.settings import CollectSettings
from vpcflow.collect.source_object import Problem, SourceObject
from vpcflow.collect.state_db import StateDb


class Intake:
    """Notes everything that belongs to one commit, so that it counts as a whole or not at all.

    Shape: ``add`` and ``problem`` write under a commit id; ``prepare`` makes that durable before
    the table commits; ``confirm`` or ``discard`` after. ``pending`` lists, after a kill, the
    commits of which only the table knows whether they happened.
    """

    def __init__(self, db: StateDb, settings: CollectSettings | None = None) -> None:
        self._db = db
        self.progress = Progress(db)
        self.quarantine = Quarantine(db, settings)

    def add(self, commit_id: str, take: Take, piece: Piece) -> None:
        """Note a piece whose batches go into this commit."""
        with self._db.lock:
            encoding = piece.position.encoding
            self.progress.add(commit_id, take, piece.position)
            if piece.position.complete:
                # Before what this piece brings itself: that is of now, not of the past. A line
                # that was cut is of the past when reading went on from there.
                self.quarantine.resolve(commit_id, take.object, cut_line=take.continues)
                if take.warning is not None:
                    self.quarantine.add_problem(commit_id, take.warning, take.object)
            for bad in piece.bad:
                self.quarantine.add(commit_id, take.object, bad, encoding)
            for line in piece.lost:
                self.quarantine.add_lost(commit_id, take.object, line, encoding)
            if piece.problem is not None:
                self.quarantine.add_problem(commit_id, piece.problem, take.object)

    def problem(self, commit_id: str, problem: Problem, obj: SourceObject | None = None) -> None:
        """Note what is wrong with an object that could not be read at all."""
        self.quarantine.add_problem(commit_id, problem, obj)

    def prepare(self, commit_id: str) -> None:
        """First phase: durable, and not counted yet."""
        self.progress.prepare(commit_id)

    def confirm(self, commit_id: str) -> None:
        """Second phase: the table has the commit."""
        self.progress.confirm(commit_id)

    def discard(self, commit_id: str) -> None:
        """The table does not have the commit; its objects are to be planned again."""
        self.progress.discard(commit_id)
        self.quarantine.forget_counts()

    def pending(self) -> list[str]:
        """Prepared commits whose end is not known, oldest first."""
        return self.progress.pending()
