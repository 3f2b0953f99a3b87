"""Asks questions of the data folder's table; the one door to records for all that is above.

Heavy parts are imported where they are needed: the engine always, Ibis only for a statement that
was not compiled before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from vpcflow.base.clock import Clock, SystemClock
from vpcflow.base.data_folder import DataFolder
from vpcflow.base.errors import LimitError, QueryError
from vpcflow.query.answer import Answer, ColumnMeta, Section
from vpcflow.query.expression import Expression, all_of
from vpcflow.query.plan import Plan, plan
from vpcflow.query.questions import question_named
from vpcflow.query.questions.question import Build, Frame, Parameters, Question
from vpcflow.query.rollup_choice import rollup_paths
from vpcflow.query.scan_cost import cost_of, notes_of
from vpcflow.query.settings import QuerySettings
from vpcflow.query.statement import Statement
from vpcflow.query.statement_cache import StatementCache
from vpcflow.query.time_range import TimeRange
from vpcflow.store.data_file_entry import FileSelection
from vpcflow.store.file_index import FileIndex

if TYPE_CHECKING:
    import pyarrow as pa

    from vpcflow.query.engines import QueryEngine
    from vpcflow.query.engines.duckdb import DuckDbEngine

STORED_TABLE_NAME = "flow_records_stored"
ROLLUP_TABLE_NAME = "flow_rollup_hour"
ALL_TIME = TimeRange()
#: Compiled statements, within the data folder.
STATEMENTS_FOLDER = "statements"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question made ready: its parameters, its plan and the files that may answer it."""

    question: Question
    parameters: Any
    plan: Plan
    selection: FileSelection
    frame: Frame
    rollups: tuple[str, ...] | None = None


class FlowQueries:
    """Questions about one data folder.

    Errors: QueryError and its kinds for what is asked, StoreError for what is kept.
    """

    def __init__(
        self,
        folder: DataFolder,
        settings: QuerySettings | None = None,
        *,
        clock: Clock | None = None,
    ) -> None:
        self._folder = folder
        self._settings = settings or QuerySettings()
        self._clock = clock or SystemClock()
        self._index = FileIndex(folder)
        self._cache = StatementCache(
            folder.root / STATEMENTS_FOLDER if folder.root.exists() else None,
            statements_max=self._settings.statements_max,
        )

    def ask(
        self,
        name: str,
        parameters: Parameters | dict[str, Any] | None = None,
        *,
        condition: Expression | None = None,
        time_range: TimeRange = ALL_TIME,
    ) -> Answer:
        """The answer to a built-in question.

        Shape: ``parameters`` are the question's own, as its model or as plain values;
        ``condition`` is a parsed filter.
        Errors: ResourceError for a question that does not exist, QueryError for parameters that
        do not fit, LimitError when a bound was met.
        """
        begun_s = self._clock.monotonic_s()
        question = question_named(name)
        asked = self.prepare(question, parameters, condition=condition, time_range=time_range)
        engine = self._engine(asked.selection, asked.rollups)
        try:
            answer = answered(asked, engine, self._cache)
        finally:
            engine.close()
        return _timed(answer, self._clock.monotonic_s() - begun_s)

    def prepare(
        self,
        question: Question,
        parameters: Parameters | dict[str, Any] | None,
        *,
        condition: Expression | None,
        time_range: TimeRange,
    ) -> Asked:
        """Checks the parameters, plans the condition and chooses the files."""
        checked = checked_parameters(question, parameters)
        made = plan(all_of(question.condition(checked), condition), time_range)
        selection = self._index.select(start_s=made.time_range.start_s, end_s=made.time_range.end_s)
        frame = frame_of(time_range, selection)
        resolved = question.resolve(checked, frame)
        rollups = rollup_paths(question, resolved, made, frame, selection.files)
        return Asked(question, resolved, made, selection, frame, rollups)

    def sql(self, text: str, *, time_range: TimeRange = ALL_TIME) -> Answer:
        """The rows of a SELECT over the view flow_records.

        Shape: ``time_range`` bounds what the query reads, beside what it says itself.
        Errors: FilterError where the SQL is not understood or not allowed, LimitError for bounds.
        """
        from vpcflow.query.sql_answer import answer_sql

        begun_s = self._clock.monotonic_s()
        answer = answer_sql(
            text,
            now_s=self._clock.now_s(),
            within=time_range,
            index=self._index,
            open_engine=self._engine,
        )
        return _timed(answer, self._clock.monotonic_s() - begun_s)

    def _engine(
        self, selection: FileSelection, rollups: tuple[str, ...] | None = None
    ) -> DuckDbEngine:
        from vpcflow.query.engines import FileTable
        from vpcflow.query.engines.duckdb import DuckDbEngine

        paths = tuple(entry.path for entry in selection.files)
        tables = [FileTable(STORED_TABLE_NAME, paths)]
        if rollups is not None:
            tables = [FileTable(ROLLUP_TABLE_NAME, rollups, stored=False)]
        read = {Path(path).parent for table in tables for path in table.paths}
        folders = {self._folder.warehouse, *read}
        return DuckDbEngine(
            self._settings,
            tables,
            folders=sorted(folders),
            temp_folder=self._folder.tmp if self._folder.tmp.is_dir() else None,
        )


