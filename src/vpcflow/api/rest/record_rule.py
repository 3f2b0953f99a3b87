"""GET /record-rule: the rule that decided one record."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from vpcflow.api.asked import Steps
from vpcflow.api.rest.access import reader
from vpcflow.api.rest.composed import composed
from vpcflow.api.rest.known_network import known_network
from vpcflow.api.rest.rule_models import RecordRule
from vpcflow.api.rest.rule_of_record import RecordAsked, rule_of_record
from vpcflow.base.errors import QueryError
from vpcflow.query.time_range import MOMENT_MAX_S

if TYPE_CHECKING:
    from vpcflow.api.rest.services import RestServices

_ADDRESS = Query(max_length=64)
_PORT = Query(ge=0, le=65_535)


def routes(services: RestServices) -> APIRouter:
    """The route of a record's rule."""
    router = APIRouter(tags=["rules"])

    @router.get("/record-rule", response_model=RecordRule)
    async def get_record_rule(
        request: Request,
        interface_id: Annotated[str, Query(max_length=64)],
        srcaddr: Annotated[str, _ADDRESS],
        dstaddr: Annotated[str, _ADDRESS],
        protocol: Annotated[int, Query(ge=0, le=255)],
        action: Literal["ACCEPT", "REJECT"],
        srcport: Annotated[int | None, _PORT] = None,
        dstport: Annotated[int | None, _PORT] = None,
        start: Annotated[int | None, Query(ge=0, le=MOMENT_MAX_S - 1)] = None,
        reject_rule: Annotated[str | None, Query(max_length=256)] = None,
        tcp_flags: Annotated[int | None, Query(ge=0, le=255)] = None,
    ) -> Response:
        """The rule as the record says it, else as the rules are now.

        A rule that the record names is looked up in the table when ``start`` is given and
        ``reject_rule`` is not.
        """

        def steps() -> Steps[RecordRule]:
            reader(services, request)
            for text, where in ((srcaddr, "srcaddr"), (dstaddr, "dstaddr")):
                _check_address(text, where)
            asked = RecordAsked(
                interface_id,
                ip_address(srcaddr),
                ip_address(dstaddr),
                protocol,
                -1 if srcport is None else srcport,
                -1 if dstport is None else dstport,
                action,
                start,
                reject_rule or "",
                tcp_flags,
            )
            return (yield from rule_of_record(known_network(services), asked))

        return await composed(services, request, steps)

    return router


def _check_address(text: str, where: str) -> None:
    try:
        ip_address(text)
    except ValueError as error:
        raise QueryError(f"'{text}' is no address", where=where) from error
