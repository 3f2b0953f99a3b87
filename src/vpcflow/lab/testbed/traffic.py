"""Runs scenarios on their hosts, one by one or by the schedule, and keeps their tally."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from vpcflow.base.errors import SettingsError
from vpcflow.lab.testbed.messages import Message
from vpcflow.lab.testbed.scenarios import SCENARIOS
from vpcflow.lab.testbed.schedule import planned_runs
from vpcflow.lab.testbed.topology import NAMESPACES

#: Scenarios that run at one time; the schedule leaves out what would be more.
RUNNING_MAX = 64
SPEED_MAX = 1000.0
_RunOnHost = Callable[[str, Message], Awaitable[Message]]


class Traffic:
    """The lab's traffic; all methods are for the supervisor's loop."""

    def __init__(self, run_on_host: _RunOnHost) -> None:
        self._run_on_host = run_on_host
        self._tally: dict[str, dict[str, Any]] = {}
        self._running: set[asyncio.Task[Message]] = set()
        self._schedule: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()
        self._plan: dict[str, float] = {}
        self._left_out = 0

    def start(self, *, seed: int, speed: float, duration_s: float) -> None:
        """Run the schedule from its beginning; ``duration_s`` 0 is without end.

        Errors: SettingsError when it runs already, or for a speed out of range.
        """
        if self.is_scheduled:
            raise SettingsError(
                "the traffic is already running",
                where="lab traffic",
                hint="stop it first: vpcflow lab traffic stop",
            )
        _check_speed(speed)
        self._stop.clear()
        self._left_out = 0
        self._tally.clear()
        self._plan = {"seed": seed, "speed": speed, "duration_s": duration_s}
        self._schedule = asyncio.create_task(self._follow(seed, speed, duration_s))

    def stop(self) -> None:
        """Start nothing new; what runs comes to its end."""
        self._stop.set()

    async def wait(self) -> None:
        """Wait for the end of the schedule and of all that it started."""
        if self._schedule is not None:
            await asyncio.wait([self._schedule])
        while self._running:
            await asyncio.wait(self._running)

    @property
    def is_scheduled(self) -> bool:
        """Whether the schedule runs."""
        return self._schedule is not None and not self._schedule.done()

    def facts(self) -> Message:
        """The schedule and what it did, for status."""
        return {
            "scheduled": self.is_scheduled,
            **self._plan,
            "running": len(self._running),
            "left_out": self._left_out,
            "scenarios": self._tally,
        }

    async def once(
        self, name: str, options: Mapping[str, int | str], *, host: str, seed: int, speed: float
    ) -> Message:
        """Run one scenario; its summary.

        Errors: SettingsError for a scenario, host or option that does not exist.
        """
        if (scenario := SCENARIOS.get(name)) is None:
            raise SettingsError(
                f"no such scenario: {name}",
                where="lab traffic",
                hint=f"there are: {', '.join(SCENARIOS)}",
            )
        if host and host not in NAMESPACES:
            raise SettingsError(
                f"no such host: {host}", where="lab", hint=f"there are: {', '.join(NAMESPACES)}"
            )
        _check_speed(speed)
        request: Message = {
            "op": "run",
            "scenario": name,
            "options": scenario.settled(options),
            "seed": seed,
            "speed": speed,
        }
        answer = await self._run_on_host(host or scenario.host, request)
        self._count(name, answer)
        return answer

    def _count(self, name: str, answer: Message) -> None:
        tally = self._tally.setdefault(name, {"runs": 0, "failed": 0, "outcomes": {}})
        tally["runs"] += 1
        tally["failed"] += "error" in answer
        for outcome, number in answer.get("summary", {}).get("outcomes", {}).items():
            tally["outcomes"][outcome] = tally["outcomes"].get(outcome, 0) + number

    async def _follow(self, seed: int, speed: float, duration_s: float) -> None:
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        for planned in planned_runs(seed):
            if duration_s and planned.at_s >= duration_s:
                break
            with contextlib.suppress(TimeoutError):
                wait_s = planned.at_s / speed - (loop.time() - started_s)
                await asyncio.wait_for(self._stop.wait(), max(wait_s, 0.0))
            if self._stop.is_set():
                break
            if len(self._running) >= RUNNING_MAX:
                self._left_out += 1
                continue
            run = asyncio.create_task(
                self.once(planned.scenario, {}, host="", seed=planned.seed, speed=speed)
            )
            self._running.add(run)
            run.add_done_callback(self._running.discard)


def _check_speed(speed: float) -> None:
    if not 0 < speed <= SPEED_MAX:
        raise SettingsError(f"{speed} is not within 0 and {SPEED_MAX:g}", where="--speed")
