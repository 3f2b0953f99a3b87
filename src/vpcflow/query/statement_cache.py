"""Compiled statements on disk, so that a question asked before needs no compiler.

Importing Ibis and compiling a statement takes about a second; reading one takes a millisecond.
A statement is kept under a digest of everything that it depends on: the question, its parameters,
the shape of its condition, the source of this package and the compiler's version. Values are not
part of it. The folder may be deleted at any time, and need not be writable.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.util
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from vpcflow.query.statement import Statement


class StatementCache:
    """Compiled statements in a folder, at most ``statements_max`` of them."""

    def __init__(self, folder: Path | None, *, statements_max: int) -> None:
        self._folder = folder if statements_max else None
        self._statements_max = statements_max

    def key(self, *parts: Any) -> str:
        """The digest of what a statement depends on."""
        text = json.dumps([_source_digest(), *parts], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:40]

    def get(self, key: str) -> Statement | None:
        """The statement of a key; None when it is not there or cannot be read."""
        if self._folder is None:
            return None
        try:
            found = json.loads((self._folder / f"{key}.json").read_bytes())
            return Statement(
                found["dialect"], found["sql"], tuple(found["tables"]), tuple(found["columns"])
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put(self, key: str, statement: Statement) -> None:
        """Keep a statement; a folder that cannot be written keeps nothing, and that is no fault."""
        if self._folder is None:
            return
        text = json.dumps(
            {
                "dialect": statement.dialect,
                "sql": statement.sql,
                "tables": statement.tables,
                "columns": statement.columns,
            }
        )
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            self._make_room()
            handle, name = tempfile.mkstemp(dir=self._folder, suffix=".new")
            with os.fdopen(handle, "w") as file:
                file.write(text)
            Path(name).replace(self._folder / f"{key}.json")

    def _make_room(self) -> None:
        assert self._folder is not None
        kept = sorted(self._folder.iterdir(), key=lambda path: path.stat().st_mtime)
        for path in kept[: max(0, len(kept) - self._statements_max + 1)]:
            path.unlink(missing_ok=True)


@functools.cache
def _source_digest() -> str:
    """What compiled statements were made by: this package's source and the compiler's place."""
    digest = hashlib.sha256()
    root = Path(__file__).parent
    for path in sorted(root.rglob("*.py")):
        digest.update(path.read_bytes())
    for name in ("stored_schema", "rollup_schema", "rollup_paths", "address_scope"):
        digest.update((root.parent / "store" / f"{name}.py").read_bytes())
    # The installed version without importing the package, which is what the cache avoids.
    found = importlib.util.find_spec("ibis")
    if found and found.origin:
        places = sorted(Path(found.origin).parent.parent.glob("ibis_framework-*"))
        digest.update(repr([place.name for place in places]).encode())
    return digest.hexdigest()
