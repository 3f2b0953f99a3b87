"""Aim: a flow gets the verdict that AWS's rules give it, and the rule that refused has its name."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_cases import (
    EGRESS,
    INGRESS,
    acl,
    columns,
    entry,
    group,
    interface,
    rule,
    rule_set,
    subnet,
)
from policy_strategies import ADDRESSES, rule_sets

from vpcflow.policy.bindings import Bindings
from vpcflow.policy.evaluate import evaluate
from vpcflow.policy.evaluate_reference import FlowJudgement, InterfaceFlow, judge_flow
from vpcflow.policy.judgement import Initiated, SaidNo, Verdict
from vpcflow.policy.resolve import compile_rules, network_ranges
from vpcflow.policy.rule_set import RuleSet

ACCEPTED = FlowJudgement(Verdict.ACCEPT)
UNKNOWN = FlowJudgement(Verdict.UNKNOWN)


def judged(rules: RuleSet, flows: Sequence[InterfaceFlow]) -> list[FlowJudgement]:
    """What the kernel says; the reference must say the same."""
    compiled = compile_rules(rules)
    told = evaluate(compiled, columns(compiled, flows))
    answers = [
        FlowJudgement(Verdict(verdict), compiled.rule_texts[number], SaidNo(said_no))
        for verdict, number, said_no in zip(told.verdict, told.rule, told.said_no, strict=True)
    ]
    bindings = Bindings(rules)
    assert answers == [judge_flow(bindings, flow) for flow in flows]
    return answers


def flow(
    interface_id: str,
    direction: object,
    source: str,
    destination: str,
    protocol: int = 6,
    ports: tuple[int, int] = (-1, -1),
    icmp: tuple[int, int] = (-1, -1),
    initiated: Initiated = Initiated.HERE,
) -> InterfaceFlow:
    return InterfaceFlow(
        interface_id,
        direction,
        ip_address(source),
        ip_address(destination),
        protocol,
        *ports,
        *icmp,
        initiated,
    )


PING = flow("eni-a", INGRESS, "203.0.113.12", "172.31.16.139", 1, icmp=(8, 0))
PONG = flow(
    "eni-a", EGRESS, "172.31.16.139", "203.0.113.12", 1, icmp=(0, 0), initiated=Initiated.THERE
)


@pytest.mark.parametrize(
    ("acl_lets_out", "group_lets_in", "expected"),
    [
        (False, True, [ACCEPTED, FlowJudgement(Verdict.REJECT, "acl-a/*", SaidNo.ACL)]),
        (True, True, [ACCEPTED, ACCEPTED]),
        (True, False, [FlowJudgement(Verdict.REJECT, "sg-a", SaidNo.GROUP)]),
    ],
)
def test_ping_of_aws_documentation(
    acl_lets_out: bool, group_lets_in: bool, expected: list[FlowJudgement]
) -> None:
    echo = (8, -1)
    rules = rule_set(
        [subnet("subnet-a", "172.31.16.0/20", acl="acl-a")],
        [interface("eni-a", "subnet-a", "172.31.16.139", groups=["sg-a"])],
        [
            group("sg-a", rule("sgr-a", INGRESS, "0.0.0.0/0", 1, echo))
            if group_lets_in
            else group("sg-a")
        ],
        [
            acl(
                "acl-a",
                entry(100, INGRESS, True, protocol=1, ports=(-1, -1)),
                *([entry(100, EGRESS, True)] if acl_lets_out else []),
            )
        ],
    )

    assert judged(rules, [PING, PONG])[: len(expected)] == expected


def test_lowest_rule_number_decides_and_a_subnet_has_no_acl_inside() -> None:
    rules = rule_set(
        [subnet("subnet-a", "10.0.1.0/24", acl="acl-a")],
        [interface("eni-a", "subnet-a", "10.0.1.10")],
        acls=[
            acl(
                "acl-a",
                entry(200, INGRESS, True, protocol=6),
                entry(100, INGRESS, False, "10.0.2.0/24", 6, (22, 22)),
            )
        ],
    )

    assert judged(
        rules,
        [
            flow("eni-a", INGRESS, "10.0.2.5", "10.0.1.10", ports=(50_000, 22)),
            flow("eni-a", INGRESS, "10.0.2.5", "10.0.1.10", ports=(50_000, 23)),
            flow("eni-a", INGRESS, "10.0.1.5", "10.0.1.10", 17, ports=(50_000, 22)),
            flow("eni-a", INGRESS, "10.0.3.5", "10.0.1.10", 17, ports=(50_000, 22)),
        ],
    ) == [
        FlowJudgement(Verdict.REJECT, "acl-a/100", SaidNo.ACL),
        ACCEPTED,
        ACCEPTED,
        FlowJudgement(Verdict.REJECT, "acl-a/*", SaidNo.ACL),
    ]


@pytest.mark.parametrize(
    ("initiated", "expected"),
    [
        (Initiated.THERE, ACCEPTED),
        (Initiated.UNKNOWN, UNKNOWN),
        (Initiated.HERE, FlowJudgement(Verdict.REJECT, "sg-a+1", SaidNo.GROUP)),
    ],
)
def test_reply_passes_the_groups_and_who_began_is_not_guessed(
    initiated: Initiated, expected: FlowJudgement
) -> None:
    rules = rule_set(
        [subnet("subnet-a", "10.0.1.0/24")],
        [interface("eni-a", "subnet-a", "10.0.1.10", groups=["sg-a", "sg-b"])],
        [group("sg-a"), group("sg-b", rule("sgr-a", INGRESS, "10.0.0.0/16", 6, (443, 443)))],
    )
    reply = flow("eni-a", EGRESS, "10.0.1.10", "10.0.2.5", ports=(443, 50_000), initiated=initiated)

    assert judged(rules, [reply]) == [expected]


def test_group_reference_means_addresses_of_its_interfaces_in_both_families() -> None:
    rules = rule_set(
        [subnet("subnet-a", "10.0.1.0/24", "fd00:0:0:1::/64")],
        [
            interface("eni-a", "subnet-a", "10.0.1.10", groups=["sg-db"]),
            interface("eni-b", "subnet-a", "10.0.1.20", "fd00:0:0:1::20", groups=["sg-app"]),
        ],
        [group("sg-db", rule("sgr-a", INGRESS, "sg-app", 6, (5432, 5432))), group("sg-app")],
    )

    verdicts = [
        answer.verdict
        for answer in judged(
            rules,
            [
                flow("eni-a", INGRESS, source, "10.0.1.10", ports=(50_000, 5432))
                for source in ("10.0.1.20", "fd00:0:0:1::20", "10.0.1.21", "fd00:0:0:1::21")
            ],
        )
    ]

    assert verdicts == [Verdict.ACCEPT, Verdict.ACCEPT, Verdict.REJECT, Verdict.REJECT]


def test_interface_without_rules_or_with_rules_that_are_not_there_is_unknown() -> None:
    rules = rule_set(
        [subnet("subnet-a", "10.0.1.0/24"), subnet("subnet-b", "10.0.2.0/24", acl="acl-gone")],
        [
            interface("eni-a", "subnet-a", "10.0.1.10"),
            interface("eni-b", "subnet-a", "10.0.1.11", groups=["sg-gone"]),
            interface("eni-c", "subnet-b", "10.0.2.10"),
            interface("eni-d", "subnet-a", "10.0.1.12", groups=["sg-a"]),
        ],
        [group("sg-a", rule("sgr-a", INGRESS, "pl-gone"))],
    )

    names = ["eni-a", "eni-b", "eni-c", "eni-d", "eni-unheard"]
    flows = [flow(name, INGRESS, "1.2.3.4", "10.0.1.10", ports=(1, 2)) for name in names]

    assert judged(rules, flows) == [UNKNOWN] * 5
    assert compile_rules(rules).unresolved == (
        "eni-b is in security group sg-gone, which is not there",
        "subnet-b has network ACL acl-gone, which is not there",
        "sg-a/sgr-a names pl-gone, which is not there",
    )


def test_everyone_of_ipv6_is_nobody_of_ipv4() -> None:
    rules = rule_set(
        [subnet("subnet-a", "10.0.1.0/24", "fd00::/64")],
        [interface("eni-a", "subnet-a", "10.0.1.10", "fd00::10", groups=["sg-a"])],
        [group("sg-a", rule("sgr-a", EGRESS, "::/0"))],
    )

    four = flow("eni-a", EGRESS, "10.0.1.10", "203.0.113.9", ports=(50_000, 80))
    six = flow("eni-a", EGRESS, "fd00::10", "2001:db8::9", ports=(50_000, 80))
    last = flow("eni-a", EGRESS, "fd00::10", "ffff:" * 7 + "ffff", ports=(50_000, 80))
    first = flow("eni-a", EGRESS, "fd00::10", "::", ports=(50_000, 80))

    assert [answer.verdict for answer in judged(rules, [four, six, last, first])] == [
        Verdict.REJECT,
        Verdict.ACCEPT,
        Verdict.ACCEPT,
        Verdict.ACCEPT,
    ]


def test_icmp_error_of_another_connection_is_not_refused_by_a_guess() -> None:
    rules = rule_set(
        [subnet("subnet-a", "10.0.1.0/24")],
        [interface("eni-a", "subnet-a", "10.0.1.10", groups=["sg-a"])],
        [group("sg-a", rule("sgr-a", EGRESS, "0.0.0.0/0", 17))],
    )
    unreachable = flow("eni-a", INGRESS, "10.0.2.5", "10.0.1.10", 1, icmp=(3, 3))
    ping = flow("eni-a", INGRESS, "10.0.2.5", "10.0.1.10", 1, icmp=(8, 0))

    assert judged(rules, [unreachable, ping]) == [
        UNKNOWN,
        FlowJudgement(Verdict.REJECT, "sg-a", SaidNo.GROUP),
    ]


def test_record_without_icmp_type_is_unknown_where_a_rule_asks_for_it() -> None:
    rules = rule_set(
        [subnet("subnet-a", "10.0.1.0/24", acl="acl-a")],
        [interface("eni-a", "subnet-a", "10.0.1.10")],
        acls=[
            acl(
                "acl-a",
                entry(100, INGRESS, True, "10.0.2.0/24", 1, (8, 0)),
                entry(110, INGRESS, False, "10.0.3.0/24", 1, (8, 0)),
            )
        ],
    )

    assert judged(
        rules,
        [
            flow("eni-a", INGRESS, source, "10.0.1.10", 1)
            for source in ("10.0.2.5", "10.0.3.5", "10.0.4.5")
        ],
    ) == [
        UNKNOWN,
        # Entry 110 or the last: refused either way, by whom is not known.
        FlowJudgement(Verdict.REJECT, "", SaidNo.ACL),
        FlowJudgement(Verdict.REJECT, "acl-a/*", SaidNo.ACL),
    ]


def test_what_nothing_filters_is_accepted_under_rules_that_allow_nothing() -> None:
    rules = rule_set(
        [subnet("subnet-a", "10.0.1.0/24", "fd00::/64", acl="acl-a")],
        [interface("eni-a", "subnet-a", "10.0.1.10", "fd00::10", groups=["sg-a"])],
        [group("sg-a")],
        [acl("acl-a")],
    )
    passing = [
        flow("eni-a", EGRESS, "10.0.1.10", "10.0.0.2", 17, ports=(50_000, 53)),
        flow("eni-a", INGRESS, "10.0.1.1", "10.0.1.10", 17, ports=(50_000, 9)),
        flow("eni-a", EGRESS, "10.0.1.10", "169.254.170.2", ports=(50_000, 80)),
        flow("eni-a", INGRESS, "fd00:ec2::254", "fd00::10", ports=(80, 50_000)),
        flow("eni-a", EGRESS, "10.0.1.10", "255.255.255.255", 17, ports=(68, 67)),
        flow("eni-a", INGRESS, "fe80::1", "fd00::10", 17, ports=(547, 546)),
        flow("eni-a", EGRESS, "fd00::10", "ff02::1:ff00:1", 58, icmp=(135, 0)),
    ]
    refused = [
        flow("eni-a", EGRESS, "10.0.1.10", "10.0.0.3", 17, ports=(50_000, 53)),
        flow("eni-a", EGRESS, "10.0.1.10", "10.0.5.5", 17, ports=(68, 69)),
        flow("eni-a", EGRESS, "10.0.1.10", "10.0.5.5", 17, ports=(68, 547)),
        flow("eni-a", EGRESS, "fd00::10", "fd00:0:0:9::1", 58, icmp=(128, 0)),
    ]

    assert judged(rules, passing) == [ACCEPTED] * len(passing)
    assert {answer.verdict for answer in judged(rules, refused)} == {Verdict.REJECT}


def test_ranges_are_sorted_and_joined() -> None:
    networks = [ip_network(text) for text in ("10.0.1.0/24", "10.0.0.0/24", "10.0.0.7/32")]
    base = (0xFFFF << 32) + int(ip_address("10.0.0.0"))

    assert network_ranges(networks) == ((base, base + 511),)


@st.composite
def random_flows(draw: st.DrawFn) -> InterfaceFlow:
    family = draw(st.sampled_from([4, 6]))
    addresses = st.sampled_from(ADDRESSES[family])
    port = st.sampled_from([-1, 22, 67, 68, 80, 546, 50_000])
    return flow(
        draw(st.sampled_from(["eni-0", "eni-1", "eni-x"])),
        draw(st.sampled_from([INGRESS, EGRESS])),
        draw(addresses),
        draw(addresses),
        draw(st.sampled_from([1, 6, 17, 47, 58])),
        (draw(port), draw(port)),
        (
            draw(st.sampled_from([-1, 0, 1, 3, 8, 14, 128, 129, 135, 143])),
            draw(st.sampled_from([-1, 0, 1])),
        ),
        draw(st.sampled_from(Initiated)),
    )


@settings(max_examples=150, deadline=None)
@given(rules=rule_sets(), flows=st.lists(random_flows(), min_size=1, max_size=20))
def test_kernel_says_what_the_reference_says(rules: RuleSet, flows: list[InterfaceFlow]) -> None:
    judged(rules, flows)
