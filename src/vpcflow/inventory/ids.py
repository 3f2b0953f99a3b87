"""Ids in AWS's form, made of facts that stay, so that a restart finds the same ones.

What makes an interface another interface: another network namespace, device name or MAC at the
time it is first seen. Addresses, the ifindex and the order of appearance are no part of the id, so
an interface that changes address, or is seen again after a restart, keeps it. Of 10,000
short-lived devices of one name, each with a random MAC (veth, tap, macvlan), each is an interface
of its own; a device without a MAC (tun, WireGuard) that goes and comes back under its name is the
same interface, as a VPN that reconnects is. The ifindex would make it another one at every boot.
A bridge or a bond borrows the MAC of one of its ports, so its MAC is left out.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from enum import StrEnum
from pathlib import Path

from vpcflow.base.errors import StoreError

MACHINE_ID_FILE = Path("/etc/machine-id")
#: Name of the file in the data folder that stands in for a missing machine id.
OWN_MACHINE_ID_FILE = "machine-id"
ID_DIGITS = 17
#: Kinds of devices whose MAC is one of their ports', and changes with these.
BORROWED_MAC_KINDS = frozenset({"bridge", "bond", "team"})


class IdKind(StrEnum):
    """What an id names; the value is AWS's prefix."""

    VPC = "vpc"
    SUBNET = "subnet"
    INTERFACE = "eni"
    INSTANCE = "i"
    SECURITY_GROUP = "sg"
    SECURITY_GROUP_RULE = "sgr"
    NETWORK_ACL = "acl"
    PREFIX_LIST = "pl"


def make_id(kind: IdKind, origin: str, *facts: str) -> str:
    """The id of a thing: the same facts of the same origin give the same id.

    Shape: ``origin`` is the machine's id, or a word that is the same on every machine for what a
    file declares; ``facts`` are the things that make it what it is, in a fixed order.
    """
    digest = hashlib.blake2b(digest_size=16)
    for part in (kind.value, origin, *facts):
        data = part.encode()
        # The length in front keeps ("ab", "c") and ("a", "bc") apart.
        digest.update(len(data).to_bytes(4, "big"))
        digest.update(data)
    return f"{kind.value}-{digest.hexdigest()[:ID_DIGITS]}"


def interface_facts(namespace: str, device: str, mac: str, kind: str = "") -> tuple[str, str, str]:
    """What makes a Linux device the interface that it is: namespace, name and its own MAC."""
    return namespace, device, "" if kind in BORROWED_MAC_KINDS else mac


def machine_id(data_folder: Path | None, system_file: Path = MACHINE_ID_FILE) -> str:
    """The id of this machine: the system's, else a random one that the data folder keeps.

    Shape: 32 hex digits. Without either the id is made of the host's name.
    Errors: StoreError when the data folder cannot be written.
    """
    found = _read_machine_id(system_file)
    if found:
        return found
    if data_folder is None:
        return hashlib.blake2b(os.uname().nodename.encode(), digest_size=16).hexdigest()
    path = data_folder / OWN_MACHINE_ID_FILE
    kept = _read_machine_id(path)
    if kept:
        return kept
    made = secrets.token_hex(16)
    try:
        data_folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}")
        part.write_text(f"{made}\n", encoding="ascii")
        part.replace(path)
    except OSError as error:
        raise StoreError(
            f"cannot keep the machine's id: {error.strerror}",
            where=str(path),
            hint="check the permissions of the data folder",
        ) from error
    return made


def _read_machine_id(path: Path) -> str:
    """The id in the file; empty when there is none, or none yet (systemd: ``uninitialized``)."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    is_id = len(text) == 32 and all(digit in "0123456789abcdef" for digit in text)
    return text if is_id else ""
