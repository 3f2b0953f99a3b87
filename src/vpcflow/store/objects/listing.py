"""Pages of keys in the order of their UTF-8 bytes, folded at a delimiter."""

from __future__ import annotations

from dataclasses import dataclass

from vpcflow.store.objects.index import ObjectIndex
from vpcflow.store.objects.stored_object import ROW, StoredObject

#: Rows that one question of a folded list reads before it looks where to go on.
_FOLDED_ROWS = 64


@dataclass(frozen=True, slots=True)
class ObjectPage:
    """One page: objects and folded prefixes, each in order.

    Shape: ``last`` is the last key or prefix of the page; ``more`` says that something follows it.
    """

    objects: tuple[StoredObject, ...]
    prefixes: tuple[str, ...]
    last: str
    more: bool


def list_page(
    index: ObjectIndex, bucket: str, *, prefix: str, delimiter: str, after: str, limit: int
) -> ObjectPage:
    """Up to ``limit`` keys and prefixes that begin with ``prefix`` and come after ``after``.

    Shape: a folded prefix that is ``after`` itself, or that ``after`` lies in, is not given again.
    """
    if limit <= 0:
        return ObjectPage((), (), "", False)
    lower, upper, fold = prefix.encode(), _successor(prefix.encode()), delimiter.encode()
    objects: list[StoredObject] = []
    prefixes: list[str] = []
    start, last = _start(lower, fold, after.encode()), ""
    while True:
        wanted = limit - len(objects) - len(prefixes) + 1
        rows = _rows(index, bucket, start, upper, min(wanted, _FOLDED_ROWS) if fold else wanted)
        for row in rows:
            key = bytes(row[0])
            end = key.find(fold, len(lower)) if fold else -1
            if len(objects) + len(prefixes) == limit:
                return ObjectPage(tuple(objects), tuple(prefixes), last, True)
            if end < 0:
                objects.append(StoredObject.from_row(bucket, row))
                last, start = objects[-1].key, key + b"\0"
                continue
            folded = key[: end + len(fold)]
            last = folded.decode(errors="surrogateescape")
            prefixes.append(last)
            past = _successor(folded)
            if past is None:
                return ObjectPage(tuple(objects), tuple(prefixes), last, False)
            start = past
            break
        else:
            if not fold or len(rows) < min(wanted, _FOLDED_ROWS):
                return ObjectPage(tuple(objects), tuple(prefixes), last, False)


def _rows(
    index: ObjectIndex, bucket: str, start: bytes, upper: bytes | None, limit: int
) -> list[tuple[bytes, str, int, str, int, str, str]]:
    bound = "" if upper is None else "AND key < ?"
    values = (bucket, start, limit) if upper is None else (bucket, start, upper, limit)
    return index.rows(
        f"SELECT {ROW} FROM objects WHERE bucket = ? AND key >= ? {bound} ORDER BY key LIMIT ?",  # noqa: S608
        values,
    )


def _start(lower: bytes, fold: bytes, after: bytes) -> bytes:
    if not after:
        return lower
    if fold and after.startswith(lower):
        end = after.find(fold, len(lower))
        if end >= 0:
            past = _successor(after[: end + len(fold)])
            return max(lower, past or after + b"\0")
    return max(lower, after + b"\0")


def _successor(prefix: bytes) -> bytes | None:
    """The first byte string after all those that begin with ``prefix``; None when there is none."""
    trimmed = prefix.rstrip(b"\xff")
    return trimmed[:-1] + bytes([trimmed[-1] + 1]) if trimmed else None
