"""Whether a rule is about a packet, one rule and one flow at a time.

An answer is MAYBE where the flow does not say what the rule asks for: a record holds no ICMP type.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from vpcflow.inventory.network_interface import Address
from vpcflow.inventory.vpc import Network
from vpcflow.policy.bindings import Binding, Bindings
from vpcflow.policy.network_acl import RULE_NUMBER_LAST, NetworkAcl, NetworkAclEntry
from vpcflow.policy.protocols import ICMP, ICMPV6, TCP, UDP
from vpcflow.policy.security_group import PORT_MAX, PROTOCOL_ALL, Direction, SecurityGroupRule

#: A port, ICMP type or code that is not known.
NOT_KNOWN = -1
#: As the last port of a rule: all ports from the first, 0 or below.
ANY_PORT = -1
#: Types and codes outside of a byte mean all of them.
ICMP_VALUE_MAX = 255


class Answer(IntEnum):
    """Yes, no, or not to be said from what is known of the flow."""

    NO = 0
    YES = 1
    MAYBE = 2


@dataclass(frozen=True, slots=True)
class Question:
    """What rules of one direction at an interface are asked about.

    Shape: ``peer`` is the other side's address, ``port`` the destination's.
    """

    direction: Direction
    peer: Address
    protocol: int
    port: int = NOT_KNOWN
    icmp_type: int = NOT_KNOWN
    icmp_code: int = NOT_KNOWN


@dataclass(frozen=True, slots=True)
class AclAnswer:
    """What an ACL says; ``rule_number`` is None where more than one entry may have decided."""

    answer: Answer
    rule_number: int | None


def matches_service(rule: SecurityGroupRule | NetworkAclEntry, question: Question) -> Answer:
    """Whether protocol and ports, or ICMP type and code, are the rule's."""
    if rule.protocol == PROTOCOL_ALL:
        return Answer.YES
    if rule.protocol != question.protocol:
        return Answer.NO
    if question.protocol in {TCP, UDP}:
        if rule.from_port <= 0 and (rule.to_port == ANY_PORT or rule.to_port >= PORT_MAX):
            return Answer.YES
        if question.port == NOT_KNOWN:
            return Answer.MAYBE
        return Answer(rule.from_port <= question.port <= rule.to_port)
    if question.protocol in {ICMP, ICMPV6}:
        return _matches_icmp(rule.from_port, rule.to_port, question)
    return Answer.YES


def _matches_icmp(icmp_type: int, icmp_code: int, question: Question) -> Answer:
    """Whether type and code are these; a code says nothing without its type."""
    if not 0 <= icmp_type <= ICMP_VALUE_MAX:
        return Answer.YES
    if question.icmp_type == NOT_KNOWN:
        return Answer.MAYBE
    pairs = [(icmp_type, question.icmp_type)]
    if 0 <= icmp_code <= ICMP_VALUE_MAX:
        pairs.append((icmp_code, question.icmp_code))
    if any(known not in {asked, NOT_KNOWN} for asked, known in pairs):
        return Answer.NO
    return Answer.MAYBE if any(known == NOT_KNOWN for _, known in pairs) else Answer.YES


def holds(networks: tuple[Network, ...], address: Address) -> bool:
    """Whether an address is in one of the networks; families never mix."""
    return any(network.version == address.version and address in network for network in networks)


def allowing_rules(
    bindings: Bindings, binding: Binding, question: Question
) -> list[tuple[str, SecurityGroupRule, Answer]]:
    """The rules of an interface's groups that allow, or may allow, with their groups' ids."""
    return [
        (group.group_id, rule, answer)
        for group in binding.groups
        for rule in group.rules
        if rule.direction == question.direction
        and (answer := matches_service(rule, question)) != Answer.NO
        and holds(bindings.rule_networks(rule), question.peer)
    ]


def groups_answer(bindings: Bindings, binding: Binding, question: Question) -> Answer:
    """What an interface's groups say of a packet that is no reply."""
    if not binding.groups:
        return Answer.YES
    answers = {answer for _, _, answer in allowing_rules(bindings, binding, question)}
    if Answer.YES in answers:
        return Answer.YES
    return Answer.MAYBE if answers else Answer.NO


def acl_answer(acl: NetworkAcl, question: Question) -> AclAnswer:
    """What an ACL says of a packet: the lowest rule number that matches decides."""
    may_decide: list[tuple[bool, int]] = []
    for entry in sorted(acl.entries, key=lambda entry: entry.rule_number):
        if entry.direction != question.direction or not holds((entry.cidr,), question.peer):
            continue
        answer = matches_service(entry, question)
        if answer == Answer.NO:
            continue
        may_decide.append((entry.allow, entry.rule_number))
        if answer == Answer.YES:
            break
    else:
        may_decide.append((False, RULE_NUMBER_LAST))
    verdicts = {allow for allow, _ in may_decide}
    if len(verdicts) > 1:
        return AclAnswer(Answer.MAYBE, None)
    number = may_decide[0][1] if len(may_decide) == 1 else None
    return AclAnswer(Answer(verdicts.pop()), number)
