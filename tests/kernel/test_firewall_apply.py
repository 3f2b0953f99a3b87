"""Aim: the firewall comes and goes as a whole, touches nothing else, and refuses what it says.

Method: a router namespace with raw packets through it; see ``firewall_router``.
"""

from __future__ import annotations

import itertools
import socket
import subprocess
from collections.abc import Iterator, Sequence
from ipaddress import ip_address, ip_network

import pytest
from firewall_router import (
    BEHIND,
    ROUTER_ADDRESSES,
    Packet,
    Router,
    made_in,
    needs_root,
    router,
    run_in,
)

from vpcflow.base.errors import CaptureError, ResourceError
from vpcflow.inventory.network_interface import Attachment, AttachmentSide, NetworkInterface
from vpcflow.inventory.snapshot import Inventory
from vpcflow.inventory.subnet import Subnet
from vpcflow.inventory.vpc import Vpc
from vpcflow.policy import nftables_apply
from vpcflow.policy.network_acl import NetworkAcl, NetworkAclEntry
from vpcflow.policy.nftables import OWNER_MARK, compile_ruleset
from vpcflow.policy.rule_set import RuleSet
from vpcflow.policy.security_group import Direction, SecurityGroup, SecurityGroupRule

pytestmark = pytest.mark.skipif(bool(needs_root()), reason=needs_root())

VPC = Vpc("vpc-1", "123456789012", "local", (ip_network("10.0.0.0/16"),))
EVERYONE = (ip_network("0.0.0.0/0"), ip_network("::/0"))
ALL = tuple(
    SecurityGroupRule(f"sgr-{direction}-{network.version}", direction, cidr=network)
    for direction in Direction
    for network in EVERYONE
)
SYN, SYN_ACK, RST, ACK = 2, 18, 4, 16
OTHERS_TABLE = (
    "table ip others { chain c { type filter hook forward priority 0; ip ttl 255 drop; }; }"
)

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def shared() -> Iterator[Router]:
    with router() as made:
        yield made


@pytest.fixture
def lab(shared: Router) -> Iterator[Router]:
    """The router without any ruleset, before and after."""
    run_in(shared.namespace, "nft flush ruleset")
    yield shared
    run_in(shared.namespace, "nft flush ruleset")


def rules_of(
    lab: Router,
    rules: Sequence[SecurityGroupRule] | None,
    entries: Sequence[NetworkAclEntry] | None = None,
    ports: str = "a",
    side: AttachmentSide = AttachmentSide.PORT,
) -> str:
    """One group, or none, and one ACL, or none, at some of the ports; the script."""
    interfaces = {
        f"eni-{port}": NetworkInterface(
            f"eni-{port}",
            "subnet-1",
            VPC.vpc_id,
            VPC.account_id,
            tuple(ip_address(text) for text in BEHIND.get(port, ()) if "." in text),
            security_group_ids=() if rules is None else ("sg-1",),
            attachment=Attachment(f"p-{port}", lab.namespace, side),
        )
        for port in ports
    }
    acl_id = None if entries is None else "acl-1"
    subnet = Subnet(
        "subnet-1", VPC.vpc_id, "az", (ip_network("10.0.1.0/24"),), network_acl_id=acl_id
    )
    return compile_ruleset(
        RuleSet(
            Inventory({VPC.vpc_id: VPC}, {"subnet-1": subnet}, interfaces),
            {"sg-1": SecurityGroup("sg-1", VPC.vpc_id, rules=tuple(rules or ()))},
            {"acl-1": NetworkAcl("acl-1", VPC.vpc_id, entries=tuple(entries or ()))},
        ),
        lab.namespace,
    )


def packet(
    entry: str,
    source: str,
    destination: str,
    protocol: int = 17,
    ports: tuple[int, int] = (4000, 53),
    flags: int = SYN,
) -> Packet:
    return Packet(
        next(_numbers), entry, ip_address(source), ip_address(destination), protocol, ports, flags
    )


def fates(lab: Router, *packets: Packet) -> list[str]:
    found = lab.send(list(packets))
    return [found[sent.number] for sent in packets]


def test_order_of_interfaces_makes_no_other_ruleset(lab: Router) -> None:
    nftables_apply.put(rules_of(lab, ALL, ports="abc"), lab.namespace)
    in_force = nftables_apply.current(lab.namespace)
    assert nftables_apply.is_in_force(rules_of(lab, ALL, ports="cab"), in_force)
    assert not nftables_apply.is_in_force(rules_of(lab, ALL, ports="ca"), in_force)


