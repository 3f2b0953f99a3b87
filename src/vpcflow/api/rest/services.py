"""What the console's API works with; the application puts it together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from vpcflow.api.rest.settings import RestSettings

if TYPE_CHECKING:
    from anyio import CapacityLimiter
    from starlette.requests import Request

    from vpcflow.api.rest.bodies import Bodies
    from vpcflow.api.rest.query_pool import QueryPool
    from vpcflow.api.rest.sign_in import SignIn
    from vpcflow.base.clock import Clock
    from vpcflow.base.data_folder import DataFolder
    from vpcflow.control.buckets import Buckets
    from vpcflow.control.caller import Caller
    from vpcflow.control.flow_logs.service import FlowLogService
    from vpcflow.control.logs.service import LogGroupService
    from vpcflow.control.network import NetworkService
    from vpcflow.control.permissions import Permissions
    from vpcflow.control.state import State
    from vpcflow.deliver.state import Cursor
    from vpcflow.policy.rule_set import RuleSet
    from vpcflow.query.service import FlowQueries
    from vpcflow.store.recent_segments import RecentSegments


#: Threads that compute what follows from answers; the requests behind them wait without a thread.
COMPOSERS_MAX = 4


class SignedIn(Protocol):
    """Says who sends a request."""

    def caller(self, request: Request) -> Caller:
        """The caller of a request.

        Errors: ServiceError with status 401 when nobody is signed in, 403 for a missing or wrong
        CSRF token of a request that changes something.
        """


def no_deliveries() -> Mapping[str, Cursor]:
    """Nothing was delivered."""
    return {}


@dataclass(frozen=True)
class RestServices:
    """Everything that routes ask.

    Shape: ``account_id`` and ``region`` are the host's own; ``status`` is what `vpcflow status`
    tells, by name; ``settings`` are all settings as plain values, without secrets. ``recent`` holds the
    records that came last, None where none are kept. ``sign_in`` is what /session works with.
    """

    account_id: str
    region: str
    folder: DataFolder
    clock: Clock
    state: State
    permissions: Permissions
    signed_in: SignedIn
    queries: FlowQueries
    network: NetworkService
    flow_logs: FlowLogService
    log_groups: LogGroupService
    buckets: Buckets
    recent: RecentSegments | None
    status: Callable[[], dict[str, Any]]
    settings: Callable[[], dict[str, Any]]
    sign_in: SignIn | None = field(default=None, kw_only=True)
    #: The rules of all networks as one value until they change; without it those of ``network``.
    rules: Callable[[], RuleSet] | None = field(default=None, kw_only=True)
    #: Bounds of questions; ``queries`` keep to ``rest.bounded(settings)``.
    rest: RestSettings = field(default=RestSettings(), kw_only=True)

    #: How far each flow log is delivered, by id.
    deliveries: Callable[[], Mapping[str, Cursor]] = field(default=no_deliveries, kw_only=True)

    @cached_property
    def pool(self) -> QueryPool:
        """Where every question of the console runs; made when the first is asked."""
        from vpcflow.api.rest.query_pool import QueryPool

        return QueryPool(
            workers=self.rest.query_workers,
            waiting_max=self.rest.waiting_max,
            time_s_max=self.rest.time_s_max,
            cache_bytes_max=self.rest.cache_bytes_max,
        )

    @cached_property
    def composing(self) -> CapacityLimiter:
        """The threads that put answers together from those of several questions."""
        from anyio import CapacityLimiter

        return CapacityLimiter(COMPOSERS_MAX)

    @cached_property
    def bodies(self) -> Bodies:
        """Room for the answers that are being sent."""
        from vpcflow.api.rest.bodies import Bodies

        return Bodies(self.rest.bodies_bytes_max)

    def close(self) -> None:
        """Interrupt the questions that run; whoever serves calls it at the end."""
        if "pool" in self.__dict__:
            self.pool.close()
