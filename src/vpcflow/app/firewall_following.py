"""Keeps the rules that are in force as the control plane has them, while `vpcflow run` runs.

Where it does so:

* A namespace in which our table is in force already, because somebody ran `vpcflow firewall apply`
  (or the lab did): all interfaces that are attached there, and the table stays when the run ends.
  Unless the table names interfaces that the control plane never heard of: then it is somebody
  else's and stays as it is.
* Any other namespace in which the API attached an interface whose rules are to be enforced: these
  interfaces and no others. Such a table says in its comment that it is the run's; it goes with the
  last attachment and when the run ends, and the next run takes it up, or away, after a kill.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass

from vpcflow.app.attached_rules import attached_rules, enforceable_rules
from vpcflow.app.firewall_coverage import interfaces_in
from vpcflow.base.clock import Clock
from vpcflow.base.errors import CaptureError, FlowLogError, ResourceError
from vpcflow.policy import nftables_apply
from vpcflow.policy.nftables import (
    OWNER_MARK,
    RUN_OWNER_MARK,
    CompiledRuleset,
    NftablesOptions,
    compile_namespace,
)
from vpcflow.policy.nftables_chains import LogTarget
from vpcflow.policy.rule_set import RuleSet

#: After how long a namespace is tried again in which something went wrong.
RETRY_S = 5.0

#: Numbers of a namespace and of its ruleset: other numbers, another ruleset.
Mark = tuple[int, int]


@dataclass(frozen=True)
class _Table:
    """Our table in a namespace, as it was last read; ``text`` is empty when there is none.

    Shape: ``script`` is known to be the same; ``enforced`` are the interfaces under its rules.
    """

    mark: Mark
    text: str
    script: str = ""
    enforced: frozenset[str] = frozenset()

    @property
    def owner(self) -> str:
        """Whose it is."""
        return nftables_apply.owner_mark(self.text)


class FirewallFollowing:
    """Puts rules in force in the namespaces that are metered.

    Shape: for one thread at a time, which waits for nft; ``problems`` and ``enforced`` may be read
    by any.
    """

    def __init__(self, log: LogTarget, clock: Clock) -> None:
        self._log = log
        self._clock = clock
        self._tables: dict[str, _Table] = {}
        self._put: dict[str, set[str]] = {}
        self._retry_s: dict[str, float] = {}
        #: What went wrong, by namespace; it is tried again.
        self.problems: Mapping[str, str] = {}
        #: Interfaces under the rules that are in force.
        self.enforced: frozenset[str] = frozenset()
        #: Namespaces whose table is somebody else's.
        self.foreign: frozenset[str] = frozenset()

    def follow(
        self, rules: RuleSet, attached: Mapping[str, bool], namespaces: Mapping[str, Mark]
    ) -> None:
        """Bring every namespace that is metered up to date.

        Shape: ``attached`` as ``NetworkService.attached_interfaces``.
        """
        wanted = {
            attachment.namespace
            for key, is_enforced in attached.items()
            if is_enforced
            and (interface := rules.inventory.interfaces.get(key)) is not None
            and (attachment := interface.attachment) is not None
        }
        if shutil.which("nft") is None and not wanted:
            return
        for gone in self._tables.keys() - namespaces.keys():
            self._forget(gone)
        problems, now_s = dict(self.problems), self._clock.monotonic_s()
        for gone in problems.keys() - namespaces.keys():
            del problems[gone]
        for namespace, mark in namespaces.items():
            if now_s < self._retry_s.get(namespace, 0.0):
                continue
            try:
                self._follow(namespace, mark, rules, attached, is_wanted=namespace in wanted)
            except (FlowLogError, OSError) as error:
                self._retry_s[namespace] = now_s + RETRY_S
                # Where nothing of ours is to be in force, nobody needs to know.
                if namespace in wanted or namespace in self._put:
                    problems[namespace] = str(error)
            else:
                problems.pop(namespace, None)
                self._retry_s.pop(namespace, None)
        self.problems = problems
        self.enforced = frozenset().union(*(table.enforced for table in self._tables.values()))

    def close(self) -> dict[str, str]:
        """Take back what is in force for this run alone; what could not be taken back, and why."""
        failed = {}
        for namespace, table in self._tables.items():
            if table.owner != RUN_OWNER_MARK:
                continue
            try:
                nftables_apply.remove(namespace)
            except (FlowLogError, OSError) as error:
                failed[namespace] = str(error)
        self._tables.clear()
        return failed

    def _follow(
        self,
        namespace: str,
        mark: Mark,
        rules: RuleSet,
        attached: Mapping[str, bool],
        *,
        is_wanted: bool,
    ) -> None:
        table = self._tables.get(namespace)
        if table is None or table.mark != mark:
            table = self._read(namespace, mark, table)
        is_everyone = table.owner == OWNER_MARK
        if is_everyone and self._is_foreign(namespace, table, rules):
            if is_wanted:
                raise ResourceError(
                    "the rules in force are of interfaces that the control plane does not know",
                    where=f"namespace {namespace}" if namespace else "",
                    hint="`vpcflow firewall remove` takes them away, `apply` puts these in place",
                )
            return
        if is_everyone or is_wanted:
            compiled = self._compiled(namespace, rules, attached, is_everyone=is_everyone)
            self._bring(namespace, table, compiled)
        elif table.owner == RUN_OWNER_MARK:
            nftables_apply.remove(namespace)
            self._tables[namespace] = _Table(mark, "")

    def _read(self, namespace: str, mark: Mark, before: _Table | None) -> _Table:
        text = nftables_apply.current(namespace)
        if before is not None and before.text == text:
            # Another program's rules have changed, or this is what was just put in force.
            table = _Table(mark, text, before.script, before.enforced)
        else:
            table = _Table(mark, text)
        self._tables[namespace] = table
        return table

    def _is_foreign(self, namespace: str, table: _Table, rules: RuleSet) -> bool:
        known = rules.inventory.interfaces.keys() | self._put.get(namespace, set())
        is_foreign = not interfaces_in(table.text) <= known
        self.foreign = (self.foreign - {namespace}) | ({namespace} if is_foreign else set())
        return is_foreign

    def _compiled(
        self,
        namespace: str,
        rules: RuleSet,
        attached: Mapping[str, bool],
        *,
        is_everyone: bool,
    ) -> CompiledRuleset:
        chosen = (enforceable_rules if is_everyone else attached_rules)(rules, attached)
        owner = OWNER_MARK if is_everyone else RUN_OWNER_MARK
        return compile_namespace(chosen, namespace, NftablesOptions(self._log, owner_mark=owner))

    def _bring(self, namespace: str, table: _Table, compiled: CompiledRuleset) -> None:
        """Put a ruleset in force unless it is; counts of rules begin anew only where it was not."""
        if table.script == compiled.script:
            return
        text = table.text
        if not (text and _is_in_force(compiled.script, text)):
            nftables_apply.put(compiled.script, namespace)
            text = nftables_apply.current(namespace)
        self._put.setdefault(namespace, set()).update(compiled.interfaces)
        self._tables[namespace] = _Table(
            table.mark, text, compiled.script, frozenset(compiled.interfaces)
        )

    def _forget(self, namespace: str) -> None:
        del self._tables[namespace]
        self._put.pop(namespace, None)
        self._retry_s.pop(namespace, None)
        self.foreign -= {namespace}


def remove_left_behind(interface_id: str, namespace: str) -> bool:
    """Take back rules of a run that was killed, which end with their last interface.

    Shape: True when they went; False when there are none, or other interfaces are under them.
    Errors: CaptureError when that is not allowed, ResourceError when there is no such namespace.
    """
    text = nftables_apply.current(namespace)
    is_left = nftables_apply.owner_mark(text) == RUN_OWNER_MARK
    if not is_left or interfaces_in(text) != {interface_id}:
        return False
    return nftables_apply.remove(namespace)


def _is_in_force(script: str, text: str) -> bool:
    try:
        return nftables_apply.is_in_force(script, text)
    except CaptureError:
        # Without the right to try it in a namespace of its own, it is put in force once more.
        return False
