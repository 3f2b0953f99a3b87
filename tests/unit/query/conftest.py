"""Engines under test, honest marks for what one of them cannot do, and records in the table.

Marks, each with the engines it is about and a reason:
* notimpl(engine, reason=...): the engine could, vpcflow does not yet ask it in its way;
* notyet(engine, reason=...): the engine cannot yet;
* never(engine, reason=...): it does not belong to what the engine is for.
A test so marked must fail on that engine; one that passes is an error too, so marks stay true.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from engines_under_test import OpenEngine, WriteRows
from flow_rows import Row, write_rows

from vpcflow.query.engines import FileTable, QueryEngine
from vpcflow.query.engines.datafusion import DataFusionEngine
from vpcflow.query.engines.duckdb import DuckDbEngine
from vpcflow.query.settings import QuerySettings

MARKS = ("notimpl", "notyet", "never")
ENGINES = ("duckdb", "datafusion")


def pytest_configure(config: pytest.Config) -> None:
    for mark in MARKS:
        config.addinivalue_line("markers", f"{mark}(*engines, reason): a gap of these engines")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for name in MARKS:
            for mark in item.iter_markers(name):
                _apply(item, name, mark)


def _apply(item: pytest.Item, name: str, mark: pytest.Mark) -> None:
    reason = mark.kwargs.get("reason")
    if not reason:
        raise pytest.UsageError(f"{item.nodeid}: the mark {name} needs a reason")
    unknown = set(mark.args) - set(ENGINES)
    if unknown or not mark.args:
        raise pytest.UsageError(f"{item.nodeid}: the mark {name} names no engine we have")
    engine = getattr(item, "callspec", None) and item.callspec.params.get("open_engine")
    if engine in mark.args:
        item.add_marker(pytest.mark.xfail(reason=f"{name}: {reason}", strict=True))


@pytest.fixture(params=ENGINES)
def open_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenEngine]:
    opened: list[QueryEngine] = []

    def open_it(tables: Sequence[FileTable]) -> QueryEngine:
        settings = QuerySettings(threads=1)
        engine: QueryEngine
        if request.param == "duckdb":
            engine = DuckDbEngine(settings, tables, folders=[tmp_path])
        else:
            engine = DataFusionEngine(settings, tables)
        opened.append(engine)
        return engine

    yield open_it
    for engine in opened:
        engine.close()


@pytest.fixture
def write(tmp_path: Path) -> WriteRows:
    def write_them(*files: list[Row]) -> list[Path]:
        return write_rows(tmp_path, files)

    return write_them
