"""Aim: a data folder that cannot be used is told in two lines, and what is in it is not lost.
Method: the real server on folders that are damaged, in use or without their database."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest
from aws_endpoint import AwsServer

NAMES = {"logGroupName": "g", "logStreamName": "s"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a log event, left by a server that was killed."""
    data = tmp_path_factory.mktemp("damaged") / "data"
    with AwsServer(data, "--no-capture") as server:
        logs = server.client("logs")
        logs.create_log_group(logGroupName="g")
        logs.create_log_stream(**NAMES)
        now_ms = int(time.time() * 1000)
        logs.put_log_events(**NAMES, logEvents=[{"timestamp": now_ms, "message": "kept"}])
    return data


def refused(data: Path) -> str:
    """What a server says that does not start."""
    with pytest.raises(AssertionError) as ended:
        AwsServer(data, "--no-capture").kill()
    assert "Traceback" not in str(ended.value)
    return str(ended.value)


@pytest.mark.parametrize(
    "name", ["control.sqlite", "objects/index.sqlite", "delivery/state.sqlite"]
)
def test_a_damaged_database_is_named(folder: Path, tmp_path: Path, name: str) -> None:
    data = tmp_path / "data"
    shutil.copytree(folder, data, ignore=shutil.ignore_patterns("*.sock"))
    for path in (data / name).parent.glob(f"{(data / name).name}*"):
        path.unlink()
    (data / name).write_bytes(b"this was a database " * 1000)
    assert name in refused(data)


def test_text_outlives_the_loss_of_the_control_database(folder: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(folder, data, ignore=shutil.ignore_patterns("*.sock"))
    for path in data.glob("control.sqlite*"):
        path.unlink()
    with AwsServer(data, "--no-capture") as server:
        assert server.client("logs").describe_log_groups()["logGroups"] == []
    texts = [path.read_bytes() for path in (data / "log-events").rglob("*.events")]
    assert [text for text in texts if b"kept" in text]
    for path in data.glob("control.sqlite*"):
        path.unlink()
    for path in folder.glob("control.sqlite*"):
        shutil.copy(path, data)
    with AwsServer(data, "--no-capture") as server:
        events = server.client("logs").filter_log_events(logGroupName="g")["events"]
        assert [event["message"] for event in events] == ["kept"]


def test_a_folder_in_use_is_refused(folder: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(folder, data, ignore=shutil.ignore_patterns("*.sock"))
    with AwsServer(data, "--no-capture"):
        assert "another vpcflow process" in refused(data)
