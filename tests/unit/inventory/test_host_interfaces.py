"""Aim: netlink's messages become interfaces with ids that stay. Method: messages, no kernel."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from vpcflow.base.clock import ManualClock
from vpcflow.inventory.network_interface import (
    Attachment,
    AttachmentSide,
    NetworkInterface,
)
from vpcflow.inventory.settings import DEFAULT_REGION, InventorySettings
from vpcflow.inventory.snapshot import Inventory
from vpcflow.inventory.sources import device, host_interfaces
from vpcflow.inventory.sources.device import LAST_ADDRESSES_S, VANISHED_KEPT_S
from vpcflow.inventory.sources.host_interfaces import HostInterfaces
from vpcflow.inventory.sources.kept_ids import KEPT_IDS_MAX, KeptIds
from vpcflow.inventory.sources.rtnetlink import AddressMessage, DumpEnd, DumpStart, LinkMessage
from vpcflow.inventory.subnet import Subnet
from vpcflow.inventory.vpc import Vpc

MACHINE = "0123456789abcdef0123456789abcdef"


@dataclass
class Host:
    """A host whose kernel is the test."""

    base: Inventory = field(default_factory=Inventory)
    settings: InventorySettings = field(
        default_factory=lambda: InventorySettings(namespaces=("a", "b"))
    )
    kept: KeptIds = field(default_factory=lambda: KeptIds(None))
    clock: ManualClock = field(default_factory=ManualClock)

    def __post_init__(self) -> None:
        self.faces = HostInterfaces(self.settings, MACHINE, self.base, self.kept, self.clock)
        for name in ("", "a", "b"):
            self.faces.add_namespace(name)
        self.faces.settle()

    def link(
        self, index: int, name: str, mac: str = "02:00:00:00:00:01", space: str = "", kind: str = ""
    ) -> None:
        self.faces.apply(space, LinkMessage(True, index, name, mac, kind, False))

    def gone(self, index: int, space: str = "", *, moved: bool = False) -> None:
        self.faces.apply(space, LinkMessage(False, index, "x", "", "", moved))

    def address(
        self, index: int, text: str, space: str = "", *, new: bool = True, secondary: bool = False
    ) -> None:
        address, _, length = text.partition("/")
        message = AddressMessage(new, index, ip_address(address), int(length), secondary)
        self.faces.apply(space, message)

    def only(self) -> NetworkInterface:
        self.faces.settle()
        (interface,) = self.faces.inventory.interfaces.values()
        return interface


def test_device_lands_in_the_default_vpc() -> None:
    host = Host()
    host.link(2, "eth0")
    for text in ("fe80::1/64", "10.0.0.5/24", "2001:db8::5/64", "10.9.0.1/16"):
        host.address(2, text)
    host.address(2, "10.0.0.6/24", secondary=True)
    host.address(2, "2001:db8::1/64", secondary=True)
    eth0 = host.only()
    inventory = host.faces.inventory
    assert [str(address) for address in eth0.addresses] == [
        "10.0.0.5", "10.9.0.1", "10.0.0.6", "2001:db8::5", "2001:db8::1", "fe80::1"
    ]  # fmt: skip
    assert inventory.subnets[eth0.subnet_id].cidr_blocks == (ip_network("10.0.0.0/24"),)
    vpc = inventory.vpcs[eth0.vpc_id]
    assert [str(block) for block in vpc.cidr_blocks] == [
        "10.0.0.0/24", "10.9.0.0/16", "2001:db8::/64"
    ]  # fmt: skip
    assert (vpc.name, vpc.region, vpc.has_reserved_addresses) == ("default", DEFAULT_REGION, False)
    assert (eth0.account_id, eth0.name, eth0.attachment) == (
        "000000000000", "eth0", Attachment("eth0")
    )  # fmt: skip
    assert eth0.instance_id in inventory.instances
    binding = host.faces.binding("", 2)
    assert binding is not None
    assert (binding.interface_id, binding.side) == (eth0.interface_id, AttachmentSide.INTERFACE)


def test_nested_networks_are_one_block_of_the_vpc() -> None:
    host = Host()
    host.link(2, "eth0")
    host.address(2, "10.0.0.5/8")
    host.address(2, "10.1.0.5/16")
    host.faces.settle()
    (vpc,) = host.faces.inventory.vpcs.values()
    assert vpc.cidr_blocks == (ip_network("10.0.0.0/8"),)
    assert len(host.faces.inventory.subnets) == 2


def test_device_without_an_address_is_in_a_subnet_too() -> None:
    host = Host()
    host.link(2, "eth0")
    host.address(2, "fe80::1/64")
    eth0 = host.only()
    subnet = host.faces.inventory.subnets[eth0.subnet_id]
    assert (subnet.name, subnet.cidr_blocks) == ("unnumbered", ())
    host.address(2, "10.0.0.5/24")
    assert host.only().subnet_id != subnet.subnet_id
    assert len(host.faces.inventory.subnets) == 1, "a subnet without an interface is no more"


def test_id_stays_over_address_rename_mac_and_restart(tmp_path: Path) -> None:
    kept = KeptIds(tmp_path)
    host = Host(kept=kept)
    host.link(2, "eth0")
    first = host.only().interface_id
    host.address(2, "10.0.0.5/24")
    assert host.only().interface_id == first
    host.link(2, "wan0")
    assert host.only().interface_id == first
    assert host.only().name == "wan0"
    host.link(2, "wan0", "02:00:00:00:00:02")
    assert host.only().interface_id == first
    assert kept.save()
    again = Host(kept=KeptIds(tmp_path))
    again.link(7, "wan0", "02:00:00:00:00:02")
    assert again.only().interface_id == first
    other = Host()
    other.link(7, "wan0", "02:00:00:00:00:02")
    assert other.only().interface_id != first


def test_renamed_device_leaves_its_name_to_another() -> None:
    host = Host()
    host.link(2, "eth0")
    host.faces.settle()
    host.link(2, "eth1")
    host.link(3, "eth0")
    host.faces.settle()
    assert len(host.faces.inventory.interfaces) == 2


def test_a_bridge_keeps_its_id_with_another_mac_after_a_restart() -> None:
    host, again = Host(), Host()
    host.link(2, "br0", "02:00:00:00:00:01", kind="bridge")
    again.link(2, "br0", "02:00:00:00:00:02", kind="bridge")
    assert host.only().interface_id == again.only().interface_id


@pytest.mark.parametrize("gone_first", [True, False])
def test_move_between_namespaces_keeps_the_id(gone_first: bool) -> None:
    host = Host()
    host.link(5, "v0")
    before = host.only()
    if gone_first:
        host.gone(5, moved=True)
        host.faces.settle()
        host.link(9, "eth0", space="a")
    else:
        host.link(9, "eth0", space="a")
        assert host.faces.rivals() == {""}
        host.gone(5, moved=True)
    after = host.only()
    assert after.interface_id == before.interface_id
    assert after.attachment == Attachment("eth0", "a")
    assert after.instance_id != before.instance_id
    assert host.faces.rivals() == set()


def test_the_same_mac_in_another_namespace_is_another_interface() -> None:
    host = Host()
    host.link(5, "eth0")
    host.link(5, "eth0", space="a")
    host.gone(5)
    host.link(5, "eth0", space="b")
    host.faces.settle()
    ids = {*host.faces.remembered.interfaces}
    assert len(ids) == 3


def test_devices_that_share_a_mac_move_by_name() -> None:
    host = Host()
    host.link(5, "ipvl0")
    host.link(6, "ipvl1")
    host.faces.settle()
    ids = {one.name: one.interface_id for one in host.faces.inventory.interfaces.values()}
    host.gone(5, moved=True)
    host.gone(6, moved=True)
    host.link(8, "ipvl0", space="a")
    host.link(9, "ipvl1", space="b")
    host.faces.settle()
    assert {one.name: one.interface_id for one in host.faces.inventory.interfaces.values()} == {
        "a/ipvl0": ids["ipvl0"],
        "b/ipvl1": ids["ipvl1"],
    }


def test_vanished_interface_is_remembered_with_its_last_addresses() -> None:
    host = Host()
    host.link(5, "v0")
    host.address(5, "10.0.0.5/24")
    before = host.only()
    host.address(5, "10.0.0.5/24", new=False)
    host.faces.settle()
    host.gone(5)
    host.faces.settle()
    assert not host.faces.inventory.interfaces
    assert not host.faces.inventory.subnets
    assert not host.faces.inventory.vpcs
    remembered = host.faces.remembered
    assert remembered.interfaces == {before.interface_id: before}
    assert before.subnet_id in remembered.subnets
    assert remembered.vpcs[before.vpc_id].cidr_blocks == (ip_network("10.0.0.0/24"),)
    binding = host.faces.binding("", 5)
    assert binding is not None
    assert binding.interface_id == before.interface_id
    assert host.faces.bindings("") == {}
    host.clock.advance(VANISHED_KEPT_S + 1)
    host.faces.settle()
    assert not host.faces.remembered.interfaces
    assert host.faces.binding("", 5) is None


def test_an_address_that_went_long_before_is_not_a_last_one() -> None:
    host = Host()
    host.link(5, "v0")
    host.address(5, "10.0.0.5/24")
    host.only()
    host.address(5, "10.0.0.5/24", new=False)
    host.clock.advance(LAST_ADDRESSES_S + 1)
    host.gone(5)
    host.faces.settle()
    (interface,) = host.faces.remembered.interfaces.values()
    assert interface.addresses == ()


def test_device_that_comes_and_goes_between_two_reads_is_known() -> None:
    host = Host()
    host.link(5, "v0")
    host.address(5, "10.0.0.5/24")
    host.address(5, "10.0.0.5/24", new=False)
    host.gone(5)
    assert host.faces.settle()
    (interface,) = host.faces.remembered.interfaces.values()
    assert [str(address) for address in interface.addresses] == ["10.0.0.5"]
    binding = host.faces.binding("", 5)
    assert binding is not None
    assert binding.interface_id == interface.interface_id


def test_interface_that_comes_back_is_no_longer_vanished() -> None:
    host = Host()
    host.link(5, "v0")
    before = host.only()
    host.gone(5)
    host.faces.settle()
    host.link(6, "v0")
    assert host.only().interface_id == before.interface_id
    assert len(host.faces.vanished.entries) == 0


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "VANISHED_MAX", 10)
    monkeypatch.setattr(host_interfaces, "CHANGED_DEVICES_MAX", 20)
    host = Host()
    for index in range(100):
        host.link(index, "v0", f"02:00:00:00:00:{index:02x}")
        host.gone(index, moved=index % 2 == 0)
        host.faces.settle()
    assert len(host.faces.vanished.entries) == 10
    assert host.faces.vanished.forgotten == 90
    assert host.faces.binding("", 5) is None
    assert host.faces.binding("", 99) is not None
    assert host.faces.take_changed_devices() is None
    assert host.faces.take_changed_devices() == set()


def test_dump_after_a_loss_takes_away_what_it_does_not_tell() -> None:
    host = Host()
    host.link(2, "eth0")
    host.address(2, "10.0.0.5/24")
    host.address(2, "10.0.0.6/24")
    host.link(3, "eth1", "02:00:00:00:00:03")
    host.faces.settle()
    host.faces.apply("", DumpStart())
    host.link(2, "eth0")
    host.address(2, "10.0.0.6/24")
    host.faces.apply("", DumpEnd())
    assert [str(address) for address in host.only().addresses] == ["10.0.0.6"]


def test_removed_namespace_takes_its_interfaces_along() -> None:
    host = Host()
    host.link(5, "v0", space="a")
    before = host.only()
    host.faces.remove_namespace("a")
    host.faces.settle()
    assert not host.faces.inventory.interfaces
    assert before.instance_id not in host.faces.inventory.instances
    host.link(7, "v0", space="b")
    assert host.only().interface_id == before.interface_id, "hardware falls back to another one"


def test_settings_say_which_devices_count() -> None:
    settings = InventorySettings(
        include_devices=("eth*", "lo"), exclude_devices=("eth9", "lo"), namespaces=("a",)
    )
    host = Host(settings=settings)
    for index, name in enumerate(("lo", "eth0", "eth9", "wlan0"), start=1):
        host.link(index, name, f"02:00:00:00:00:{index:02x}")
    host.link(1, "eth0", "02:00:00:00:00:09", space="b")
    assert host.only().name == "eth0"
    assert list(host.faces.bindings("")) == [2]
    host.link(4, "eth4", "02:00:00:00:00:04")
    host.link(2, "eth9", "02:00:00:00:00:02")
    assert host.only().name == "eth4"


def declared(*interfaces: NetworkInterface) -> Inventory:
    return Inventory(
        vpcs={"vpc-1": Vpc("vpc-1", "111111111111", "r", (ip_network("10.0.0.0/16"),))},
        subnets={"subnet-1": Subnet("subnet-1", "vpc-1", "az", (ip_network("10.0.1.0/24"),))},
        interfaces={interface.interface_id: interface for interface in interfaces},
    )


def test_the_file_wins_and_fills_from_the_device() -> None:
    face = NetworkInterface(
        "eni-1", "subnet-1", "vpc-1", "111111111111", attachment=Attachment("veth1")
    )
    port = NetworkInterface(
        "eni-2",
        "subnet-1",
        "vpc-1",
        "111111111111",
        (ip_address("10.0.1.9"),),
        attachment=Attachment("tap0", "c", AttachmentSide.PORT),
    )
    host = Host(declared(face, port), InventorySettings(exclude_devices=("*",)))
    host.faces.add_namespace("c")
    host.link(2, "veth1")
    host.address(2, "10.0.1.7/24")
    host.link(3, "tap0", "02:00:00:00:00:02", space="c")
    host.address(3, "192.168.0.1/24", space="c")
    host.link(4, "other", "02:00:00:00:00:03", space="c")
    host.faces.settle()
    interfaces = host.faces.inventory.interfaces
    assert set(interfaces) == {"eni-1", "eni-2"}
    assert interfaces["eni-1"].ipv4_addresses == (ip_address("10.0.1.7"),)
    assert interfaces["eni-1"].mac == "02:00:00:00:00:01"
    assert interfaces["eni-2"] == port
    binding = host.faces.binding("c", 3)
    assert binding is not None
    assert binding.side is AttachmentSide.PORT
    assert host.faces.ownership.owner(ip_address("10.0.1.7"), host.clock.now_s()) == "eni-1"
    assert host.faces.ownership.owner(ip_address("192.168.0.1"), host.clock.now_s()) is None
    host.gone(2)
    host.faces.settle()
    assert host.faces.inventory.interfaces["eni-1"] == face
    host.link(9, "veth1")
    host.faces.settle()
    assert list(host.faces.bindings("")) == [9]


def test_rename_to_and_from_a_declared_device() -> None:
    face = NetworkInterface(
        "eni-1", "subnet-1", "vpc-1", "111111111111", attachment=Attachment("veth1")
    )
    host = Host(declared(face))
    host.link(2, "tmp")
    host.faces.settle()
    (own,) = set(host.faces.inventory.interfaces) - {"eni-1"}
    host.link(2, "veth1")
    host.faces.settle()
    assert set(host.faces.inventory.interfaces) == {"eni-1"}
    host.link(2, "tmp")
    host.faces.settle()
    assert set(host.faces.inventory.interfaces) == {"eni-1", own}


def test_a_declaration_that_changes_moves_devices_there_and_back() -> None:
    host = Host()
    host.link(2, "eth0")
    host.address(2, "10.0.0.5/24")
    own = host.only()
    eni = NetworkInterface(
        "eni-1", "subnet-1", "vpc-1", "111122223333", attachment=Attachment("eth0")
    )
    loose = NetworkInterface("eni-2", "subnet-1", "vpc-1", "111122223333")
    host.faces.declare(declared(eni, loose))
    assert host.faces.settle()
    found = host.faces.inventory
    assert set(found.interfaces) == {"eni-1", "eni-2"}
    assert found.interfaces["eni-1"].ipv4_addresses == (ip_address("10.0.0.5"),)
    assert {subnet.subnet_id for subnet in found.subnets.values()} == {"subnet-1"}
    assert host.faces.take_changed_devices() == {("", 2)}
    host.faces.declare(Inventory())
    host.faces.settle()
    assert host.only() == own
    assert set(host.faces.inventory.subnets) == {own.subnet_id}


def test_a_subnet_that_is_declared_later_takes_no_device_of_the_host_in() -> None:
    """Somebody makes a VPC of the host's own network over the API: that is another network."""
    host = Host()
    host.link(2, "eth0")
    host.address(2, "10.0.1.7/24")
    before = host.only()
    host.faces.declare(declared())
    host.faces.settle()
    assert host.only() == before
    assert "subnet-1" in host.faces.inventory.subnets


