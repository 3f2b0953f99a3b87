"""How a rule that refused is written in ``reject_rule``, in log prefixes and in explanations.

``acl-.../100`` is a numbered entry, ``acl-.../*`` the last one. A security group has no rule that
refuses: ``sg-...`` names the group that did not allow it, ``sg-...+2`` the first of three.
"""

from __future__ import annotations

from collections.abc import Sequence

from vpcflow.policy.network_acl import RULE_NUMBER_LAST


def acl_entry_text(network_acl_id: str, rule_number: int) -> str:
    """An entry of an ACL; the last entry is ``*``."""
    shown = "*" if rule_number >= RULE_NUMBER_LAST else str(rule_number)
    return f"{network_acl_id}/{shown}"


def group_rule_text(group_id: str, rule_id: str) -> str:
    """A rule of a security group."""
    return f"{group_id}/{rule_id}"


def groups_text(group_ids: Sequence[str]) -> str:
    """The groups of an interface of which none has a rule that allows: the first, and how many more."""
    more = len(group_ids) - 1
    return f"{group_ids[0]}+{more}" if more > 0 else group_ids[0]
