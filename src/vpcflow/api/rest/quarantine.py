"""Lines and files that could not be read, by source and reason, and line by line."""

from __future__ import annotations

import shlex
from itertools import islice
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request
from fastapi import Path as PathParameter

from vpcflow.api.rest.access import own
from vpcflow.api.rest.health_models import QuarantineGroup, QuarantineLine, QuarantineView
from vpcflow.base.errors import ServiceError
from vpcflow.collect.quarantine import Quarantine, QuarantineRow
from vpcflow.collect.source_object import printable
from vpcflow.collect.state_db import StateDb

if TYPE_CHECKING:
    from vpcflow.api.rest.services import RestServices

GROUPS_MAX = 1_000
#: What the database takes as a number.
ENTRY_ID_MAX = 2**63 - 1
PAGE_MAX = 500
#: Characters of a line that are shown; `vpcflow quarantine show --raw` has all that is kept.
TEXT_MAX = 4_000
NAME_LENGTH_MAX = 1_000
_Source = Annotated[str, Query(max_length=NAME_LENGTH_MAX, description="A part of its name.")]


def routes(services: RestServices) -> APIRouter:
    """The routes of the quarantine."""
    router = APIRouter(tags=["quarantine"])

    @router.get("/quarantine")
    def list_quarantine(
        request: Request,
        source: _Source = "",
        after: Annotated[int, Query(ge=0, le=ENTRY_ID_MAX)] = 0,
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
    ) -> QuarantineView:
        """What could not be read, and a page of it."""
        own(services, request, "vpcflow:GetQuarantine")
        db = StateDb(services.folder, writer=False)
        try:
            kept = Quarantine(db)
            counts = kept.counts()
            groups = list(islice(kept.summary(object_filter=source or None), GROUPS_MAX))
            rows = kept.list(limit=limit, after_id=after, object_filter=source or None)
        finally:
            db.close()
        return QuarantineView(
            lines=counts.lines,
            lines_kept=counts.lines_kept,
            problems=counts.problems,
            sources=counts.objects,
            groups=[
                QuarantineGroup(
                    source=printable(one.uri),
                    reason=one.reason,
                    lines=one.lines,
                    lines_kept=one.lines_kept,
                    problems=one.problems,
                    first_id=one.first_id,
                )
                for one in groups
            ],
            entries=[_line(row) for row in rows],
            next_after=rows[-1].id if len(rows) == limit else None,
            retry_command="vpcflow quarantine retry"
            + (f" --file {shlex.quote(source)}" if source else ""),
        )

    @router.get("/quarantine/{entry_id}")
    def get_quarantined(
        entry_id: Annotated[int, PathParameter(ge=0, le=ENTRY_ID_MAX)], request: Request
    ) -> QuarantineLine:
        """One entry."""
        own(services, request, "vpcflow:GetQuarantine")
        db = StateDb(services.folder, writer=False)
        try:
            row = Quarantine(db).show(entry_id)
        finally:
            db.close()
        if row is None:
            raise ServiceError(
                "NoSuchEntry", f"There is no entry {entry_id} in the quarantine.", status=404
            )
        return _line(row)

    return router


def _line(row: QuarantineRow) -> QuarantineLine:
    return QuarantineLine(
        id=row.id,
        source=row.where,
        kind=row.kind,
        line_number=row.line_number,
        reason=row.reason,
        message=row.message,
        text=row.text[:TEXT_MAX],
        length=row.length,
        line_count=row.line_count,
        hint=row.hint,
    )
