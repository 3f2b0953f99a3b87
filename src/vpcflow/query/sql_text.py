"""From the text of a query to one SQLGlot tree, with AWS's names as plain names."""

from __future__ import annotations

import logging
from typing import Any

from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.tokens import TokenType

from vpcflow.base.errors import FilterError, LimitError

#: The longest query, in characters.
TEXT_CHARACTERS_MAX = 1_000_000
#: The most words and signs in a query.
TOKENS_MAX = 50_000
#: The deepest that brackets and CASE may nest. The parser and DuckDB recurse once a level.
NESTING_MAX = 24
#: The most values in one IN list.
LIST_VALUES_MAX = 10_000

# What SQLGlot would warn of, the guard refuses.
logging.getLogger("sqlglot").addHandler(logging.NullHandler())

_HINT_READ_ONLY = "vpcflow query runs one SELECT; it changes nothing"
_FIRST_WORDS = frozenset({"select", "with", "from", "("})
_PREFIXES = frozenset({TokenType.NOT, TokenType.DASH, TokenType.TILDE, TokenType.PLUS})
_OPEN = frozenset({TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE})
_CLOSE = frozenset({TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE})

#: Tokens after which a value must follow: there ``end`` is the field, not the end of a CASE.
_BEFORE_A_VALUE = frozenset(
    {
        TokenType.CASE,
        TokenType.WHEN,
        TokenType.THEN,
        TokenType.ELSE,
        TokenType.AND,
        TokenType.OR,
        TokenType.NOT,
        TokenType.BETWEEN,
        TokenType.COMMA,
        TokenType.DOT,
        TokenType.EQ,
        TokenType.NEQ,
        TokenType.LT,
        TokenType.LTE,
        TokenType.GT,
        TokenType.GTE,
        TokenType.PLUS,
        TokenType.DASH,
        TokenType.STAR,
        TokenType.SLASH,
        TokenType.DIV,
        TokenType.MOD,
        TokenType.DPIPE,
        TokenType.AMP,
        TokenType.PIPE,
        TokenType.TILDE,
        TokenType.IN,
        TokenType.LIKE,
        TokenType.ILIKE,
    }
)


def split_sql(text: str) -> list[Any]:
    """The tokens of one query, bounded, ``end`` a plain name where it is one, ``<<=`` as ``<<``.

    Errors: LimitError when the text is too long or nested too deep; FilterError for anything that
    is not the beginning of one SELECT, and for a text that does not end.
    """
    if len(text) > TEXT_CHARACTERS_MAX:
        raise LimitError(
            f"the query has {len(text)} characters, more than {TEXT_CHARACTERS_MAX}",
            hint="put long lists of values in a smaller query each",
        )
    try:
        tokens: list[Any] = list(DuckDB().tokenize(text))
    except SqlglotError as error:
        raise FilterError(
            "the query cannot be split into words",
            text=text,
            position=_open_quote(text),
            hint="is a quote or a comment left open?",
        ) from error
    if len(tokens) > TOKENS_MAX:
        raise LimitError(
            f"the query has {len(tokens)} words and signs, more than {TOKENS_MAX}",
            hint="name a network (srcaddr << '10.0.0.0/8') in place of its addresses",
        )
    while tokens and tokens[-1].token_type == TokenType.SEMICOLON:
        tokens.pop()
    if not tokens:
        raise FilterError("the query is empty", text=text, position=0, hint=_HINT_READ_ONLY)
    first = tokens[0]
    if first.text.lower() not in _FIRST_WORDS or first.token_type == TokenType.IDENTIFIER:
        raise FilterError(
            f"a query begins with SELECT, not {first.text[:40]}",
            text=text,
            position=first.start,
            hint=_HINT_READ_ONLY,
        )
    _mend(tokens, text)
    return tokens


