"""Binds interfaces that the API made to devices of the host."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from vpcflow.base.errors import ServiceError
from vpcflow.control.network.lookup import View, check_own, not_found
from vpcflow.control.network.resources import NETWORK_INTERFACES, NetworkInterfaceResource, Origin
from vpcflow.control.state import Place, State
from vpcflow.inventory.network_interface import Attachment


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
    state: State, interface_id: str, attachment: Attachment | None, now_s: float
) -> NetworkInterfaceResource:
    """Let the packets of a device count as the interface's; ``attachment`` None ends that.

    Shape: a device that was found on the host gives its own interface up for this one.
    Errors: ServiceError ``InvalidNetworkInterfaceID.NotFound``, ``OperationNotPermitted`` for an
    interface of the host, ``ResourceInUse`` for a device that another interface has,
    ``IncorrectState`` for an interface that is attached elsewhere.
    """
    place, _ = find_interface(state, interface_id)
    with state.change() as change:
        found = change.get(NETWORK_INTERFACES, place, interface_id)
        if found is None:
            raise not_found(NETWORK_INTERFACES.name, [interface_id])
        check_own(found, interface_id)
        held = found.interface.attachment
        if held == attachment:
            return found
        if attachment is not None:
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
        changed = replace(
            found, interface=interface, attached_s=None if attachment is None else now_s
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
