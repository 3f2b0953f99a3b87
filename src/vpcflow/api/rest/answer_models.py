"""Answers as the console's API describes them; the bytes are made by ``answers``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field

from vpcflow.api.rest.network_models import NamedThing
from vpcflow.query.answer import ColumnKind
from vpcflow.query.time_range import MOMENT_MAX_S


def _is_text(text: str) -> str:
    # JSON can escape halves of characters, which nothing after it can write.
    if not text.isascii() and any("\ud800" <= one <= "\udfff" for one in text):
        raise ValueError("half of a character stands alone in the text")
    return text


Text = Annotated[str, AfterValidator(_is_text)]
Moment = Annotated[int, Field(ge=0, le=MOMENT_MAX_S)]


class Column(BaseModel):
    """How a column is meant.

    Units: time is seconds since the epoch, duration seconds, ratio a number from 0 to 1.
    """

    name: str
    kind: ColumnKind
    label: str
    quiet: bool = Field(description="May be hidden where every value is 0 or null.")


class AnswerTime(BaseModel):
    """The time that an answer is about; null where a side is open."""

    start_s: int | None = None
    end_s: int | None = None
    interval_s: int | None = None


class AnswerScan(BaseModel):
    """What was opened for an answer."""

    rows: int
    bytes: int
    files: int
    files_pruned: int
    rollup: bool


class AnswerCoverage(BaseModel):
    """How far the records in range can be trusted to be all there were."""

    skipdata_records: int
    nodata_records: int
    lower_bound: bool


class AnswerSection(BaseModel):
    """One of several tables of an answer."""

    name: str
    title: str
    columns: list[Column]
    rows: int
    data: dict[str, list[Any]]


class AnswerBody(BaseModel):
    """Rows as columns, what they mean, and what was read for them.

    Shape: ``data`` has one list a column; ``names`` are of addresses and interface ids that stand
    in the data. As Arrow, the columns are the stream's, and the rest is JSON in the metadata
    ``vpcflow`` of its schema.
    """

    columns: list[Column]
    rows: int
    data: dict[str, list[Any]]
    names: dict[str, NamedThing]
    time: AnswerTime
    scan: AnswerScan
    coverage: AnswerCoverage
    truncated: bool
    elapsed_s: float
    snapshot: str
    notes: list[str]
    sections: list[AnswerSection] | None = None


class QuestionDescription(BaseModel):
    """A question that can be asked.

    Shape: ``parameters`` is a JSON schema of an object with what it takes beside the time range
    and the filter.
    """

    name: str
    summary: str
    parameters: dict[str, Any]


class QuestionList(BaseModel):
    """Every question."""

    questions: list[QuestionDescription]


class SqlRequest(BaseModel):
    """A SELECT over flow_records.

    Shape: ``$time`` in the text becomes the condition on start, ``$filters`` the filter. A text
    without ``$time`` is bounded by the range as a whole.
    """

    model_config = {"extra": "forbid"}

    text: Text
    start: Moment | None = None
    end: Moment | None = None
    filter: Text = ""


class SqlExport(SqlRequest):
    """A SELECT whose rows go to a file."""

    format: Literal["csv", "parquet", "arrow"] = "csv"


class FieldDescription(BaseModel):
    """A field of flow records.

    Shape: ``name`` is AWS's, ``column`` the name in SQL; ``values`` are all that it can have, if
    there are few; ``splittable`` fields have few enough values to draw a line for each.
    """

    name: str
    column: str
    kind: ColumnKind
    unit: str
    label: str
    summary: str
    group: str
    values: list[str]
    splittable: bool
    present: bool = Field(description="Whether some record in the table has it.")


class FieldList(BaseModel):
    """Every field that a filter may name."""

    fields: list[FieldDescription]


class FieldValue(BaseModel):
    """A value of a field: as a filter writes it, and the records that have it."""

    value: str
    text: str = Field(description="The value as a filter writes it, in quotes if it must.")
    records: int
    name: str = ""


class FieldValues(BaseModel):
    """The values of a field that most records have."""

    field: str
    values: list[FieldValue]
    complete: bool = Field(description="Whether these are all values with the prefix.")


class FilterRequest(BaseModel):
    """A filter to be understood."""

    model_config = {"extra": "forbid"}

    text: Text


class Chip(BaseModel):
    """One of the conditions that a filter joins with ``and``.

    Shape: ``text`` is the whole condition; ``field``, ``op`` and ``value`` are empty for what is
    not a test of one field.
    """

    field: str
    op: str
    value: str
    negated: bool
    text: str


class FilterParts(BaseModel):
    """A filter that was understood.

    Shape: ``normal`` is the same filter in its one spelling, the chips' texts with ``and``.
    """

    chips: list[Chip]
    normal: str
