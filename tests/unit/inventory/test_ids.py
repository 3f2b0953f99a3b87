"""Aim: ids have AWS's form, stay over restarts, and tell apart what is not the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vpcflow.base.errors import StoreError
from vpcflow.inventory.ids import IdKind, interface_facts, machine_id, make_id

MACHINE = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize("kind", list(IdKind))
def test_form_is_aws(kind: IdKind) -> None:
    assert re.fullmatch(f"{kind.value}-[0-9a-f]{{17}}", make_id(kind, MACHINE, "a"))


def test_an_id_is_the_same_for_ever() -> None:
    # A change here gives every interface of every user another id.
    assert make_id(IdKind.INTERFACE, MACHINE, "", "eth0", "02:00:00:00:00:01") == (
        "eni-1bca38ca2bcd1e93d"
    )


def test_every_fact_counts_and_so_does_its_place() -> None:
    ids = {
        make_id(IdKind.INTERFACE, MACHINE, "ab", "c"),
        make_id(IdKind.INTERFACE, MACHINE, "a", "bc"),
        make_id(IdKind.INTERFACE, MACHINE, "abc"),
        make_id(IdKind.SUBNET, MACHINE, "ab", "c"),
        make_id(IdKind.INTERFACE, "another", "ab", "c"),
    }
    assert len(ids) == 5


def test_devices_of_one_name_are_many_by_their_mac() -> None:
    ids = {
        make_id(
            IdKind.INTERFACE,
            MACHINE,
            *interface_facts("", "veth0", f"02:00:00:00:{n >> 8:02x}:{n & 255:02x}"),
        )
        for n in range(10_000)
    }
    assert len(ids) == 10_000


def test_a_bridge_borrows_its_mac() -> None:
    assert interface_facts("", "br0", "02:00:00:00:00:01", "bridge") == interface_facts(
        "", "br0", "02:00:00:00:00:02", "bridge"
    )
    assert interface_facts("", "v", "02:00:00:00:00:01", "veth") != interface_facts(
        "", "v", "02:00:00:00:00:02", "veth"
    )


def test_machine_id_of_the_system_comes_first(tmp_path: Path) -> None:
    system = tmp_path / "machine-id"
    system.write_text(f"{MACHINE}\n")
    assert machine_id(tmp_path / "data", system) == MACHINE
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("content", [None, "", "uninitialized\n", "0123\n", "ä" * 32])
def test_random_machine_id_is_kept(tmp_path: Path, content: str | None) -> None:
    system = tmp_path / "system"
    if content is not None:
        system.write_text(content)
    made = machine_id(tmp_path / "data", system)
    assert re.fullmatch("[0-9a-f]{32}", made)
    assert machine_id(tmp_path / "data", system) == made
    assert machine_id(tmp_path / "other", system) != made


def test_without_a_folder_the_host_name_stands_in(tmp_path: Path) -> None:
    assert machine_id(None, tmp_path / "none") == machine_id(None, tmp_path / "none")


def test_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="machine's id"):
        machine_id(tmp_path / "file", tmp_path / "none")