def test_apply_repeat_plan_hits_remove(lab: Router) -> None:
    run_in(lab.namespace, f"nft '{OTHERS_TABLE}'")
    others = run_in(lab.namespace, "nft list ruleset")
    script = rules_of(lab, [])
    plan = nftables_apply.plan(script, lab.namespace)
    assert "+\tchain eni-a_egress_groups {" in plan.splitlines()
    assert run_in(lab.namespace, "nft list ruleset") == others, "plan changes nothing"

    assert nftables_apply.apply(script, lab.namespace)
    assert not nftables_apply.apply(script, lab.namespace)
    assert nftables_apply.plan(script, lab.namespace) == ""
    in_force = nftables_apply.current(lab.namespace)
    assert nftables_apply.owner_mark(in_force) == OWNER_MARK
    assert nftables_apply.is_in_force(script, in_force)
    assert not nftables_apply.is_in_force(rules_of(lab, ALL), in_force)
    assert nftables_apply.current(lab.namespace).startswith("table inet vpcflow {")
    sent = packet("a", "10.0.1.10", "198.51.100.1")
    assert fates(lab, sent) == ["vpcflow:R:eni-a:e:sg-1"]
    counted = {hit.rule: hit[1:] for hit in nftables_apply.hits(lab.namespace)}
    assert counted["eni-a/egress/groups"] == (1, len(sent.ip_bytes()))

    assert nftables_apply.remove(lab.namespace)
    assert not nftables_apply.remove(lab.namespace)
    assert nftables_apply.current(lab.namespace) == ""
    assert nftables_apply.hits(lab.namespace) == []
    assert run_in(lab.namespace, "nft list ruleset") == others


def test_a_table_that_was_changed_by_hand_is_put_right(lab: Router) -> None:
    script = rules_of(lab, [])
    nftables_apply.apply(script, lab.namespace)
    run_in(lab.namespace, "nft flush chain inet vpcflow eni-a_egress_groups")

    assert nftables_apply.plan(script, lab.namespace)
    assert nftables_apply.apply(script, lab.namespace)
    assert nftables_apply.plan(script, lab.namespace) == ""


def test_a_table_of_someone_else_stays(lab: Router) -> None:
    run_in(lab.namespace, "nft add table inet vpcflow")
    before = run_in(lab.namespace, "nft list ruleset")

    for act in (
        lambda: nftables_apply.apply(rules_of(lab, []), lab.namespace),
        lambda: nftables_apply.check(rules_of(lab, []), lab.namespace),
        lambda: nftables_apply.plan(rules_of(lab, []), lab.namespace),
        lambda: nftables_apply.remove(lab.namespace),
        lambda: nftables_apply.current(lab.namespace),
    ):
        with pytest.raises(ResourceError, match="vpcflow did not make"):
            act()
    assert run_in(lab.namespace, "nft list ruleset") == before


def test_a_script_that_nft_refuses_changes_nothing(lab: Router) -> None:
    script = rules_of(lab, [])
    nftables_apply.apply(script, lab.namespace)
    before = run_in(lab.namespace, "nft list ruleset")

    with pytest.raises(CaptureError, match="refused"):
        nftables_apply.apply(script + "table inet vpcflow { chain x { nonsense } }", lab.namespace)
    assert run_in(lab.namespace, "nft list ruleset") == before


def test_namespace_that_is_not_there() -> None:
    with pytest.raises(ResourceError, match="no such network namespace"):
        nftables_apply.remove("vpcflow-no-such-namespace")


