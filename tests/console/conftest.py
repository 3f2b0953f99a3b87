"""Servers that a worker starts once, with sample data, real packets or nothing, and a browser."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "aws"))

from lab_scene import LabScene, lab_scene_in
from playwright.sync_api import Browser, Page, expect, sync_playwright
from served_console import ConsoleServer, vpcflow
from watched_pages import CHROMIUM_FLAGS, PAGE_MS_MAX, Visits

from vpcflow.console.app import STATIC

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


def make_sample(folder: Path) -> None:
    """Generated records of the two days before today, in a data folder."""
    first = datetime.now(UTC).date() - timedelta(days=DAYS)
    logs = folder.with_suffix(".logs")
    options = ("--records", str(RECORDS), "--days", str(DAYS), "--start", str(first))
    vpcflow(folder, "sample", str(logs), *options)
    vpcflow(folder, "ingest", str(logs / "AWSLogs"))


@pytest.fixture(scope="session")
def sample_data(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A data folder with the sample: made by the worker that comes first, copied by the others."""
    own = tmp_path_factory.mktemp("sample") / "data"
    if worker_id == "master":
        make_sample(own)
        return own
    made = tmp_path_factory.getbasetemp().parent / "console-sample"
    with made.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.with_suffix(".done").exists():
            make_sample(made)
            made.with_suffix(".done").touch()
    shutil.copytree(made, own)
    return own


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
def lab_scene(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[LabScene]:
    """A small VPC of network namespaces with real packets, and the console over it."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    with lab_scene_in(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture
def page(visits: Visits, sample: ConsoleServer) -> Page:
    """A page over the sample, signed in, that stands nowhere yet."""
    return visits.open(sample)
