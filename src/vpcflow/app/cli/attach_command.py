"""``vpcflow attach`` and ``vpcflow detach``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from vpcflow.app.cli.context import network_of, users_settings_of

if TYPE_CHECKING:
    from vpcflow.app.settings import Settings
    from vpcflow.inventory.network_interface import Attachment

#: How long the running capture has to take an attachment over, and how often it is asked.
TAKEN_OVER_S_MAX = 15.0
ASK_S = 0.25
_METERED = "metered"
_IN_FORCE = "rules in force"


@click.command()
@click.argument("interface_id", metavar="ENI")
@click.option("--interface", "device", required=True, metavar="NAME", help="The device: veth0.")
@click.option(
    "--netns",
    "namespace",
    default="",
    metavar="NS",
    help="Its network namespace: a name, or a path such as /proc/4711/ns/net.  [default: the own]",
)
@click.option(
    "--port-side",
    is_flag=True,
    help="The device is the other end of the wire: what it receives has left the interface.",
)
@click.option("--no-enforce", is_flag=True, help="Record only: no rule refuses anything.")
@click.option(
    "--force", is_flag=True, help="Enforce rules also on the device of this host's default route."
)
@click.pass_context
def attach(
    ctx: click.Context,
    /,
    interface_id: str,
    device: str,
    namespace: str,
    port_side: bool,
    no_enforce: bool,
    force: bool,
) -> None:
    """Bind an interface of the API to a device of this host.

    Its packets are recorded as ENI's from then on, and its security groups and network ACL are
    enforced there (nftables), by the running `vpcflow run`. The device may come later. Works on the
    data folder, beside a running `vpcflow run` as well.
    """
    import time

    from vpcflow.app.attached_device import FOUND, device_state
    from vpcflow.inventory.network_interface import Attachment, AttachmentSide

    settings = users_settings_of(ctx)
    side = AttachmentSide.PORT if port_side else AttachmentSide.INTERFACE
    attachment = Attachment(device, namespace, side)
    if not (no_enforce or force):
        _refuse_default_route(attachment)
    with network_of(settings) as network:
        network.attach_interface(interface_id, attachment, time.time(), enforced=not no_enforce)
    found = device_state(attachment)
    click.echo(f"{interface_id} is attached to {_named(attachment)}: {found}")
    # What is not there yet is waited for by the running capture, not here.
    wanted = () if found != FOUND else (_METERED,) if no_enforce else (_METERED, _IN_FORCE)
    _tell_taken_over(settings, interface_id, wanted)


@click.command()
@click.argument("interface_id", metavar="ENI")
@click.pass_context
def detach(ctx: click.Context, /, interface_id: str) -> None:
    """End an attachment: no packet counts as ENI's, no rule refuses."""
    import time

    from vpcflow.control.network import find_interface

    settings = users_settings_of(ctx)
    with network_of(settings) as network:
        _, before = find_interface(network.state, interface_id)
        attachment = before.interface.attachment
        network.attach_interface(interface_id, None, time.time())
    if attachment is None:
        click.echo(f"{interface_id} is attached to nothing")
        return
    click.echo(f"{interface_id} is no longer attached to {_named(attachment)}")
    said = _wait_for(settings, interface_id, lambda told: told is None)
    if said == _NOBODY and before.enforced:
        _remove_left_behind(interface_id, attachment.namespace)


def _remove_left_behind(interface_id: str, namespace: str) -> None:
    """Nobody runs: what a killed run left in force would stay for ever."""
    from vpcflow.app.firewall_following import remove_left_behind
    from vpcflow.base.errors import CaptureError, ResourceError

    try:
        if remove_left_behind(interface_id, namespace):
            click.echo("rules that a killed capture left there are removed")
    except ResourceError:
        return
    except CaptureError as error:
        there = f" --netns {namespace}" if namespace else ""
        click.echo(
            f"no capture runs here, and whether a killed one left rules is not known ({error}): "
            f"`sudo vpcflow firewall remove{there}` takes them away",
            err=True,
        )


def _refuse_default_route(attachment: Attachment) -> None:
    from vpcflow.app.attached_device import default_route_devices, is_own_namespace
    from vpcflow.base.errors import SettingsError

    if is_own_namespace(attachment.namespace) and attachment.device in default_route_devices():
        raise SettingsError(
            f"{attachment.device} carries this host's default route: with the rules of a security "
            "group in force you could be cut off (the default group lets nobody in from outside)",
            where="attach",
            hint="--no-enforce records its packets and refuses none; --force enforces all the same",
        )


_NOBODY = "nobody"


def _wait_for(
    settings: Settings, interface_id: str, is_done: Callable[[str | None], bool]
) -> str | None:
    """What the running capture says of an attachment, as soon as it is done or when time is up."""
    import json
    import time

    from vpcflow.app.live_view import ask_live
    from vpcflow.base.errors import CaptureError

    deadline_s = time.monotonic() + TAKEN_OVER_S_MAX
    while True:
        try:
            facts = json.loads(ask_live(settings.folder.root, "status"))
        except CaptureError:
            return _NOBODY
        told: str | None = facts.get("attached", {}).get(interface_id)
        if is_done(told) or time.monotonic() >= deadline_s:
            return told
        time.sleep(ASK_S)


def _tell_taken_over(settings: Settings, interface_id: str, wanted: tuple[str, ...]) -> None:
    def is_done(told: str | None) -> bool:
        return told is not None and set(wanted) <= set(told.split(", "))

    said = _wait_for(settings, interface_id, is_done)
    if said == _NOBODY:
        click.echo(
            "no capture runs on this data folder: `vpcflow run` takes it over when it starts"
        )
    elif said is None:
        click.echo("the running capture has not taken it over yet: see `vpcflow status`")
    else:
        click.echo(f"the running capture says: {said}")


def _named(attachment: Attachment) -> str:
    within = f" in network namespace {attachment.namespace}" if attachment.namespace else ""
    return f"device {attachment.device}{within}"
