"""Aim: an interval is kept, or SKIPDATA says that it is not; nothing waits and nothing is doubled.

Method: a real spool and table; intervals are offered before the thread starts, so that what waits
is known.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "capture"))

from flow_row_builder import START_S, point_of, row_of, window_of

from vpcflow.app.recorder import Recorder
from vpcflow.app.settings import Settings
from vpcflow.app.window_records import as_skipped
from vpcflow.capture.aggregation import AggregatedWindow
from vpcflow.capture.settings import CaptureSettings
from vpcflow.capture.window import ClosedWindow
from vpcflow.store.spool import Spool
from vpcflow.store.table import FlowTable
from vpcflow.store.table_settings import TableSettings

NS = 1_000_000_000
Told = list[tuple[str, int, int, int | None]]


def window(number: int, flows: int = 1, slot: int = 0) -> ClosedWindow:
    """The interval of a minute, with flows of one packet."""
    rows = [
        row_of("198.51.100.7", "10.0.1.10", (1024 + flow, 9), slot=slot) for flow in range(flows)
    ]
    made = window_of(rows, [point_of(slot)])
    shift = number * 60 * NS
    return replace(made, start_ns=made.start_ns + shift, end_ns=made.end_ns + shift)


class Desk:
    """A recorder over a data folder, and what the table holds in the end."""

    def __init__(self, settings: Settings, table: FlowTable, spool_bytes_max: int) -> None:
        self.kept: list[AggregatedWindow] = []
        self.data = table.data_dir
        spool = Spool(settings.folder, TableSettings(spool_bytes_max=spool_bytes_max))
        self.recorder = Recorder(
            settings, table, spool, on_kept=lambda _, made: self.kept.append(made)
        )

    def finish(self) -> Told:
        """Keep what waits; status, minutes from the start to begin and end, and packets."""
        self.recorder.start()
        self.recorder.close()
        found: Told = []
        for path in sorted(self.data.rglob("*.parquet")):
            for row in pq.read_table(path).to_pylist():
                begin = row["start"] - START_S
                end = begin + row["duration"]
                found.append((row["log_status"], begin // 60, -(-end // 60), row["packets"]))
        return sorted(found, key=lambda row: (row[1], row[0]))


@contextmanager
def desk(folder: Path, *, waiting: int = 4, spool_bytes_max: int = 1 << 30) -> Iterator[Desk]:
    settings = Settings(data=folder, capture=CaptureSettings(windows_waiting_max=waiting))
    settings.folder.make()
    with FlowTable.open(settings.folder, settings.table) as table:
        yield Desk(settings, table, spool_bytes_max)


def test_every_interval_is_kept(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        for number in range(3):
            made.recorder.offer(window(number))
        assert made.finish() == [("OK", number, number, 1) for number in range(3)]
        counts = made.recorder.counts
    assert (counts.windows, counts.flows, counts.packets, counts.bytes) == (3, 3, 3, 120)
    assert (counts.skipped_windows, counts.skipdata, counts.problem) == (0, 0, "")
    assert [item.flows for item in made.kept] == [1, 1, 1]


def test_nothing_offered_nothing_kept(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        assert made.finish() == []


def test_full_queue_becomes_one_skipdata_over_all_that_was_lost(tmp_path: Path) -> None:
    with desk(tmp_path, waiting=2) as made:
        for number in range(7):
            made.recorder.offer(window(number))
        told = made.finish()
        counts = made.recorder.counts
    assert told == [("OK", 0, 0, 1), ("OK", 1, 1, 1), ("SKIPDATA", 2, 7, None)]
    assert (counts.skipped_windows, counts.skipdata, counts.windows) == (5, 1, 3)


def test_interfaces_of_all_lost_intervals_are_told(tmp_path: Path) -> None:
    with desk(tmp_path, waiting=1) as made:
        made.recorder.offer(window(0))
        made.recorder.offer(window(1, slot=1))
        made.recorder.offer(window(2, slot=2))
        told = made.finish()
    assert [row[0] for row in told] == ["OK", "SKIPDATA", "SKIPDATA"]


def test_interval_that_the_spool_does_not_take_is_told_and_the_next_is_kept(
    tmp_path: Path,
) -> None:
    """The bound lies between an interval of one flow and one of thousands."""
    with desk(tmp_path, spool_bytes_max=60_000) as made:
        made.recorder.offer(window(0, flows=20_000))
        made.recorder.offer(window(1))
        told = made.finish()
        counts = made.recorder.counts
    assert told == [("SKIPDATA", 0, 1, None), ("OK", 1, 1, 1)]
    assert (counts.skipped_windows, counts.skipdata, counts.flows) == (1, 1, 1)
    assert counts.problem == "", "it goes on"


def test_spool_that_takes_nothing_loses_all_and_says_why(tmp_path: Path) -> None:
    with desk(tmp_path, spool_bytes_max=1) as made:
        for number in range(3):
            made.recorder.offer(window(number))
        assert made.finish() == []
        counts = made.recorder.counts
    assert counts.skipped_windows == 3
    assert (counts.flows, counts.skipdata) == (0, 0)
    assert "the spool is full" in counts.problem


def test_what_the_thread_dies_of_comes_out_at_the_end(tmp_path: Path) -> None:
    def fail(_: ClosedWindow) -> ClosedWindow:
        raise ZeroDivisionError

    with desk(tmp_path) as made:
        settings = Settings(data=tmp_path)
        with FlowTable.open(settings.folder, settings.table) as table:
            recorder = Recorder(settings, table, Spool(settings.folder), judge=fail)
            recorder.offer(window(0))
            recorder.offer(window(1))
            recorder.start()
            with pytest.raises(ZeroDivisionError):
                recorder.close()
            assert isinstance(recorder.failed, ZeroDivisionError)
        assert made.finish() == []


def test_batches_of_a_killed_run_are_taken_over_once(tmp_path: Path) -> None:
    """They lie acknowledged in the spool; the next run brings them into the table."""
    with desk(tmp_path) as made:
        made.recorder._keep(window(0))
    with desk(tmp_path) as made:
        made.recorder.offer(window(1))
        assert made.finish() == [("OK", 0, 0, 1), ("OK", 1, 1, 1)]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_lost_intervals_become_one_in_any_order(order: tuple[int, int]) -> None:
    first, second = (window(number) for number in order)
    joined = as_skipped(first, as_skipped(second))
    assert (joined.start_ns, joined.end_ns) == (START_S * NS, (START_S + 120) * NS)
    assert len(joined.rows) == 0
