"""Aim: an inventory file is taken in as it stands, or refused with what, where and a hint."""

from __future__ import annotations

import json
import tomllib
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from vpcflow.base.errors import SettingsError
from vpcflow.inventory.network_interface import Attachment, AttachmentSide, MirrorSession
from vpcflow.inventory.settings import DEFAULT_REGION, InventorySettings
from vpcflow.inventory.snapshot import Inventory
from vpcflow.inventory.sources.file import read_document, read_inventory

GOOD = """
[[vpc]]
name = "lab"
cidr_blocks = ["10.0.0.0/16", "2001:db8::/56"]

[[vpc]]
id = "vpc-0123456789abcdef0"
name = "other"
cidr_blocks = ["10.0.0.0/16"]
account_id = "111122223333"
region = "eu-west-1"
has_reserved_addresses = false

[[subnet]]
name = "web"
vpc = "lab"
cidr_blocks = ["10.0.1.0/24", "2001:db8:0:1::/64"]
az_id = "euw1-az2"
network_acl = "strict"

[[subnet]]
name = "web"
vpc = "other"
id = "subnet-0123456789abcdef0"
cidr_blocks = ["10.0.1.0/24"]

[[subnet]]
name = "db"
vpc = "lab"
cidr_blocks = ["10.0.2.0/24"]

[[instance]]
name = "server"

[[interface]]
name = "eth"
subnet = "db"
addresses = ["10.0.2.10", "10.0.2.11", "fe80::1"]
mac = "02-00-00-00-00-0A"
instance = "server"
security_groups = ["web", "sg-0123456789abcdef0"]
attachment = { device = "veth1", namespace = "web", side = "port" }

[[interface]]
id = "eni-0123456789abcdef0"
subnet = "subnet-0123456789abcdef0"
addresses = ["10.0.1.10"]
interface_type = "nat_gateway"

[[interface]]
addresses = ["2001:db8:0:1::7"]

[[mirror_session]]
vni = 7
interface = "eth"

[[security_group]]
anything = "is the policy's"
"""


def inventory_of(tmp_path: Path, text: str) -> Inventory:
    path = tmp_path / "inventory.toml"
    path.write_text(text)
    return read_inventory(path, InventorySettings())


def test_everything_is_read(tmp_path: Path) -> None:
    inventory = inventory_of(tmp_path, GOOD)
    lab, other = inventory.vpcs.values()
    assert (lab.account_id, lab.region, lab.name) == ("000000000000", DEFAULT_REGION, "lab")
    assert lab.cidr_blocks == (ip_network("10.0.0.0/16"), ip_network("2001:db8::/56"))
    assert (other.account_id, other.region) == ("111122223333", "eu-west-1")
    assert (lab.has_reserved_addresses, other.has_reserved_addresses) == (True, False)
    web, other_web, db = inventory.subnets.values()
    assert (web.vpc_id, web.az_id, web.network_acl_id) == (lab.vpc_id, "euw1-az2", "strict")
    assert (other_web.vpc_id, other_web.az_id) == (other.vpc_id, "local-az1")
    eth, nat, third = inventory.interfaces.values()
    assert eth.addresses == tuple(map(ip_address, ("10.0.2.10", "10.0.2.11", "fe80::1")))
    assert (eth.subnet_id, eth.vpc_id, eth.mac) == (db.subnet_id, lab.vpc_id, "02:00:00:00:00:0a")
    assert eth.instance_id == next(iter(inventory.instances))
    assert eth.security_group_ids == ("web", "sg-0123456789abcdef0")
    assert eth.attachment == Attachment("veth1", "web", AttachmentSide.PORT)
    assert (nat.account_id, nat.interface_type) == ("111122223333", "nat_gateway")
    assert third.subnet_id == web.subnet_id, "found by its address"
    assert inventory.mirror_sessions == (MirrorSession(7, eth.interface_id),)
    for table in (inventory.vpcs, inventory.subnets, inventory.interfaces, inventory.instances):
        assert all(key in repr(value) for key, value in table.items())


def test_generated_ids_stay_when_other_things_change(tmp_path: Path) -> None:
    before = inventory_of(tmp_path, GOOD)
    changed = GOOD.replace("10.0.2.", "10.0.3.").replace('"server"', '"server2"')
    after = inventory_of(tmp_path, changed)
    assert list(before.vpcs) == list(after.vpcs)
    assert list(before.subnets) == list(after.subnets)
    assert list(before.interfaces) == list(after.interfaces)
    assert list(before.instances) != list(after.instances)


def test_json_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "inventory.json"
    path.write_text(json.dumps(tomllib.loads(GOOD)))
    assert read_inventory(path, InventorySettings()) == inventory_of(tmp_path, GOOD)
    assert set(read_document(path)) > {"security_group", "vpc"}


def test_empty_file_is_an_empty_inventory(tmp_path: Path) -> None:
    assert inventory_of(tmp_path, "") == Inventory()


