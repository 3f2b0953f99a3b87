"""The policy's tables of the inventory file, each key checked: their form, and messages."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from vpcflow.base.errors import SettingsError
from vpcflow.inventory.sources.document import POLICY_TABLES, place
from vpcflow.inventory.vpc import Network
from vpcflow.policy.network_acl import RULE_NUMBER_LAST
from vpcflow.policy.protocols import PROTOCOL_NAMES, PROTOCOL_NUMBERS
from vpcflow.policy.security_group import PORT_MAX, PROTOCOL_ALL

#: More rules of one group, entries of one ACL or networks of one list are refused.
RULES_MAX = 10_000

PortRange = tuple[int, int]


def _listed(value: object) -> object:
    return value if isinstance(value, list) else [value]


def _protocol(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and PROTOCOL_ALL <= value <= 255:
        return value
    text = value.lower() if isinstance(value, str) else ""
    if text in {"all", "-1"}:
        return PROTOCOL_ALL
    if text in PROTOCOL_NUMBERS:
        return PROTOCOL_NUMBERS[text]
    if text.isascii() and text.isdigit() and int(text) <= 255:
        return int(text)
    names = ", ".join(sorted(PROTOCOL_NAMES.values()))
    raise ValueError(f"{value!r} is no protocol; write all, {names}, or a number from 0 to 255")


def _ports(value: object) -> PortRange:
    text = str(value).strip() if isinstance(value, str | int) else ""
    if text == "all":
        return 0, PORT_MAX
    first, dash, last = text.partition("-")
    ends = [end.strip() for end in ((first, last) if dash else (first, first))]
    if not all(end.isascii() and end.isdigit() and int(end) <= PORT_MAX for end in ends):
        raise ValueError(f'{value!r} is no port; write "443", "1024-{PORT_MAX}" or "all"')
    low, high = (int(end) for end in ends)
    if low > high:
        raise ValueError(f"{value!r} runs backwards; write {high}-{low}")
    return low, high


def _network(value: object) -> Network:
    if not isinstance(value, str):
        raise ValueError('a network is a text such as "10.0.0.0/16"')  # noqa: TRY004
    return ip_network(value)


PortText = Annotated[PortRange, BeforeValidator(_ports)]
NetworkText = Annotated[Network, BeforeValidator(_network)]
ProtocolText = Annotated[int, BeforeValidator(_protocol)]
Peers = Annotated[list[Annotated[str, Field(min_length=1)]], BeforeValidator(_listed)]
Networks = Annotated[list[NetworkText], BeforeValidator(_listed)]


def _id(prefix: str) -> Any:
    return Field(default=None, pattern=rf"^{prefix}-[0-9A-Za-z-]+$", max_length=64)


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _ServiceTable(_Table):
    """What a rule and an entry share: direction, protocol, ports or ICMP type."""

    direction: Literal["ingress", "egress"]
    protocol: ProtocolText = PROTOCOL_ALL
    ports: Annotated[list[PortText], BeforeValidator(_listed)] | None = None
    icmp_type: int | None = Field(default=None, ge=-1, le=255, strict=True)
    icmp_code: int | None = Field(default=None, ge=-1, le=255, strict=True)


class RuleTable(_ServiceTable):
    """``[[security_group.rule]]``."""

    id: str | None = _id("sgr")
    source: Peers | None = None
    destination: Peers | None = None
    peer: Peers | None = None
    description: str = Field(default="", max_length=255)


class SecurityGroupTable(_Table):
    """``[[security_group]]``."""

    id: str | None = _id("sg")
    name: str = Field(default="", max_length=255)
    vpc: str | None = None
    rule: list[RuleTable] = Field(default_factory=list, max_length=RULES_MAX)


class EntryTable(_ServiceTable):
    """``[[network_acl.entry]]``."""

    rule_number: int = Field(ge=1, lt=RULE_NUMBER_LAST, strict=True)
    action: Literal["allow", "deny"]
    source: Networks | None = None
    destination: Networks | None = None
    peer: Networks | None = None


class NetworkAclTable(_Table):
    """``[[network_acl]]``."""

    id: str | None = _id("acl")
    name: str = Field(default="", max_length=255)
    vpc: str | None = None
    subnets: Annotated[list[str], BeforeValidator(_listed)] = Field(default_factory=list)
    entry: list[EntryTable] = Field(default_factory=list, max_length=RULES_MAX)


class PrefixListTable(_Table):
    """``[[prefix_list]]``."""

    id: str | None = _id("pl")
    name: str = Field(default="", max_length=255)
    cidrs: Networks = Field(max_length=RULES_MAX)


class PolicyDocument(_Table):
    """All tables of the file that are the policy's."""

    security_group: list[SecurityGroupTable] = Field(default_factory=list)
    network_acl: list[NetworkAclTable] = Field(default_factory=list)
    prefix_list: list[PrefixListTable] = Field(default_factory=list)


_MODELS: dict[str, type[BaseModel]] = {
    "security_group": SecurityGroupTable,
    "security_group.rule": RuleTable,
    "network_acl": NetworkAclTable,
    "network_acl.entry": EntryTable,
    "prefix_list": PrefixListTable,
}
#: What pydantic puts between the parts of a place and nobody wrote.
_TYPE_PARTS = frozenset({"IPv4Network", "IPv6Network"})


def parse_policy(document: dict[str, Any], path: str) -> PolicyDocument:
    """The policy's tables of a document that ``read_document`` gave; others are left out.

    Errors: SettingsError that names file, table, the rule's number, the key and what to do.
    """
    own = {key: value for key, value in document.items() if key in POLICY_TABLES}
    try:
        return PolicyDocument.model_validate(own)
    except ValidationError as error:
        raise _settings_error(error, own, path) from error


def rule_place(where: str, table: str, index: int) -> str:
    """Where a rule stands: the place of its group or ACL, and its number there."""
    return f"{where}, [[{table}]] number {index + 1}"


def _settings_error(error: ValidationError, document: dict[str, Any], path: str) -> SettingsError:
    first = error.errors()[0]
    parts = [part for part in first["loc"] if part not in _TYPE_PARTS]
    table, where = str(parts.pop(0)), path
    if parts and isinstance(parts[0], int):
        entry = document[table][parts[0]]
        name = (entry.get("name") or entry.get("id")) if isinstance(entry, dict) else ""
        where = place(path, table, int(parts.pop(0)), str(name or ""))
        inner = f"{table}.{parts[0]}" if parts else ""
        if inner in _MODELS and len(parts) > 1 and isinstance(parts[1], int):
            table = inner
            where = rule_place(where, inner, parts[1])
            del parts[:2]
    key = ".".join(
        str(part + 1) if isinstance(part, int) else part
        for part in parts
        if isinstance(part, int) or not part.startswith("function-")
    )
    what, hint = first["msg"].removeprefix("Value error, "), ""
    if first["type"] == "extra_forbidden":
        what, hint = "no such key", f"known are {', '.join(sorted(_MODELS[table].model_fields))}"
    elif first["type"] == "missing":
        what = "is missing"
    elif first["type"] == "string_pattern_mismatch":
        what = f"{first['input']!r} has not the form {first.get('ctx', {}).get('pattern')}"
    return SettingsError(f"{key}: {what}" if key else what, where=where, hint=hint)
