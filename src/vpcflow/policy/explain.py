"""Why a flow gets through or not, station by station, for the request and for its reply."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from vpcflow.base.errors import ResourceError
from vpcflow.inventory.network_interface import Address, NetworkInterface
from vpcflow.policy.bindings import Binding, Bindings
from vpcflow.policy.flow_text import Flow
from vpcflow.policy.judgement import SaidNo, Verdict
from vpcflow.policy.matching import Answer, Question, acl_answer, allowing_rules, holds
from vpcflow.policy.network_acl import RULE_NUMBER_LAST, NetworkAcl
from vpcflow.policy.not_filtered import is_link_traffic, reserved_addresses
from vpcflow.policy.protocols import ICMP, ICMPV6, PROTOCOL_NAMES, TCP, UDP
from vpcflow.policy.rule_set import RuleSet
from vpcflow.policy.rule_text import acl_entry_text, group_rule_text, groups_text
from vpcflow.policy.security_group import Direction, SecurityGroup

_NOT_FILTERED = "neither groups nor ACLs filter it"
_EPHEMERAL_PORTS = "1024-65535"


class Leg(StrEnum):
    """Which of the two flows of a connection."""

    REQUEST = "request"
    REPLY = "reply"


@dataclass(frozen=True, slots=True)
class Step:
    """What one station says of one leg.

    Shape: ``rule`` is what decided, as in ``reject_rule`` where it refused, empty where no rule was
    asked. ``needed`` says in words which rule would have had to allow it. ``reached`` is False
    behind a station that refused.
    """

    leg: Leg
    interface_id: str
    direction: Direction
    station: SaidNo
    verdict: Verdict
    rule: str
    reason: str
    needed: str = ""
    reached: bool = True

    def __str__(self) -> str:
        station = "security groups" if self.station == SaidNo.GROUP else "network ACL"
        verdict = {Verdict.ACCEPT: "allowed", Verdict.REJECT: "REFUSED"}.get(
            self.verdict, "not known"
        )
        text = f"{self.leg}: {self.interface_id} {self.direction} {station}: {verdict}"
        if not self.reached:
            text += " (not reached)"
        text += f", {self.reason}"
        return f"{text}; needed: {self.needed}" if self.needed else text


@dataclass(frozen=True, slots=True)
class Explanation:
    """All stations of a flow and of its reply, in the order in which packets meet them.

    Shape: ``verdict`` is REJECT if any station refuses, and ``refused_by`` the first that does;
    UNKNOWN if an interface of ours is under no rules that are known.
    """

    flow: Flow
    source_interface_id: str | None
    destination_interface_id: str | None
    steps: tuple[Step, ...]
    verdict: Verdict

    @property
    def refused_by(self) -> Step | None:
        """The station that ended it."""
        return next((step for step in self.steps if step.verdict == Verdict.REJECT), None)

    def lines(self) -> list[str]:
        """In words: the verdict, then every station."""
        refused = self.refused_by
        if refused is not None:
            who = "security group" if refused.station == SaidNo.GROUP else "network ACL"
            summary = f"REJECT: the {refused.leg} is refused by {who} {refused.rule}"
        elif self.verdict == Verdict.ACCEPT:
            has_reply = any(step.leg == Leg.REPLY for step in self.steps)
            summary = f"ACCEPT: {'request and reply get' if has_reply else 'it gets'} through"
        else:
            summary = "not known: an interface is under no rules that are known"
        return [f"{self.flow}", summary, *map(str, self.steps)]


def explain(rule_set: RuleSet, flow: Flow, vpc_id: str | None = None) -> Explanation:
    """Explain one flow, and its reply; one of the two ends must be an interface of ours.

    Shape: ``vpc_id`` chooses where several VPCs have the same addresses.
    Errors: ResourceError when neither address is an interface's, or when several have it.
    """
    sender = _holder(rule_set, flow.source, vpc_id)
    receiver = _holder(rule_set, flow.destination, vpc_id)
    if sender is None and receiver is None:
        raise ResourceError(
            f"neither {flow.source} nor {flow.destination} is an interface's address",
            hint="one end of the flow must be in the inventory",
        )
    bindings = Bindings(rule_set)
    asked = _Explainer(bindings, flow)
    steps = asked.leg(Leg.REQUEST, flow, sender, receiver)
    reply = flow.reply()
    if reply is not None:
        steps += asked.leg(Leg.REPLY, reply, receiver, sender)
    verdicts = [step.verdict for step in steps]
    if Verdict.REJECT in verdicts:
        first = verdicts.index(Verdict.REJECT)
        steps = steps[: first + 1] + [replace(step, reached=False) for step in steps[first + 1 :]]
        verdict = Verdict.REJECT
    else:
        verdict = Verdict.UNKNOWN if Verdict.UNKNOWN in verdicts else Verdict.ACCEPT
    return Explanation(
        flow,
        sender.interface_id if sender else None,
        receiver.interface_id if receiver else None,
        tuple(steps),
        verdict,
    )


class _Explainer:
    """Asks the stations of one connection."""

    def __init__(self, bindings: Bindings, request: Flow) -> None:
        self._bindings = bindings
        self._request = request

    def leg(
        self,
        leg: Leg,
        flow: Flow,
        sender: NetworkInterface | None,
        receiver: NetworkInterface | None,
    ) -> list[Step]:
        """The stations of one leg, the sender's first."""
        steps: list[Step] = []
        if sender is not None:
            binding = self._bindings.binding(sender)
            question = _question(flow, Direction.EGRESS)
            steps += [self._groups(leg, binding, question), self._acl(leg, binding, question)]
        if receiver is not None:
            binding = self._bindings.binding(receiver)
            question = _question(flow, Direction.INGRESS)
            steps += [self._acl(leg, binding, question), self._groups(leg, binding, question)]
        return steps

    def _groups(self, leg: Leg, binding: Binding, question: Question) -> Step:
        def step(verdict: Verdict, rule: str, reason: str, needed: str = "") -> Step:
            interface_id = binding.interface.interface_id
            return Step(
                leg,
                interface_id,
                question.direction,
                SaidNo.GROUP,
                verdict,
                rule,
                reason,
                needed,
            )

        if not binding.is_judged:
            return step(Verdict.UNKNOWN, "", _why_not_judged(binding))
        if not binding.groups:
            return step(Verdict.ACCEPT, "", "the interface is in no security group")
        if self._passes(binding, question):
            return step(Verdict.ACCEPT, "", _NOT_FILTERED)
        if leg == Leg.REPLY:
            tracked = self._tracked_by(binding, question)
            if tracked:
                reason = f"the reply of a connection that {tracked} allowed; groups are stateful"
                return step(Verdict.ACCEPT, tracked, reason)
        found = allowing_rules(self._bindings, binding, question)
        for answer, verdict in ((Answer.YES, Verdict.ACCEPT), (Answer.MAYBE, Verdict.UNKNOWN)):
            for group_id, rule, said in found:
                if said == answer:
                    text = group_rule_text(group_id, rule.rule_id)
                    name = rule.description and f" ({rule.description})"
                    return step(verdict, text, f"{text}{name} allows it")
        refusing = groups_text([group.group_id for group in binding.groups])
        if leg == Leg.REPLY:
            # A rule for the reply is not what is missing: one for the request lets both through.
            reason = "passes as soon as a rule allows the request; groups are stateful"
            return step(Verdict.REJECT, refusing, reason)
        return step(
            Verdict.REJECT,
            refusing,
            f"no {question.direction} rule of {_group_names(binding.groups)} allows it",
            f"a rule {_rule_words(question)} in one of them",
        )

    def _passes(self, binding: Binding, question: Question) -> bool:
        """Whether it is traffic that is not filtered; the same of a request and of its reply."""
        asked = self._request
        return question.peer in reserved_addresses(self._bindings, binding) or is_link_traffic(
            asked.protocol, asked.source_port, asked.destination_port, question.icmp_type
        )

    def _tracked_by(self, binding: Binding, question: Question) -> str:
        """The rule that let the request through here, in the other direction."""
        back = Direction.INGRESS if question.direction is Direction.EGRESS else Direction.EGRESS
        found = allowing_rules(self._bindings, binding, _question(self._request, back))
        allowing = [(group_id, rule) for group_id, rule, said in found if said == Answer.YES]
        return group_rule_text(allowing[0][0], allowing[0][1].rule_id) if allowing else ""

    def _acl(self, leg: Leg, binding: Binding, question: Question) -> Step:
        def step(verdict: Verdict, rule: str, reason: str, needed: str = "") -> Step:
            interface_id = binding.interface.interface_id
            return Step(
                leg, interface_id, question.direction, SaidNo.ACL, verdict, rule, reason, needed
            )

        if not binding.is_judged:
            return step(Verdict.UNKNOWN, "", _why_not_judged(binding))
        acl = binding.acl
        if acl is None:
            return step(Verdict.ACCEPT, "", "the subnet has no network ACL")
        if self._passes(binding, question):
            return step(Verdict.ACCEPT, "", _NOT_FILTERED)
        if holds(binding.subnet_networks, question.peer):
            return step(Verdict.ACCEPT, "", "both ends are in the subnet, where no ACL applies")
        said = acl_answer(acl, question)
        if said.rule_number is None:
            return step(Verdict.UNKNOWN, "", "more than one entry may decide")
        text = acl_entry_text(acl.network_acl_id, said.rule_number)
        if said.answer == Answer.YES:
            return step(Verdict.ACCEPT, text, f"{text} allows it")
        stateless = "; ACLs are stateless, replies need an entry too" if leg == Leg.REPLY else ""
        return step(
            Verdict.REJECT,
            text,
            _refusal(acl, text, said.rule_number) + stateless,
            _entry_words(leg, question, said.rule_number),
        )


