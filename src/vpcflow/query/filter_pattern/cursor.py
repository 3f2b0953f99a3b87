"""Reads the text of a filter pattern from left to right; the parts all its forms share."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from vpcflow.base.errors import FilterError
from vpcflow.query.filter_pattern.tree import NUMBER, Comparison, Number, Regex, Text, Value

BLANKS = " \t\r\n"
#: Regular expressions in one pattern.
REGEXES_MAX = 2
#: Operators, the longer ones first.
OPERATORS = ("!=", "<=", ">=", "=", "<", ">")

_LITERALS = frozenset(":_#=@/;,- ")
_META = frozenset("^$?*+|.[]{}")
_CLASSES = frozenset("dDsSwW")
_BARE_STOPS = frozenset(BLANKS + ',[]&|"=<>!%(){}')


class Cursor:
    """A place in the text of a pattern."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self._regexes = 0

    def fault(self, what: str, position: int | None = None, hint: str = "") -> FilterError:
        """An error at a position, the current one if none is given."""
        at = self.at if position is None else position
        return FilterError(what, text=self.text, position=min(at, len(self.text)), hint=hint)

    def skip_blanks(self) -> None:
        """Go to the next character that is no blank."""
        while self.at < len(self.text) and self.text[self.at] in BLANKS:
            self.at += 1

    @property
    def ended(self) -> bool:
        """Whether nothing is left."""
        return self.at >= len(self.text)

    def peek(self, length: int = 1) -> str:
        """The next characters."""
        return self.text[self.at : self.at + length]

    def take(self, token: str) -> bool:
        """Step over a token if it stands here."""
        if not self.text.startswith(token, self.at):
            return False
        self.at += len(token)
        return True

    def expect(self, token: str) -> None:
        """Step over blanks and a token that must stand here."""
        self.skip_blanks()
        if not self.take(token):
            raise self.fault(f"expected {token}")

    def operator(self) -> str | None:
        """A comparison operator, if one stands here."""
        return next((one for one in OPERATORS if self.take(one)), None)

    def quotation(self) -> Text:
        r"""A text between quotes; ``\"`` and ``\\`` are the characters themselves."""
        start = self.at
        self.at += 1
        parts: list[str] = []
        while not self.ended:
            char = self.text[self.at]
            self.at += 1
            if char == '"':
                return Text("".join(parts), start)
            if char == "\\" and self.peek() in ('"', "\\") and self.peek():
                char = self.peek()
                self.at += 1
            parts.append(char)
        raise self.fault("the quotation is not closed", start)

    def regex(self) -> Regex:
        r"""A regular expression between ``%``; ``\%`` is a percent sign within it."""
        start = self.at
        self.at += 1
        end = self.at
        while end < len(self.text) and self.text[end] != "%":
            end += 2 if self.text[end] == "\\" else 1
        if end >= len(self.text):
            raise self.fault("the regular expression is not closed", start, "end it with %")
        body = self.text[self.at : end]
        if not body:
            raise self.fault("the regular expression is empty", start)
        self._regexes += 1
        if self._regexes > REGEXES_MAX:
            raise self.fault(f"at most {REGEXES_MAX} regular expressions in one pattern", start)
        self._check_regex(body)
        self.at = end + 1
        return Regex(body, start)

    def _check_regex(self, body: str) -> None:
        i = 0
        while i < len(body):
            char, position = body[i], self.at + i
            if char == "\\":
                i += self._escape_length(body, i, position)
                continue
            if not (char.isascii() and char.isalnum()) and char not in _LITERALS | _META:
                raise self.fault(
                    f"{char!r} is not part of the regular expressions of patterns",
                    position,
                    "escape a symbol with a backslash; there are no parentheses",
                )
            i += 1
        try:
            # RE2 takes time linear in the text, whatever the expression is.
            pc.match_substring_regex(pa.array([""]), body)
        except pa.ArrowInvalid as error:
            raise self.fault(str(error).lower(), self.at) from error

    def _escape_length(self, body: str, i: int, position: int) -> int:
        following = body[i + 1 : i + 2]
        if following == "x":
            digits = body[i + 2 : i + 4]
            if len(digits) == 2 and all(digit in "0123456789abcdefABCDEF" for digit in digits):
                return 4
            raise self.fault(r"\x needs two hexadecimal digits", position)
        symbol = following and following.isascii() and not following.isalnum()
        if following in _CLASSES and following:
            return 2
        if not symbol:
            raise self.fault("nothing of that name can be escaped", position)
        return 2

    def value(self) -> Value:
        """A number, a text or a regular expression, after blanks."""
        self.skip_blanks()
        start = self.at
        if self.peek() == '"':
            return self.quotation()
        if self.peek() == "%":
            return self.regex()
        while not self.ended and self.text[self.at] not in _BARE_STOPS:
            self.at += 1
        bare = self.text[start : self.at]
        if not bare:
            raise self.fault("expected a value", start)
        return Number(bare, start) if NUMBER.fullmatch(bare) else Text(bare, start)

    def comparison(self) -> Comparison | None:
        """An operator and its value, if an operator stands here."""
        self.skip_blanks()
        start = self.at
        operator = self.operator()
        if operator is None:
            return None
        value = self.value()
        if isinstance(value, Text) and not value.text:
            raise self.fault("the value is empty", value.position)
        if operator not in ("=", "!=") and not isinstance(value, Number):
            raise self.fault(f"{operator} compares numbers", start, "use = or != with a text")
        return Comparison(operator, value)
