"""Where the rollups of a data file lie; importing this brings nothing heavy along.

The version is part of the place: what was written in another way is not found, the file itself is
read, and maintenance writes the rollup anew and removes the old one.
"""

from __future__ import annotations

from pathlib import Path

#: Versions of what is written, see rollup_schema; raise one with its schema or its meaning. The
#: traffic has the version of the hours.
HOUR_VERSION = 3
CONVERSATION_VERSION = 5

#: Folders of the rollups, beside the folder of the data files.
HOUR_FOLDER = f"rollup_hour-{HOUR_VERSION}"
CONVERSATION_FOLDER = f"rollup_conversation-{CONVERSATION_VERSION}"
TRAFFIC_FOLDER = f"rollup_traffic-{HOUR_VERSION}"


def rollup_hour_path(data_path: Path) -> Path:
    """Where the hourly rollup of the data file ``<table>/<data folder>/day=.../<name>`` is."""
    return _beside(data_path, HOUR_FOLDER)


def conversation_path(data_path: Path) -> Path:
    """Where the conversations of the data file ``<table>/<data folder>/day=.../<name>`` are."""
    return _beside(data_path, CONVERSATION_FOLDER)


def traffic_path(data_path: Path) -> Path:
    """Where the traffic of the data file ``<table>/<data folder>/day=.../<name>`` is."""
    return _beside(data_path, TRAFFIC_FOLDER)


def kept_rollups(data_path: Path) -> tuple[str | None, bool]:
    """The hourly rollup of a data file, None unless its traffic is there too; and whether its
    conversations are."""
    hour = rollup_hour_path(data_path)
    there = hour.exists() and traffic_path(data_path).exists()
    return str(hour) if there else None, conversation_path(data_path).exists()


def _beside(data_path: Path, folder: str) -> Path:
    return data_path.parent.parent.parent / folder / data_path.parent.name / data_path.name
