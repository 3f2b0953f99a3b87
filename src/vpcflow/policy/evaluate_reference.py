"""The judgement of one flow at one interface in plain Python: what ``evaluate`` is compared with."""

from __future__ import annotations

from dataclasses import dataclass

from vpcflow.inventory.network_interface import Address
from vpcflow.policy.bindings import Binding, Bindings
from vpcflow.policy.judgement import Initiated, SaidNo, Verdict
from vpcflow.policy.matching import (
    NOT_KNOWN,
    Answer,
    Question,
    acl_answer,
    groups_answer,
    holds,
)
from vpcflow.policy.not_filtered import is_link_traffic, reserved_addresses
from vpcflow.policy.protocols import ICMP, ICMPV6, is_icmp_error, request_type
from vpcflow.policy.rule_text import acl_entry_text, groups_text
from vpcflow.policy.security_group import Direction


@dataclass(frozen=True, slots=True)
class InterfaceFlow:
    """One flow as one interface sees it; NOT_KNOWN where a port, type or code is not known."""

    interface_id: str
    direction: Direction
    source: Address
    destination: Address
    protocol: int
    source_port: int = NOT_KNOWN
    destination_port: int = NOT_KNOWN
    icmp_type: int = NOT_KNOWN
    icmp_code: int = NOT_KNOWN
    initiated: Initiated = Initiated.UNKNOWN

    @property
    def peer(self) -> Address:
        """The other side's address."""
        return self.destination if self.direction == Direction.EGRESS else self.source


@dataclass(frozen=True, slots=True)
class FlowJudgement:
    """The verdict on one flow; ``rule`` as in ``reject_rule``, empty where none can be named."""

    verdict: Verdict
    rule: str = ""
    said_no: SaidNo = SaidNo.NOBODY


def judge_flow(bindings: Bindings, flow: InterfaceFlow) -> FlowJudgement:
    """Judge one flow at one interface."""
    interface = bindings.rule_set.inventory.interfaces.get(flow.interface_id)
    binding = bindings.binding(interface) if interface else None
    if binding is None or not binding.is_judged:
        return FlowJudgement(Verdict.UNKNOWN)
    if flow.peer in reserved_addresses(bindings, binding) or is_link_traffic(
        flow.protocol, flow.source_port, flow.destination_port, flow.icmp_type
    ):
        return FlowJudgement(Verdict.ACCEPT)
    groups = _groups(bindings, binding, flow)
    acl, acl_rule = _acl(binding, flow)
    group_rule = groups_text([group.group_id for group in binding.groups] or [""])
    stations = [(groups, group_rule, SaidNo.GROUP), (acl, acl_rule, SaidNo.ACL)]
    if flow.direction == Direction.INGRESS:
        stations.reverse()
    (first, *_), (second, *_) = stations
    if first == Answer.YES and second == Answer.YES:
        return FlowJudgement(Verdict.ACCEPT)
    if first == Answer.NO:
        return FlowJudgement(Verdict.REJECT, *stations[0][1:])
    if second == Answer.NO:
        if first == Answer.YES:
            return FlowJudgement(Verdict.REJECT, *stations[1][1:])
        return FlowJudgement(Verdict.REJECT)
    return FlowJudgement(Verdict.UNKNOWN)


def _groups(bindings: Bindings, binding: Binding, flow: InterfaceFlow) -> Answer:
    own = groups_answer(bindings, binding, _question(flow))
    if own == Answer.YES:
        return own
    request = _request(flow)
    tracked = Answer.NO
    if flow.initiated != Initiated.HERE and request is not None:
        tracked = groups_answer(bindings, binding, request)
    if tracked == Answer.YES and flow.initiated == Initiated.THERE:
        return Answer.YES
    if Answer.MAYBE in {own, tracked} or tracked == Answer.YES:
        return Answer.MAYBE
    return Answer.MAYBE if is_icmp_error(flow.protocol, flow.icmp_type) else Answer.NO


def _acl(binding: Binding, flow: InterfaceFlow) -> tuple[Answer, str]:
    if binding.acl is None or holds(binding.subnet_networks, flow.peer):
        return Answer.YES, ""
    said = acl_answer(binding.acl, _question(flow))
    if said.rule_number is None:
        return said.answer, ""
    return said.answer, acl_entry_text(binding.acl.network_acl_id, said.rule_number)


def _question(flow: InterfaceFlow) -> Question:
    return Question(
        flow.direction,
        flow.peer,
        flow.protocol,
        flow.destination_port,
        flow.icmp_type,
        flow.icmp_code,
    )


def _request(flow: InterfaceFlow) -> Question | None:
    """What the groups were asked when the connection began, if this flow is its reply."""
    back = Direction.INGRESS if flow.direction == Direction.EGRESS else Direction.EGRESS
    icmp_type, icmp_code = flow.icmp_type, flow.icmp_code
    if flow.protocol in {ICMP, ICMPV6} and icmp_type != NOT_KNOWN:
        asked = request_type(flow.protocol, icmp_type)
        if asked is None:
            return None
        icmp_type, icmp_code = asked, 0
    return Question(back, flow.peer, flow.protocol, flow.source_port, icmp_type, icmp_code)
