"""Availability zones, regions and account attributes over EC2's API."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from vpcflow.api.aws.operation import Call, Operation
from vpcflow.base.errors import ServiceError
from vpcflow.control.filters import Values, select
from vpcflow.control.network import VPCS, NetworkService
from vpcflow.control.network.zones import AWS_REGIONS, Zone, zone_group_of, zones_of

T = TypeVar("T")
_NOT_REQUIRED = "opt-in-not-required"
#: What an account may have, as AWS answers it for a new one.
_ACCOUNT_ATTRIBUTES = {
    "supported-platforms": ["VPC"],
    "vpc-max-security-groups-per-interface": ["16"],
    "max-instances": ["20"],
    "vpc-max-elastic-ips": ["5"],
    "max-elastic-ips": ["5"],
    "default-vpc": ["none"],
}


_ZONE_FILTERS: dict[str, Callable[[tuple[str, Zone]], list[str]]] = {
    "group-long-name": lambda one: [one[0]],
    "group-name": lambda one: [one[0]],
    "message": lambda _: [],
    "opt-in-status": lambda _: [_NOT_REQUIRED],
    "parent-zone-id": lambda _: [],
    "parent-zone-name": lambda _: [],
    "region-name": lambda one: [one[0]],
    "state": lambda _: ["available"],
    "zone-id": lambda one: [one[1].zone_id],
    "zone-name": lambda one: [one[1].name],
    "zone-type": lambda _: ["availability-zone"],
}
_REGION_FILTERS: dict[str, Callable[[str], list[str]]] = {
    "endpoint": lambda region: [_endpoint(region)],
    "opt-in-status": lambda _: [_NOT_REQUIRED],
    "region-name": lambda region: [region],
}


def _endpoint(region: str) -> str:
    return f"ec2.{region}.amazonaws.com"


class _Handlers:
    def __init__(self, network: NetworkService) -> None:
        self._state = network.state

    def zones(self, call: Call) -> dict[str, Any]:
        zones = [(call.region, zone) for zone in zones_of(call.region)]
        zones = _named(zones, call.get("ZoneNames"), lambda one: one[1].name, "availability zone")
        zones = _named(zones, call.get("ZoneIds"), lambda one: one[1].zone_id, "availability zone")
        known: dict[str, Values[tuple[str, Zone]]] = {**_ZONE_FILTERS}
        group, group_in_words = zone_group_of(call.region)
        return {
            "AvailabilityZones": [
                {
                    "OptInStatus": _NOT_REQUIRED,
                    "Messages": [],
                    "RegionName": region,
                    "ZoneName": zone.name,
                    "ZoneId": zone.zone_id,
                    "GroupName": group,
                    "GroupLongName": group_in_words,
                    "NetworkBorderGroup": region,
                    "ZoneType": "availability-zone",
                    "State": "available",
                }
                for region, zone in select(zones, call.get("Filters"), known)
            ]
        }

    def regions(self, call: Call) -> dict[str, Any]:
        used = {place.region for place in self._state.places(VPCS)}
        regions = sorted({*AWS_REGIONS, *used, call.region})
        regions = _named(regions, call.get("RegionNames"), lambda one: one, "region")
        known: dict[str, Values[str]] = {**_REGION_FILTERS}
        return {
            "Regions": [
                {
                    "OptInStatus": _NOT_REQUIRED,
                    "RegionName": region,
                    "Endpoint": _endpoint(region),
                }
                for region in select(regions, call.get("Filters"), known)
            ]
        }

    def account_attributes(self, call: Call) -> dict[str, Any]:
        attributes = dict(_ACCOUNT_ATTRIBUTES)
        for vpc_id, resource in self._state.all(VPCS, call.place).items():
            if resource.is_default:
                attributes["default-vpc"] = [vpc_id]
        wanted = call.get("AttributeNames") or list(attributes)
        for name in wanted:
            if name not in attributes:
                raise ServiceError(
                    "InvalidParameterValue",
                    f"Value ({name}) for parameter attributeName is invalid.",
                )
        return {
            "AccountAttributes": [
                {
                    "AttributeName": name,
                    "AttributeValues": [{"AttributeValue": value} for value in attributes[name]],
                }
                for name in wanted
            ]
        }


def _named(
    items: list[T], names: Sequence[str] | None, name_of: Callable[[T], str], word: str
) -> list[T]:
    if not names:
        return items
    known = {name_of(item): item for item in items}
    for name in names:
        if name not in known:
            raise ServiceError("InvalidParameterValue", f"Invalid {word}: [{name}]")
    return [known[name] for name in dict.fromkeys(names)]


def operations(network: NetworkService) -> list[Operation]:
    """The operations on zones and regions."""
    handlers = _Handlers(network)
    return [
        Operation(
            "DescribeAvailabilityZones",
            handlers.zones,
            takes="ZoneNames ZoneIds Filters",
            ignores={"AllAvailabilityZones": "There are no zones to opt in to."},
        ),
        Operation(
            "DescribeRegions",
            handlers.regions,
            takes="RegionNames Filters",
            ignores={"AllRegions": "There are no regions to opt in to."},
            note="AWS's regions that are on by default, and those in use here.",
        ),
        Operation("DescribeAccountAttributes", handlers.account_attributes, takes="AttributeNames"),
    ]
