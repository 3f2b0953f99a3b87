"""Our own functions in SQL: each becomes plain SQL over stored bytes or numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from vpcflow.query.expression import AddressRange
from vpcflow.query.sql_address import (
    ADDRESS,
    IPV4_PREFIX_MAX,
    IPV6_PREFIX_DEFAULT,
    IPV6_PREFIX_MAX,
    AddressKind,
    address_to_text,
    in_ranges,
    ipv4_range,
    network_of,
    private_ranges,
    raw,
    read_network,
    read_prefix,
)
from vpcflow.query.sql_scope import Scope
from vpcflow.query.sql_time import call_name
from vpcflow.query.sql_view import merge_ranges
from vpcflow.query.time_range import MOMENT_MAX_S

if TYPE_CHECKING:
    from vpcflow.query.sql_values import Value, ValueRewriter

#: The most networks of one in_network().
NETWORKS_MAX = 1_000

_Call = Callable[["ValueRewriter", list[Any], Any, Scope], "Value"]


def shift_is_network_test(node: Any) -> bool:
    """Whether ``a << b`` asks for a network and not for a shift of bits."""
    right = node.expression.unnest()
    return isinstance(right, exp.Literal) and bool(right.is_string)


def prefix_network(node: Any) -> str:
    """The network of ``LIKE '10.1.%'``, nothing for another pattern: only its addresses begin so."""
    pattern = node.expression
    if not (isinstance(pattern, exp.Literal) and pattern.is_string):
        return ""
    octets = pattern.name.split(".")
    if octets.pop() != "%" or not 1 <= len(octets) <= 3:
        return ""
    if not all(
        octet.isascii() and octet.isdigit() and str(int(octet)) == octet for octet in octets
    ):
        return ""
    if any(int(octet) > 255 for octet in octets):
        return ""
    return ".".join([*octets, *["0"] * (4 - len(octets))]) + f"/{8 * len(octets)}"


def now_sql(node: Any, now_s: float) -> exp.Expression | None:
    """The moment of asking, for the functions that name it."""
    name = call_name(node)
    if name == "now_s":
        return exp.Literal.number(int(now_s))
    if isinstance(node, exp.CurrentTimestamp) or name == "now":
        return raw(f"make_timestamp({int(now_s * 1_000_000)})")
    if isinstance(node, exp.CurrentDate) or name == "today":
        return raw(f"CAST(make_timestamp({int(now_s * 1_000_000)}) AS DATE)")
    return None


def _address(rewriter: ValueRewriter, node: Any, scope: Scope, call: Any) -> exp.Expression:
    """An argument that is an address; a text in quotes is one too."""
    if rewriter.is_text_literal(node):
        return rewriter.literal(node.unnest(), ADDRESS)
    value, kind = rewriter.value(node, scope)
    if kind != ADDRESS:
        raise rewriter.fault(
            "this is not an address column",
            call if kind is None and not isinstance(node, exp.Column) else node,
            "srcaddr, dstaddr, pkt_srcaddr and pkt_dstaddr are; a query within keeps them so",
        )
    return value


def _need(rewriter: ValueRewriter, node: Any, holds: bool, usage: str) -> None:
    if not holds:
        raise rewriter.fault(f"{call_name(node) or '<<'} has other arguments", node, usage)


def _in_network(rewriter: ValueRewriter, arguments: list[Any], node: Any, scope: Scope) -> Value:
    usage = "write in_network(srcaddr, '10.0.0.0/8') or srcaddr << '10.0.0.0/8'"
    networks = arguments[1:]
    _need(rewriter, node, 1 <= len(networks) <= NETWORKS_MAX, usage)
    _need(rewriter, node, all(rewriter.is_text_literal(one) for one in networks), usage)
    ranges = network_ranges(rewriter.sql_text, networks)
    return in_ranges(_address(rewriter, arguments[0], scope, node), ranges), None


def network_ranges(text: str, networks: list[Any]) -> tuple[AddressRange, ...]:
    """The addresses of literal networks, merged."""
    return merge_ranges(r for network in networks for r in read_network(network.unnest(), text))


def _is_private(rewriter: ValueRewriter, arguments: list[Any], node: Any, scope: Scope) -> Value:
    _need(rewriter, node, len(arguments) == 1, "write is_private(srcaddr)")
    return in_ranges(_address(rewriter, arguments[0], scope, node), private_ranges()), None


def _is_ipv4(rewriter: ValueRewriter, arguments: list[Any], node: Any, scope: Scope) -> Value:
    _need(rewriter, node, len(arguments) == 1, "write is_ipv4(srcaddr)")
    return in_ranges(_address(rewriter, arguments[0], scope, node), (ipv4_range(),)), None


def _is_ipv6(rewriter: ValueRewriter, arguments: list[Any], node: Any, scope: Scope) -> Value:
    _need(rewriter, node, len(arguments) == 1, "write is_ipv6(srcaddr)")
    test = in_ranges(_address(rewriter, arguments[0], scope, node), (ipv4_range(),))
    return exp.Paren(this=exp.Not(this=test)), None


def _network(rewriter: ValueRewriter, arguments: list[Any], node: Any, scope: Scope) -> Value:
    usage = "write network(srcaddr, 24), or network(srcaddr, 24, 64) for IPv4 and IPv6"
    _need(rewriter, node, 2 <= len(arguments) <= 3, usage)
    prefix6 = IPV6_PREFIX_DEFAULT
    if len(arguments) == 3:
        prefix6 = read_prefix(arguments[2], rewriter.sql_text, IPV6_PREFIX_MAX)
    kind = AddressKind(read_prefix(arguments[1], rewriter.sql_text, IPV4_PREFIX_MAX), prefix6)
    return network_of(_address(rewriter, arguments[0], scope, node), kind), kind


def _to_address(rewriter: ValueRewriter, arguments: list[Any], node: Any, scope: Scope) -> Value:
    holds = len(arguments) == 1 and rewriter.is_text_literal(arguments[0])
    _need(rewriter, node, holds, "write address('10.0.0.1')")
    return _address(rewriter, arguments[0], scope, node), ADDRESS


def _addr_text(rewriter: ValueRewriter, arguments: list[Any], node: Any, scope: Scope) -> Value:
    _need(rewriter, node, len(arguments) == 1, "write addr_text(srcaddr)")
    value, kind = rewriter.value(arguments[0], scope)
    if kind is None:
        return exp.Cast(this=value, to=exp.DataType.build("text")), None
    return address_to_text(value, kind), None


def _to_time(rewriter: ValueRewriter, arguments: list[Any], node: Any, scope: Scope) -> Value:
    _need(rewriter, node, len(arguments) == 1, "write to_time(start)")
    seconds = f"CAST({rewriter.text(arguments[0], scope).sql('duckdb')} AS BIGINT)"
    # A second beyond the year 9999 is a slip of its maker; it must not end everyone's query.
    return raw(
        f"(CASE WHEN {seconds} BETWEEN 0 AND {MOMENT_MAX_S} "
        f"THEN make_timestamp({seconds} * 1000000) END)"
    ), None


#: Our functions by name.
CALLS: dict[str, _Call] = {
    "in_network": _in_network,
    "is_private": _is_private,
    "is_ipv4": _is_ipv4,
    "is_ipv6": _is_ipv6,
    "network": _network,
    "address": _to_address,
    "addr_text": _addr_text,
    "to_time": _to_time,
}
