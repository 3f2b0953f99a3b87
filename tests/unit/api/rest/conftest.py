"""An API over a table of generated records, made once for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from rest_harness import RestServer, make_table, rest_services, serving

from vpcflow.app.settings import Settings


@pytest.fixture(scope="session")
def rest_table(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of a data folder with 20,000 records; nobody changes its table."""
    folder: Path = tmp_path_factory.mktemp("rest")
    return make_table(folder)


@pytest.fixture(scope="module")
def rest_server(rest_table: Settings) -> Iterator[RestServer]:
    """An API over that table, with the root signed in."""
    with rest_services(rest_table) as services, serving(services) as server:
        yield server
