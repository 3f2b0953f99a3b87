"""Aim: buckets get every record of a slot in whole objects, whatever the bucket does meanwhile.

Method: the service over a real spool and journal, with a clock that the test owns.
"""

from __future__ import annotations

import gzip
import io
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from delivery_desk import BUCKET, LOG_GROUP, T0, Delivery, lines_for, plan_of, records_of

from vpcflow.collect.object_layout import parse_object_name
from vpcflow.deliver.status import DestinationError
from vpcflow.record.flow_log_selection import ScopeColumn
from vpcflow.record.log_format import default_format
from vpcflow.record.parquet import parquet_schema

PLAN = plan_of(1, BUCKET)
#: From T0, the start of a slot, until objects are written.
PUBLISHED_S = 300 + 90


def test_a_slot_is_one_object_with_a_header(tmp_path: Path) -> None:
    batches = [records_of(40, seed=n, start_s=T0 + 50 * n, span_s=60) for n in range(7)]
    desk = Delivery(tmp_path, PLAN)
    desk.steps(100, 10)
    for records in batches:
        desk.commit(records)
        desk.steps(30)
    assert desk.to.objects == {} and desk.waiting == 7
    desk.steps(PUBLISHED_S)
    slots = {parse_object_name(key).slot_start_s for key in desk.to.objects}
    assert slots == {T0, T0 + 300}
    assert len(desk.to.objects) == len(desk.to.puts) == 2
    for key, data in desk.to.objects.items():
        assert data[4:8] == bytes(4), "no time in the gzip header"
        header, *lines = gzip.decompress(data).decode().splitlines()
        assert header == default_format().header
        slot = parse_object_name(key).slot_start_s
        assert {int(line.split()[11]) // 300 * 300 for line in lines} == {slot}
    assert desk.to.object_lines() == lines_for(PLAN, *batches)
    assert desk.waiting == 0
    assert desk.statuses[-1][1] == "SUCCESS"


def test_parquet_is_as_aws_writes_it(tmp_path: Path) -> None:
    plan = replace(PLAN, destination=replace(BUCKET, parquet=True))
    records = records_of(100)
    desk = Delivery(tmp_path, plan)
    desk.commit(records)
    desk.steps(PUBLISHED_S)
    ((key, data),) = desk.to.objects.items()
    assert key.endswith(".log.parquet")
    table = pq.read_table(io.BytesIO(data))
    assert table.schema.equals(parquet_schema(default_format()))
    told = [
        " ".join("-" if v is None else str(v) for v in row.values()) for row in table.to_pylist()
    ]
    assert sorted(told) == lines_for(plan, records)


@pytest.mark.parametrize("parquet", [False, True])
def test_no_object_passes_the_bound(tmp_path: Path, parquet: bool) -> None:
    plan = replace(PLAN, destination=replace(BUCKET, parquet=parquet))
    batches = [records_of(900, seed=n, span_s=200) for n in range(2)]
    desk = Delivery(tmp_path, plan, object_bytes_max=16_000)
    desk.commit(*batches)
    desk.steps(PUBLISHED_S)
    assert len(desk.to.objects) > 3 and len(set(desk.to.puts)) == len(desk.to.puts)
    assert max(map(len, desk.to.objects.values())) <= 16_000
    if parquet:
        rows = sum(pq.read_metadata(io.BytesIO(d)).num_rows for d in desk.to.objects.values())
        assert rows == len(lines_for(plan, *batches))
    else:
        assert desk.to.object_lines() == lines_for(plan, *batches)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (DestinationError("Access error"), "Access error"),
        (DestinationError("Rate limited"), "Rate limited"),
        (TimeoutError("slow"), "Unknown error"),
    ],
)
def test_a_bucket_that_refuses_gets_all_of_it_later(
    tmp_path: Path, error: Exception, message: str
) -> None:
    batches = [records_of(40, seed=n, start_s=T0 + 250 * n) for n in range(4)]
    desk = Delivery(tmp_path, PLAN, retry_first_s=100, retry_max_s=400)
    attempts = []

    def refuse(what: str) -> None:
        attempts.append(desk.clock.monotonic_s())
        raise error

    calm, desk.to.before = desk.to.before, refuse
    for records in batches:
        desk.commit(records)
        desk.steps(250, 10)
    assert desk.to.objects == {}
    assert desk.statuses[-1][1:3] == ("FAILED", message)
    assert 2 <= len(attempts) < 12
    desk.to.before = calm
    desk.steps(800, 10)
    assert desk.to.object_lines() == lines_for(PLAN, *batches)
    assert desk.statuses[-1][1:3] == ("SUCCESS", None)
    assert desk.waiting == 0


