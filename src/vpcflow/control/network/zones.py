"""Availability zones and regions: names and ids as AWS forms them, for any region."""

from __future__ import annotations

import re
from dataclasses import dataclass

#: Zones that every region has here.
ZONE_LETTERS = "abc"
#: The regions that are on in an account of AWS's without asking.
AWS_REGIONS = (
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
)
_REGION = re.compile(r"([a-z]{2})((?:-[a-z]+)*)-([a-z]+)-([0-9]+)\Z")
_DIRECTION = re.compile("north|south|east|west|central")
_ZONE_ID = re.compile(r".*-az([0-9]+)\Z")


@dataclass(frozen=True, slots=True)
class Zone:
    """One availability zone."""

    name: str
    zone_id: str


def zone_id_prefix(region: str) -> str:
    """What zone ids of a region begin with: ``use1`` for us-east-1; the region itself if it is none of AWS's form."""
    matched = _REGION.match(region)
    if not matched:
        return region
    area, middle, direction, number = matched.groups()
    letters = "".join(part[0] for part in _DIRECTION.findall(direction)) or direction[0]
    return area + "".join(part[0] for part in middle.split("-") if part) + letters + number


def zones_of(region: str) -> tuple[Zone, ...]:
    """The zones of a region, in order."""
    prefix = zone_id_prefix(region)
    return tuple(
        Zone(f"{region}{letter}", f"{prefix}-az{number}")
        for number, letter in enumerate(ZONE_LETTERS, 1)
    )


def zone_name_of(region: str, zone_id: str) -> str:
    """The name of the zone of an id; the id itself when it is of no known form."""
    for zone in zones_of(region):
        if zone.zone_id == zone_id:
            return zone.name
    matched = _ZONE_ID.match(zone_id)
    number = int(matched.group(1)) if matched else 0
    return f"{region}{chr(ord('a') + number - 1)}" if 1 <= number <= 26 else zone_id
