"""The filter language: ``srcaddr in 10.0.0.0/8 and dstport in (22, 3389) and action = REJECT``.

    condition  := any ; any := all ("or" all)* ; all := one ("and" one)*
    one        := "not" one | "(" condition ")" | test
    test       := field ("=" | "!=" | "<" | "<=" | ">" | ">=") value
                | field ["not"] "in" (value | "(" value ("," value)* ")")
                | field ("like" | "not like" | "~" | "!~") pattern       * any text, ? one character
                | field "is" ["not"] "null"                              also: field = -

Fields are AWS's names, with ``-`` or ``_``; ``addr`` and ``port`` mean either end. Values: numbers
(ranges as 8000-8100 in lists, bytes as 10MB or 4KiB), protocol names (tcp), addresses, networks
and address ranges, times (2026-11-23T04:00Z), words, and text in quotes, which is taken as it is.
What nulls do is in ``vpcflow.query.expression``.
"""

from __future__ import annotations

import difflib
import re
from ipaddress import ip_address, ip_network

from vpcflow.base.errors import FilterError, QueryError
from vpcflow.query.expression import (
    COMPARE_OPERATORS,
    EITHER_FIELDS,
    AddressRange,
    Compare,
    Expression,
    In,
    InNetwork,
    IsNull,
    Not,
    TextMatch,
    Value,
    all_of,
    any_of,
    kind_of,
    to_bytes,
)
from vpcflow.query.filter_tokens import Token, split_filter
from vpcflow.query.time_range import parse_moment
from vpcflow.record.field_spec import FieldKind
from vpcflow.record.fields import FIELDS_BY_COLUMN, FIELDS_BY_NAME

#: Parentheses and nots within each other.
NESTING_MAX = 64
#: Values of one list.
VALUES_MAX = 10_000
#: Fields with so few values refuse a bare word that is none of them.
CLOSED_VALUES_MAX = 3

PROTOCOL_NUMBERS: dict[str, int] = {
    "icmp": 1,
    "igmp": 2,
    "ipip": 4,
    "tcp": 6,
    "udp": 17,
    "gre": 47,
    "esp": 50,
    "ah": 51,
    "icmpv6": 58,
    "ospf": 89,
    "sctp": 132,
}
_SIZES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12} | {
    "ki": 2**10,
    "mi": 2**20,
    "gi": 2**30,
    "ti": 2**40,
}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)([kmgt]i?)?b?", re.IGNORECASE)
_INT64_MAX = 2**63 - 1


def parse_filter(text: str, *, now_s: float = 0.0) -> Expression | None:
    """The condition that a filter says; None when it is blank.

    Units: ``now_s`` is what ``now`` means in values of start and end.
    Errors: FilterError with the position of the first fault and what was expected there.
    """
    parser = _Parser(text, now_s)
    if parser.token.kind == "end":
        return None
    expression = parser.read_any(0)
    if parser.token.kind != "end":
        raise parser.fault(f"expected and, or, or the end, found {parser.token.shown}")
    return expression


