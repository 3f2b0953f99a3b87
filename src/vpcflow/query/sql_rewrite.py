"""Queries in SQL: SELECT by SELECT from the view's names to the stored columns."""

from __future__ import annotations

import difflib
from typing import Any

from sqlglot import exp

from vpcflow.base.errors import FilterError
from vpcflow.query.sql_address import ADDRESS, address_to_text, raw
from vpcflow.query.sql_prune import bound_scans
from vpcflow.query.sql_scope import OutColumn, Scope, Source
from vpcflow.query.sql_text import position_of
from vpcflow.query.sql_values import Query, ValueRewriter
from vpcflow.query.sql_view import UNKNOWN_FIELDS, VIEW_NAME, RecordScan, is_address

_Ctes = dict[str, list[OutColumn]]
#: Joins whose outcome depends on records that WHERE drops: their scans are not narrowed.
_ORDERED_JOINS = frozenset({"ASOF"})
_REFUSED_JOINS = {
    "NATURAL": "name the columns: JOIN ... USING (interface_id)",
    "POSITIONAL": "records have no places: name the columns with ON or USING",
}


class QueryRewriter:
    """Rewrites one query in place; ``scans`` are its readings of flow_records, by marker.

    Shape: ``view_columns`` are the columns of ``SELECT *``, ``all_columns`` all that have a name.
    """

    def __init__(
        self, text: str, *, now_s: float, view_columns: list[str], all_columns: list[str]
    ) -> None:
        self.text = text
        self.now_s = now_s
        self.view_columns = view_columns
        self.all_columns = all_columns
        self.scans: dict[str, RecordScan] = {}
        self._unnamed = 0
        self._ctes: list[_Ctes] = [{}]
        self._marker = "vpcflow_scan_"
        while self._marker in text:
            self._marker += "x"
        self.values = ValueRewriter(text, now_s, self.rewrite, self.as_text)

    def fault(self, what: str, node: Any, hint: str = "") -> FilterError:
        """A fault at a node."""
        return FilterError(what, text=self.text, position=position_of(node), hint=hint)

    def rewrite(self, query: Any, parent: Scope | None) -> Query:
        """The rewritten query, and the columns that it gives.

        Errors: FilterError for a name or a shape that there is not.
        """
        if isinstance(query, exp.Subquery):
            inner, columns = self.rewrite(query.this, parent)
            query.set("this", inner)
            return query, columns
        if not isinstance(query, (exp.Select, exp.SetOperation)):
            raise self.fault("here stands a SELECT", query)
        self._ctes.append(dict(self._ctes[-1]))
        try:
            self._take_ctes(query, parent)
            self._check_limits(query)
            if isinstance(query, exp.Select):
                return self._select(query, parent)
            return self._set_operation(query, parent)
        finally:
            self._ctes.pop()

    def as_text(self, query: Any, columns: list[OutColumn]) -> exp.Expression:
        """The query with its addresses as text, columns and names the same."""
        names = [f"c{index}" for index in range(len(columns))]
        items = [
            exp.Alias(
                this=address_to_text(exp.Column(this=exp.Identifier(this=name)), column.kind),
                alias=exp.Identifier(this=column.name, quoted=True),
            )
            for name, column in zip(names, columns, strict=True)
        ]
        alias = exp.TableAlias(
            this=exp.Identifier(this="q"), columns=[exp.Identifier(this=name) for name in names]
        )
        inner = query if isinstance(query, exp.Subquery) else exp.Subquery(this=query)
        inner.set("alias", alias)
        return exp.Select(expressions=items, from_=exp.From(this=inner))

    def _take_ctes(self, query: Any, parent: Scope | None) -> None:
        with_ = query.args.get("with_")
        for cte in with_.expressions if with_ else []:
            name = cte.alias.lower()
            if name == VIEW_NAME:
                raise self.fault(f"{VIEW_NAME} is the table's own name", cte.args["alias"])
            inner, columns = self.rewrite(cte.this, parent)
            cte.set("this", inner)
            alias = cte.args["alias"]
            self._ctes[-1][name] = self._renamed(columns, alias)
            alias.set("this", exp.Identifier(this=name, quoted=True))

    def _renamed(self, columns: list[OutColumn], alias: Any) -> list[OutColumn]:
        names = alias.args.get("columns") or [] if alias else []
        if len(names) > len(columns):
            raise self.fault(f"there are {len(columns)} columns to name, not {len(names)}", alias)
        renamed = [
            OutColumn(name.name, column.kind, column.field)
            for name, column in zip(names, columns, strict=False)
        ]
        return renamed + columns[len(renamed) :]

    def _check_limits(self, query: Any) -> None:
        for part in ("limit", "offset"):
            node = query.args.get(part)
            if node is None:
                continue
            value = node.args.get("count") if isinstance(node, exp.Fetch) else node.expression
            options = node.args.get("limit_options")
            if (
                not isinstance(value, exp.Literal)
                or not value.name.isdigit()
                or len(value.name) > 18
                or (options and (options.args.get("percent") or options.args.get("with_ties")))
            ):
                raise self.fault(f"{part.upper()} takes a whole number of rows", node)

    def _set_operation(self, query: Any, parent: Scope | None) -> Query:
        left, left_columns = self.rewrite(query.this, parent)
        right, right_columns = self.rewrite(query.expression, parent)
        by_name = bool(query.args.get("by_name"))
        if not by_name and len(left_columns) != len(right_columns):
            raise self.fault(
                f"the SELECT above gives {len(left_columns)} columns, this one "
                f"{len(right_columns)}",
                query.expression,
            )
        columns = left_columns
        if by_name or [c.kind for c in left_columns] != [c.kind for c in right_columns]:
            left = exp.Subquery(this=self.as_text(left, left_columns))
            right = exp.Subquery(this=self.as_text(right, right_columns))
            named = {column.name.lower(): column for column in [*right_columns, *left_columns]}
            order = [c.name.lower() for c in left_columns]
            if by_name:
                order += [c.name.lower() for c in right_columns if c.name.lower() not in order]
            columns = [OutColumn(named[name].name, None, named[name].field) for name in order]
        query.set("this", left)
        query.set("expression", right)
        scope = Scope(self.text, parent)
        scope.aliases = {column.name.lower(): column for column in columns}
        self._order(query, scope)
        return query, columns

    def _select(self, query: Any, parent: Scope | None) -> Query:
        scope = Scope(self.text, parent)
        if query.args.get("from_"):
            query.args["from_"].set("this", self._source(query.args["from_"].this, scope))
        methods = set()
        for join in query.args.get("joins") or []:
            methods.add(join.method.upper())
            self._join(join, scope)
        if not query.expressions:
            raise self.fault("SELECT names no columns", query, "write SELECT * or name fields")
        items: list[Any] = []
        columns: list[OutColumn] = []
        for item in query.expressions:
            self._item(item, scope, items, columns)
        query.set("expressions", items)
        where = query.args.get("where")
        if where is not None and not methods & _ORDERED_JOINS:
            bound_scans(where.this, scope, self.now_s)
        for part in ("where", "having", "qualify"):
            if query.args.get(part):
                node = query.args[part]
                node.set("this", self.values.text(node.this, scope))
        if query.args.get("group"):
            self._group(query.args["group"], scope)
        for window in query.args.get("windows") or []:
            self.values.window(window, scope)
        distinct = query.args.get("distinct")
        if distinct is not None and distinct.args.get("on"):
            keys = distinct.args["on"]
            keys.set("expressions", [self.values.stored(k, scope) for k in keys.expressions])
        self._order(query, scope)
        return query, columns

    def _order(self, query: Any, scope: Scope) -> None:
        order = query.args.get("order")
        if order is None:
            return
        scope.aliases_first = True
        order.set("expressions", [self.values.stored(key, scope) for key in order.expressions])
        scope.aliases_first = False

    def _group(self, group: Any, scope: Scope) -> None:
        def stored(node: Any) -> Any:
            # In grouping sets (a, b) is a list of keys, not a value.
            if isinstance(node, (exp.Tuple, exp.GroupingSets, exp.Rollup, exp.Cube)):
                node.set("expressions", [stored(part) for part in node.expressions])
                return node
            return self.values.stored(node, scope)

        group.set("expressions", [stored(key) for key in group.expressions])
        for part in ("grouping_sets", "rollup", "cube"):
            if group.args.get(part):
                group.set(part, [stored(one) for one in group.args[part]])

    def _item(self, item: Any, scope: Scope, items: list[Any], columns: list[OutColumn]) -> None:
        """Rewrite one entry of a SELECT list, a star into all that it stands for."""
        star = item if isinstance(item, exp.Star) else getattr(item, "this", None)
        if isinstance(star, exp.Star) and isinstance(item, (exp.Star, exp.Column)):
            self._star(item, star, scope, items, columns)
            return
        inner = item.this if isinstance(item, exp.Alias) else item
        field = self._field(inner, scope)
        if isinstance(item, exp.Alias):
            name = item.alias
        elif isinstance(item, exp.Column):
            name = item.name.lower() if field else item.name
        else:
            name = item.sql("duckdb", normalize_functions="lower", comments=False)[:200]
        value, kind = self.values.value(inner, scope)
        column = OutColumn(name, kind, field)
        items.append(exp.Alias(this=value, alias=exp.Identifier(this=name, quoted=True)))
        columns.append(column)
        if isinstance(item, exp.Alias):
            scope.aliases[name.lower()] = column

    def _field(self, node: Any, scope: Scope) -> str:
        """The AWS column whose values an entry gives: itself, or sum, min, max and avg of it."""
        if isinstance(node, (exp.Sum, exp.Min, exp.Max, exp.Avg)):
            node = node.this
        if isinstance(node, exp.Column) and not isinstance(node.this, exp.Star):
            return scope.resolve(node).column.field
        return ""

    def _star(
        self, item: Any, star: Any, scope: Scope, items: list[Any], columns: list[OutColumn]
    ) -> None:
        qualifier = item.text("table").lower() if isinstance(item, exp.Column) else ""
        sources = [s for s in scope.sources if not qualifier or s.name == qualifier]
        if not sources:
            raise self.fault(f"there is no {qualifier or 'table'} in FROM", item)
        left_out = {node.name.lower() for node in star.args.get("except_") or []}
        replaced = {node.alias.lower(): node for node in star.args.get("replace") or []}
        renamed = {node.this.name.lower(): node.alias for node in star.args.get("rename") or []}
        seen: set[str] = set()
        known: set[str] = set()
        for source in sources:
            for name in source.shown:
                known.add(name)
                if name in left_out or (not qualifier and name in scope.merged and name in seen):
                    continue
                seen.add(name)
                node = exp.Column(
                    this=exp.Identifier(this=name), table=exp.Identifier(this=source.name)
                )
                if not qualifier and name in scope.merged:
                    node.set("table", None)
                column = scope.resolve(node).column
                value: Any = replaced[name].this if name in replaced else node
                rewritten, kind = self.values.value(value, scope)
                field = "" if name in replaced else column.field
                out = OutColumn(renamed.get(name, column.name), kind, field)
                alias = exp.Identifier(this=out.name, quoted=True)
                items.append(exp.Alias(this=rewritten, alias=alias))
                columns.append(out)
        missing = sorted((left_out | set(replaced) | set(renamed)) - known)
        if missing:
            raise self.fault(f"* has no column {missing[0]}", star)

    def _join(self, join: Any, scope: Scope) -> None:
        method = join.method.upper()
        if method in _REFUSED_JOINS:
            raise self.fault(f"{method} JOIN is not supported", join, _REFUSED_JOINS[method])
        join.set("this", self._source(join.this, scope))
        right = scope.sources[-1]
        for identifier in join.args.get("using") or []:
            self._merge(identifier, right, scope)
        if join.args.get("on"):
            join.set("on", self.values.text(join.args["on"], scope))
        if join.kind.upper() in {"SEMI", "ANTI"}:
            # From here on the right side is no more than a condition.
            right.shown, right.columns = [], {}

    def _merge(self, identifier: Any, right: Source, scope: Scope) -> None:
        """Take one column of USING: both sides have it, in one kind."""
        name = identifier.name.lower()
        holders = [s for s in scope.sources if s is not right and name in s.columns]
        if not holders or name not in right.columns:
            raise self.fault(f"not both sides have the column {name}", identifier)
        left_column, right_column = holders[0].columns[name], right.columns[name]
        if left_column.kind != right_column.kind:
            raise self.fault(
                f"{name} is an address on one side and text on the other",
                identifier,
                f"write ON {holders[0].name}.{name} = {right.name}.{name}",
            )
        for source, column in ((holders[0], left_column), (right, right_column)):
            if source.scan is not None:
                source.scan.columns.add(column.name)
        scope.merged.add(name)
        identifier.set("quoted", True)

    def _source(self, node: Any, scope: Scope) -> exp.Expression:
        """Rewrite one entry of a FROM and add its names to the scope."""
        alias = node.args.get("alias")
        if isinstance(node, exp.Subquery):
            if not isinstance(node.this, exp.Query):
                raise self.fault("a join in brackets is not supported", node, "leave them out")
            inner, columns = self.rewrite(node.this, scope)
            node.set("this", inner)
        elif isinstance(node, exp.Values):
            columns = self._values(node, scope)
        elif isinstance(node, exp.Unnest):
            node.set("expressions", [self.values.text(e, scope) for e in node.expressions])
            columns = [OutColumn("unnest")]
        elif isinstance(node, exp.Table) and isinstance(node.this, exp.Func):
            node.set("this", self.values.text(node.this, scope))
            written = self.text[node.this.meta.get("start", 0) :].lower()
            columns = [OutColumn("range" if written.startswith("range") else "generate_series")]
        elif isinstance(node, exp.Table):
            return self._table(node, alias, scope)
        else:
            raise self.fault(f"{node.key.upper()} cannot stand in FROM", node)
        columns = self._renamed(columns, alias)
        name = alias.name.lower() if alias is not None and alias.this is not None else ""
        if not name:
            self._unnamed += 1
            name = f"unnamed_{self._unnamed}"
        named = exp.TableAlias(this=exp.Identifier(this=name, quoted=True))
        if isinstance(node, exp.Values) or (alias is not None and alias.args.get("columns")):
            named.set("columns", [exp.Identifier(this=c.name, quoted=True) for c in columns])
        node.set("alias", named)
        self._add(name, columns, scope, node)
        return node

    def _values(self, node: Any, scope: Scope) -> list[OutColumn]:
        width = 1
        for row in node.expressions:
            parts = row.expressions if isinstance(row, exp.Tuple) else [row]
            width = len(parts)
            if isinstance(row, exp.Tuple):
                row.set("expressions", [self.values.text(part, scope) for part in parts])
        return [OutColumn(f"col{index}") for index in range(width)]

    def _table(self, node: Any, alias: Any, scope: Scope) -> exp.Expression:
        table = node.name.lower()
        name = alias.name.lower() if alias is not None else table
        named = exp.TableAlias(this=exp.Identifier(this=name, quoted=True))
        cte = self._ctes[-1].get(table)
        if cte is not None:
            columns = self._renamed(cte, alias)
            if alias is not None and alias.args.get("columns"):
                named.set("columns", [exp.Identifier(this=c.name, quoted=True) for c in columns])
            self._add(name, columns, scope, node)
            return exp.Table(this=exp.Identifier(this=table, quoted=True), alias=named)
        if table != VIEW_NAME:
            known = [VIEW_NAME, *self._ctes[-1]]
            close = difflib.get_close_matches(table, known, n=1, cutoff=0.5)
            raise self.fault(
                f"there is no table {node.name[:60]}",
                node,
                f"did you mean {close[0]}?" if close else f"the one table is {VIEW_NAME}",
            )
        if alias is not None and alias.args.get("columns"):
            raise self.fault(f"{VIEW_NAME} keeps its column names", alias)
        scan = RecordScan()
        marker = f"{self._marker}{len(self.scans)}_"
        self.scans[marker] = scan
        columns_by_name = {column: _view_column(column) for column in self.all_columns}
        scope.add(Source(name, columns_by_name, scan, list(self.view_columns)), position_of(node))
        return exp.Table(this=raw(f"({marker})"), alias=named)

    def _add(self, name: str, columns: list[OutColumn], scope: Scope, node: Any) -> None:
        by_name: dict[str, OutColumn] = {}
        for column in columns:
            by_name.setdefault(column.name.lower(), column)
        scope.add(Source(name, by_name, None, list(by_name)), position_of(node))


def _view_column(name: str) -> OutColumn:
    return OutColumn(
        name, ADDRESS if is_address(name) else None, "" if name == UNKNOWN_FIELDS else name
    )
