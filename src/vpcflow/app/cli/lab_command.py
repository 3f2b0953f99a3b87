"""``vpcflow lab up|down|status|shell|traffic``."""

from __future__ import annotations

import json
import os
import shlex
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vpcflow.app.cli.context import settings_of

if TYPE_CHECKING:
    from vpcflow.lab.testbed.lab import Lab

#: Options of scenarios that the command has.
_SCENARIO_OPTIONS = (
    ("to", str, "Address, or for a sweep networks."),
    ("ports", str, "Ports of a scan, as 22,80,8000-8100."),
    ("port", int, "Port of a connection."),
    ("count", int, "How many requests, attempts or packets."),
    ("bytes", int, "How many bytes of each."),
    ("interval", int, "Seconds between requests."),
    ("path", str, "Path of an HTTP request."),
    ("source", str, "Address to come from, where the host has several."),
)
#: Columns of the terminal from which on there is room for what a host is.
ROLE_WIDTH_MIN = 100


@click.group()
def lab() -> None:
    """A small VPC of network namespaces, with traffic.

    It has hosts, a firewall, services and attackers. It needs root, and leaves nothing behind when
    it is stopped or killed.
    """


def _folder(ctx: click.Context) -> Path:
    return settings_of(ctx).folder.root / "lab"


@lab.command()
@click.option("--traffic/--no-traffic", default=True, help="Begin the traffic at once.")
@click.option("--firewall/--no-firewall", default=True, help="Enforce the rules.")
@click.option("--offload/--no-offload", default=True, help="Packets longer than the MTU.")
@click.option("--seed", default=1, show_default=True, help="The same choices, the same traffic.")
@click.option("--speed", default=1.0, show_default=True, help="How much faster traffic runs.")
@click.pass_context
def up(ctx: click.Context, /, **options: Any) -> None:
    """Build the lab; returns when everything in it answers."""
    from vpcflow.lab.testbed.lab import Lab, require_root

    require_root()
    folder = _folder(ctx)
    if Lab.is_up(folder):
        click.echo("the lab is already up; see vpcflow lab status")
        return
    started = Lab.start(folder, **options)
    click.echo(
        f"the lab is up: {len(started.hosts)} namespaces, supervisor {started.state.pid}\n"
        "meter it:      vpcflow run --lab\n"
        "look into it:  vpcflow lab status, vpcflow lab shell web"
    )


@lab.command()
@click.pass_context
def down(ctx: click.Context) -> None:
    """Stop the lab: its processes, namespaces, links and rules go together."""
    from vpcflow.base.errors import ResourceError

    try:
        _attach(ctx).stop()
    except ResourceError:
        click.echo("no lab is running")
        return
    click.echo("the lab is down")


@lab.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def status(ctx: click.Context, as_json: bool) -> None:
    """Hosts, addresses, services, traffic, and where it is metered."""
    running = _attach(ctx)
    traffic = running.traffic_facts()
    if as_json:
        click.echo(json.dumps(_facts(running, traffic)))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console()
    started = datetime.fromtimestamp(running.state.started_s, UTC)
    click.echo(f"up since {started:%Y-%m-%d %H:%M:%S} UTC, supervisor {running.state.pid}")
    click.echo("meter it: vpcflow run --lab")
    click.echo(f"rules: {running.inventory_file}")
    click.echo(
        f"ports of the interfaces: devices of the hosts' names in {running.router.network_namespace}"
    )
    hosts = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    names = ["host", "addresses", "listens", "interface"]
    if console.width >= ROLE_WIDTH_MIN:
        names.append("role")
    for name in names:
        hosts.add_column(name, no_wrap=True)
    for host in _host_facts(running):
        columns = {**host, "interface": host["interface_id"]}
        columns["addresses"] = "\n".join(host["addresses"])
        columns["listens"] = "\n".join(host["listens"])
        hosts.add_row(*(columns[name] for name in names))
    console.print(hosts)
    _print_traffic(console, traffic)


def _print_traffic(console: Any, traffic: dict[str, Any]) -> None:
    from rich import box
    from rich.table import Table

    if traffic["scheduled"]:
        pace = f"seed {traffic['seed']}, speed {traffic['speed']:g}"
        click.echo(f"traffic: on ({pace}), {traffic['running']} running")
    else:
        click.echo("traffic: off; vpcflow lab traffic start")
    if not traffic["scenarios"]:
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("scenario", "runs", "answered", "refused", "unanswered", "failed"):
        table.add_column(name, justify="left" if name == "scenario" else "right")
    for name, tally in traffic["scenarios"].items():
        outcomes = tally["outcomes"]
        counts = (outcomes.get(key, 0) for key in ("answered", "refused", "unanswered", "failed"))
        table.add_row(
            name, str(tally["runs"]), *(f"{count:,}" if count else "" for count in counts)
        )
    console.print(table)


