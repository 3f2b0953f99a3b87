"""How much larger than what it reads SQL may make a text or a list.

The engine bounds tables and groups, not the one value that a function makes: repeat('a', 10^10) takes
all memory of the host, and cannot be interrupted meanwhile. So what makes values grow is bounded
before anything runs, over the whole query, since each may take what another made.
"""

from __future__ import annotations

import re
from math import prod
from typing import Any

from sqlglot import exp

from vpcflow.base.errors import FilterError
from vpcflow.query.sql_text import position_of

#: How many times larger a value may become, all functions of a query together.
GROWTH_MAX = 10_000
#: The same where a query gathers texts of many rows in one.
GATHERED_GROWTH_MAX = 16
#: Numbers of a list that range() makes for a row; in FROM it makes rows, which need no room at once.
LIST_NUMBERS_MAX = 10_000
#: The widest field of a format.
_WIDE = re.compile(r"\d{3}|\*|\{[^}]*\{")
_GATHERING = (exp.GroupConcat, exp.ArrayAgg, exp.ArrayToString)


def check_growth(tree: exp.Expression, text: str) -> None:
    """Refuse SQL whose values might grow without bound.

    Errors: FilterError at the function.
    """
    gathers = any(isinstance(node, _GATHERING) or _name_of(node) == "list_aggregate"
                  for node in tree.walk())  # fmt: skip
    growth_max = GATHERED_GROWTH_MAX if gathers else GROWTH_MAX
    growth = 1
    for node in tree.walk():
        if isinstance(node, exp.GenerateSeries) and not isinstance(node.parent, exp.Table):
            _check_list(node, text)
        growth *= _growth_of(node, text)
        if growth > growth_max:
            raise FilterError(
                f"texts might become more than {growth_max:,} times as long",
                text=text,
                position=position_of(node),
                hint="repeat, pad, replace or join less of them in one query",
            )


def _growth_of(node: Any, text: str) -> int:
    if isinstance(node, exp.Repeat):
        return _number(node.args["times"], text)
    if isinstance(node, exp.Pad):
        return _number(node.expression, text)
    if isinstance(node, (exp.Replace, exp.RegexpReplace)):
        return _length(node.args.get("replacement"))
    if isinstance(node, (exp.ArrayToString, exp.GroupConcat)):
        return _length(node.args.get("expression") or node.args.get("separator"))
    if isinstance(node, exp.DPipe) and not isinstance(node.parent, exp.DPipe):
        return _joined(node.flatten())
    if isinstance(node, (exp.Concat, exp.ArrayConcat)):
        return _joined([node.this, *node.expressions])
    if isinstance(node, exp.ConcatWs):
        return _joined(node.expressions[1:]) * _length(node.expressions[0])
    if isinstance(node, exp.Format) or _name_of(node) == "printf":
        return _formatted(node, text)
    return _listed(node)


def _listed(node: Any) -> int:
    if _name_of(node) == "list_aggregate":
        lengths: list[int] = [_length(one) for one in node.expressions[2:]]
        return prod(lengths)
    return _joined(node.expressions) if _name_of(node) == "list_concat" else 1


def _formatted(node: Any, text: str) -> int:
    pattern, *values = node.expressions if isinstance(node, exp.Anonymous) else [
        node.this, *node.expressions
    ]  # fmt: skip
    if not isinstance(pattern, exp.Literal) or _WIDE.search(pattern.name):
        raise FilterError(
            "a format is a text with widths below 100",
            text=text,
            position=position_of(node),
            hint="format('{:>20}', action)",
        )
    # A value may be named more than once.
    named: int = max(pattern.name.count("{"), pattern.name.count("%"))
    return max(1, _joined(values), named)


def _joined(parts: Any) -> int:
    """Parts that may be as long as one another; what stands in the query itself is short."""
    return max(1, sum(1 for part in parts if part is not None and not _is_short(part)))


def _is_short(node: Any) -> bool:
    return isinstance(node.unnest(), exp.Literal)


def _length(node: Any) -> int:
    """The characters of a literal; as much as may be for anything else."""
    if node is None:
        return 1
    return max(1, len(node.name)) if isinstance(node, exp.Literal) else GROWTH_MAX


def _number(node: Any, text: str) -> int:
    if isinstance(node, exp.Literal) and not node.is_string and node.name.isdecimal():
        return max(1, int(node.name[:12]))
    raise FilterError(
        "how often or how long is a whole number here", text=text, position=position_of(node)
    )


def _check_list(node: Any, text: str) -> None:
    ends = [node.args.get(name) for name in ("start", "end", "step")]
    numbers = [_literal(end) for end in ends if end is not None]
    known = [number for number in numbers if number is not None]
    if len(known) == len(numbers):
        first, last, step = (*known, 1)[:3]
        if not step or abs(last - first) // abs(step) <= LIST_NUMBERS_MAX:
            return
    raise FilterError(
        f"a list of a row takes up to {LIST_NUMBERS_MAX:,} numbers, with ends that are numbers",
        text=text,
        position=position_of(node),
        hint="FROM range(...) makes rows",
    )


def _literal(node: Any) -> int | None:
    if isinstance(node, exp.Neg):
        inside = _literal(node.this)
        return None if inside is None else -inside
    if isinstance(node, exp.Literal) and not node.is_string and node.name.isdecimal():
        return int(node.name[:18])
    return None


def _name_of(node: Any) -> str:
    return node.name.lower() if isinstance(node, exp.Anonymous) else ""