def test_address_in_a_declared_subnet_lands_there() -> None:
    host = Host(declared())
    host.link(2, "eth0")
    host.address(2, "10.0.1.7/24")
    host.address(2, "192.168.0.1/24", secondary=True)
    eth0 = host.only()
    assert (eth0.subnet_id, eth0.vpc_id, eth0.account_id) == ("subnet-1", "vpc-1", "111111111111")
    names = {subnet.name for subnet in host.faces.inventory.subnets.values()}
    assert names == {"", "192.168.0.0/24"}


def test_ownership_follows_the_devices() -> None:
    host = Host()
    host.link(2, "eth0")
    host.address(2, "10.0.0.5/24")
    interface_id = host.only().interface_id
    start_s = host.clock.now_s()
    host.clock.advance(10)
    host.address(2, "10.0.0.5/24", new=False)
    host.faces.settle()
    owner = host.faces.ownership.owner
    assert owner(ip_address("10.0.0.5"), start_s + 9) == interface_id
    assert owner(ip_address("10.0.0.5"), start_s + 10) is None


def test_changed_devices_are_told_once() -> None:
    host = Host()
    host.link(2, "eth0")
    host.link(3, "eth1", "02:00:00:00:00:02", space="a")
    assert host.faces.settle()
    assert host.faces.take_changed_devices() == {("", 2), ("a", 3)}
    host.link(2, "eth0")
    host.faces.apply("", LinkMessage(False, 99, "x", "", "", False))
    assert not host.faces.settle()
    assert host.faces.take_changed_devices() == set()
    assert host.faces.inventory is host.faces.inventory


@pytest.mark.parametrize("content", [None, b"", b"{}", b"[1]", b"[[1]]", b"\xff", b"null"])
def test_broken_file_of_kept_ids_is_no_fault(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "interface-ids.json"
    if content is not None:
        path.write_bytes(content)
    kept = KeptIds(tmp_path)
    assert kept.get(("", "eth0", "")) is None
    for number in range(KEPT_IDS_MAX + 5):
        kept.keep(("", f"eth{number}", ""), "eni-1")
    assert kept.save()
    again = KeptIds(tmp_path)
    assert again.get(("", "eth4", "")) is None
    assert again.get(("", "eth5", "")) == "eni-1"


def test_folder_that_cannot_be_written_keeps_ids_in_memory(tmp_path: Path) -> None:
    kept = KeptIds(tmp_path / "missing")
    kept.keep(("", "eth0", ""), "eni-1")
    assert not kept.save()
    assert kept.get(("", "eth0", "")) == "eni-1"
