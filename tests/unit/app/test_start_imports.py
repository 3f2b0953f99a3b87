"""Aim: what must answer at once loads nothing slow. Method: import it in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

SLOW = ("numba", "pandas", "duckdb", "pyiceberg", "fastapi", "boto3")


@pytest.mark.parametrize(
    ("module", "slow"),
    [
        ("vpcflow.app.endpoint_alone", SLOW),
        ("vpcflow.app.settings", (*SLOW, "pyarrow", "sqlalchemy")),
    ],
)
def test_nothing_slow_is_loaded(module: str, slow: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print(*[m for m in {slow!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == []
