"""What SQL may hold: closed lists of nodes and functions; everything else is refused."""

from __future__ import annotations

import difflib
from itertools import pairwise
from typing import Any

from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.tokens import TokenType

from vpcflow.base.errors import FilterError
from vpcflow.query.sql_functions import FUNCTIONS, HINTS, SYNTAX_WORDS, TABLE_FUNCTIONS
from vpcflow.query.sql_growth import check_growth
from vpcflow.query.sql_text import LIST_VALUES_MAX, position_of

#: Nodes that are not functions and may stand in a query.
_NODES: tuple[type, ...] = (
    exp.Select,
    exp.SetOperation,
    exp.Subquery,
    exp.With,
    exp.CTE,
    exp.From,
    exp.Join,
    exp.Table,
    exp.TableAlias,
    exp.Values,
    exp.Unnest,
    exp.Where,
    exp.Group,
    exp.GroupingSets,
    exp.Rollup,
    exp.Cube,
    exp.Having,
    exp.Qualify,
    exp.Order,
    exp.Ordered,
    exp.Limit,
    exp.Fetch,
    exp.LimitOptions,
    exp.Offset,
    exp.Distinct,
    exp.Window,
    exp.WindowSpec,
    exp.Filter,
    exp.WithinGroup,
    exp.IgnoreNulls,
    exp.RespectNulls,
    exp.Alias,
    exp.Column,
    exp.Identifier,
    exp.Star,
    exp.Literal,
    exp.Null,
    exp.Boolean,
    exp.Var,
    exp.Paren,
    exp.Tuple,
    exp.Interval,
    exp.IntervalSpan,
    exp.DataType,
    exp.DataTypeParam,
    exp.Slice,
    exp.Bracket,
    exp.PropertyEQ,
    exp.Binary,
    exp.Unary,
    exp.Between,
    exp.In,
    exp.If,
    exp.Case,
    exp.Exists,
    exp.Any,
    exp.All,
    exp.Func,
    exp.AtTimeZone,
    exp.HavingMax,
)

#: Functions and operators by class that never may, whatever they are called.
_REFUSED: tuple[type, ...] = (
    exp.Anonymous,  # judged by name
    exp.Dot,
    exp.Lambda,
    exp.Columns,
    exp.Placeholder,
    exp.Parameter,
    exp.DDL,
    exp.DML,
    exp.Command,
    exp.Into,
)

#: Functions that need no brackets, so that their names are not seen as calls.
_BARE_FUNCTIONS: frozenset[type] = frozenset(DuckDB.Parser.NO_PAREN_FUNCTIONS.values()) - {
    exp.CurrentDate,
    exp.CurrentTimestamp,
}

#: The parts that these nodes may have; a part that is not named here is refused when it is set.
_SELECT_PARTS = (
    "with_ expressions from_ joins where group having qualify windows order limit offset distinct"
)
_SET_PARTS = "with_ this expression distinct by_name order limit offset"
_PARTS: dict[type, frozenset[str]] = {
    exp.Select: frozenset(_SELECT_PARTS.split()),
    exp.SetOperation: frozenset(_SET_PARTS.split()),
    exp.Table: frozenset({"this", "alias"}),
    exp.Subquery: frozenset({"this", "alias"}),
    exp.Join: frozenset({"this", "on", "using", "side", "kind", "method"}),
    exp.Limit: frozenset({"expression"}),
    exp.Fetch: frozenset({"direction", "count", "limit_options"}),
    exp.With: frozenset({"expressions"}),
    exp.CTE: frozenset({"this", "alias", "materialized"}),
    exp.Star: frozenset({"except_", "replace", "rename"}),
}

_PART_NAMES = {
    "into": "SELECT INTO writes a table",
    "locks": "FOR UPDATE locks rows",
    "sample": "SAMPLE is not supported",
    "pivots": "PIVOT is not supported",
    "when": "old snapshots cannot be asked for",
    "recursive": "WITH RECURSIVE is not supported",
    "laterals": "LATERAL is not supported",
    "db": "there is one table, flow_records, without a schema",
    "catalog": "there is one table, flow_records, without a schema",
    "limit_options": "LIMIT takes a whole number of rows",
    "expressions": "LIMIT ... BY is not supported",
}


def check_sql(tree: exp.Expression, tokens: list[Any], text: str) -> None:
    """Refuse everything that is not a plain question.

    Errors: FilterError at the first node or function that is not on the lists.
    """
    # WITH t(a, b) and AS t(a, b) look like calls and are none.
    names = {
        alias.this.meta.get("start")
        for alias in tree.find_all(exp.TableAlias)
        if alias.args.get("columns") and alias.this
    }
    for token, after in pairwise(tokens):
        if after.token_type == TokenType.L_PAREN and token.start not in names:
            _check_call(token, text)
    for node in tree.walk():
        _check_node(node, text)
    check_growth(tree, text)


def _check_node(node: Any, text: str) -> None:
    def fault(what: str, hint: str = "") -> FilterError:
        return FilterError(what, text=text, position=position_of(node), hint=hint)

    if isinstance(node, exp.Anonymous):
        if node.name.lower() not in FUNCTIONS:
            raise unknown_function(node.name, text, position_of(node))
        return
    if isinstance(node, exp.Dot):
        raise fault("a value has no parts and no methods here", "write upper(action), and f.action")
    if isinstance(node, exp.Lambda):
        raise fault("functions of the form x -> ... are not supported")
    if type(node) in _BARE_FUNCTIONS:
        raise unknown_function(node.key, text, position_of(node))
    kind: str = node.key
    if isinstance(node, _REFUSED) or not isinstance(node, _NODES):
        raise fault(
            f"{kind.upper()} is not part of a question",
            "vpcflow query runs one SELECT; it changes nothing",
        )
    if isinstance(node, exp.Table) and not isinstance(node.this, exp.Identifier):
        is_series = isinstance(node.this, exp.GenerateSeries)
        if not is_series and node.this.name.lower() not in TABLE_FUNCTIONS:
            raise fault(
                "this cannot stand in FROM",
                f"FROM takes flow_records, WITH names, {', '.join(sorted(TABLE_FUNCTIONS))}",
            )
    if isinstance(node, exp.In) and len(node.expressions) > LIST_VALUES_MAX:
        raise fault(
            f"the list has {len(node.expressions)} values, more than {LIST_VALUES_MAX}",
            "name a network (srcaddr << '10.0.0.0/8') in place of its addresses",
        )
    parts = _PARTS.get(exp.SetOperation if isinstance(node, exp.SetOperation) else type(node))
    if parts:
        for part, value in node.args.items():
            if value and part not in parts:
                raise fault(_PART_NAMES.get(part, f"{part.upper()} is not supported"))


def _check_call(token: Any, text: str) -> None:
    word = token.text.lower()
    is_quoted = token.token_type == TokenType.IDENTIFIER
    if token.token_type in (TokenType.STRING, TokenType.NUMBER) or not (
        is_quoted or word.replace("_", "a").isalnum()
    ):
        return
    if word in FUNCTIONS or (word in SYNTAX_WORDS and not is_quoted):
        return
    raise unknown_function(token.text, text, token.start)


def unknown_function(name: str, text: str, position: int) -> FilterError:
    """What a query gets that calls a function that is not on the list."""
    close = difflib.get_close_matches(name.lower(), sorted(FUNCTIONS), n=1, cutoff=0.75)
    hint = HINTS.get(name.lower()) or (
        f"did you mean {close[0]}?" if close else "docs/reference/sql.md lists the functions"
    )
    return FilterError(
        f"there is no function {name[:60]} here", text=text, position=position, hint=hint
    )
