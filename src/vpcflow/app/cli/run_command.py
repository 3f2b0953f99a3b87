"""``vpcflow run``."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vpcflow.app.cli.context import users_settings_of
from vpcflow.app.cli.endpoint_lines import console_lines, endpoint_lines

if TYPE_CHECKING:
    from vpcflow.app.control_service import ControlService
    from vpcflow.app.settings import Settings
    from vpcflow.capture.aggregation import AggregatedWindow
    from vpcflow.capture.live_capture import LiveCapture
    from vpcflow.capture.window import ClosedWindow

_NS = 1_000_000_000
_NAMES_SHOWN = 6


@click.command()
@click.option(
    "--inventory",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Inventory file: VPCs, interfaces, rules.  [default: the host's own interfaces]",
)
@click.option("--device", "devices", multiple=True, metavar="NAME", help="Only such devices: eth*.")
@click.option(
    "--netns",
    "namespaces",
    multiple=True,
    metavar="NAME",
    help="Also this network namespace; a name, a path, or * for all named ones.",
)
@click.option("--lab", is_flag=True, help="The lab of this data folder, and nothing else.")
@click.option(
    "--interval", "interval_s", type=click.IntRange(1, 600), help="Seconds.  [default: 60]"
)
@click.option("--host", metavar="ADDRESS", help="Address of the AWS endpoint.  [default: loopback]")
@click.option(
    "--port", type=click.IntRange(0, 65_535), help="Its port; 0 for any.  [default: 4600]"
)
@click.option(
    "--console-port",
    type=click.IntRange(0, 65_535),
    help="Port of the console; 0 for any.  [default: 4680]",
)
@click.option("--no-console", is_flag=True, help="No pages for browsers.")
@click.option(
    "--no-capture", is_flag=True, help="Serve console and AWS endpoint alone; needs no root."
)
@click.option(
    "--aws-profile", metavar="NAME", help="Write endpoint and root key to ~/.aws/config as NAME."
)
@click.option("--quiet", is_flag=True, help="Only problems.")
@click.pass_context
def run(
    ctx: click.Context, /, quiet: bool, no_capture: bool, aws_profile: str | None, **chosen: Any
) -> None:
    """Meter this host; serve the console, and flow logs to AWS's clients.

    The first line is the console's address: open it in a browser within the hour, it signs in once.
    `vpcflow console` prints another one.

    It runs until Ctrl-C or SIGTERM. Needs CAP_NET_RAW and CAP_NET_ADMIN (sudo), and CAP_SYS_ADMIN
    for other namespaces; they are given back when everything is open. Under sudo the records are
    the calling user's. The action is known where `vpcflow firewall apply` or a firewall of yours
    logs refusals to NFLOG, or where the inventory file has rules.
    """
    from vpcflow.app.log_output import log_to_stderr
    from vpcflow.app.privileges import acting_as, acting_user

    log_to_stderr()
    settings = _with_choices(users_settings_of(ctx), chosen)

    def say(line: str) -> None:
        if not quiet:
            click.echo(line, err=True)

    def serving(control: ControlService) -> None:
        lines = [*console_lines(control), *endpoint_lines(control, settings, aws_profile)]
        for line in lines:
            click.echo(line, err=True)

    if no_capture:
        from vpcflow.app.endpoint_alone import serve_alone

        serve_alone(settings, serving)
        say("stopped")
        return
    # Compiled kernels are kept where the user can read and replace them.
    with acting_as(acting_user(settings.folder.root)):
        from vpcflow.app.capture_service import CaptureService, ServiceEvents
        from vpcflow.app.signals import stop_on_signals

    events = ServiceEvents(
        serving=serving,
        started=lambda live: say(_started(live, settings, ctx.find_root().obj["data"])),
        kept=lambda window, made: say(_kept(window, made)),
        lost=lambda window: click.echo(_lost(window), err=True),
        problem=lambda text: click.echo(f"problem: {text}", err=True),
    )
    with stop_on_signals() as stop:
        CaptureService(settings, events).run(stop)
    say("stopped; everything that was counted is kept")


def _with_choices(settings: Settings, chosen: dict[str, Any]) -> Settings:
    inventory: dict[str, Any] = {}
    if chosen["inventory"]:
        inventory["file"] = chosen["inventory"]
    if chosen["devices"]:
        inventory["include_devices"] = chosen["devices"]
    if chosen["namespaces"]:
        inventory["namespaces"] = (*settings.inventory.namespaces, *chosen["namespaces"])
    if chosen["lab"]:
        from vpcflow.lab.testbed.lab import Lab
        from vpcflow.lab.testbed.topology import ACCOUNT_ID, REGION

        lab = Lab.attach(settings.folder.root / "lab")
        # The endpoint's root key must be that of the lab's own account.
        inventory |= {"account_id": ACCOUNT_ID, "region": REGION}
        inventory |= {"file": lab.inventory_file, "own_namespace": False, "namespaces": ()}
    api = {name: chosen[name] for name in ("host", "port") if chosen[name] is not None}
    console: dict[str, Any] = {}
    if chosen["console_port"] is not None:
        console["port"] = chosen["console_port"]
    if chosen["no_console"]:
        console["enabled"] = False
    capture = {"interval_s": chosen["interval_s"]} if chosen["interval_s"] else {}
    return settings.model_copy(
        update={
            "api": settings.api.model_copy(update=api),
            "console": settings.console.model_copy(update=console),
            "inventory": settings.inventory.model_copy(update=inventory),
            "capture": settings.capture.model_copy(update=capture),
        }
    )


def _started(live: LiveCapture, settings: Settings, data: str | None) -> str:
    names = [point.interface.name or point.interface.interface_id for point in live.book.points()]
    shown = ", ".join(names[:_NAMES_SHOWN]) or "it waits for `vpcflow attach`"
    if len(names) > _NAMES_SHOWN:
        shown += f" and {len(names) - _NAMES_SHOWN} more"
    vpcflow = f"vpcflow --data {shlex.quote(data)}" if data else "vpcflow"
    return (
        f"metering {len(names)} interfaces ({shown}), every {settings.capture.interval_s} s "
        f"into {settings.folder.root}\n"
        f"ask in another terminal: {vpcflow} talkers; also rejects, flows, top, status"
    )


def _clock_text(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns / _NS, UTC).strftime("%H:%M:%S")


def _kept(window: ClosedWindow, made: AggregatedWindow) -> str:
    parts = [
        f"{_clock_text(window.start_ns)} to {_clock_text(window.end_ns)} UTC",
        f"{made.flows:,} records, {made.packets:,} packets, {made.bytes:,} bytes",
    ]
    if made.nodata:
        parts.append(f"silent interfaces: {made.nodata}")
    if made.skipdata:
        parts.append(f"interfaces with SKIPDATA: {made.skipdata}")
    return "; ".join(parts)


def _lost(window: ClosedWindow) -> str:
    return (
        f"the last run was killed: records from {_clock_text(window.start_ns)} to "
        f"{_clock_text(window.end_ns)} UTC are missing, SKIPDATA says so in the table"
    )
