"""Writes the reference pages from the code; with --check, fails when a page is not in step."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import click

from vpcflow.api.aws.coverage import coverage_page
from vpcflow.api.rest.app import openapi_of_routes
from vpcflow.app.cli.main import COMMANDS, cli
from vpcflow.app.offered_services import offered_services
from vpcflow.app.settings import (
    ACCOUNT_ID_VARIABLE,
    ROOT_ACCESS_KEY_ID_VARIABLE,
    ROOT_SECRET_ACCESS_KEY_VARIABLE,
    Settings,
)
from vpcflow.app.settings_page import list_settings
from vpcflow.record.field_spec import FieldSpec
from vpcflow.record.fields import OWN_FIELDS, TRANSIT_GATEWAY_ONLY_FIELDS, VPC_FIELDS

REFERENCE = Path(__file__).resolve().parent.parent / "docs" / "reference"
NOTICE = "<!-- Made by `make docs` from the code. Do not edit. -->\n\n"


def fields_page() -> str:
    """The page of all fields."""
    parts = [
        "# Fields of a flow record\n\n",
        "In SQL and in Parquet a name has `_` in place of `-`. A value that is missing prints as ",
        "`-` in text and is null elsewhere; `0` is a value.\n",
    ]
    for title, specs in (
        ("VPC flow logs, versions 2 to 11", VPC_FIELDS),
        ("Only in transit gateway flow logs", TRANSIT_GATEWAY_ONLY_FIELDS),
        ("vpcflow's own", OWN_FIELDS),
    ):
        parts.append(f"\n## {title}\n")
        parts.extend(_field_section(spec) for spec in specs)
    return "".join(parts)


def _field_section(spec: FieldSpec) -> str:
    lines = [f"\n### {spec.name}\n\n{spec.summary}"]
    if spec.limits:
        lines.append(f" {spec.limits}")
    since = f"version {spec.since_version}" if spec.since_version else "vpcflow"
    lines.append(f"\n\n- Type `{spec.kind.value}`, since {since}; `-` means: {spec.null_means}.\n")
    if spec.unit:
        lines.append(f"- Unit: {spec.unit}.\n")
    if spec.values:
        lines.append(f"- Values: {', '.join(f'`{value}`' for value in spec.values)}.\n")
    maps = [
        f"{name} `{value}`"
        for name, value in (
            ("IPFIX", spec.ipfix),
            ("OCSF", spec.ocsf),
            ("ECS", spec.ecs),
            ("OpenTelemetry", spec.otel),
        )
        if value
    ]
    if maps:
        lines.append(f"- Elsewhere: {', '.join(maps)}.\n")
    return "".join(lines)


def settings_page() -> str:
    """The page of all settings."""
    parts = [
        "# Settings\n\nThe command line wins over the environment, the environment over ",
        "`vpcflow.toml`, the file over the default. In the file a setting stands in the table of ",
        "its part: `[store]`, then `run_rows_max = 500000`.\n\n",
        "| setting | environment | default | bounds | meaning |\n|---|---|---|---|---|\n",
    ]
    for entry in list_settings(Settings()):
        default = "~/.local/share/vpcflow" if entry.name == "data" else _as_toml(entry.default)
        parts.append(
            f"| `{entry.name}` | `{entry.variable}` | {f'`{default}`' if default else ''} "
            f"| {entry.bounds or ''} | {entry.description} |\n"
        )
    parts += [
        "\n## Only in the environment\n\n",
        "- `VPCFLOW_CONFIG`: the settings file, in place of `vpcflow.toml`.\n",
        f"- `{ACCOUNT_ID_VARIABLE}`: the same as `inventory.account_id`.\n",
        f"- `{ROOT_ACCESS_KEY_ID_VARIABLE}` and `{ROOT_SECRET_ACCESS_KEY_VARIABLE}`: the root key ",
        "of the account, for scripts that start a server and know its key beforehand. It takes the ",
        "place of the one that is there.\n",
    ]
    return "".join(parts)


def _as_toml(value: object) -> str:
    """A default as the file would have it; empty when there is none."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(_as_toml(one) for one in value)}]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def commands_page() -> str:
    """The page of all commands, from their own help."""
    parts = ["# Commands\n\n```text\n", _help(cli, "vpcflow", None), "```\n"]
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        parts.extend(_command_sections(command, f"vpcflow {name}"))
    return "".join(parts)


def aws_api_page() -> str:
    """The page of what of AWS's API is there."""
    return coverage_page(offered_services())


def _command_sections(command: click.Command, path: str) -> list[str]:
    sections = [f"\n## {path}\n\n```text\n{_help(command, path, None)}```\n"]
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            sections.extend(_command_sections(child, f"{path} {name}"))
    return sections


def _help(command: click.Command, path: str, parent: click.Context | None) -> str:
    context = click.Context(command, info_name=path, parent=parent, max_content_width=96)
    context.terminal_width = 96
    return command.get_help(context) + "\n"


def openapi_page() -> str:
    """The console's API as OpenAPI; the front end's types are made from it."""
    return json.dumps(openapi_of_routes(), indent=1, sort_keys=True) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "fields.md": fields_page,
    "settings.md": settings_page,
    "commands.md": commands_page,
    "aws-api.md": aws_api_page,
    "openapi.json": openapi_page,
}


def main() -> int:
    """Write or check every page."""
    import_module("vpcflow.app.cli.main")
    # A default that follows the environment is shown as it is without.
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        os.environ.pop(name, None)
    stale = []
    for name, make in PAGES.items():
        path = REFERENCE / name
        text = make() if name.endswith(".json") else NOTICE + make()
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        if "--check" in sys.argv:
            stale.append(name)
        else:
            REFERENCE.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"wrote docs/reference/{name}")
    if stale:
        print(f"not in step with the code: {', '.join(stale)}; run `make docs`", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
