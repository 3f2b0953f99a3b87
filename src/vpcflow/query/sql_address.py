"""Addresses and networks in SQL: their constants, their tests, and how they become text."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from sqlglot import exp

from vpcflow.base.errors import FilterError, RecordError
from vpcflow.query.expression import IPV4_FIRST, IPV4_LAST, AddressRange
from vpcflow.query.sql_text import position_of
from vpcflow.query.sql_view import range_sql, sql_address
from vpcflow.record.values import parse_address

IPV4_PREFIX_MAX = 32
IPV6_PREFIX_MAX = 128
#: What network(address, prefix) keeps of an IPv6 address unless it is told.
IPV6_PREFIX_DEFAULT = 64

_IPV4 = AddressRange(IPV4_FIRST, IPV4_LAST)
_IPV6_FIRST, _IPV6_LAST = b"\0" * 16, b"\xff" * 16

#: Addresses that never meet the Internet: RFC 1918, shared (RFC 6598), loopback, link-local, ULA.
PRIVATE_NETWORKS = (
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
)


@dataclass(frozen=True, slots=True)
class AddressKind:
    """What an expression holds: an address, or with prefixes a network by its first address."""

    prefix4: int | None = None
    prefix6: int = IPV6_PREFIX_DEFAULT

    @property
    def is_network(self) -> bool:
        """Whether it is the network of an address."""
        return self.prefix4 is not None


ADDRESS = AddressKind()


def raw(sql: str) -> exp.Expression:
    """SQL that is written as it is."""
    return exp.Var(this=sql)


def address_to_text(node: exp.Expression, kind: AddressKind | None) -> exp.Expression:
    """The text of an expression of a kind; anything else as it is."""
    if kind is None:
        return node
    if not kind.is_network:
        return exp.Anonymous(this="addr_text", expressions=[node])
    sql = node.sql("duckdb")
    text = raw(f"addr_text(({sql})::BIT::BLOB)")
    suffix = f"'/{kind.prefix4}'"
    if kind.prefix4 != kind.prefix6:
        first, last = (_number(int.from_bytes(end, "big")) for end in (_IPV4.first, _IPV4.last))
        inside = f"({sql}) BETWEEN {first} AND {last}"
        suffix = f"CASE WHEN {inside} THEN {suffix} ELSE '/{kind.prefix6}' END"
    return exp.Paren(this=exp.DPipe(this=text, expression=raw(suffix), safe=True))


def read_address(node: Any, text: str) -> bytes:
    """The stored form of a literal address.

    Errors: FilterError at the literal when it is none.
    """
    word = node.name.strip()
    hint = ""
    if "/" in word:
        hint = f"for a network write srcaddr << '{word}'"
    elif word in {"-", ""}:
        hint = "for no address write IS NULL"
    elif "%" in word or "*" in word:
        hint = "for a network write srcaddr << '10.0.0.0/8'"
    try:
        return parse_address(word)
    except RecordError as error:
        raise FilterError(
            f"'{word[:60]}' is not an address", text=text, position=position_of(node), hint=hint
        ) from error


def read_network(node: Any, text: str) -> tuple[AddressRange, ...]:
    """The ranges of a literal network; a bare address is a network of one.

    Shape: an IPv6 network that spans ::ffff:0:0/96 is two ranges, since IPv4 is stored there.
    Errors: FilterError at the literal when it is none.
    """
    word = node.name.strip()
    try:
        network = ip_network(word)
    except ValueError as error:
        hint = "write '10.0.0.0/8' or '2001:db8::/32'"
        with contextlib.suppress(ValueError):
            hint = f"did you mean '{ip_network(word, strict=False)}'?"
        raise FilterError(
            f"'{word[:60]}' is not a network", text=text, position=position_of(node), hint=hint
        ) from error
    return AddressRange.of_network(network)


def private_ranges() -> tuple[AddressRange, ...]:
    """The ranges of PRIVATE_NETWORKS."""
    return tuple(
        span
        for network in PRIVATE_NETWORKS
        for span in AddressRange.of_network(ip_network(network))
    )


def ipv4_range() -> AddressRange:
    """Where IPv4 addresses are stored."""
    return _IPV4


def in_ranges(node: exp.Expression, ranges: tuple[AddressRange, ...]) -> exp.Expression:
    """Whether an address expression lies in ranges."""
    return raw(range_sql(node.sql("duckdb"), ranges))


def network_of(node: exp.Expression, kind: AddressKind) -> exp.Expression:
    """The network of an address as one number, its first address: half the time of cutting bytes."""
    sql = node.sql("duckdb")
    four, six = _mask(96 + (kind.prefix4 or 0)), _mask(kind.prefix6)
    first, last = sql_address(_IPV4.first), sql_address(_IPV4.last)
    mask = f"CASE WHEN {sql} BETWEEN {first} AND {last} THEN {four} ELSE {six} END"
    return raw(f"(({sql})::BIT::UHUGEINT & {mask})")


def network_number(first: bytes) -> exp.Expression:
    """A constant network as network_of gives it."""
    return raw(_number(int.from_bytes(first, "big")))


def _mask(prefix: int) -> str:
    ones = (1 << IPV6_PREFIX_MAX) - 1
    return _number(ones ^ (ones >> prefix))


def _number(value: int) -> str:
    return f"{value}::UHUGEINT"


def read_prefix(node: Any, text: str, most: int) -> int:
    """The literal length of a prefix.

    Errors: FilterError at the literal when it is no whole number from 0 to ``most``.
    """
    if not (isinstance(node, exp.Literal) and not node.is_string and node.name.isdigit()) or (
        int(node.name) > most
    ):
        raise FilterError(
            f"the length of a network is a whole number from 0 to {most}",
            text=text,
            position=position_of(node),
            hint="write network(srcaddr, 24) or network(srcaddr, 24, 64)",
        )
    return int(node.name)


def read_network_name(node: Any, text: str, kind: AddressKind) -> bytes:
    """The first address of a literal network that network() with ``kind`` can give.

    Errors: FilterError when the literal is no network or has another length.
    """
    ranges = read_network(node, text)
    prefix = ip_network(node.name.strip()).prefixlen
    is_ipv4 = ranges[0].first.startswith(_IPV4.first[:12])
    wanted = kind.prefix4 if is_ipv4 else kind.prefix6
    if prefix != wanted:
        raise FilterError(
            f"'{node.name}' has the length {prefix}, the networks beside it {wanted}",
            text=text,
            position=position_of(node),
        )
    return ranges[0].first
