"""Aim: tokens come back as they were given, or not at all. Method: random places, damaged tokens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpcflow.api.aws.logs.tokens import (
    filter_token,
    get_token,
    read_filter_token,
    read_get_token,
)
from vpcflow.base.errors import ServiceError
from vpcflow.query.log_events import Position

_times = st.integers(0, 10**13 - 1)
_places = st.builds(Position, _times, _times, st.integers(0, 2**64 - 1), st.integers(0, 99_999))


@given(st.booleans(), _places)
def test_both_kinds_come_back(forward: bool, place: Position) -> None:
    assert read_get_token(get_token(forward, place, "s"), "s") == (forward, place)
    assert read_filter_token(filter_token(forward, place, "s"), "s") == (forward, place)
    assert len(get_token(forward, place, "s")) == len("f/") + 56 + len("/s")


@given(_places, st.text(max_size=80))
def test_what_was_not_given_for_this_is_refused(place: Position, text: str) -> None:
    for token in (text, filter_token(True, place, "other"), filter_token(True, place, "")[:-5]):
        with pytest.raises(ServiceError, match=r"^The specified nextToken is invalid\.$"):
            read_filter_token(token, "s")
    with pytest.raises(ServiceError, match="nextToken is invalid"):
        read_get_token(text, "s")
