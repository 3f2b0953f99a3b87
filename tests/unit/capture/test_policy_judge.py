"""Aim: where no firewall told, the known rules judge a flow; nothing becomes ACCEPT by guess."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from flow_row_builder import SUBNET, VPC, point_of, row_of, window_of

from vpcflow.capture.observation_point import ObservationPoint
from vpcflow.capture.parsed_columns import (
    RULE_SHIFT,
    VERDICT_ACCEPT,
    VERDICT_REJECT,
    VERDICT_SHIFT,
    VERDICT_UNKNOWN,
)
from vpcflow.capture.policy_judge import PolicyJudge
from vpcflow.capture.window import ActionSource, ClosedWindow
from vpcflow.inventory.settings import InventorySettings
from vpcflow.inventory.snapshot import Inventory
from vpcflow.policy.file import read_rule_set
from vpcflow.policy.resolve import compile_rules
from vpcflow.policy.rule_set import RuleSet

HOME, HOST = "203.0.113.12", "10.0.1.10"
ENI = "eni-0123456789abcdef0"
ICMP, TCP = 1, 6
SYN, SYN_ACK = 2, 18
ACCEPT, REJECT, UNKNOWN = VERDICT_ACCEPT, VERDICT_REJECT, VERDICT_UNKNOWN

INVENTORY = """
[[vpc]]
id = "vpc-0123456789abcdef0"
cidr_blocks = ["10.0.0.0/16"]
[[subnet]]
id = "subnet-0123456789abcdef0"
cidr_blocks = ["10.0.1.0/24"]
network_acl = "edge"
[[interface]]
id = "eni-0123456789abcdef0"
addresses = ["10.0.1.10"]
security_groups = ["ping"]
[[security_group]]
name = "ping"
[[security_group.rule]]
direction = "ingress"
protocol = "icmp"
source = "0.0.0.0/0"
[[security_group.rule]]
direction = "ingress"
protocol = "tcp"
ports = "443"
source = "0.0.0.0/0"
[[network_acl]]
name = "edge"
[[network_acl.entry]]
rule_number = 100
direction = "ingress"
action = "allow"
protocol = "all"
source = "0.0.0.0/0"
[[network_acl.entry]]
rule_number = 90
direction = "egress"
action = "deny"
protocol = "icmp"
destination = "0.0.0.0/0"
[[network_acl.entry]]
rule_number = 100
direction = "egress"
action = "allow"
protocol = "all"
destination = "0.0.0.0/0"
"""


@pytest.fixture
def judge(tmp_path: Path) -> PolicyJudge:
    path = tmp_path / "inventory.toml"
    path.write_text(INVENTORY, encoding="utf-8")
    return PolicyJudge(compile_rules(read_rule_set(path, InventorySettings())))


def point(slot: int = 0, interface_id: str = ENI) -> ObservationPoint:
    made = point_of(slot, HOST, vpc=VPC)
    interface = replace(made.interface, interface_id=interface_id)
    return replace(made, interface=interface, subnet=SUBNET)


def ping(*, verdict: int = UNKNOWN) -> list[list[int]]:
    return [
        row_of(HOME, HOST, protocol=ICMP, verdict=verdict, first_us=0, last_us=10),
        row_of(HOST, HOME, protocol=ICMP, verdict=verdict, egress=True, first_us=5, last_us=15),
    ]


def verdicts(window: ClosedWindow) -> list[int]:
    return [int(word) for word in window.rows[:, 4] >> np.uint64(VERDICT_SHIFT) & np.uint64(3)]


def rules(window: ClosedWindow) -> list[str]:
    numbers = [int(word) for word in window.rows[:, 5] >> np.uint64(RULE_SHIFT)]
    return [window.rule_texts[number - 1] if number else "" for number in numbers]


def unjudged(*rows: list[int]) -> ClosedWindow:
    return replace(window_of(rows, [point()]), action_source=None)


def test_ping_whose_reply_the_acl_refuses_is_two_records(judge: PolicyJudge) -> None:
    """AWS's example: the groups allow the request and so its reply, the ACL allows one of them."""
    window = judge(unjudged(*ping()))
    assert verdicts(window) == [ACCEPT, REJECT]
    assert rules(window)[0] == ""
    assert "90" in rules(window)[1]
    assert window.action_source is not None
    assert window.action_source.tolist() == [ActionSource.POLICY] * 2


