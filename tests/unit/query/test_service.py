"""The service over a real table: from records in the store to an answer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from flow_rows import T0, Row, random_rows, stage

from vpcflow.base.data_folder import DataFolder
from vpcflow.base.errors import FilterError, LimitError
from vpcflow.query.filter_language import parse_filter
from vpcflow.query.questions import QUESTION_SUMMARIES
from vpcflow.query.service import FlowQueries
from vpcflow.query.settings import QuerySettings
from vpcflow.query.time_range import TimeRange
from vpcflow.store.table import FlowTable

DAY_S = 86_400


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    first = random_rows(200, 21)
    return [
        *first,
        *(row | {"start": row["start"] + DAY_S, "end": row["end"] + DAY_S} for row in first),
    ]


@pytest.fixture(scope="module")
def folder(rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    folder = DataFolder(tmp_path_factory.mktemp("service") / "data")
    with FlowTable.open(folder) as table:
        table.commit(stage(table.data_dir.parent, "one", rows), "commit-1")
    return folder


@pytest.fixture
def queries(folder: DataFolder) -> FlowQueries:
    return FlowQueries(folder, QuerySettings(threads=1))


def test_an_answer_says_what_it_cost(queries: FlowQueries, rows: list[Row]) -> None:
    everything = queries.ask("talkers")
    assert (everything.scan.files, everything.scan.files_pruned) == (2, 0)
    assert everything.scan.rows == len(rows)
    day = queries.ask("talkers", time_range=TimeRange(T0 + DAY_S, T0 + 2 * DAY_S))
    assert (day.scan.files, day.scan.files_pruned) == (1, 1)
    assert day.scan.bytes < everything.scan.bytes
    assert day.elapsed_s > 0


def test_a_filter_bounds_a_question(queries: FlowQueries, rows: list[Row]) -> None:
    answer = queries.ask("flows", {"limit": 1000}, condition=parse_filter("port = 22"))
    expected = sum(22 in {row.get("srcport"), row.get("dstport")} for row in rows)
    assert answer.table.num_rows == expected


@pytest.mark.parametrize("name", QUESTION_SUMMARIES)
def test_a_question_asked_again_answers_the_same(folder: DataFolder, name: str) -> None:
    first, again = FlowQueries(folder).ask(name), FlowQueries(folder).ask(name)
    assert again.table == first.table
    assert [part.table for part in again.sections] == [part.table for part in first.sections]


def test_the_same_question_of_another_address_is_another_answer(queries: FlowQueries) -> None:
    one, two = (queries.ask("flows", {"address": address}) for address in ("10.0.0.1", "10.0.0.2"))
    assert one.table != two.table
    for address, answer in (("10.0.0.1", one), ("10.0.0.2", two)):
        assert all(address in {row["srcaddr"], row["dstaddr"]} for row in answer.table.to_pylist())


@pytest.mark.parametrize("name", QUESTION_SUMMARIES)
def test_a_folder_without_a_table_is_empty_and_stays_so(tmp_path: Path, name: str) -> None:
    root = tmp_path / "none"
    answer = FlowQueries(DataFolder(root)).ask(name)
    assert answer.scan.files == 0
    assert not root.exists()


def test_sql_reads_the_view(queries: FlowQueries, rows: list[Row]) -> None:
    answer = queries.sql(
        "SELECT srcaddr, sum(bytes) AS bytes FROM flow_records WHERE action = 'ACCEPT' "
        "GROUP BY srcaddr ORDER BY bytes DESC LIMIT 3"
    )
    sums: dict[str, int] = {}
    for row in rows:
        if row.get("action") == "ACCEPT":
            sums[row["srcaddr"]] = sums.get(row["srcaddr"], 0) + (row["bytes"] or 0)
    top = sorted(sums.items(), key=lambda item: -item[1])[:3]
    assert [tuple(row.values()) for row in answer.table.to_pylist()] == top
    assert [column.kind for column in answer.columns] == ["address", "bytes"]
    assert answer.scan.files == 2


def test_sql_prunes_files_and_is_bounded(
    queries: FlowQueries, rows: list[Row], folder: DataFolder
) -> None:
    text = "SELECT * FROM flow_records"
    answer = queries.sql(text, time_range=TimeRange(None, T0 + DAY_S))
    assert (answer.scan.files, answer.scan.files_pruned) == (1, 1)
    assert answer.table.num_rows == len(rows) // 2
    cut = FlowQueries(folder, QuerySettings(rows_max=5)).sql(text)
    assert cut.truncated
    assert cut.table.num_rows == 5


def test_sql_that_is_wrong_points_at_it(queries: FlowQueries) -> None:
    with pytest.raises(FilterError):
        queries.sql("SELECT colour FROM flow_records")


def test_groups_beyond_the_bound_are_refused_where_a_cut_would_be_wrong(folder: DataFolder) -> None:
    with pytest.raises(LimitError, match="more groups"):
        FlowQueries(folder, QuerySettings(rows_max=3)).ask("coverage")


def test_a_question_asked_before_needs_no_compiler(
    queries: FlowQueries, folder: DataFolder
) -> None:
    queries.ask("talkers", {"limit": 4})
    program = (
        "import sys\n"
        "from vpcflow.base.data_folder import DataFolder\n"
        "from vpcflow.query.service import FlowQueries\n"
        f"FlowQueries(DataFolder({str(folder.root)!r})).ask('talkers', {{'limit': 4}})\n"
        "slow = {'ibis', 'sqlglot', 'pandas', 'pyiceberg', 'numba'} & set(sys.modules)\n"
        "assert not slow, slow\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
