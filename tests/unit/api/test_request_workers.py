"""Aim: a slow request holds up nobody for long, quick ones share a thread. Method: threads, events."""

from __future__ import annotations

import asyncio
import threading

import pytest

from vpcflow.api.request_workers import RequestWorkers

#: A bound on what must happen, not a wait.
SECONDS_MAX = 30


def test_results_and_faults_come_back() -> None:
    def fail() -> None:
        raise KeyError("mine")

    async def ask(workers: RequestWorkers) -> list[int]:
        with pytest.raises(KeyError, match="mine"):
            await workers.run(fail)
        return await asyncio.gather(*(workers.run(lambda n=n: n * n) for n in range(500)))

    workers = RequestWorkers(4)
    assert asyncio.run(ask(workers)) == [n * n for n in range(500)]
    workers.close()


def test_quick_calls_one_after_the_other_share_a_thread() -> None:
    async def ask(workers: RequestWorkers) -> set[int]:
        return {await workers.run(threading.get_ident) for _ in range(50)}

    workers = RequestWorkers(4)
    assert len(asyncio.run(ask(workers))) == 1
    workers.close()


def test_others_go_on_while_some_are_stuck_up_to_the_bound() -> None:
    stuck, running = threading.Event(), threading.Semaphore(0)

    def hang() -> str:
        running.release()
        assert stuck.wait(SECONDS_MAX)
        return "late"

    async def ask(workers: RequestWorkers) -> None:
        hanging = [asyncio.create_task(workers.run(hang)) for _ in range(3)]
        quick = await asyncio.wait_for(workers.run(lambda: "quick"), SECONDS_MAX)
        assert quick == "quick"
        hanging.append(asyncio.create_task(workers.run(hang)))
        for _ in range(4):
            await asyncio.to_thread(running.acquire, timeout=SECONDS_MAX)
        waiting = asyncio.create_task(workers.run(lambda: "waited"))
        await asyncio.sleep(0)
        stuck.set()
        assert await asyncio.gather(*hanging) == ["late"] * 4
        assert await waiting == "waited"

    workers = RequestWorkers(4)
    asyncio.run(ask(workers))
    workers.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("vpcflow-api_")]


def test_close_waits_for_what_is_done() -> None:
    done: list[int] = []

    async def ask(workers: RequestWorkers) -> None:
        await asyncio.gather(*(workers.run(lambda n=n: done.append(n)) for n in range(20)))

    workers = RequestWorkers(2)
    asyncio.run(ask(workers))
    workers.close()
    assert sorted(done) == list(range(20))
