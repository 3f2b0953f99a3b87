"""A real boto3 client whose requests are answered by services in this process, without a socket."""

from __future__ import annotations

import io
import itertools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from vpcflow.api.aws.operation import Authorizer, Call, RawRequest, Service
from vpcflow.api.aws.protocol.models import operation_of
from vpcflow.api.aws.protocol.parse import parse
from vpcflow.api.aws.protocol.resolve import resolve
from vpcflow.api.aws.protocol.s3_body import OF_THE_OBJECT, upload_body
from vpcflow.api.aws.protocol.serialise import serialise, serialise_error
from vpcflow.api.aws.protocol.validate import style_of, validate
from vpcflow.base.clock import Clock
from vpcflow.base.errors import ServiceError
from vpcflow.control.caller import Caller, root_caller


class _Raw(io.BytesIO):
    def stream(self, **_: Any) -> Any:
        while piece := self.read(1 << 16):
            yield piece


class BotoOverServices:
    """Clients of one caller; ``caller`` may be changed between requests."""

    def __init__(
        self,
        services: Mapping[str, Service],
        clock: Clock,
        authorize: Authorizer | None = None,
        account_id: str = "123456789012",
    ) -> None:
        self.services = services
        self.clock = clock
        self.caller: Caller = root_caller(account_id)
        self._authorize = authorize or (lambda *_, **__: None)
        self._numbers = itertools.count()

    def client(self, service: str, region: str = "us-east-1", **config: Any) -> Any:
        """A boto3 client."""
        settings: dict[str, Any] = {
            "retries": {"total_max_attempts": 1},
            "signature_version": "v4" if service != "s3" else "s3v4",
            **config,
        }
        if service == "s3":
            settings.setdefault("s3", {"addressing_style": "path"})
        made = boto3.client(
            service,
            region_name=region,
            endpoint_url="http://endpoint.test:4566",
            aws_access_key_id="AKIAEXAMPLE",
            aws_secret_access_key="secret",
            config=Config(**settings),
        )
        made.meta.events.register(
            "before-send.*", lambda request, **_: self._answer(request, service, region)
        )
        return made

    def _answer(self, request: Any, service: str, region: str) -> AWSResponse:
        parts = urlsplit(request.url)
        body = request.body or b""
        if hasattr(body, "read"):
            body = body.read()
        if isinstance(body, str):
            body = body.encode()
        headers = [
            (name.lower(), value.decode() if isinstance(value, bytes) else str(value))
            for name, value in request.headers.items()
        ]
        raw = RawRequest(request.method, parts.path, parts.query, headers, bytes(body))
        answer = self._answered(raw, service, region)
        content = answer.body
        if answer.stream is not None:
            content = b"".join(answer.stream)
        return AWSResponse(request.url, answer.status, dict(answer.headers), _Raw(content))

    def _answered(self, raw: RawRequest, service: str, region: str) -> Any:
        target = resolve(raw, service)
        request_id = f"request-{next(self._numbers)}"
        try:
            operation = self.services[service].operations.get(target.operation or "")
            assert operation is not None, f"{target.operation} is not offered"
            if service == "s3" and raw.body:
                of_body = operation.name not in OF_THE_OBJECT
                raw = replace(raw, body=upload_body(raw, of_body=of_body).data)
            raw_members = operation.raw_members
            parameters = parse(target, raw, raw_members)
            shape = operation_of(service, str(target.operation)).input_shape
            validate(parameters, shape, style_of(service, str(target.operation)), raw_members)
            taken = {*operation.takes.split(), *operation.ignores}
            surplus = {name for name, value in parameters.items() if value} - taken
            assert not surplus, f"{operation.name} does not take {surplus}"
            call = Call(
                service,
                operation.name,
                parameters,
                self.caller,
                region,
                request_id,
                self.clock.now_s(),
                raw,
                self._authorize,
            )
            return serialise(target, operation.handle(call) or {}, request_id)
        except ServiceError as error:
            return serialise_error(target, error, request_id)
