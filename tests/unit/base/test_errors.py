"""Aim: errors say what, where and what to do, and leave with a code of their own."""

from __future__ import annotations

from vpcflow.base import errors
from vpcflow.base.errors import FilterError, FlowLogError


def tree(kind: type[FlowLogError]) -> list[type[FlowLogError]]:
    return [kind, *(below for child in kind.__subclasses__() for below in tree(child))]


def test_the_drawn_tree_names_every_error() -> None:
    for kind in tree(FlowLogError):
        if kind.__module__ == errors.__name__:
            assert kind.__name__ in (errors.__doc__ or "")


def test_every_branch_has_its_exit_code() -> None:
    codes = [kind.exit_code for kind in FlowLogError.__subclasses__()]
    assert len(set(codes)) == len(codes)
    assert not {0, 2} & set(codes)


def test_caret_points_into_the_right_line() -> None:
    error = FilterError("unexpected", text="a = 1\nand b", position=10)
    assert error.pointed() == "and b\n    ^"
