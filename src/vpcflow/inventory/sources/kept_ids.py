"""Ids of interfaces that were renamed, moved or given another MAC, kept for the next start."""

from __future__ import annotations

import json
import os
from pathlib import Path

#: More are not kept: the oldest go first.
KEPT_IDS_MAX = 4_096
KEPT_IDS_FILE = "interface-ids.json"

Facts = tuple[str, str, str]


class KeptIds:
    """Ids that cannot be made of an interface's facts any more, because these have changed.

    Shape: in the data folder, or in memory alone without one. The file is a cache: where it is
    missing, broken or cannot be written, interfaces that changed get another id at the next start.
    """

    def __init__(self, data_folder: Path | None) -> None:
        self._path = data_folder / KEPT_IDS_FILE if data_folder else None
        self._ids = self._read()
        self._is_changed = False

    def get(self, facts: Facts) -> str | None:
        """The id that was kept for these facts."""
        return self._ids.get(facts)

    def keep(self, facts: Facts, interface_id: str) -> None:
        """Remember that these facts are that interface."""
        if self._ids.get(facts) == interface_id:
            return
        self._ids.pop(facts, None)
        self._ids[facts] = interface_id
        while len(self._ids) > KEPT_IDS_MAX:
            del self._ids[next(iter(self._ids))]
        self._is_changed = True

    def forget(self, facts: Facts) -> None:
        """The interface with these facts is gone, or has others."""
        if self._ids.pop(facts, None) is not None:
            self._is_changed = True

    def save(self) -> bool:
        """Write what changed; False when it could not be written."""
        if not self._is_changed or self._path is None:
            return True
        part = self._path.with_suffix(f".{os.getpid()}")
        try:
            part.write_text(json.dumps([[*facts, kept] for facts, kept in self._ids.items()]))
            part.replace(self._path)
        except OSError:
            return False
        self._is_changed = False
        return True

    def _read(self) -> dict[Facts, str]:
        if self._path is None:
            return {}
        try:
            rows = json.loads(self._path.read_text(encoding="utf-8"))
            return {
                (str(namespace), str(device), str(mac)): str(kept)
                for namespace, device, mac, kept in rows[-KEPT_IDS_MAX:]
            }
        except (OSError, ValueError, TypeError, KeyError):
            return {}
