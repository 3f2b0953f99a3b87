"""The command in a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from vpcflow_command import Vpcflow


@pytest.fixture
def vpcflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Vpcflow:
    monkeypatch.chdir(tmp_path)
    return Vpcflow(tmp_path / "data")
