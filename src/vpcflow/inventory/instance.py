"""A machine that network interfaces are attached to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance."""

    instance_id: str
    name: str = ""
