"""Network interfaces: their addresses and their security groups."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from itertools import islice

from vpcflow.base.errors import ServiceError
from vpcflow.control.ids import new_id
from vpcflow.control.network.lookup import (
    View,
    check_own,
    find_all,
    interface_of,
    subnet_of,
)
from vpcflow.control.network.networks import (
    free_ipv4,
    free_ipv6,
    is_reserved,
    parse_ipv4,
    parse_ipv6,
)
from vpcflow.control.network.resources import (
    DEFAULT_GROUP_NAME,
    NETWORK_INTERFACES,
    SECURITY_GROUPS,
    VPCS,
    NetworkInterfaceResource,
    Origin,
    SubnetResource,
)
from vpcflow.control.network.security_groups import named_group
from vpcflow.control.state import Change, Place
from vpcflow.control.tags import add_tags, remove_tags
from vpcflow.inventory.network_interface import Address, NetworkInterface

#: Security groups of one interface.
GROUPS_MAX = 16
#: Addresses of one family of one interface.
ADDRESSES_MAX = 256
#: The first byte of a MAC that its owner gave out himself, for one device.
_LOCAL_MAC = 0x02


@dataclass(frozen=True)
class InterfaceRequest:
    """What a new interface shall be.

    Shape: ``ipv4`` are the addresses asked for, the primary first; ``ipv4_count`` how many more
    secondary ones; without any the primary is chosen. ``token`` and ``digest`` of the request tell
    a repeated one.
    """

    subnet_id: str
    ipv4: Sequence[str] = ()
    ipv4_count: int = 0
    chooses_primary: bool = True
    ipv6: Sequence[str] = ()
    ipv6_count: int | None = None
    group_ids: Sequence[str] = ()
    description: str = ""
    token: str = ""
    digest: str = ""
    tags: dict[str, str] = field(default_factory=dict)


def create_interface(
    change: Change, place: Place, request: InterfaceRequest
) -> NetworkInterfaceResource:
    """Make an interface; a repeated request gives the one that it made.

    Errors: ServiceError ``IdempotentParameterMismatch``, ``InvalidIPAddress.InUse``,
    ``InsufficientFreeAddressesInSubnet``, ``InvalidParameterValue``, ``InvalidParameter``.
    """
    before = _made_before(change, place, request)
    if before is not None:
        return before
    subnet = subnet_of(change, place, request.subnet_id)
    group_ids = _groups(change, place, subnet, request.group_ids)
    ipv4: tuple[IPv4Address, ...] = ()
    if not subnet.ipv6_native:
        ipv4 = _ipv4(
            change,
            place,
            subnet,
            [parse_ipv4(text, "privateIpAddress") for text in request.ipv4],
            request.ipv4_count,
            chooses_primary=request.chooses_primary,
        )
    count = request.ipv6_count
    if count is None:
        count = int(subnet.assign_ipv6_address_on_creation and not request.ipv6)
    ipv6 = _ipv6(change, place, subnet, [parse_ipv6(text) for text in request.ipv6], count)
    interface = NetworkInterface(
        new_id("eni"),
        request.subnet_id,
        subnet.subnet.vpc_id,
        place.account_id,
        ipv4,
        ipv6,
        mac=_new_mac(),
        security_group_ids=group_ids,
    )
    made = NetworkInterfaceResource(
        interface,
        description=request.description,
        client_token=request.token,
        request_digest=request.digest,
    )
    _put(change, place, made)
    add_tags(change, place, interface.interface_id, "network-interface", request.tags)
    return made


def _made_before(
    view: View, place: Place, request: InterfaceRequest
) -> NetworkInterfaceResource | None:
    if not request.token:
        return None
    for resource in view.all(NETWORK_INTERFACES, place).values():
        if resource.client_token == request.token:
            if resource.request_digest == request.digest:
                return resource
            raise ServiceError(
                "IdempotentParameterMismatch",
                "The client token has been used with other parameters before.",
            )
    return None


def delete_interface(change: Change, place: Place, interface_id: str) -> None:
    """Delete an interface.

    Errors: ServiceError ``InvalidParameterValue`` while it is attached,
    ``OperationNotPermitted``.
    """
    found = interface_of(change, place, interface_id)
    check_own(found, interface_id)
    if found.interface.attachment is not None:
        raise ServiceError(
            "InvalidParameterValue", f"Network interface '{interface_id}' is currently in use."
        )
    change.remove(NETWORK_INTERFACES, place, interface_id)
    remove_tags(change, place, interface_id, None)


def modify_interface(
    change: Change,
    place: Place,
    interface_id: str,
    *,
    group_ids: Sequence[str] | None = None,
    description: str | None = None,
    source_dest_check: bool | None = None,
) -> None:
    """Change one attribute of an interface.

    Errors: ServiceError ``InvalidParameterCombination`` for none or more than one,
    ``InvalidGroup.NotFound``, ``InvalidParameter``.
    """
    found = interface_of(change, place, interface_id)
    given = [value for value in (group_ids, description, source_dest_check) if value is not None]
    if len(given) != 1:
        raise ServiceError(
            "InvalidParameterCombination",
            "Fields for multiple attribute types specified."
            if given
            else "No attributes specified.",
        )
    changed = found
    if group_ids is not None:
        subnet = subnet_of(change, place, found.interface.subnet_id)
        groups = _groups(change, place, subnet, group_ids)
        if groups != found.interface.security_group_ids:
            interface = replace(found.interface, security_group_ids=groups)
            changed = replace(found, interface=interface, groups_changed=True)
    if description is not None:
        changed = replace(changed, description=description)
    if source_dest_check is not None:
        changed = replace(changed, source_dest_check=source_dest_check)
    if changed != found:
        _put(change, place, changed)


def assign_ipv4(
    change: Change,
    place: Place,
    interface_id: str,
    texts: Sequence[str],
    count: int,
    *,
    reassigns: bool = False,
) -> tuple[IPv4Address, ...]:
    """Give an interface more secondary addresses; those given.

    Shape: ``reassigns`` takes them from other interfaces that have them as secondary ones.
    Errors: as ``create_interface``.
    """
    found = interface_of(change, place, interface_id)
    check_own(found, interface_id)
    subnet = subnet_of(change, place, found.interface.subnet_id)
    held = found.interface.ipv4_addresses
    wanted = [parse_ipv4(text, "privateIpAddress") for text in texts]
    new = [address for address in wanted if address not in held]
    if reassigns:
        _take_back(change, place, found.interface.subnet_id, set(new))
    made = _ipv4(change, place, subnet, new, count, chooses_primary=False)
    _check_count(len(held) + len(made))
    interface = replace(found.interface, ipv4_addresses=(*held, *made))
    _put(change, place, replace(found, interface=interface))
    return made


def _take_back(change: Change, place: Place, subnet_id: str, wanted: set[IPv4Address]) -> None:
    for other in list(change.all(NETWORK_INTERFACES, place).values()):
        interface = other.interface
        if interface.subnet_id != subnet_id or other.origin is not Origin.API:
            continue
        left = tuple(
            address
            for number, address in enumerate(interface.ipv4_addresses)
            if number == 0 or address not in wanted
        )
        if left != interface.ipv4_addresses:
            _put(change, place, replace(other, interface=replace(interface, ipv4_addresses=left)))


def unassign_ipv4(change: Change, place: Place, interface_id: str, texts: Sequence[str]) -> None:
    """Take secondary addresses from an interface.

    Errors: ServiceError ``InvalidParameterValue`` for the primary one and those it has not.
    """
    found = interface_of(change, place, interface_id)
    check_own(found, interface_id)
    held = found.interface.ipv4_addresses
    gone = {parse_ipv4(text, "privateIpAddress") for text in texts}
    if not gone <= set(held):
        raise _not_assigned(interface_id)
    if held and held[0] in gone:
        raise ServiceError(
            "InvalidParameterValue",
            f"The primary address {held[0]} of interface {interface_id} cannot be unassigned",
        )
    left = tuple(address for address in held if address not in gone)
    interface = replace(found.interface, ipv4_addresses=left)
    _put(change, place, replace(found, interface=interface))


def assign_ipv6(
    change: Change, place: Place, interface_id: str, texts: Sequence[str], count: int
) -> tuple[IPv6Address, ...]:
    """Give an interface more IPv6 addresses; those given.

    Errors: as ``create_interface``.
    """
    found = interface_of(change, place, interface_id)
    check_own(found, interface_id)
    subnet = subnet_of(change, place, found.interface.subnet_id)
    held = found.interface.ipv6_addresses
    wanted = [address for address in map(parse_ipv6, texts) if address not in held]
    made = _ipv6(change, place, subnet, wanted, count)
    _check_count(len(held) + len(made))
    interface = replace(found.interface, ipv6_addresses=(*held, *made))
    _put(change, place, replace(found, interface=interface))
    return made


def unassign_ipv6(
    change: Change, place: Place, interface_id: str, texts: Sequence[str]
) -> list[IPv6Address]:
    """Take IPv6 addresses from an interface; gives them.

    Errors: ServiceError ``InvalidParameterValue`` for those it has not.
    """
    found = interface_of(change, place, interface_id)
    check_own(found, interface_id)
    gone = [parse_ipv6(text) for text in texts]
    if not set(gone) <= set(found.interface.ipv6_addresses):
        raise _not_assigned(interface_id)
    left = tuple(one for one in found.interface.ipv6_addresses if one not in gone)
    interface = replace(found.interface, ipv6_addresses=left)
    _put(change, place, replace(found, interface=interface))
    return gone


def _groups(
    view: View, place: Place, subnet: SubnetResource, group_ids: Sequence[str]
) -> tuple[str, ...]:
    """The groups of an interface: those given, else the VPC's default one."""
    vpc_id = subnet.subnet.vpc_id
    if not group_ids:
        default = named_group(view, place, vpc_id, DEFAULT_GROUP_NAME)
        return (default.group.group_id,) if default else ()
    found = find_all(view, SECURITY_GROUPS, place, group_ids)
    for resource in found:
        if resource.group.vpc_id != vpc_id:
            raise ServiceError(
                "InvalidParameter",
                f"Security group {resource.group.group_id} and subnet "
                f"{subnet.subnet.subnet_id} belong to different networks.",
            )
    if len(found) > GROUPS_MAX:
        raise ServiceError(
            "SecurityGroupsPerInterfaceLimitExceeded",
            "The maximum number of security groups per interface has been reached.",
        )
    return tuple(resource.group.group_id for resource in found)


