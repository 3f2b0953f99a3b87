"""Faults as the console reads them: a code, a sentence, where it is, what to do."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from vpcflow.base.errors import (
    BusyError,
    FilterError,
    FlowLogError,
    LimitError,
    QueryError,
    ResourceError,
    ServiceError,
)

_LOG = structlog.get_logger(__name__)
#: What AWS's services call a permission that is missing.
_NOT_ALLOWED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})


#: Where nobody is signed in yet.
OPEN_PATHS = frozenset({"/session"})


class Fault(BaseModel):
    """What went wrong.

    Shape: ``position`` is the 0-based character of a filter or query at fault.
    """

    code: str
    message: str
    where: str = ""
    hint: str = ""
    position: int | None = None


class FaultAnswer(BaseModel):
    """The body of every answer that is no success."""

    error: Fault


def add_fault_handlers(app: FastAPI, caller: Callable[[Request], Any]) -> None:
    """Answer every exception as a FaultAnswer; what is ours to mend keeps its insides.

    Shape: ``caller`` raises what is answered to whoever has not signed in. What is wrong with a
    request is checked before its route is called, and is told to those who may call one.
    """

    @app.exception_handler(FlowLogError)
    async def told(_: Request, error: FlowLogError) -> JSONResponse:
        return answer_of(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        if refused := await run_in_threadpool(_refused, request, caller):
            return answer_of(refused)
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:])
        return _answer(400, Fault(code="InvalidParameter", message=first["msg"], where=where))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 400 and (
            refused := await run_in_threadpool(_refused, request, caller)
        ):
            return answer_of(refused)
        return _answer(error.status_code, Fault(code="HttpError", message=str(error.detail)))

    @app.exception_handler(Exception)
    async def ours(_: Request, error: Exception) -> JSONResponse:
        number = uuid.uuid4().hex[:12]
        _LOG.error("request failed", number=number, exc_info=error)
        message = f"Something went wrong here; the server's log says what, under {number}."
        return _answer(500, Fault(code="InternalFailure", message=message))


def _refused(request: Request, caller: Callable[[Request], Any]) -> FlowLogError | None:
    if request.scope["path"].removeprefix(request.scope.get("root_path", "")) in OPEN_PATHS:
        return None
    try:
        caller(request)
    except FlowLogError as error:
        return error
    return None


def answer_of(error: FlowLogError) -> JSONResponse:
    """The answer to one of our own errors."""
    position = error.position if isinstance(error, FilterError) else None
    if isinstance(error, ServiceError):
        said = error.fields
        where, hint = said.get("where", ""), said.get("hint", "")
        fault = Fault(code=error.code, message=error.message, where=where, hint=hint)
        headers = {"retry-after": said["retry-after"]} if "retry-after" in said else None
        # Some of AWS's protocols say 400 here; a page has one way to show that something is missing.
        status = 403 if error.code in _NOT_ALLOWED else error.status
        return _answer(status, fault, headers)
    fault = Fault(
        code=type(error).__name__,
        message=error.what,
        where=error.where,
        hint=error.hint,
        position=position,
    )
    return _answer(_status_of(error), fault)


def _status_of(error: FlowLogError) -> int:
    if isinstance(error, LimitError):
        return 413
    if isinstance(error, QueryError):
        return 400
    if isinstance(error, ResourceError):
        return 404
    return 503 if isinstance(error, BusyError) else 500


def _answer(status: int, fault: Fault, headers: dict[str, str] | None = None) -> JSONResponse:
    content = FaultAnswer(error=fault).model_dump()
    return JSONResponse(content, status_code=status, headers=headers)
