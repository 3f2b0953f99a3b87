"""The small tree of a condition over flow records: what every question language becomes.

Fields are AWS names (``srcaddr``, ``pkt-srcaddr``), or one of two names for either end: ``addr``
is true when srcaddr or dstaddr fits, ``port`` when srcport or dstport does.

Nulls: a comparison with a null (AWS's ``-``) is neither true nor false but unknown, as in SQL;
``and``, ``or`` and ``not`` follow three-valued logic, and a record is kept only when its condition
is true. So ``action != REJECT`` leaves out the NODATA records, whose action is ``-``; to keep
them: ``action != REJECT or action = -``. Only ``is null`` is never unknown. An either-end test is
the ``or`` of the tests of both ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, summarize_address_range

from vpcflow.record.field_spec import FieldKind
from vpcflow.record.fields import FIELDS_BY_NAME

EITHER_ADDRESS = "addr"
EITHER_PORT = "port"

#: What either-end names stand for.
EITHER_FIELDS: dict[str, tuple[str, str]] = {
    EITHER_ADDRESS: ("srcaddr", "dstaddr"),
    EITHER_PORT: ("srcport", "dstport"),
}

COMPARE_OPERATORS = ("=", "!=", "<", "<=", ">", ">=")
KEYWORDS = frozenset({"and", "or", "not", "in", "is", "null", "like"})

_MAPPED = b"\0" * 10 + b"\xff\xff"
IPV4_FIRST = _MAPPED + b"\0" * 4
IPV4_LAST = _MAPPED + b"\xff" * 4
_BELOW_IPV4 = b"\0" * 10 + b"\xff\xfe" + b"\xff" * 4
_ABOVE_IPV4 = b"\0" * 9 + b"\x01" + b"\0" * 6

#: A network with more addresses than this is looked for by one scan, not by one for each end:
#: at a /8, where most records fit, two scans took a third longer; at a /16 half as long.
NARROW_ADDRESSES_MAX = 2**20
#: The same for IPv6: a /32 is what a provider gets.
NARROW_IPV6_ADDRESSES_MAX = 2**96
#: More ranges than this cost more to compare than they let a scan skip.
SPLIT_RANGES_MAX = 1_000
_BARE = re.compile(r"[A-Za-z0-9_./:@*?+%\[\]-]+")

Value = int | str


@dataclass(frozen=True, slots=True, order=True)
class AddressRange:
    """Addresses from ``first`` to ``last``, both included, 16 bytes each."""

    first: bytes
    last: bytes

    @staticmethod
    def of_network(network: IPv4Network | IPv6Network) -> tuple[AddressRange, ...]:
        """The addresses of a CIDR block, without any of the other version.

        Shape: one range, or the two on either side of where IPv4 is stored within IPv6.
        """
        whole = AddressRange(to_bytes(network.network_address), to_bytes(network.broadcast_address))
        if network.version == 4 or not (whole.first < IPV4_FIRST and whole.last > IPV4_LAST):
            return (whole,)
        return (AddressRange(whole.first, _BELOW_IPV4), AddressRange(_ABOVE_IPV4, whole.last))

    def __str__(self) -> str:
        first, last = to_address(self.first), to_address(self.last)
        if first == last:
            return str(first)
        networks: list[str] = []
        if first.version == last.version:
            networks = [str(network) for network in summarize_address_range(first, last)]
        return networks[0] if len(networks) == 1 else f"{first}-{last}"


def to_bytes(address: IPv4Address | IPv6Address) -> bytes:
    """An address as it is stored: 16 bytes, IPv4 mapped into IPv6."""
    return _MAPPED + address.packed if isinstance(address, IPv4Address) else address.packed


def to_address(stored: bytes) -> IPv4Address | IPv6Address:
    """The address of 16 stored bytes."""
    if stored.startswith(_MAPPED):
        return IPv4Address(stored[12:])
    return IPv6Address(stored)


def is_narrow(ranges: Sequence[AddressRange]) -> bool:
    """Whether few enough records fit that statistics and filters can skip most of the others."""
    return 0 < len(ranges) <= SPLIT_RANGES_MAX and all(
        int.from_bytes(span.last, "big") - int.from_bytes(span.first, "big")
        < (
            NARROW_ADDRESSES_MAX
            if span.first >= IPV4_FIRST and span.last <= IPV4_LAST
            else NARROW_IPV6_ADDRESSES_MAX
        )
        for span in ranges
    )


@dataclass(frozen=True, slots=True)
class And:
    """True when every part is."""

    parts: tuple[Expression, ...]

    def __str__(self) -> str:
        return " and ".join(
            f"({part})" if isinstance(part, (And, Or)) else str(part) for part in self.parts
        )


@dataclass(frozen=True, slots=True)
class Or:
    """True when one part is."""

    parts: tuple[Expression, ...]

    def __str__(self) -> str:
        return " or ".join(
            f"({part})" if isinstance(part, Or) else str(part) for part in self.parts
        )


@dataclass(frozen=True, slots=True)
class Not:
    """True when the part is false; unknown stays unknown."""

    part: Expression

    def __str__(self) -> str:
        match self.part:
            case IsNull(field):
                return f"{field} is not null"
            case In(field, values):
                return f"{field} not in ({_print_values(field, values)})"
            case InNetwork(field, ranges):
                return f"{field} not in ({', '.join(map(str, ranges))})"
            case TextMatch(field, pattern):
                return f"{field} not like {_print_text(pattern)}"
        return f"not ({self.part})"


@dataclass(frozen=True, slots=True)
class Compare:
    """A field against one value; addresses are compared by InNetwork."""

    field: str
    operator: str
    value: Value

    def __str__(self) -> str:
        return f"{self.field} {self.operator} {_print_values(self.field, (self.value,))}"


@dataclass(frozen=True, slots=True)
class In:
    """A number or text among several."""

    field: str
    values: tuple[Value, ...]

    def __str__(self) -> str:
        return f"{self.field} in ({_print_values(self.field, self.values)})"


@dataclass(frozen=True, slots=True)
class InNetwork:
    """An address within ranges; one address is a range of one."""

    field: str
    ranges: tuple[AddressRange, ...]

    def __str__(self) -> str:
        if len(self.ranges) == 1:
            (only,) = self.ranges
            return f"{self.field} {'=' if only.first == only.last else 'in'} {only}"
        return f"{self.field} in ({', '.join(map(str, self.ranges))})"


@dataclass(frozen=True, slots=True)
class IsNull:
    """AWS's ``-``."""

    field: str

    def __str__(self) -> str:
        return f"{self.field} is null"


