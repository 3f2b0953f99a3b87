"""GET /interfaces: every interface, in the inventory or only in records, and how well it is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from vpcflow.api.asked import Steps
from vpcflow.api.rest.access import reader
from vpcflow.api.rest.composed import composed
from vpcflow.api.rest.known_network import KnownNetwork, known_network
from vpcflow.api.rest.network_models import (
    InterfacesShown,
    InterfaceTraffic,
    cost_of,
    coverage_of,
)
from vpcflow.api.rest.records_in_scope import Scope, ask, rows_of, scope
from vpcflow.inventory.network_interface import NetworkInterface

if TYPE_CHECKING:
    from vpcflow.api.rest.services import RestServices

#: Interfaces of one answer.
INTERFACES_SHOWN_MAX = 5_000
#: Interfaces that records may have before some are left out.
_ASKED_MAX = 20_000

_Seen = dict[str, Any]


def routes(services: RestServices) -> APIRouter:
    """The routes of interfaces."""
    router = APIRouter(tags=["network"])

    @router.get("/interfaces", response_model=InterfacesShown)
    async def list_interfaces(
        request: Request,
        asked: Annotated[Scope, Depends(scope)],
        limit: Annotated[int, Query(ge=1, le=INTERFACES_SHOWN_MAX)] = INTERFACES_SHOWN_MAX,
    ) -> Response:
        """Interfaces with their records, coverage and flow logs."""

        def steps() -> Steps[InterfacesShown]:
            reader(services, request)
            return (yield from _interfaces(services, asked, limit))

        return await composed(services, request, steps)

    return router


def _interfaces(services: RestServices, asked: Scope, limit: int) -> Steps[InterfacesShown]:
    known = known_network(services)
    sums = yield from ask(services, asked, "interfaces", {"limit": _ASKED_MAX})
    minutes = yield from ask(services, asked, "coverage", {"limit": _ASKED_MAX})
    covered = {row["interface_id"]: row for row in rows_of(minutes)}
    seen: dict[str, _Seen] = {}
    for row in rows_of(sums):
        # One interface may be in records with and without an account: those of most bytes stay.
        seen.setdefault(str(row["interface_id"] or "-"), row)
    inventory = known.rules.inventory.interfaces
    listed = [*seen, *sorted(key for key in inventory if key not in seen)]
    return InterfacesShown(
        scan=cost_of(sums),
        coverage=coverage_of(sums),
        truncated=len(listed) > limit or sums.truncated or len(seen) == _ASKED_MAX,
        elapsed_s=sums.elapsed_s + minutes.elapsed_s,
        notes=list(sums.notes),
        interfaces=[
            _traffic(known, key, inventory.get(key), seen.get(key, {}), covered.get(key, {}))
            for key in listed[:limit]
        ],
        interfaces_total=len(listed),
    )


def _traffic(
    known: KnownNetwork, key: str, one: NetworkInterface | None, sums: _Seen, minutes: _Seen
) -> InterfaceTraffic:
    addresses = one.addresses if one else ()
    flow_logs = known.flow_logs_of(one) if one else list(known.flow_logs.get(key, ()))
    return InterfaceTraffic(
        interface_id=key,
        account_id=one.account_id if one else sums.get("account_id"),
        name=known.names.text_of(key),
        known=one is not None,
        address=str(addresses[0]) if addresses else sums.get("address"),
        vpc_id=one.vpc_id if one else None,
        subnet_id=one.subnet_id if one else None,
        groups=list(one.security_group_ids) if one else [],
        records=int(sums.get("records") or 0),
        bytes=int(sums.get("bytes") or 0),
        bytes_in=int(sums.get("bytes_in") or 0),
        bytes_out=int(sums.get("bytes_out") or 0),
        rejected=int(sums.get("rejected") or 0),
        reject_share=sums.get("reject_share"),
        minutes_seen=minutes.get("minutes_seen"),
        minutes_expected=minutes.get("minutes_expected"),
        longest_gap_s=minutes.get("longest_gap"),
        longest_gap_start_s=minutes.get("longest_gap_start"),
        first_record_s=sums.get("first"),
        last_record_s=sums.get("last"),
        covered=bool(flow_logs),
        flow_logs=flow_logs,
    )
