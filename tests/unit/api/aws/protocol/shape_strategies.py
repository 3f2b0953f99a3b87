"""Values of botocore's shapes for property tests, and botocore's requests as they come over a wire."""

from __future__ import annotations

import string
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from botocore.model import Shape
from botocore.serialize import create_serializer
from hypothesis import strategies as st

from vpcflow.api.aws.operation import RawRequest
from vpcflow.api.aws.protocol.models import operation_of

DEPTH_MAX = 4
#: Text that every protocol can carry, with what needs an escape.
TEXT = st.text(
    st.one_of(
        st.sampled_from("&<>\"'%+=;,/?#é中😀 "),
        st.sampled_from(string.ascii_letters + string.digits),
    ),
    min_size=1,
    max_size=12,
)
HEADER_TEXT = st.text(string.ascii_letters + string.digits + "-_/.", min_size=1, max_size=12)
MOMENTS = st.integers(0, 4_000_000_000).map(lambda s: datetime.fromtimestamp(s, UTC))


def scalars(shape: Shape, in_header: bool = False) -> st.SearchStrategy[Any]:
    """Values of a scalar shape."""
    enum = shape.metadata.get("enum")
    if enum:
        return st.sampled_from(enum)
    return {
        "string": HEADER_TEXT if in_header else TEXT,
        "character": TEXT,
        "boolean": st.booleans(),
        "integer": st.integers(-(2**31), 2**31 - 1),
        "long": st.integers(-(2**63), 2**63 - 1),
        "double": st.floats(allow_nan=False, allow_infinity=False, width=32),
        "float": st.floats(allow_nan=False, allow_infinity=False, width=32),
        "timestamp": MOMENTS,
        "blob": st.binary(max_size=12),
    }[shape.type_name]


def values(shape: Shape, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values of any shape; structures, lists and maps are never empty, since a form cannot say so."""
    if shape.type_name == "structure":
        return structures(shape, depth)
    if shape.type_name == "list":
        return st.lists(values(shape.member, depth + 1), min_size=1, max_size=3)
    if shape.type_name == "map":
        return st.dictionaries(TEXT, values(shape.value, depth + 1), min_size=1, max_size=3)
    location = shape.serialization.get("location")
    return scalars(shape, location in ("header", "headers", "uri"))


def structures(shape: Shape, depth: int = 0) -> st.SearchStrategy[dict[str, Any]]:
    """Dicts of a structure: the required members, and some of the others."""

    @st.composite
    def one(draw: Any) -> dict[str, Any]:
        members = {
            name: member
            for name, member in shape.members.items()
            if not member.serialization.get("eventstream")
            and (depth < DEPTH_MAX or member.type_name not in ("structure", "list", "map"))
        }
        if not members:
            return {}
        if shape.metadata.get("union"):
            chosen = {draw(st.sampled_from(sorted(members)))}
        else:
            chosen = set(shape.required_members) & set(members)
            chosen |= set(draw(st.lists(st.sampled_from(sorted(members)), min_size=1, max_size=6)))
        return {name: draw(member_values(members[name], depth)) for name in sorted(chosen)}

    return one()


def member_values(member: Shape, depth: int) -> st.SearchStrategy[Any]:
    """Values of a member, as its place on the wire allows."""
    location = member.serialization.get("location")
    if location in ("header", "uri") and member.type_name == "list":
        return st.lists(scalars(member.member, True), min_size=1, max_size=3)
    if location == "headers":
        names = st.text(string.ascii_lowercase, min_size=1, max_size=8)
        return st.dictionaries(names, HEADER_TEXT, min_size=1, max_size=3)
    return values(member, depth + 1)


def hollow(value: Any) -> bool:
    """Whether a value holds a structure or list with nothing in it."""
    if isinstance(value, dict):
        return not value or any(hollow(below) for below in value.values())
    return isinstance(value, list) and (not value or any(hollow(below) for below in value))


def botocore_request(
    service: str, protocol: str, operation: str, parameters: dict[str, Any]
) -> RawRequest:
    """What botocore sends for parameters, as a server sees it."""
    serializer = create_serializer(protocol, include_validation=False)
    made = serializer.serialize_to_request(parameters, operation_of(service, operation))
    body, headers = made["body"], made["headers"]
    if isinstance(body, dict):
        body = urlencode(body).encode()
    elif isinstance(body, str):
        body = body.encode()
    path, _, query = made["url_path"].partition("?")
    more = urlencode(made["query_string"] or {}, doseq=True)
    return RawRequest(
        made["method"],
        path,
        "&".join(part for part in (query, more) if part),
        [(name.lower(), str(value)) for name, value in headers.items()],
        bytes(body),
    )
