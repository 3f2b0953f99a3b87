"""Where the rollups of a data file lie; importing this brings no compiled kernels along."""

from __future__ import annotations

from pathlib import Path

#: Folders of the rollups, beside the folder of the data files.
HOUR_FOLDER = "rollup_hour"
CONVERSATION_FOLDER = "rollup_conversation"
TRAFFIC_FOLDER = "rollup_traffic"


def rollup_hour_path(data_path: Path) -> Path:
    """Where the hourly rollup of the data file ``<table>/<data folder>/day=.../<name>`` is."""
    return _beside(data_path, HOUR_FOLDER)


def conversation_path(data_path: Path) -> Path:
    """Where the conversations of the data file ``<table>/<data folder>/day=.../<name>`` are."""
    return _beside(data_path, CONVERSATION_FOLDER)


def traffic_path(data_path: Path) -> Path:
    """Where the traffic of the data file ``<table>/<data folder>/day=.../<name>`` is."""
    return _beside(data_path, TRAFFIC_FOLDER)


def _beside(data_path: Path, folder: str) -> Path:
    return data_path.parent.parent.parent / folder / data_path.parent.name / data_path.name
