"""What reading an object gives, piece by piece."""

from __future__ import annotations

from dataclasses import dataclass, field

from vpcflow.collect.position import Position
from vpcflow.collect.source_object import Problem, ProblemCode
from vpcflow.record.batch import FlowBatch
from vpcflow.record.reasons import BAD_LINE_BYTES_MAX, BadLines


@dataclass(frozen=True, slots=True)
class LostLine:
    """A line that is bad because of where it stands, not of what it holds.

    Shape: ``code`` is CUT_LINE or REST_OF_LINE; ``data`` is cut to BAD_LINE_BYTES_MAX.
    Units: ``length`` in bytes, before the cut.
    """

    line_number: int
    code: ProblemCode
    data: bytes
    length: int

    def __post_init__(self) -> None:
        assert len(self.data) <= BAD_LINE_BYTES_MAX


@dataclass(frozen=True, slots=True)
class Piece:
    """Some records of an object, what was bad among them, and how far this reaches.

    Shape: to commit all of a piece and its ``position`` together is always safe.
    """

    position: Position
    batches: list[FlowBatch] = field(default_factory=list)
    bad: list[BadLines] = field(default_factory=list)
    lost: list[LostLine] = field(default_factory=list)
    problem: Problem | None = None

    @property
    def records(self) -> int:
        """How many records the piece holds."""
        return sum(batch.num_records for batch in self.batches)

    @property
    def bad_lines(self) -> int:
        """How many lines of the piece are no records."""
        return sum(len(bad) for bad in self.bad) + len(self.lost)