class _Parser:
    """A recursive descent over the tokens; ``token`` is the next one."""

    def __init__(self, text: str, now_s: float) -> None:
        self.text = text
        self.now_s = now_s
        self.tokens = split_filter(text)
        self.index = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.index]

    def take(self) -> Token:
        token = self.token
        self.index = min(self.index + 1, len(self.tokens) - 1)
        return token

    def fault(self, what: str, token: Token | None = None, hint: str = "") -> FilterError:
        position = (token or self.token).position
        return FilterError(what, text=self.text, position=position, hint=hint)

    def read_any(self, depth: int) -> Expression:
        parts = [self.read_all(depth)]
        while self.token.says("or"):
            self.take()
            parts.append(self.read_all(depth))
        return any_of(*parts)

    def read_all(self, depth: int) -> Expression:
        parts = [self.read_one(depth)]
        while self.token.says("and"):
            self.take()
            parts.append(self.read_one(depth))
        expression = all_of(*parts)
        if expression is None:  # never: parts holds at least one
            raise self.fault("expected a condition")
        return expression

    def read_one(self, depth: int) -> Expression:
        if depth > NESTING_MAX:
            raise self.fault(f"conditions nest deeper than {NESTING_MAX}")
        if self.token.says("not", "!"):
            self.take()
            return Not(self.read_one(depth + 1))
        if self.token.says("("):
            opened = self.take()
            expression = self.read_any(depth + 1)
            if not self.token.says(")"):
                raise self.fault(
                    f"expected ) for the ( at character {opened.position + 1}, "
                    f"found {self.token.shown}"
                )
            self.take()
            return expression
        return self.read_test()

    def read_test(self) -> Expression:
        field = self.read_field()
        operator = self.take()
        if operator.says("is"):
            return self.read_is_null(field)
        if operator.says(*COMPARE_OPERATORS):
            return self.read_compare(field, operator)
        if operator.says("in"):
            return self.read_in(field)
        if operator.says("like", "~"):
            return self.read_match(field, operator)
        if operator.says("!~"):
            return Not(self.read_match(field, operator))
        if operator.says("not"):
            inner = self.take()
            if inner.says("in"):
                return Not(self.read_in(field))
            if inner.says("like"):
                return Not(self.read_match(field, inner))
            raise self.fault(f"expected in or like after not, found {inner.shown}", inner)
        raise self.fault(
            f"expected an operator after {field}, found {operator.shown}",
            operator,
            "operators are = != < <= > >= in, not in, like, not like, is null, is not null",
        )

    def read_field(self) -> str:
        token = self.take()
        if token.kind != "word":
            raise self.fault(f"expected a field, found {token.shown}", token)
        word = token.value.lower()
        if word in EITHER_FIELDS:
            return word
        spec = FIELDS_BY_NAME.get(word) or FIELDS_BY_COLUMN.get(word.replace("-", "_"))
        if spec:
            return spec.name
        close = difflib.get_close_matches(
            word.replace("_", "-"), [*FIELDS_BY_NAME, *EITHER_FIELDS], n=3, cutoff=0.6
        )
        hint = (
            f"did you mean {' or '.join(close)}?"
            if close
            else "fields are named as in AWS's log format; addr and port mean either end"
        )
        raise self.fault(f"'{token.value}' is not a field", token, hint)

    def read_is_null(self, field: str) -> Expression:
        negated = self.token.says("not")
        if negated:
            self.take()
        token = self.take()
        if not token.says("null"):
            raise self.fault(f"expected null or not null after is, found {token.shown}", token)
        return _null_test(field, negated=negated)

    def read_compare(self, field: str, operator: Token) -> Expression:
        negated = operator.value == "!="
        ordered = operator.value not in {"=", "!="}
        token = self.token
        if token.kind == "word" and (token.value == "-" or token.says("null")):
            if ordered:
                raise self.fault(f"- has no order; expected a value after {operator.value}")
            self.take()
            return _null_test(field, negated=negated)
        kind = kind_of(field)
        if ordered and kind in {FieldKind.TEXT, FieldKind.ADDRESS}:
            raise self.fault(
                f"{field} has no order",
                operator,
                "use =, !=, in, not in" + (", like" if kind is FieldKind.TEXT else ""),
            )
        if kind is FieldKind.ADDRESS:
            test = InNetwork(field, self.read_range(field))
            return Not(test) if negated else test
        if negated and field in EITHER_FIELDS:
            # Neither end has the value; the plain operator would ask for one end without it.
            return Not(Compare(field, "=", self.read_value(field)))
        return Compare(field, operator.value, self.read_value(field))

    def read_in(self, field: str) -> Expression:
        kind = kind_of(field)
        tokens: list[Token] = []
        ranges: list[AddressRange] = []
        values: list[Value] = []
        spans: list[Expression] = []
        for token in self.read_list():
            tokens.append(token)
            if kind is FieldKind.ADDRESS:
                ranges.extend(self.read_range(field))
            elif kind is not FieldKind.TEXT and re.fullmatch(r"\d+-\d+", self.token.value):
                spans.append(self.read_span(field))
            else:
                values.append(self.read_value(field))
            if len(tokens) > VALUES_MAX:
                raise self.fault(f"a list has at most {VALUES_MAX} values", token)
        if kind is FieldKind.ADDRESS:
            return InNetwork(field, tuple(ranges))
        return any_of(*((In(field, tuple(values)),) if values else ()), *spans)

    def read_list(self) -> list[Token] | _ListReader:
        """The places of the values after ``in``, each to be read before the next is asked for."""
        if self.token.says("("):
            return _ListReader(self)
        return [self.token]

    def read_span(self, field: str) -> Expression:
        token = self.take()
        low, high = (self.number(field, part, token) for part in token.value.split("-"))
        if low > high:
            raise self.fault(f"the range {token.value} runs backwards", token)
        if field in EITHER_FIELDS:
            # Both bounds must hold for one end, not one bound for each.
            return any_of(*(_between(end, low, high) for end in EITHER_FIELDS[field]))
        return _between(field, low, high)

    def read_value(self, field: str) -> Value:
        token = self.take()
        if token.kind not in {"word", "text"} or (token.kind == "word" and token.value == "-"):
            raise self.fault(f"expected a value of {field}, found {token.shown}", token)
        if kind_of(field) is not FieldKind.TEXT:
            return self.number(field, token.value, token)
        closed = FIELDS_BY_NAME[field].values
        if token.kind == "text" or not closed:
            return token.value
        for value in closed:
            if value.lower() == token.value.lower():
                return value
        if len(closed) <= CLOSED_VALUES_MAX:
            raise self.fault(
                f"{field} is {' or '.join(closed)}, not '{token.value}'",
                token,
                "put the word in quotes to ask for it all the same",
            )
        return token.value

    def number(self, field: str, word: str, token: Token) -> int:
        spec = FIELDS_BY_NAME[EITHER_FIELDS.get(field, (field,))[0]]
        if field == "protocol" and word.lower() in PROTOCOL_NUMBERS:
            return PROTOCOL_NUMBERS[word.lower()]
        if word.isascii() and word.isdigit():
            value = int(word) if len(word) <= 20 else _INT64_MAX + 1
        elif spec.unit in {"bytes", "packets"} and (size := _SIZE.fullmatch(word)):
            value = int(float(size[1]) * _SIZES[(size[2] or "").lower()])
        elif field in {"start", "end"}:
            try:
                value = parse_moment(word, now_s=self.now_s)
            except QueryError as error:
                raise self.fault(f"'{word}' is not a moment in time", token, error.hint) from error
        else:
            hint = "protocols are numbers or names such as tcp" if field == "protocol" else ""
            raise self.fault(f"expected a number for {field}, found {token.shown}", token, hint)
        limit = spec.value_max if spec.value_max is not None else _INT64_MAX
        if value > limit:
            raise self.fault(f"{field} is at most {limit}, not {word}", token)
        return value

    def read_range(self, field: str) -> tuple[AddressRange, ...]:
        token = self.take()
        if token.kind not in {"word", "text"}:
            raise self.fault(
                f"expected an address or network for {field}, found {token.shown}", token
            )
        word = token.value
        try:
            if "/" in word:
                return AddressRange.of_network(ip_network(word))
            first, _, last = word.partition("-")
            span = AddressRange(to_bytes(ip_address(first)), to_bytes(ip_address(last or first)))
        except ValueError as error:
            raise self.fault(
                f"expected an address or network for {field}, found {token.shown}",
                token,
                _address_hint(word),
            ) from error
        if span.first > span.last:
            raise self.fault(f"the range {word} runs backwards", token)
        return (span,)

    def read_match(self, field: str, operator: Token) -> Expression:
        if kind_of(field) is not FieldKind.TEXT:
            raise self.fault(
                f"{field} is no text; {operator.value} is for text fields",
                operator,
                "use = or in; networks are written srcaddr in 10.0.0.0/8",
            )
        token = self.take()
        if token.kind not in {"word", "text"}:
            raise self.fault(f"expected a pattern, found {token.shown}", token)
        return TextMatch(field, token.value)