def checked_parameters(question: Question, parameters: Parameters | dict[str, Any] | None) -> Any:
    """Parameters as the question's own model.

    Errors: QueryError that names the first parameter at fault.
    """
    if isinstance(parameters, Parameters):
        return parameters
    try:
        return question.parameters.model_validate(parameters or {})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "parameters"
        known = ", ".join(question.parameters.model_fields) or "none"
        raise QueryError(
            first["msg"], where=f"{question.name} {name}", hint=f"parameters are {known}"
        ) from error


def frame_of(time_range: TimeRange, selection: FileSelection) -> Frame:
    """Where a question looks, from what was asked and what the chosen files hold."""
    starts = [entry.start_min for entry in selection.files if entry.start_min is not None]
    lasts = [entry.start_max for entry in selection.files if entry.start_max is not None]
    start_s = time_range.start_s if time_range.start_s is not None else min(starts, default=None)
    end_s = time_range.end_s
    if end_s is None and lasts:
        end_s = max(lasts) + 1
    if start_s is not None and end_s is not None and start_s >= end_s:
        start_s = end_s = None
    columns = frozenset(name for entry in selection.files for name in entry.columns)
    return Frame(time_range, start_s, end_s if start_s is not None else None, columns)


def answered(asked: Asked, engine: QueryEngine, cache: StatementCache) -> Answer:
    """Runs a prepared question on an engine."""
    question, parameters, frame = asked.question, asked.parameters, asked.frame
    columns = question.columns(parameters, frame)
    sections: tuple[Section, ...] = ()
    build = question.build if asked.rollups is None else question.build_rollup
    if build is not None:
        found, truncated = _run(asked, "", build, engine, cache)
        table = _shown(question.finish(found, parameters, frame), columns)
    else:
        tables: dict[str, pa.Table] = {}
        truncated = False
        for name, build in question.scans(parameters, frame).items():
            tables[name], cut = _run(asked, name, build, engine, cache)
            truncated = truncated or cut
        made = question.sections(tables, parameters, frame)
        sections = tuple(
            Section(part.name, part.title, _shown(part.table, part.columns), part.columns)
            for part in made
        )
        table = sections[0].table
    if truncated and question.finish_needs_all:
        raise LimitError(
            "the question has more groups than rows are allowed",
            hint="ask for less time, or raise query.rows_max",
        )
    scan, note = cost_of(asked.selection, asked.rollups)
    notes = notes_of(note, _unsized(table))
    return Answer(table, columns, scan, note, truncated, notes=notes, sections=sections)


def _run(
    asked: Asked, scan: str, build: Build, engine: QueryEngine, cache: StatementCache
) -> tuple[pa.Table, bool]:
    key = cache.key(
        asked.question.name,
        scan,
        engine.dialect,
        asked.parameters.model_dump(mode="json"),
        asked.plan.branches,
        asked.rollups is not None,
        _timeline_key(asked) if scan == "series" else None,
    )
    statement = cache.get(key)
    if statement is None:
        statement = compiled(
            asked.plan, build, asked.parameters, engine.dialect, rollup=asked.rollups is not None
        )
        cache.put(key, statement)
    from vpcflow.query.plain_numbers import with_plain_numbers

    result = engine.run(statement, asked.plan.values)
    return with_plain_numbers(result.table), result.truncated


def _timeline_key(asked: Asked) -> tuple[int | None, int | None]:
    # The width of overview's time line follows from the frame and not from its parameters.
    return asked.frame.start_s, asked.frame.end_s


def compiled(
    made: Plan, build: Build, parameters: Any, dialect: str, *, rollup: bool = False
) -> Statement:
    """A question's expression over a plan's records, as a statement of one dialect."""
    import ibis

    from vpcflow.query.stored_table import columns_of, filtered

    expression = build(filtered(made, rollup=rollup), parameters)
    return Statement(dialect, ibis.to_sql(expression, dialect=dialect), columns_of(expression))


def _shown(table: pa.Table, columns: Sequence[ColumnMeta]) -> pa.Table:
    """The columns of an answer in their order, addresses as text."""
    import pyarrow as pa

    from vpcflow.query.answer_arrays import array_of
    from vpcflow.record.values import format_address

    shown = {}
    for column in columns:
        values = table.column(column.name)
        if column.kind == "address":
            known: dict[bytes, str] = {}
            texts = []
            for address in values.to_pylist():
                if address is not None and address not in known:
                    known[address] = format_address(address)
                texts.append(None if address is None else known[address])
            values = array_of(texts, pa.string())
        shown[column.name] = values
    return pa.table(shown)


def _unsized(table: pa.Table) -> int:
    if "records_without_bytes" not in table.column_names:
        return 0
    return sum(value or 0 for value in table.column("records_without_bytes").to_pylist())


def _timed(answer: Answer, elapsed_s: float) -> Answer:
    from dataclasses import replace

    return replace(answer, elapsed_s=elapsed_s)
