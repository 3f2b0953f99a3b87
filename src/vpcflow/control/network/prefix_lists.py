"""Managed prefix lists, with their versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from vpcflow.base.errors import ServiceError
from vpcflow.control.ids import new_id
from vpcflow.control.network.lookup import View, check_own, prefix_list_of
from vpcflow.control.network.networks import parse_network
from vpcflow.control.network.resources import (
    PREFIX_LISTS,
    ROUTE_TABLES,
    SECURITY_GROUPS,
    PrefixListResource,
)
from vpcflow.control.state import Change, Place
from vpcflow.control.tags import add_tags, remove_tags
from vpcflow.inventory.vpc import Network
from vpcflow.policy.security_group import PrefixList

#: Largest MaxEntries.
ENTRIES_MAX = 1000
#: Former versions that are kept.
VERSIONS_KEPT_MAX = 100
_FAMILIES = {"IPv4": 4, "IPv6": 6}

Entries = Sequence[tuple[str, str]]


def create_list(
    change: Change,
    place: Place,
    name: str,
    address_family: str,
    entries_max: int,
    entries: Entries,
    tags: dict[str, str] | None = None,
) -> PrefixListResource:
    """Make a list; ``entries`` are networks with descriptions.

    Errors: ServiceError ``InvalidParameterValue``, ``PrefixListMaxEntriesExceeded``.
    """
    if address_family not in _FAMILIES:
        raise ServiceError(
            "InvalidParameterValue",
            f"Value ({address_family}) for parameter addressFamily is invalid.",
        )
    _check_name(name)
    _check_entries_max(entries_max, len(entries))
    described = _read(entries, address_family)
    prefix_list = PrefixList(new_id("pl"), tuple(described), name)
    made = PrefixListResource(
        prefix_list,
        address_family=address_family,
        entries_max=entries_max,
        descriptions={str(network): text for network, text in described.items() if text},
    )
    change.put(PREFIX_LISTS, place, prefix_list.prefix_list_id, made)
    add_tags(change, place, prefix_list.prefix_list_id, "prefix-list", tags or {})
    return made


def modify_list(
    change: Change,
    place: Place,
    prefix_list_id: str,
    *,
    name: str | None = None,
    current_version: int | None = None,
    add: Entries = (),
    remove: Sequence[str] = (),
    entries_max: int | None = None,
) -> PrefixListResource:
    """Change a list; another set of networks is another version.

    Errors: ServiceError ``PrefixListVersionMismatch``, ``PrefixListMaxEntriesExceeded``,
    ``InvalidParameterValue``, ``OperationNotPermitted``.
    """
    found = prefix_list_of(change, place, prefix_list_id)
    check_own(found, prefix_list_id)
    if current_version is not None and current_version != found.version:
        raise ServiceError(
            "PrefixListVersionMismatch",
            f"The current version of the prefix list is {found.version}, not {current_version}.",
        )
    if (add or remove) and current_version is None:
        raise ServiceError(
            "MissingParameter", "The request must contain the parameter currentVersion"
        )
    if name is not None:
        _check_name(name)
    held = {
        network: found.descriptions.get(str(network), "") for network in found.prefix_list.cidrs
    }
    for text in remove:
        network = parse_network(text, "cidr")
        if network not in held:
            raise ServiceError(
                "InvalidParameterValue", f"The CIDR '{network}' is not in the prefix list."
            )
        del held[network]
    held |= _read(add, found.address_family)
    limit = found.entries_max if entries_max is None else entries_max
    _check_entries_max(limit, len(held))
    versions, version = found.versions, found.version
    if add or remove:
        versions = dict(sorted({**versions, version: found.prefix_list.cidrs}.items()))
        versions = dict(list(versions.items())[-VERSIONS_KEPT_MAX:])
        version += 1
    changed = replace(
        found,
        prefix_list=replace(
            found.prefix_list, cidrs=tuple(held), name=name or found.prefix_list.name
        ),
        entries_max=limit,
        version=version,
        versions=versions,
        descriptions={str(network): text for network, text in held.items() if text},
    )
    change.put(PREFIX_LISTS, place, prefix_list_id, changed)
    return changed


def delete_list(change: Change, place: Place, prefix_list_id: str) -> PrefixListResource:
    """Delete a list.

    Errors: ServiceError ``DependencyViolation`` while rules or routes name it,
    ``OperationNotPermitted``.
    """
    found = prefix_list_of(change, place, prefix_list_id)
    check_own(found, prefix_list_id)
    if _is_used(change, place, prefix_list_id):
        raise ServiceError("DependencyViolation", f"The prefix list '{prefix_list_id}' is in use.")
    change.remove(PREFIX_LISTS, place, prefix_list_id)
    remove_tags(change, place, prefix_list_id, None)
    return found


def entries_of(found: PrefixListResource, version: int | None) -> list[tuple[Network, str]]:
    """The networks of a version with their descriptions.

    Errors: ServiceError ``InvalidParameterValue`` for a version that is not kept.
    """
    if version is None or version == found.version:
        networks = found.prefix_list.cidrs
    elif version in found.versions:
        networks = found.versions[version]
    else:
        raise ServiceError(
            "InvalidParameterValue",
            f"Value ({version}) for parameter targetVersion is invalid. "
            "The version does not exist.",
        )
    return [(network, found.descriptions.get(str(network), "")) for network in networks]


def _is_used(view: View, place: Place, prefix_list_id: str) -> bool:
    return any(
        rule.prefix_list_id == prefix_list_id
        for resource in view.all(SECURITY_GROUPS, place).values()
        for rule in resource.group.rules
    ) or any(
        route.destination == prefix_list_id
        for table in view.all(ROUTE_TABLES, place).values()
        for route in table.routes
    )


def _read(entries: Entries, address_family: str) -> Mapping[Network, str]:
    return {
        parse_network(text, "cidr", _FAMILIES[address_family]): description
        for text, description in entries
    }


def _check_name(name: str) -> None:
    if not name or len(name) > 255 or name.startswith("com.amazonaws"):
        raise ServiceError(
            "InvalidParameterValue", f"Value ({name}) for parameter prefixListName is invalid."
        )


def _check_entries_max(entries_max: int, count: int) -> None:
    if not 1 <= entries_max <= ENTRIES_MAX:
        raise ServiceError(
            "InvalidParameterValue",
            f"Value ({entries_max}) for parameter maxEntries is invalid. "
            f"It must be between 1 and {ENTRIES_MAX}.",
        )
    if count > entries_max:
        raise ServiceError(
            "PrefixListMaxEntriesExceeded",
            f"You've reached the maximum number of entries for the prefix list: {entries_max}.",
        )
