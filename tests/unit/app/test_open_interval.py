"""Aim: after a kill the mark says of whom records are missing, and from when to when."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "capture"))

from flow_row_builder import START_S, point_of

from vpcflow.app.open_interval import OpenInterval
from vpcflow.base.errors import StoreError
from vpcflow.capture.aggregation import aggregate
from vpcflow.capture.exclusions import Exclusions

POINTS = [point_of(1), point_of(2)]
NS = 1_000_000_000
NAME = "open-interval.json"


def test_killed_run_leaves_skipdata_of_every_interface(tmp_path: Path) -> None:
    mark = OpenInterval(tmp_path)
    mark.write(START_S * NS, 60, POINTS)
    mark.beat(START_S + 42.0, POINTS)
    lost = OpenInterval(tmp_path).read()
    assert lost is not None
    assert (lost.start_ns, lost.end_ns, lost.interval_s) == (
        START_S * NS,
        (START_S + 42) * NS,
        60,
    )
    made = aggregate(lost, Exclusions(()))
    assert (made.flows, made.nodata, made.skipdata) == (0, 0, 2)
    [batch] = made.batches
    assert batch.column("interface_id").to_pylist() == [
        point.interface.interface_id for point in POINTS
    ]
    for point, told in zip(POINTS, lost.points, strict=True):
        for name in ("account_id", "vpc_id", "subnet_id", "instance_id"):
            assert getattr(told.interface, name) == getattr(point.interface, name)


def test_clean_end_leaves_nothing(tmp_path: Path) -> None:
    mark = OpenInterval(tmp_path)
    assert mark.read() is None
    mark.write(START_S * NS, 60, POINTS)
    mark.remove()
    mark.beat(START_S, POINTS)
    mark.remove()
    assert mark.read() is None
    assert list(tmp_path.iterdir()) == []


def test_later_mark_replaces_the_earlier(tmp_path: Path) -> None:
    mark = OpenInterval(tmp_path)
    mark.write(START_S * NS, 60, POINTS)
    mark.write((START_S + 60) * NS, 60, POINTS[:1])
    lost = mark.read()
    assert lost is not None
    assert (lost.start_ns, len(lost.points)) == ((START_S + 60) * NS, 1)


def test_interface_that_came_or_went_meanwhile_is_told_too(tmp_path: Path) -> None:
    """Who vanished had packets in the interval; who came has some by now."""
    mark = OpenInterval(tmp_path)
    mark.write(START_S * NS, 60, POINTS[:1])
    mark.beat(START_S + 1.0, [replace(POINTS[0], until_s=START_S + 1.0), POINTS[1]])
    mark.beat(START_S + 2.0, POINTS[1:])
    lost = mark.read()
    assert lost is not None
    assert [point.interface.interface_id for point in lost.points] == [
        point.interface.interface_id for point in POINTS
    ]
    assert lost.end_ns == (START_S + 2) * NS


def test_clock_behind_the_mark_gives_no_negative_interval(tmp_path: Path) -> None:
    mark = OpenInterval(tmp_path)
    mark.write(START_S * NS, 60, POINTS)
    os.utime(tmp_path / NAME, (START_S - 100, START_S - 100))
    lost = mark.read()
    assert lost is not None
    assert lost.end_ns == lost.start_ns


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "7",
        "null",
        '{"since_ns": 1}',
        '{"since_ns": "x", "interval_s": 60, "interfaces": []}',
        '{"since_ns": 1, "interval_s": 60, "interfaces": ["x"]}',
        '{"since_ns": 1, "interval_s": 60, "interfaces": [{}]}',
        '{"since_ns": 1, "interval_s": 60, "interfaces": 5}',
        "\0" * 100,
    ],
)
def test_damaged_mark_is_removed_and_stops_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / NAME).write_text(text, encoding="utf-8")
    assert OpenInterval(tmp_path).read() is None
    assert not (tmp_path / NAME).exists()


def test_mark_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"\xff\xfe\x00")
    assert OpenInterval(tmp_path).read() is None


def test_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        OpenInterval(tmp_path / "missing").write(START_S * NS, 60, POINTS)
    assert "open interval" in str(caught.value)
