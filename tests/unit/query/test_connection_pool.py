"""Connections are used again, never by two questions at once, and not after a fault."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flow_rows import random_rows, stage

from vpcflow.base.data_folder import DataFolder
from vpcflow.base.errors import LimitError
from vpcflow.query.engines.connection_pool import IDLE_MAX
from vpcflow.query.service import FlowQueries
from vpcflow.query.settings import QuerySettings
from vpcflow.store.table import FlowTable


@pytest.fixture
def queries(tmp_path: Path) -> FlowQueries:
    folder = DataFolder(tmp_path / "data")
    with FlowTable.open(folder) as table:
        table.commit(stage(table.data_dir.parent, "one", random_rows(300, 9)), "commit-1")
    return FlowQueries(folder, QuerySettings(threads=1))


def test_answers_from_many_threads_are_those_of_one(queries: FlowQueries) -> None:
    names = ["talkers", "pairs", "ports", "rejects", "traffic", "breakdown", "interfaces"]
    expected = {name: queries.ask(name).table for name in names}
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda name: (name, queries.ask(name).table), names * 6))
    assert all(table == expected[name] for name, table in found)
    assert 1 <= len(queries._pool._idle) <= IDLE_MAX


def test_a_connection_is_used_again_by_a_question_with_the_same_bounds(
    queries: FlowQueries,
) -> None:
    queries.ask("ports")
    (first,) = queries._pool._idle
    queries.sql("SELECT count(*) FROM flow_records")
    assert queries._pool._idle == [first]
    queries.ask("ports", bounds=QuerySettings(threads=2))
    assert len(queries._pool._idle) == 2


def test_a_connection_whose_statement_failed_is_closed(queries: FlowQueries) -> None:
    endless = (
        "SELECT count(*) FROM flow_records a, flow_records b, flow_records c, flow_records d"
        " WHERE a.start + b.start + c.start < d.start"
    )
    with pytest.raises(LimitError):
        queries.sql(endless, bounds=QuerySettings(threads=1, time_s_max=0.05))
    assert queries._pool._idle == []
    assert queries.ask("ports").table.num_rows > 0
