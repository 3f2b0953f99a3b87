"""Aim: the screen of `vpcflow top` shows what the capture answers, at every size, and says so when
there is none.

Method: the real app without a terminal; answers made by hand, and a clock that the test moves on.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static
from top_answers import DB, OPENED, Flow, answer, status

from vpcflow.app.output import bar
from vpcflow.app.top.figures import Figure, TrafficBars, block_rows
from vpcflow.app.top.help_screen import HelpScreen
from vpcflow.app.top.palette import REJECT
from vpcflow.app.top.row_table import RowTable, fitted
from vpcflow.app.top.screen import TopApp
from vpcflow.base.clock import ManualClock
from vpcflow.base.errors import CaptureError

SMALL, LARGE = (80, 24), (200, 60)
_WEB_FLOWS = [
    Flow("10.0.1.5", "203.0.113.9", 443, 100, 90_000, direction="egress"),
    Flow("198.51.100.7", "10.0.1.5", 22, 2, 120, "REJECT", "acl-0123456789abcdef0/90"),
    Flow("10.0.2.5", "10.0.0.2", 53, 10, 700, None, interface=DB, protocol=17),
    Flow("2001:db8:1111:2222::5", "2001:db8:3333:4444::9", 8443, 50, 9_000),
]
_HEAD = "Iface Dir Source Sport Destination Port bit/s pkt/s Pkts Bytes Action Rule Age"
_ROW = "web out 10.0.1.5 40000 203.0.113.9 443/tcp 72k 10 100 90kB ACCEPT -"
_MANY = [
    Flow(f"10.1.{number // 250}.{number % 250}", "10.0.1.5", 80, 1, 1_000 + number)
    for number in range(5_000)
]


class StepClock(ManualClock):
    """Lets the feed ask once for each step, and tells when it has."""

    def __init__(self) -> None:
        super().__init__(OPENED + 10.0)
        self._go = threading.Semaphore(0)
        self._asked = threading.Semaphore(0)

    def wait(self, wake: threading.Event, timeout_s: float) -> bool:
        self._asked.release()
        self._go.acquire()
        self.advance(timeout_s)
        return wake.is_set()

    def first(self) -> None:
        self._asked.acquire()

    def step(self) -> None:
        self._go.release()
        self._asked.acquire()

    def let_go(self) -> None:
        self._go.release()


class Capture:
    """Answers as a running capture, or is not there."""

    def __init__(self, clock: StepClock, flows: list[Flow]) -> None:
        self.clock, self.flows = clock, flows
        self.status = status()
        self.problem: CaptureError | None = None

    def __call__(self, request: str) -> bytes:
        if self.problem:
            raise self.problem
        if request == "status":
            return json.dumps(self.status).encode()
        return answer(self.flows, self.clock.now_s())


class Shown:
    """The app under test, and what a person sees of it."""

    def __init__(self, pilot: Pilot[None], capture: Capture) -> None:
        self.pilot, self.capture = pilot, capture

    @property
    def app(self) -> TopApp:
        app = self.pilot.app
        assert isinstance(app, TopApp)
        return app

    async def step(self) -> None:
        await asyncio.to_thread(self.capture.clock.step)
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    @property
    def table(self) -> RowTable:
        return self.app.query_one(RowTable)

    @property
    def lines(self) -> list[str]:
        table = self.table
        lines = [table.render_line(y).text for y in range(table.size.height)]
        assert all(len(line) == table.size.width for line in lines)
        return [line for line in lines if line.strip()]

    def text(self, name: str) -> str:
        static = self.app.query_one(f"#{name}", Static)
        return "" if static.has_class("hidden") else str(static.content)

    @property
    def figures(self) -> dict[str, str]:
        texts = [figure.render().plain.split("\n") for figure in self.app.query(Figure)]
        return dict(texts)


@asynccontextmanager
async def _top(
    size: tuple[int, int] = SMALL, flows: list[Flow] | None = None, **capture_is: Any
) -> AsyncIterator[Shown]:
    clock = StepClock()
    capture = Capture(clock, _WEB_FLOWS if flows is None else flows)
    for name, value in capture_is.items():
        setattr(capture, name, value)
    app = TopApp(Path("/var/lib/vpcflow"), capture, clock)
    async with app.run_test(size=size) as pilot:
        await asyncio.to_thread(clock.first)
        await pilot.pause()
        try:
            yield Shown(pilot, capture)
        finally:
            app.exit()
    clock.let_go()


@pytest.mark.parametrize("size", [SMALL, LARGE, (132, 40), (44, 16), (300, 20)])
def test_every_size_shows_figures_and_flows(size: tuple[int, int]) -> None:
    async def check() -> None:
        async with _top(size) as shown:
            assert shown.figures["Throughput"].startswith("79.9 k")
            assert shown.figures["Packets"].startswith("16.2 /s")
            assert shown.figures["Flows"].startswith("4")
            assert shown.figures["Rejected"].startswith("0.2 /s")
            assert shown.figures["Interval"].startswith(f"{(OPENED + 10) % 60}/60 s")
            lines = shown.lines
            assert len(lines) == 5 and "10.0.1.5" in lines[1]
            # Rejected is told by a word, not by a colour alone.
            assert [("REJECT" in line) for line in lines[1:]] == [False, False, False, True]

    asyncio.run(check())


def test_large_screen_has_what_a_small_one_leaves_out() -> None:
    async def check() -> None:
        async with _top(LARGE) as shown:
            head, web, v6, dns, refused = shown.lines
            assert head.split() == _HEAD.split()
            assert web.split()[:12] == _ROW.split()
            assert web.rstrip().endswith("10s " + bar(1, 1, 30))
            assert "2001:db8:1111:2222::5" in v6
            assert dns.split()[0] == DB and "acl-0123456789abcdef0/90" in refused
        async with _top(SMALL) as shown:
            assert "2001:db" in shown.lines[2] and "…" in shown.lines[2]
            await shown.press("down", "end")
            assert shown.text("detail") == (
                "REJECT by acl-0123456789abcdef0/90: 198.51.100.7:40000 → 10.0.1.5:22 tcp, "
                "ingress at web (eni-0aaaaaaaaaaaaaaaa)"
            )

    asyncio.run(check())


def test_modes() -> None:
    async def check() -> None:
        async with _top(LARGE) as shown:
            await shown.press("t")
            lines = [line.split() for line in shown.lines]
            assert lines[0][0] == "Address" and len(lines) == 8
            first = dict(zip(lines[0], lines[1], strict=False))
            # Both ends of the largest flow talk as fast; 10.0.1.5 also got what was refused.
            assert first["Address"] == "10.0.1.5" and first["Sent/s"] == "72k"
            assert (first["Recv/s"], first["Flows"], first["Rejected"]) == ("96", "2", "2.0%")
            await shown.press("p")
            assert [line.split()[0] for line in shown.lines] == [
                "Port", "443/tcp", "8443/tcp", "53/udp", "22/tcp",
            ]  # fmt: skip
            await shown.press("i")
            assert [line.split()[0] for line in shown.lines] == ["Interface", "web", DB]
            assert "interfaces 1-2 of 2" in shown.text("title")
            await shown.press("f", "r")
            assert len(shown.lines) == 2 and "REJECT" in shown.lines[1]
            assert "rejects only" in shown.text("title")

    asyncio.run(check())


@pytest.mark.parametrize(
    ("keys", "first"),
    [
        ("s", "53/udp"), ("b", "443/tcp"), ("bb", "22/tcp"), ("c", "443/tcp"), ("n", "53/udp"),
        ("nn", "443/tcp"), ("x", "22/tcp"),
    ],
)  # fmt: skip
def test_sorting(keys: str, first: str) -> None:
    async def check() -> None:
        async with _top() as shown:
            shown.capture.flows = [
                flow._replace(bytes=flow.bytes + (50_000 if flow.port == 53 else flow.bytes // 10))
                for flow in _WEB_FLOWS
            ]
            await shown.step()
            await shown.press("b" if keys.startswith("s") else "s", *keys)
            assert shown.lines[1].split()[4] == first

    asyncio.run(check())


def test_head_of_a_column_sorts_when_it_is_clicked() -> None:
    async def check() -> None:
        async with _top() as shown:
            at = shown.lines[0].index("Source")
            await shown.pilot.click(RowTable, offset=(at + 2, 0))
            await shown.pilot.pause()
            assert [line.split()[2] for line in shown.lines[1:4]] == [
                "10.0.1.5", "10.0.2.5", "198.51.100.7",
            ]  # fmt: skip
            await shown.press("greater_than_sign")
            assert shown.lines[1].split()[3] == "10.0.0.2"

    asyncio.run(check())


def test_filter_line() -> None:
    async def check() -> None:
        async with _top() as shown:
            line = shown.app.query_one(Input)
            # Keys of the table, typed into the line, are text.
            await shown.press("slash", *"tpr")
            assert (line.value, "flows" in shown.text("title")) == ("tpr", True)
            line.value = "port in (53,22)"
            await shown.press("enter")
            assert len(shown.lines) == 3
            assert "filter: port in (53,22)" in shown.text("title")
            await shown.press("slash")
            line.value = "srcport ="
            await shown.press("enter")
            assert shown.text("notice").startswith("filter: expected a value of srcport")
            assert shown.app.focused is line, "to be corrected"
            line.value = "web"
            await shown.press("enter")
            assert len(shown.lines) == 4 and not shown.text("notice")
            await shown.press("slash", "x", "escape")
            assert len(shown.lines) == 4, "left as it was"
            await shown.press("escape")
            assert len(shown.lines) == 5
            await shown.press("slash")
            line.value = "nowhere"
            await shown.press("enter")
            assert shown.text("detail") == "no flow fits; Esc shows all"

    asyncio.run(check())


def test_pause_holds_the_picture_and_counting_goes_on() -> None:
    async def check() -> None:
        async with _top() as shown:
            await shown.press("space")
            before = shown.lines
            shown.capture.flows = [Flow("10.9.9.9", "10.0.1.5", 25, 1, 10_000)]
            await shown.step()
            await shown.step()
            assert shown.lines == before and "PAUSED" in shown.text("title")
            await shown.press("b")
            assert len(shown.lines) == 5, "what is held can be looked at"
            await shown.press("space")
            assert any("10.9.9.9" in line for line in shown.lines)
            assert "PAUSED" not in shown.text("title")

    asyncio.run(check())


def test_says_that_no_capture_runs_and_goes_on_when_one_does() -> None:
    async def check() -> None:
        nobody = CaptureError("no capture runs on this data folder", hint="start one with X")
        async with _top(problem=nobody) as shown:
            assert shown.text("notice") == (
                "no capture runs on this data folder: /var/lib/vpcflow; "
                "looking again every second\nstart one with X"
            )
            shown.capture.problem = None
            await shown.step()
            assert not shown.text("notice") and len(shown.lines) == 5
            shown.capture.problem = nobody
            await shown.step()
            await shown.step()
            assert shown.text("notice").startswith("the capture ended at 22:13:32 UTC")
            assert len(shown.lines) == 5, "its last numbers stay"
            shown.capture.problem = None
            shown.capture.flows = _WEB_FLOWS[:1]
            await shown.step()
            assert not shown.text("notice") and len(shown.lines) == 2

    asyncio.run(check())


def test_losses_and_problems_are_told_in_words() -> None:
    async def check() -> None:
        worse = status(problem="the disk is full") | {"lost": {"ring-dropped": 1_200}}
        async with _top(LARGE, status=worse) as shown:
            assert shown.figures["Dropped"] == "1.2k  ring-dropped 1,200"
            assert shown.text("notice") == "problem: the disk is full"
            figure = shown.app.query(Figure)[4].render()
            assert any(REJECT in str(span.style) for span in figure.spans)

    asyncio.run(check())


def test_an_answer_that_is_cut_off_is_no_end_of_the_screen() -> None:
    async def check() -> None:
        async with _top() as shown:
            flows, shown.capture.flows = shown.capture.flows, []
            whole = Capture.__call__
            cut = b"\xff\xff\xff\xff\x10"
            shown.app._feed._ask = lambda request: (
                cut if request == "flows" else whole(shown.capture, request)
            )
            await shown.step()
            assert "the capture's answer is cut off" in shown.text("notice")
            shown.capture.flows = flows
            shown.app._feed._ask = shown.capture
            await shown.step()
            assert not shown.text("notice")

    asyncio.run(check())


def test_only_rows_on_the_screen_become_text(monkeypatch: pytest.MonkeyPatch) -> None:
    async def check() -> None:
        async with _top(flows=_MANY) as shown:
            drawn = []
            original = RowTable._row

            def row(self: RowTable, view: Any, place: int, width: int) -> Any:
                drawn.append(place)
                return original(self, view, place, width)

            monkeypatch.setattr(RowTable, "_row", row)
            await shown.step()
            assert drawn and max(drawn) < SMALL[1]
            assert "flows 1-15 of 5,000" in shown.text("title")
            await shown.press("b", "end")
            assert "flows 4986-5000 of 5,000" in shown.text("title")
            assert shown.lines[-1].split()[2] == "10.1.0.0"

    asyncio.run(check())


def test_the_cursor_follows_its_flow() -> None:
    async def check() -> None:
        async with _top() as shown:
            await shown.press("down")
            detail = shown.text("detail")
            assert "8443" in detail
            shown.capture.flows = [
                flow._replace(bytes=flow.bytes + (900_000 if flow.port == 8443 else 0))
                for flow in _WEB_FLOWS
            ]
            await shown.step()
            assert shown.text("detail") == detail and shown.table.cursor == 0

    asyncio.run(check())


def test_help_opens_and_closes_and_q_quits() -> None:
    async def check() -> None:
        async with _top() as shown:
            await shown.press("question_mark")
            assert isinstance(shown.app.screen, HelpScreen)
            await shown.press("q")
            assert not isinstance(shown.app.screen, HelpScreen)
            await shown.press("q")
            assert not shown.app.is_running or shown.app._exit

    asyncio.run(check())


def test_traffic_bars_have_a_bar_a_second() -> None:
    async def check() -> None:
        async with _top() as shown:
            await shown.step()
            first, second, rejects = shown.app.query_one(TrafficBars).render().plain.split("\n")
            assert first.startswith("bit/s  79.9k") and rejects.startswith("rejects  0.2")
            assert len(first) == len(second) == SMALL[0]
            assert second[-2:] == "█ ", "and nothing in a second without traffic"

    asyncio.run(check())


def test_block_rows() -> None:
    assert block_rows([1, 2, 4], 4, 1) == [" ▂▄█"]
    assert block_rows([1, 2, 4], 3, 2) == ["  █", "▄██"]
    assert block_rows([0, 0], 3, 1) == ["   "]
    assert block_rows([0.001, 1], 2, 1) == ["▁█"], "little is not nothing"


@pytest.mark.parametrize(
    ("text", "width", "right", "shown"),
    [
        ("web", 5, False, "web  "),
        ("12", 5, True, "   12"),
        ("2001:db8::15", 8, False, "200…::15"),
        ("a\x1b[31mb", 8, False, "a�[31mb "),
    ],
)
def test_fitted(text: str, width: int, right: bool, shown: str) -> None:
    assert fitted(text, width, right=right) == shown
