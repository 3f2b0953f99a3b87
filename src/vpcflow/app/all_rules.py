"""The rules of everything that is known: what the control state holds, with the inventory file's."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from vpcflow.base.errors import FlowLogError
from vpcflow.inventory.snapshot import Inventory
from vpcflow.policy.file import read_rule_set
from vpcflow.policy.rule_set import RuleSet

if TYPE_CHECKING:
    from vpcflow.app.settings import Settings


class AllRules:
    """Gives the rules now; the same value until they change.

    Shape: what the file declares and the state does not hold is added: a host that is metered is in
    the state already, as are the file's resources then. Groups and ACLs of the file are what the
    file says, since the API cannot change them. A file that cannot be read adds nothing, and
    ``problem`` says why.
    """

    def __init__(self, settings: Settings, declared: Callable[[], RuleSet]) -> None:
        self._settings = settings.inventory
        self._declared = declared
        self._lock = threading.Lock()
        self._read: tuple[tuple[int, int], RuleSet] | None = None
        self._joined: tuple[RuleSet, RuleSet | None, RuleSet] | None = None
        self.problem = ""

    def __call__(self) -> RuleSet:
        declared = self._declared()
        with self._lock:
            file_rules = self._of_file()
            held = self._joined
            if held is None or held[0] is not declared or held[1] is not file_rules:
                joined = declared if file_rules is None else joined_rules(declared, file_rules)
                held = self._joined = (declared, file_rules, joined)
            return held[2]

    def _of_file(self) -> RuleSet | None:
        path = self._settings.file
        if path is None:
            return None
        try:
            found = path.stat()
            mark = (found.st_mtime_ns, found.st_size)
            if self._read is None or self._read[0] != mark:
                self._read = (mark, read_rule_set(path, self._settings))
        except (FlowLogError, OSError) as error:
            self.problem = str(error)
            return self._read[1] if self._read else None
        self.problem = ""
        return self._read[1]


def joined_rules(declared: RuleSet, file_rules: RuleSet) -> RuleSet:
    """What the control state holds together with what a file declares."""
    held, added = declared.inventory, file_rules.inventory
    inventory = Inventory(
        {**added.vpcs, **held.vpcs},
        {**added.subnets, **held.subnets},
        {**added.interfaces, **held.interfaces},
        {**added.instances, **held.instances},
        added.mirror_sessions,
    )
    return RuleSet(
        inventory,
        {**declared.security_groups, **file_rules.security_groups},
        {**declared.network_acls, **file_rules.network_acls},
        {**declared.prefix_lists, **file_rules.prefix_lists},
    )
