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
#: Those that an account turns on, and those of other partitions.
OPT_IN_REGIONS = (
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-south-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-2",
    "eu-south-1",
    "eu-south-2",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "us-gov-east-1",
    "us-gov-west-1",
)
#: The numbers of zone ids by letter, where they are not 1, 2, 3.
_ZONE_NUMBERS = {"us-east-1": (6, 1, 2, 4, 3, 5)}
#: Regions as AWS calls them in words.
_REGION_NAMES = {
    "ap-northeast-1": "Asia Pacific (Tokyo)",
    "ap-northeast-2": "Asia Pacific (Seoul)",
    "ap-northeast-3": "Asia Pacific (Osaka)",
    "ap-south-1": "Asia Pacific (Mumbai)",
    "ap-southeast-1": "Asia Pacific (Singapore)",
    "ap-southeast-2": "Asia Pacific (Sydney)",
    "ca-central-1": "Canada (Central)",
    "eu-central-1": "Europe (Frankfurt)",
    "eu-north-1": "Europe (Stockholm)",
    "eu-west-1": "Europe (Ireland)",
    "eu-west-2": "Europe (London)",
    "eu-west-3": "Europe (Paris)",
    "sa-east-1": "South America (Sao Paulo)",
    "us-east-1": "US East (N. Virginia)",
    "us-east-2": "US East (Ohio)",
    "us-west-1": "US West (N. California)",
    "us-west-2": "US West (Oregon)",
}
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
        for number, letter in zip(_numbers(region), ZONE_LETTERS, strict=False)
    )


def _numbers(region: str) -> tuple[int, ...]:
    return _ZONE_NUMBERS.get(region) or tuple(range(1, 27))


def zone_group_of(region: str) -> tuple[str, str | None]:
    """The group that a region's zones are in: its name, and its name in words where AWS has one."""
    words = _REGION_NAMES.get(region)
    return f"{region}-zg-1", f"{words} 1" if words else None


def zone_name_of(region: str, zone_id: str) -> str:
    """The name of the zone of an id; the id itself when it is of no known form."""
    for zone in zones_of(region):
        if zone.zone_id == zone_id:
            return zone.name
    matched = _ZONE_ID.match(zone_id)
    number = int(matched.group(1)) if matched else 0
    if zone_id.startswith(f"{zone_id_prefix(region)}-") and number in _numbers(region):
        number = _numbers(region).index(number) + 1
    return f"{region}{chr(ord('a') + number - 1)}" if 1 <= number <= 26 else zone_id
