"""Names in SQL: which source a column comes from, and whether it holds addresses."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from vpcflow.base.errors import FilterError
from vpcflow.query.sql_address import AddressKind
from vpcflow.query.sql_text import position_of
from vpcflow.query.sql_view import RecordScan


@dataclass(frozen=True, slots=True)
class OutColumn:
    """A column that a source or a query gives.

    Shape: ``field`` is the AWS column whose value it holds, empty for anything made from values.
    """

    name: str
    kind: AddressKind | None = None
    field: str = ""


@dataclass(slots=True)
class Source:
    """One entry of a FROM: its name in the query and its columns by name in lower case."""

    name: str
    columns: dict[str, OutColumn]
    scan: RecordScan | None = None
    #: Columns of SELECT *, in order; empty for what does not show, such as the right of a SEMI JOIN.
    shown: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Found:
    """A resolved name: its column, and its source unless it is an alias of the SELECT list."""

    column: OutColumn
    source: Source | None
    #: Name without a source's name: aliases, and columns that USING merges.
    is_bare: bool = False


@dataclass(slots=True)
class Scope:
    """The names that one SELECT sees: its sources, its own aliases, and those around it."""

    text: str
    parent: Scope | None = None
    sources: list[Source] = field(default_factory=list)
    aliases: dict[str, OutColumn] = field(default_factory=dict)
    merged: set[str] = field(default_factory=set)
    #: In ORDER BY an alias hides a column of the same name; elsewhere the column hides the alias.
    aliases_first: bool = False

    def add(self, source: Source, position: int) -> None:
        """Take one more source.

        Errors: FilterError when its name is taken.
        """
        if any(other.name == source.name for other in self.sources):
            raise FilterError(
                f"{source.name} stands in FROM twice",
                text=self.text,
                position=position,
                hint="give each its own name: flow_records a JOIN flow_records b",
            )
        self.sources.append(source)

    def resolve(self, node: Any, *, aliases_first: bool = False) -> Found:
        """What a column node means.

        Errors: FilterError at the name when nothing, or more than one thing, has it.
        """
        name, qualifier = node.name.lower(), node.text("table").lower()
        if aliases_first and not qualifier and name in self.aliases:
            return Found(self.aliases[name], None, is_bare=True)
        scope: Scope | None = self
        while scope is not None:
            found = scope._look(name, qualifier, node)
            if found is not None:
                return found
            scope = scope.parent
        raise self._unknown(node, name, qualifier)

    def _look(self, name: str, qualifier: str, node: Any) -> Found | None:
        if qualifier:
            for source in self.sources:
                if source.name == qualifier:
                    if name not in source.columns:
                        raise self._unknown(node, name, qualifier)
                    return self._use(source, name)
            return None
        holders = [source for source in self.sources if name in source.columns]
        if len(holders) > 1 and name not in self.merged:
            names = " or ".join(f"{source.name}.{name}" for source in holders[:2])
            raise FilterError(
                f"{node.name} is in more than one source",
                text=self.text,
                position=position_of(node),
                hint=f"write {names}",
            )
        if holders:
            found = self._use(holders[0], name)
            for other in holders[1:]:
                self._use(other, name)
            found.is_bare = name in self.merged
            return found
        if name in self.aliases:
            return Found(self.aliases[name], None, is_bare=True)
        return None

    @staticmethod
    def _use(source: Source, name: str) -> Found:
        column = source.columns[name]
        if source.scan is not None:
            source.scan.columns.add(column.name)
        return Found(column, source)

    def _names(self, qualifier: str) -> Iterable[str]:
        scope: Scope | None = self
        while scope is not None:
            for source in scope.sources:
                if not qualifier or source.name == qualifier:
                    yield from source.columns
            if not qualifier:
                yield from scope.aliases
            scope = scope.parent

    def _unknown(self, node: Any, name: str, qualifier: str) -> FilterError:
        names = set(self._names(qualifier))
        quoted = bool(node.this.args.get("quoted"))
        if qualifier and not names:
            known = ", ".join(source.name for source in self.sources) or "nothing"
            return FilterError(
                f"there is no {qualifier} in FROM",
                text=self.text,
                position=position_of(node),
                hint=f"FROM has {known}",
            )
        close = difflib.get_close_matches(
            name.replace("-", "_"), sorted(names), n=1, cutoff=0.75 if quoted else 0.6
        )
        hint = f"did you mean {close[0]}?" if close else "docs/reference/fields.md lists the fields"
        if quoted and not close:
            hint = "text stands in single quotes: 'ACCEPT'"
        return FilterError(
            f"there is no column {node.name[:60]}",
            text=self.text,
            position=position_of(node),
            hint=hint,
        )


def column_node(found: Found) -> exp.Expression:
    """The column as it is written in the rewritten query."""
    name = exp.Identifier(this=found.column.name, quoted=True)
    if found.is_bare or found.source is None:
        return exp.Column(this=name)
    return exp.Column(this=name, table=exp.Identifier(this=found.source.name, quoted=True))
