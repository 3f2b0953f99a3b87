"""Finds the rule behind a record: what the record says, else what the rules say now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from vpcflow.api.asked import Question, Steps
from vpcflow.api.rest.explained import fix_of, owner_of, rule_name, step_shown
from vpcflow.api.rest.known_network import KnownNetwork
from vpcflow.api.rest.rule_models import RecordRule
from vpcflow.base.errors import ResourceError
from vpcflow.inventory.network_interface import Address
from vpcflow.policy.explain import Explanation, Leg, Step, explain
from vpcflow.policy.flow_text import Flow
from vpcflow.policy.judgement import SaidNo, Verdict
from vpcflow.policy.protocols import ICMP, ICMPV6, TCP, UDP
from vpcflow.query.expression import AddressRange, And, Compare, InNetwork, to_bytes
from vpcflow.query.time_range import TimeRange

if TYPE_CHECKING:
    from vpcflow.query.expression import Expression

#: Ports from here on are taken by clients alone: Linux gives them out from here.
CLIENT_PORTS_FROM = 32_768
_SYN, _SYN_ACK = 2, 18
_PING = {ICMP: 8, ICMPV6: 128}
_CHANGED = "Judged by the rules as they are now; they may have been others when it was recorded."


@dataclass(frozen=True, slots=True)
class RecordAsked:
    """A record whose rule is wanted; a port is -1 where the record has none."""

    interface_id: str
    source: Address
    destination: Address
    protocol: int
    source_port: int
    destination_port: int
    action: str
    start_s: int | None
    reject_rule: str
    tcp_flags: int | None

    @property
    def flow(self) -> Flow:
        """Its packets; ICMP is taken for a ping, since records hold no type."""
        if self.protocol in {TCP, UDP}:
            ports = (self.source_port, self.destination_port)
            return Flow(self.protocol, self.source, self.destination, *ports)
        ping = _PING.get(self.protocol)
        flow = Flow(self.protocol, self.source, self.destination)
        return flow if ping is None else replace(flow, icmp_type=ping, icmp_code=0)

    @property
    def seems_reply(self) -> bool:
        """Whether it answers: its flags say so, else the lower port is the service's."""
        if self.protocol == TCP and self.tcp_flags is not None and self.tcp_flags & _SYN:
            return self.tcp_flags & _SYN_ACK == _SYN_ACK
        return 0 <= self.source_port < self.destination_port

    @property
    def is_sure(self) -> bool:
        """Whether the leg is more than a guess from two high ports."""
        if self.tcp_flags is not None and self.tcp_flags & _SYN:
            return True
        return min(self.source_port, self.destination_port) < CLIENT_PORTS_FROM


@dataclass(frozen=True, slots=True)
class _Judged:
    """An explanation of the connection that a record belongs to, and its steps at the interface."""

    leg: Leg
    said: Explanation
    here: tuple[Step, ...]

    @property
    def action(self) -> str:
        verdicts = {step.verdict for step in self.here}
        if Verdict.REJECT in verdicts:
            return "REJECT"
        return "" if Verdict.UNKNOWN in verdicts or not verdicts else "ACCEPT"

    @property
    def deciding(self) -> Step | None:
        """What refused here; else the group, or whatever station said a rule."""
        refused = [step for step in self.here if step.verdict == Verdict.REJECT]
        if refused:
            return refused[0]
        told = [step for step in self.here if step.rule]
        groups = [step for step in told if step.station == SaidNo.GROUP]
        found = groups or told or self.here
        return found[0] if found else None


def rule_of_record(known: KnownNetwork, asked: RecordAsked) -> Steps[RecordRule]:
    """The rule that decided a record."""
    recorded = asked.reject_rule or (yield from _recorded(asked))
    judged, why, hint = _judge(known, asked)
    step = judged.deciding if judged else None
    notes = _notes(asked, judged)
    agrees = judged.action == asked.action if judged and judged.action else None
    if recorded:
        rule, reason = recorded, "The record names the rule that refused it."
        station = _station(recorded)
        why = hint = ""
    elif judged is not None and step is not None and agrees is not False:
        rule, reason, station = step.rule, step.reason, step_shown(known, step).station
        notes.append(_CHANGED)
        if not judged.action:
            why, hint = (
                step.reason,
                "Put the interface into a security group, or its subnet under an ACL.",
            )
    else:
        rule, reason, station = "", "", None
        if judged is not None:
            why = f"By the rules as they are now it would be {judged.action or 'not known'}."
            hint = "The rules changed since it was recorded, or another firewall decided."
    owner = owner_of(rule)
    basis: Literal["recorded", "judged", "unknown"] = "recorded" if recorded else "judged"
    if why:
        basis = "unknown"
    return RecordRule(
        basis=basis,
        action=asked.action,
        rule=rule,
        rule_name=rule_name(known, rule),
        group_id=owner if owner.startswith("sg-") else None,
        network_acl_id=owner if owner.startswith("acl-") else None,
        station=station,
        leg=judged.leg.value if judged else None,
        reason=reason,
        fix=fix_of(known, step) if judged and judged.action == asked.action == "REJECT" else "",
        agrees=agrees,
        flow=str(judged.said.flow if judged else asked.flow),
        steps=[step_shown(known, one) for one in judged.said.steps] if judged else [],
        why=why,
        hint=hint,
        notes=notes,
    )


