"""The data folder's ranges of countries, read when somebody asks and again when they change."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vpcflow.inventory.country_ranges import CountryRanges


class KeptCountries:
    """The ranges that were added last; safe for any number of threads."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._mark: tuple[int, int] | None = None
        self._ranges: CountryRanges | None = None

    def ranges(self) -> CountryRanges | None:
        """The ranges; None when none were added.

        Errors: StoreError when the file is damaged.
        """
        from vpcflow.inventory.country_ranges import COUNTRY_FILE, kept_countries

        with self._lock:
            try:
                facts = (self._root / COUNTRY_FILE).stat()
            except OSError:
                self._mark, self._ranges = None, None
                return None
            mark = facts.st_mtime_ns, facts.st_ino
            if mark != self._mark:
                self._ranges, self._mark = kept_countries(self._root), mark
            return self._ranges
