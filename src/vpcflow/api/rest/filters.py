"""A filter taken apart: the chips that a page shows, and the one spelling of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request

from vpcflow.api.rest.access import reader
from vpcflow.api.rest.answer_models import Chip, FilterParts, FilterRequest
from vpcflow.api.rest.asking import filter_of
from vpcflow.query.filter_text import FieldTest, field_test, filter_text, top_terms

if TYPE_CHECKING:
    from vpcflow.api.rest.services import RestServices
    from vpcflow.query.expression import Expression


def routes(services: RestServices) -> APIRouter:
    """``POST /filter``."""
    router = APIRouter(tags=["fields"])

    @router.post("/filter")
    def read_filter(body: FilterRequest, request: Request) -> FilterParts:
        """The conditions of a filter, or the character at which it is wrong."""
        reader(services, request)
        return parts_of(filter_of(services, body.text))

    return router


def parts_of(condition: Expression | None) -> FilterParts:
    """The chips of a condition and its text."""
    terms = top_terms(condition)
    return FilterParts(
        chips=[_chip(field_test(term), filter_text(term, inner=len(terms) > 1)) for term in terms],
        normal=filter_text(condition),
    )


def _chip(test: FieldTest | None, text: str) -> Chip:
    if test is None:
        return Chip(field="", op="", value="", negated=False, text=text)
    return Chip(field=test.field, op=test.op, value=test.value, negated=test.negated, text=text)
