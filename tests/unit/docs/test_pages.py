"""Aim: what the pages say holds. Method: read them, run what they show."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from vpcflow.app.cli.main import cli
from vpcflow.app.settings import Settings
from vpcflow.inventory.settings import InventorySettings
from vpcflow.policy.file import read_rule_set
from vpcflow.policy.resolve import compile_rules
from vpcflow.query.filter_language import parse_filter
from vpcflow.record.fields import FIELDS

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
FILTERS = [
    line
    for block in re.findall(
        r"```filter\n(.*?)```", (ROOT / "docs/reference/filter.md").read_text(), re.DOTALL
    )
    for line in block.splitlines()
]


@pytest.mark.parametrize("text", FILTERS)
def test_filter_examples_are_understood(text: str) -> None:
    assert parse_filter(text)


def _commands() -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        text = re.sub(r"\\\n", " ", page.read_text(encoding="utf-8"))
        for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
            for command in re.findall(r"^(vpcflow .*(?:\n .*)*)$", block, re.MULTILINE):
                found.append((page.name, command))
    return found


@pytest.mark.parametrize(("page", "command"), _commands())
def test_commands_in_pages_exist_with_their_options(page: str, command: str) -> None:
    words = shlex.split(command, comments=True)[1:]
    context = click.Context(cli)
    node: click.Command = cli
    while isinstance(node, click.Group):
        word = words.pop(0)
        child = node.get_command(context, word)
        assert child is not None, f"{page}: no command {word}"
        node = child
    options = {name for parameter in node.params for name in parameter.opts}
    for word in words:
        if word.startswith("-") and word != "-":
            assert word.split("=")[0] in options, f"{page}: {command}"


def _toml_blocks() -> list[tuple[str, str]]:
    return [
        (page.name, block)
        for page in PAGES
        for block in re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    ]


@pytest.mark.parametrize(("page", "block"), _toml_blocks())
def test_files_in_pages_can_be_read(page: str, block: str, tmp_path: Path) -> None:
    name = block.splitlines()[0].removeprefix("# ")
    if name == "vpcflow.toml":
        assert Settings(**tomllib.loads(block))
        return
    assert name == "network.toml", f"{page}: the first line says which file it is"
    path = tmp_path / name
    path.write_text(block, encoding="utf-8")
    rules = read_rule_set(path, InventorySettings())
    assert rules.inventory.interfaces
    assert compile_rules(rules)


def test_example_of_the_inventory_file_has_every_table() -> None:
    [block] = [block for page, block in _toml_blocks() if page == "inventory-file.md"]
    text = (ROOT / "docs/reference/inventory-file.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`\[\[([a-z_.]+)\]\]`", text))
    assert told == set(re.findall(r"^\[\[([a-z_.]+)\]\]$", block, re.MULTILINE))


def test_links_between_pages_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_field_has_its_section() -> None:
    text = (ROOT / "docs/reference/fields.md").read_text(encoding="utf-8")
    headings = set(re.findall(r"^### (\S+)$", text, re.MULTILINE))
    assert headings == {spec.name for spec in FIELDS}


def test_every_exit_code_is_in_the_help() -> None:
    from vpcflow.base.errors import FlowLogError

    def codes(kind: type[FlowLogError]) -> set[int]:
        return {kind.exit_code}.union(*(codes(child) for child in kind.__subclasses__()))

    help_text = CliRunner().invoke(cli, ["--help"]).output
    told = {int(number) for number in re.findall(r"\b(\d+)\b", help_text.split("Exit codes")[1])}
    unused_yet = {7}  # delivery comes with its package
    assert codes(FlowLogError) - unused_yet <= told
