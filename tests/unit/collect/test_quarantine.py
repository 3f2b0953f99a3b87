"""Aim: what is bad is kept within bounds and counted exactly. Method: real lines, real SQLite."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vpcflow.base.data_folder import DataFolder
from vpcflow.collect.piece import LostLine
from vpcflow.collect.quarantine import Quarantine, QuarantineCounts
from vpcflow.collect.quarantine_retry import mark_retried, retry, retry_groups
from vpcflow.collect.settings import CollectSettings
from vpcflow.collect.source_object import Problem, ProblemCode, SourceObject
from vpcflow.collect.state_db import StateDb
from vpcflow.record.batch import Origin
from vpcflow.record.codec import make_decoder
from vpcflow.record.log_format import LogFormat
from vpcflow.record.reasons import BadLines
from vpcflow.record.sniff import Encoding

GOOD = b"2 123456789012 eni-1 10.0.0.1 10.0.0.2 1 2 6 1 40 1700000000 1700000060 ACCEPT OK"
NAT = b"- eni-1 10.0.1.5 10.0.0.220 10.0.1.5 203.0.113.5"
NAT_FORMAT = LogFormat.from_header(
    "instance-id interface-id srcaddr dstaddr pkt-srcaddr pkt-dstaddr"
)


def an_object(uri: str = "/logs/a") -> SourceObject:
    return SourceObject(uri, 1, "1", Origin("file", uri, region="eu-west-1"))


def bad_lines(*lines: bytes, encoding: Encoding = Encoding.TEXT) -> list[BadLines]:
    decoder = make_decoder(encoding, Origin("file"))
    parts = [decoder.feed(b"\n".join(lines) + b"\n"), decoder.finish()]
    return [bad for part in parts for bad in part.bad]


class Bench:
    def __init__(self, root: Path, lines_max: int = 100_000) -> None:
        self.folder = DataFolder(root)
        self.lines_max = lines_max
        self.open()

    def open(self) -> None:
        self.db = StateDb(self.folder)
        settings = CollectSettings(quarantine_lines_per_object_max=self.lines_max)
        self.quarantine = Quarantine(self.db, settings)

    def add(self, commit_id: str, *lines: bytes, uri: str = "/logs/a") -> None:
        for bad in bad_lines(*lines):
            self.quarantine.add(commit_id, an_object(uri), bad, "text")

    def end(self, commit_id: str) -> None:
        commit_no = self.db.prepare_commit(commit_id)
        self.db.confirm_commit(commit_no)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_line_is_kept_with_number_reason_and_bytes(bench: Bench) -> None:
    bench.add("c", GOOD, GOOD.replace(b" 2 6 ", b" 70000 6 "), b"short line")
    bench.quarantine.add_lost(
        "c", an_object(), LostLine(9, ProblemCode.CUT_LINE, b"2 123", 5), "text"
    )
    bench.end("c")
    first, second, third = bench.quarantine.list()
    assert (first.line_number, first.reason, first.where) == (2, "out-of-range", "/logs/a")
    assert first.message == "line 2: dstport is 70000, more than 65535"
    assert first.data == GOOD.replace(b" 2 6 ", b" 70000 6 ")
    assert first.length == len(first.data)
    assert (second.line_number, second.reason, second.text) == (3, "too-few-fields", "short line")
    assert (third.line_number, third.reason) == (9, "cut-line")
    assert third.message == "line 9: the line was cut off with the file"
    assert bench.quarantine.show(first.id) == first
    assert bench.quarantine.show(999) is None


def test_nothing_counts_before_it_is_confirmed(bench: Bench) -> None:
    bench.add("c", b"bad")
    assert bench.quarantine.list() == []
    commit_no = bench.db.prepare_commit("c")
    assert bench.quarantine.counts() == QuarantineCounts(0, 0, 0, 0)
    reader = Quarantine(StateDb(bench.folder, writer=False))
    assert reader.list() == []
    bench.db.confirm_commit(commit_no)
    assert bench.quarantine.counts() == QuarantineCounts(1, 1, 0, 1)
    assert len(reader.list()) == 1
    bench.add("d", b"bad")
    bench.db.discard_commit(bench.db.prepare_commit("d"))
    assert bench.quarantine.counts() == QuarantineCounts(1, 1, 0, 1)


def test_the_bound_keeps_the_count_exact(tmp_path: Path) -> None:
    bench = Bench(tmp_path, lines_max=10)
    too_many = [b"x"] * 7 + [GOOD + b" more"] * 5
    for commit in range(3):
        bench.add(f"c{commit}", *too_many)
        bench.end(f"c{commit}")
        bench.db.close()
        bench.open()
    bench.add("other", b"x", uri="/logs/b")
    bench.quarantine.add_lost("other", an_object(), LostLine(1, ProblemCode.REST_OF_LINE, b"", 0))
    bench.end("other")
    assert bench.quarantine.counts() == QuarantineCounts(3 * 12 + 2, 10 + 1, 0, 2)
    summary = {
        (count.uri, count.reason): (count.lines, count.lines_kept)
        for count in bench.quarantine.summary()
    }
    assert summary == {
        ("/logs/a", "too-few-fields"): (21, 7),
        ("/logs/a", "too-many-fields"): (15, 3),
        ("/logs/a", "rest-of-line"): (1, 0),
        ("/logs/b", "too-few-fields"): (1, 1),
    }
    overflow = [row for row in bench.quarantine.list(limit=1000) if row.kind == "overflow"]
    assert sum(row.line_count for row in overflow) == 27
    assert "only counted" in overflow[0].message


def test_a_discarded_commit_gives_its_room_back(tmp_path: Path) -> None:
    bench = Bench(tmp_path, lines_max=2)
    bench.add("c", b"x", b"y", b"z")
    bench.db.discard_commit(bench.db.prepare_commit("c"))
    bench.quarantine.forget_counts()
    bench.add("d", b"x", b"y", b"z")
    bench.end("d")
    assert bench.quarantine.counts() == QuarantineCounts(3, 2, 0, 1)


def test_problems_of_whole_objects(bench: Bench) -> None:
    problem = Problem(
        ProblemCode.BINARY, "no flow records", "/logs/a", "leave it", "/logs/a", b"\0"
    )
    for commit in ("c", "d"):
        bench.quarantine.add_problem(commit, problem, an_object())
        bench.end(commit)
    (row,) = bench.quarantine.list()
    assert (row.kind, row.reason, row.message, row.hint) == (
        "problem",
        "binary",
        "no flow records",
        "leave it",
    )
    assert (row.data, row.line_count) == (b"\0", 0)
    assert bench.quarantine.counts() == QuarantineCounts(0, 0, 1, 1)
    bench.quarantine.resolve("e", an_object(), cut_line=True)
    assert len(bench.quarantine.list()) == 1
    bench.end("e")
    assert bench.quarantine.list() == []


def test_filters_limits_and_odd_names(bench: Bench) -> None:
    odd = os.fsdecode(b"/logs/new\nline-\xff")
    bench.add("c", *[b"x"] * 5)
    bench.add("c", b"y", uri=odd)
    bench.end("c")
    assert len(bench.quarantine.list(limit=2)) == 2
    assert len(bench.quarantine.list(after_id=2, limit=100)) == 4
    (row,) = bench.quarantine.list(object_filter=os.fsdecode(b"\xff"))
    assert row.uri == odd
    assert row.where == "/logs/new\\nline-\\xff"
    assert [count.uri for count in bench.quarantine.summary(object_filter="/logs/a")] == ["/logs/a"]


def test_retry_in_another_format(bench: Bench) -> None:
    bench.add("c", NAT, b"hopeless", NAT.replace(b"10.0.1.5", b"10.0.1.6"))
    bench.add("c", NAT, uri="/logs/b")
    bench.end("c")
    found, stays = 0, 0
    for group in retry_groups(bench.db):
        assert group.origin.region == "eu-west-1"
        retried = retry(group, NAT_FORMAT)
        found += sum(batch.num_records for batch in retried.batches)
        stays += len(retried.bad_ids)
        mark_retried(bench.quarantine, "r", retried)
    assert (found, stays) == (3, 1)
    assert bench.quarantine.counts().lines == 4
    bench.end("r")
    assert bench.quarantine.counts().lines == 1
    assert [row.text for row in bench.quarantine.list()] == ["hopeless"]
    (left,) = retry_groups(bench.db)
    assert len(left.lines) == 1


def test_a_retry_that_is_killed_or_discarded_changes_nothing(bench: Bench) -> None:
    bench.add("c", NAT)
    bench.end("c")
    for discard in (True, False):
        (group,) = retry_groups(bench.db)
        mark_retried(bench.quarantine, "r", retry(group, NAT_FORMAT))
        if discard:
            bench.db.discard_commit(bench.db.prepare_commit("r"))
        else:
            bench.db._connection.close()
            bench.open()
        assert bench.quarantine.counts().lines == 1


def test_headers_and_cut_lines_stay(bench: Bench) -> None:
    long = b"x" * 70_000
    bench.add("c", b"version account-id version", long, NAT)
    bench.end("c")
    ids = [id_ for group in retry_groups(bench.db) for id_, _ in group.lines]
    assert len(ids) == 2
    (group,) = retry_groups(bench.db)
    retried = retry(group, NAT_FORMAT)
    assert len(retried.good_ids) == 1


def test_lines_that_were_wrapped(bench: Bench) -> None:
    wrapped = b'{"message":"' + NAT + b'"}'
    for bad in bad_lines(wrapped, b'{"message":', encoding=Encoding.FIREHOSE):
        bench.quarantine.add("c", an_object(), bad, "firehose")
    bench.end("c")
    good = [len(retry(group, NAT_FORMAT).good_ids) for group in retry_groups(bench.db)]
    assert sum(good) == 1
    assert bench.quarantine.counts().lines == 2


def test_a_retry_of_many_lines_goes_in_groups(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.add("c", *[NAT] * 25_000)
    bench.end("c")
    sizes = []
    for group in retry_groups(bench.db):
        retried = retry(group, NAT_FORMAT)
        sizes.append(len(retried.good_ids))
        mark_retried(bench.quarantine, "r", retried)
    assert sizes == [10_000, 10_000, 5_000]
    bench.end("r")
    assert bench.quarantine.counts().lines == 0
