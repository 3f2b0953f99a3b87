"""Aim: API and capture are at one, off the capture's thread, and rules go where they belong.

Method: a real state and a host of messages; the kernel's part of the firewall is a fake.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, ip_network
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from vpcflow.app.attached_rules import attached_rules, enforceable_rules
from vpcflow.app.capture_service import kept_capabilities, needed_capabilities
from vpcflow.app.firewall_following import RETRY_S, FirewallFollowing
from vpcflow.app.network_following import LOOK_S, NetworkFollowing, merged
from vpcflow.app.privileges import Capability
from vpcflow.app.settings import Settings
from vpcflow.base.clock import ManualClock
from vpcflow.base.errors import CaptureError, StoreError
from vpcflow.control.network import NETWORK_INTERFACES, NetworkService, Origin
from vpcflow.control.network.resources import NetworkInterfaceResource
from vpcflow.control.state import Database, Place, State
from vpcflow.inventory.network_interface import Attachment, NetworkInterface
from vpcflow.inventory.snapshot import Inventory
from vpcflow.inventory.subnet import Subnet
from vpcflow.inventory.vpc import Vpc
from vpcflow.policy import nftables_apply
from vpcflow.policy.nftables import OWNER_MARK, RUN_OWNER_MARK, compile_namespace
from vpcflow.policy.nftables_chains import LogTarget
from vpcflow.policy.rule_set import RuleSet
from vpcflow.policy.security_group import Direction, SecurityGroup, SecurityGroupRule

ACCOUNT, REGION = "111122223333", "us-east-1"
PLACE = Place(ACCOUNT, REGION)
VPC = Vpc("vpc-1", ACCOUNT, REGION, (ip_network("10.0.0.0/16"),))
SUBNET = Subnet("subnet-1", "vpc-1", "use1-az1", (ip_network("10.0.1.0/24"),))
GROUP = SecurityGroup(
    "sg-1",
    "vpc-1",
    "web",
    (
        SecurityGroupRule(
            "sgr-1", Direction.INGRESS, 6, 22, 22, cidr=ip_network("10.0.0.0/16"), description=""
        ),
    ),
)
#: The longest that another thread's work may take; a bound, not a wait.
SECONDS_MAX = 30.0


def face(number: int, device: str = "", namespace: str = "n") -> NetworkInterface:
    return NetworkInterface(
        f"eni-{number}",
        "subnet-1",
        "vpc-1",
        ACCOUNT,
        (IPv4Address(f"10.0.1.{number}"),),
        security_group_ids=("sg-1",),
        attachment=Attachment(device, namespace) if device else None,
    )


def rules(*faces: NetworkInterface) -> RuleSet:
    inventory = Inventory(
        {"vpc-1": VPC}, {"subnet-1": SUBNET}, {one.interface_id: one for one in faces}
    )
    return RuleSet(inventory, {"sg-1": GROUP})


def devices(found: RuleSet) -> dict[str, str | None]:
    return {
        key: one.attachment.device if one.attachment else None
        for key, one in found.inventory.interfaces.items()
    }


def test_what_is_enforced_where_the_firewall_was_applied() -> None:
    # 1 is the host's, 2 and 3 are attached over the API, 4 is found at the device that 2 now has.
    held = rules(face(1, "a"), face(2, "b"), face(3, "c"), face(4, "b"))
    attached = {"eni-2": True, "eni-3": False}
    assert devices(enforceable_rules(held, attached)) == {
        "eni-1": "a",
        "eni-2": "b",
        "eni-3": None,
        "eni-4": None,
    }
    assert devices(attached_rules(held, attached)) == {
        "eni-1": None,
        "eni-2": "b",
        "eni-3": None,
        "eni-4": None,
    }


def test_the_file_and_the_api_declare_together() -> None:
    file = rules(face(1, "a"), face(2, "b")).inventory
    api = replace(rules(face(3, "a")).inventory, vpcs={"vpc-1": replace(VPC, name="of the API")})
    both = merged(file, api)
    assert set(both.interfaces) == {"eni-1", "eni-2", "eni-3"}
    # The last one at a device has it: what was attached over the API came later.
    assert list(both.interfaces)[-1] == "eni-3"
    assert both.vpcs["vpc-1"].name == VPC.name


@dataclass
class Kernel:
    """Rulesets by namespace, as nft would hold them."""

    tables: dict[str, str] = field(default_factory=dict)
    generations: dict[str, int] = field(default_factory=dict)
    writes: int = 0
    error: Exception | None = None

    def current(self, namespace: str = "") -> str:
        if self.error is not None:
            raise self.error
        return self.tables.get(namespace, "")

    def put(self, script: str, namespace: str = "") -> None:
        # Without the two lines that delete the former table, it is as nft prints it.
        self.tables[namespace] = script.split("\n", 2)[2]
        self._change(namespace)

    def remove(self, namespace: str = "") -> bool:
        self._change(namespace)
        return self.tables.pop(namespace, None) is not None

    def is_in_force(self, script: str, text: str) -> bool:
        return script.split("\n", 2)[2] == text

    def marks(self, *namespaces: str) -> dict[str, tuple[int, int]]:
        return {name: (1, self.generations.get(name, 0)) for name in namespaces}

    def _change(self, namespace: str) -> None:
        self.writes += 1
        self.generations[namespace] = self.generations.get(namespace, 0) + 1


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    made = Kernel()
    for name in ("current", "put", "remove", "is_in_force"):
        monkeypatch.setattr(nftables_apply, name, getattr(made, name))
    monkeypatch.setattr("shutil.which", lambda _: "/usr/sbin/nft")
    return made


@pytest.fixture
def firewall(kernel: Kernel) -> FirewallFollowing:
    return FirewallFollowing(LogTarget(), ManualClock())


def test_rules_of_an_attached_interface_alone_come_and_go(
    kernel: Kernel, firewall: FirewallFollowing
) -> None:
    held = rules(face(1, "a"), face(2, "b"))
    firewall.follow(held, {"eni-2": True}, kernel.marks("n", "other"))
    assert firewall.enforced == {"eni-2"}
    assert RUN_OWNER_MARK in kernel.tables["n"]
    assert "eni-1" not in kernel.tables["n"]
    assert "other" not in kernel.tables
    for _ in range(3):
        firewall.follow(held, {"eni-2": True}, kernel.marks("n", "other"))
    assert kernel.writes == 1
    changed = replace(held, security_groups={"sg-1": replace(GROUP, rules=())})
    firewall.follow(changed, {"eni-2": True}, kernel.marks("n", "other"))
    assert kernel.writes == 2
    assert "sgr-1" not in kernel.tables["n"]
    firewall.follow(changed, {}, kernel.marks("n", "other"))
    assert kernel.tables == {}
    assert firewall.enforced == frozenset()


def test_rules_that_are_put_off_by_somebody_else_come_back(
    kernel: Kernel, firewall: FirewallFollowing
) -> None:
    held = rules(face(2, "b"))
    firewall.follow(held, {"eni-2": True}, kernel.marks("n"))
    kernel.remove("n")
    firewall.follow(held, {"eni-2": True}, kernel.marks("n"))
    assert "eni-2" in kernel.tables["n"]


def test_a_table_that_was_applied_follows_all_rules_and_stays(
    kernel: Kernel, firewall: FirewallFollowing
) -> None:
    held = rules(face(1, "a"), face(2, "b"))
    kernel.put(compile_namespace(held, "n").script, "n")
    firewall.follow(held, {"eni-2": True}, kernel.marks("n"))
    # In force already: the counts of its rules go on.
    assert kernel.writes == 1
    assert firewall.enforced == {"eni-1", "eni-2"}
    changed = replace(held, security_groups={"sg-1": replace(GROUP, rules=())})
    firewall.follow(changed, {}, kernel.marks("n"))
    assert "sgr-1" not in kernel.tables["n"]
    assert OWNER_MARK in kernel.tables["n"]
    assert firewall.close() == {}
    assert "eni-1" in kernel.tables["n"]


def test_a_table_of_unknown_interfaces_stays_as_it_is(
    kernel: Kernel, firewall: FirewallFollowing
) -> None:
    kernel.put(compile_namespace(rules(face(7, "a")), "n").script, "n")
    before = dict(kernel.tables)
    firewall.follow(rules(face(2, "b", "m")), {}, kernel.marks("n"))
    assert kernel.tables == before
    assert firewall.foreign == {"n"}
    assert firewall.problems == {}
    firewall.follow(rules(face(2, "b")), {"eni-2": True}, kernel.marks("n"))
    assert kernel.tables == before
    assert "does not know" in firewall.problems["n"]


def test_the_end_of_the_run_takes_its_own_rules_along(
    kernel: Kernel, firewall: FirewallFollowing
) -> None:
    firewall.follow(rules(face(2, "b")), {"eni-2": True}, kernel.marks("n"))
    assert firewall.close() == {}
    assert kernel.tables == {}


def test_a_failure_is_told_and_tried_again(kernel: Kernel) -> None:
    clock = ManualClock()
    firewall = FirewallFollowing(LogTarget(), clock)
    held = rules(face(2, "b"))
    kernel.error = CaptureError("nft refused the ruleset")
    firewall.follow(held, {"eni-2": True}, kernel.marks("n", "other"))
    assert set(firewall.problems) == {"n"}
    kernel.error = None
    firewall.follow(held, {"eni-2": True}, kernel.marks("n", "other"))
    assert set(firewall.problems) == {"n"}
    clock.advance(RETRY_S)
    firewall.follow(held, {"eni-2": True}, kernel.marks("n", "other"))
    assert firewall.problems == {}
    assert firewall.enforced == {"eni-2"}


class Host:
    """The capture's side, as far as the following asks it."""

    def __init__(self) -> None:
        self.inventory = Inventory()
        self.namespaces: dict[str, int] = {}
        self.refused: dict[str, str] = {}
        self.declared: list[Inventory] = []
        self.captures: tuple[Any, ...] = ()

    def declare(self, base: Inventory) -> None:
        self.declared.append(base)

    def follow_inventory(self) -> None:
        return


