"""What every built-in question is made of.

A question has parameters, one Ibis expression over the rows that the plan keeps, and at most a last
step over the few rows that come back. Its module must import without Ibis: a statement that was
compiled before is asked again without it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from vpcflow.query.answer import ColumnMeta, Section
from vpcflow.query.expression import Expression
from vpcflow.query.rollup_choice import Grain
from vpcflow.query.time_range import TimeRange

if TYPE_CHECKING:
    import pyarrow as pa

    from vpcflow.inventory.kept_countries import KeptCountries
    from vpcflow.store.ingestion_times import IngestionTimes

#: The most rows that a top-N question may be asked for.
LIMIT_MAX = 1_000_000


class Measure(StrEnum):
    """What a top-N is sorted by."""

    BYTES = "bytes"
    PACKETS = "packets"
    RECORDS = "records"


class Parameters(BaseModel):
    """Base of the parameters of every question."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TopParameters(Parameters):
    """Parameters of questions that list the largest."""

    limit: int = Field(default=10, ge=1, le=LIMIT_MAX, description="How many rows to list.")
    sort: Measure = Field(default=Measure.BYTES, description="What the largest has most of.")


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a question looks, known before it runs.

    Shape: ``time_range`` is what was asked; ``start_s`` and ``end_s`` are the bounds of the
    records in the chosen files, cut to it, None when there are none; ``columns`` are the stored
    columns that some chosen file has; ``ingestion`` knows when records came, where it was noted;
    ``countries`` knows where addresses are, where a range file was added; ``fields``
    are the AWS fields that the condition touches, ``refused`` says that it holds of REJECT alone.
    """

    time_range: TimeRange
    start_s: int | None
    end_s: int | None
    columns: frozenset[str]
    ingestion: IngestionTimes | None = None
    countries: KeptCountries | None = None
    fields: frozenset[str] = frozenset()
    refused: bool = False


P = TypeVar("P", bound=Parameters)

#: Builds the Ibis expression from the filtered stored records.
Build = Callable[[Any, Any], Any]
#: Makes the answer's table from the rows that the engine gave.
Finish = Callable[["pa.Table", Any, Frame], "pa.Table"]


def _no_condition(_: Any) -> Expression | None:
    return None


def _as_asked(parameters: Any, _: Frame) -> Any:
    return parameters


def _as_found(table: pa.Table, _: Any, __: Frame) -> pa.Table:
    return table


def _records(_: Any, __: Frame) -> Grain:
    return Grain.RECORDS


def _of_conversations(_: Any, __: Frame) -> Grain:
    return Grain.CONVERSATIONS


def _no_steps(_: Any, __: Frame) -> dict[str, Step]:
    return {}


def _no_sections(_: dict[str, pa.Table], __: Any, ___: Frame) -> list[Section]:
    return []


def _no_window(_: Any) -> Window | None:
    return None


@dataclass(frozen=True)
class Step:
    """One statement of a question: its expression, the grain of its rows, its parameters.

    Shape: ``condition`` narrows the question's own for this statement alone; only one over
    records may have it.
    """

    build: Build
    grain: Grain
    parameters: Parameters
    condition: Expression | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """A question that wants the first ``rows`` in order of start: a part of the time may do."""

    rows: int
    newest: bool


#: Conversations answer the question whatever its parameters are.
OF_CONVERSATIONS = _of_conversations


@dataclass(frozen=True)
class Question:
    """One built-in question.

    Shape: ``columns`` says what the answer holds; ``build`` is called only when no statement was
    compiled for these parameters before, with rows of ``grain``; ``condition`` is what parameters
    add to the filter; ``resolve`` fixes what parameters leave open, from the frame; ``finish`` runs
    in Python over the engine's rows, and ``finish_needs_all`` of them when a cut would make it
    wrong; ``window`` says whether records of a part of the time may be enough. A question of
    several tables has ``steps`` and ``sections`` instead: the statements to run, by name, and the
    tables made from their rows. ``follow`` says from those rows which records to look at more
    closely, as further statements over records.
    """

    name: str
    parameters: type[Parameters]
    columns: Callable[[Any, Frame], tuple[ColumnMeta, ...]]
    build: Build | None = None
    condition: Callable[[Any], Expression | None] = _no_condition
    resolve: Callable[[Any, Frame], Any] = _as_asked
    grain: Callable[[Any, Frame], Grain] = _records
    finish: Finish = _as_found
    finish_needs_all: bool = False
    window: Callable[[Any], Window | None] = _no_window
    steps: Callable[[Any, Frame], dict[str, Step]] = _no_steps
    sections: Callable[[dict[str, pa.Table], Any, Frame], list[Section]] = _no_sections
    follow: Callable[[dict[str, pa.Table], Any, Frame], dict[str, Step]] | None = None

    def steps_of(self, parameters: Any, frame: Frame) -> dict[str, Step]:
        """The statements of the question; its only one has no name."""
        if self.build is None:
            return self.steps(parameters, frame)
        return {"": Step(self.build, self.grain(parameters, frame), parameters)}


MEASURE_COLUMNS: tuple[ColumnMeta, ...] = (
    ColumnMeta("bytes", "bytes", "Bytes"),
    ColumnMeta("packets", "packets", "Packets"),
    ColumnMeta("records", "count", "Records"),
)
#: Records that a sum of bytes ignored because they say none.
UNSIZED_COLUMN = ColumnMeta("records_without_bytes", "count", "Without bytes", quiet=True)


def measures(rows: Any) -> dict[str, Any]:
    """Sums of bytes and packets, records, and records that the sums ignored."""
    return {
        "bytes": rows.bytes.sum(),
        "packets": rows.packets.sum(),
        "records": count(rows),
        # Counts fit in 64 bits; sums of bytes may not, and are kept as wide as the engine likes.
        "records_without_bytes": rows.bytes_nulls.sum().cast("int64"),
    }


def count(rows: Any, where: Any = None) -> Any:
    """How many records the rows stand for."""
    counted = rows.records.sum(where=where).cast("int64")
    return counted if where is None else counted.fill_null(0)


def summed(groups: Any, *, where: Any = None) -> dict[str, Any]:
    """The measures of groups whose measures are known already."""
    return {
        "bytes": groups.bytes.sum(where=where),
        "packets": groups.packets.sum(where=where),
        "records": groups.records.sum(where=where).fill_null(0),
        "records_without_bytes": groups.records_without_bytes.sum(where=where).fill_null(0),
    }


def largest(table: Any, measure: str, keys: tuple[str, ...], limit: int) -> Any:
    """The first ``limit`` rows by a measure; ties by key, so that an answer is always the same."""
    order = [
        table[measure].desc(nulls_first=False),
        *(table[key].asc(nulls_first=False) for key in keys),
    ]
    return table.order_by(order).limit(limit)
