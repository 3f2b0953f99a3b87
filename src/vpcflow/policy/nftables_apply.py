"""Applies, compares and removes the compiled ruleset of a network namespace, by the program ``nft``.

Only the table ``inet vpcflow`` is ever touched, and only if its comment says that it is ours. A
script takes effect as a whole or not at all.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

from vpcflow.base.errors import CaptureError, FlowLogError, ResourceError
from vpcflow.inventory.sources.network_namespace import namespace_path
from vpcflow.policy.nftables import OWNER_MARK, RUN_OWNER_MARK, TABLE_FAMILY, TABLE_NAME

#: The longest that nft may take; a ruleset of a thousand interfaces takes about a second.
NFT_SECONDS_MAX = 60.0

_TABLE = (TABLE_FAMILY, TABLE_NAME)
_ABSENT = "No such file or directory"
_COMMENT = re.compile(r'comment "([^"]*)"')
_PLACE = f"table {TABLE_FAMILY} {TABLE_NAME}"


class RuleHits(NamedTuple):
    """What one rule's counter has counted since the ruleset was applied. Units: packets, bytes."""

    rule: str
    packets: int
    bytes: int


def apply(script: str, namespace: str = "") -> bool:
    """Put a compiled ruleset in force, in one transaction; False when it was in force already.

    Errors: ResourceError for a namespace that is not there or a table that is not ours,
    CaptureError when nft is missing, not allowed, or refuses the script.
    """
    if not plan(script, namespace):
        return False
    check(script, namespace)
    put(script, namespace)
    return True


def put(script: str, namespace: str = "") -> None:
    """Put a compiled ruleset in force, in one transaction, whatever is in force; counts begin anew.

    Errors: as ``apply``.
    """
    _is_there(namespace)
    _run(["-f", "-"], namespace, script)


def check(script: str, namespace: str = "") -> None:
    """Ask the kernel whether it would take the script; changes nothing.

    Errors: as ``apply``.
    """
    _is_there(namespace)
    _run(["-c", "-f", "-"], namespace, script)


def remove(namespace: str = "") -> bool:
    """Delete our table; False when there is none. Connections that it allowed go on.

    Errors: as ``apply``.
    """
    if not _is_there(namespace):
        return False
    _run(["delete", "table", *_TABLE], namespace)
    return True


def current(namespace: str = "") -> str:
    """The ruleset in force, as nft prints it without counts; empty when there is none.

    Errors: as ``apply``.
    """
    if not _is_there(namespace):
        return ""
    return _run(["-s", "list", "table", *_TABLE], namespace)


def owner_mark(text: str) -> str:
    """The comment of a ruleset in force, as ``current`` gives it; empty for none."""
    first = text.splitlines()[1:2]
    found = _COMMENT.fullmatch(first[0].strip()) if first else None
    return found[1] if found else ""


def is_in_force(script: str, text: str) -> bool:
    """Whether a script would change nothing of a ruleset, as ``current`` gives it, but its order.

    Shape: chains may stand in another order, and what allows may within one: verdicts are the same.
    Errors: as ``apply``; CaptureError also without the right to make a network namespace.
    """
    return _parts(_canonical(script)) == _parts(text)


def plan(script: str, namespace: str = "") -> str:
    """What applying the script would change, as a unified diff; empty when nothing.

    Both sides are in nft's own words: the script is loaded into an empty network namespace that
    ends with this call, and read back.
    Errors: as ``apply``.
    """
    before = current(namespace)
    after = _canonical(script)
    lines = difflib.unified_diff(
        before.splitlines(),
        after.splitlines(),
        "in force",
        "to be applied",
        lineterm="",
        n=1,
    )
    return "\n".join(lines)


def hits(namespace: str = "") -> list[RuleHits]:
    """What each rule has counted since the ruleset was applied; no rules when there is none.

    Errors: as ``apply``.
    """
    if not _is_there(namespace):
        return []
    listed: dict[str, Any] = json.loads(
        _run(["-j", "list", "counters", "table", *_TABLE], namespace)
    )
    return [
        RuleHits(found["name"], found["packets"], found["bytes"])
        for item in listed["nftables"]
        if (found := item.get("counter"))
    ]


