"""What the spool acknowledged is there after a restart, once, in order."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pyarrow as pa
import pytest

from vpcflow.base.data_folder import DataFolder
from vpcflow.base.errors import StoreError
from vpcflow.record.batch import FlowBatch, Origin
from vpcflow.record.field_spec import ADDRESS_TYPE, TEXT_TYPE
from vpcflow.store.spool import Spool
from vpcflow.store.table_settings import TableSettings


def _batch(number: int, rows: int = 3) -> FlowBatch:
    records = pa.record_batch(
        {
            "srcaddr": pa.array([bytes(16)] * rows, ADDRESS_TYPE),
            "start": pa.array([number] * rows, pa.int64()),
            "action": pa.array(["ACCEPT", None, "REJECT"][:rows], pa.string()).cast(TEXT_TYPE),
        }
    )
    return FlowBatch(records, Origin("stdin", "-", "123456789012", "eu-west-1", "fl-1"), "fl-1", 60)


def _numbers(spool: Spool) -> list[int]:
    return [one.load().records.column("start")[0].as_py() for one in spool.segments()]


def test_a_batch_comes_back_as_it_was(folder: DataFolder) -> None:
    batch = _batch(1)
    batch_id = Spool(folder).append(batch)
    [segment] = Spool(folder).segments()
    assert segment.batch_id == batch_id
    assert segment.load() == batch
    assert segment.load().records.schema == batch.records.schema


def test_a_slice_and_an_empty_batch_come_back(folder: DataFolder) -> None:
    spool = Spool(folder)
    whole = _batch(1)
    spool.append(whole.with_records(whole.records.slice(1, 1)))
    spool.append(whole.with_records(whole.records.slice(0, 0)))
    found = [segment.load().records.to_pylist() for segment in Spool(folder).segments()]
    assert found == [whole.records.slice(1, 1).to_pylist(), []]


def test_order_survives_restarts(folder: DataFolder) -> None:
    for number in range(12):
        Spool(folder).append(_batch(number))
    assert _numbers(Spool(folder)) == list(range(12))


def test_numbers_never_come_back(folder: DataFolder) -> None:
    first = Spool(folder)
    batch_id = first.append(_batch(1))
    first.drop([batch_id])
    again = Spool(folder).append(_batch(1))
    assert again != batch_id
    assert _numbers(Spool(folder)) == [1]


def test_an_acknowledged_batch_is_on_the_disk(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(folder)
    synced: list[str] = []
    real = os.fsync

    def recorded(handle: int) -> None:
        synced.append(Path(os.readlink(f"/proc/self/fd/{handle}")).name)
        real(handle)

    monkeypatch.setattr(os, "fsync", recorded)
    batch_id = spool.append(_batch(1))
    assert synced == [f"{batch_id}.arrow.part", "spool"]


def test_a_torn_file_was_never_acknowledged(folder: DataFolder) -> None:
    Spool(folder).append(_batch(1))
    whole = next(folder.spool.glob("*.arrow"))
    torn = folder.spool / f"{2:016d}-{'0' * 32}.arrow.part"
    torn.write_bytes(whole.read_bytes()[:100])
    assert _numbers(Spool(folder)) == [1]
    assert not torn.exists()


@pytest.mark.parametrize("cut", [slice(0, 50), slice(0, 0), slice(1, None)])
def test_damage_to_an_acknowledged_batch_is_told_not_hidden(folder: DataFolder, cut: slice) -> None:
    spool = Spool(folder)
    for number in (1, 2):
        spool.append(_batch(number))
    damaged, whole = spool.segments()
    damaged.path.write_bytes(damaged.path.read_bytes()[cut])
    first, second = Spool(folder).segments()
    with pytest.raises(StoreError, match="damaged") as caught:
        first.load()
    assert caught.value.where == str(damaged.path)
    assert second.load() == whole.load()


def test_a_full_spool_names_the_setting(folder: DataFolder) -> None:
    spool = Spool(folder, TableSettings(spool_bytes_max=3000))
    ids = []
    with pytest.raises(StoreError, match="spool_bytes_max"):
        for number in range(10):
            ids.append(spool.append(_batch(number)))
    assert ids
    assert spool.bytes_waiting <= 3000
    spool.drop(ids[:1])
    spool.append(_batch(99))
    assert _numbers(Spool(folder)) == [*range(1, len(ids)), 99]


def test_a_full_disk_acknowledges_nothing(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(folder)
    spool.append(_batch(1))

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="No space left"):
        spool.append(_batch(2))
    monkeypatch.undo()
    assert _numbers(spool) == _numbers(Spool(folder)) == [1]
    assert spool.append(_batch(2)) == Spool(folder).segments()[1].batch_id


def test_a_real_full_disk(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if os.geteuid() != 0 or os.system(f"mount -t tmpfs -o size=64k none {small} 2>/dev/null"):
        pytest.skip("mounting a small disk needs root")
    try:
        spool = Spool(DataFolder(small))
        acknowledged = []
        with pytest.raises(StoreError, match="No space left"):
            for number in range(100):
                spool.append(_batch(number))
                acknowledged.append(number)
        assert acknowledged
        assert _numbers(Spool(DataFolder(small))) == acknowledged
    finally:
        os.system(f"umount {small}")


def test_a_prepared_commit_is_confirmed_or_discarded(folder: DataFolder) -> None:
    spool = Spool(folder)
    ids = [spool.append(_batch(number)) for number in range(4)]
    commit_id = spool.prepare(ids[:2])
    assert Spool(folder).pending() == [commit_id]
    restarted = Spool(folder)
    restarted.discard(commit_id)
    assert restarted.pending() == []
    assert _numbers(restarted) == [0, 1, 2, 3]
    assert restarted.prepare(ids[:2]) == commit_id
    restarted.confirm(commit_id)
    assert _numbers(Spool(folder)) == [2, 3]
    assert Spool(folder).pending() == []


def test_a_confirm_that_was_cut_short_is_finished(folder: DataFolder) -> None:
    spool = Spool(folder)
    ids = [spool.append(_batch(number)) for number in range(3)]
    commit_id = spool.prepare(ids)
    spool.segments()[0].path.unlink()
    restarted = Spool(folder)
    restarted.confirm(commit_id)
    assert _numbers(Spool(folder)) == []
    assert Spool(folder).append(_batch(0)) > ids[-1]


def test_a_batch_that_does_not_wait_is_refused(folder: DataFolder) -> None:
    with pytest.raises(StoreError, match="does not wait"):
        Spool(folder).prepare(["nonsense"])
