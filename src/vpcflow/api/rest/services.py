"""What the console's API works with; the application puts it together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from starlette.requests import Request

    from vpcflow.base.clock import Clock
    from vpcflow.base.data_folder import DataFolder
    from vpcflow.control.buckets import Buckets
    from vpcflow.control.caller import Caller
    from vpcflow.control.flow_logs.service import FlowLogService
    from vpcflow.control.logs.service import LogGroupService
    from vpcflow.control.network import NetworkService
    from vpcflow.control.permissions import Permissions
    from vpcflow.control.state import State
    from vpcflow.query.service import FlowQueries
    from vpcflow.store.recent_segments import RecentSegments


class SignedIn(Protocol):
    """Says who sends a request."""

    def caller(self, request: Request) -> Caller:
        """The caller of a request.

        Errors: ServiceError with status 401 when nobody is signed in, 403 for a missing or wrong
        CSRF token of a request that changes something.
        """


@dataclass(frozen=True)
class RestServices:
    """Everything that routes ask.

    Shape: ``account_id`` and ``region`` are the host's own; ``status`` is what `vpcflow status`
    tells, by name; ``settings`` are all settings as plain values, without secrets. ``recent`` holds the
    records that came last, None where none are kept.
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
