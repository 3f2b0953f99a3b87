"""Aim: without metering the inventory file counts as well, and one that is wrong is told at once.

Method: the service runs in this process on free ports, and ends by the signal that ends it.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from vpcflow.app.control_service import ControlService
from vpcflow.app.endpoint_alone import serve_alone
from vpcflow.app.settings import Settings
from vpcflow.base.errors import SettingsError

FILE = """
[[vpc]]
name = "shop"
cidr_blocks = ["10.0.0.0/16"]

[[subnet]]
name = "public"
cidr_blocks = ["10.0.1.0/24"]

[[interface]]
id = "eni-0a1b2c3d4e5f60718"
name = "web"
addresses = ["10.0.1.10"]
security_groups = ["web"]

[[security_group]]
name = "web"
{more}
"""


def _settings(folder: Path, more: str = "") -> Settings:
    path = folder / "network.toml"
    path.write_text(FILE.format(more=more))
    settings = Settings(data=folder / "data")
    return settings.model_copy(
        update={
            "api": settings.api.model_copy(update={"port": 0}),
            "console": settings.console.model_copy(update={"port": 0}),
            "inventory": settings.inventory.model_copy(update={"file": path}),
        }
    )


def test_resources_of_the_file_are_known_to_the_api(tmp_path: Path) -> None:
    interfaces: list[str] = []
    groups: set[str] = set()

    def serving(control: ControlService) -> None:
        rules = control.plane.network.declared_rules()
        interfaces.extend(rules.inventory.interfaces)
        groups.update(one.name for one in rules.security_groups.values())
        os.kill(os.getpid(), signal.SIGTERM)

    serve_alone(_settings(tmp_path), serving)
    assert interfaces == ["eni-0a1b2c3d4e5f60718"]
    assert "web" in groups


def test_a_file_that_is_wrong_ends_the_start(tmp_path: Path) -> None:
    def serving(control: ControlService) -> None:
        pytest.fail("it serves without what the file was to say")

    with pytest.raises(SettingsError, match="no such key"):
        serve_alone(_settings(tmp_path, 'colour = "red"'), serving)
