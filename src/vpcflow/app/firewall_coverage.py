"""Whose every refusal our own firewall logs: read from the rules that are in force."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping

from vpcflow.base.errors import FlowLogError
from vpcflow.policy.log_prefix import LOG_PREFIX_MARK
from vpcflow.policy.nftables_apply import current

_REFUSAL = re.compile(rf'"{LOG_PREFIX_MARK}:R:([A-Za-z0-9._-]+):')


def covered_interfaces(namespaces: Iterable[str]) -> Mapping[str, frozenset[str]]:
    """By namespace the interfaces of `vpcflow firewall apply`, as the kernel has them now.

    Shape: a namespace whose rules cannot be read is left out: its actions stay unknown.
    """
    found: dict[str, frozenset[str]] = {}
    if shutil.which("nft") is None:
        return found
    for namespace in namespaces:
        try:
            text = current(namespace)
        except (FlowLogError, OSError):
            continue
        found[namespace] = interfaces_in(text)
    return found


def interfaces_in(text: str) -> frozenset[str]:
    """The interfaces whose refusals a ruleset in force logs."""
    return frozenset(_REFUSAL.findall(text))
