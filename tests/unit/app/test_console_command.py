"""Aim: `vpcflow console` prints a link that signs in, or says why there is none."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from vpcflow.app.cli.main import cli
from vpcflow.app.live_view import LiveView
from vpcflow.base.errors import CaptureError
from vpcflow.capture.exclusions import Exclusions


@contextmanager
def _serving(folder: Path, link: Callable[[], str]) -> Iterator[None]:
    view = LiveView(folder, lambda: None, dict, Exclusions(()), console_link=link)
    try:
        yield
    finally:
        view.close()


def _console(folder: Path) -> str:
    done = CliRunner().invoke(cli, ["--data", str(folder), "console"], catch_exceptions=False)
    return done.output


def test_the_link_of_the_running_process_is_printed(tmp_path: Path) -> None:
    asked = threading.Semaphore(0)

    def link() -> str:
        asked.release()
        return "http://127.0.0.1:4680/sign-in/abc"

    with _serving(tmp_path, link):
        assert _console(tmp_path) == "http://127.0.0.1:4680/sign-in/abc\n"
    assert asked.acquire(blocking=False)


def test_a_process_without_a_console_is_told(tmp_path: Path) -> None:
    with _serving(tmp_path, str), pytest.raises(CaptureError, match="serves no console"):
        _console(tmp_path)


def test_nothing_that_runs_is_told(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="no capture runs"):
        _console(tmp_path)
