"""JSON bodies, and CBOR once it is decoded, to parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from botocore.model import Shape

from vpcflow.api.aws.protocol import cbor
from vpcflow.api.aws.protocol.faults import broken_json
from vpcflow.api.aws.protocol.models import compiled_once, members_of, operation_of, trait
from vpcflow.api.aws.protocol.resolve import CBOR, Target
from vpcflow.api.aws.protocol.scalars import blob_of, bounded, double_of, timestamp_of

_Reader = Callable[[Any], Any]
_Members = Mapping[str, tuple[str, _Reader]]


def parse_json(target: Target, body: bytes, raw_members: frozenset[str]) -> dict[str, Any]:
    """The parameters of a body; members that the operation does not have are passed over.

    Errors: ServiceError SerializationException.
    """
    assert target.operation is not None
    value = _decoded(target, body)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise broken_json(f"Unexpected {_kind(value)}")
    members = _compiled(target.service, target.operation)
    try:
        return _structure(members, value, raw_members)
    except RecursionError:
        raise broken_json("The body is nested too deeply.") from None


def _decoded(target: Target, body: bytes) -> Any:
    try:
        if target.protocol == CBOR:
            return cbor.decode(body) if body else None
        return orjson.loads(body) if body.strip() else None
    except (ValueError, RecursionError):
        raise broken_json() from None


@compiled_once
def _compiled(service: str, operation: str) -> _Members:
    shape = operation_of(service, operation).input_shape
    return {} if shape is None else _members(shape, {})


def _members(shape: Shape, seen: dict[str, dict[str, tuple[str, _Reader]]]) -> _Members:
    found = seen.get(shape.name)
    if found is None:
        found = seen[shape.name] = {}
        for member, member_shape in members_of(shape).items():
            found[trait(member_shape, "name") or member] = (member, _reader(member_shape, seen))
    return found


def _structure(
    members: _Members, value: dict[str, Any], raw: frozenset[str] = frozenset()
) -> dict[str, Any]:
    found = {}
    for name, below in value.items():
        known = members.get(name)
        if known is not None and below is not None:
            member, read = known
            found[member] = below if member in raw else read(below)
    return found


def _reader(shape: Shape, seen: dict[str, dict[str, tuple[str, _Reader]]]) -> _Reader:
    kind = shape.type_name
    if kind == "structure":
        if shape.metadata.get("document"):
            return _document
        members = _members(shape, seen)

        def structure(value: Any) -> Any:
            if not isinstance(value, dict):
                raise broken_json(f"Unexpected {_kind(value)}")
            return _structure(members, value)

        return structure
    if kind == "list":
        read = _reader(shape.member, seen)  # type: ignore[attr-defined]

        def entries(value: Any) -> Any:
            if not isinstance(value, list):
                raise broken_json("Expected list or null")
            return [None if entry is None else read(entry) for entry in value]

        return entries
    if kind == "map":
        read_value = _reader(shape.value, seen)  # type: ignore[attr-defined]

        def pairs(value: Any) -> Any:
            if not isinstance(value, dict):
                raise broken_json("Expected map or null")
            return {name: read_value(below) for name, below in value.items() if below is not None}

        return pairs
    return _scalar(kind)


def _document(value: Any) -> Any:
    return value


_WANTED = {
    "string": "a String",
    "boolean": "a Boolean",
    "integer": "an Integer",
    "long": "a Long",
    "double": "a Double",
    "float": "a Float",
    "timestamp": "a Timestamp",
    "blob": "a Blob",
}


def _scalar(kind: str) -> _Reader:
    if kind == "string":

        def string(value: Any) -> Any:
            if type(value) is str:
                return value
            raise _not_convertible(value, kind)

        return string
    convert = _CONVERT[kind]

    def scalar(value: Any) -> Any:
        try:
            return convert(value)
        except (ValueError, TypeError, AttributeError, OverflowError):
            raise _not_convertible(value, kind) from None

    return scalar


def _boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise ValueError(value)
    return value


def _whole(kind: str) -> _Reader:
    def whole(value: Any) -> int:
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is not int:
            raise ValueError(value)
        return bounded(value, kind)

    return whole


def _double(value: Any) -> float:
    if type(value) is str:
        return double_of(value)
    if type(value) not in (int, float):
        raise ValueError(value)
    return float(value)


def _timestamp(value: Any) -> Any:
    if isinstance(value, bool):
        raise TypeError(value)
    return timestamp_of(value.seconds if isinstance(value, cbor.Moment) else value)


def _blob(value: Any) -> bytes:
    return value if type(value) is bytes else blob_of(value)


_CONVERT: Mapping[str, _Reader] = {
    "boolean": _boolean,
    "integer": _whole("integer"),
    "long": _whole("long"),
    "double": _double,
    "float": _double,
    "timestamp": _timestamp,
    "blob": _blob,
}


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return "start of structure or map"
    if isinstance(value, list):
        return "start of list"
    if isinstance(value, bool):
        return "TRUE_VALUE" if value else "FALSE_VALUE"
    return "STRING_VALUE" if isinstance(value, str) else "NUMBER_VALUE"


def _not_convertible(value: Any, kind: str) -> Exception:
    if isinstance(value, dict):
        return broken_json("Start of structure or map found where not expected.")
    if isinstance(value, list):
        return broken_json("Start of list found where not expected")
    return broken_json(f"{_kind(value)} can not be converted to {_WANTED[kind]}")
