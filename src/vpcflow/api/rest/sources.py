"""Where records come from: metered interfaces, and what was taken from files and buckets."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request

from vpcflow.api.rest.access import own
from vpcflow.api.rest.health_models import LiveInterface, Source, SourceObjectView, Sources
from vpcflow.collect.quarantine import Quarantine
from vpcflow.collect.source_object import printable
from vpcflow.collect.state_db import StateDb
from vpcflow.collect.taken import TakenObject, TakenSource, taken_objects, taken_sources

if TYPE_CHECKING:
    from vpcflow.api.rest.services import RestServices

OBJECTS_PAGE_MAX = 500
NAME_LENGTH_MAX = 1_000


def routes(services: RestServices) -> APIRouter:
    """``GET /sources``."""
    router = APIRouter(tags=["sources"])

    @router.get("/sources")
    def list_sources(
        request: Request,
        limit: Annotated[int, Query(ge=1, le=OBJECTS_PAGE_MAX)] = 100,
        before: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
        name: Annotated[str, Query(max_length=NAME_LENGTH_MAX)] = "",
    ) -> Sources:
        """What is metered, and what was taken in, the newest first."""
        own(services, request, "vpcflow:GetStatus")
        interfaces = dict(services.status().get("interface") or {})
        db = StateDb(services.folder, writer=False)
        try:
            bad, problems = _bad_by_object(db)
            sources = taken_sources(db)
            objects = taken_objects(db, limit=limit, before=before, name=name)
        finally:
            db.close()
        now_s = services.clock.now_s()
        return Sources(
            live=[LiveInterface(name=one, interface_id=str(i)) for one, i in interfaces.items()],
            sources=[_source(one, bad, problems, now_s) for one in sources],
            objects=[_object(one, bad) for one in objects],
            next_before=objects[-1].number if len(objects) == limit else None,
        )

    return router


def _bad_by_object(db: StateDb) -> tuple[Counter[str], Counter[str]]:
    """Bad lines, and problems of the whole, by the object's name."""
    lines: Counter[str] = Counter()
    problems: Counter[str] = Counter()
    for count in Quarantine(db).summary():
        lines[printable(count.uri)] += count.lines
        problems[printable(count.uri)] += count.problems
    return lines, problems


def _source(source: TakenSource, bad: Counter[str], problems: Counter[str], now_s: float) -> Source:
    inside = source.name.rstrip("/") + "/"
    changed = source.changed_s
    return Source(
        name=source.name,
        kind=source.kind,
        objects=source.objects,
        bytes=source.bytes,
        lines=source.lines,
        bad_lines=_within(bad, inside, source.kind),
        problems=_within(problems, inside, source.kind),
        incomplete=source.incomplete,
        changed_s=changed,
        lag_s=None if changed is None else max(0, int(now_s - changed)),
    )


def _within(counts: Counter[str], inside: str, kind: str) -> int:
    return sum(
        count
        for name, count in counts.items()
        if name.startswith(inside) and (kind == "bucket" or "/" not in name[len(inside) :])
    )


def _object(one: TakenObject, bad: Counter[str]) -> SourceObjectView:
    return SourceObjectView(
        number=one.number,
        name=one.uri,
        bytes=one.bytes,
        size=one.size,
        lines=one.lines,
        bad_lines=bad[one.uri],
        complete=one.complete,
        encoding=one.encoding,
        log_format=one.log_format,
        changed_s=one.changed_s,
    )
