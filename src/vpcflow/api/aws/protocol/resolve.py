"""Which service, protocol and operation a request means, before anything of it is trusted.

Source: the credential scope first, then the target header, the action, the path.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import unquote, unquote_plus

from vpcflow.api.aws.operation import RawRequest
from vpcflow.api.aws.protocol.models import (
    SERVICE_OF_SIGNING_NAME,
    SERVICES,
    known_operations,
    model_of,
)
from vpcflow.api.aws.protocol.rest_paths import rest_operation
from vpcflow.base.errors import ServiceError

JSON = "json"
QUERY = "query"
EC2 = "ec2"
REST_XML = "rest-xml"
CBOR = "smithy-rpc-v2-cbor"

#: A form may hold this many fields.
FORM_FIELDS_MAX = 50_000
_FORM_TYPE = "application/x-www-form-urlencoded"
_CBOR_TYPE = "application/cbor"


@dataclass(frozen=True, slots=True)
class Target:
    """What a request is about.

    Shape: ``operation`` is None for one that the model does not know, ``named`` is the name that
    the caller gave (empty if none). ``form`` are the fields of query string and form body,
    ``labels`` what a path holds (``Bucket``, ``Key``), ``query`` the query string of a REST request.
    ``fault`` is why the request cannot be read, which parse raises.
    """

    service: str
    protocol: str
    operation: str | None
    named: str = ""
    method: str = "POST"
    json_version: str = "1.1"
    query_compatible: bool = False
    form: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, list[str]] = field(default_factory=dict)
    fault: ServiceError | None = None


def resolve(raw: RawRequest, signing_service: str | None) -> Target:
    """What a request means; it never raises, a fault is kept for parse."""
    service = SERVICE_OF_SIGNING_NAME.get(signing_service) if signing_service else None
    if signing_service and service is None:
        return _unknown_service(raw, signing_service)
    if service is None:
        return _unsigned(raw)
    if service == "s3":
        return _rest(raw)
    return _of_service(raw, service)


def _of_service(raw: RawRequest, service: str) -> Target:
    model = model_of(service)
    protocols = model.metadata["protocols"]
    target = raw.header("x-amz-target")
    if CBOR in protocols and (named := _path_operation(raw)) is not None:
        return _named(raw, service, CBOR, named[1])
    if JSON in protocols and (target is not None or len(protocols) == 1):
        return _named(raw, service, JSON, (target or "").rpartition(".")[2])
    return _form(raw, service)


def _unsigned(raw: RawRequest) -> Target:
    """The service by the looks of a request whose signature names none."""
    target = raw.header("x-amz-target")
    if target:
        prefix, _, operation = target.rpartition(".")
        service = _target_prefixes().get(prefix, "")
        return _named(raw, service, JSON, operation)
    path_operation = _path_operation(raw)
    if path_operation is not None:
        prefix, operation = path_operation
        return _named(raw, _target_prefixes().get(prefix, ""), CBOR, operation)
    if raw.path in ("", "/") and ("Action=" in raw.query or _has_form(raw)):
        form, fault = _fields(raw)
        if fault is not None or "Action" in form:
            service = _service_of_action(form.get("Action", ""), form.get("Version", ""))
            return _form(raw, service, form, fault)
    return _rest(raw)


def _unknown_service(raw: RawRequest, signing_service: str) -> Target:
    """A target that errors can be answered for, in the protocol that the request speaks."""
    target = raw.header("x-amz-target")
    if target:
        return _named(raw, signing_service, JSON, target.rpartition(".")[2])
    if (path_operation := _path_operation(raw)) is not None:
        return _named(raw, signing_service, CBOR, path_operation[1])
    if (raw.header("content-type") or "").startswith("application/json"):
        return _named(raw, signing_service, JSON, "")
    if "Action=" in raw.query or _has_form(raw):
        form, fault = _fields(raw)
        named = form.get("Action", "")
        return Target(signing_service, QUERY, None, named, raw.method, form=form, fault=fault)
    return Target(signing_service, REST_XML, None, "", raw.method)


def _named(raw: RawRequest, service: str, protocol: str, operation: str) -> Target:
    known = service in SERVICES and operation in known_operations(service)
    content_type = raw.header("content-type") or ""
    version = "1.0" if "x-amz-json-1.0" in content_type else "1.1"
    if "x-amz-json" not in content_type and service in SERVICES:
        version = model_of(service).metadata.get("jsonVersion", version)
    return Target(
        service,
        protocol,
        operation if known else None,
        operation,
        raw.method,
        version,
        service in SERVICES and model_of(service).is_query_compatible,
    )


def _form(
    raw: RawRequest,
    service: str,
    form: Mapping[str, str] | None = None,
    fault: ServiceError | None = None,
) -> Target:
    if form is None:
        form, fault = _fields(raw)
    operation = form.get("Action", "")
    known = service in SERVICES and operation in known_operations(service)
    return Target(
        service,
        EC2 if service == "ec2" else QUERY,
        operation if known else None,
        operation,
        raw.method,
        form=form,
        fault=fault,
    )


def _rest(raw: RawRequest) -> Target:
    query: dict[str, list[str]] = {}
    labels: dict[str, str] = {}
    operation: str | None = None
    fault: ServiceError | None = None
    try:
        for part in raw.query.split("&") if raw.query else ():
            if len(query) > FORM_FIELDS_MAX:
                fault = ServiceError("InvalidURI", "Couldn't parse the specified URI.")
                break
            name, _, value = part.partition("=")
            if name:
                value = unquote_plus(value, errors="strict")
                query.setdefault(unquote_plus(name, errors="strict"), []).append(value)
        bucket, _, key = raw.path.removeprefix("/").partition("/")
        labels = {
            name: unquote(text, errors="strict")
            for name, text in (("Bucket", bucket), ("Key", key))
            if text
        }
    except UnicodeDecodeError:
        fault = ServiceError("InvalidURI", "Couldn't parse the specified URI.")
    else:
        header_names = {name for name, _ in raw.headers}
        operation = rest_operation("s3", raw.method, labels, query, header_names)
    return Target(
        "s3",
        REST_XML,
        operation,
        operation or raw.method,
        raw.method,
        labels=labels,
        query=query,
        fault=fault,
    )


def _path_operation(raw: RawRequest) -> tuple[str, str] | None:
    """Service and operation of a path as ``/service/S/operation/O``."""
    parts = raw.path.split("/")
    if len(parts) == 5 and parts[1] == "service" and parts[3] == "operation":
        content_type = raw.header("content-type") or _CBOR_TYPE
        if raw.header("smithy-protocol") or content_type.startswith(_CBOR_TYPE):
            return parts[2], parts[4]
    return None


def _has_form(raw: RawRequest) -> bool:
    content_type = (raw.header("content-type") or "").lower()
    return content_type.startswith(_FORM_TYPE) or raw.body.startswith(b"Action=")


def _fields(raw: RawRequest) -> tuple[dict[str, str], ServiceError | None]:
    """The fields of query string and form body, and why they cannot be read."""
    fields: dict[str, str] = {}
    try:
        texts = [raw.query, raw.body.decode("utf-8")]
        for text in texts:
            if text.count("&") >= FORM_FIELDS_MAX:
                return fields, _malformed("The query string holds too many parameters.")
            for part in text.split("&"):
                name, equals, value = part.partition("=")
                if not name and not equals:
                    continue
                name = unquote_plus(name, errors="strict").strip("\r\n")
                value = unquote_plus(value, errors="strict")
                if fields.setdefault(name, value) != value:
                    return fields, _malformed(
                        f"The parameter {name[:255]} is given more than once."
                    )
    except UnicodeDecodeError:
        return fields, _malformed("The query string is not valid UTF-8.")
    return fields, None


def _malformed(message: str) -> ServiceError:
    return ServiceError("MalformedQueryString", message)


@cache
def _target_prefixes() -> Mapping[str, str]:
    return {
        prefix: service
        for service in SERVICES
        if (prefix := model_of(service).metadata.get("targetPrefix"))
    }


@cache
def _api_versions() -> Mapping[str, str]:
    """The services with an Action by their version."""
    return {
        model_of(service).api_version: service for service in ("ec2", "iam", "sts", "cloudwatch")
    }


def _service_of_action(action: str, version: str) -> str:
    service = _api_versions().get(version)
    if service is None:
        names = ("ec2", "iam", "sts", "cloudwatch")
        service = next((name for name in names if action in known_operations(name)), "ec2")
    return service