class _ListReader:
    """Yields the place of each value of a list in parentheses; the caller reads the value."""

    def __init__(self, parser: _Parser) -> None:
        self.parser = parser
        self.opened = parser.take()
        self.first = True

    def __iter__(self) -> _ListReader:
        return self

    def __next__(self) -> Token:
        token = self.parser.token
        if self.first:
            self.first = False
            if token.says(")"):
                raise self.parser.fault("expected at least one value in the list")
            return token
        if token.says(","):
            self.parser.take()
            return self.parser.token
        if token.says(")"):
            self.parser.take()
            raise StopIteration
        raise self.parser.fault(
            f"expected , or ) in the list that opens at character {self.opened.position + 1}, "
            f"found {token.shown}"
        )


def _null_test(field: str, *, negated: bool) -> Expression:
    # An either-end name asks whether one of the ends is missing.
    test = any_of(*(IsNull(name) for name in EITHER_FIELDS.get(field, (field,))))
    return Not(test) if negated else test


def _between(field: str, low: int, high: int) -> Expression:
    both = all_of(Compare(field, ">=", low), Compare(field, "<=", high))
    assert both is not None
    return both


def _address_hint(word: str) -> str:
    if "/" in word:
        try:
            return f"the network is {ip_network(word, strict=False)}"
        except ValueError:
            pass
    return "write 10.0.0.1, 10.0.0.0/8, 2001:db8::/32 or 10.0.0.1-10.0.0.9"
