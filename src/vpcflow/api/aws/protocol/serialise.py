"""Results and errors as answers on the wire, in the protocol of the request.

Source: the answer shapes of each protocol, success and error; names of elements from the model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from vpcflow.api.aws.protocol import cbor
from vpcflow.api.aws.protocol.json_values import JsonValues
from vpcflow.api.aws.protocol.models import (
    SERVICES,
    compiled_once,
    error_shape,
    model_of,
    operation_of,
    trait,
)
from vpcflow.api.aws.protocol.resolve import CBOR, EC2, JSON, QUERY, REST_XML, Target
from vpcflow.api.aws.protocol.serialise_rest import rest_answer, rest_error
from vpcflow.api.aws.protocol.wire_answer import XML_DECLARATION, WireAnswer
from vpcflow.api.aws.protocol.xml_write import XmlWriters, escape
from vpcflow.base.errors import ServiceError

_XML_TYPE = "text/xml;charset=UTF-8"
_CBOR_TYPE = "application/cbor"
_DEFAULT_STATUS = 400


def serialise(target: Target, result: Mapping[str, Any] | None, request_id: str) -> WireAnswer:
    """The answer of an operation that went well; members that are None are left out."""
    assert target.operation is not None
    value = result or {}
    if target.protocol == REST_XML:
        return rest_answer(target, value, request_id)
    if target.protocol == JSON:
        convert = _json_converter(target.service, target.operation)
        body = b"{}" if convert is None else orjson.dumps(convert(value))
        return WireAnswer(200, _json_headers(target, request_id), body)
    if target.protocol == CBOR:
        convert = _cbor_converter(target.service, target.operation)
        body = cbor.encode({} if convert is None else convert(value))
        return WireAnswer(200, _cbor_headers(request_id), body)
    compiler = _ec2_envelope if target.protocol == EC2 else _query_envelope
    text = compiler(target.service, target.operation)(value, escape(request_id))
    return WireAnswer(200, _xml_headers(request_id), text.encode("utf-8"))


def serialise_error(target: Target, error: ServiceError, request_id: str) -> WireAnswer:
    """The answer of a refusal, with the code and the status of the model where it knows the error."""
    shape = error_shape(target.service, error.code)
    traits = {} if shape is None else shape.metadata.get("error", {})
    status = error.status
    if status == _DEFAULT_STATUS and shape is not None:
        fault = shape._shape_model.get("fault")  # type: ignore[attr-defined]
        status = traits.get("httpStatusCode", 500 if fault else status)
    wire_code = traits.get("code", error.code)
    shape_name = error.code if shape is None else shape.name
    if target.protocol == REST_XML:
        return rest_error(target, error, wire_code, status, request_id)
    if target.protocol == EC2:
        return _ec2_error(error, wire_code, status, request_id)
    if target.protocol == QUERY:
        return _query_error(target, error, wire_code, status, request_id)
    body = {"__type": shape_name, "message": error.message, **error.fields}
    if target.protocol == CBOR:
        headers, data = _cbor_headers(request_id), cbor.encode(body)
    else:
        headers, data = _json_headers(target, request_id), orjson.dumps(body)
        headers += (("x-amzn-ErrorType", shape_name),)
    if target.query_compatible:
        headers += (("x-amzn-query-error", f"{wire_code};{_side(status)}"),)
    return WireAnswer(status, headers, data)


def _side(status: int) -> str:
    """Who is at fault."""
    return "Sender" if status < 500 else "Receiver"


def _json_headers(target: Target, request_id: str) -> tuple[tuple[str, str], ...]:
    return (
        ("x-amzn-RequestId", request_id),
        ("Content-Type", f"application/x-amz-json-{target.json_version}"),
    )


def _cbor_headers(request_id: str) -> tuple[tuple[str, str], ...]:
    return (
        ("x-amzn-RequestId", request_id),
        ("smithy-protocol", "rpc-v2-cbor"),
        ("Content-Type", _CBOR_TYPE),
    )


def _xml_headers(request_id: str) -> tuple[tuple[str, str], ...]:
    return (("x-amzn-RequestId", request_id), ("Content-Type", _XML_TYPE))


@compiled_once
def _json_converter(service: str, operation: str) -> Callable[[Any], Any] | None:
    shape = operation_of(service, operation).output_shape
    return None if shape is None else JsonValues(binary=False).of(shape)


@compiled_once
def _cbor_converter(service: str, operation: str) -> Callable[[Any], Any] | None:
    shape = operation_of(service, operation).output_shape
    return None if shape is None else JsonValues(binary=True).of(shape)


_Envelope = Callable[[Mapping[str, Any], str], str]


def _namespace(service: str) -> str:
    if service not in SERVICES:
        return ""
    namespace = model_of(service).metadata.get("xmlNamespace", "")
    return f' xmlns="{namespace}"' if namespace else ""


@compiled_once
def _ec2_envelope(service: str, operation: str) -> _Envelope:
    model = operation_of(service, operation)
    members = (
        [] if model.output_shape is None else XmlWriters("item", True).members(model.output_shape)
    )
    # EC2's own namespace ends with a slash, which the model leaves out.
    namespace = f"{model.service_model.metadata['xmlNamespace'].rstrip('/')}/"
    opening = f'{XML_DECLARATION}<{operation}Response xmlns="{namespace}"><requestId>'
    closing = f"</{operation}Response>"
    if model.output_shape is None:
        # An operation without output still says that it went well.
        closing = f"<return>true</return>{closing}"

    def envelope(value: Mapping[str, Any], request_id: str) -> str:
        out = [opening, request_id, "</requestId>"]
        for member, write in members:
            below = value.get(member)
            if below is not None:
                write(below, out)
        out.append(closing)
        return "".join(out)

    return envelope


@compiled_once
def _query_envelope(service: str, operation: str) -> _Envelope:
    model = operation_of(service, operation)
    shape = model.output_shape
    opening = f"{XML_DECLARATION}<{operation}Response{_namespace(service)}>"
    closing = f"</RequestId></ResponseMetadata></{operation}Response>"
    write = None
    if shape is not None:
        wrapper = trait(shape, "resultWrapper") or f"{operation}Result"
        write = XmlWriters("member", False).writer(shape, wrapper)

    def envelope(value: Mapping[str, Any], request_id: str) -> str:
        out = [opening]
        if write is not None:
            write(value, out)
        out += ("<ResponseMetadata><RequestId>", request_id, closing)
        return "".join(out)

    return envelope


def _ec2_error(error: ServiceError, code: str, status: int, request_id: str) -> WireAnswer:
    text = (
        f"{XML_DECLARATION}<Response><Errors><Error><Code>{escape(code)}</Code>"
        f"<Message>{escape(error.message)}</Message></Error></Errors>"
        f"<RequestID>{escape(request_id)}</RequestID></Response>"
    )
    return WireAnswer(status, _xml_headers(request_id), text.encode("utf-8"))


def _query_error(
    target: Target, error: ServiceError, code: str, status: int, request_id: str
) -> WireAnswer:
    fields = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in error.fields.items())
    text = (
        f"{XML_DECLARATION}<ErrorResponse{_namespace(target.service)}><Error>"
        f"<Type>{_side(status)}</Type><Code>{escape(code)}</Code>"
        f"<Message>{escape(error.message)}</Message>{fields}</Error>"
        f"<RequestId>{escape(request_id)}</RequestId></ErrorResponse>"
    )
    return WireAnswer(status, _xml_headers(request_id), text.encode("utf-8"))
