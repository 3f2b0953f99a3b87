"""GET /rejected-ports: refused records by port, each with the rule that refused."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from vpcflow.api.asked import Steps
from vpcflow.api.rest.access import reader
from vpcflow.api.rest.composed import composed
from vpcflow.api.rest.explained import rule_name
from vpcflow.api.rest.known_network import KnownNetwork, known_network
from vpcflow.api.rest.network_models import cost_of, coverage_of
from vpcflow.api.rest.records_in_scope import Scope, ask, rows_of, scope
from vpcflow.api.rest.rule_models import RejectedPort, RejectedPorts
from vpcflow.inventory.address_ranges import address_number
from vpcflow.policy.judgement import Initiated, Verdict
from vpcflow.policy.protocols import ICMP, ICMPV6, PROTOCOL_NAMES, TCP, UDP
from vpcflow.policy.resolve import address_words
from vpcflow.query.questions.rule_flows import CLIENT_PORTS_FROM

if TYPE_CHECKING:
    from vpcflow.api.rest.services import RestServices

#: Ports of one answer.
PORTS_MAX = 50
_Row = dict[str, Any]
#: What a client's port was, for those that a record of a port does not name.
_ANY_CLIENT = 50_000


def routes(services: RestServices) -> APIRouter:
    """The route of rejected ports."""
    router = APIRouter(tags=["rules"])

    @router.get("/rejected-ports", response_model=RejectedPorts)
    async def list_rejected_ports(
        request: Request,
        asked: Annotated[Scope, Depends(scope)],
        limit: Annotated[int, Query(ge=1, le=PORTS_MAX)] = 10,
    ) -> Response:
        """Ports with most refused records."""

        def steps() -> Steps[RejectedPorts]:
            reader(services, request)
            return (yield from _ports(services, asked, limit))

        return await composed(services, request, steps)

    return router


def _ports(services: RestServices, asked: Scope, limit: int) -> Steps[RejectedPorts]:
    known = known_network(services)
    ports = yield from ask(services, asked, "rejects", {"by": "port", "limit": limit})
    couples = yield from ask(services, asked, "rejected_couples", {"limit": limit})
    ends = {(row["protocol"], row["port"]): row for row in rows_of(couples)}
    rows = [(row, ends.get((row["protocol"], row["port"]), {})) for row in rows_of(ports)]
    judged = _judged(known, [couple for _, couple in rows])
    notes = list(ports.notes)
    shown = [_shown(known, *row, judged[place]) for place, row in enumerate(rows)]
    if any(one.basis == "judged" for one in shown):
        notes.append(
            "Where records name no rule, the rules as they are now were asked about the two ends "
            "with most records."
        )
    return RejectedPorts(
        ports=shown,
        scan=cost_of(ports),
        coverage=coverage_of(ports),
        truncated=ports.truncated,
        elapsed_s=ports.elapsed_s + couples.elapsed_s,
        notes=notes,
    )


def _shown(known: KnownNetwork, row: _Row, couple: _Row, judged: tuple[str, str]) -> RejectedPort:
    protocol, port = row["protocol"], row["port"]
    has_port = protocol in {TCP, UDP}
    vpc_id = known.vpc_of(couple.get("interface_id"))
    recorded = couple.get("rule") or ""
    rule, why = (recorded, "") if recorded else judged
    condition = f"protocol = {protocol} and action = REJECT"
    if has_port and port is not None:
        condition = f"dstport = {port} and {condition}"
    source, target = couple.get("source") or row["top_source"], couple.get("target")
    return RejectedPort(
        protocol=protocol,
        protocol_name=PROTOCOL_NAMES.get(protocol, str(protocol)),
        port=port if has_port else None,
        records=row["records"] or 0,
        packets=row["packets"] or 0,
        bytes=row["bytes"] or 0,
        sources=row["sources"] or 0,
        top_source=source,
        top_source_name=known.names.of_address(source, vpc_id) if source else None,
        top_target=target,
        top_target_name=known.names.of_address(target, vpc_id) if target else None,
        interface_id=couple.get("interface_id"),
        first_seen_s=row["first_seen"],
        last_seen_s=row["last_seen"],
        rule=rule,
        rule_name=rule_name(known, rule),
        basis="recorded" if recorded else "judged" if rule else "unknown",
        why=why,
        filter=condition,
    )


def _judged(known: KnownNetwork, couples: list[_Row]) -> list[tuple[str, str]]:
    """The rule that refuses each couple now; empty with the reason where none does."""
    import numpy as np

    from vpcflow.policy.evaluate import FlowColumns, evaluate

    compiled = known.compiled
    # A port that is high itself may be a client's: then the record may be of a reply.
    rows = [_flow(known, couple) for couple in couples]
    columns = list(zip(*rows, strict=True)) if rows else [()] * 6
    count = len(rows)
    none = np.full(count, -1)
    judgement = evaluate(
        compiled,
        FlowColumns(
            interface=np.array(columns[0], np.int32),
            direction=np.array(columns[1], np.uint8),
            addresses=np.array(columns[2], np.uint64).reshape(count, 4).T,
            source_port=np.array(columns[3], np.int32),
            destination_port=np.array(columns[4], np.int32),
            protocol=np.array(columns[5], np.uint8),
            icmp_type=none,
            icmp_code=none,
            initiated=np.full(count, Initiated.HERE),
        ),
    )
    said = []
    for place, couple in enumerate(couples):
        verdict = Verdict(int(judgement.verdict[place]))
        rule = compiled.rule_texts[int(judgement.rule[place])]
        if verdict == Verdict.REJECT and rule:
            said.append((rule, ""))
        else:
            said.append(("", _why(known, couple, verdict, columns[0][place])))
    return said


def _flow(known: KnownNetwork, couple: _Row) -> tuple[Any, ...]:
    number = known.compiled.interface_numbers.get(couple.get("interface_id") or "", -1)
    interface = known.rules.inventory.interfaces.get(couple.get("interface_id") or "")
    source, target = (
        ip_address(couple[name]) if couple.get(name) else None for name in ("source", "target")
    )
    if source is None or target is None or interface is None:
        return -1, 0, (0, 0, 0, 0), -1, -1, 0
    protocol, port = couple["protocol"], couple["port"]
    has_port = protocol in {TCP, UDP} and port is not None
    return (
        number,
        int(source in interface.addresses),
        (*address_words(address_number(source)), *address_words(address_number(target))),
        _ANY_CLIENT if has_port else -1,
        port if has_port else -1,
        protocol,
    )


def _why(known: KnownNetwork, couple: _Row, verdict: Verdict, number: int) -> str:
    """Why no rule can be named, for people."""
    interface_id = couple.get("interface_id")
    if not interface_id:
        return "The records name no interface."
    if number < 0:
        return f"{interface_id} is not in the inventory, so its rules are not known."
    if verdict == Verdict.ACCEPT:
        port = couple["port"]
        if couple["protocol"] in {TCP, UDP} and (port or 0) >= CLIENT_PORTS_FROM:
            return (
                "The rules as they are now allow it; it may be a reply, which only an ACL refuses."
            )
        return "The rules as they are now allow it: they changed, or another firewall refused."
    binding = known.bindings.binding(known.rules.inventory.interfaces[interface_id])
    if not binding.is_judged:
        missing = binding.missing[0] if binding.missing else "no security group and no ACL"
        return f"No rules are known of {interface_id}: {missing}."
    if couple["protocol"] in {ICMP, ICMPV6}:
        return "Records hold no ICMP type, on which the rules depend."
    return "More than one rule may have refused it."