@dataclass(frozen=True, slots=True)
class TextMatch:
    """A text against a pattern in which ``*`` stands for any text and ``?`` for one character."""

    field: str
    pattern: str

    def __str__(self) -> str:
        return f"{self.field} like {_print_text(self.pattern)}"


Expression = And | Or | Not | Compare | In | InNetwork | IsNull | TextMatch


def all_of(*parts: Expression | None) -> Expression | None:
    """The conjunction of the parts that are there, without nesting; None when there are none."""
    flat: list[Expression] = []
    for part in parts:
        if isinstance(part, And):
            flat.extend(part.parts)
        elif part is not None:
            flat.append(part)
    if len(flat) < 2:
        return flat[0] if flat else None
    return And(tuple(flat))


def any_of(*parts: Expression) -> Expression:
    """The disjunction of the parts, without nesting."""
    flat: list[Expression] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, Or) else (part,))
    return flat[0] if len(flat) == 1 else Or(tuple(flat))


def fields_of(expression: Expression | None) -> Iterator[str]:
    """The fields that an expression touches, either-end names replaced by both ends."""
    match expression:
        case None:
            return
        case And(parts) | Or(parts):
            for part in parts:
                yield from fields_of(part)
        case Not(part):
            yield from fields_of(part)
        case _:
            yield from EITHER_FIELDS.get(expression.field, (expression.field,))


def kind_of(field: str) -> FieldKind:
    """What kind of value a field has, either-end names included."""
    return FIELDS_BY_NAME[EITHER_FIELDS.get(field, (field,))[0]].kind


def _print_values(field: str, values: tuple[Value, ...]) -> str:
    # A closed list is written bare only in its own spelling: bare words are matched without case.
    spec = FIELDS_BY_NAME.get(field)
    closed = spec.values if spec else ()
    return ", ".join(
        str(value)
        if isinstance(value, int)
        else _print_text(value, quote=bool(closed) and value not in closed)
        for value in values
    )


def _print_text(text: str, *, quote: bool = False) -> str:
    if not quote and _BARE.fullmatch(text) and text.lower() not in KEYWORDS and text != "-":
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
