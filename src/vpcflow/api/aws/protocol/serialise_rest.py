"""REST-XML answers: headers, status and body by the model's locations.

Source: the model names no root elements; those of S3 are from its API reference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.model import Shape

from vpcflow.api.aws.protocol.models import compiled_once, members_of, operation_of, trait
from vpcflow.api.aws.protocol.resolve import Target
from vpcflow.api.aws.protocol.scalars import boolean_text, double_text, timestamp_text
from vpcflow.api.aws.protocol.wire_answer import XML_DECLARATION, WireAnswer
from vpcflow.api.aws.protocol.xml_write import XmlWriters, escape
from vpcflow.base.errors import ServiceError

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_XML_TYPE = "application/xml"
#: The root element where it is not the output shape's name without ``Output``.
_ROOTS = {
    "ListBuckets": "ListAllMyBucketsResult",
    "ListDirectoryBuckets": "ListAllMyDirectoryBucketsResult",
    "ListObjects": "ListBucketResult",
    "ListObjectsV2": "ListBucketResult",
    "ListObjectVersions": "ListVersionsResult",
    "ListParts": "ListPartsResult",
    "ListMultipartUploads": "ListMultipartUploadsResult",
    "CreateMultipartUpload": "InitiateMultipartUploadResult",
    "CompleteMultipartUpload": "CompleteMultipartUploadResult",
    "CopyObject": "CopyObjectResult",
    "UploadPartCopy": "CopyPartResult",
    "DeleteObjects": "DeleteResult",
    "CreateSession": "CreateSessionResult",
    "GetBucketAcl": "AccessControlPolicy",
    "GetObjectAcl": "AccessControlPolicy",
    "GetBucketCors": "CORSConfiguration",
    "GetBucketWebsite": "WebsiteConfiguration",
    "GetBucketVersioning": "VersioningConfiguration",
    "GetBucketAccelerateConfiguration": "AccelerateConfiguration",
    "GetBucketRequestPayment": "RequestPaymentConfiguration",
    "GetBucketLogging": "BucketLoggingStatus",
    "GetBucketLifecycle": "LifecycleConfiguration",
    "GetBucketLifecycleConfiguration": "LifecycleConfiguration",
    "GetBucketTagging": "Tagging",
    "GetObjectTagging": "Tagging",
    "GetBucketNotification": "NotificationConfiguration",
    "GetBucketNotificationConfiguration": "NotificationConfiguration",
    "GetObjectAttributes": "GetObjectAttributesResponse",
}
#: Outputs whose one member is the text of the root itself.
_BARE_ROOTS = {"GetBucketLocation": "LocationConstraint"}
_BAD_IN_HEADER = str.maketrans({"\r": " ", "\n": " ", "\0": " "})


@dataclass(frozen=True, slots=True)
class _Plan:
    status: int
    headers: tuple[tuple[str, str, Callable[[Any], str]], ...]
    header_maps: tuple[tuple[str, str], ...]
    status_member: str | None
    payload: str | None
    body: Callable[[Mapping[str, Any]], str] | None


def rest_answer(target: Target, value: Mapping[str, Any], request_id: str) -> WireAnswer:
    """The answer of an operation that went well."""
    assert target.operation is not None
    plan = _compiled(target.service, target.operation)
    headers = [*_id_headers(request_id)]
    for member, name, text_of in plan.headers:
        below = value.get(member)
        if below is not None:
            headers.append((name, text_of(below).translate(_BAD_IN_HEADER)))
    for member, prefix in plan.header_maps:
        for name, text in (value.get(member) or {}).items():
            headers.append((f"{prefix}{name}", str(text).translate(_BAD_IN_HEADER)))
    status = plan.status
    if plan.status_member is not None and value.get(plan.status_member) is not None:
        status = int(value[plan.status_member])
    elif value.get("ContentRange") is not None:
        status = 206
    elif "ResponseMetadata" in value:
        status = int(value["ResponseMetadata"]["HTTPStatusCode"])
    body, stream = b"", None
    if plan.payload is not None:
        payload = value.get(plan.payload)
        if isinstance(payload, str):
            body = payload.encode("utf-8")
        elif isinstance(payload, bytes | bytearray | memoryview):
            body = bytes(payload)
        else:
            stream = payload
    elif plan.body is not None:
        body = plan.body(value).encode("utf-8")
        headers.append(("Content-Type", _XML_TYPE))
    return WireAnswer(status, tuple(headers), b"" if target.method == "HEAD" else body, stream)


def rest_error(
    target: Target, error: ServiceError, code: str, status: int, request_id: str
) -> WireAnswer:
    """The answer of a refusal; to a HEAD the status alone."""
    headers = (*_id_headers(request_id), ("Content-Type", _XML_TYPE))
    if target.method == "HEAD":
        return WireAnswer(status, headers)
    fields = {name: value for name, value in error.fields.items() if not name.startswith("x-amz-")}
    headers += tuple(
        (name, value.translate(_BAD_IN_HEADER))
        for name, value in error.fields.items()
        if name.startswith("x-amz-")
    )
    inside = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())
    text = (
        f"{XML_DECLARATION}<Error><Code>{escape(code)}</Code>"
        f"<Message>{escape(error.message)}</Message>{inside}"
        f"<RequestId>{escape(request_id)}</RequestId>"
        f"<HostId>{escape(host_id(request_id))}</HostId></Error>"
    )
    return WireAnswer(status, headers, text.encode("utf-8"))


def host_id(request_id: str) -> str:
    """What stands for AWS's second request id: one host, so the first says all."""
    return f"vpcflow-{request_id}"


