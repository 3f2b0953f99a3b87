"""What `vpcflow run` says of console and endpoint: where they are and how one signs in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vpcflow.app.control_service import ControlService
    from vpcflow.app.settings import Settings


def console_lines(control: ControlService) -> list[str]:
    """The one address to open, before everything else; its link signs in once, for an hour."""
    if control.console is None:
        return [f"no console: {control.no_console}"] if control.no_console else []
    return ["", f"  console {control.console_link()}", ""]


def endpoint_lines(
    control: ControlService, settings: Settings, aws_profile: str | None
) -> list[str]:
    """The lines; a key that was just made is in them once and never again."""
    if control.no_endpoint:
        return [f"no AWS endpoint: {control.no_endpoint}"]
    key, region = control.root_key, settings.inventory.region
    lines = [f"AWS endpoint {control.url}, account {key.account_id}, region {region}"]
    if aws_profile is not None:
        from vpcflow.control.identity import write_profile

        path = Path("~/.aws/config").expanduser()
        write_profile(path, aws_profile, key, region, control.url)
        lines.append(f"its root key is in {path}: aws --profile {aws_profile} ec2 describe-vpcs")
    elif control.made_its_key:
        lines += [
            "the account's root key, shown this once (--aws-profile NAME writes a profile instead):",
            f"  export AWS_ENDPOINT_URL={control.url} AWS_DEFAULT_REGION={region}",
            f"  export AWS_ACCESS_KEY_ID={key.access_key_id}",
            f"  export AWS_SECRET_ACCESS_KEY={key.secret_access_key}",
        ]
    return lines
