"""Aim: an ingestion time, once told, stays. Method: a ledger that is written, torn and read again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vpcflow.base.errors import StoreError
from vpcflow.store.ingestion_times import FILE, IngestionTimes


def times(ledger: IngestionTimes, *starts: int) -> list[int]:
    array = np.array(starts, np.int64)
    found: list[int] = ledger.of(array, array + 10).tolist()
    return found


def test_the_first_commit_that_reached_a_start_counts(tmp_path: Path) -> None:
    ledger = IngestionTimes(tmp_path)
    assert times(ledger, 5) == [15_000]
    ledger.note(100, 160, 170_000)
    ledger.note(150, 155, 180_000)
    ledger.note(160, 220, 230_000)
    expected = [109_000, 170_000, 170_000, 170_000, 230_000, 231_000]
    for one in (ledger, IngestionTimes(tmp_path)):
        assert times(one, 99, 100, 155, 160, 220, 221) == expected


def test_a_later_note_changes_nothing_that_was_told(tmp_path: Path) -> None:
    writer, reader = IngestionTimes(tmp_path), IngestionTimes(tmp_path)
    writer.note(100, 160, 170_000)
    before = times(reader, 50, 120, 160)
    writer.note(10, 150, 999_000)
    writer.note(161, 300, 310_000)
    assert times(reader, 50, 120, 160) == before
    assert times(reader, 200) == [310_000]


def test_a_torn_end_is_passed_over(tmp_path: Path) -> None:
    ledger = IngestionTimes(tmp_path)
    ledger.note(100, 160, 170_000)
    with (tmp_path / FILE).open("ab") as file:
        file.write(b"half of an entry")
    assert times(IngestionTimes(tmp_path), 120) == [170_000]
    ledger.note(161, 220, 230_000)
    assert times(IngestionTimes(tmp_path), 120, 200) == [170_000, 230_000]


def test_a_note_that_reaches_no_further_is_not_written(tmp_path: Path) -> None:
    ledger = IngestionTimes(tmp_path)
    ledger.note(100, 160, 170_000)
    size = (tmp_path / FILE).stat().st_size
    ledger.note(90, 160, 180_000)
    assert (tmp_path / FILE).stat().st_size == size
    assert times(ledger, 100) == [170_000]


def test_a_disk_that_says_no_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="ingestion times cannot be written"):
        IngestionTimes(tmp_path / "file").note(100, 160, 170_000)