@dataclass
class World:
    network: NetworkService
    host: Host
    clock: ManualClock
    problems: list[str]
    following: NetworkFollowing

    def round_until(self, is_done: Callable[[], bool]) -> None:
        """Rounds as the capture makes them; another thread works in between."""
        deadline_s = time.monotonic() + SECONDS_MAX
        while not is_done():
            assert time.monotonic() < deadline_s, self.problems
            self.clock.advance(LOOK_S)
            self.following.round()

    def put(self, interface: NetworkInterface, origin: Origin = Origin.API) -> None:
        with self.network.state.change() as change:
            resource = NetworkInterfaceResource(interface, origin)
            change.put(NETWORK_INTERFACES, PLACE, interface.interface_id, resource)


@pytest.fixture
def world(tmp_path: Path, kernel: Kernel) -> Iterator[World]:
    state = State(Database.in_folder(tmp_path))
    network, host, clock, problems = NetworkService(state), Host(), ManualClock(), list[str]()
    following = NetworkFollowing(
        Settings(data=tmp_path),
        network,
        cast(Any, host),
        cast(Any, host),
        None,
        clock=clock,
        problem=problems.append,
    )
    following.begin()
    yield World(network, host, clock, problems, following)
    following.close()
    state.database.close()


def test_an_attachment_reaches_the_capture_and_its_end_too(world: World) -> None:
    world.put(face(2))
    world.network.attach_interface("eni-2", Attachment("b", "n"), 5.0, enforced=False)
    world.round_until(lambda: bool(world.host.declared))
    attached = world.host.declared[-1].interfaces["eni-2"].attachment
    assert attached == Attachment("b", "n")
    waits = {"attached": {"eni-2": "waits for its network namespace"}}
    assert world.following.status([]).items() >= waits.items()
    world.host.namespaces["n"] = 1
    point = SimpleNamespace(interface=face(2))
    metered = {"attached": {"eni-2": "metered"}}
    assert world.following.status([cast(Any, point)]).items() >= metered.items()
    world.network.attach_interface("eni-2", None, 6.0)
    world.round_until(lambda: len(world.host.declared) > 1)
    assert world.host.declared[-1].interfaces["eni-2"].attachment is None
    assert world.following.status([])["attached"] == {}


