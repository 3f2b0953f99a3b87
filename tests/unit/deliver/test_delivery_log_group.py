"""Aim: log groups learn of every record, once, whatever refuses or comes and goes meanwhile.

Method: the service over a real spool and journal, with a clock that the test owns.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

from delivery_desk import LOG_GROUP, T0, Delivery, lines_for, plan_of, records_of

from vpcflow.base.errors import StoreError
from vpcflow.deliver.plan import DeliveryPlan
from vpcflow.deliver.progress import TELLING_S
from vpcflow.record.flow_log_selection import ScopeColumn, TrafficType

PLAN = plan_of(1, LOG_GROUP)
ENI = f"eni-{1:017x}"


def test_records_arrive_with_their_streams(tmp_path: Path) -> None:
    records = records_of(100)
    on_interface = plan_of(
        2, LOG_GROUP, scope=ScopeColumn.INTERFACE, resource_id=ENI, traffic=TrafficType.REJECT
    )
    desk = Delivery(tmp_path, PLAN, on_interface)
    desk.service.step()
    desk.commit(records)
    desk.service.step()
    assert desk.to.lines(PLAN) == lines_for(PLAN, records)
    assert desk.to.lines(on_interface) == lines_for(on_interface, records)
    by_plan = {one.plan.flow_log_id: one for one in desk.to.deliveries}
    spans = by_plan[PLAN.flow_log_id].streams
    assert spans.names == (f"eni-{0:017x}-all", f"eni-{2:017x}-all")
    rows = [row for row in records.to_pylist() if row["interface_id"] == f"eni-{2:017x}"]
    assert spans.first_start_s[1] == min(row["start"] for row in rows)
    assert spans.last_start_s[1] == max(row["start"] for row in rows)
    assert spans.counts[1] == len(rows)
    parts = dict(by_plan[PLAN.flow_log_id].by_stream())
    assert {name: set(part.column("interface_id").to_pylist()) for name, part in parts.items()} == {
        f"eni-{n:017x}-all": {f"eni-{n:017x}"} for n in (0, 2)
    }
    assert sum(part.num_rows for part in parts.values()) == len(lines_for(PLAN, records))
    assert by_plan[on_interface.flow_log_id].streams.names == (f"{ENI}-reject",)
    assert desk.waiting == 0
    until_s = max(row["start"] for row in records.to_pylist()) + 1
    assert (PLAN.flow_log_id, "SUCCESS", None, until_s) in desk.statuses


def test_without_a_flow_log_nothing_is_kept(tmp_path: Path) -> None:
    desk = Delivery(tmp_path)
    desk.commit(records_of(10))
    assert desk.waiting == 1
    desk.service.step()
    assert desk.waiting == 0


def test_a_flow_log_that_is_made_during_a_step_loses_nothing(tmp_path: Path) -> None:
    records = records_of(20)
    desk = Delivery(tmp_path)

    def plans() -> tuple[DeliveryPlan, ...]:
        desk.commit(records)
        desk.service._plans = lambda: (PLAN,)
        return ()

    desk.service._plans = plans
    desk.service.step()
    desk.service.step()
    assert desk.to.lines(PLAN) == lines_for(PLAN, records)


def test_a_role_that_is_mended_gets_what_waited(tmp_path: Path) -> None:
    batches = [records_of(20, seed=n, start_s=T0 + 60 * n) for n in range(3)]
    other = plan_of(2, LOG_GROUP, resource_id="vpc-b")
    desk = Delivery(tmp_path, PLAN, other)
    desk.gate[PLAN.flow_log_id] = "Access error"
    desk.service.step()
    assert (PLAN.flow_log_id, "FAILED", "Access error", None) in desk.statuses
    for records in batches:
        desk.commit(records)
        desk.steps(60)
    assert desk.to.lines(PLAN) == [] and desk.waiting == 3
    assert desk.to.lines(other) == lines_for(other, *batches)
    desk.gate.clear()
    desk.service.step()
    assert desk.to.lines(PLAN) == lines_for(PLAN, *batches)
    assert [s[1:3] for s in desk.statuses if s[0] == PLAN.flow_log_id][-1] == ("SUCCESS", None)
    assert desk.waiting == 0


def test_a_role_that_was_mended_at_once_shows_without_records(tmp_path: Path) -> None:
    desk = Delivery(tmp_path, PLAN)
    desk.service.step()
    assert desk.statuses == [(PLAN.flow_log_id, "SUCCESS", None, None)]


def test_one_refused_flow_log_waits_alone(tmp_path: Path) -> None:
    batches = [records_of(20, seed=n) for n in range(2)]
    other = plan_of(2, LOG_GROUP)
    desk = Delivery(tmp_path, PLAN, other)
    desk.to.refused = {PLAN.flow_log_id: "Rate limited"}
    desk.commit(*batches)
    desk.steps(300)
    assert desk.to.lines(other) == lines_for(other, *batches)
    assert (PLAN.flow_log_id, "FAILED", "Rate limited", None) in desk.statuses
    desk.to.refused = {}
    desk.steps(300)
    assert desk.to.lines(PLAN) == lines_for(PLAN, *batches)


def test_a_receiver_that_breaks_is_tried_again(tmp_path: Path) -> None:
    records = records_of(20)
    desk = Delivery(tmp_path, PLAN)

    def broken(what: str) -> None:
        raise RuntimeError("no")

    calm, desk.to.before = desk.to.before, broken
    desk.commit(records)
    desk.service.step()
    assert desk.statuses[-1][1:3] == ("FAILED", "Unknown error")
    desk.to.before = calm
    desk.steps(300)
    assert desk.to.lines(PLAN) == lines_for(PLAN, records)
    assert desk.statuses[-1][1] == "SUCCESS"


def test_a_flow_log_begins_with_its_creation(tmp_path: Path) -> None:
    first, second = records_of(50), records_of(50, seed=1, start_s=T0 + 60)
    desk = Delivery(tmp_path, PLAN)
    desk.service.step()
    desk.commit(first)
    late = plan_of(2, LOG_GROUP, from_s=T0 + 30)
    desk.plans = (PLAN, late)
    desk.service.step()
    desk.commit(second)
    desk.service.step()
    assert desk.to.lines(late) == lines_for(late, first, second)
    assert 0 < len(desk.to.lines(late)) < len(desk.to.lines(PLAN))


def test_a_deleted_flow_log_gets_its_last_records_and_goes(tmp_path: Path) -> None:
    batches = [records_of(50, seed=n, start_s=T0 + 60 * n) for n in range(3)]
    desk = Delivery(tmp_path, PLAN)
    desk.service.step()
    deleted = replace(PLAN, selection=replace(PLAN.selection, until_s=T0 + 90))
    desk.plans = (deleted,)
    desk.clock.advance(90)
    desk.service.step()
    desk.commit(*batches)
    desk.steps(60)
    assert desk.to.lines(deleted) == lines_for(deleted, *batches)
    desk.steps(300)
    desk.commit(records_of(10, start_s=T0 + 60))
    desk.service.step()
    assert desk.to.lines(deleted) == lines_for(deleted, *batches), "it had long enough"
    assert desk.waiting == 0
    desk.plans = ()
    desk.service.step()
    assert desk.service.progress.state.all() == {}


def test_a_clock_that_jumps_loses_nothing(tmp_path: Path) -> None:
    desk = Delivery(tmp_path, PLAN)
    deleted = replace(PLAN, selection=replace(PLAN.selection, until_s=T0 + 90))
    batches = [records_of(50, seed=n, start_s=T0 + 30 * n) for n in range(4)]
    desk.plans = (deleted,)
    for records, jump_s in zip(batches, (86_400, -200_000, 500_000, -1), strict=True):
        desk.clock._now_s += jump_s
        desk.service.step()
        desk.commit(records)
        desk.service.step()
    assert desk.to.lines(deleted) == lines_for(deleted, *batches)


def test_a_full_journal_says_how_much_is_lost(tmp_path: Path) -> None:
    batches = [records_of(600, seed=n, start_s=T0 + 60 * n) for n in range(8)]
    rejects = plan_of(2, LOG_GROUP, traffic=TrafficType.REJECT)
    desk = Delivery(tmp_path, PLAN, rejects, journal_bytes_max=60_000)
    desk.gate = {PLAN.flow_log_id: "Access error", rejects.flow_log_id: "Access error"}
    for records in batches:
        desk.service.step()
        desk.commit(records)
        desk.service.step()
    assert desk.service.journal.bytes_waiting <= 60_000
    desk.gate.clear()
    desk.service.step()
    for plan in (PLAN, rejects):
        got = [line for line in desk.to.lines(plan) if "SKIPDATA" not in line]
        told = [line for line in desk.to.lines(plan) if "SKIPDATA" in line]
        wanted = lines_for(plan, *batches)
        assert set(got) < set(wanted)
        assert len(got) + desk.service.lost().get(plan.flow_log_id, 0) == len(wanted)
        assert {line.split()[2] for line in told} == {f"eni-{n:017x}" for n in (0, 2)}
        assert all(line.split()[3:10] == ["-"] * 7 for line in told)


def test_a_backlog_of_one_does_not_hold_up_the_others(tmp_path: Path) -> None:
    batches = [records_of(20, seed=n) for n in range(9)]
    other = plan_of(2, LOG_GROUP)
    desk = Delivery(tmp_path, PLAN, other, segments_per_step_max=2)
    desk.gate[PLAN.flow_log_id] = "Access error"
    for records in batches[:8]:
        desk.commit(records)
        desk.service.step()
    desk.gate.clear()
    desk.commit(batches[8])
    assert desk.service.step() == 0, "there is more to do"
    assert desk.to.lines(other) == lines_for(other, *batches)
    assert desk.to.lines(PLAN) == lines_for(PLAN, *batches[:2])
    while desk.service.step() == 0:
        pass
    assert desk.to.lines(PLAN) == lines_for(PLAN, *batches)


def test_the_thread_outlives_a_fault(tmp_path: Path) -> None:
    records = records_of(20)
    desk = Delivery(tmp_path, PLAN)
    stop, asked = threading.Event(), []

    def plans() -> tuple[DeliveryPlan, ...]:
        asked.append(desk.service.problem)
        if len(asked) == 1:
            raise StoreError("no state")
        if len(asked) == 4:
            stop.set()
        return (PLAN,)

    desk.service._plans = plans
    desk.commit(records)
    desk.service.run(stop)
    assert asked == ["", "no state", "", ""]
    assert desk.to.lines(PLAN) == lines_for(PLAN, records)


def test_a_restart_goes_on_where_it_was(tmp_path: Path) -> None:
    batches = [records_of(20, seed=n) for n in range(2)]
    desk = Delivery(tmp_path, PLAN)
    desk.commit(batches[0])
    desk.service.step()
    desk.service.close()
    desk.start()
    desk.commit(batches[1])
    desk.service.step()
    assert desk.to.lines(PLAN) == lines_for(PLAN, *batches)


def test_how_far_it_got_is_known_after_a_restart(tmp_path: Path) -> None:
    records = records_of(20)
    desk = Delivery(tmp_path, PLAN)
    desk.commit(records)
    desk.service.step()
    desk.service.close()
    desk.gate[PLAN.flow_log_id] = "Access error"
    desk.start()
    desk.service.step()
    until_s = max(row["start"] for row in records.to_pylist()) + 1
    assert desk.statuses[-1] == (PLAN.flow_log_id, "FAILED", "Access error", until_s)


def test_statuses_that_take_long_do_not_hold_up_records(tmp_path: Path) -> None:
    plans = [plan_of(number, LOG_GROUP) for number in range(1, 6)]
    desk = Delivery(tmp_path, *plans)

    class Slow(list[tuple[str, str, str | None, int | None]]):
        def append(self, told: tuple[str, str, str | None, int | None]) -> None:
            super().append(told)
            desk.clock.advance(TELLING_S)

    desk.statuses = Slow()
    desk.commit(records_of(10))
    desk.service.step()
    assert desk.to.deliveries and len(desk.statuses) == 1
    for _ in plans:
        desk.service.step()
    assert {told[0] for told in desk.statuses} == {plan.flow_log_id for plan in plans}
