"""Aim: the command's outer shell. Method: run it, as a process where imports or exit codes count."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from vpcflow.app.cli.main import COMMANDS, cli

HEAVY = {"numpy", "pyarrow", "numba", "duckdb", "ibis", "pydantic", "rich", "boto3", "pyiceberg"}


def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from vpcflow.app.cli.main import main; main()", *arguments],
        capture_output=True,
        text=True,
        check=False,
        **options,  # type: ignore[call-overload]
    )


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from vpcflow.app.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(' '.join(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = set(done.stdout.splitlines()[-1].split())
    assert "click" in imported
    assert not imported & HEAVY


@pytest.mark.parametrize("name", COMMANDS)
def test_help_line_is_the_commands_own(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.get_short_help_str(limit=200) == COMMANDS[name].summary


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str) -> None:
    result = CliRunner().invoke(cli, [name, "--help"])
    assert result.exit_code == 0
    assert "Usage:" in result.output


def test_wrong_command_says_which_was_meant() -> None:
    done = run("talkrs")
    assert done.returncode == 2
    assert "did you mean talkers?" in done.stderr
    assert done.stdout == ""


def test_unknown_setting_in_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VPCFLOW_STROE__X", "1")
    done = run("config", "check")
    assert done.returncode == 3
    assert "VPCFLOW_STROE__X" in done.stderr


def test_completion_offers_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_VPCFLOW_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "vpcflow tal")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert "talkers" in run().stdout


def test_completion_script_is_for_the_shell() -> None:
    assert "_VPCFLOW_COMPLETE=bash_complete" in run("completion", "bash").stdout


def test_field_that_does_not_exist() -> None:
    done = run("fields", "srcadr")
    assert done.returncode == 12
    assert "no such field" in done.stderr
