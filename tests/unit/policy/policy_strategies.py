"""Hypothesis strategies: rule sets of few values, so that rules and flows meet often."""

from __future__ import annotations

from ipaddress import ip_network

from hypothesis import strategies as st
from policy_cases import EGRESS, INGRESS, acl, entry, group, interface, rule, rule_set, subnet

from vpcflow.policy.network_acl import NetworkAclEntry
from vpcflow.policy.rule_set import RuleSet
from vpcflow.policy.security_group import PrefixList, SecurityGroupRule

NETWORKS = st.sampled_from(
    [
        "0.0.0.0/0",
        "::/0",
        "10.0.0.0/16",
        "10.0.1.0/24",
        "10.0.2.5/32",
        "fd00::/63",
        "fd00:0:0:1::5/128",
        "128.0.0.0/1",
        "8000::/1",
        "::/16",
    ]
)
ADDRESSES = {
    4: [
        "10.0.1.5",
        "10.0.1.6",
        "10.0.2.5",
        "10.0.3.1",
        "203.0.113.9",
        "10.0.0.2",
        "169.254.169.254",
    ],
    6: ["fd00:0:0:1::5", "fd00:0:0:1::6", "fd00:0:0:2::5", "2001:db8::1", "::1", "fd00:ec2::253"],
}
PROTOCOLS = st.sampled_from([-1, 1, 6, 17, 47, 58])
PORTS = st.sampled_from(
    [(0, 65_535), (22, 22), (20, 80), (1024, 65_535), (-1, -1), (8, 0), (8, -1), (0, 0), (3, 1)]
)


@st.composite
def group_rules(draw: st.DrawFn) -> tuple[SecurityGroupRule, ...]:
    peers = st.one_of(NETWORKS, st.sampled_from(["sg-0", "sg-1", "pl-a"]))
    return tuple(
        rule(
            f"sgr-{index}",
            draw(st.sampled_from([INGRESS, EGRESS])),
            draw(peers),
            draw(PROTOCOLS),
            draw(PORTS),
        )
        for index in range(draw(st.integers(0, 5)))
    )


@st.composite
def acl_entries(draw: st.DrawFn) -> tuple[NetworkAclEntry, ...]:
    numbers = draw(st.lists(st.integers(1, 20), unique=True, max_size=6))
    return tuple(
        entry(
            number,
            draw(st.sampled_from([INGRESS, EGRESS])),
            draw(st.booleans()),
            draw(NETWORKS),
            draw(PROTOCOLS),
            draw(PORTS),
        )
        for number in numbers
    )


@st.composite
def rule_sets(draw: st.DrawFn) -> RuleSet:
    groups = st.lists(st.sampled_from(["sg-0", "sg-1"]), unique=True)
    acls = st.sampled_from([None, "acl-0", "acl-1"])
    return rule_set(
        [
            subnet("subnet-0", "10.0.1.0/24", "fd00:0:0:1::/64", acl=draw(acls)),
            subnet("subnet-1", "10.0.2.0/24", acl=draw(acls)),
        ],
        [
            interface("eni-0", "subnet-0", "10.0.1.5", "fd00:0:0:1::5", groups=draw(groups)),
            interface("eni-1", "subnet-1", "10.0.2.5", groups=draw(groups)),
        ],
        [group(f"sg-{index}", *draw(group_rules())) for index in range(2)],
        [acl(f"acl-{index}", *draw(acl_entries())) for index in range(2)],
        [PrefixList("pl-a", (ip_network("10.0.3.0/24"), ip_network("2001:db8::/32")))],
    )
