"""The inventory file as a document, and the form of its tables; TOML or JSON."""

from __future__ import annotations

import ipaddress
import json
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from vpcflow.base.errors import SettingsError
from vpcflow.inventory.network_interface import Address, AttachmentSide
from vpcflow.inventory.vpc import Network

#: A larger file is refused; 10,000 interfaces take about 2 MiB.
DOCUMENT_BYTES_MAX = 64 * 2**20
#: Tables of the same file that the policy reads.
POLICY_TABLES = frozenset({"security_group", "network_acl", "prefix_list"})
VNI_MAX = 2**24 - 1

_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")


def _text(value: object, what: str, example: str) -> str:
    """The value, which must be text: ipaddress would take a number too."""
    if isinstance(value, str):
        return value
    raise ValueError(f'{what} is a text such as "{example}"')


def _network(value: object) -> Network:
    return ipaddress.ip_network(_text(value, "a network", "10.0.0.0/16"))


def _address(value: object) -> Address:
    address = ipaddress.ip_address(_text(value, "an address", "10.0.1.5"))
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id:
        raise ValueError("an address has no zone (%...)")
    return address


def _mac(value: object) -> str:
    text = value.lower().replace("-", ":") if isinstance(value, str) else ""
    if not _MAC.fullmatch(text):
        raise ValueError("a MAC is six pairs of hex digits, 02:00:00:00:00:01")
    return text


def _id(prefix: str) -> Any:
    """Text in AWS's form of an id; how many digits is left to the owner."""
    return Field(default=None, pattern=rf"^{prefix}-[0-9A-Za-z-]+$", max_length=64)


NetworkText = Annotated[Network, BeforeValidator(_network)]
AddressText = Annotated[Address, BeforeValidator(_address)]
Name = Annotated[str, Field(max_length=255)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class VpcTable(_Table):
    """``[[vpc]]``: an id or a name, and at least one CIDR block."""

    id: str | None = _id("vpc")
    name: Name = ""
    cidr_blocks: list[NetworkText] = Field(min_length=1)
    account_id: str | None = Field(default=None, pattern=r"^[0-9]{12}$")
    region: Name | None = None
    has_reserved_addresses: bool = True


class SubnetTable(_Table):
    """``[[subnet]]``: ``vpc`` by id or name; needed only when there are several."""

    id: str | None = _id("subnet")
    name: Name = ""
    vpc: str | None = None
    cidr_blocks: list[NetworkText] = Field(min_length=1)
    az_id: Name | None = None
    network_acl: str | None = None


class InstanceTable(_Table):
    """``[[instance]]``: an id or a name."""

    id: str | None = _id("i")
    name: Name = ""


class AttachmentTable(_Table):
    """``attachment`` of an interface: the Linux device, its namespace, and which end it is."""

    device: str = Field(min_length=1, max_length=15)
    namespace: str = ""
    side: Literal["interface", "port"] = AttachmentSide.INTERFACE.value


class InterfaceTable(_Table):
    """``[[interface]]``: ``subnet``, ``instance`` and ``security_groups`` by id or name."""

    id: str | None = _id("eni")
    name: Name = ""
    subnet: str | None = None
    addresses: list[AddressText] = Field(default_factory=list)
    mac: Annotated[str, BeforeValidator(_mac)] = ""
    instance: str | None = None
    security_groups: list[str] = Field(default_factory=list)
    interface_type: str = ""
    attachment: AttachmentTable | None = None


class MirrorSessionTable(_Table):
    """``[[mirror_session]]``: the interface whose packets come with this VNI."""

    vni: int = Field(ge=0, le=VNI_MAX)
    interface: str


class InventoryDocument(_Table):
    """All tables of the file that are the inventory's."""

    vpc: list[VpcTable] = Field(default_factory=list)
    subnet: list[SubnetTable] = Field(default_factory=list)
    instance: list[InstanceTable] = Field(default_factory=list)
    interface: list[InterfaceTable] = Field(default_factory=list)
    mirror_session: list[MirrorSessionTable] = Field(default_factory=list)


def read_document(path: Path) -> dict[str, Any]:
    """The whole file, tables of the policy included, as it was parsed.

    Errors: SettingsError when it cannot be read, is too large, or is no TOML or JSON.
    """
    try:
        size = path.stat().st_size
        if size > DOCUMENT_BYTES_MAX:
            raise SettingsError(
                f"the file has {size} bytes, more than {DOCUMENT_BYTES_MAX}", where=str(path)
            )
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise SettingsError(
            "no such inventory file", where=str(path), hint="check inventory.file"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read the inventory file: {error}", where=str(path)) from error
    try:
        document = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (json.JSONDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        kind = "JSON" if path.suffix == ".json" else "TOML"
        raise SettingsError(
            f"not valid {kind}: {error}",
            where=str(path),
            hint="a file whose name ends in .json is read as JSON, any other as TOML",
        ) from error
    if not isinstance(document, dict):
        raise SettingsError(
            "the file is a list, not an object",
            where=str(path),
            hint='write {"vpc": [...], "subnet": [...]}',
        )
    return document


def place(path: str, table: str, index: int, name: str = "") -> str:
    """Where an entry stands, as errors say it: file, table, its number, its name."""
    return f"{path}: [[{table}]] number {index + 1}" + (f" ({name})" if name else "")


def parse_document(document: dict[str, Any], path: str) -> InventoryDocument:
    """The inventory's tables, each key checked; the policy's are left out.

    Errors: SettingsError that names file, table, key and what is wrong with it.
    """
    own = {key: value for key, value in document.items() if key not in POLICY_TABLES}
    try:
        return InventoryDocument.model_validate(own)
    except ValidationError as error:
        raise _settings_error(error, own, path) from error


def _settings_error(error: ValidationError, document: dict[str, Any], path: str) -> SettingsError:
    first = error.errors()[0]
    place_parts = first["loc"]
    table = str(place_parts[0])
    where, parts = path, place_parts
    model: type[BaseModel] = InventoryDocument
    if len(place_parts) > 1 and isinstance(place_parts[1], int):
        index = place_parts[1]
        entry = document[table][index]
        name = entry.get("name") or entry.get("id") if isinstance(entry, dict) else None
        where, parts = place(path, table, index, str(name or "")), place_parts[2:]
        model = _TABLES[table]
        if parts and parts[0] == "attachment" and len(parts) > 1:
            model = AttachmentTable
    # A position in a list comes without the names that pydantic gives to the members of a union.
    key = ".".join(str(part) for part in parts if part not in ("IPv4Network", "IPv6Network"))
    if first["type"] == "extra_forbidden":
        known = ", ".join(sorted(model.model_fields))
        return SettingsError(f"{key}: no such key", where=where, hint=f"known are {known}")
    if first["type"] == "missing":
        return SettingsError(f"{key}: is missing", where=where)
    if first["type"] == "string_pattern_mismatch":
        form = first.get("ctx", {}).get("pattern")
        return SettingsError(f"{key}: {first['input']!r} has not the form {form}", where=where)
    message = first["msg"].removeprefix("Value error, ")
    return SettingsError(f"{key}: {message}" if key else message, where=where)


_TABLES: dict[str, type[BaseModel]] = {
    "vpc": VpcTable,
    "subnet": SubnetTable,
    "instance": InstanceTable,
    "interface": InterfaceTable,
    "mirror_session": MirrorSessionTable,
}
