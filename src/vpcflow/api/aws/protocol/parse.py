"""A request's parameters, as botocore takes them, in whatever protocol it came."""

from __future__ import annotations

import zlib
from typing import Any

from vpcflow.api.aws.operation import RawRequest
from vpcflow.api.aws.protocol.faults import broken_json, unknown_operation
from vpcflow.api.aws.protocol.parse_form import parse_form
from vpcflow.api.aws.protocol.parse_json import parse_json
from vpcflow.api.aws.protocol.parse_rest import parse_rest
from vpcflow.api.aws.protocol.resolve import EC2, QUERY, REST_XML, Target

#: A compressed JSON or CBOR body may become this large.
INFLATED_BYTES_MAX = 64 * 1024 * 1024


def parse(
    target: Target, raw: RawRequest, raw_members: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """The parameters of a request.

    Shape: names and types of botocore's input shape, timestamps as datetimes in UTC, blobs as bytes;
    ``raw_members`` of a JSON body stay as they were decoded.
    Errors: ServiceError for an operation that the model does not know, a body that is broken, and
    values of a wrong type.
    """
    if target.fault is not None:
        raise target.fault
    if target.operation is None:
        raise unknown_operation(target)
    if target.protocol in (EC2, QUERY):
        return parse_form(target)
    if target.protocol == REST_XML:
        return parse_rest(target, raw)
    return parse_json(target, _inflated(raw), raw_members)


def _inflated(raw: RawRequest) -> bytes:
    """The body, without the gzip that SDKs put around large ones."""
    if (raw.header("content-encoding") or "").strip().lower() != "gzip":
        return raw.body
    inflate = zlib.decompressobj(wbits=31)
    try:
        body = inflate.decompress(raw.body, INFLATED_BYTES_MAX)
    except zlib.error:
        raise broken_json() from None
    if not inflate.eof:
        raise broken_json("The body is cut short or too large.")
    return body
