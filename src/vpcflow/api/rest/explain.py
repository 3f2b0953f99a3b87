"""GET /explain: why a flow gets through or not, by the rules as they are now."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request

from vpcflow.api.rest.access import own
from vpcflow.api.rest.explained import explained
from vpcflow.api.rest.known_network import known_network
from vpcflow.api.rest.rule_models import Explained
from vpcflow.base.errors import QueryError
from vpcflow.policy.flow_text import CLIENT_PORT, parse_flow
from vpcflow.policy.protocols import ICMP, ICMPV6, PROTOCOL_NUMBERS, TCP, UDP

if TYPE_CHECKING:
    from vpcflow.api.rest.services import RestServices

_ADDRESS_CHARS_MAX = 64
_PORT = Query(ge=0, le=65_535)
_BYTE = Query(ge=0, le=255)


def routes(services: RestServices) -> APIRouter:
    """The route that explains."""
    router = APIRouter(tags=["rules"])

    @router.get("/explain")
    def explain_flow(
        request: Request,
        source: Annotated[str, Query(max_length=_ADDRESS_CHARS_MAX)],
        destination: Annotated[str, Query(max_length=_ADDRESS_CHARS_MAX)],
        protocol: Annotated[str, Query(max_length=16)] = "tcp",
        sport: Annotated[int | None, _PORT] = None,
        dport: Annotated[int | None, _PORT] = None,
        icmp_type: Annotated[int | None, _BYTE] = None,
        icmp_code: Annotated[int | None, _BYTE] = None,
        vpc: Annotated[str | None, Query(max_length=64)] = None,
    ) -> Explained:
        """The stations of a flow and of its reply; ``protocol`` is a name or a number."""
        own(services, request, "ec2:DescribeSecurityGroups")
        own(services, request, "ec2:DescribeNetworkAcls")
        text, notes = _flow_text(
            source, destination, protocol, (sport, dport), (icmp_type, icmp_code)
        )
        return explained(known_network(services), parse_flow(text), vpc or None, notes)

    return router


def _flow_text(
    source: str,
    destination: str,
    protocol: str,
    ports: tuple[int | None, int | None],
    icmp: tuple[int | None, int | None],
) -> tuple[str, list[str]]:
    """A flow in words, and what was taken for granted."""
    number = _number_of(protocol)
    notes: list[str] = []
    if number in {TCP, UDP}:
        if ports[1] is None:
            raise QueryError("a flow of tcp or udp needs a port of its destination", where="dport")
        if ports[0] is None:
            notes.append(f"The source's port was taken to be {CLIENT_PORT}.")
        ends = [
            _end(source, ports[0] or CLIENT_PORT, "source"),
            _end(destination, ports[1], "destination"),
        ]
        return f"{number} {ends[0]} -> {ends[1]}", notes
    text = f"{number} {_address(source, 'source')} -> {_address(destination, 'destination')}"
    if number in {ICMP, ICMPV6}:
        if icmp[0] is None:
            notes.append("Without a type it was taken to be a ping.")
        else:
            text += f" {icmp[0]}/{icmp[1] or 0}"
    return text, notes


def _number_of(protocol: str) -> int:
    name = protocol.strip().lower()
    if name.isascii() and name.isdigit() and int(name) <= 255:
        return int(name)
    if name in PROTOCOL_NUMBERS:
        return PROTOCOL_NUMBERS[name]
    raise QueryError(
        f"'{protocol}' is no protocol",
        where="protocol",
        hint=f"a number, or {', '.join(PROTOCOL_NUMBERS)}",
    )


def _address(text: str, where: str) -> str:
    try:
        return str(ip_address(text.strip()))
    except ValueError as error:
        raise QueryError(f"'{text}' is no address", where=where) from error


def _end(text: str, port: int, where: str) -> str:
    address = _address(text, where)
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