def test_without_permission_the_command_is_named(lab: Router) -> None:
    import sys

    code = (
        "from vpcflow.policy import nftables_apply\n"
        "from vpcflow.base.errors import CaptureError\n"
        "try:\n    nftables_apply.remove()\n"
        "except CaptureError as error:\n    print(error, '|', error.hint)"
    )
    said = subprocess.run(
        ["setpriv", "--bounding-set=-all", "--inh-caps=-all", sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert "needs root or CAP_NET_ADMIN" in said
    assert "| sudo " in said


def test_what_nothing_filters_passes_and_the_rest_does_not(lab: Router) -> None:
    nftables_apply.apply(rules_of(lab, [], []), lab.namespace)

    assert fates(
        lab,
        packet("a", "10.0.1.10", "10.0.0.2"),  # the VPC's DNS
        packet("x", "10.0.0.2", "10.0.1.10", ports=(53, 4000)),
        packet("x", "169.254.169.123", "10.0.1.10", ports=(123, 123)),
        packet("a", "10.0.1.10", "198.51.100.1", ports=(68, 67)),  # DHCP
        packet("a", "10.0.1.10", "198.51.100.2", ports=(69, 67)),
        packet("a", "2001:db8:1::10", "2001:db8:bad::1", 58, (135, 0)),  # neighbour discovery
        packet("a", "2001:db8:1::10", "2001:db8:bad::1", 58, (128, 0)),
        packet("c", "10.0.2.30", "198.51.100.1"),  # under no rules
    ) == [
        "out:x",
        "out:a",
        "out:a",
        "out:x",
        "vpcflow:R:eni-a:e:sg-1",
        "out:x",
        "vpcflow:R:eni-a:e:sg-1",
        "out:x",
    ]


def test_the_first_that_refuses_is_the_only_one_that_reports(lab: Router) -> None:
    nftables_apply.apply(rules_of(lab, [], [], ports="ab"), lab.namespace)

    assert fates(lab, packet("a", "10.0.1.10", "10.0.1.20")) == ["vpcflow:R:eni-a:e:sg-1"]
    assert fates(lab, packet("x", "198.51.100.1", "10.0.1.20")) == ["vpcflow:R:eni-b:i:acl-1/*"]


def test_connections_outlive_their_rule_and_end_as_invalid(lab: Router) -> None:
    there = ("a", "10.0.1.10", "198.51.100.1", 6, (4001, 443))
    back = ("x", "198.51.100.1", "10.0.1.10", 6, (443, 4001))
    nftables_apply.apply(rules_of(lab, ALL), lab.namespace)
    assert fates(lab, packet(*there)) == ["out:x"]
    assert fates(lab, packet(*back, SYN_ACK)) == ["out:a"]

    nftables_apply.apply(rules_of(lab, []), lab.namespace)
    assert fates(lab, packet(*there, ACK)) == ["out:x"]
    assert fates(lab, packet(*there[:4], (4002, 443))) == ["vpcflow:R:eni-a:e:sg-1"]

    # What no connection explains is refused although the rules allow everything.
    nftables_apply.apply(rules_of(lab, ALL), lab.namespace)
    stray = packet(*there[:4], (4003, 443), RST)
    assert fates(lab, stray) == ["vpcflow:R:eni-a:e:invalid"]


def test_fragments_are_judged_as_the_packet_that_they_are_of(lab: Router) -> None:
    only_dns = [
        NetworkAclEntry(100, Direction.EGRESS, True, EVERYONE[0], 17, 53, 53),
    ]
    nftables_apply.apply(rules_of(lab, None, only_dns), lab.namespace)
    dns = packet("a", "10.0.1.10", "198.51.100.1", ports=(4004, 53))
    other = packet("a", "10.0.1.10", "198.51.100.1", ports=(4004, 54))

    found = lab.send([dns, other], in_fragments=True)
    assert found == {dns.number: "out:x", other.number: "vpcflow:R:eni-a:e:acl-1/*"}


def test_packets_between_a_port_and_the_host_itself(lab: Router) -> None:
    out_only = [rule for rule in ALL if rule.direction is Direction.EGRESS]
    nftables_apply.apply(rules_of(lab, out_only), lab.namespace)
    address = ROUTER_ADDRESSES[0]
    with made_in(lab.namespace, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as own:
        own.bind((address, 5353))
        own.settimeout(10)
        asked = packet("a", "10.0.1.10", address, ports=(4005, 5353))
        lab.sockets["a"].send(asked.frame())
        payload, sender = own.recvfrom(100)
        assert (payload, sender) == (asked.ip_bytes()[28:], ("10.0.1.10", 4005))
        # The answer passes; what the host begins itself meets the ingress of the interface.
        answer, begun = (packet("x", address, "10.0.1.10", ports=(5353, to)) for to in (4005, 4006))
        own.sendto(answer.ip_bytes()[28:], sender)
        with pytest.raises(PermissionError):
            own.sendto(begun.ip_bytes()[28:], ("10.0.1.10", 4006))
        found = lab.collect({answer.number, begun.number})
    assert found == {answer.number: "out:a", begun.number: "vpcflow:R:eni-a:i:sg-1"}

    nftables_apply.apply(rules_of(lab, []), lab.namespace)
    asked = packet("a", "10.0.1.10", address, ports=(4007, 5353))
    assert fates(lab, asked) == ["vpcflow:R:eni-a:e:sg-1"]


def test_the_host_s_own_interface_and_its_loopback(lab: Router) -> None:
    nftables_apply.apply(rules_of(lab, [], ports="x", side=AttachmentSide.INTERFACE), lab.namespace)
    address = ROUTER_ADDRESSES[0]
    assert fates(lab, packet("x", "198.51.100.1", address)) == ["vpcflow:R:eni-x:i:sg-1"]
    with made_in(lab.namespace, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as own:
        own.bind(("127.0.0.1", 0))
        own.settimeout(10)
        own.sendto(b"to itself", own.getsockname())
        assert own.recv(100) == b"to itself"
    with made_in(lab.namespace, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as own:
        begun = packet("x", address, "198.51.100.1")
        with pytest.raises(PermissionError):
            own.sendto(begun.ip_bytes()[28:], ("198.51.100.1", 53))
        assert lab.collect({begun.number}) == {begun.number: "vpcflow:R:eni-x:e:sg-1"}
