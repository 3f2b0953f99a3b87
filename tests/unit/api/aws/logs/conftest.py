"""A world of logs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from log_world import LogWorld


@pytest.fixture
def world(tmp_path: Path) -> Iterator[LogWorld]:
    made = LogWorld(tmp_path)
    yield made
    made.table.close()
    made.state.database.close()
