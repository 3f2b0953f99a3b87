"""Engines that answer compiled statements over Parquet files: one protocol, several backends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from vpcflow.query.plan import StoredValue
from vpcflow.query.statement import Statement

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class FileTable:
    """A name that statements use, and the Parquet files behind it.

    Shape: with ``stored`` the files have the stored schema, found by field id, and may lack
    columns, which are null then; without it all files have the same columns.
    """

    name: str
    paths: tuple[str, ...]
    stored: bool = True


@dataclass(frozen=True, slots=True)
class EngineResult:
    """Rows of a statement, cut after the settings' ``rows_max``."""

    table: pa.Table
    truncated: bool


class QueryEngine(Protocol):
    """Runs statements of one SQL dialect over files, read-only and bounded.

    Errors: LimitError when a bound was met, QueryError when the engine refuses a statement.
    """

    dialect: str

    def run(self, statement: Statement, values: Sequence[StoredValue]) -> EngineResult:
        """The rows of a statement; ``values`` fill its places."""

    def close(self) -> None:
        """Give everything back; the engine is of no use afterwards."""
