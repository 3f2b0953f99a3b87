"""Aim: a watcher gets every fitting record once, in order, over restarts; what it was too late for is
told. Method: batches through a real spool, pages read as the stream reads them."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from vpcflow.api.rest.live_feed import (
    LiveFeed,
    Page,
    Position,
    live_columns,
    page_json,
    parse_position,
)
from vpcflow.base.data_folder import DataFolder
from vpcflow.query.filter_language import parse_filter
from vpcflow.record.batch import FlowBatch, Origin
from vpcflow.record.fields import FIELDS_BY_NAME
from vpcflow.store.recent_segments import RecentSegments
from vpcflow.store.spool import Spool

COLUMNS = ("start", "srcaddr", "dstport", "action")


class Stream:
    """Records that arrive, numbered by their start; every tenth is a refused one to port 22."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.recent = RecentSegments(folder / "recent")
        self._spool = Spool(DataFolder(folder / "data"))
        self._next = 0

    def arrive(self, *sizes: int) -> None:
        """Batches of so many records, as one commit."""
        ids = []
        for size in sizes:
            ids.append(self._spool.append(_batch(range(self._next, self._next + size))))
            self._next += size
        self.recent.take([one.path for one in self._spool.segments()])
        self._spool.drop(ids)

    def restart(self) -> None:
        """The server comes back with what is on the disk."""
        self.recent = RecentSegments(self.folder / "recent")

    def feed(self, text: str = "", position: Position | None = None, backlog: int = 0) -> LiveFeed:
        condition = parse_filter(text) if text else None
        return LiveFeed(self.recent, condition, COLUMNS, position, backlog)


def _batch(numbers: range) -> FlowBatch:
    values = {
        "start": list(numbers),
        "srcaddr": [bytes(10) + b"\xff\xff\x0a\x00" + n.to_bytes(2, "big") for n in numbers],
        "dstport": [22 if n % 10 == 0 else 443 for n in numbers],
        "action": ["REJECT" if n % 10 == 0 else "ACCEPT" for n in numbers],
    }
    fields, arrays = [], []
    for name, column in values.items():
        spec = FIELDS_BY_NAME[name]
        array = pa.array(column, pa.string() if name == "action" else spec.kind.arrow_type)
        arrays.append(array.dictionary_encode() if name == "action" else array)
        fields.append(spec.arrow_field)
    return FlowBatch(
        pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields)), Origin("capture")
    )


def _all(feed: LiveFeed, records_max: int = 7) -> tuple[list[int], list[Page]]:
    """The starts of everything that waits, and the pages."""
    starts: list[int] = []
    pages: list[Page] = []
    while True:
        page = feed.read(records_max)
        pages.append(page)
        if page.records is not None:
            assert page.records.num_rows <= records_max
            starts += page.records.column("start").to_pylist()
        if page.records is None and not page.more:
            return starts, pages


@pytest.fixture
def stream(tmp_path: Path) -> Stream:
    return Stream(tmp_path)


def test_every_record_comes_once_and_in_order(stream: Stream) -> None:
    stream.arrive(5)
    feed = stream.feed()
    assert _all(feed)[0] == []
    stream.arrive(20, 3)
    stream.arrive(8)
    assert _all(feed)[0] == list(range(5, 36))
    assert _all(feed)[0] == []


def test_a_filter_keeps_what_fits_and_positions_go_on_behind_the_rest(stream: Stream) -> None:
    feed = stream.feed("action = REJECT and port = 22")
    stream.arrive(64, 64, 5)
    starts, pages = _all(feed, records_max=3)
    assert starts == list(range(0, 133, 10))
    assert sum(page.seen for page in pages) == 133


def test_whoever_comes_back_goes_on_where_it_was(stream: Stream) -> None:
    feed = stream.feed()
    stream.arrive(30, 30)
    position: Position | None = None
    starts: list[int] = []
    for _ in range(5):
        page = feed.read(4)
        assert page.records is not None
        starts += page.records.column("start").to_pylist()
        position = parse_position(str(page.position))
        # A new connection after each page, to a server that was started anew.
        stream.restart()
        feed = stream.feed(position=position)
    starts += _all(feed)[0]
    assert starts == list(range(60))


def test_a_backlog_begins_with_the_last_fitting_records(stream: Stream) -> None:
    stream.arrive(40, 40, 7)
    assert _all(stream.feed(backlog=10))[0] == list(range(77, 87))
    assert _all(stream.feed("action = REJECT", backlog=3))[0] == [60, 70, 80]
    assert _all(stream.feed(backlog=1_000))[0] == list(range(87))


def test_what_was_gone_before_it_was_read_is_told(tmp_path: Path) -> None:
    stream = Stream(tmp_path)
    stream.recent = RecentSegments(tmp_path / "recent", bytes_max=1)
    feed = stream.feed()
    stream.arrive(4)
    stream.arrive(4)
    stream.arrive(4)
    starts, pages = _all(feed)
    assert starts == [8, 9, 10, 11]
    assert sum(page.missed for page in pages) == 2


def test_a_damaged_batch_is_told_and_its_neighbours_come(stream: Stream) -> None:
    feed = stream.feed()
    stream.arrive(3, 3, 3)
    stream.recent.newest_first()[1].path.write_bytes(b"damaged")
    starts, pages = _all(feed)
    assert starts == [0, 1, 2, 6, 7, 8]
    assert sum(page.missed for page in pages) == 1


def test_a_position_of_another_series_begins_anew_and_says_so(stream: Stream) -> None:
    stream.arrive(3)
    feed = stream.feed(position=Position("deadbeef", 99, 0))
    starts, pages = _all(feed)
    assert starts == [0, 1, 2]
    assert pages[0].missed


@pytest.mark.parametrize("text", ["", "x", "zz-1:1", "ab-1", "ab-1:1:1", "ab-99999999999999999:1"])
def test_a_text_that_is_no_position(text: str) -> None:
    assert parse_position(text) is None


def test_a_page_for_the_browser(stream: Stream) -> None:
    feed = stream.feed()
    stream.arrive(2)
    page = feed.read(10)
    shown = json.loads(page_json(page, (*COLUMNS, "vpc_id"), feed.waiting()))
    assert shown == {
        "rows": 2,
        "data": {
            "start": [0, 1],
            "srcaddr": ["10.0.0.0", "10.0.0.1"],
            "dstport": [22, 443],
            "action": ["REJECT", "ACCEPT"],
            "vpc_id": [None, None],
        },
        "seen": 2,
        "waiting": 0,
    }


def test_columns_of_a_list_of_fields() -> None:
    assert live_columns("start, dst-port,dstport,start,pkt-srcaddr,nonsense") == (
        "start",
        "dstport",
        "pkt_srcaddr",
    )