def _taken(view: View, place: Place, subnet_id: str) -> set[Address]:
    return {
        address
        for resource in view.all(NETWORK_INTERFACES, place).values()
        if resource.interface.subnet_id == subnet_id
        for address in resource.interface.addresses
    }


def _ipv4(
    view: View,
    place: Place,
    subnet: SubnetResource,
    wanted: Sequence[IPv4Address],
    count: int,
    *,
    chooses_primary: bool,
) -> tuple[IPv4Address, ...]:
    taken = _taken(view, place, subnet.subnet.subnet_id)
    vpc = view.get(VPCS, place, subnet.subnet.vpc_id)
    has_reserved = vpc is None or vpc.vpc.has_reserved_addresses
    _check_wanted(subnet, wanted, taken)
    blocks = [block for block in subnet.subnet.cidr_blocks if isinstance(block, IPv4Network)]
    for address in wanted:
        if any(is_reserved(address, block, has_reserved) for block in blocks):
            raise ServiceError(
                "InvalidParameterValue", f"Address {address} is in subnet's reserved address range"
            )
    more = count + (1 if chooses_primary else 0)
    _check_count(len(wanted) + more)
    used = {address for address in (*taken, *wanted) if isinstance(address, IPv4Address)}
    free = list(islice(free_ipv4(blocks, used, has_reserved), more))
    _check_enough(len(free), more)
    # A chosen primary address stands before the secondary ones that were asked for.
    return (*free[:1], *wanted, *free[1:]) if chooses_primary else (*wanted, *free)


