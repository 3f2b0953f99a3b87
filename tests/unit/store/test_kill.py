"""A writer that is killed at random moments loses and doubles nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

#: bench/ runs 50; here a few, so that a change that breaks recovery is seen at once.
MOMENTS = 5


def test_killed_writers_lose_and_double_nothing(tmp_path: Path) -> None:
    script = Path(__file__).parents[3] / "bench" / "kill_store.py"
    command = [sys.executable, str(script), "--moments", str(MOMENTS), "--seed", "2"]
    found = subprocess.run(
        [*command, "--folder", str(tmp_path / "data")], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
    results = [json.loads(line) for line in found.stdout.splitlines()]
    assert len(results) == MOMENTS
    assert results[-1]["commits"] > 0