def _mend(tokens: list[Any], text: str) -> None:
    """Bound the nesting; make ``end`` a name and ``<<=`` a ``<<`` in place."""
    cases = [0]
    prefixes = 0
    previous: Any = None
    for token in tokens:
        kind = token.token_type
        if kind == TokenType.SEMICOLON:
            raise FilterError(
                "there is a second statement", text=text, position=token.start, hint=_HINT_READ_ONLY
            )
        if kind in _OPEN:
            cases.append(0)
        elif kind in _CLOSE:
            if len(cases) == 1:
                raise FilterError("this bracket closes nothing", text=text, position=token.start)
            cases.pop()
        elif kind == TokenType.CASE and not _is_after_dot(previous):
            cases[-1] += 1
        elif kind == TokenType.END:
            after = previous.token_type if previous is not None else None
            if cases[-1] == 0 or after in _BEFORE_A_VALUE:
                token.token_type = TokenType.VAR
            else:
                cases[-1] -= 1
        elif (
            kind == TokenType.LTE
            and previous is not None
            and previous.token_type == TokenType.LT
            and previous.end + 1 == token.start
        ):
            token.token_type = TokenType.LT
        prefixes = prefixes + 1 if kind in _PREFIXES else 0
        if len(cases) - 1 + sum(cases) + prefixes > NESTING_MAX:
            raise LimitError(
                f"the query nests deeper than {NESTING_MAX} levels",
                where=f"character {token.start + 1}",
                hint="name inner parts with WITH",
            )
        previous = token


def _is_after_dot(token: Any) -> bool:
    return token is not None and token.token_type == TokenType.DOT


def _open_quote(text: str) -> int:
    """Where a quote or comment begins that does not end; the last one is the likeliest."""
    return max(0, *(text.rfind(sign) for sign in ("'", '"', "/*")))


def parse_sql(tokens: list[Any], text: str) -> exp.Expression:
    """The tree of the tokens.

    Errors: FilterError with the position of what does not fit; LimitError when it is too deep.
    """
    try:
        trees = DuckDB().parser().parse(tokens, text)
    except ParseError as error:
        raise _syntax_fault(error, text) from error
    except RecursionError as error:
        raise too_deep() from error
    except SqlglotError as error:
        raise FilterError(str(error).splitlines()[0], text=text, position=0) from error
    except (ValueError, TypeError, AttributeError, IndexError, KeyError) as error:
        # SQLGlot's parser is not free of slips on garbage; the asker's query is at fault there.
        raise FilterError("the query cannot be understood", text=text, position=0) from error
    if len(trees) != 1 or trees[0] is None:
        raise FilterError("the query cannot be understood", text=text, position=0)
    return trees[0]


def too_deep() -> LimitError:
    """What a query gets that nests too deep without brackets."""
    return LimitError(
        "the query nests too deep", hint="fewer operators in one expression, or WITH for parts"
    )


def _syntax_fault(error: ParseError, text: str) -> FilterError:
    first = error.errors[0] if error.errors else {}
    line, column = int(first.get("line") or 1), int(first.get("col") or 1)
    word = str(first.get("highlight") or "")
    lines = text.split("\n")
    line = min(line, len(lines))
    # SQLGlot's column is that of the word's last character, counted from 1.
    position = sum(len(before) + 1 for before in lines[: line - 1]) + column - max(1, len(word))
    position = min(max(0, position), max(0, len(text) - 1))
    if text[position : position + len(word)] != word and word in text:
        position = text.rfind(word, 0, position + len(word) + 1)
        position = max(0, position)
    what = f"the query does not go on with {word[:40]} here" if word else "the query ends too early"
    description = str(first.get("description") or "")
    if description.startswith("Required keyword"):
        what = f"something is missing beside {word[:40]}" if word else "something is missing here"
    elif description.startswith("Expecting"):
        what = f"{description[0].lower()}{description[1:]} is missing here"
        what = what.replace("expecting ", "a ")
    return FilterError(what, text=text, position=position)


def position_of(node: Any) -> int:
    """Where a node begins in the text: its own first character or that of its first part."""
    starts = [part.meta["start"] for part in node.walk() if part.meta.get("start") is not None]
    return min(starts) if starts else 0
