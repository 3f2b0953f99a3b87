"""Aim: an explanation names the station and the rule that decided, and agrees with evaluate."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_cases import (
    EGRESS,
    INGRESS,
    acl,
    entry,
    group,
    interface,
    rule,
    rule_set,
    subnet,
)
from policy_strategies import ADDRESSES, rule_sets

from vpcflow.base.errors import FilterError, ResourceError
from vpcflow.policy.bindings import Bindings
from vpcflow.policy.evaluate_reference import InterfaceFlow, judge_flow
from vpcflow.policy.explain import Leg, explain
from vpcflow.policy.flow_text import parse_flow
from vpcflow.policy.judgement import Initiated, SaidNo, Verdict
from vpcflow.policy.rule_set import RuleSet
from vpcflow.policy.security_group import Direction


def bastion_rules(*db_acl: object) -> RuleSet:
    return rule_set(
        [
            subnet("subnet-a", "10.0.1.0/24"),
            subnet("subnet-b", "10.0.2.0/24", acl="acl-b" if db_acl else None),
        ],
        [
            interface("eni-a", "subnet-a", "10.0.1.10", groups=["sg-a"]),
            interface("eni-b", "subnet-b", "10.0.2.10", groups=["sg-b"]),
        ],
        [
            group("sg-a", rule("sgr-out", EGRESS, "0.0.0.0/0")),
            group("sg-b", rule("sgr-ssh", INGRESS, "sg-a", 6, (22, 22))),
        ],
        [acl("acl-b", *db_acl)] if db_acl else [],
    )


def test_every_station_of_request_and_reply_in_order() -> None:
    told = explain(bastion_rules(), parse_flow("tcp 10.0.1.10:50000 -> 10.0.2.10:22"))

    assert [
        (step.leg, step.interface_id, step.direction, step.station, step.rule)
        for step in told.steps
    ] == [
        (Leg.REQUEST, "eni-a", EGRESS, SaidNo.GROUP, "sg-a/sgr-out"),
        (Leg.REQUEST, "eni-a", EGRESS, SaidNo.ACL, ""),
        (Leg.REQUEST, "eni-b", INGRESS, SaidNo.ACL, ""),
        (Leg.REQUEST, "eni-b", INGRESS, SaidNo.GROUP, "sg-b/sgr-ssh"),
        (Leg.REPLY, "eni-b", EGRESS, SaidNo.GROUP, "sg-b/sgr-ssh"),
        (Leg.REPLY, "eni-b", EGRESS, SaidNo.ACL, ""),
        (Leg.REPLY, "eni-a", INGRESS, SaidNo.ACL, ""),
        (Leg.REPLY, "eni-a", INGRESS, SaidNo.GROUP, "sg-a/sgr-out"),
    ]
    assert told.verdict == Verdict.ACCEPT
    assert told.lines()[1] == "ACCEPT: request and reply get through"


def test_group_that_does_not_allow_says_what_it_would_need() -> None:
    told = explain(bastion_rules(), parse_flow("tcp 10.0.1.10 -> 10.0.2.10:5432"))

    refused = told.refused_by
    assert refused is not None
    assert (refused.leg, refused.station, refused.rule) == (Leg.REQUEST, SaidNo.GROUP, "sg-b")
    assert refused.needed == "a rule for ingress of tcp 5432, source 10.0.1.10 in one of them"
    assert told.lines()[1] == "REJECT: the request is refused by security group sg-b"
    assert [step.reached for step in told.steps] == [True] * 4 + [False] * 4
    reply = told.steps[4]
    assert (reply.leg, reply.interface_id, reply.verdict) == (Leg.REPLY, "eni-b", Verdict.REJECT)
    assert (reply.needed, reply.reason) == (
        "",
        "passes as soon as a rule allows the request; groups are stateful",
    )


def test_acl_that_drops_only_replies() -> None:
    rules = bastion_rules(
        entry(100, INGRESS, True), entry(90, EGRESS, False, "10.0.1.0/24", 6, (1024, 65_535))
    )

    refused = explain(rules, parse_flow("tcp 10.0.1.10 -> 10.0.2.10:22")).refused_by

    assert refused is not None
    assert (refused.leg, refused.station, refused.rule) == (Leg.REPLY, SaidNo.ACL, "acl-b/90")
    assert refused.needed == (
        "an entry that allows, for egress of tcp 1024-65535, destination 10.0.1.10, below 90"
    )


def test_what_nobody_answers_has_no_reply() -> None:
    told = explain(bastion_rules(), parse_flow("icmp 10.0.1.10 -> 203.0.113.5 3/1"))

    assert {step.leg for step in told.steps} == {Leg.REQUEST}
    assert told.lines()[1] == "ACCEPT: it gets through"


def test_one_end_that_is_ours_is_enough() -> None:
    told = explain(bastion_rules(), parse_flow("icmp 203.0.113.5 -> 10.0.2.10"))

    assert (told.source_interface_id, told.destination_interface_id) == (None, "eni-b")
    assert {step.interface_id for step in told.steps} == {"eni-b"}
    assert told.verdict == Verdict.REJECT


@pytest.mark.parametrize(
    "text", ["udp 10.0.2.10 -> 10.0.0.2:53", "udp 10.0.2.10:68 -> 255.255.255.255:67"]
)
def test_what_nothing_filters_gets_through(text: str) -> None:
    told = explain(bastion_rules(entry(100, INGRESS, False)), parse_flow(text))

    assert told.verdict == Verdict.ACCEPT
    assert {step.reason for step in told.steps} == {"neither groups nor ACLs filter it"}


def test_flow_of_strangers_is_refused() -> None:
    with pytest.raises(ResourceError, match=r"neither 1\.1\.1\.1 nor 8\.8\.8\.8"):
        explain(bastion_rules(), parse_flow("udp 1.1.1.1 -> 8.8.8.8:53"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("tcp 10.0.1.10:50001 -> 10.0.2.10:22", None),
        ("UDP 10.0.1.10 to 10.0.2.10:53", "udp 10.0.1.10:50000 -> 10.0.2.10:53"),
        ("tcp [fd00::1]:1 -> [fd00::2]:65535", None),
        ("tcp fd00::1 -> [fd00::2]:22", "tcp [fd00::1]:50000 -> [fd00::2]:22"),
        ("icmp 10.0.1.10 -> 10.0.2.10", "icmp 10.0.1.10 -> 10.0.2.10 8/0"),
        ("icmp 10.0.1.10 -> 10.0.2.10 3/1", None),
        ("icmp fd00::1 -> fd00::2", "icmpv6 fd00::1 -> fd00::2 128/0"),
        ("47 10.0.1.10 -> 10.0.2.10", "gre 10.0.1.10 -> 10.0.2.10"),
        ("99 10.0.1.10 -> 10.0.2.10", None),
    ],
)
def test_flow_text(text: str, shown: str | None) -> None:
    assert str(parse_flow(text)) == (shown or text)


@pytest.mark.parametrize(
    ("text", "pointed"),
    [
        ("", ""),
        ("tpc 10.0.1.10:1 -> 10.0.2.10:22", "tpc"),
        ("256 10.0.1.10 -> 10.0.2.10", "256"),
        ("tcp", ""),
        ("tcp 10.0.1.300:1 -> 10.0.2.10:22", "10.0.1.300"),
        ("tcp 10.0.1.10:x -> 10.0.2.10:22", "x"),
        ("tcp 10.0.1.10: -> 10.0.2.10:22", " ->"),
        ("tcp 10.0.1.10:1 10.0.2.10:22", "10.0.2.10:22"),
        ("tcp 10.0.1.10:1 -> 10.0.2.10", "10.0.2.10"),
        ("tcp 10.0.1.10:1 -> 10.0.2.10:70000", "70000"),
        ("tcp [fd00::1 -> [fd00::2]:22", " ->"),
        ("tcp [fd00::x]:1 -> [fd00::2]:22", "fd00::x"),
        ("tcp [fd00::1]:1 -> 10.0.2.10:22", "10.0.2.10"),
        ("tcp 10.0.1.10:1 -> 10.0.2.10:22 8/0", "8/0"),
        ("icmp 10.0.1.10:1 -> 10.0.2.10", "1 ->"),
        ("icmp 10.0.1.10 -> 10.0.2.10 300", "300"),
        ("icmpv6 10.0.1.10 -> 10.0.2.10", "10.0.1.10"),
        ("gre 10.0.1.10 -> 10.0.2.10 more", "more"),
    ],
)
def test_fault_in_flow_text_is_pointed_at(text: str, pointed: str) -> None:
    with pytest.raises(FilterError) as raised:
        parse_flow(text)

    assert text[raised.value.position :].startswith(pointed)
    assert pointed or raised.value.position == len(text)


@st.composite
def flow_texts(draw: st.DrawFn) -> str:
    family = draw(st.sampled_from([4, 6]))
    one = draw(st.sampled_from(["10.0.1.5", "10.0.2.5"] if family == 4 else ["fd00:0:0:1::5"]))
    other = draw(st.sampled_from(ADDRESSES[family]))
    source, destination = draw(st.permutations([one, other]))
    if draw(st.booleans()):
        return f"icmp {source} -> {destination}"
    name = draw(st.sampled_from(["tcp", "udp"]))
    return f"{name} [{source}]:50000 -> [{destination}]:{draw(st.sampled_from([22, 80, 546]))}"


@settings(max_examples=100, deadline=None)
@given(rules=rule_sets(), text=flow_texts())
def test_explanation_agrees_with_the_judgement_of_each_interface(rules: RuleSet, text: str) -> None:
    flow = parse_flow(text)
    told = explain(rules, flow)
    reply = flow.reply()
    assert reply is not None
    bindings = Bindings(rules)
    for leg, packets, initiated in (
        (Leg.REQUEST, flow, Initiated.HERE),
        (Leg.REPLY, reply, Initiated.THERE),
    ):
        for interface_id in filter(None, {told.source_interface_id, told.destination_interface_id}):
            for direction in Direction:
                steps = [
                    step
                    for step in told.steps
                    if (step.leg, step.interface_id, step.direction)
                    == (leg, interface_id, direction)
                ]
                if not steps:
                    continue
                judged = judge_flow(
                    bindings,
                    InterfaceFlow(
                        interface_id,
                        direction,
                        packets.source,
                        packets.destination,
                        packets.protocol,
                        packets.source_port,
                        packets.destination_port,
                        packets.icmp_type,
                        packets.icmp_code,
                        initiated,
                    ),
                )
                refused = [step for step in steps if step.verdict == Verdict.REJECT]
                if refused:
                    assert (judged.verdict, judged.rule, judged.said_no) == (
                        Verdict.REJECT,
                        refused[0].rule,
                        refused[0].station,
                    )
                else:
                    assert judged.verdict == max(
                        (step.verdict for step in steps), key=lambda v: v == Verdict.UNKNOWN
                    )