def _station(rule: str) -> Any:
    return "security-group" if rule.startswith("sg-") else "network-acl"


def _notes(asked: RecordAsked, judged: _Judged | None) -> list[str]:
    notes = []
    if judged is not None and asked.protocol in {ICMP, ICMPV6}:
        notes.append("A record holds no ICMP type: it was taken to be a ping.")
    elif judged is not None and asked.protocol in {TCP, UDP} and not asked.is_sure:
        notes.append("Both ports are high: which end began is a guess.")
    return notes


def _judge(known: KnownNetwork, asked: RecordAsked) -> tuple[_Judged | None, str, str]:
    """The connection as today's rules see it; None with why and what to do."""
    interface = known.rules.inventory.interfaces.get(asked.interface_id)
    if interface is None:
        return (
            None,
            f"{asked.interface_id} is not in the inventory, so its rules are not known.",
            "Declare it in the inventory file, or create it over the API, with its groups.",
        )
    if not known.bindings.binding(interface).is_judged:
        missing = known.bindings.binding(interface).missing
        reason = missing[0] if missing else "it is in no security group and under no ACL"
        return (
            None,
            f"No rules are known of {asked.interface_id}: {reason}.",
            "Put it into a security group, or bind a network ACL to its subnet.",
        )
    tries = [_explained(known, asked, leg, interface.vpc_id) for leg in _legs(asked)]
    found = [one for one in tries if isinstance(one, _Judged)]
    if not found:
        return None, str(tries[0]), "The interface may have had another address then."
    # The likelier leg counts, unless only the other one explains what happened.
    return next((one for one in found if one.action == asked.action), found[0]), "", ""


def _legs(asked: RecordAsked) -> tuple[Leg, ...]:
    legs = (Leg.REPLY, Leg.REQUEST) if asked.seems_reply else (Leg.REQUEST, Leg.REPLY)
    # Where it is sure which leg it is, an accepted record is no other one.
    return legs[:1] if asked.is_sure and asked.action == "ACCEPT" else legs


def _explained(
    known: KnownNetwork, asked: RecordAsked, leg: Leg, vpc_id: str
) -> _Judged | ResourceError:
    flow = asked.flow
    if leg is Leg.REPLY:
        flow = replace(
            flow,
            source=flow.destination,
            destination=flow.source,
            source_port=flow.destination_port,
            destination_port=flow.source_port,
        )
    try:
        said = explain(known.rules, flow, vpc_id)
    except ResourceError as error:
        return error
    direction = "egress" if _holds(known, asked.interface_id, asked.source) else "ingress"
    here = tuple(
        step
        for step in said.steps
        if step.leg == leg
        and step.interface_id == asked.interface_id
        and step.direction.value == direction
    )
    return _Judged(leg, said, here)


def _holds(known: KnownNetwork, interface_id: str, address: Address) -> bool:
    return address in known.rules.inventory.interfaces[interface_id].addresses


def _recorded(asked: RecordAsked) -> Steps[str]:
    """The rule that the record itself names; empty for none, and when it is not to be found."""
    if asked.action != "REJECT" or asked.start_s is None:
        return ""
    ends = {"srcaddr": asked.source, "dstaddr": asked.destination}
    conditions: list[Expression] = [
        *(
            InNetwork(name, (AddressRange(to_bytes(address), to_bytes(address)),))
            for name, address in ends.items()
        ),
        Compare("interface-id", "=", asked.interface_id),
        Compare("protocol", "=", asked.protocol),
        Compare("action", "=", asked.action),
    ]
    for name, port in (("srcport", asked.source_port), ("dstport", asked.destination_port)):
        if port >= 0:
            conditions.append(Compare(name, "=", port))
    answer = yield Question(
        "flows",
        {"limit": 1, "fields": "start,reject-rule"},
        And(tuple(conditions)),
        TimeRange(asked.start_s, asked.start_s + 1),
    )
    rows = answer.table.to_pylist()
    return str(rows[0]["reject_rule"] or "") if rows else ""
