"""What the routes about security groups, and about rules that decided, answer."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from vpcflow.api.rest.network_models import NamedThing, OfRecords

DirectionName = Literal["ingress", "egress"]


class GroupFinding(BaseModel):
    """Something about a group that a person should look at."""

    severity: Literal["high", "medium", "low"]
    title: str
    rule_id: str | None = None


class GroupShown(BaseModel):
    """A security group.

    Shape: ``unused_rules`` are those that no record in range came through; null where that cannot
    be told.
    """

    group_id: str
    name: str
    description: str
    vpc_id: str
    vpc_name: str
    interfaces: int
    rules: int
    unused_rules: int | None
    records: int
    bytes: int
    last_hit_s: int | None
    findings: list[GroupFinding]


class GroupsShown(OfRecords):
    """All security groups, by VPC and name."""

    groups: list[GroupShown]


class PeerOfRule(BaseModel):
    """Who came through a rule."""

    address: str
    name: NamedThing | None
    records: int
    bytes: int


class RuleUse(BaseModel):
    """One rule of a security group, and what came through it.

    Shape: ``text`` says the rule in a line; ``peer`` is its network, prefix list or group.
    ``records`` counts accepted records of both ways. ``never_used`` is null where it cannot be
    told. ``approximate`` says that some were counted although a record does not say enough: an ICMP
    type, or which end is the service.
    Units: ``last_hit_s`` in seconds since the epoch, when the last record began.
    """

    rule_id: str
    direction: DirectionName
    text: str
    protocol: str
    ports: str
    peer: str
    peer_name: str
    description: str
    last_hit_s: int | None
    records: int
    bytes: int
    packets: int
    never_used: bool | None
    approximate: bool
    top_peers: list[PeerOfRule]
    findings: list[GroupFinding]


class GroupInterface(BaseModel):
    """An interface in a group."""

    interface_id: str
    name: str
    addresses: list[str]


class GroupUse(OfRecords):
    """A security group with its rules and their use.

    Shape: ``unmatched_records`` were accepted at its interfaces although no rule of any of their
    groups allows them now.
    """

    group: GroupShown
    rules: list[RuleUse]
    interfaces: list[GroupInterface]
    referenced_by: list[str]
    unmatched_records: int


class StepShown(BaseModel):
    """What one station said of one leg of a connection."""

    leg: Literal["request", "reply"]
    interface_id: str
    interface_name: str
    direction: DirectionName
    station: Literal["security-group", "network-acl"]
    verdict: Literal["accept", "reject", "unknown"]
    rule: str
    rule_name: str
    reason: str
    needed: str
    reached: bool


class Explained(BaseModel):
    """Why a flow gets through or not.

    Shape: ``flow`` is the request as text; ``fix`` says what to change, empty where nothing is to.
    """

    flow: str
    verdict: Literal["accept", "reject", "unknown"]
    summary: str
    source_interface_id: str | None
    destination_interface_id: str | None
    refused_at: int | None
    steps: list[StepShown]
    fix: str
    notes: list[str]


class RecordRule(BaseModel):
    """The rule that decided a record.

    Shape: ``basis`` is ``recorded`` where the record names the rule, ``judged`` where the rules as
    they are now were asked, ``unknown`` where neither is possible: ``why`` and ``hint`` say it.
    ``agrees`` says whether today's rules give the record's own action; null where they are not
    asked. ``leg`` is what the record was taken for. ``steps`` are of the whole connection.
    """

    basis: Literal["recorded", "judged", "unknown"]
    action: str
    rule: str
    rule_name: str
    group_id: str | None
    network_acl_id: str | None
    station: Literal["security-group", "network-acl"] | None
    leg: Literal["request", "reply"] | None
    reason: str
    fix: str
    agrees: bool | None
    flow: str
    steps: list[StepShown]
    why: str
    hint: str
    notes: list[str]


class RejectedPort(BaseModel):
    """Refused records of one destination port.

    Shape: ``rule`` is what refused most of them as the records say (``recorded``), or what the
    rules as they are now say of the couple with most records (``judged``).
    Units: times in seconds since the epoch.
    """

    protocol: int
    protocol_name: str
    port: int | None
    records: int
    packets: int
    bytes: int
    sources: int
    top_source: str | None
    top_source_name: NamedThing | None
    top_target: str | None
    top_target_name: NamedThing | None
    interface_id: str | None
    first_seen_s: int | None
    last_seen_s: int | None
    rule: str
    rule_name: str
    basis: Literal["recorded", "judged", "unknown"]
    why: str
    filter: str


class RejectedPorts(OfRecords):
    """Refused records by destination port, most records first."""

    ports: list[RejectedPort]
