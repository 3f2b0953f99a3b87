"""Aim: a kill at any moment loses no record and leaves no object half or twice.

Method: real processes that are killed; then every call that makes something durable or leaves the process is counted; the run is killed
at each of them in turn, started again, and compared with a run that was not killed.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from delivery_desk import (
    BUCKET,
    LOG_GROUP,
    STREAM,
    T0,
    Delivery,
    lines_for,
    plan_of,
    records_of,
)

from vpcflow.deliver.state import DeliveryState

PLANS = (plan_of(1, LOG_GROUP), plan_of(2, BUCKET), plan_of(3, STREAM))
BATCHES = [records_of(30, seed=n, start_s=T0 + 100 * n, first_port=100 * n) for n in range(4)]


class Killed(BaseException):
    """The process ends here."""


@contextmanager
def killed_at(moment: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Die before the call with this number; the list holds how many there were."""
    calls = [0]

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if calls[0] == moment:
                raise Killed
            calls[0] += 1
            return real(*args, **kwargs)

        return call

    with monkeypatch.context() as patched:
        for place, name in (
            (os, "fsync"),
            (os, "link"),
            (Path, "rename"),
            (Path, "unlink"),
            (DeliveryState, "_many"),
        ):
            patched.setattr(place, name, counted(getattr(place, name)))
        yield calls


def run(desk: Delivery, handed: int) -> int:
    """Deliver all batches from ``handed`` on; how far it came is in the spool."""
    for number in range(handed, len(BATCHES)):
        desk.commit(BATCHES[number])
        desk.steps(100, 50)
    desk.hand_over()
    desk.steps(900, 50)
    return len(BATCHES)


def restart(desk: Delivery) -> None:
    desk.service.progress.state._db.close()
    desk.start()


def finish(desk: Delivery) -> None:
    """What the program does after a kill: what waits in the spool is in the table already."""
    restart(desk)
    desk.hand_over()
    run(desk, desk.spool._last_number)


def check(desk: Delivery) -> None:
    log_group, bucket, stream = PLANS
    assert set(desk.to.lines(log_group)) == set(lines_for(log_group, *BATCHES))
    assert set(desk.to.messages()) == set(lines_for(stream, *BATCHES))
    for data in desk.to.objects.values():
        lines = gzip.decompress(data).decode().splitlines()
        assert max(Counter(lines).values()) == 1, "no record twice in an object"
    assert set(desk.to.object_lines()) == set(lines_for(bucket, *BATCHES))
    assert desk.waiting == 0


def test_killed_processes_lose_nothing(tmp_path: Path) -> None:
    script = Path(__file__).parents[3] / "bench" / "kill_delivery.py"
    command = [sys.executable, str(script), "--moments", "4", "--seed", "3"]
    found = subprocess.run(
        [*command, "--folder", str(tmp_path / "data")], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout.splitlines()[-1])["records"] > 0


def test_a_kill_at_every_durable_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Delivery(tmp_path / "whole", *PLANS)
    with killed_at(-1, monkeypatch) as calls:
        run(whole, 0)
    check(whole)
    assert calls[0] > 40
    for moment in range(calls[0]):
        desk = Delivery(tmp_path / str(moment), *PLANS)
        with killed_at(moment, monkeypatch), pytest.raises(Killed):
            run(desk, 0)
        finish(desk)
        check(desk)


@pytest.mark.parametrize("where", ["log group", "bucket", "bucket after", "stream", "stream after"])
def test_a_kill_around_every_delivery(tmp_path: Path, where: str) -> None:
    for moment in range({"log group": 4, "stream": 4, "stream after": 4}.get(where, 3)):
        desk = Delivery(tmp_path / str(moment), *PLANS)
        calm = desk.to.before
        left = [moment]

        def die(what: str, left: list[int] = left) -> None:
            if what == where:
                if left[0] == 0:
                    raise Killed
                left[0] -= 1

        desk.to.before = die
        with pytest.raises(Killed):
            run(desk, 0)
        before = dict(desk.to.objects)
        desk.to.before = calm
        finish(desk)
        check(desk)
        assert before.items() <= desk.to.objects.items(), "the same names hold the same bytes"
        # A record is in one object alone: the killed publication made the same names again.
        assert len(desk.to.object_lines()) == len(set(desk.to.object_lines()))
