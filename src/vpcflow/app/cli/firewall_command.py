"""``vpcflow firewall plan|apply|remove|hits|explain``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vpcflow.app.cli.context import network_of, users_settings_of

if TYPE_CHECKING:
    from vpcflow.app.settings import Settings
    from vpcflow.policy.nftables import CompiledRuleset
    from vpcflow.policy.rule_set import RuleSet


@click.group()
def firewall() -> None:
    """Security groups and ACLs, enforced and logged.

    nftables does it. Nothing is enforced until `apply`; `remove` takes it all back. Only the table
    `inet vpcflow` is touched.
    """


def _file_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--file",
        "file",
        type=click.Path(path_type=Path),
        help="Inventory and rules, TOML or JSON; else inventory.file, else those of the API.",
    )(command)


def _netns_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--netns",
        metavar="NAME",
        help="Only this network namespace: a name, or a path such as /proc/4711/ns/net.",
    )(command)


@firewall.command()
@_file_option
@_netns_option
@click.pass_context
def plan(ctx: click.Context, file: Path | None, netns: str | None) -> None:
    """Print what `apply` would change; changes nothing."""
    from vpcflow.policy import nftables_apply

    rules, settings = _rules_of(ctx, file)
    for namespace, compiled in _compiled(rules, settings, netns):
        difference = nftables_apply.plan(compiled.script, namespace)
        if not difference:
            click.echo(f"{_size(namespace, compiled)}: in force already")
            continue
        click.echo(difference)
        lines = difference.splitlines()[2:]
        more, less = (sum(line.startswith(mark) for line in lines) for mark in "+-")
        click.echo(f"{_size(namespace, compiled)}: {more} lines to add, {less} to remove")
    _tell_unattached(rules)


@firewall.command()
@_file_option
@_netns_option
@click.pass_context
def apply(ctx: click.Context, file: Path | None, netns: str | None) -> None:
    """Put the rules in force, each namespace in one transaction.

    Every namespace's ruleset is checked before the first one changes. Open connections go on, also
    those that the new rules would not allow.
    """
    from vpcflow.policy import nftables_apply

    rules, settings = _rules_of(ctx, file)
    everywhere = list(_compiled(rules, settings, netns))
    for namespace, compiled in everywhere:
        nftables_apply.check(compiled.script, namespace)
    for namespace, compiled in everywhere:
        changed = nftables_apply.apply(compiled.script, namespace)
        click.echo(f"{_size(namespace, compiled)}: {'applied' if changed else 'in force already'}")
    if everywhere:
        click.echo(f"refused packets are logged to NFLOG group {settings.capture.firewall_group}")
    _tell_unattached(rules)


@firewall.command()
@_file_option
@_netns_option
@click.pass_context
def remove(ctx: click.Context, file: Path | None, netns: str | None) -> None:
    """Take the rules back: where interfaces under rules are attached, or in --netns, or here.

    A running `vpcflow run` puts those of interfaces that were attached by `vpcflow attach` in force
    again: `vpcflow detach` ends them.
    """
    from vpcflow.base.errors import ResourceError
    from vpcflow.policy import nftables_apply

    failed: list[ResourceError] = []
    for namespace in _namespaces(ctx, file, netns):
        try:
            done = nftables_apply.remove(namespace)
        except ResourceError as error:
            # A namespace that is gone must not keep the rules of the others in force.
            failed.append(error)
            continue
        click.echo(f"{_place(namespace)}: {'removed' if done else 'nothing to remove'}")
    for other in failed[1:]:
        click.echo(str(other), err=True)
    if failed:
        raise failed[0]


@firewall.command()
@_file_option
@_netns_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object a rule.")
@click.pass_context
def hits(ctx: click.Context, file: Path | None, netns: str | None, as_json: bool) -> None:
    """What each rule has counted since it was applied, those that were never used too."""
    import json

    from vpcflow.policy import nftables_apply

    for namespace in _namespaces(ctx, file, netns):
        counted = nftables_apply.hits(namespace)
        if not as_json:
            click.echo(f"{_place(namespace)}: {len(counted)} counters, most packets first")
        for rule in sorted(counted, key=lambda rule: (-rule.packets, rule.rule)):
            if as_json:
                facts = {"namespace": namespace, "rule": rule.rule}
                click.echo(json.dumps(facts | {"packets": rule.packets, "bytes": rule.bytes}))
            else:
                click.echo(f"{rule.packets:>12,} packets  {rule.bytes:>15,} bytes  {rule.rule}")


@firewall.command()
@click.argument("flow", nargs=-1, required=True)
@_file_option
@click.option("--vpc", "vpc_id", metavar="ID", help="Which VPC, where several have an address.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a station.")
@click.pass_context
def explain(
    ctx: click.Context,
    flow: tuple[str, ...],
    file: Path | None,
    vpc_id: str | None,
    as_json: bool,
) -> None:
    """Say which rule lets FLOW and its reply through, or refuses them, station by station.

    FLOW is "tcp 10.0.1.10:50000 -> 10.0.2.10:22" or "icmp 10.0.1.10 to 10.0.2.10"; a `>` needs
    quotes. Nothing is enforced or asked of the kernel: the rules alone are read.
    """
    from vpcflow.policy.explain import explain as explain_flow
    from vpcflow.policy.flow_text import parse_flow

    parsed = parse_flow(" ".join(flow))
    explained = explain_flow(_rules_of(ctx, file)[0], parsed, vpc_id)
    if not as_json:
        click.echo("\n".join(explained.lines()))
        return
    import json

    for step in explained.steps:
        facts = {
            "leg": step.leg.value,
            "interface_id": step.interface_id,
            "direction": step.direction.value,
            "station": step.station.name,
            "verdict": step.verdict.name,
            "rule": step.rule or None,
            "reason": step.reason,
            "needed": step.needed or None,
            "reached": step.reached,
        }
        click.echo(json.dumps(facts))


def _namespaces(ctx: click.Context, file: Path | None, netns: str | None) -> tuple[str, ...]:
    """Where our rules may be: in --netns, where interfaces are attached by rule, or here."""
    from vpcflow.policy.nftables import namespaces_of

    if netns is not None:
        return (netns,)
    settings = users_settings_of(ctx)
    if file is not None or settings.inventory.file is not None:
        return namespaces_of(_rules_of(ctx, file)[0])
    rules = _rules_of_api(settings)
    return (rules and namespaces_of(rules)) or ("",)


def _rules_of(ctx: click.Context, file: Path | None) -> tuple[RuleSet, Settings]:
    from vpcflow.policy.file import read_rule_set

    settings = users_settings_of(ctx)
    path = file or settings.inventory.file
    if path is not None:
        return read_rule_set(path, settings.inventory), settings
    rules = _rules_of_api(settings)
    if rules is None:
        raise click.UsageError(
            "which rules? Give --file, or set inventory.file; those of the API are none yet"
        )
    return rules, settings


def _rules_of_api(settings: Settings) -> RuleSet | None:
    """What the control plane holds, as it is to be enforced; None before its first start."""
    from vpcflow.app.attached_rules import enforceable_rules
    from vpcflow.control.state.database import DATABASE_FILE

    if not settings.control.database_url and not (settings.folder.root / DATABASE_FILE).exists():
        return None
    with network_of(settings) as network:
        return enforceable_rules(network.declared_rules(), network.attached_interfaces())


def _compiled(
    rules: RuleSet, settings: Settings, netns: str | None
) -> Iterator[tuple[str, CompiledRuleset]]:
    from vpcflow.policy.nftables import NftablesOptions, compile_namespace, namespaces_of
    from vpcflow.policy.nftables_chains import LogTarget

    options = NftablesOptions(LogTarget(settings.capture.firewall_group))
    namespaces = namespaces_of(rules) if netns is None else (netns,)
    if not namespaces:
        click.echo("no interface under rules is attached to a device", err=True)
    for namespace in namespaces:
        yield namespace, compile_namespace(rules, namespace, options)


def _size(namespace: str, compiled: CompiledRuleset) -> str:
    count = len(compiled.interfaces)
    return (
        f"{_place(namespace)}: {count} interface{'' if count == 1 else 's'}, "
        f"{compiled.rules} rule{'' if compiled.rules == 1 else 's'}"
    )


def _place(namespace: str) -> str:
    return f"namespace {namespace}" if namespace else "this namespace"


def _tell_unattached(rules: RuleSet) -> None:
    from vpcflow.policy.nftables import unattached_interfaces

    names = unattached_interfaces(rules)
    if names:
        click.echo(
            f"not enforced, for want of a device: {', '.join(names[:5])}"
            + (f" and {len(names) - 5} more" if len(names) > 5 else ""),
            err=True,
        )
