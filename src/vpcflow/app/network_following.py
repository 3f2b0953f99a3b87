"""Joins the network that the API shows with the host that is metered, while `vpcflow run` runs.

The host's interfaces, and what the inventory file declares, become the API's resources; what the
API made and attached is declared to the capture; the rules of both are judged by and put in force.
Nothing of it happens on the capture's thread but taking over what was made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vpcflow.app.firewall_following import FirewallFollowing
from vpcflow.base.clock import Clock
from vpcflow.base.errors import FlowLogError
from vpcflow.capture.policy_judge import PolicyJudge
from vpcflow.inventory.snapshot import Inventory
from vpcflow.policy.nftables_chains import LogTarget
from vpcflow.policy.resolve import compile_rules
from vpcflow.policy.rule_set import RuleSet

if TYPE_CHECKING:
    from vpcflow.app.settings import Settings
    from vpcflow.capture.live_capture import LiveCapture
    from vpcflow.capture.observation_point import ObservationPoint
    from vpcflow.control.network import NetworkService
    from vpcflow.inventory.sources.linux_netlink import LinuxInventory

#: How often both sides are compared at most.
LOOK_S = 1.0
#: Of the time, comparing takes this part at most: between two comparisons is so much more.
LOOK_PART = 4
#: Attachments that the status tells by name.
ATTACHMENTS_TOLD_MAX = 1_000


@dataclass(frozen=True)
class _Look:
    """What one comparison found; ``declared`` is what the API made."""

    declared: Inventory
    rules: RuleSet
    attached: Mapping[str, bool]
    took_s: float


def merged(base: Inventory, declared: Inventory) -> Inventory:
    """What the inventory file declares together with what the API made.

    Shape: where both have an id, the file says what it is. A device that both attach an interface
    to is the API's, which came later.
    """
    return Inventory(
        {**declared.vpcs, **base.vpcs},
        {**declared.subnets, **base.subnets},
        # The last one that is attached to a device has it.
        {
            **{key: one for key, one in base.interfaces.items() if key not in declared.interfaces},
            **{key: base.interfaces.get(key, one) for key, one in declared.interfaces.items()},
        },
        {**declared.instances, **base.instances},
        base.mirror_sessions,
    )


class NetworkFollowing:
    """Keeps API and capture at one, from ``begin`` to ``close``.

    Shape: ``round`` is called some times a second by the capture's thread and never waits. At most
    one comparison and one change of rules are under way. ``judge`` follows the rules.
    Errors: ``begin`` raises StoreError when the database says no; later this is told as a problem
    and tried again.
    """

    def __init__(
        self,
        settings: Settings,
        network: NetworkService,
        inventory: LinuxInventory,
        live: LiveCapture,
        file_rules: RuleSet | None,
        *,
        clock: Clock,
        problem: Callable[[str], None],
    ) -> None:
        self._network = network
        self._inventory = inventory
        self._live = live
        self._file_rules = file_rules
        self._base = file_rules.inventory if file_rules else Inventory()
        self._clock = clock
        self._problem = problem
        self._declared = Inventory()
        self._rules = file_rules or RuleSet(Inventory())
        self.judge = PolicyJudge(compile_rules(self._rules))
        self._attached: Mapping[str, bool] = {}
        self._firewall = FirewallFollowing(LogTarget(settings.capture.firewall_group), clock)
        self._looking: Future[_Look] | None = None
        self._enforcing: Future[None] | None = None
        self._next_look_s = clock.monotonic_s()
        self._told: dict[str, str] = {}
        self._workers = ThreadPoolExecutor(2, "vpcflow-network")

    def begin(self) -> None:
        """Show the host over the API, and meter what the API attached before."""
        self._take(self._look(self._inventory.inventory, self._declared))
        self._live.follow_inventory()
        self._enforce()

    def round(self) -> None:
        """Take over what was found; look anew when it is time."""
        now_s = self._clock.monotonic_s()
        if self._looking is not None and self._looking.done():
            look, self._looking = self._done(self._looking, "the control plane"), None
            took_s = 0.0
            if look is not None:
                self._take(look)
                took_s = look.took_s
            self._next_look_s = now_s + max(LOOK_S, LOOK_PART * took_s)
            self._enforce()
        if self._enforcing is not None and self._enforcing.done():
            self._done(self._enforcing, "the firewall")
            self._enforcing = None
            self._tell(self._firewall.problems)
        if self._looking is None and now_s >= self._next_look_s:
            self._looking = self._workers.submit(
                self._look, self._inventory.inventory, self._declared
            )

    def close(self) -> None:
        """Take back the rules that are in force for this run alone."""
        self._workers.shutdown(wait=True)
        for namespace, why in self._firewall.close().items():
            self._problem(f"rules could not be taken back{_within(namespace)}: {why}")

    def status(self, points: Iterable[ObservationPoint]) -> dict[str, Any]:
        """What became of the attachments that the API made, by id; ``points`` are metered now."""
        metered = {point.interface.interface_id for point in points}
        enforced, found = self._firewall.enforced, {}
        for interface_id in list(self._attached)[:ATTACHMENTS_TOLD_MAX]:
            parts = ["metered" if interface_id in metered else self._waits_for(interface_id)]
            if interface_id in enforced:
                parts.append("rules in force")
            elif self._attached[interface_id]:
                namespace = self._namespace_of(interface_id)
                parts.append(self._firewall.problems.get(namespace, "rules not in force yet"))
            found[interface_id] = ", ".join(parts)
        return {
            "attached": found,
            "firewall": {
                "interfaces": len(enforced),
                "namespaces-of-others": len(self._firewall.foreign),
            },
        }

    def _look(self, inventory: Inventory, declared: Inventory) -> _Look:
        """Compare both sides; ``declared`` is what the API had made of ``inventory``."""
        began_s = self._clock.monotonic_s()
        self._network.sync_host(inventory, self._file_rules, declared)
        attached = self._network.attached_interfaces()
        made, rules = self._network.declared_inventory(), self._network.declared_rules()
        if rules is not self._rules:
            self.judge.follow(compile_rules(rules))
            self._rules = rules
        return _Look(made, rules, attached, self._clock.monotonic_s() - began_s)

    def _take(self, look: _Look) -> None:
        """On the capture's thread: from the next look at its devices on it meters them so."""
        self._attached = look.attached
        before, self._declared = self._declared, look.declared
        # A change of the host makes it anew, and mostly the same: no device need be looked at then.
        if look.declared is not before and look.declared != before:
            self._inventory.declare(merged(self._base, look.declared))

    def _enforce(self) -> None:
        if self._enforcing is None:
            namespaces = {
                capture.name: (capture.generation, capture.ruleset.read())
                for capture in self._live.captures
            }
            self._enforcing = self._workers.submit(
                self._firewall.follow, self._rules, self._attached, namespaces
            )

    def _done(self, future: Future[Any], what: str) -> Any:
        """The result; None, and a problem told, when there is none."""
        try:
            result = future.result()
        except Exception as error:  # noqa: BLE001 - whatever it is, packets go on being counted
            kind = "" if isinstance(error, FlowLogError) else f"{type(error).__name__}: "
            self._tell_once(what, f"{what} cannot be followed: {kind}{error}")
            return None
        self._told.pop(what, None)
        return result

    def _tell(self, problems: Mapping[str, str]) -> None:
        """Each problem once, until it is another one or over."""
        for key in [key for key in self._told if key.startswith("/") and key[1:] not in problems]:
            del self._told[key]
        for namespace, why in problems.items():
            self._tell_once(f"/{namespace}", f"rules are not in force{_within(namespace)}: {why}")

    def _tell_once(self, key: str, text: str) -> None:
        if self._told.get(key) != text:
            self._told[key] = text
            self._problem(text)

    def _waits_for(self, interface_id: str) -> str:
        namespace = self._namespace_of(interface_id)
        if namespace not in self._inventory.namespaces:
            refused = self._inventory.refused.get(namespace)
            return f"not metered: {refused}" if refused else "waits for its network namespace"
        return "waits for its device"

    def _namespace_of(self, interface_id: str) -> str:
        interface = self._declared.interfaces.get(interface_id)
        attachment = interface.attachment if interface else None
        return attachment.namespace if attachment else ""


def _within(namespace: str) -> str:
    return f" in network namespace {namespace}" if namespace else ""
