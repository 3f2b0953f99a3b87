"""Aim: ``vpcflow firewall`` does what the file says, in the namespace that it says, and back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from firewall_router import anonymous_namespace, needs_root, run_in

from vpcflow.app.cli.main import cli
from vpcflow.base.errors import FilterError, ResourceError

pytestmark = pytest.mark.skipif(bool(needs_root()), reason=needs_root())

RULES = """
[[vpc]]
name = "main"
cidr_blocks = ["10.0.0.0/16"]
[[subnet]]
name = "public"
cidr_blocks = ["10.0.1.0/24"]
[[interface]]
name = "web"
id = "eni-0a"
subnet = "public"
addresses = ["10.0.1.10"]
security_groups = ["web"]
attachment = { device = "veth-web", namespace = "NAMESPACE", side = "port" }
[[interface]]
id = "eni-0b"
name = "elsewhere"
subnet = "public"
addresses = ["10.0.1.11"]
security_groups = ["web"]
[[security_group]]
name = "web"
[[security_group.rule]]
direction = "ingress"
protocol = "tcp"
ports = ["80", "443"]
source = "0.0.0.0/0"
"""


@pytest.fixture
def namespace() -> Iterator[str]:
    with anonymous_namespace() as path:
        yield path


@pytest.fixture
def file(tmp_path: Path, namespace: str) -> Path:
    written = tmp_path / "vpc.toml"
    written.write_text(RULES.replace("NAMESPACE", namespace))
    return written


def firewall(tmp_path: Path, *arguments: object) -> Result:
    words = ["--data", str(tmp_path / "data"), "firewall", *map(str, arguments)]
    return CliRunner().invoke(cli, words)


def test_plan_apply_remove(tmp_path: Path, namespace: str, file: Path) -> None:
    what = f"namespace {namespace}: 1 interface, 2 rules: "
    planned = firewall(tmp_path, "plan", "--file", file)
    assert planned.exit_code == 0
    assert "+\tchain eni-0a_ingress_groups {" in planned.stdout
    assert what in planned.stdout
    assert run_in(namespace, "nft list ruleset") == ""

    applied = firewall(tmp_path, "apply", "--file", file)
    assert applied.stdout.splitlines() == [
        what + "applied",
        "refused packets are logged to NFLOG group 64",
    ]
    assert "not enforced, for want of a device: eni-0b" in applied.stderr
    assert "table inet vpcflow" in run_in(namespace, "nft list ruleset")
    assert what + "in force already" in firewall(tmp_path, "plan", "--file", file).stdout
    assert what + "in force already" in firewall(tmp_path, "apply", "--file", file).stdout

    file.write_text(file.read_text().replace('"443"', '"8443"'))
    changed = firewall(tmp_path, "plan", "--file", file).stdout.splitlines()
    assert sum(line.startswith("+") and "tcp dport 8443" in line for line in changed) == 1
    assert sum(line.startswith("-") and "tcp dport 443" in line for line in changed) == 1

    removed = firewall(tmp_path, "remove", "--netns", namespace)
    assert removed.stdout == f"namespace {namespace}: removed\n"
    assert run_in(namespace, "nft list ruleset") == ""
    again = firewall(tmp_path, "remove", "--file", file)
    assert again.stdout == f"namespace {namespace}: nothing to remove\n"


def test_hits_are_counted_by_rule(tmp_path: Path, namespace: str, file: Path) -> None:
    assert firewall(tmp_path, "hits", "--netns", namespace, "--json").stdout == ""
    assert firewall(tmp_path, "apply", "--file", file).exit_code == 0
    told = firewall(tmp_path, "hits", "--file", file, "--json").stdout.splitlines()
    rules = {line["rule"]: line["packets"] for line in map(json.loads, told)}
    assert {"eni-0a/ingress/groups", "eni-0a/egress/groups"} <= rules.keys()
    assert set(rules.values()) == {0}, "never used"


def test_remove_goes_on_where_a_namespace_is_gone(
    tmp_path: Path, namespace: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert firewall(tmp_path, "apply", "--file", file).exit_code == 0
    more = """
[[interface]]
id = "eni-0c"
subnet = "public"
addresses = ["10.0.1.12"]
security_groups = ["web"]
attachment = { device = "veth-gone", namespace = "/gone/net" }
"""
    file.write_text(file.read_text().replace("[[security_group]]", f"{more}[[security_group]]"))
    monkeypatch.setenv("VPCFLOW_INVENTORY__FILE", str(file))

    removed = firewall(tmp_path, "remove")

    assert removed.stdout == f"namespace {namespace}: removed\n"
    assert isinstance(removed.exception, ResourceError)
    assert removed.exception.where == "/gone/net"
    assert run_in(namespace, "nft list ruleset") == ""


def test_rules_must_be_named(tmp_path: Path) -> None:
    refused = firewall(tmp_path, "apply")

    assert refused.exit_code == 2
    assert "Give --file" in refused.stderr


def test_explain_reads_the_file_alone(tmp_path: Path, file: Path) -> None:
    refused = firewall(tmp_path, "explain", "--file", file, "tcp 198.51.100.1 -> 10.0.1.10:22")
    assert refused.exit_code == 0
    assert refused.stdout.splitlines()[0] == "tcp 198.51.100.1:50000 -> 10.0.1.10:22"
    assert refused.stdout.splitlines()[1].startswith("REJECT: the request is refused by")

    allowed = firewall(
        tmp_path, "explain", "--json", "--file", file, "tcp", "198.51.100.1", "to", "10.0.1.10:80"
    )
    steps = [json.loads(line) for line in allowed.stdout.splitlines()]
    assert {step["verdict"] for step in steps} == {"ACCEPT"}
    assert {step["leg"] for step in steps} == {"request", "reply"}

    wrong = firewall(tmp_path, "explain", "--file", file, "tcp 198.51.100.1 -> nowhere:22")
    assert isinstance(wrong.exception, FilterError)