def _id_headers(request_id: str) -> tuple[tuple[str, str], ...]:
    return (("x-amz-request-id", request_id), ("x-amz-id-2", host_id(request_id)))


@compiled_once
def _compiled(service: str, operation: str) -> _Plan:
    model = operation_of(service, operation)
    status = model.http.get("responseCode", 200)
    shape = model.output_shape
    if shape is None:
        return _Plan(status, (), (), None, None, None)
    headers, header_maps, status_member = [], [], None
    members = members_of(shape)
    for member, member_shape in members.items():
        location = trait(member_shape, "location")
        name = trait(member_shape, "name") or member
        if location == "header":
            headers.append((member, name, _header_text(member_shape)))
        elif location == "headers":
            header_maps.append((member, name))
        elif location == "statusCode":
            status_member = member
    payload = trait(shape, "payload")
    streamed = payload if payload and members[payload].type_name in ("blob", "string") else None
    body = None if streamed else _body(operation, shape, payload)
    return _Plan(status, tuple(headers), tuple(header_maps), status_member, streamed, body)


def _header_text(shape: Shape) -> Callable[[Any], str]:
    kind = shape.type_name
    if kind == "timestamp":
        form = trait(shape, "timestampFormat") or "rfc822"
        return lambda value: timestamp_text(value, form, True)
    if kind == "list":
        one = _header_text(shape.member)  # type: ignore[attr-defined]
        return lambda values: ",".join(one(value) for value in values)
    if kind == "boolean":
        return boolean_text
    if kind in ("double", "float"):
        return double_text
    return str


def _body(
    operation: str, shape: Shape, payload: str | None
) -> Callable[[Mapping[str, Any]], str] | None:
    writers = XmlWriters("member", True)
    members = members_of(shape)
    if payload is not None:
        payload_shape = members[payload]
        if trait(payload_shape, "eventstream"):
            return None
        root = _ROOTS.get(operation) or trait(payload_shape, "name") or payload
        write = writers.writer(payload_shape, root)

        def whole(value: Mapping[str, Any]) -> str:
            out: list[str] = []
            write(value.get(payload) or {}, out)
            return _with_namespace("".join(out), root)

        return whole
    inside = [name for name, member in members.items() if not trait(member, "location")]
    if not inside:
        return None
    if operation in _BARE_ROOTS:
        root, member = _BARE_ROOTS[operation], inside[0]

        def bare(value: Mapping[str, Any]) -> str:
            text = escape(str(value.get(member) or ""))
            return _with_namespace(f"<{root}>{text}</{root}>" if text else f"<{root}/>", root)

        return bare
    root = _ROOTS.get(operation) or shape.name.removesuffix("Output")
    write = writers.writer(shape, root)

    def structure(value: Mapping[str, Any]) -> str:
        out: list[str] = []
        write(value, out)
        return _with_namespace("".join(out), root)

    return structure


def _with_namespace(text: str, root: str) -> str:
    head = f"<{root}"
    rest = text[len(head) :]
    if not rest.startswith(" xmlns="):
        head += f' xmlns="{_NAMESPACE}"'
    return f"{XML_DECLARATION}{head}{rest}"
