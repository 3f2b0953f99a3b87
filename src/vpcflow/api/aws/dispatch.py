"""From a request to its answer: who asks, what, may they, and what comes of it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog
from prometheus_client import Counter, Histogram

from vpcflow.api.aws.operation import (
    Authorizer,
    Call,
    EventStream,
    Operation,
    RawRequest,
    Service,
    dry_run,
)
from vpcflow.api.aws.protocol.faults import unknown_operation
from vpcflow.api.aws.protocol.models import SERVICES, operation_of
from vpcflow.api.aws.protocol.parse import parse
from vpcflow.api.aws.protocol.resolve import Target, resolve
from vpcflow.api.aws.protocol.s3_body import OF_THE_OBJECT, content_encoding, upload_body
from vpcflow.api.aws.protocol.serialise import serialise, serialise_error
from vpcflow.api.aws.protocol.validate import style_of, validate
from vpcflow.api.aws.protocol.wire_answer import WireAnswer
from vpcflow.api.aws.signature import Verified, Verifier, peek_scope
from vpcflow.base.clock import Clock
from vpcflow.base.errors import FlowLogError, QueryError, ServiceError
from vpcflow.control.caller import Caller
from vpcflow.control.permissions import WORDED_FOR

_LOG = structlog.get_logger(__name__)
REQUESTS = Counter(
    "vpcflow_api_requests", "Requests by what came of them", ["service", "operation", "code"]
)
SECONDS = Histogram("vpcflow_api_request_seconds", "Time of requests", ["service"])


_AT_FAULT = "The service cannot do this now; try again. The server's log says why: request {}"


@dataclass(frozen=True, slots=True)
class StreamAnswer:
    """An answer that goes on; ``target`` says in which protocol."""

    target: Target
    events: EventStream
    request_id: str


class Dispatcher:
    """Answers requests of all services.

    Shape: ``answer`` may be called in any number of threads; whatever happens, there is an answer.
    """

    def __init__(
        self,
        services: Mapping[str, Service],
        verifier: Verifier,
        authorize: Authorizer,
        clock: Clock,
    ) -> None:
        self._services = services
        self._verifier = verifier
        self._authorize = authorize
        self._clock = clock

    def target(self, raw: RawRequest) -> Target:
        """What a request asks for, as far as its head says."""
        scope = peek_scope(raw)
        return resolve(raw, scope[0] if scope else None)

    def answer(self, raw: RawRequest) -> WireAnswer | StreamAnswer:
        """Do what is asked and answer."""
        begun_s = time.perf_counter()
        request_id = str(uuid.uuid4())
        target = self.target(raw)
        code = "OK"
        try:
            return self._answered(target, raw, request_id)
        except ServiceError as error:
            code = error.code
            return serialise_error(target, error, request_id)
        except FlowLogError as error:
            # Ours to mend, not the caller's: the disk, the database, a bound on a question.
            code = "ServiceUnavailable"
            _LOG.error(
                "request failed",
                operation=target.operation,
                request_id=request_id,
                error=str(error),
                hint=error.hint,
            )
            # Paths and addresses are for the log; what is wrong with a question is for who asked.
            told = str(error) if isinstance(error, QueryError) else _AT_FAULT.format(request_id)
            refusal = ServiceError(_unavailable(target), told, status=503)
            return serialise_error(target, refusal, request_id)
        except Exception:  # noqa: BLE001 - the client must not see how we are built
            code = "InternalFailure"
            _LOG.exception("request failed", operation=target.operation, request_id=request_id)
            refusal = ServiceError(
                "InternalFailure", f"An internal error occurred; request {request_id}", status=500
            )
            return serialise_error(target, refusal, request_id)
        finally:
            known = self._operation(target)
            service = target.service if target.service in SERVICES else "unknown"
            REQUESTS.labels(service, known.name if known else "unknown", code).inc()
            SECONDS.labels(service).observe(time.perf_counter() - begun_s)

    def _answered(
        self, target: Target, raw: RawRequest, request_id: str
    ) -> WireAnswer | StreamAnswer:
        verified = self._verifier.verify(raw, target.service)
        operation = self._operation(target)
        if operation is None:
            raise target.fault or unknown_operation(target)
        if target.service == "s3" and raw.body:
            raw = _without_frames(raw, verified, of_body=operation.name not in OF_THE_OBJECT)
        parameters = parse(target, raw, operation.raw_members)
        shape = operation_of(target.service, operation.name).input_shape
        style = style_of(target.service, operation.name)
        validate(parameters, shape, style, operation.raw_members)
        _refuse_what_is_not_taken(target, operation, parameters)
        call = Call(
            target.service,
            operation.name,
            parameters,
            verified.caller,
            verified.region,
            request_id,
            self._clock.now_s(),
            raw,
            self._within(target.service, verified.region, raw.client),
        )
        if not operation.authorizes_itself:
            action = operation.action or f"{target.service}:{operation.name}"
            resources = operation.resources(call) if operation.resources else ("*",)
            context = operation.context(call) if operation.context else None
            call.authorize(call.caller, action, resources, context)
        if parameters.get("DryRun") is True and not operation.handles_dry_run:
            raise dry_run()
        result = operation.handle(call)
        if isinstance(result, EventStream):
            return StreamAnswer(target, result, request_id)
        return serialise(target, result or {}, request_id)

    def _within(self, service: str, region: str, client: str) -> Authorizer:
        """The authorizer of one request: knows where it came from, and refuses in its service's words."""
        known = {WORDED_FOR: service, "aws:RequestedRegion": region, "aws:SourceIp": client or None}

        def ask(
            caller: Caller,
            action: str,
            resources: Sequence[str],
            context: Mapping[str, Any] | None = None,
        ) -> None:
            self._authorize(caller, action, resources, {**known, **(context or {})})

        return ask

    def _operation(self, target: Target) -> Operation | None:
        service = self._services.get(target.service)
        if service is None or target.operation is None:
            return None
        return service.operations.get(target.operation)


def _without_frames(raw: RawRequest, verified: Verified, *, of_body: bool) -> RawRequest:
    """S3's body as the object is: checked against chunk signatures and checksums, out of chunks."""
    key = verified.chunk_key
    checks = (key.check, key.check_trailer) if key is not None else ()
    upload = upload_body(raw, *checks, of_body=of_body)
    encoding = content_encoding(raw)
    headers = [pair for pair in raw.headers if pair[0] != "content-encoding"]
    if encoding:
        headers.append(("content-encoding", encoding))
    headers += [pair for pair in upload.trailers.items() if pair[0].startswith("x-amz-checksum-")]
    return replace(raw, headers=headers, body=upload.data)


def _unavailable(target: Target) -> str:
    return {
        "ec2": "Unavailable",
        "query": "ServiceUnavailable",
        "rest-xml": "ServiceUnavailable",
    }.get(target.protocol, "ServiceUnavailableException")


def _refuse_what_is_not_taken(
    target: Target, operation: Operation, parameters: Mapping[str, Any]
) -> None:
    """A parameter that would be dropped silently is refused, so that nobody relies on it."""
    taken = {*operation.takes.split(), *operation.ignores, "DryRun"}
    for name, value in parameters.items():
        if name in taken or value in (None, False, "", [], {}):
            continue
        code = {
            "ec2": "UnsupportedOperation",
            "query": "ValidationError",
            "rest-xml": "NotImplemented",
        }.get(target.protocol, "InvalidParameterException")
        raise ServiceError(
            code, f"The parameter {name} of {operation.name} is not supported here.", status=400
        )