def test_the_host_is_shown_and_needs_no_declaration(world: World) -> None:
    found = replace(face(9, "eth0", ""), security_group_ids=())
    world.host.inventory = Inventory(
        {"vpc-1": VPC}, {"subnet-1": SUBNET}, {found.interface_id: found}
    )

    def shown() -> Mapping[str, object]:
        return world.network.state.all(NETWORK_INTERFACES, PLACE)

    world.round_until(lambda: "eni-9" in shown())
    world.host.inventory = Inventory()
    world.round_until(lambda: "eni-9" not in shown())
    assert world.host.declared == []


def test_a_database_that_says_no_stops_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> bool:
        raise StoreError("the control database said no")

    with monkeypatch.context() as patch:
        patch.setattr(NetworkService, "sync_host", refuse)
        world.round_until(lambda: bool(world.problems))
        for _ in range(3):
            world.clock.advance(LOOK_S)
            world.following.round()
    assert len(world.problems) == 1
    assert "said no" in world.problems[0]
    world.put(face(2))
    world.round_until(lambda: bool(world.host.declared))


def test_a_round_never_waits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    may_end, looks = threading.Event(), list[int]()

    def slow(*_: object) -> bool:
        looks.append(1)
        assert may_end.wait(SECONDS_MAX)
        return False

    monkeypatch.setattr(NetworkService, "sync_host", slow)
    try:
        for _ in range(100):
            world.clock.advance(LOOK_S)
            world.following.round()
        assert len(looks) <= 1
    finally:
        may_end.set()


def test_what_later_namespaces_need_is_kept_where_it_is_held(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    needed = needed_capabilities(settings, Inventory())
    assert needed == {Capability.NET_RAW, Capability.NET_ADMIN}
    later = {Capability.NET_RAW, Capability.NET_ADMIN, Capability.SYS_ADMIN}
    assert kept_capabilities(needed, settings, frozenset(Capability)) == later
    assert kept_capabilities(needed, settings, needed) == {Capability.NET_ADMIN}
    never = settings.model_copy(
        update={"inventory": settings.inventory.model_copy(update={"later_namespaces": False})}
    )
    assert kept_capabilities(needed, never, frozenset(Capability)) == {Capability.NET_ADMIN}