def test_an_answer_that_was_lost_makes_the_same_object_again(tmp_path: Path) -> None:
    records = records_of(200, span_s=600)
    desk = Delivery(tmp_path, PLAN)
    broken = ["bucket after"] * 2

    def lose(what: str) -> None:
        if broken and what == broken[0]:
            broken.pop()
            raise ConnectionError("answer lost")

    desk.to.before = lose
    desk.commit(records)
    desk.steps(PUBLISHED_S + 300)
    assert len(set(desk.to.puts)) == 3 < len(desk.to.puts)
    assert desk.to.object_lines() == lines_for(PLAN, records)


def test_a_dead_bucket_holds_nobody_up(tmp_path: Path) -> None:
    records = records_of(40)
    log_group = plan_of(2, LOG_GROUP)
    alive = replace(plan_of(3, BUCKET), destination=replace(BUCKET, bucket="alive"))
    desk = Delivery(tmp_path, PLAN, log_group, alive)

    def dead(plan: object, bucket: str, key: str, data: bytes) -> None:
        if bucket != "alive":
            raise TimeoutError("gone")
        desk.to.objects[key] = data

    desk.service._objects.put = dead  # type: ignore[method-assign]
    desk.commit(records)
    desk.steps(PUBLISHED_S)
    assert desk.to.lines(log_group) == lines_for(log_group, records)
    assert desk.to.object_lines() == lines_for(alive, records)
    assert desk.waiting == 1


def test_a_flow_log_that_is_refused_does_not_hold_up_its_bucket(tmp_path: Path) -> None:
    records = records_of(40)
    other = replace(plan_of(2, BUCKET), destination=replace(BUCKET, prefix="mine"))
    desk = Delivery(tmp_path, PLAN, other)
    put = desk.service._objects.put

    def picky(plan: object, bucket: str, key: str, data: bytes) -> None:
        if not key.startswith("mine/"):
            raise DestinationError("Access error")
        put(plan, bucket, key, data)  # type: ignore[arg-type]

    desk.service._objects.put = picky  # type: ignore[method-assign]
    desk.commit(records)
    desk.steps(PUBLISHED_S)
    assert desk.to.object_lines() == lines_for(other, records)
    assert {s[0]: s[1] for s in desk.statuses} == {
        PLAN.flow_log_id: "FAILED",
        other.flow_log_id: "SUCCESS",
    }


def test_a_long_backlog_comes_in_parts(tmp_path: Path) -> None:
    batches = [records_of(300, seed=n) for n in range(6)]
    desk = Delivery(tmp_path, PLAN, publish_bytes_max=40_000)
    desk.commit(*batches)
    desk.steps(PUBLISHED_S)
    assert len(desk.to.objects) > 1
    assert desk.to.object_lines() == lines_for(PLAN, *batches)


def test_losses_are_told_in_the_objects(tmp_path: Path) -> None:
    batches = [records_of(600, seed=n, start_s=T0 + 60 * n) for n in range(8)]
    desk = Delivery(tmp_path, PLAN, journal_bytes_max=60_000)
    for records in batches:
        desk.commit(records)
        desk.service.step()
    desk.steps(PUBLISHED_S)
    lines = desk.to.object_lines()
    got = [line for line in lines if not line.endswith("SKIPDATA")]
    assert len(got) < len(lines)
    assert len(got) + desk.service.lost().get(PLAN.flow_log_id, 0) == len(lines_for(PLAN, *batches))


def test_a_deleted_flow_log_publishes_what_it_has(tmp_path: Path) -> None:
    plan = replace(PLAN, selection=replace(PLAN.selection, until_s=T0 + 30))
    records = records_of(80)
    desk = Delivery(tmp_path, plan, publish_interval_s=86_400)
    desk.commit(records)
    desk.steps(300)
    assert desk.to.object_lines() == lines_for(plan, records) != []
    assert desk.waiting == 0


def test_many_flow_logs_of_one_bucket(tmp_path: Path) -> None:
    plans = [
        plan_of(n, BUCKET, scope=ScopeColumn.INTERFACE, resource_id=f"eni-{n:017x}")
        for n in range(50)
    ]
    records = records_of(500, interfaces=60)
    desk = Delivery(tmp_path, *plans)
    desk.commit(records)
    desk.steps(PUBLISHED_S)
    assert len(desk.to.objects) == 50
    assert desk.to.object_lines() == sorted(
        line for plan in plans for line in lines_for(plan, records)
    )