def _is_there(namespace: str) -> bool:
    """Whether our table is there.

    Errors: ResourceError when a table of this name is not ours.
    """
    tables = _run(["-j", "list", "tables"], namespace)
    if not any(
        (table := item.get("table")) and (table["family"], table["name"]) == _TABLE
        for item in json.loads(tables)["nftables"]
    ):
        return False
    # The table's own comment is its first line; those of its parts come later.
    mark = owner_mark(_run(["-t", "-s", "list", "table", *_TABLE], namespace))
    if mark not in (OWNER_MARK, RUN_OWNER_MARK):
        raise ResourceError(
            "there is a table of this name that vpcflow did not make; it stays as it is",
            where=_where(namespace, _PLACE),
            hint=f"rename it, or delete it yourself: nft delete {_PLACE}",
        )
    return True


def _parts(text: str) -> dict[str, list[str]]:
    """The lines of a printed ruleset by the set, counter or chain that they stand in."""
    parts: dict[str, list[str]] = {}
    inside: list[str] = []
    for line in text.splitlines():
        if line.endswith("{"):
            inside = parts.setdefault(line.strip(), [])
        else:
            inside.append(line.strip())
    return {name: sorted(lines) for name, lines in parts.items()}


def _canonical(script: str) -> str:
    command = ["unshare", "--net", "sh", "-c", f"nft -f - && nft -s list {_PLACE}"]
    return _execute(command, "", script)


def _run(arguments: Sequence[str], namespace: str, script: str | None = None) -> str:
    return _execute([*_enter(namespace), "nft", *arguments], namespace, script)


def _enter(namespace: str) -> list[str]:
    if not namespace:
        return []
    path = namespace_path(namespace)
    if not path.exists():
        raise ResourceError(
            "no such network namespace",
            where=namespace,
            hint="`ip netns list` shows the names; a path such as /proc/4711/ns/net works too",
        )
    return ["nsenter", f"--net={path}"]


def _execute(command: list[str], namespace: str, script: str | None) -> str:
    for program, package in (("nft", "nftables"), (command[0], "util-linux")):
        if shutil.which(program) is None:
            raise CaptureError(
                f"the program {program} is missing",
                where="firewall",
                hint=f"install the package {package}",
            )
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program; the script goes in as its input
            command,
            input=script,
            capture_output=True,
            text=True,
            timeout=NFT_SECONDS_MAX,
            check=False,
            # What it says is read, so it has to say it in English.
            env={**os.environ, "LC_ALL": "C"},
        )
    except subprocess.TimeoutExpired as error:
        raise CaptureError(
            f"nft did not end within {NFT_SECONDS_MAX:.0f} s", where=_where(namespace, _PLACE)
        ) from error
    if done.returncode:
        raise _error_of(done.stderr, namespace)
    return done.stdout


def _error_of(said: str, namespace: str) -> FlowLogError:
    where = _where(namespace, _PLACE)
    first = next((line for line in said.splitlines() if line.strip()), "nft failed")
    if "Operation not permitted" in said or "must be root" in said or "Permission denied" in said:
        return CaptureError(
            "changing and reading the firewall needs root or CAP_NET_ADMIN",
            where=where,
            hint=shlex.join(["sudo", *sys.argv]),
        )
    if any(text in said for text in ("not supported", _ABSENT, "Protocol error")):
        return CaptureError(
            f"the kernel refused the ruleset: {first}",
            where=where,
            hint="it needs the modules nf_tables, nft_ct, nft_log and nfnetlink_log "
            "(modprobe -a nf_tables nft_ct nft_log nfnetlink_log)",
        )
    return CaptureError(f"nft refused the ruleset: {first}", where=where)


def _where(namespace: str, place: str) -> str:
    return f"namespace {namespace}, {place}" if namespace else place
