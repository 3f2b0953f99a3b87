"""One server for the tests of a module: they use names of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from aws_endpoint import AwsServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsServer]:
    """The endpoint alone, on an empty folder."""
    with AwsServer(tmp_path_factory.mktemp("data"), "--no-capture") as running:
        yield running


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder without any AWS settings."""
    return tmp_path
