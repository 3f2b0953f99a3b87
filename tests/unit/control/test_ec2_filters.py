"""Aim: EC2's filters let through what AWS's do, at no price. Method: a slow model beside them."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpcflow.base.errors import ServiceError
from vpcflow.control.filters import VALUES_MAX, select


def kept(items: list[str], *wanted: str) -> list[str]:
    known: dict[str, Any] = {"name": lambda one: [one]}
    return select(items, [{"Name": "name", "Values": list(wanted)}], known)


def fits(text: str, wanted: str) -> bool:
    """Whether a text fits, letter by letter."""
    if not wanted:
        return not text
    if wanted[0] == "*":
        return fits(text, wanted[1:]) or (bool(text) and fits(text[1:], wanted))
    if wanted[0] == "\\" and len(wanted) > 1:
        return bool(text) and text[0] == wanted[1] and fits(text[1:], wanted[2:])
    return bool(text) and wanted[0] in ("?", text[0]) and fits(text[1:], wanted[1:])


@given(st.text("ab*?\n", max_size=8), st.text("ab*?\\\n", max_size=8))
def test_wildcards_mean_what_they_say(text: str, wanted: str) -> None:
    if "*" not in wanted and "?" not in wanted:
        wanted += "*"
    assert bool(kept([text], wanted)) == fits(text, wanted)


def test_many_stars_cost_no_more_than_their_number() -> None:
    begun_s = time.perf_counter()
    assert kept(["a" * 255], f"{'*a' * 60}*b") == []
    assert time.perf_counter() - begun_s < 1


def test_a_request_has_a_bound_of_values() -> None:
    assert kept(["1"], *map(str, range(VALUES_MAX))) == ["1"]
    with pytest.raises(ServiceError) as refused:
        kept(["1"], *map(str, range(VALUES_MAX + 1)))
    assert refused.value.code == "FilterLimitExceeded"
    with pytest.raises(ServiceError) as refused:
        kept(["1"], "1" * 2_000)
    assert refused.value.code == "InvalidParameterValue"
