"""Questions that are stopped, bounded for one call, and SQL under a filter."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flow_rows import Row, holds, random_rows, stage

from vpcflow.base.data_folder import DataFolder
from vpcflow.base.errors import LimitError, StoppedError
from vpcflow.query.filter_language import parse_filter
from vpcflow.query.service import FlowQueries
from vpcflow.query.settings import QuerySettings
from vpcflow.query.stop_token import StopToken
from vpcflow.store.table import FlowTable

#: Far longer than any test may take.
ENDLESS = (
    "SELECT count(*) FROM flow_records a, flow_records b, flow_records c, flow_records d"
    " WHERE a.start + b.start + c.start < d.start"
)


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return random_rows(400, 5, packet_addresses=True)


@pytest.fixture(scope="module")
def queries(rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> FlowQueries:
    folder = DataFolder(tmp_path_factory.mktemp("stopped") / "data")
    with FlowTable.open(folder) as table:
        table.commit(stage(table.data_dir.parent, "one", rows), "commit-1")
    return FlowQueries(folder, QuerySettings(threads=1))


class Watched(StopToken):
    """A token that tells when a statement is about to run."""

    def __init__(self) -> None:
        super().__init__()
        self.runs = threading.Event()

    @contextmanager
    def interrupting(self, interrupt: Callable[[], object]) -> Iterator[None]:
        with super().interrupting(interrupt):
            self.runs.set()
            yield


def test_a_question_that_was_stopped_before_does_not_run(queries: FlowQueries) -> None:
    stop = StopToken()
    stop.stop()
    with pytest.raises(StoppedError):
        queries.ask("talkers", stop=stop)
    with pytest.raises(StoppedError):
        queries.sql("SELECT count(*) FROM flow_records", stop=stop)


def test_a_running_statement_is_stopped_from_another_thread(queries: FlowQueries) -> None:
    stop = Watched()

    def gone() -> None:
        assert stop.runs.wait(60)
        stop.stop()

    asker = threading.Thread(target=gone)
    asker.start()
    with pytest.raises(StoppedError):
        queries.sql(ENDLESS, stop=stop)
    asker.join()
    assert queries.sql("SELECT count(*) AS n FROM flow_records").table["n"].to_pylist() == [400]


def test_bounds_of_one_call_stand_in_place_of_the_settings(queries: FlowQueries) -> None:
    bounds = QuerySettings(threads=1, rows_max=3)
    answer = queries.ask("flows", {"limit": 50}, bounds=bounds)
    assert (answer.table.num_rows, answer.truncated) == (3, True)
    with pytest.raises(LimitError, match="took longer"):
        queries.sql(ENDLESS, bounds=QuerySettings(threads=1, time_s_max=0.05))
    assert queries.ask("flows", {"limit": 50}).table.num_rows == 50


@pytest.mark.parametrize(
    "text",
    [
        "action = REJECT",
        "action != REJECT or action = -",
        "addr = 10.0.0.1",
        "srcaddr = 10.0.0.1",
        "srcaddr = 10.0.0.1 and dstaddr in 192.0.2.0/24",
        "not (addr in 10.0.0.0/8)",
        "addr in 10.0.0.0/8 and port in (22, 443)",
        "pkt-srcaddr = 198.18.0.1",
        "interface-id like eni-0?",
        "reject-rule is null and dstport > 1024",
        "bytes >= 1000 and end < 1763870000",
    ],
)
@pytest.mark.parametrize("where", ["", " WHERE srcaddr = '10.0.0.2'"])
def test_a_filter_holds_of_every_record_that_sql_sees(
    queries: FlowQueries, rows: list[Row], text: str, where: str
) -> None:
    own = parse_filter("srcaddr = 10.0.0.2") if "srcaddr" in where else None
    condition = parse_filter(text)
    expected = sum(bool(holds(condition, row) and holds(own, row)) for row in rows)
    # The second reading of the view is bounded too.
    sql = (
        f"SELECT count(*) AS n, (SELECT count(*) FROM flow_records) AS every"
        f" FROM flow_records{where}"
    )
    found = queries.sql(sql, condition=condition).table.to_pylist()
    everything = sum(bool(holds(condition, row)) for row in rows)
    assert found == [{"n": expected, "every": everything}]


def test_the_snapshot_changes_with_the_table(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    queries = FlowQueries(folder)
    assert queries.snapshot() == ""
    names = []
    with FlowTable.open(folder) as table:
        for number in range(2):
            staged = stage(table.data_dir.parent, f"f{number}", random_rows(5, number))
            table.commit(staged, f"commit-{number}")
            names.append(queries.snapshot())
    assert len(set(names)) == 2
    assert queries.ask("ports").snapshot == names[-1]
