"""Asks questions of the data folder's table; the one door to records for all that is above.

Heavy parts are imported where they are needed: the engine always, Ibis only for a statement that
was not compiled before.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from vpcflow.base.clock import Clock, SystemClock
from vpcflow.base.data_folder import DataFolder
from vpcflow.base.errors import LimitError, QueryError
from vpcflow.inventory.kept_countries import KeptCountries
from vpcflow.query.answer import Answer, ColumnMeta, Section
from vpcflow.query.engines import FileTable
from vpcflow.query.engines.connection_pool import ConnectionPool
from vpcflow.query.expression import Expression, all_of
from vpcflow.query.plan import Plan, plan
from vpcflow.query.questions import question_named
from vpcflow.query.questions.question import Frame, Parameters, Question, Step
from vpcflow.query.rollup_choice import TABLE_NAMES, Choice, Grain, Parts, choose
from vpcflow.query.scan_cost import cost_of, notes_of
from vpcflow.query.settings import QuerySettings
from vpcflow.query.statement import STORED_TABLE_NAME, Statement
from vpcflow.query.statement_cache import StatementCache
from vpcflow.query.stop_token import StopToken
from vpcflow.query.time_range import TimeRange, parse_span
from vpcflow.query.windows import Windows
from vpcflow.store.data_file_entry import DataFileEntry, FileSelection
from vpcflow.store.file_index import FileIndex
from vpcflow.store.ingestion_times import IngestionTimes

if TYPE_CHECKING:
    import pyarrow as pa

    from vpcflow.query.engines import QueryEngine
    from vpcflow.query.engines.duckdb import DuckDbEngine

ALL_TIME = TimeRange()
#: Compiled statements, within the data folder.
STATEMENTS_FOLDER = "statements"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question made ready: its parameters, its plan, its statements and the files to read.

    Shape: ``choices`` holds what is read for every grain among the ``steps``.
    """

    question: Question
    parameters: Any
    condition: Expression | None
    plan: Plan
    selection: FileSelection
    frame: Frame
    steps: dict[str, Step]
    choices: dict[Grain, Choice]

    def within(self, time_range: TimeRange) -> Asked:
        """The same question of a part of the time."""
        made = plan(self.condition, time_range)
        choices = choices_of(self.steps, made, time_range, self.selection)
        return replace(self, plan=made, choices=choices)


class FlowQueries:
    """Questions about one data folder, from any number of threads at once.

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
        self._pool = ConnectionPool()
        # What is idle goes with this object, at the latest when the process ends.
        weakref.finalize(self, self._pool.close)
        self._countries = KeptCountries(folder.root)
        self._ingestion = IngestionTimes(folder.root)
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
        stop: StopToken | None = None,
        bounds: QuerySettings | None = None,
    ) -> Answer:
        """The answer to a built-in question.

        Shape: ``parameters`` are the question's own, as its model or as plain values;
        ``condition`` is a parsed filter; ``stop`` ends the question from another thread; ``bounds``
        stand in place of the settings.
        Errors: ResourceError for a question that does not exist, QueryError for parameters that
        do not fit, LimitError when a bound was met, StoppedError when ``stop`` was used.
        """
        begun_s = self._clock.monotonic_s()
        question = question_named(name)
        asked = self.prepare(question, parameters, condition=condition, time_range=time_range)
        parts = Windows(
            question.window(asked.parameters), asked.plan.time_range, asked.selection.files
        )
        with self._engine(asked.selection.files, stop, bounds) as engine:
            while (part := parts.part()) is not None:
                answer = self._answer(asked.within(part), engine)
                if answer.truncated or answer.table.num_rows >= asked.parameters.limit:
                    break
                parts.widen(answer.table.num_rows)
            else:
                answer = self._answer(asked, engine)
        return replace(answer, elapsed_s=self._clock.monotonic_s() - begun_s)

    def _answer(self, asked: Asked, engine: DuckDbEngine) -> Answer:
        engine.provide(tables_of(asked.choices))
        return answered(asked, engine, self._cache)

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
        whole = all_of(question.condition(checked), condition)
        made = plan(whole, time_range)
        selection = self._index.select(start_s=made.time_range.start_s, end_s=made.time_range.end_s)
        frame = replace(
            frame_of(time_range, selection),
            fields=made.fields,
            refused=made.refused,
            ingestion=self._ingestion,
            countries=self._countries,
        )
        resolved = question.resolve(checked, frame)
        steps = question.steps_of(resolved, frame)
        choices = choices_of(steps, made, time_range, selection)
        if question.follow is not None and Grain.RECORDS not in choices:
            choices[Grain.RECORDS] = choose(Grain.RECORDS, made, time_range, selection.files)
        return Asked(question, resolved, whole, made, selection, frame, steps, choices)

    def sql(
        self,
        text: str,
        *,
        condition: Expression | None = None,
        time_range: TimeRange = ALL_TIME,
        stop: StopToken | None = None,
        bounds: QuerySettings | None = None,
    ) -> Answer:
        """The rows of a SELECT over the view flow_records.

        Shape: ``time_range`` and ``condition`` bound every reading of the view, beside what the
        query says itself; ``stop`` and ``bounds`` as in ``ask``.
        Errors: FilterError where the SQL is not understood or not allowed, LimitError for bounds,
        StoppedError when ``stop`` was used.
        """
        from vpcflow.query.sql_answer import answer_sql

        begun_s = self._clock.monotonic_s()
        answer = answer_sql(
            text,
            now_s=self._clock.now_s(),
            within=time_range,
            condition=condition,
            index=self._index,
            open_engine=lambda files: self._engine_of_records(files, stop, bounds),
            rows_max=(bounds or self._settings).rows_max,
        )
        return replace(answer, elapsed_s=self._clock.monotonic_s() - begun_s)

    def snapshot(self) -> str:
        """The state of the table that a question would read now; empty before the first commit."""
        return self._index.snapshot().name

    def _engine_of_records(
        self, files: Sequence[DataFileEntry], stop: StopToken | None, bounds: QuerySettings | None
    ) -> DuckDbEngine:
        engine = self._engine(files, stop, bounds)
        engine.provide([table_of_records(STORED_TABLE_NAME, files)])
        return engine

    def _engine(
        self, files: Sequence[DataFileEntry], stop: StopToken | None, bounds: QuerySettings | None
    ) -> DuckDbEngine:
        """An engine that may read the files of the table and their rollups."""
        from vpcflow.query.engines.duckdb import DuckDbEngine

        # Rollups lie beside the folder of the data files; normally all is in the warehouse.
        roots = {Path(entry.path).parents[2] for entry in files}
        return DuckDbEngine(
            bounds or self._settings,
            (),
            folders=sorted({self._folder.warehouse, *roots}),
            spill_folder=self._folder.spill if self._folder.root.is_dir() else None,
            stop=stop,
            pool=self._pool,
        )


def choices_of(
    steps: dict[str, Step], made: Plan, time_range: TimeRange, selection: FileSelection
) -> dict[Grain, Choice]:
    """What to read for every grain among the steps."""
    grains = {step.grain for step in steps.values()}
    return {grain: choose(grain, made, time_range, selection.files) for grain in grains}


def tables_of(choices: dict[Grain, Choice]) -> list[FileTable]:
    """The tables behind the statements' names."""
    tables = []
    for grain, choice in choices.items():
        records_name, rollup_name, edges_name = TABLE_NAMES[grain]
        parts = choice.parts
        if parts.records:
            tables.append(table_of_records(records_name, choice.records))
        if parts.rollups:
            tables.append(FileTable(rollup_name, choice.rollups, stored=False))
        if parts.cut_start or parts.cut_end:
            tables.append(table_of_records(edges_name, choice.edges))
    return tables


