"""An answer as it goes over the wire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


@dataclass(frozen=True, slots=True)
class WireAnswer:
    """Status, headers and body of an answer.

    Shape: ``body`` is empty if ``stream`` holds what a handler gave as payload that is no bytes
    (an iterable or a file). The headers carry neither Date nor Content-Length, except that the
    latter is there if the output has it as a member.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""
    stream: Any = None

    def header(self, name: str) -> str | None:
        """The first header of a name, in any case."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)
