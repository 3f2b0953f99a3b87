"""Aim: kill -9 during creation loses nothing that was acknowledged and leaves nothing half made.
Method: the bench's clients on the real server, killed at four random moments."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

MOMENTS = 4


def test_nothing_acknowledged_is_lost_when_the_server_is_killed(tmp_path: Path) -> None:
    script = Path(__file__).parents[2] / "bench" / "kill_control.py"
    done = subprocess.run(
        [sys.executable, str(script), "--moments", str(MOMENTS), "--folder", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(results) == MOMENTS
    assert results[-1]["events"] >= 0
