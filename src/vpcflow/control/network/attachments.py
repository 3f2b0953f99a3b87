"""Binds interfaces that the API made to devices of the host."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from vpcflow.base.errors import ServiceError
from vpcflow.control.network.lookup import View, check_own, not_found
from vpcflow.control.network.resources import NETWORK_INTERFACES, NetworkInterfaceResource, Origin
from vpcflow.control.state import Place, State
from vpcflow.inventory.network_interface import Attachment
from vpcflow.policy.nftables import is_device_name


def find_interface(state: State, interface_id: str) -> tuple[Place, NetworkInterfaceResource]:
    """The interface of an id, in whichever account and region.

    Errors: ServiceError ``InvalidNetworkInterfaceID.NotFound``.
    """
    for place in state.places(NETWORK_INTERFACES):
        found = state.get(NETWORK_INTERFACES, place, interface_id)
        if found is not None:
            return place, found
    raise not_found(NETWORK_INTERFACES.name, [interface_id])


def attach_interface(
    state: State,
    interface_id: str,
    attachment: Attachment | None,
    now_s: float,
    *,
    enforced: bool = True,
) -> NetworkInterfaceResource:
    """Let the packets of a device count as the interface's; ``attachment`` None ends that.

    Shape: a device that was found on the host, or that the inventory file names, gives its own
    interface up for this one. Not ``enforced``, packets are recorded and none is refused.
    Errors: ServiceError ``InvalidNetworkInterfaceID.NotFound``, ``OperationNotPermitted`` for an
    interface of the host, ``InvalidParameterValue`` for what no device can be called,
    ``ResourceInUse`` for a device that another interface has, ``IncorrectState`` for an interface
    that is attached elsewhere.
    """
    place, _ = find_interface(state, interface_id)
    if attachment is not None and not is_device_name(attachment.device):
        raise ServiceError(
            "InvalidParameterValue", f"'{attachment.device}' cannot be a device's name."
        )
    with state.change() as change:
        found = change.get(NETWORK_INTERFACES, place, interface_id)
        if found is None:
            raise not_found(NETWORK_INTERFACES.name, [interface_id])
        check_own(found, interface_id)
        held = found.interface.attachment
        if held == attachment and (held is None or found.enforced == enforced):
            return found
        if attachment is not None and held != attachment:
            if held is not None:
                raise ServiceError(
                    "IncorrectState",
                    f"'{interface_id}' is attached to {_named(held)}; detach it first.",
                )
            for other in _attached(change, state.places(NETWORK_INTERFACES)):
                taken = other.interface.attachment
                if taken and _device(taken) == _device(attachment):
                    raise ServiceError(
                        "ResourceInUse",
                        f"{_named(attachment)} is taken by '{other.interface.interface_id}'.",
                    )
        interface = replace(found.interface, attachment=attachment)
        attached_s = found.attached_s if held == attachment else now_s
        changed = replace(
            found,
            interface=interface,
            attached_s=None if attachment is None else attached_s,
            enforced=enforced or attachment is None,
        )
        change.put(NETWORK_INTERFACES, place, interface_id, changed)
        return changed


def _attached(view: View, places: list[Place]) -> Iterator[NetworkInterfaceResource]:
    for place in places:
        for resource in view.all(NETWORK_INTERFACES, place).values():
            if resource.origin is Origin.API and resource.interface.attachment is not None:
                yield resource


def _device(attachment: Attachment) -> tuple[str, str]:
    return attachment.namespace, attachment.device


def _named(attachment: Attachment) -> str:
    within = f" in network namespace {attachment.namespace}" if attachment.namespace else ""
    return f"device {attachment.device}{within}"
