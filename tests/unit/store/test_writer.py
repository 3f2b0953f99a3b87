"""The writer: runs, days, threads, faults."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from stored_rows import START, Row, batch, ipv4, known, sort_key

from vpcflow.base.errors import StoreError
from vpcflow.store.layout import from_stored
from vpcflow.store.settings import StoreSettings
from vpcflow.store.staged_file import StagedFile
from vpcflow.store.writer import DataFileWriter

DAY = 86_400
COLUMNS = ["srcaddr", "dstaddr", "srcport", "start", "bytes"]


def _row(number: int, start: int | None = START) -> Row:
    return {
        "srcaddr": ipv4(f"10.0.{number % 9}.1"),
        "dstaddr": ipv4(f"8.8.{number % 200}.8"),
        "srcport": number % 60_000,
        "start": start,
        "bytes": number,
    }


def _records(files: list[StagedFile]) -> list[int]:
    """The bytes column, by which a test's records differ."""
    return sorted(
        value
        for file in files
        for value in pq.read_table(file.path, partitioning=None)["bytes"].to_pylist()
    )


def _settings(**changed: int) -> StoreSettings:
    return StoreSettings(row_group_rows=1_024, **changed)


@pytest.mark.parametrize("threads", [1, 2])
def test_runs_are_sorted_files_that_hold_every_record(tmp_path: Path, threads: int) -> None:
    settings = _settings(run_rows_max=2_000, threads=threads)
    writer = DataFileWriter(tmp_path / "data", settings, prefix="p")
    for first in range(0, 6_000, 500):
        writer.append(batch([_row(n) for n in range(first, first + 500)], COLUMNS))
    assert writer.rows_pending == 2_000
    files = writer.finish()
    assert [file.rows for file in files] == [2_000, 2_000, 2_000]
    assert [file.path.name for file in files] == [f"p-{n:05d}.parquet" for n in range(3)]
    assert _records(files) == list(range(6_000))
    for file in files:
        rows = pq.read_table(file.path, partitioning=None).to_pylist()
        assert [sort_key(row) for row in rows] == sorted(sort_key(row) for row in rows)
        assert file.rollup_path is not None
        assert file.rollup_path.exists()


def test_records_come_back_from_the_files(tmp_path: Path) -> None:
    rows = [_row(n) for n in range(300)]
    writer = DataFileWriter(tmp_path / "data", _settings(), prefix="p")
    writer.append(batch(rows, COLUMNS))
    (file,) = writer.finish()
    restored = from_stored(pq.read_table(file.path, partitioning=None)).to_pylist()
    restored.sort(key=lambda row: row["bytes"])
    assert [known(row) for row in restored] == [row | {"source": "file"} for row in rows]


def test_a_run_that_spans_days_makes_one_file_a_day(tmp_path: Path) -> None:
    midnight = START // DAY * DAY + DAY
    starts = [None, midnight - 1, midnight, midnight + DAY, midnight + DAY - 1, None]
    writer = DataFileWriter(tmp_path / "data", _settings(), prefix="p")
    writer.append(batch([_row(n, start) for n, start in enumerate(starts)], COLUMNS))
    files = writer.finish()
    assert [file.path.parent.name for file in files] == [
        "day=unknown",
        "day=2025-10-09",
        "day=2025-10-10",
        "day=2025-10-11",
    ]
    assert [file.day for file in files] == [None, midnight - DAY, midnight, midnight + DAY]
    assert [file.rows for file in files] == [2, 1, 2, 1]
    assert _records(files) == list(range(6))


def test_the_byte_bound_ends_a_run_too(tmp_path: Path) -> None:
    settings = _settings(run_bytes_max=1 << 20, threads=1)
    writer = DataFileWriter(tmp_path / "data", settings, prefix="p")
    for first in range(0, 48_000, 8_000):
        writer.append(batch([_row(n) for n in range(first, first + 8_000)], COLUMNS))
    files = writer.finish()
    assert len(files) > 2
    assert _records(files) == list(range(48_000))


def test_hostile_clocks_make_few_files_until_the_end_and_lose_nothing(tmp_path: Path) -> None:
    settings = _settings(run_rows_max=400, run_days_max=3, threads=1)
    writer = DataFileWriter(tmp_path / "data", settings, prefix="p")
    number = 0
    for run in range(4):
        rows = [_row(number + n) for n in range(394)]
        rows += [_row(number + 394 + n, (run * 6 + n) * DAY) for n in range(6)]
        writer.append(batch(rows, COLUMNS))
        number += 400
    made_before_the_end = len(list((tmp_path / "data").rglob("*.parquet")))
    files = writer.finish()
    assert made_before_the_end <= 3 * 3
    assert _records(files) == list(range(1_600))
    days = [file.day for file in files]
    assert len(set(days)) == 25
    for file in files:
        assert file.start_min is not None
        assert file.start_max is not None
        assert file.day == file.start_min // DAY * DAY == file.start_max // DAY * DAY


def test_carried_records_are_bounded(tmp_path: Path) -> None:
    settings = _settings(run_rows_max=20, run_days_max=1, threads=1)
    writer = DataFileWriter(tmp_path / "data", settings, prefix="p")
    rows = [_row(n, n * DAY) for n in range(60)]
    for first in range(0, 60, 20):
        writer.append(batch(rows[first : first + 20], COLUMNS))
    assert len(list((tmp_path / "data").rglob("*.parquet"))) >= 30
    assert _records(writer.finish()) == list(range(60))


def test_times_beyond_the_calendar_have_a_day_of_their_own(tmp_path: Path) -> None:
    starts = [-(2**63), -1, 2**63 - 1]
    writer = DataFileWriter(tmp_path / "data", _settings(), prefix="p")
    writer.append(batch([_row(n, start) for n, start in enumerate(starts)], COLUMNS))
    files = writer.finish()
    assert _records(files) == [0, 1, 2]
    assert len({file.path.parent for file in files}) == 3


def test_nothing_in_gives_nothing_out(tmp_path: Path) -> None:
    writer = DataFileWriter(tmp_path / "data", _settings(), prefix="p")
    writer.append(batch([], COLUMNS))
    assert writer.finish() == []
    assert not (tmp_path / "data").exists()
    with pytest.raises(StoreError, match="closed"):
        writer.append(batch([_row(1)], COLUMNS))


@pytest.mark.parametrize("threads", [1, 2])
def test_a_disk_that_says_no_is_told_to_the_caller(tmp_path: Path, threads: int) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    settings = _settings(run_rows_max=100, threads=threads)
    writer = DataFileWriter(tmp_path / "data", settings, prefix="p")
    with pytest.raises(StoreError) as told:
        for first in range(0, 400, 100):
            writer.append(batch([_row(first + n) for n in range(100)], COLUMNS))
        writer.finish()
    assert "data" in told.value.where
    assert told.value.hint
    writer.abort()


@pytest.mark.parametrize("threads", [1, 2])
def test_abort_removes_what_was_written(tmp_path: Path, threads: int) -> None:
    settings = _settings(run_rows_max=100, threads=threads)
    writer = DataFileWriter(tmp_path / "data", settings, prefix="p")
    for first in range(0, 500, 100):
        writer.append(batch([_row(first + n) for n in range(100)], COLUMNS))
    writer.abort()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_files_that_were_handed_over_survive_abort(tmp_path: Path) -> None:
    """A commit that failed in an unknown state may still have taken them."""
    writer = DataFileWriter(tmp_path / "data", _settings(), prefix="p")
    writer.append(batch([_row(n) for n in range(10)], COLUMNS))
    [staged] = writer.finish()
    writer.abort()
    assert staged.path.is_file()
