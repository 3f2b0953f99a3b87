"""Output shapes as JSON or CBOR values: one converter compiled for each shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from botocore.model import Shape

from vpcflow.api.aws.protocol.cbor import Moment
from vpcflow.api.aws.protocol.models import members_of, trait
from vpcflow.api.aws.protocol.scalars import blob_text, double_text, seconds_of, timestamp_text

Converter = Callable[[Any], Any]
_FINITE_MAX = 1.7976931348623157e308


class JsonValues:
    """Compiles the shapes of one operation's output.

    Shape: with ``binary`` (CBOR) blobs stay bytes and timestamps become ``Moment``. A converter is
    None where a value may go as it is.
    """

    def __init__(self, binary: bool) -> None:
        self._binary = binary
        self._seen: dict[str, Converter] = {}

    def of(self, shape: Shape) -> Converter | None:
        """The converter of a shape."""
        kind = shape.type_name
        if kind == "structure":
            return self._structure(shape)
        if kind == "list":
            convert = self.of(shape.member)  # type: ignore[attr-defined]
            if convert is None:
                return list
            return lambda values: [None if value is None else convert(value) for value in values]
        if kind == "map":
            return self._map(shape)
        if kind == "timestamp":
            return self._timestamp(shape)
        if kind == "blob":
            return _bytes if self._binary else blob_text
        if kind in ("double", "float"):
            return float if self._binary else _double
        return None

    def _structure(self, shape: Shape) -> Converter:
        if shape.metadata.get("document"):
            return lambda value: value
        found = self._seen.get(shape.name)
        if found is not None:
            return found
        converters: dict[str, tuple[str, Converter | None]] = {}

        def structure(value: Mapping[str, Any]) -> dict[str, Any]:
            result = {}
            for member, (name, convert) in converters.items():
                below = value.get(member)
                if below is not None:
                    result[name] = below if convert is None else convert(below)
            return result

        # Known before its members are compiled, so that a shape may lie within itself.
        self._seen[shape.name] = structure
        for member, member_shape in members_of(shape).items():
            if not trait(member_shape, "eventstream"):
                name = trait(member_shape, "name") or member
                converters[member] = (name, self.of(member_shape))
        return structure

    def _map(self, shape: Shape) -> Converter:
        convert = self.of(shape.value)  # type: ignore[attr-defined]
        if convert is None:
            return lambda value: {
                str(key): below for key, below in value.items() if below is not None
            }
        return lambda value: {
            str(key): convert(below) for key, below in value.items() if below is not None
        }

    def _timestamp(self, shape: Shape) -> Converter:
        form = trait(shape, "timestampFormat") or "unixtimestamp"
        if self._binary:
            return lambda value: Moment(seconds_of(value))
        if form == "unixtimestamp":
            return lambda value: (
                seconds_of(value) if isinstance(value, datetime | int | float) else value
            )
        return lambda value: timestamp_text(value, form, True)


def _double(value: Any) -> Any:
    number = float(value)
    return number if -_FINITE_MAX <= number <= _FINITE_MAX else double_text(number)


def _bytes(value: bytes | str) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)
