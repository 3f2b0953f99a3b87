"""Settings of the inventory: whose account, which region, which devices and namespaces."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

#: The entry of ``namespaces`` that means every named namespace, also later ones.
ALL_NAMESPACES = "*"


#: The region of AWS's tools when none is named.
DEFAULT_REGION = "us-east-1"


def _default_region() -> str:
    """AWS's clients beside us look for resources in the region that these name."""
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or DEFAULT_REGION


class InventorySettings(BaseModel):
    """What the host's interfaces belong to, and which of them count."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    account_id: str = Field(
        default="000000000000",
        pattern=r"^[0-9]{12}$",
        description="Account that owns everything without an owner of its own; twelve digits, as "
        "AWS's tools expect. The default is no one's account at AWS.",
    )
    region: str = Field(
        default_factory=_default_region,
        min_length=1,
        max_length=64,
        description="Region in which AWS's clients find this host's VPC and interfaces. The "
        "default is that of AWS_REGION or AWS_DEFAULT_REGION, else us-east-1.",
    )
    az_id: str = Field(
        default="local-az1",
        min_length=1,
        max_length=64,
        description="Availability zone id of subnets without one of their own.",
    )
    vpc_name: str = Field(
        default="default",
        min_length=1,
        max_length=255,
        description="Name of the VPC that holds the host's interfaces.",
    )
    include_devices: tuple[str, ...] = Field(
        default=("*",),
        max_length=1000,
        description="Patterns of the devices that are interfaces, in every namespace: `eth*`.",
    )
    exclude_devices: tuple[str, ...] = Field(
        default=("lo",),
        max_length=1000,
        description="Patterns of the devices that are not, although included. A device that the "
        "inventory file names is one in any case.",
    )
    own_namespace: bool = Field(
        default=True,
        description="Whether devices of the namespace that vpcflow runs in are interfaces.",
    )
    namespaces: tuple[str, ...] = Field(
        default=(),
        max_length=10_000,
        description="Other network namespaces: names as in `ip netns`, paths such as "
        "/proc/4711/ns/net, or `*` for all named ones, also those that appear later.",
    )
    later_namespaces: bool = Field(
        default=True,
        description="Whether interfaces in other network namespaces may be attached while it runs; "
        "keeps CAP_SYS_ADMIN in the capture's threads.",
    )
    file: Path | None = Field(
        default=None,
        description="Inventory file, TOML or JSON: VPCs, subnets, interfaces and their devices.",
    )

    def wants_device(self, name: str) -> bool:
        """Whether a device of this name is an interface."""
        return any(fnmatchcase(name, pattern) for pattern in self.include_devices) and not any(
            fnmatchcase(name, pattern) for pattern in self.exclude_devices
        )
