"""When which scenario runs: a seeded plan on the lab's own clock."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from typing import NamedTuple

from vpcflow.lab.testbed.scenarios import SCENARIOS, Scenario

#: Share of the interval by which a steady scenario comes early or late.
STEADY_JITTER = 0.1


class PlannedRun(NamedTuple):
    """One run.

    Units: ``at_s`` is seconds since the schedule's start, of the lab's clock.
    """

    at_s: float
    scenario: str
    seed: int


def planned_runs(seed: int) -> Iterator[PlannedRun]:
    """All runs in order of time, without end; the same seed gives the same runs."""
    choices = {
        scenario.name: random.Random(f"{seed} {scenario.name}")  # noqa: S311
        for scenario in SCENARIOS.values()
        if scenario.every_s
    }
    # The first run of each comes within its first interval, so that all are seen early.
    due = [
        (scenario.every_s * choices[scenario.name].random(), scenario.name)
        for scenario in SCENARIOS.values()
        if scenario.every_s
    ]
    heapq.heapify(due)
    while True:
        at_s, name = due[0]
        chosen = choices[name]
        yield PlannedRun(at_s, name, chosen.randrange(1 << 32))
        heapq.heapreplace(due, (at_s + _interval_s(SCENARIOS[name], chosen), name))


def _interval_s(scenario: Scenario, chosen: random.Random) -> float:
    if scenario.steady:
        return scenario.every_s * chosen.uniform(1 - STEADY_JITTER, 1 + STEADY_JITTER)
    return chosen.expovariate(1 / scenario.every_s)
