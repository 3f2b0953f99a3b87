"""Expressions in SQL: addresses stay 16 bytes where that is the same, and become text elsewhere.

Every rewritten expression has a kind. Comparisons, grouping, joins, counts and the like work on
the kind's bytes; whatever does not know addresses is given their text, so it sees what the asker
sees, only slower.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlglot import exp

from vpcflow.base.errors import FilterError
from vpcflow.query.sql_address import (
    AddressKind,
    address_to_text,
    network_number,
    raw,
    read_address,
    read_network_name,
)
from vpcflow.query.sql_calls import CALLS, now_sql, prefix_network, shift_is_network_test
from vpcflow.query.sql_scope import OutColumn, Scope, column_node
from vpcflow.query.sql_text import position_of
from vpcflow.query.sql_time import (
    TIME_FIELDS,
    call_name,
    macro_column,
    macro_of,
    macro_sql,
    read_moment,
)
from vpcflow.query.sql_view import sql_address

Value = tuple[exp.Expression, AddressKind | None]
Query = tuple[exp.Expression, list[OutColumn]]

_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ)
#: Functions whose value is one of the values of their first argument.
_CHOOSING = (
    exp.Max,
    exp.Min,
    exp.AnyValue,
    exp.First,
    exp.Last,
    exp.FirstValue,
    exp.LastValue,
    exp.NthValue,
    exp.Lag,
    exp.Lead,
    exp.Mode,
    exp.ArgMax,
    exp.ArgMin,
)
#: Arguments that turn a choosing function's value into something else.
_CHOOSING_BUT = ("count", "default", "expressions")
#: Functions that only count or tell apart their arguments.
_COUNTING = (exp.Count, exp.ApproxDistinct, exp.Grouping)
_LEAVES = (
    exp.Null,
    exp.Boolean,
    exp.Var,
    exp.Identifier,
    exp.DataType,
    exp.DataTypeParam,
    exp.Literal,
)


class ValueRewriter:
    """Rewrites expressions within a scope, in place; queries within them go to ``rewrite_query``."""

    def __init__(
        self,
        text: str,
        now_s: float,
        rewrite_query: Callable[[Any, Scope], Query],
        as_text_query: Callable[[Any, list[OutColumn]], exp.Expression],
    ) -> None:
        self.sql_text = text
        self.now_s = now_s
        self._rewrite_query = rewrite_query
        self._as_text_query = as_text_query

    def fault(self, what: str, node: Any, hint: str = "") -> FilterError:
        """A fault at a node."""
        return FilterError(what, text=self.sql_text, position=position_of(node), hint=hint)

    def stored(self, node: Any, scope: Scope) -> exp.Expression:
        """The expression with its addresses as bytes: for keys of groups, joins and orders."""
        return self.value(node, scope)[0]

    def text(self, node: Any, scope: Scope) -> exp.Expression:
        """The expression as the asker sees it, addresses as text."""
        if isinstance(node, exp.Distinct):
            node.set("expressions", [self.text(part, scope) for part in node.expressions])
            return node
        if isinstance(node, exp.Order):
            keys_as_text = isinstance(node.this, exp.Distinct)
            if node.this:
                node.set("this", self.text(node.this, scope))
            for key in node.expressions:
                write = self.text if keys_as_text else self.stored
                key.set("this", write(key.this, scope))
            return node
        return address_to_text(*self.value(node, scope))

    def value(self, node: Any, scope: Scope) -> Value:
        """The rewritten expression and what it holds."""
        if isinstance(node, _LEAVES):
            return node, None
        if isinstance(node, exp.Column):
            return self._column(node, scope)
        if isinstance(node, (exp.And, exp.Or)):
            return self._connector(node, scope), None
        if isinstance(node, _COMPARISONS):
            return self._comparison(node, scope), None
        if isinstance(node, (exp.In, exp.Between, exp.Exists, exp.Any, exp.All, exp.Subquery)):
            return self._with_queries(node, scope)
        if isinstance(node, (exp.Case, exp.If, exp.Coalesce, exp.Nullif, exp.Greatest, exp.Least)):
            return self._choice(node, scope)
        if isinstance(node, (exp.Window, exp.Filter, exp.WithinGroup)):
            return self._around_function(node, scope)
        if isinstance(node, (exp.Paren, exp.IgnoreNulls, exp.RespectNulls, exp.Ordered)):
            inner, kind = self.value(node.this, scope)
            node.set("this", inner)
            return node, kind
        if isinstance(node, (exp.Distinct, exp.Order)):
            return self._argument_list(node, scope)
        return self._function(node, scope)

    def _function(self, node: Any, scope: Scope) -> Value:
        if isinstance(node, exp.Star):
            raise self.fault("* stands only in a SELECT list and in count(*)", node)
        if isinstance(node, exp.Is):
            node.set("this", self.stored(node.this, scope))
            return node, None
        if isinstance(node, _COUNTING):
            return self._counting(node, scope), None
        if isinstance(node, _CHOOSING) and not macro_of(node):
            if not any(node.args.get(name) for name in _CHOOSING_BUT):
                inner, kind = self.value(node.this, scope)
                node.set("this", inner)
                self._generic(node, scope, skip=("this",))
                return node, kind
            return self._generic(node, scope), None
        if (
            isinstance(node, exp.Like)
            and prefix_network(node)
            and self.is_address(node.this, scope)
        ):
            network = exp.Literal.string(prefix_network(node))
            return CALLS["in_network"](self, [node.this, network], node, scope)
        if isinstance(node, exp.BitwiseLeftShift) and shift_is_network_test(node):
            return CALLS["in_network"](self, [node.this, node.expression], node, scope)
        if isinstance(node, exp.Cast) and node.to.this in exp.DataType.TEXT_TYPES:
            inner, kind = self.value(node.this, scope)
            if kind is not None:
                return address_to_text(inner, kind), None
            node.set("this", inner)
            return node, None
        if macro_of(node):
            column = self.stored(macro_column(node, self.sql_text), scope)
            return macro_sql(node, column, self.sql_text, self.now_s), None
        now = now_sql(node, self.now_s)
        if now is not None:
            return now, None
        call = CALLS.get(call_name(node))
        if call is not None:
            return call(self, list(node.expressions), node, scope)
        return self._generic(node, scope), None

    def _generic(self, node: Any, scope: Scope, skip: Sequence[str] = ()) -> exp.Expression:
        for name, part in list(node.args.items()):
            if name in skip or part is None:
                continue
            if isinstance(part, list):
                rewritten = [
                    self.text(one, scope) if isinstance(one, exp.Expr) else one for one in part
                ]
                node.set(name, rewritten)
            elif isinstance(part, exp.Expr):
                node.set(name, self.text(part, scope))
        return node

    def _column(self, node: Any, scope: Scope) -> Value:
        if isinstance(node.this, exp.Star):
            raise self.fault("* stands only in a SELECT list and in count(*)", node)
        if node.args.get("db") or node.args.get("catalog"):
            raise self.fault(
                "a column is named by itself or with one name before it", node, "write f.srcaddr"
            )
        found = scope.resolve(node, aliases_first=scope.aliases_first)
        return column_node(found), found.column.kind

    def _connector(self, node: Any, scope: Scope) -> exp.Expression:
        # A machine's query may hold thousands of OR: no recursion along the chain.
        parts = [self.text(part, scope) for part in list(node.flatten(unnest=False))]
        whole = parts[0]
        for part in parts[1:]:
            whole = type(node)(this=whole, expression=part)
        return whole

    def _comparison(self, node: Any, scope: Scope) -> exp.Expression:
        (left, right), _ = self.agree([node.this, node.expression], scope)
        node.set("this", left)
        node.set("expression", right)
        return node

    def is_time(self, node: Any, scope: Scope) -> bool:
        """Whether an expression is the field start or end as it is."""
        if not isinstance(node, exp.Column) or isinstance(node.this, exp.Star):
            return False
        found = scope.resolve(node, aliases_first=scope.aliases_first)
        return found.column.field in TIME_FIELDS

    @staticmethod
    def is_address(node: Any, scope: Scope) -> bool:
        """Whether an expression is a column of addresses as it is."""
        if not isinstance(node, exp.Column) or isinstance(node.this, exp.Star):
            return False
        kind = scope.resolve(node, aliases_first=scope.aliases_first).column.kind
        return kind is not None and not kind.is_network

    @staticmethod
    def is_text_literal(node: Any) -> bool:
        """Whether an expression is a text in quotes, brackets around it or not."""
        inner = node.unnest()
        return isinstance(inner, exp.Literal) and bool(inner.is_string)

    def agree(
        self, nodes: list[Any], scope: Scope, *, literals: bool = True
    ) -> tuple[list[exp.Expression], AddressKind | None]:
        """Rewrite expressions that meet each other: all as bytes of one kind, or all as text.

        Shape: ``literals`` says whether texts in quotes beside an address are addresses too.
        """
        if literals and any(self.is_time(node, scope) for node in nodes):
            nodes = [self._moment(node) for node in nodes]
        values = [self.value(node, scope) for node in nodes]
        kinds = {kind for _, kind in values if kind is not None}
        fits = len(kinds) == 1 and all(
            kind is not None
            or isinstance(value.unnest(), exp.Null)
            or (literals and self.is_text_literal(value))
            for value, kind in values
        )
        if not fits:
            return [address_to_text(value, kind) for value, kind in values], None
        (only,) = kinds
        return [
            self.literal(value.unnest(), only) if self.is_text_literal(value) else value
            for value, _ in values
        ], only

    def _moment(self, node: Any) -> exp.Expression:
        """A text in quotes beside start or end as epoch seconds; anything else as it is."""
        if not self.is_text_literal(node):
            return node
        return exp.Literal.number(read_moment(node.unnest(), self.sql_text, self.now_s))

    def literal(self, node: Any, kind: AddressKind) -> exp.Expression:
        """A text in quotes as bytes of a kind."""
        if kind.is_network:
            return network_number(read_network_name(node, self.sql_text, kind))
        return raw(sql_address(read_address(node, self.sql_text)))

    def _with_queries(self, node: Any, scope: Scope) -> Value:
        if isinstance(node, exp.Subquery):
            query, columns = self._rewrite_query(node, scope)
            if len(columns) != 1:
                raise self.fault("a query within an expression gives one column", node)
            return query, columns[0].kind
        if isinstance(node, exp.Exists):
            node.set("this", self._rewrite_query(node.this, scope)[0])
            return node, None
        if isinstance(node, (exp.Any, exp.All)):
            if isinstance(node.this, exp.Query):
                node.set("this", self._text_query(*self._rewrite_query(node.this, scope)))
                return node, None
            return self._generic(node, scope), None
        if isinstance(node, exp.Between):
            (value, low, high), _ = self.agree(
                [node.this, node.args["low"], node.args["high"]], scope
            )
            node.set("this", value)
            node.set("low", low)
            node.set("high", high)
            return node, None
        return self._in(node, scope), None

    def _text_query(self, query: Any, columns: list[OutColumn]) -> exp.Expression:
        if all(column.kind is None for column in columns):
            return query
        return exp.Subquery(this=self._as_text_query(query, columns))

    def _in(self, node: Any, scope: Scope) -> exp.Expression:
        query = node.args.get("query")
        if query is not None:
            value, kind = self.value(node.this, scope)
            inner, columns = self._rewrite_query(query, scope)
            if len(columns) == 1 and columns[0].kind != kind:
                value, inner = address_to_text(value, kind), self._text_query(inner, columns)
            elif len(columns) != 1:
                value = self.text(value, scope) if kind is None else address_to_text(value, kind)
                inner = self._text_query(inner, columns)
            node.set("this", value)
            node.set("query", inner)
            return node
        if not node.expressions:
            return self._generic(node, scope)
        (value, *values), _ = self.agree([node.this, *node.expressions], scope)
        node.set("this", value)
        node.set("expressions", values)
        return node

    def _choice(self, node: Any, scope: Scope) -> Value:
        if isinstance(node, exp.Nullif):
            (left, right), kind = self.agree([node.this, node.expression], scope)
            node.set("this", left)
            node.set("expression", right)
            return node, kind
        if isinstance(node, (exp.Coalesce, exp.Greatest, exp.Least)):
            (first, *rest), kind = self.agree([node.this, *node.expressions], scope, literals=False)
            node.set("this", first)
            node.set("expressions", rest)
            return node, kind
        branches = [node] if isinstance(node, exp.If) else node.args["ifs"]
        if isinstance(node, exp.Case) and node.this is not None:
            (operand, *tests), _ = self.agree([node.this, *(b.this for b in branches)], scope)
            node.set("this", operand)
        else:
            tests = [self.text(branch.this, scope) for branch in branches]
        last_name = "false" if isinstance(node, exp.If) else "default"
        results = [branch.args["true"] for branch in branches]
        last = node.args.get(last_name)
        chosen, kind = self.agree([*results, *([last] if last else [])], scope, literals=False)
        for branch, test, result in zip(branches, tests, chosen, strict=False):
            branch.set("this", test)
            branch.set("true", result)
        if last:
            node.set(last_name, chosen[-1])
        return node, kind

    def _around_function(self, node: Any, scope: Scope) -> Value:
        if isinstance(node, exp.WithinGroup):
            for key in node.expression.expressions:
                key.set("this", self.text(key.this, scope))
            node.set("this", self.text(node.this, scope))
            return node, None
        inner, kind = self.value(node.this, scope)
        node.set("this", inner)
        if isinstance(node, exp.Filter):
            where = node.expression
            where.set("this", self.text(where.this, scope))
            return node, kind
        self.window(node, scope)
        return node, kind

    def window(self, node: Any, scope: Scope) -> None:
        """Rewrite what a window is cut and ordered by."""
        keys = [self.stored(key, scope) for key in node.args.get("partition_by") or []]
        node.set("partition_by", keys)
        if node.args.get("order"):
            self._argument_list(node.args["order"], scope)
        spec = node.args.get("spec")
        if spec is not None:
            self._generic(spec, scope)

    def _argument_list(self, node: Any, scope: Scope) -> Value:
        kind = None
        if isinstance(node, exp.Order):
            if node.this:
                inner, kind = self.value(node.this, scope)
                node.set("this", inner)
            node.set("expressions", [self.stored(key, scope) for key in node.expressions])
            return node, kind
        values = [self.value(part, scope) for part in node.expressions]
        if len(values) == 1:
            kind = values[0][1]
        node.set("expressions", [value for value, _ in values])
        return node, kind

    def _counting(self, node: Any, scope: Scope) -> exp.Expression:
        if isinstance(node.this, exp.Expr) and not isinstance(node.this, exp.Star):
            node.set("this", self.stored(node.this, scope))
        node.set("expressions", [self.stored(part, scope) for part in node.expressions])
        return node
