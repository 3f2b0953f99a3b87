"""Dashboards as resources: documents that people keep, by account, each with who changed it when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from vpcflow.base.clock import Clock
from vpcflow.base.errors import ServiceError
from vpcflow.control.ids import new_id
from vpcflow.control.state import Kind, Place, State

#: Dashboards of one account, and the size of one document.
DASHBOARDS_MAX = 500
DOCUMENT_BYTES_MAX = 200 * 1024


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard.

    Shape: ``document`` is JSON, checked by whoever put it; ``revision`` counts the changes from 1;
    ``owner`` and ``updated_by`` are ARNs.
    Units: seconds since the epoch.
    """

    dashboard_id: str
    document: str
    owner: str
    created_s: int
    updated_s: int
    updated_by: str
    revision: int = 1


DASHBOARDS: Kind[Dashboard] = Kind("dashboard", Dashboard)


def dashboards_place(account_id: str) -> Place:
    """Where an account's dashboards are: they have no region."""
    return Place(account_id, "")


class Dashboards:
    """All accounts' dashboards; safe for any number of threads.

    Errors: ServiceError ``DashboardNotFound`` (404), ``LimitExceeded`` and ``DocumentTooLarge``
    (413), ``DashboardChanged`` (412) where somebody else was faster.
    """

    def __init__(self, state: State, clock: Clock) -> None:
        self._state = state
        self._clock = clock

    def list(self, account_id: str) -> Sequence[Dashboard]:
        """An account's dashboards, the ones changed last first."""
        found = self._state.all(DASHBOARDS, dashboards_place(account_id)).values()
        return sorted(found, key=lambda one: (-one.updated_s, one.dashboard_id))

    def get(self, account_id: str, dashboard_id: str) -> Dashboard:
        """One dashboard."""
        found = self._state.get(DASHBOARDS, dashboards_place(account_id), dashboard_id)
        return _found(found, dashboard_id)

    def create(self, account_id: str, document: str, owner: str) -> Dashboard:
        """Keep a new dashboard."""
        _check_size(document)
        place, now_s = dashboards_place(account_id), int(self._clock.now_s())
        made = Dashboard(new_id("dash"), document, owner, now_s, now_s, owner)
        with self._state.change() as change:
            if len(change.all(DASHBOARDS, place)) >= DASHBOARDS_MAX:
                raise ServiceError(
                    "LimitExceeded",
                    f"An account has at most {DASHBOARDS_MAX} dashboards: delete one first.",
                    status=413,
                )
            change.put(DASHBOARDS, place, made.dashboard_id, made)
        return made

    def update(
        self, account_id: str, dashboard_id: str, document: str, revision: int, who: str
    ) -> Dashboard:
        """Replace a document, if it is still at the revision that the change was made from."""
        _check_size(document)
        place = dashboards_place(account_id)
        with self._state.change() as change:
            before = _found(change.get(DASHBOARDS, place, dashboard_id), dashboard_id)
            _check_revision(before, revision)
            made = replace(
                before,
                document=document,
                updated_s=int(self._clock.now_s()),
                updated_by=who,
                revision=before.revision + 1,
            )
            change.put(DASHBOARDS, place, dashboard_id, made)
        return made

    def delete(self, account_id: str, dashboard_id: str, revision: int | None = None) -> None:
        """Forget a dashboard, at any revision or only at one."""
        place = dashboards_place(account_id)
        with self._state.change() as change:
            before = _found(change.get(DASHBOARDS, place, dashboard_id), dashboard_id)
            if revision is not None:
                _check_revision(before, revision)
            change.remove(DASHBOARDS, place, dashboard_id)


def _found(dashboard: Dashboard | None, dashboard_id: str) -> Dashboard:
    if dashboard is None:
        raise ServiceError(
            "DashboardNotFound", f"There is no dashboard {dashboard_id}.", status=404
        )
    return dashboard


def _check_size(document: str) -> None:
    size = len(document.encode())
    if size > DOCUMENT_BYTES_MAX:
        raise ServiceError(
            "DocumentTooLarge",
            f"The dashboard has {size:,} bytes, {DOCUMENT_BYTES_MAX:,} are the most.",
            status=413,
        )


def _check_revision(dashboard: Dashboard, revision: int) -> None:
    if dashboard.revision != revision:
        when = datetime.fromtimestamp(dashboard.updated_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        raise ServiceError(
            "DashboardChanged",
            f"{dashboard.updated_by} changed this dashboard at {when}: it is at revision "
            f"{dashboard.revision}, your change was made from {revision}.",
            status=412,
            fields={
                "updated_by": dashboard.updated_by,
                "updated_s": str(dashboard.updated_s),
                "revision": str(dashboard.revision),
                "hint": "load it again, or save yours as a copy",
            },
        )
