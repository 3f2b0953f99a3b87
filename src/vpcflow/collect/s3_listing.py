"""Lists the keys of a bucket, and of AWS's tree only the days that are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from vpcflow.collect.object_layout import (
    SECONDS_A_DAY,
    Place,
    is_other_service,
    parse_object_name,
    parse_prefix,
)

TREE = "AWSLogs/"
#: Levels below AWSLogs/ down to the region, and one more for an organisation's id.
TREE_LEVELS_MAX = 4
#: A record's start lies at most this far from its object's slot: the interval, and the slot.
SLOT_SLACK_S = 900


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """The records that are asked for, by their time; None is without bound.

    Units: epoch seconds; the end is not included.
    """

    since_s: int | None = None
    until_s: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether every time is in it."""
        return self.since_s is None and self.until_s is None

    def meets(self, start_s: int, end_s: int) -> bool:
        """Whether objects of this time may hold records of the span."""
        return (self.since_s is None or end_s + SLOT_SLACK_S > self.since_s) and (
            self.until_s is None or start_s - SLOT_SLACK_S < self.until_s
        )

    def days(self) -> range | None:
        """The starts of the days to look at, None without a bound at one end."""
        if self.since_s is None or self.until_s is None:
            return None
        first = (self.since_s - SLOT_SLACK_S) // SECONDS_A_DAY
        last = (self.until_s + SLOT_SLACK_S - 1) // SECONDS_A_DAY
        return range(first * SECONDS_A_DAY, (last + 1) * SECONDS_A_DAY, SECONDS_A_DAY)


@dataclass(slots=True)
class ListingCounts:
    """What a listing did.

    Shape: ``keys_other_service`` are other services' logs in AWS's tree, passed over.
    """

    requests: int = 0
    keys: int = 0
    keys_out_of_range: int = 0
    keys_other_service: int = 0

    @property
    def keys_seen(self) -> int:
        """Everything that S3 named."""
        return self.keys + self.keys_out_of_range + self.keys_other_service


#: One page of a listing: (prefix, delimiter, continuation token) to S3's answer.
ListPage = Callable[[str, str, str | None], dict[str, Any]]


class KeyListing:
    """The keys below a prefix in order, by as few requests as the time span allows."""

    def __init__(
        self, list_page: ListPage, span: TimeSpan, *, days_max: int, levels_max: int
    ) -> None:
        self._list_page = list_page
        self._span = span
        self._days_max = days_max
        self._levels_max = levels_max
        self.counts = ListingCounts()

    def keys(self, prefix: str) -> Iterator[dict[str, Any]]:
        """S3's entries below ``prefix`` that may hold records of the span."""
        if self._span.is_open:
            entries = self._flat(prefix)
        else:
            entries = self._pruned(prefix, self._levels_max)
        for entry in entries:
            key = entry["Key"]
            if key.endswith("/"):
                continue
            if is_other_service(key):
                self.counts.keys_other_service += 1
            elif not self._in_span(key):
                self.counts.keys_out_of_range += 1
            else:
                self.counts.keys += 1
                yield entry

    def _in_span(self, key: str) -> bool:
        slot_start_s = parse_object_name(key).slot_start_s
        return slot_start_s is None or self._span.meets(slot_start_s, slot_start_s)

    def _flat(self, prefix: str) -> Iterator[dict[str, Any]]:
        for page in self._pages(prefix, ""):
            yield from page.get("Contents", ())

    def _pruned(self, prefix: str, levels: int) -> Iterator[dict[str, Any]]:
        """Go down level by level, and only where the span may be."""
        folder = prefix[: prefix.rfind("/") + 1]
        place = parse_prefix(folder)
        if place is not None and folder == prefix:
            yield from self._region(prefix, place)
            return
        in_tree = TREE in f"/{folder}" and place is None
        is_deep = folder.partition(TREE)[2].count("/") > TREE_LEVELS_MAX if in_tree else levels == 0
        if place is None and is_deep:
            yield from self._flat(prefix)
            return
        folders = []
        for page in self._pages(prefix, "/"):
            yield from page.get("Contents", ())
            folders += [entry["Prefix"] for entry in page.get("CommonPrefixes", ())]
        for below in folders:
            if is_other_service(below):
                continue
            yield from self._pruned(below, levels if in_tree else levels - 1)

    def _region(self, prefix: str, place: Place) -> Iterator[dict[str, Any]]:
        """Below the region: years, months, days."""
        covered = place.range_s()
        if covered is not None and not self._span.meets(*covered):
            return
        days = self._span.days()
        if place.year is None and days is not None and len(days) <= self._days_max:
            for day_start_s in days:
                yield from self._flat(place.day_prefix(day_start_s))
            return
        if place.day is not None or place.rest or (place.year is not None and covered is None):
            yield from self._flat(prefix)
            return
        folders = []
        for page in self._pages(prefix, "/"):
            yield from page.get("Contents", ())
            folders += [entry["Prefix"] for entry in page.get("CommonPrefixes", ())]
        for below in folders:
            under = parse_prefix(below)
            if under is not None and (under.year, under.month, under.day_of_month) != (
                place.year,
                place.month,
                place.day_of_month,
            ):
                yield from self._region(below, under)
            else:
                yield from self._flat(below)

    def _pages(self, prefix: str, delimiter: str) -> Iterator[dict[str, Any]]:
        token: str | None = None
        while True:
            self.counts.requests += 1
            page = self._list_page(prefix, delimiter, token)
            yield page
            token = page.get("NextContinuationToken") if page.get("IsTruncated") else None
            if token is None:
                return
