"""An explanation of the policy as JSON, with names and with what to change."""

from __future__ import annotations

from typing import Literal

from vpcflow.api.rest.known_network import KnownNetwork
from vpcflow.api.rest.rule_models import Explained, StepShown
from vpcflow.policy.explain import Explanation, Step, explain
from vpcflow.policy.flow_text import Flow
from vpcflow.policy.judgement import SaidNo, Verdict

VerdictName = Literal["accept", "reject", "unknown"]

_VERDICTS: dict[Verdict, VerdictName] = {
    Verdict.ACCEPT: "accept",
    Verdict.REJECT: "reject",
    Verdict.UNKNOWN: "unknown",
}


def explained(known: KnownNetwork, flow: Flow, vpc_id: str | None, notes: list[str]) -> Explained:
    """A flow and its reply, station by station.

    Errors: ResourceError when neither end is an interface's, or when several have an address.
    """
    said = explain(known.rules, flow, vpc_id)
    steps = list(said.steps)
    refused = next((place for place, step in enumerate(steps) if _refuses(step)), None)
    return Explained(
        flow=str(flow),
        verdict=_VERDICTS[said.verdict],
        summary=_summary(known, said),
        source_interface_id=said.source_interface_id,
        destination_interface_id=said.destination_interface_id,
        refused_at=refused,
        steps=[step_shown(known, step) for step in steps],
        fix=fix_of(known, None if refused is None else steps[refused]),
        notes=notes,
    )


def step_shown(known: KnownNetwork, step: Step) -> StepShown:
    """A step as JSON."""
    return StepShown(
        leg=step.leg.value,
        interface_id=step.interface_id,
        interface_name=known.names.text_of(step.interface_id),
        direction=step.direction.value,
        station="security-group" if step.station == SaidNo.GROUP else "network-acl",
        verdict=_VERDICTS[step.verdict],
        rule=step.rule,
        rule_name=rule_name(known, step.rule),
        reason=step.reason,
        needed=step.needed,
        reached=step.reached,
    )


def owner_of(rule: str) -> str:
    """The id of the group or ACL in a rule's text: of ``sg-1/sgr-2``, ``acl-1/100``, ``sg-1+2``."""
    return rule.partition("/")[0].partition("+")[0]


def rule_name(known: KnownNetwork, rule: str) -> str:
    """A rule's text with the name of its group or ACL in place of the id, and its description."""
    if not rule:
        return ""
    owner = owner_of(rule)
    name = known.names.text_of(owner)
    group = known.rules.security_groups.get(owner)
    rule_id = rule.partition("/")[2]
    if group is not None and rule_id:
        words = next((one.description for one in group.rules if one.rule_id == rule_id), "")
        return f"{name}: {words or rule_id}"
    return name + rule[len(owner) :].replace("/", " entry ").replace("+", " and ")


def fix_of(known: KnownNetwork, step: Step | None) -> str:
    """What to change so that a refused flow passes; empty where nothing refuses."""
    if step is None:
        return ""
    owner = owner_of(step.rule)
    name = known.names.text_of(owner)
    shown = owner if name == owner else f"{name} ({owner})"
    if not step.needed:
        return f"Look at {shown}: {step.reason}."
    kind = "security group" if step.station == SaidNo.GROUP else "network ACL"
    return f"Add to {kind} {shown} {step.needed.removesuffix(' in one of them')}."


def _refuses(step: Step) -> bool:
    return step.verdict == Verdict.REJECT


def _summary(known: KnownNetwork, said: Explanation) -> str:
    step = said.refused_by
    if step is None:
        return said.lines()[1]
    who = "security group" if step.station == SaidNo.GROUP else "network ACL"
    at = known.names.text_of(step.interface_id)
    return f"REJECT: the {step.leg} is refused at {at} by {who} {rule_name(known, step.rule)}"
