"""Aim: one more account can sign in. Method: the command, and a verifier that finds its key."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from vpcflow.app.cli.main import cli
from vpcflow.base.errors import ServiceError, SettingsError
from vpcflow.control.identity import find_key
from vpcflow.control.state import Database, State

OTHER = "999988887777"


def test_an_account_is_added_once_and_listed(tmp_path: Path) -> None:
    run = CliRunner().invoke
    added = run(cli, ["--data", str(tmp_path), "account", "add", OTHER])
    assert added.exit_code == 0, added.output
    lines = dict(
        line.removeprefix("export ").split("=", 1)
        for line in added.stdout.splitlines()
        if line.startswith("export ")
    )
    key = find_key(State(Database.in_folder(tmp_path)), lines["AWS_ACCESS_KEY_ID"])
    assert key is not None
    assert (key.account_id, key.secret) == (OTHER, lines["AWS_SECRET_ACCESS_KEY"])
    assert run(cli, ["--data", str(tmp_path), "account", "list"]).output.split() == [OTHER]
    again = run(cli, ["--data", str(tmp_path), "account", "add", OTHER])
    assert isinstance(again.exception, ServiceError)
    bad = run(cli, ["--data", str(tmp_path), "account", "add", "12"])
    assert isinstance(bad.exception, SettingsError)
