"""One console for the tests that leave it as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from console_server import ConsoleServer


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleServer]:
    """A console on an empty data folder."""
    with ConsoleServer(tmp_path_factory.mktemp("data")) as server:
        yield server