VPC = '[[vpc]]\nname = "v"\ncidr_blocks = ["10.0.0.0/16"]\n'
SUBNET = VPC + '[[subnet]]\nname = "s"\ncidr_blocks = ["10.0.1.0/24"]\n'
FACE = '[[interface]]\nname = "a"\nsubnet = "s"\n'


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("[[vpcs]]\n", "inventory.toml", "vpcs: no such key"),
        ("vpc = 3\n", "inventory.toml", "vpc: Input should be a valid list"),
        (VPC + 'colour = "red"\n', "[[vpc]] number 1 (v)", "colour: no such key"),
        ('[[vpc]]\nname = "v"\n', "[[vpc]] number 1 (v)", "cidr_blocks: is missing"),
        (VPC.replace("0.0/16", "0.1/16"), "[[vpc]] number 1 (v)", "10.0.0.1/16 has host bits set"),
        (VPC.replace('"10.0.0.0/16"', "10"), "[[vpc]] number 1 (v)", "cidr_blocks.0: a network"),
        (VPC + 'account_id = "12"\n', "[[vpc]] number 1 (v)", "account_id: '12' has not the form"),
        (VPC + 'id = "subnet-0"\n', "[[vpc]] number 1 (v)", "id: 'subnet-0' has not the form"),
        (VPC + VPC, "[[vpc]] number 2 (v)", "is already [[vpc]] number 1 (v)"),
        (VPC.replace("[", "[", 1).replace("]\n", ', "10.0.4.0/24"]\n').replace('[[vpc], "10.0.4.0/24"]', "[[vpc]]"), "[[vpc]] number 1 (v)", "10.0.4.0/24 overlaps 10.0.0.0/16"),
        (SUBNET.replace("10.0.1.0", "10.1.1.0"), "[[subnet]] number 1 (s)", "outside its VPC"),
        (SUBNET + 'vpc = "w"\n', "[[subnet]] number 1 (s)", "vpc: no [[vpc]] has the id or name 'w'"),
        (SUBNET.removeprefix(VPC), "[[subnet]] number 1 (s)", "the file has 0 VPCs"),
        (SUBNET + '[[subnet]]\nname = "t"\ncidr_blocks = ["10.0.1.128/25"]\n', "[[subnet]] number 2 (t)", "10.0.1.128/25 overlaps 10.0.1.0/24"),
        (SUBNET + FACE + 'addresses = ["10.0.1.300"]\n', "[[interface]] number 1 (a)", "addresses.0: '10.0.1.300' does not appear to be an IPv4 or IPv6 address"),
        (SUBNET + FACE + 'addresses = ["fe80::1%eth0"]\n', "[[interface]] number 1 (a)", "no zone"),
        (SUBNET + FACE + 'addresses = ["10.0.2.3"]\n', "[[interface]] number 1 (a)", "10.0.2.3 is outside its subnet"),
        (SUBNET + FACE + 'addresses = ["2001:db8::1"]\n', "[[interface]] number 1 (a)", "2001:db8::1 is outside its subnet"),
        (SUBNET + FACE + 'addresses = ["10.0.1.3", "10.0.1.3"]\n', "[[interface]] number 1 (a)", "10.0.1.3 is held twice"),
        (SUBNET + (FACE + 'addresses = ["10.0.1.3"]\n') * 2, "[[interface]] number 2 (a)", "10.0.1.3 is held twice"),
        (SUBNET + FACE * 2, "[[interface]] number 2 (a)", "is already [[interface]] number 1"),
        (SUBNET + FACE + 'instance = "i-1"\n', "[[interface]] number 1 (a)", "instance: no [[instance]] has the id or name 'i-1'"),
        (SUBNET + FACE + 'mac = "02:00"\n', "[[interface]] number 1 (a)", "mac: a MAC is six pairs"),
        (SUBNET + FACE + "attachment = { namespace = 'x' }\n", "[[interface]] number 1 (a)", "attachment.device: is missing"),
        (SUBNET + FACE + "attachment = { device = 'e', side = 'left' }\n", "[[interface]] number 1 (a)", "attachment.side: Input should be 'interface' or 'port'"),
        (SUBNET + FACE + "attachment = { device = 'e', kind = 'x' }\n", "[[interface]] number 1 (a)", "attachment.kind: no such key"),
        (SUBNET + FACE + "attachment = { device = 'e' }\n" + FACE.replace('"a"', '"b"') + "attachment = { device = 'e' }\n", "[[interface]] number 2 (b)", "attachment: e is the device of two"),
        (SUBNET + "[[interface]]\nsubnet = 's'\n", "[[interface]] number 1", "neither an id nor a name"),
        (SUBNET + "[[interface]]\nname = 'a'\n", "[[interface]] number 1 (a)", "subnet: is missing, and it has no address"),
        (SUBNET + "[[interface]]\naddresses = ['10.0.9.1']\n", "[[interface]] number 1", "subnet: is missing, and its first address is in no subnet"),
        (SUBNET + FACE + "[[mirror_session]]\nvni = 16777216\ninterface = 'a'\n", "[[mirror_session]] number 1", "vni: Input should be less than or equal to 16777215"),
        (SUBNET + FACE + "[[mirror_session]]\nvni = 1\ninterface = 'a'\n" * 2, "[[mirror_session]] number 2", "vni 1 is already [[mirror_session]] number 1"),
        ("[[vpc]\n", "inventory.toml", "not valid TOML"),
    ],
)  # fmt: skip
def test_fault_is_refused(tmp_path: Path, text: str, where: str, what: str) -> None:
    with pytest.raises(SettingsError) as caught:
        inventory_of(tmp_path, text)
    assert what in caught.value.what
    assert caught.value.where.startswith(str(tmp_path / "inventory.toml"))
    assert caught.value.where.endswith(where)


def test_ambiguous_name_wants_the_id(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="2 entries of \\[\\[subnet\\]\\] are named 'web'"):
        inventory_of(tmp_path, GOOD.replace('subnet = "db"', 'subnet = "web"'))


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("a.json", b"[]", "the file is a list"),
        ("a.json", b"{", "not valid JSON"),
        ("a.json", b"[" * 100_000, "not valid JSON"),
        ("a.toml", b"\xff", "cannot read"),
        ("missing/a.toml", None, "no such inventory file"),
    ],
)
def test_unreadable_file_is_said(
    tmp_path: Path, name: str, content: bytes | None, what: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=what):
        read_document(path)
