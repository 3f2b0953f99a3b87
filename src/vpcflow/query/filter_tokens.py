"""Words of the filter language, each with its place in the text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vpcflow.base.errors import FilterError

#: A filter longer than this is refused before it is read.
FILTER_CHARS_MAX = 65_536

_SPACE = re.compile(r"\s*")
_OPERATOR = re.compile(r"==|!=|<>|<=|>=|!~|=|<|>|~|&&|\|\||!|\(|\)|,")
_WORD = re.compile(r"[^\s()\"'=!<>~,&|]+")
_SAME = {"==": "=", "<>": "!=", "&&": "and", "||": "or"}


@dataclass(frozen=True, slots=True)
class Token:
    """One word, text in quotes, operator or the end of the filter.

    Shape: ``kind`` is word, text, operator or end; ``value`` is what it says, quotes removed.
    """

    kind: str
    value: str
    position: int

    @property
    def shown(self) -> str:
        """How an error names it."""
        return "the end of the filter" if self.kind == "end" else f"'{self.value}'"

    def says(self, *words: str) -> bool:
        """Whether it is one of these operators or keywords, in any case."""
        return self.kind in {"operator", "word"} and self.value.lower() in words


def split_filter(text: str) -> list[Token]:
    """The tokens of a filter, the end included.

    Errors: FilterError at a quote without its end, at a lone & or |, or when the text is too long.
    """
    if len(text) > FILTER_CHARS_MAX:
        raise FilterError(
            f"a filter has at most {FILTER_CHARS_MAX} characters, this one has {len(text)}",
            text=text,
            position=FILTER_CHARS_MAX,
        )
    tokens: list[Token] = []
    position = 0
    while True:
        space = _SPACE.match(text, position)
        position = space.end() if space else position
        if position == len(text):
            tokens.append(Token("end", "", position))
            return tokens
        if text[position] in "\"'":
            value, end = _read_quoted(text, position)
            tokens.append(Token("text", value, position))
        elif match := _OPERATOR.match(text, position):
            value, end = match.group(), match.end()
            tokens.append(Token("operator", _SAME.get(value, value), position))
        elif match := _WORD.match(text, position):
            value, end = match.group(), match.end()
            tokens.append(Token("word", value, position))
        else:
            raise FilterError(
                f"'{text[position]}' stands alone; expected and, or, && or ||",
                text=text,
                position=position,
            )
        position = end


def _read_quoted(text: str, start: int) -> tuple[str, int]:
    quote = text[start]
    parts: list[str] = []
    position = start + 1
    while position < len(text):
        character = text[position]
        if character == quote:
            return "".join(parts), position + 1
        if character == "\\" and position + 1 < len(text):
            position += 1
            character = text[position]
        parts.append(character)
        position += 1
    raise FilterError(f"the text in quotes has no end; expected {quote}", text=text, position=start)