def table_of_records(name: str, files: Sequence[DataFileEntry]) -> FileTable:
    """Data files as a table of records."""
    return FileTable(name, tuple(entry.path for entry in files))


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
    tables: dict[str, pa.Table] = {}
    truncated = False
    for name, step in asked.steps.items():
        tables[name], cut = _run(asked, name, step, engine, cache)
        truncated = truncated or cut
    read = [asked.choices[step.grain] for step in asked.steps.values()]
    if question.follow is not None:
        for name, step in question.follow(tables, parameters, frame).items():
            tables[name], cut = _run(asked, name, step, engine, cache)
            truncated = truncated or cut
            read.append(_read_by(asked, step))
    sections: tuple[Section, ...] = ()
    if question.build is not None:
        table = _shown(question.finish(tables[""], parameters, frame), columns)
    else:
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
    scan, note = cost_of(asked.selection, read)
    notes = notes_of(note, _unsized(table))
    return Answer(
        table,
        columns,
        scan,
        note,
        truncated,
        notes=notes,
        sections=sections,
        start_s=frame.start_s,
        end_s=frame.end_s,
        interval_s=interval_of(parameters),
        snapshot=asked.selection.snapshot.name,
    )


def interval_of(parameters: Any) -> int | None:
    """The width of a series' intervals in seconds, once its parameters are resolved."""
    interval = getattr(parameters, "interval", None)
    # A closed list of intervals says how records were made, not how an answer is cut.
    return parse_span(interval) if type(interval) is str and interval else None


def _plan_of(asked: Asked, step: Step) -> Plan:
    if step.condition is None:
        return asked.plan
    return plan(all_of(asked.condition, step.condition), asked.frame.time_range)


def _read_by(asked: Asked, step: Step) -> Choice:
    """What a following step reads: files that its condition rules out cost nothing."""
    made = _plan_of(asked, step)
    return choose(step.grain, made, made.time_range, asked.choices[step.grain].records)


def _run(
    asked: Asked, name: str, step: Step, engine: QueryEngine, cache: StatementCache
) -> tuple[pa.Table, bool]:
    from vpcflow.query.plain_numbers import with_plain_numbers

    parts = asked.choices[step.grain].parts
    made = _plan_of(asked, step)
    # All that the text of the statement follows from, and nothing that only its values do.
    key = cache.key(
        asked.question.name,
        name,
        engine.dialect,
        step.grain,
        astuple(parts),
        step.parameters.model_dump(mode="json"),
        made.branches,
        made.bounds,
    )
    statement = cache.get(key)
    if statement is None:
        statement = compiled(made, step, parts, engine.dialect)
        cache.put(key, statement)
    result = engine.run(statement, made.values)
    return with_plain_numbers(result.table), result.truncated


def compiled(made: Plan, step: Step, parts: Parts, dialect: str) -> Statement:
    """A step's expression over a plan's rows, as a statement of one dialect."""
    import ibis

    from vpcflow.query.stored_table import filtered, reads_of

    expression = step.build(filtered(made, step.grain, parts), step.parameters)
    tables, columns = reads_of(expression)
    return Statement(dialect, ibis.to_sql(expression, dialect=dialect), tables, columns)


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
