"""Aim: what came last is there for a while, in order, over restarts. Method: a real spool on disk."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from vpcflow.base.clock import ManualClock
from vpcflow.base.data_folder import DataFolder
from vpcflow.record.batch import FlowBatch, Origin
from vpcflow.record.fields import FIELDS_BY_NAME
from vpcflow.store.recent_segments import RecentSegments
from vpcflow.store.spool import Spool


class Arrivals:
    """A spool whose batches are handed over as a commit does it."""

    def __init__(self, folder: Path) -> None:
        self.spool = Spool(DataFolder(folder))

    def arrive(self, recent: RecentSegments, *starts: int, repeat: int = 1) -> list[str]:
        ids = [self.spool.append(_batch(start)) for start in starts]
        paths = [one.path for one in self.spool.segments()]
        for _ in range(repeat):
            recent.take(paths)
        self.spool.drop(ids)
        return ids


def _batch(start: int) -> FlowBatch:
    spec = FIELDS_BY_NAME["start"]
    column = pa.array([start, start + 1], spec.kind.arrow_type)
    return FlowBatch(
        pa.RecordBatch.from_arrays([column], schema=pa.schema([spec.arrow_field])),
        Origin("capture"),
    )


def _starts(recent: RecentSegments) -> list[int]:
    found, number = [], 0
    while (segment := recent.after(number)) is not None:
        records = recent.load(segment)
        assert records is not None
        found.append(records.column("start")[0].as_py())
        number = segment.number
    return found


@pytest.fixture
def clock() -> ManualClock:
    # Files have the system's time.
    import time

    return ManualClock(time.time())


def test_batches_come_in_order_and_outlive_the_spool_and_a_restart(
    tmp_path: Path, clock: ManualClock
) -> None:
    arrivals = Arrivals(tmp_path / "data")
    recent = RecentSegments(tmp_path / "recent", clock=clock)
    arrivals.arrive(recent, 10, 20, repeat=2)
    arrivals.arrive(recent, 30)
    assert _starts(recent) == [10, 20, 30]
    again = RecentSegments(tmp_path / "recent", clock=clock)
    assert (again.series, _starts(again)) == (recent.series, [10, 20, 30])
    arrivals.arrive(again, 40)
    assert _starts(again) == [10, 20, 30, 40]


def test_what_is_old_or_too_much_goes_but_never_the_newest(
    tmp_path: Path, clock: ManualClock
) -> None:
    arrivals = Arrivals(tmp_path / "data")
    recent = RecentSegments(tmp_path / "recent", clock=clock, age_s_max=100)
    arrivals.arrive(recent, 10)
    clock.advance(101)
    arrivals.arrive(recent, 20)
    assert _starts(recent) == [20]
    clock.advance(1_000)
    recent.take([])
    assert _starts(recent) == [20]
    small = RecentSegments(tmp_path / "recent", clock=clock, bytes_max=1)
    arrivals.arrive(small, 30, 40)
    assert _starts(small) == [40]
    assert len(list((tmp_path / "recent").glob("*.arrow"))) == 1


def test_an_old_commit_that_is_handed_over_again_changes_nothing(
    tmp_path: Path, clock: ManualClock
) -> None:
    arrivals = Arrivals(tmp_path / "data")
    recent = RecentSegments(tmp_path / "recent", clock=clock, bytes_max=1)
    for start in (10, 20):
        arrivals.spool.append(_batch(start))
    paths = [one.path for one in arrivals.spool.segments()]
    recent.take(paths)
    series = recent.series
    recent.take(paths)
    assert (recent.series, _starts(recent)) == (series, [20])


def test_a_spool_that_counts_anew_begins_another_series(tmp_path: Path, clock: ManualClock) -> None:
    recent = RecentSegments(tmp_path / "recent", clock=clock)
    Arrivals(tmp_path / "data").arrive(recent, 10, 20)
    series = recent.series
    Arrivals(tmp_path / "other").arrive(recent, 77)
    assert _starts(recent) == [77]
    assert recent.series != series


def test_listeners_are_told_until_they_leave(tmp_path: Path, clock: ManualClock) -> None:
    arrivals = Arrivals(tmp_path / "data")
    recent = RecentSegments(tmp_path / "recent", clock=clock)
    told: list[int] = []
    end = recent.listen(lambda: told.append(recent.last))
    assert end is not None
    arrivals.arrive(recent, 10)
    end()
    arrivals.arrive(recent, 20)
    assert told == [1]


def test_a_damaged_or_missing_batch_is_none_and_its_neighbours_stay(
    tmp_path: Path, clock: ManualClock
) -> None:
    arrivals = Arrivals(tmp_path / "data")
    recent = RecentSegments(tmp_path / "recent", clock=clock)
    arrivals.arrive(recent, 10, 20, 30)
    segments = recent.newest_first()
    segments[0].path.write_bytes(b"no arrow")
    segments[1].path.unlink()
    assert recent.load(segments[0]) is None
    assert recent.load(segments[1]) is None
    assert recent.load(segments[2]) is not None


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / "recent").write_text("a file is in the way")
    recent = RecentSegments(tmp_path / "recent", clock=clock)
    Arrivals(tmp_path / "data").arrive(recent, 10)
    assert "cannot be kept" in recent.problem
    assert recent.last == 0
