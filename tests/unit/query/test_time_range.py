"""Time ranges as people write them."""

from __future__ import annotations

import pytest

from vpcflow.base.errors import QueryError
from vpcflow.query.time_range import (
    TimeRange,
    format_moment,
    parse_moment,
    parse_span,
    parse_time_range,
)

NOW_S = 1_795_406_400.7  # 2026-11-23T04:00:00Z


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", 90),
        ("15m", 900),
        ("24h", 86_400),
        ("7d", 604_800),
        ("1h30m", 5_400),
        ("2W", 1_209_600),
    ],
)
def test_spans(text: str, expected: int) -> None:
    assert parse_span(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", 1_795_406_400),
        ("now-1h", 1_795_402_800),
        ("6h", 1_795_384_800),
        ("2026-11-23", 1_795_392_000),
        ("2026-11-23T04:00Z", 1_795_406_400),
        ("2026-11-23T05:00+01:00", 1_795_406_400),
        ("2026-11-23 04:00", 1_795_406_400),
        ("1795406400", 1_795_406_400),
    ],
)
def test_moments(text: str, expected: int) -> None:
    assert parse_moment(text, now_s=NOW_S) == expected


@pytest.mark.parametrize("text", ["", "tomorrow", "2026-13-01", "now+1h", "6", "99999999999999"])
def test_what_is_no_moment_says_how_to_write_one(text: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse_moment(text, now_s=NOW_S)
    assert "2026-11-23" in caught.value.hint


def test_a_range_of_the_last_hours_has_an_open_end() -> None:
    assert parse_time_range(now_s=NOW_S, last="1h") == TimeRange(1_795_402_800, None)


def test_last_counts_back_from_until() -> None:
    made = parse_time_range(now_s=NOW_S, last="1d", until="2026-11-22")
    assert made == TimeRange(1_795_219_200, 1_795_305_600)


def test_nothing_is_all_time() -> None:
    assert parse_time_range(now_s=NOW_S).is_open


def test_an_empty_range_and_two_starts_are_refused() -> None:
    with pytest.raises(QueryError, match="empty"):
        parse_time_range(now_s=NOW_S, since="2026-11-23", until="2026-11-23")
    with pytest.raises(QueryError, match="both"):
        parse_time_range(now_s=NOW_S, since="2026-11-23", last="1h")


def test_moments_print_in_utc() -> None:
    assert format_moment(1_795_406_400) == "2026-11-23T04:00:00Z"
    assert format_moment(10**15) == str(10**15)
