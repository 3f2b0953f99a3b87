"""GET /security-groups: groups, their rules, and what came through each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from vpcflow.api.asked import Steps
from vpcflow.api.rest.access import allowed, reader
from vpcflow.api.rest.composed import composed
from vpcflow.api.rest.group_findings import findings_of, rule_findings
from vpcflow.api.rest.group_use import GroupUses, group_uses
from vpcflow.api.rest.known_network import KnownNetwork, known_network
from vpcflow.api.rest.network_models import cost_of, coverage_of
from vpcflow.api.rest.records_in_scope import Scope, scope
from vpcflow.api.rest.rule_models import (
    GroupInterface,
    GroupShown,
    GroupsShown,
    GroupUse,
    PeerOfRule,
    RuleUse,
)
from vpcflow.base.errors import ServiceError
from vpcflow.policy.protocols import ICMP, ICMPV6, PROTOCOL_NAMES
from vpcflow.policy.security_group import (
    PORT_MAX,
    PROTOCOL_ALL,
    Direction,
    SecurityGroup,
    SecurityGroupRule,
)

if TYPE_CHECKING:
    from vpcflow.api.rest.services import RestServices

_ACTION = "ec2:DescribeSecurityGroups"
#: Interfaces of a group that are listed.
MEMBERS_SHOWN_MAX = 500


def routes(services: RestServices) -> APIRouter:
    """The routes of security groups."""
    router = APIRouter(tags=["rules"])

    def may_ask(request: Request) -> None:
        reader(services, request)
        allowed(services, request, _ACTION)

    @router.get("/security-groups", response_model=GroupsShown)
    async def list_security_groups(
        request: Request, asked: Annotated[Scope, Depends(scope)]
    ) -> Response:
        """All groups, with how many of their rules were used in range."""

        def steps() -> Steps[GroupsShown]:
            may_ask(request)
            return (yield from _all_groups(services, asked))

        return await composed(services, request, steps)

    @router.get("/security-groups/{group_id}", response_model=GroupUse)
    async def get_security_group(
        request: Request, group_id: str, asked: Annotated[Scope, Depends(scope)]
    ) -> Response:
        """One group, with what came through each of its rules."""

        def steps() -> Steps[GroupUse]:
            may_ask(request)
            return (yield from _one_group(services, asked, group_id))

        return await composed(services, request, steps)

    return router


def _all_groups(services: RestServices, asked: Scope) -> Steps[GroupsShown]:
    known = known_network(services)
    uses = yield from group_uses(services, known, asked)
    groups = [_group(known, uses, one) for one in known.rules.security_groups.values()]
    groups.sort(key=lambda one: (one.vpc_name, one.vpc_id, one.name, one.group_id))
    return GroupsShown(groups=groups, **_of_records(uses))


def _one_group(services: RestServices, asked: Scope, group_id: str) -> Steps[GroupUse]:
    known = known_network(services)
    group = known.rules.security_groups.get(group_id)
    if group is None:
        raise ServiceError(
            "InvalidGroup.NotFound",
            f"The security group '{group_id}' does not exist",
            status=404,
        )
    uses = yield from group_uses(services, known, asked, group_id)
    return _use(known, uses, group)


def _of_records(uses: GroupUses) -> dict[str, Any]:
    answer = uses.answer
    return {
        "scan": cost_of(answer),
        "coverage": coverage_of(answer),
        "truncated": not uses.complete,
        "elapsed_s": answer.elapsed_s,
        "notes": [*answer.notes, *uses.notes],
    }


def _group(known: KnownNetwork, uses: GroupUses, group: SecurityGroup) -> GroupShown:
    members = known.members.get(group.group_id, ())
    places = [uses.rules[group.group_id, rule.rule_id] for rule in group.rules]
    unused = sum(not uses.records[place] for place in places)
    last_s = max((int(uses.last_s[place]) for place in places), default=0)
    return GroupShown(
        group_id=group.group_id,
        name=known.names.text_of(group.group_id),
        description=known.descriptions.get(group.group_id, ""),
        vpc_id=group.vpc_id,
        vpc_name=known.names.text_of(group.vpc_id),
        interfaces=len(members),
        rules=len(group.rules),
        unused_rules=unused if uses.complete or not unused else None,
        records=sum(int(uses.records[place]) for place in places),
        bytes=sum(int(uses.bytes[place]) for place in places),
        last_hit_s=last_s or None,
        findings=findings_of(group, len(members)),
    )


def _use(known: KnownNetwork, uses: GroupUses, group: SecurityGroup) -> GroupUse:
    members = known.members.get(group.group_id, ())
    return GroupUse(
        group=_group(known, uses, group),
        rules=[_rule(known, uses, group, rule) for rule in group.rules],
        interfaces=[
            GroupInterface(
                interface_id=one.interface_id,
                name=known.names.text_of(one.interface_id),
                addresses=[str(address) for address in one.addresses],
            )
            for one in members[:MEMBERS_SHOWN_MAX]
        ],
        referenced_by=[
            key
            for key, other in known.rules.security_groups.items()
            if any(rule.group_id == group.group_id for rule in other.rules)
        ],
        unmatched_records=uses.unmatched,
        **_of_records(uses),
    )


def _rule(
    known: KnownNetwork, uses: GroupUses, group: SecurityGroup, rule: SecurityGroupRule
) -> RuleUse:
    place = uses.rules[group.group_id, rule.rule_id]
    records, last_s = int(uses.records[place]), int(uses.last_s[place])
    peer = str(rule.cidr or rule.prefix_list_id or rule.group_id or "")
    protocol, ports = _service_words(rule)
    name = known.names.text_of(peer)
    way = "from" if rule.direction is Direction.INGRESS else "to"
    return RuleUse(
        rule_id=rule.rule_id,
        direction=rule.direction.value,
        text=f"{rule.direction} {f'{protocol} {ports}'.strip()} {way} {name}",
        protocol=protocol,
        ports=ports,
        peer=peer,
        peer_name=name,
        description=rule.description,
        last_hit_s=last_s or None,
        records=records,
        bytes=int(uses.bytes[place]),
        packets=int(uses.packets[place]),
        never_used=False if records else True if uses.complete else None,
        approximate=bool(uses.unsure[place]),
        top_peers=[
            PeerOfRule(
                address=address,
                name=known.names.of_address(address, group.vpc_id),
                records=count,
                bytes=size,
            )
            for address, count, size in uses.top_peers(place)
        ],
        findings=rule_findings(rule),
    )


def _service_words(rule: SecurityGroupRule) -> tuple[str, str]:
    """Protocol, and ports or ICMP type, as people write them."""
    if rule.protocol == PROTOCOL_ALL:
        return "all", ""
    name = PROTOCOL_NAMES.get(rule.protocol, str(rule.protocol))
    first, last = rule.from_port, rule.to_port
    if rule.protocol in {ICMP, ICMPV6}:
        if first < 0:
            return name, ""
        return name, f"type {first}" if last < 0 else f"type {first} code {last}"
    if first <= 0 and last in {-1, PORT_MAX}:
        return name, ""
    return name, str(first) if first == last else f"{first}-{last}"