def test_rules_that_change_meanwhile_keep_who_began_a_connection(
    judge: PolicyJudge, tmp_path: Path
) -> None:
    judge(unjudged(row_of(HOME, HOST, (4000, 443), TCP, verdict=UNKNOWN, flags=SYN)))
    path = tmp_path / "changed.toml"
    path.write_text(INVENTORY.replace('"443"', '["443", "444"]'), encoding="utf-8")
    judge.follow(compile_rules(read_rule_set(path, InventorySettings())))
    # The answer of a connection that began before, and one that was not allowed to begin then.
    answer = row_of(HOST, HOME, (443, 4000), TCP, verdict=UNKNOWN, egress=True, flags=0)
    begun = row_of(HOME, HOST, (4001, 444), TCP, verdict=UNKNOWN, flags=SYN)
    assert verdicts(judge(unjudged(answer, begun))) == [ACCEPT, ACCEPT]


def test_without_rules_nothing_is_judged() -> None:
    window = unjudged(*ping())
    assert PolicyJudge(compile_rules(RuleSet(Inventory())))(window) is window


def test_reply_in_the_next_interval_is_known_as_one(judge: PolicyJudge) -> None:
    """The group allows the host to begin nothing, only to answer."""
    judge(unjudged(row_of(HOME, HOST, (4000, 443), TCP, verdict=UNKNOWN, flags=SYN)))
    answer = row_of(HOST, HOME, (443, 4000), TCP, verdict=UNKNOWN, egress=True, flags=0)
    begun = row_of(HOST, HOME, (4001, 443), TCP, verdict=UNKNOWN, egress=True, flags=SYN)
    following = unjudged(answer, begun)
    later = replace(
        following, start_ns=following.start_ns + 60 * 10**9, end_ns=following.end_ns + 60 * 10**9
    )
    assert verdicts(judge(later)) == [ACCEPT, REJECT]


def test_what_the_firewall_told_stays(judge: PolicyJudge) -> None:
    """Its word comes from the packets; its rule keeps its number beside those of the policy."""
    told = row_of(HOME, HOST, (4000, 443), TCP, verdict=REJECT, rule=1, flags=SYN)
    window = replace(
        unjudged(told, *ping()),
        rule_texts=("seen",),
        action_source=np.array([ActionSource.NFLOG, 0, 0], np.uint8),
    )
    judged = judge(window)
    assert verdicts(judged) == [REJECT, ACCEPT, REJECT]
    assert rules(judged)[:2] == ["seen", ""]
    assert "90" in rules(judged)[2]
    assert judged.action_source is not None
    assert judged.action_source.tolist() == [
        ActionSource.NFLOG,
        ActionSource.POLICY,
        ActionSource.POLICY,
    ]


def test_interface_without_rules_stays_unknown(judge: PolicyJudge) -> None:
    window = replace(
        window_of(ping(), [point(interface_id="eni-0000000000000000f")]), action_source=None
    )
    assert verdicts(judge(window)) == [UNKNOWN, UNKNOWN]
    assert judge(window).action_source is None


def test_window_that_is_handed_in_is_not_changed(judge: PolicyJudge) -> None:
    window = unjudged(*ping())
    before = window.rows.copy()
    assert verdicts(judge(window)) == [ACCEPT, REJECT]
    assert np.array_equal(window.rows, before)


def test_no_flows_no_judgement(judge: PolicyJudge) -> None:
    window = unjudged()
    assert judge(window) is window


def test_interval_that_the_meter_began_late(judge: PolicyJudge) -> None:
    """Times count from the interval's begin, also in the first one."""
    window = unjudged(*ping())
    judged = judge(replace(window, start_ns=window.start_ns + 30 * 10**9))
    assert verdicts(judged) == [ACCEPT, REJECT]
