"""Aim: the console knows the rules of an inventory file beside those of the API, also when it is edited.

Method: a real file and a control state, read again after each change.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vpcflow.app.all_rules import AllRules
from vpcflow.app.settings import Settings
from vpcflow.control.network import NetworkService
from vpcflow.control.network.security_groups import create_group
from vpcflow.control.network.vpcs import create_vpc
from vpcflow.control.state import Database, Place, State
from vpcflow.inventory.settings import InventorySettings

PLACE = Place("123456789012", "eu-west-1")
FILE = """
[[vpc]]
id = "vpc-file"
cidr_blocks = ["172.16.0.0/16"]

[[security_group]]
id = "sg-file"
vpc = "vpc-file"
name = "{name}"
"""


@pytest.fixture
def network(tmp_path: Path) -> NetworkService:
    network = NetworkService(State(Database.in_folder(tmp_path / "data")))
    with network.state.change() as change:
        vpc = create_vpc(change, PLACE, "10.0.0.0/16").vpc
        create_group(change, PLACE, "web", "d", vpc.vpc_id)
    return network


def _settings(path: Path | None) -> Settings:
    return Settings(inventory=InventorySettings(file=path))


def _names(rules: AllRules) -> set[str]:
    return {group.name for group in rules().security_groups.values()}


def test_file_and_control_plane_are_one(tmp_path: Path, network: NetworkService) -> None:
    path = tmp_path / "inventory.toml"
    path.write_text(FILE.format(name="filed"))
    rules = AllRules(_settings(path), network.declared_rules)
    assert _names(rules) == {"default", "web", "filed"}
    assert rules() is rules()
    assert "vpc-file" in rules().inventory.vpcs


def test_without_a_file_they_are_the_control_planes(network: NetworkService) -> None:
    rules = AllRules(_settings(None), network.declared_rules)
    assert rules() is network.declared_rules()


def test_an_edited_file_is_read_again(tmp_path: Path, network: NetworkService) -> None:
    path = tmp_path / "inventory.toml"
    path.write_text(FILE.format(name="before"))
    rules = AllRules(_settings(path), network.declared_rules)
    before = rules()
    path.write_text(FILE.format(name="after"))
    os.utime(path, ns=(1, 1))
    assert _names(rules) == {"default", "web", "after"}
    assert rules() is not before


def test_a_file_that_breaks_leaves_what_was_read(tmp_path: Path, network: NetworkService) -> None:
    path = tmp_path / "inventory.toml"
    path.write_text(FILE.format(name="good"))
    rules = AllRules(_settings(path), network.declared_rules)
    assert "good" in _names(rules)
    path.write_text("[[vpc]\n")
    assert "good" in _names(rules)
    assert str(path) in rules.problem
    path.unlink()
    assert "good" in _names(rules)
