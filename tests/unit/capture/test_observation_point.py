"""Aim: a slot means one interface within one interval, however interfaces come and go."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flow_row_builder import SUBNET, VPC, point_of

from vpcflow.base.errors import CaptureError
from vpcflow.capture.observation_point import SLOTS_MAX, ObservationPoint, PointBook
from vpcflow.inventory.network_interface import AttachmentSide, MirrorSession
from vpcflow.inventory.snapshot import Inventory

FIRST, SECOND = point_of(1).interface, point_of(2).interface
INVENTORY = Inventory(
    vpcs={VPC.vpc_id: VPC},
    subnets={SUBNET.subnet_id: SUBNET},
    interfaces={item.interface_id: item for item in (FIRST, SECOND)},
)


def bind(
    book: PointBook,
    interface_id: str = FIRST.interface_id,
    *,
    namespace: str = "",
    at_s: float = 10.0,
    inventory: Inventory = INVENTORY,
) -> ObservationPoint:
    return book.bind(
        interface_id, inventory, side=AttachmentSide.PORT, namespace=namespace, at_s=at_s
    )


def test_point_knows_what_it_belongs_to() -> None:
    book = PointBook()
    point = bind(book)
    assert (point.vpc, point.subnet, point.is_mirrored) == (VPC, SUBNET, False)
    assert (point.side, point.from_s, point.until_s) == (AttachmentSide.PORT, 10.0, None)
    assert book.points() == (point,)
    assert book.slot(FIRST.interface_id, "") == point.slot
    assert book.slot(FIRST.interface_id, "blue") is None


def test_same_interface_in_two_namespaces_is_two_points() -> None:
    book = PointBook()
    assert bind(book).slot != bind(book, namespace="blue").slot


def test_interface_that_changed_keeps_slot_and_begin() -> None:
    book = PointBook()
    before = bind(book)
    changed = replace(FIRST, account_id="210987654321")
    inventory = replace(INVENTORY, interfaces={FIRST.interface_id: changed})
    after = bind(book, at_s=20.0, inventory=inventory)
    assert (after.slot, after.from_s) == (before.slot, 10.0)
    assert after.interface.account_id == "210987654321"
    assert book.points() == (after,)


def test_vanished_interface_is_there_to_the_end_of_the_interval() -> None:
    book = PointBook()
    point = bind(book)
    book.gone(FIRST.interface_id, "", at_s=20.0)
    assert book.slot(FIRST.interface_id, "") is None
    assert [(item.slot, item.until_s) for item in book.points()] == [(point.slot, 20.0)]
    book.turn()
    assert [item.slot for item in book.points()] == [point.slot], "its last packets may be late"
    book.turn()
    assert book.points() == ()


def test_interface_that_came_back_has_another_slot() -> None:
    """So its rows from before and after stay apart."""
    book = PointBook()
    before = bind(book)
    book.gone(FIRST.interface_id, "", at_s=20.0)
    after = bind(book, at_s=30.0)
    assert after.slot != before.slot
    assert (after.from_s, len(book.points())) == (30.0, 2)
    book.turn()
    book.turn()
    assert book.points() == (after,)


def test_what_was_never_there_may_be_gone() -> None:
    book = PointBook()
    book.gone("eni-0000000000000000f", "", at_s=1.0)
    book.turn()
    assert book.points() == ()


def test_mirrored_interface_is_known_as_one() -> None:
    inventory = replace(INVENTORY, mirror_sessions=(MirrorSession(7, FIRST.interface_id),))
    book = PointBook()
    assert bind(book, inventory=inventory).is_mirrored
    assert not bind(book, SECOND.interface_id, inventory=inventory).is_mirrored


def test_slots_are_used_again_an_interval_later_and_not_before() -> None:
    book = PointBook()
    many = [bind(book, namespace=f"n{number}") for number in range(SLOTS_MAX)]
    assert len({point.slot for point in many}) == SLOTS_MAX
    with pytest.raises(CaptureError, match="65535 network interfaces"):
        bind(book, namespace="one-more")
    for number in (5, 3):
        book.gone(FIRST.interface_id, f"n{number}", at_s=20.0)
    with pytest.raises(CaptureError):
        bind(book, namespace="one-more")
    book.turn()
    with pytest.raises(CaptureError):
        bind(book, namespace="one-more")
    book.turn()
    slots = {bind(book, namespace="one-more").slot, bind(book, namespace="and-another").slot}
    assert slots == {many[5].slot, many[3].slot}
