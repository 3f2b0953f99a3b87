"""Aim: long work says how far it is, in a terminal and elsewhere. Method: a clock of our own."""

from __future__ import annotations

import io

from vpcflow.app.progress import PLAIN_INTERVAL_S, Progress
from vpcflow.base.clock import ManualClock


def test_plain_lines_come_now_and_then_with_rate_and_time_left() -> None:
    clock, stream = ManualClock(), io.StringIO()
    with Progress("ingest", stream=stream, clock=clock) as progress:
        progress.expect(files=4, bytes_total=4_000_000)
        progress.update(records=10, bytes_done=100, files=1)
        assert stream.getvalue() == ""
        clock.advance(PLAIN_INTERVAL_S)
        progress.update(records=20_000, bytes_done=1_000_000, files=1)
        progress.update(records=20_001, bytes_done=1_000_001, files=1)
    assert stream.getvalue().splitlines() == [
        "ingest, 1 of 4 files, 1 MB of 4 MB, 20,000 records, 2k records/s, 30s left"
    ]


def test_a_line_that_stays_is_written_as_it_is() -> None:
    stream = io.StringIO()
    with Progress("ingest", stream=stream) as progress:
        progress.say("problem: [x] is gone")
    assert stream.getvalue() == "problem: [x] is gone\n"
