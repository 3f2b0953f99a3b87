"""Which streams of a group are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class StreamChoice:
    """Streams by name (None: all) or by prefix.

    Shape: ``hidden``: the second before which a stream's flow records are hidden, since a stream of
    that name was deleted then.
    """

    names: Sequence[str] | None = None
    prefix: str = ""
    hidden: Mapping[str, int] = field(default_factory=dict)

    def takes(self, name: str) -> bool:
        """Whether a stream is asked for."""
        return name.startswith(self.prefix) if self.names is None else name in self.names

    def rows(
        self,
        codes: npt.NDArray[np.int32],
        names: Sequence[str],
        starts_s: npt.NDArray[np.int64],
    ) -> npt.NDArray[np.bool_]:
        """Which flow records belong to streams asked for; ``codes`` are places in ``names``."""
        found = np.ones(len(codes), np.bool_)
        if self.names is not None or self.prefix:
            found &= np.array([self.takes(name) for name in names], np.bool_)[codes]
        if self.hidden and names:
            froms = np.array([self.hidden.get(name, 0) for name in names], np.int64)
            found &= starts_s >= froms[codes]
        return found