def _ipv6(
    view: View, place: Place, subnet: SubnetResource, wanted: Sequence[IPv6Address], count: int
) -> tuple[IPv6Address, ...]:
    if not wanted and not count:
        return ()
    blocks = [block for block in subnet.subnet.cidr_blocks if block.version == 6]
    if not blocks:
        raise ServiceError(
            "InvalidParameterValue",
            f"The subnet '{subnet.subnet.subnet_id}' has no IPv6 CIDR block.",
        )
    taken = _taken(view, place, subnet.subnet.subnet_id)
    _check_wanted(subnet, wanted, taken)
    _check_count(len(wanted) + count)
    used = {address for address in (*taken, *wanted) if isinstance(address, IPv6Address)}
    free = list(islice(free_ipv6(blocks, used), count))
    _check_enough(len(free), count)
    return (*wanted, *free)


def _check_wanted(subnet: SubnetResource, wanted: Iterable[Address], taken: set[Address]) -> None:
    seen: set[Address] = set()
    for address in wanted:
        if not any(
            address.version == block.version and address in block
            for block in subnet.subnet.cidr_blocks
        ):
            raise ServiceError(
                "InvalidParameterValue",
                f"Address {address} does not fall within the subnet's address range",
            )
        if address in taken:
            raise ServiceError("InvalidIPAddress.InUse", f"Address {address} is in use.")
        if address in seen:
            raise ServiceError(
                "InvalidParameterValue", f"Address {address} was given more than once"
            )
        seen.add(address)


def _check_count(count: int) -> None:
    if count > ADDRESSES_MAX:
        raise ServiceError(
            "PrivateIpAddressLimitExceeded",
            f"Number of private addresses will exceed limit: {ADDRESSES_MAX}.",
        )


def _check_enough(found: int, wanted: int) -> None:
    if found < wanted:
        raise ServiceError(
            "InsufficientFreeAddressesInSubnet",
            "The specified subnet does not have enough free addresses to satisfy the request.",
        )


def _not_assigned(interface_id: str) -> ServiceError:
    return ServiceError(
        "InvalidParameterValue",
        f"Some of the specified addresses are not assigned to interface {interface_id}",
    )


def _new_mac() -> str:
    return ":".join(f"{byte:02x}" for byte in (_LOCAL_MAC, *secrets.token_bytes(5)))


def _put(change: Change, place: Place, resource: NetworkInterfaceResource) -> None:
    change.put(NETWORK_INTERFACES, place, resource.interface.interface_id, resource)
