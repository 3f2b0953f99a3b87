"""Aim: nothing that fails keeps the rest of the house from being kept. Method: a clock that is owned."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from vpcflow.app.housekeeping import ORPHANS_EVERY_S, Housekeeping, most_held
from vpcflow.base.clock import ManualClock


def housekeeping(clock: ManualClock, done: list[str], failing: set[str]) -> Housekeeping:
    def task(name: str) -> Any:
        def run(*_: object) -> None:
            done.append(name)
            if name in failing:
                raise OSError("no room")

        return run

    return Housekeeping(
        clock,
        metrics=SimpleNamespace(flush=task("metrics")),  # type: ignore[arg-type]
        log_groups=SimpleNamespace(keep_house=task("expiry")),  # type: ignore[arg-type]
        objects=SimpleNamespace(remove_orphans=task("orphans")),  # type: ignore[arg-type]
        count=task("count"),
    )


def test_everything_at_first_then_when_it_is_due() -> None:
    clock, done = ManualClock(), list[str]()
    house = housekeeping(clock, done, set())
    house.round()
    assert done == ["metrics", "count", "expiry", "orphans"]
    done.clear()
    house.round()
    assert done == ["metrics", "count"]
    clock.advance(ORPHANS_EVERY_S)
    done.clear()
    house.round()
    assert done == ["metrics", "count", "expiry", "orphans"]


def test_what_fails_is_told_and_does_not_end_the_rest() -> None:
    clock, done, failing = ManualClock(), list[str](), {"metrics"}
    house = housekeeping(clock, done, failing)
    house.round()
    assert done == ["metrics", "count", "expiry", "orphans"]
    assert house.problem == "no room"
    failing.clear()
    house.round()
    assert house.problem == ""


def test_the_fullest_streams_are_named() -> None:
    held = {f"stream-{number}": number for number in range(30)}
    told = most_held(held)
    assert told["all"] == sum(range(30))
    assert list(told)[1] == "stream-29" and len(told) == 21 and "stream-0" not in told