@lab.command(context_settings={"ignore_unknown_options": True})
@click.argument("host")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def shell(ctx: click.Context, host: str, command: tuple[str, ...]) -> None:
    """Open a shell on HOST, or run a command there: ``lab shell web -- ip addr``.

    It is the host's network; files and programs are this machine's. Names such as app are looked
    up at the lab's DNS server. The command's exit code is passed on.
    """
    # Python ignores SIGPIPE, and the program that this process becomes would inherit that.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    _attach(ctx).become(host, command or (os.environ.get("SHELL") or "/bin/sh",))


@lab.group()
def traffic() -> None:
    """Start and stop the traffic, or have one scenario run."""


@traffic.command()
@click.option("--seed", default=1, show_default=True, help="The same choices, the same traffic.")
@click.option("--speed", default=1.0, show_default=True, help="How much faster it runs.")
@click.option("--for", "duration_s", default=0.0, help="Seconds of the lab's clock; then it ends.")
@click.option("--wait", is_flag=True, help="Return when it has ended.")
@click.pass_context
def start(ctx: click.Context, seed: int, speed: float, duration_s: float, wait: bool) -> None:
    """Start the schedule of ordinary traffic and attacks."""
    running = _attach(ctx)
    running.start_traffic(seed=seed, speed=speed, duration_s=duration_s)
    if wait and duration_s:
        from rich.console import Console

        _print_traffic(Console(), running.wait_traffic())
        return
    click.echo("traffic: on")


@traffic.command()
@click.pass_context
def stop(ctx: click.Context) -> None:
    """Start nothing new; what runs comes to its end."""
    _attach(ctx).stop_traffic()
    click.echo("traffic: off")


@traffic.command("list")
def list_scenarios() -> None:
    """The scenarios and their options."""
    from vpcflow.lab.testbed.scenarios import SCENARIOS

    width = max(map(len, SCENARIOS))
    for scenario in SCENARIOS.values():
        options = " ".join(
            f"--{name} {shlex.quote(str(value))}" for name, value in scenario.options.items()
        )
        click.echo(f"{scenario.name:{width}}  {scenario.host}: {scenario.summary}")
        click.echo(f"{'':{width}}  {options}")


@traffic.command()
@click.argument("name")
@click.option("--from", "host", default="", metavar="HOST", help="Another host than its own.")
@click.option("--seed", default=1, show_default=True, help="The same choices, the same traffic.")
@click.option("--speed", default=1.0, show_default=True, help="How much shorter its pauses are.")
@click.option("--json", "as_json", is_flag=True, help="The whole summary, each flow of it.")
@click.pass_context
def once(
    ctx: click.Context,
    /,
    name: str,
    host: str,
    seed: int,
    speed: float,
    as_json: bool,
    **options: Any,
) -> None:
    """Run the scenario NAME once and say what it did."""
    given = {key: value for key, value in options.items() if value is not None}
    summary = _attach(ctx).once(name, host=host, seed=seed, speed=speed, **given)
    if as_json:
        click.echo(json.dumps(summary))
        return
    outcomes = ", ".join(f"{count:,} {name}" for name, count in summary["outcomes"].items())
    took_s = summary["ended_s"] - summary["started_s"]
    click.echo(
        f"{name} on {summary['host']}: {outcomes or 'nothing'}; {summary['bytes_sent']:,} bytes "
        f"sent, {summary['bytes_received']:,} received, in {took_s:.1f} s"
    )


for _name, _type, _help in reversed(_SCENARIO_OPTIONS):
    click.option(f"--{_name}", type=_type, help=_help)(once)


def _attach(ctx: click.Context) -> Lab:
    from vpcflow.lab.testbed.lab import Lab

    return Lab.attach(_folder(ctx))


def _host_facts(running: Lab) -> list[dict[str, Any]]:
    from vpcflow.lab.testbed.topology import HOSTS

    facts = []
    for found in running.hosts.values():
        host = HOSTS.get(found.name)
        facts.append(
            {
                "host": found.name,
                "role": host.role if host else "VPC router and firewall",
                "addresses": list(found.addresses),
                "listens": [f"{s.kind} {s.protocol}/{s.port}" for s in host.services]
                if host
                else [],
                "uplink": host.uplink if host else "",
                "device": found.device,
                "interface_id": found.interface_id,
                "pid": found.pid,
                "namespace": found.network_namespace,
            }
        )
    return facts


def _facts(running: Lab, traffic: dict[str, Any]) -> dict[str, Any]:
    return {
        "pid": running.state.pid,
        "started_s": running.state.started_s,
        "inventory": str(running.inventory_file),
        "hosts": _host_facts(running),
        "traffic": traffic,
    }
