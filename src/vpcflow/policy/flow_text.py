"""A flow as a person writes it: ``tcp 10.0.1.10:50000 -> 10.0.2.10:22``.

``udp`` and IPv6 the same, an IPv6 address with a port in brackets: ``[fd00::1]:50000``. Without
ports: ``icmp 10.0.1.10 -> 10.0.2.10``, with type and code ``8/0`` behind it; another protocol by
name or number. A source port may be left out, it is then 50000, as clients choose one. ICMP without
a type is a ping.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Final

from vpcflow.base.errors import FilterError
from vpcflow.inventory.network_interface import Address
from vpcflow.policy.protocols import (
    ICMP,
    ICMPV6,
    PROTOCOL_NAMES,
    PROTOCOL_NUMBERS,
    TCP,
    UDP,
    request_type,
)

#: The client's port where the text has none: of the ephemeral range of every system.
CLIENT_PORT: Final = 50_000
FLOW_CHARS_MAX: Final = 256

_NOT_KNOWN: Final = -1
_WORD = re.compile(r"\S+")
_PING: Final = {ICMP: 8, ICMPV6: 128}
_PONG: Final = {128: 129, 8: 0, 13: 14, 15: 16, 17: 18}
_EXAMPLES: Final = "such as: tcp 10.0.1.10:50000 -> 10.0.2.10:22, or icmp 10.0.1.10 -> 10.0.2.10"


@dataclass(frozen=True, slots=True)
class Flow:
    """Packets of one direction; ports, ICMP type and code are -1 where there are none."""

    protocol: int
    source: Address
    destination: Address
    source_port: int = _NOT_KNOWN
    destination_port: int = _NOT_KNOWN
    icmp_type: int = _NOT_KNOWN
    icmp_code: int = _NOT_KNOWN

    def __str__(self) -> str:
        name = PROTOCOL_NAMES.get(self.protocol, str(self.protocol))
        ends = [
            _shown(self.source, self.source_port),
            _shown(self.destination, self.destination_port),
        ]
        text = f"{name} {ends[0]} -> {ends[1]}"
        return text if self.icmp_type < 0 else f"{text} {self.icmp_type}/{max(self.icmp_code, 0)}"

    def reply(self) -> Flow | None:
        """The flow that answers; None for ICMP that nobody answers."""
        back = replace(
            self,
            source=self.destination,
            destination=self.source,
            source_port=self.destination_port,
            destination_port=self.source_port,
        )
        if self.protocol not in {ICMP, ICMPV6}:
            return back
        answer = _PONG.get(self.icmp_type, _NOT_KNOWN)
        if request_type(self.protocol, answer) != self.icmp_type:
            return None
        return replace(back, icmp_type=answer, icmp_code=0)


def parse_flow(text: str) -> Flow:
    """Read a flow.

    Errors: FilterError with the position of what cannot be read.
    """
    if len(text) > FLOW_CHARS_MAX:
        raise FilterError(
            f"a flow has at most {FLOW_CHARS_MAX} characters", text=text, position=FLOW_CHARS_MAX
        )
    words = [(match.group(), match.start()) for match in _WORD.finditer(text)]
    end = ("", len(text.rstrip()))
    padded = words + [end] * 5

    def fault(what: str, index: int) -> FilterError:
        return FilterError(what, text=text, position=padded[index][1], hint=_EXAMPLES)

    protocol = _read_protocol(padded[0][0])
    if protocol is None:
        raise fault("a flow begins with a protocol: tcp, udp, icmp, or a name or number", 0)
    has_ports = protocol in {TCP, UDP}
    source, source_port = _read_end(text, *padded[1], has_ports)
    if padded[2][0] not in {"->", "to"}:
        raise fault("expected -> between the two addresses", 2)
    destination, destination_port = _read_end(text, *padded[3], has_ports)
    if source.version != destination.version:
        raise fault(f"the source is IPv{source.version}, this is not", 3)
    if protocol == ICMP and source.version == 6:
        protocol = ICMPV6
    if protocol == ICMPV6 and source.version == 4:
        raise fault("icmpv6 has addresses of IPv6", 1)
    if not has_ports:
        icmp_type, icmp_code = _NOT_KNOWN, _NOT_KNOWN
        used = 4
        if protocol in _PING:
            icmp_type, icmp_code = _PING[protocol], 0
            if len(words) > 4:
                icmp_type, icmp_code = _read_type(text, *padded[4])
                used = 5
        if len(words) > used:
            raise fault("expected the end of the flow", used)
        return Flow(protocol, source, destination, icmp_type=icmp_type, icmp_code=icmp_code)
    if destination_port == _NOT_KNOWN:
        raise fault("the destination needs a port, as 10.0.2.10:22 or [fd00::1]:22", 3)
    if len(words) > 4:
        raise fault("expected the end of the flow", 4)
    port = CLIENT_PORT if source_port == _NOT_KNOWN else source_port
    return Flow(protocol, source, destination, port, destination_port)


def _shown(address: Address, port: int) -> str:
    if port == _NOT_KNOWN:
        return str(address)
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"


def _read_protocol(word: str) -> int | None:
    if word.isascii() and word.isdigit():
        return int(word) if int(word) <= 255 else None
    return PROTOCOL_NUMBERS.get(word.lower())


def _read_end(text: str, word: str, position: int, has_ports: bool) -> tuple[Address, int]:
    """An address and its port, -1 when there is none."""
    if not word:
        raise FilterError("expected an address", text=text, position=position, hint=_EXAMPLES)
    host, port_text, port_at = word, "", position
    if word.startswith("["):
        host, bracket, rest = word[1:].partition("]")
        port_at = position + len(host) + 1 + len(bracket)
        if not bracket or (rest and not rest.startswith(":")):
            raise FilterError("expected ]: and a port", text=text, position=port_at)
        port_text = rest[1:]
        port_at += 1
        if rest == ":":
            raise FilterError("expected a port", text=text, position=port_at)
    elif word.count(":") == 1:
        host, _, port_text = word.partition(":")
        port_at = position + len(host) + 1
        if not port_text:
            raise FilterError("expected a port", text=text, position=port_at)
    try:
        address = ip_address(host)
    except ValueError as error:
        raise FilterError(
            f"'{host}' is no address",
            text=text,
            position=position + word.startswith("["),
            hint=_EXAMPLES,
        ) from error
    if not port_text:
        return address, _NOT_KNOWN
    if not has_ports:
        raise FilterError("only tcp and udp have ports", text=text, position=port_at)
    if not (port_text.isascii() and port_text.isdigit() and int(port_text) <= 65_535):
        raise FilterError("a port is a number from 0 to 65535", text=text, position=port_at)
    return address, int(port_text)


def _read_type(text: str, word: str, position: int) -> tuple[int, int]:
    kind, slash, code = word.partition("/")
    parts = [kind, code] if slash else [kind, "0"]
    if not all(part.isascii() and part.isdigit() and int(part) <= 255 for part in parts):
        raise FilterError(
            "an ICMP type and code are numbers up to 255, as 8/0", text=text, position=position
        )
    return int(parts[0]), int(parts[1])
