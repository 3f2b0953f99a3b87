"""Aim: a delivery stream gets every record as AWS forms it, in batches that it takes.

Method: the service over a real spool and journal, with a clock that the test owns.
"""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest
from delivery_desk import LOG_GROUP, STREAM, Delivery, lines_for, plan_of, records_of

from vpcflow.deliver.status import DestinationError

PLAN = plan_of(1, STREAM)


def test_each_record_is_an_object_with_the_line(tmp_path: Path) -> None:
    batches = [records_of(1500), records_of(30, seed=1)]
    desk = Delivery(tmp_path, PLAN)
    desk.commit(*batches)
    desk.service.step()
    assert desk.to.messages() == lines_for(PLAN, *batches)
    assert json.loads(desk.to.records[0]).keys() == {"message"}
    assert desk.to.records[0].startswith(b'{"message":"2 123456789012 eni-')
    assert max(desk.to.batches) <= 500
    assert desk.waiting == 0


def test_no_batch_passes_its_bytes(tmp_path: Path) -> None:
    records = records_of(300)
    desk = Delivery(tmp_path, PLAN, firehose_batch_bytes_max=2000)
    desk.commit(records)
    desk.service.step()
    assert max(desk.to.batches) * len(desk.to.records[0]) < 2500
    assert desk.to.messages() == lines_for(PLAN, records)


@pytest.mark.parametrize(
    ("error", "message"),
    [(DestinationError("Rate limited"), "Rate limited"), (OSError("gone"), "Unknown error")],
)
def test_what_was_acknowledged_does_not_come_again(
    tmp_path: Path, error: Exception, message: str
) -> None:
    batches = [records_of(3000), records_of(30, seed=1)]
    desk = Delivery(tmp_path, PLAN)
    calm = desk.to.before

    def refuse(what: str) -> None:
        if what == "stream" and len(desk.to.batches) == 2:
            raise error

    desk.to.before = refuse
    desk.commit(*batches)
    desk.steps(300)
    assert desk.statuses[-1][1:3] == ("FAILED", message)
    desk.to.before = calm
    desk.steps(300)
    assert desk.to.messages() == lines_for(PLAN, *batches)
    assert desk.statuses[-1][1:3] == ("SUCCESS", None)


def test_a_slow_stream_holds_nobody_up(tmp_path: Path) -> None:
    log_group = plan_of(2, LOG_GROUP)
    batches = [records_of(50, seed=n) for n in range(3)]
    desk = Delivery(tmp_path, PLAN, log_group, workers_max=1)
    asked, goes_on = threading.Event(), threading.Event()

    def slow(what: str) -> None:
        if what == "stream":
            asked.set()
            assert goes_on.wait(30)

    desk.to.before = slow
    for records in batches:
        desk.commit(records)
        desk.service.step()
    assert asked.wait(30)
    assert desk.to.lines(log_group) == lines_for(log_group, *batches)
    assert desk.to.records == [] and desk.waiting == 3
    goes_on.set()
    desk.service.close()
    assert desk.to.messages() == lines_for(PLAN, batches[0])
    desk.start()
    desk.service.step()
    expected, deadline_s = lines_for(PLAN, *batches), time.monotonic() + 30
    while len(desk.to.messages()) < len(expected) and time.monotonic() < deadline_s:
        time.sleep(0.01)
    desk.service.close()
    assert desk.to.messages() == expected


def test_a_stream_that_hangs_does_not_hold_up_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vpcflow.deliver.service.CLOSE_S", 0.05)
    desk = Delivery(tmp_path, PLAN, workers_max=1)
    asked, goes_on = threading.Event(), threading.Event()

    def hung(what: str) -> None:
        asked.set()
        assert goes_on.wait(30)

    desk.to.before = hung
    desk.commit(records_of(30))
    desk.service.step()
    assert asked.wait(30)
    desk.service.close()
    assert desk.to.records == []
    worker = next(one for one in threading.enumerate() if one.name.startswith("vpcflow-deliver"))
    assert worker.daemon
    goes_on.set()
    worker.join(30)
    # What the stream took after all is not known to the next process, which sends it again.
    desk.start()
    assert desk.service.progress.cursor(PLAN) == 0
    desk.service.close()
