"""Aim: damage takes what it hit and nothing else. Method: real files, a disk that refuses."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from vpcflow.base.errors import StoreError
from vpcflow.store.event_store import EventStore, EventStoreSettings
from vpcflow.store.event_store.block import EVENTS, HEADER_BYTES, encode_block
from vpcflow.store.event_store.event_store import FOLDER
from vpcflow.store.event_store.span_kernels import crc32

FAR_MS = 10**13


def put(store: EventStore, time: int, text: str) -> None:
    store.append("k", "s", 1, np.array([time], np.int64), pa.array([text], pa.string()))


def texts(store: EventStore) -> list[str]:
    found = store.read("k", store.spans("k", 0, FAR_MS, None), 0, FAR_MS, None)
    return [
        text for _, text in sorted(zip(found.times_ms, found.messages.to_pylist(), strict=True))
    ]


def files(root: Path, suffix: str) -> list[Path]:
    return sorted((root / FOLDER / "k").glob(f"*{suffix}"))


def damaged(root: Path, place: int, value: int | None = None) -> tuple[bytes, int, int]:
    """Five puts, and a byte of the third changed; what the third was, and where."""
    store = EventStore(root)
    edges = [0]
    for number in range(5):
        put(store, number, f"text {number} " + "x" * 40)
        edges.append(store.bytes)
    store.close()
    (path,) = files(root, ".events")
    data = bytearray(path.read_bytes())
    at = edges[2] + place
    data[at] = data[at] ^ 1 if value is None else value
    path.write_bytes(data)
    return bytes(data[edges[2] : edges[3]]), edges[2], len(data)


@pytest.mark.parametrize(
    ("place", "value"),
    [(0, None), (5, None), (8, 9), (16, 250), (20, 255), (HEADER_BYTES + 30, None)],
    ids=["magic", "checksum", "kind", "size", "huge", "text"],
)
def test_what_is_behind_damage_is_read(tmp_path: Path, place: int, value: int | None) -> None:
    lost, offset, size = damaged(tmp_path, place, value)
    with capture_logs() as logs:
        store = EventStore(tmp_path)
        found = texts(store)
    assert [text[:6] for text in found] == ["text 0", "text 1", "text 3", "text 4"]
    (kept,) = files(tmp_path, ".damaged")
    assert kept.read_bytes() == lost
    (told,) = logs
    (path,) = files(tmp_path, ".events")
    assert told["log_level"] == "warning"
    assert (told["path"], told["offset"], told["bytes"]) == (str(path), offset, len(lost))
    assert store.bytes == path.stat().st_size == size - len(lost)
    put(store, 9, "after")
    with capture_logs() as logs:
        again = EventStore(tmp_path)
        assert texts(again) == [*found, "after"]
    assert not logs
    assert again.bytes == store.bytes


def test_two_damages_and_a_torn_end_are_taken_out_at_once(tmp_path: Path) -> None:
    damaged(tmp_path, HEADER_BYTES + 30)
    (path,) = files(tmp_path, ".events")
    data = bytearray(path.read_bytes())
    data[4] ^= 1
    path.write_bytes(data[:-1])
    assert [text[:6] for text in texts(EventStore(tmp_path))] == ["text 1", "text 3"]
    assert len(files(tmp_path, ".damaged")) == 3
    assert len(texts(EventStore(tmp_path))) == 2


def test_a_block_that_a_client_wrote_as_text_is_none(tmp_path: Path) -> None:
    words = pa.array(["forged"], pa.string())
    forged = b"".join(encode_block(EVENTS, 9, "s", 1, np.array([5]), words)[1])
    text = pa.StringArray.from_buffers(
        1, pa.py_buffer(np.array([0, len(forged)], np.int32)), pa.py_buffer(forged)
    )
    store = EventStore(tmp_path)
    put(store, 1, "a")
    store.append("k", "s", 1, np.array([2], np.int64), text)
    put(store, 3, "b")
    store.close()
    (path,) = files(tmp_path, ".events")
    data = path.read_bytes()
    place = data.index(b"vpE1", 1)
    path.write_bytes(data[: place + 4] + bytes([data[place + 4] ^ 1]) + data[place + 5 :])
    assert texts(EventStore(tmp_path)) == ["a", "b"]


class Refusing:
    """A disk that neither keeps nor gives back."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._real = (os.fdatasync, os.ftruncate)
        self._patch = monkeypatch

    def start(self) -> None:
        def refuse(*_: object) -> None:
            raise OSError(5, "Input/output error")

        self._patch.setattr(os, "fdatasync", refuse)
        self._patch.setattr(os, "ftruncate", refuse)

    def stop(self) -> None:
        self._patch.setattr(os, "fdatasync", self._real[0])
        self._patch.setattr(os, "ftruncate", self._real[1])


@pytest.mark.parametrize("refusals", [1, 3])
def test_puts_do_not_follow_bytes_that_could_not_be_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusals: int
) -> None:
    disk = Refusing(monkeypatch)
    store = EventStore(tmp_path)
    put(store, 1, "a")
    disk.start()
    for number in range(refusals):
        with pytest.raises(StoreError, match="Input/output error"):
            put(store, 2, f"refused {number}")
    disk.stop()
    put(store, 3, "b")
    put(store, 4, "c")
    for opened in (store, EventStore(tmp_path)):
        assert texts(opened) == ["a", "b", "c"]
    assert len(files(tmp_path, ".events")) == refusals + 1
    assert not files(tmp_path, ".damaged")


def test_a_file_that_could_not_be_cut_expires_like_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Refusing(monkeypatch)
    store = EventStore(tmp_path, EventStoreSettings(segment_bytes_max=4096))
    put(store, 1, "a" * 5000)
    put(store, 2, "b")
    disk.start()
    with pytest.raises(StoreError):
        put(store, 3, "refused")
    disk.stop()
    assert store.expire("k", 10) == 2
    put(store, 20, "c")
    assert texts(store) == texts(EventStore(tmp_path)) == ["c"]


@given(st.binary(max_size=100), st.integers(0, 9))
def test_the_checksum_is_zlibs(data: bytes, begin: int) -> None:
    begin = min(begin, len(data))
    assert crc32(np.frombuffer(data, np.uint8), begin, len(data)) == zlib.crc32(data[begin:])


@pytest.mark.parametrize(
    ("place", "value"),
    [(0, 0), (12, 200), (16, 1), (HEADER_BYTES + 8 + 24, 99), (HEADER_BYTES + 8 + 31, 255)],
    ids=["magic", "events", "size", "offset", "last offset"],
)
def test_a_file_that_is_damaged_under_a_running_store_is_told(
    tmp_path: Path, place: int, value: int
) -> None:
    store = EventStore(tmp_path)
    words = pa.array(["a", "b", "c"], pa.string())
    store.append("k", "s", 1, np.arange(3, dtype=np.int64), words)
    (path,) = files(tmp_path, ".events")
    data = bytearray(path.read_bytes())
    data[place] = value
    path.write_bytes(data)
    with pytest.raises(StoreError, match="damaged"):
        texts(store)
