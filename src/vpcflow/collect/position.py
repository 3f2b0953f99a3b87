"""How far an object was read, and what to do with it now."""

from __future__ import annotations

from dataclasses import dataclass, replace

from vpcflow.collect.fingerprint import Fingerprint
from vpcflow.collect.source_object import Problem, SourceObject
from vpcflow.record.log_format import LogFormat


@dataclass(frozen=True, slots=True)
class Position:
    """A safe place to read on from: all lines before it are taken, none behind it.

    Shape: ``encoding`` and ``log_format`` are those in force there, so that no header is needed;
    ``unterminated`` says that the last line was taken without its newline; ``left_bytes`` that a
    last line without newline was left; ``complete`` that the object was read to its end.
    Units: ``raw_bytes`` of the file, ``decoded_bytes`` after decompression, ``lines`` (rows of
    Parquet) from the object's start.
    """

    raw_bytes: int = 0
    decoded_bytes: int = 0
    lines: int = 0
    encoding: str | None = None
    log_format: LogFormat | None = None
    unterminated: bool = False
    left_bytes: int = 0
    complete: bool = False

    def reopened(self) -> Position:
        """The same place in an object that has more to read."""
        return replace(self, complete=False, left_bytes=0)


@dataclass(frozen=True, slots=True)
class Take:
    """Read this object, from ``position`` on.

    Shape: ``incarnation`` tells contents of one name apart; ``continues`` says that part of this
    content was taken before; ``warning`` is worth telling.
    """

    object: SourceObject
    fingerprint: Fingerprint
    incarnation: str
    position: Position
    continues: bool = False
    warning: Problem | None = None


@dataclass(frozen=True, slots=True)
class Skip:
    """Nothing to read here; ``reason`` says why, ``same_as`` where the content was read."""

    object: SourceObject
    reason: str
    same_as: str | None = None