def _holder(rule_set: RuleSet, address: Address, vpc_id: str | None) -> NetworkInterface | None:
    found = [
        interface
        for interface in rule_set.inventory.interfaces.values()
        if address in interface.addresses and vpc_id in {None, interface.vpc_id}
    ]
    if len(found) > 1:
        raise ResourceError(
            f"{len(found)} interfaces have the address {address}",
            hint=f"choose a VPC: {', '.join(sorted({item.vpc_id for item in found}))}",
        )
    return found[0] if found else None


def _question(flow: Flow, direction: Direction) -> Question:
    peer = flow.destination if direction is Direction.EGRESS else flow.source
    return Question(
        direction, peer, flow.protocol, flow.destination_port, flow.icmp_type, flow.icmp_code
    )


def _why_not_judged(binding: Binding) -> str:
    return binding.missing[0] if binding.missing else "no group and no ACL is known here"


def _group_names(groups: tuple[SecurityGroup, ...]) -> str:
    return ", ".join(
        f"{group.group_id} ({group.name})" if group.name else group.group_id for group in groups
    )


def _refusal(acl: NetworkAcl, text: str, rule_number: int) -> str:
    name = f" ({acl.name})" if acl.name else ""
    if rule_number >= RULE_NUMBER_LAST:
        return f"{text}{name}: no entry allows it, the last denies"
    return f"{text}{name} denies it"


def _rule_words(question: Question, ports: str = "") -> str:
    """What a rule must say, in the words of the inventory file."""
    name = PROTOCOL_NAMES.get(question.protocol, str(question.protocol))
    side = "source" if question.direction is Direction.INGRESS else "destination"
    service = name
    if question.protocol in {TCP, UDP}:
        service += f" {ports or question.port}"
    elif question.protocol in {ICMP, ICMPV6} and question.icmp_type >= 0:
        service += f" type {question.icmp_type}"
    return f"for {question.direction} of {service}, {side} {question.peer}"


def _entry_words(leg: Leg, question: Question, rule_number: int) -> str:
    ports = ""
    if leg == Leg.REPLY and question.port >= 1_024:
        ports = _EPHEMERAL_PORTS
    words = f"an entry that allows, {_rule_words(question, ports)}"
    return words if rule_number >= RULE_NUMBER_LAST else f"{words}, below {rule_number}"
