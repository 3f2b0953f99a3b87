"""Servers that a worker starts once, with sample data, real packets or nothing, and a browser."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "aws"))

from console_server import ConsoleServer, vpcflow
from playwright.sync_api import Browser, Page, expect, sync_playwright
from watched_pages import CHROMIUM_FLAGS, PAGE_MS_MAX, Visits

from vpcflow.console.app import STATIC
from vpcflow.lab.testbed.lab import Lab

RECORDS = 60_000
DAYS = 2


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests of a worker; each opens a context of its own."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("Chromium is not installed: scripts/test_packages.sh says how")
    assert (STATIC / "index.html").exists(), "the console's pages are not built: run make"
    expect.set_options(timeout=PAGE_MS_MAX)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(CHROMIUM_FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def visits(chromium: Browser) -> Iterator[Visits]:
    """Pages that are watched: console errors, failed and foreign requests fail the test."""
    opened = Visits(chromium)
    yield opened
    opened.end()


@pytest.fixture(scope="session")
def sample_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with generated records of the two days before today."""
    folder = tmp_path_factory.mktemp("sample")
    first = datetime.now(UTC).date() - timedelta(days=DAYS)
    logs, data = folder / "logs", folder / "data"
    options = ("--records", str(RECORDS), "--days", str(DAYS), "--start", str(first))
    vpcflow(data, "sample", str(logs), *options)
    vpcflow(data, "ingest", str(logs / "AWSLogs"))
    return data


@pytest.fixture(scope="session")
def sample(sample_data: Path, chromium: Browser) -> Iterator[ConsoleServer]:
    """The console over generated records; tests use names of their own in it."""
    with ConsoleServer(sample_data, "--no-capture") as running:
        yield running


@pytest.fixture(scope="session")
def nothing(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[ConsoleServer]:
    """The console over an empty folder; tests leave it empty."""
    with ConsoleServer(tmp_path_factory.mktemp("empty"), "--no-capture") as running:
        yield running


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A small VPC of network namespaces with traffic and attacks, faster than in life."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    with Lab.start(tmp_path_factory.mktemp("lab") / "lab", offload=False) as running:
        running.start_traffic(speed=2.0)
        yield running


@pytest.fixture(scope="session")
def lab_server(lab: Lab, chromium: Browser) -> Iterator[ConsoleServer]:
    """The console over the lab's real packets."""
    data = lab.log_file.parent.parent
    options = ("--lab", "--interval", "2")
    with ConsoleServer(data, *options, waits_for="metering") as running:
        yield running


@pytest.fixture
def page(visits: Visits, sample: ConsoleServer) -> Page:
    """A page over the sample, signed in, that stands nowhere yet."""
    return visits.open(sample)
