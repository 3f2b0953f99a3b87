"""What a source offers: objects to read, and problems that stood in the way."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Protocol

from vpcflow.base.errors import CollectError
from vpcflow.record.batch import Origin


class ProblemCode(IntEnum):
    """What can be wrong with an object as a whole, or with a line for reasons of its object.

    Shape: kept in quarantine beside the codec's reasons, so the numbers start at 1000 and are
    never reused.
    """

    MISSING = 1001
    PERMISSION = 1002
    NOT_A_FILE = 1003
    DANGLING_LINK = 1004
    VANISHED = 1005
    READ_FAILED = 1006
    TOO_DEEP = 1007
    EMPTY = 1010
    BINARY = 1011
    TRUNCATED = 1012
    CORRUPT = 1013
    TRAILING_BYTES = 1014
    ZIP_BOMB = 1015
    TOO_LARGE = 1016
    NESTED = 1017
    UNSUPPORTED_COMPRESSION = 1018
    BAD_PARQUET = 1019
    CHANGED = 1020
    ARCHIVED = 1021
    DECODE_FAILED = 1022
    CUT_LINE = 1030
    REST_OF_LINE = 1031

    @property
    def text(self) -> str:
        """The problem in words for people."""
        return _TEXTS[self]


_TEXTS = {
    ProblemCode.MISSING: "no such file or folder",
    ProblemCode.PERMISSION: "permission denied",
    ProblemCode.NOT_A_FILE: "not a regular file",
    ProblemCode.DANGLING_LINK: "the link points to nothing",
    ProblemCode.VANISHED: "vanished after it was listed",
    ProblemCode.READ_FAILED: "could not be read",
    ProblemCode.TOO_DEEP: "folders are nested too deep",
    ProblemCode.EMPTY: "empty",
    ProblemCode.BINARY: "not flow log records",
    ProblemCode.TRUNCATED: "cut off before its end",
    ProblemCode.CORRUPT: "damaged",
    ProblemCode.TRAILING_BYTES: "bytes after the end of the compressed data",
    ProblemCode.ZIP_BOMB: "decompresses to far more than records do",
    ProblemCode.TOO_LARGE: "larger than the bound",
    ProblemCode.NESTED: "compressed more than once",
    ProblemCode.UNSUPPORTED_COMPRESSION: "a compression that is not read",
    ProblemCode.BAD_PARQUET: "not a valid Parquet file",
    ProblemCode.CHANGED: "changed since it was read",
    ProblemCode.ARCHIVED: "archived, not readable at once",
    ProblemCode.DECODE_FAILED: "could not be decoded",
    ProblemCode.CUT_LINE: "the line was cut off with the file",
    ProblemCode.REST_OF_LINE: "the rest of a line that was taken before it was complete",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with an object, in words for the person who must act.

    Shape: ``sample`` holds its first bytes where they help; ``warning`` says that nothing is lost.
    """

    code: ProblemCode
    what: str
    where: str
    hint: str = ""
    uri: str = ""
    sample: bytes = b""
    warning: bool = False

    def __str__(self) -> str:
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.where}: {self.what}{hint}"


class ObjectError(CollectError):
    """One object cannot be read; the others go on.  ``problem`` is what to tell and to keep."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.what, where=problem.where, hint=problem.hint)


@dataclass(frozen=True, slots=True)
class SourceObject:
    """One object that may hold flow records.

    Shape: ``uri`` is the real path, ``s3://...`` or ``stdin:...``, and may hold bytes that are
    not UTF-8 as surrogates; ``version`` changes when the content may have; ``file_id`` names the
    file across renames; ``day`` is YYYY-MM-DD where the object's name tells it.
    Units: ``size`` in bytes.
    """

    uri: str
    size: int
    version: str
    origin: Origin
    day: str | None = None
    file_id: str = ""

    @property
    def where(self) -> str:
        """The uri in printable characters."""
        return printable(self.uri)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A local file with an object's bytes, and the object as it was when they were read."""

    path: Path
    object: SourceObject


class RecordSource(Protocol):
    """Where objects come from."""

    @property
    def problems(self) -> ProblemList:
        """What stood in the way during the last listing."""

    def objects(self) -> Iterator[SourceObject]:
        """List the objects in a stable order; may be called again, to see what is new."""

    def fetch(self, obj: SourceObject) -> AbstractContextManager[Fetched]:
        """Make the object a local file for as long as the context is open.

        Errors: ObjectError when this object cannot be had; CollectError when none can.
        """


@dataclass
class ProblemList:
    """Problems of one listing, bounded in memory and counted without bound."""

    kept_max: int
    kept: list[Problem] = field(default_factory=list)
    count: int = 0

    def add(self, problem: Problem) -> None:
        """Count a problem, and keep it while there is room."""
        self.count += 1
        if len(self.kept) < self.kept_max:
            self.kept.append(problem)

    def clear(self) -> None:
        """Forget all: a new listing starts."""
        self.kept.clear()
        self.count = 0

    def __iter__(self) -> Iterator[Problem]:
        return iter(self.kept)

    def __len__(self) -> int:
        return self.count


def printable(name: str) -> str:
    """A path or key with control characters and bytes that are not UTF-8 written as escapes."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text
    )
