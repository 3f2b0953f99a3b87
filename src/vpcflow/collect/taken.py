"""What was collected so far, for those who look: by folder or bucket, and object by object."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from vpcflow.collect.source_object import printable

if TYPE_CHECKING:
    from vpcflow.collect.state_db import StateDb

#: Folders that are gathered; further ones are left out.
FOLDERS_MAX = 10_000
_NANOSECONDS = 1_000_000_000
_URI = "CAST(uri AS TEXT)"
#: As bytes again: a file's name need not be UTF-8.
_FOLDER = f"CAST(rtrim({_URI}, replace({_URI}, '/', '')) AS BLOB)"
#: A file's version begins with when it was changed, an object's with its ETag.
_CHANGED = f"CASE WHEN {_URI} NOT LIKE 's3://%' THEN NULLIF(CAST(version AS INTEGER), 0) END"
_WHERE = "is_current = 1 AND same_as IS NULL"
# Only constants of this module are put into statements; values are bound.
_BY_FOLDER = (
    f"SELECT {_FOLDER}, COUNT(*), SUM(raw_bytes), SUM(lines), SUM(1 - complete),"  # noqa: S608
    f" MAX({_CHANGED}) FROM objects WHERE {_WHERE} GROUP BY 1 ORDER BY MAX(rowid) DESC LIMIT ?"
)
_OBJECTS = (
    "SELECT rowid, uri, raw_bytes, size, lines, complete, encoding, log_format,"  # noqa: S608
    f" {_CHANGED} FROM objects WHERE {_WHERE} AND (? = '' OR instr({_URI}, ?) > 0) AND rowid < ?"
    " ORDER BY rowid DESC LIMIT ?"
)


@dataclass(frozen=True, slots=True)
class TakenSource:
    """A folder or a bucket from which something was taken.

    Units: bytes as they are stored there; ``changed_s`` seconds since the epoch, when its newest file
    was changed last, None where that is not known.
    """

    name: str
    kind: str
    objects: int
    bytes: int
    lines: int
    incomplete: int
    changed_s: int | None


@dataclass(frozen=True, slots=True)
class TakenObject:
    """One file or object and how far it was read.

    Shape: ``number`` grows with each that is taken or read further.
    """

    number: int
    uri: str
    bytes: int
    size: int
    lines: int
    complete: bool
    encoding: str
    log_format: str
    changed_s: int | None


def taken_sources(db: StateDb) -> list[TakenSource]:
    """Where records came from, the newest first; all folders of a bucket are one."""
    found: dict[str, TakenSource] = {}
    for folder, objects, size, lines, incomplete, changed in db.all(_BY_FOLDER, (FOLDERS_MAX,)):
        name = _source_name(printable(os.fsdecode(folder)))
        kind = "bucket" if name.startswith("s3://") else "folder"
        one = TakenSource(name, kind, objects, size, lines, incomplete, _seconds(changed))
        found[name] = _added(found[name], one) if name in found else one
    return list(found.values())


def taken_objects(
    db: StateDb, *, limit: int, before: int | None = None, name: str = ""
) -> list[TakenObject]:
    """Files and objects, those taken last first; ``name`` is a part of theirs."""
    values = (name, name, 1 << 62 if before is None else before, limit)
    return [
        TakenObject(
            row[0], printable(os.fsdecode(row[1])), row[2], row[3], row[4], bool(row[5]),
            row[6] or "", row[7] or "", _seconds(row[8]),
        )
        for row in db.all(_OBJECTS, values)
    ]  # fmt: skip


def _source_name(folder: str) -> str:
    if not folder.startswith("s3://"):
        return folder.rstrip("/") or "standard input"
    return "/".join(folder.split("/")[:3])


def _added(one: TakenSource, other: TakenSource) -> TakenSource:
    changed = [time for time in (one.changed_s, other.changed_s) if time is not None]
    return replace(
        one,
        objects=one.objects + other.objects,
        bytes=one.bytes + other.bytes,
        lines=one.lines + other.lines,
        incomplete=one.incomplete + other.incomplete,
        changed_s=max(changed, default=None),
    )


def _seconds(changed_ns: Any) -> int | None:
    return None if changed_ns is None else int(changed_ns) // _NANOSECONDS
