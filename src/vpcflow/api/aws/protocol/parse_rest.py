"""REST-XML requests to parameters: path, query string, headers and body by the model's locations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.model import Shape

from vpcflow.api.aws.operation import RawRequest
from vpcflow.api.aws.protocol.faults import broken_xml, shown
from vpcflow.api.aws.protocol.models import compiled_once, members_of, operation_of, trait
from vpcflow.api.aws.protocol.resolve import Target
from vpcflow.api.aws.protocol.scalars import scalar_of
from vpcflow.api.aws.protocol.xml_tree import Element, read_xml
from vpcflow.base.errors import ServiceError

_Reader = Callable[[Element], Any]


def parse_rest(target: Target, raw: RawRequest) -> dict[str, Any]:
    """The parameters of a request.

    Errors: ServiceError ``InvalidArgument`` for a wrong header or query parameter, ``MalformedXML``
    for a wrong body, ``MissingRequestBodyError`` for none where one must be.
    """
    assert target.operation is not None
    plan = _compiled(target.service, target.operation)
    found: dict[str, Any] = {}
    for member, name in plan.labels:
        if name in target.labels:
            found[member] = target.labels[name]
    for member, name, convert_all in plan.query:
        values = target.query.get(name)
        if values and (value := _converted(convert_all, values, name)) is not None:
            found[member] = value
    headers: dict[str, str] = {}
    for name, value in raw.headers:
        headers.setdefault(name, value)
    for member, name, convert in plan.headers:
        if name in headers:
            found[member] = _converted(convert, headers[name], name)
    for member, prefix in plan.header_maps:
        pairs = {
            name[len(prefix) :]: value for name, value in headers.items() if name.startswith(prefix)
        }
        if pairs:
            found[member] = pairs
    plan.body(raw.body, found)
    return found


def _converted(convert: Callable[[Any], Any], value: Any, name: str) -> Any:
    try:
        return convert(value)
    except (ValueError, OverflowError):
        text = shown(value if isinstance(value, str) else value[0])
        raise ServiceError(
            "InvalidArgument",
            f"Provided value is not valid for {name}",
            fields={"ArgumentName": name, "ArgumentValue": text},
        ) from None


@dataclass(frozen=True, slots=True)
class _Plan:
    labels: tuple[tuple[str, str], ...]
    query: tuple[tuple[str, str, Callable[[list[str]], Any]], ...]
    headers: tuple[tuple[str, str, Callable[[str], Any]], ...]
    header_maps: tuple[tuple[str, str], ...]
    body: Callable[[bytes, dict[str, Any]], None]


@compiled_once
def _compiled(service: str, operation: str) -> _Plan:
    shape = operation_of(service, operation).input_shape
    if shape is None:
        return _Plan((), (), (), (), _no_body)
    labels, query, headers, header_maps = [], [], [], []
    for member, member_shape in members_of(shape).items():
        name = trait(member_shape, "name") or member
        location = trait(member_shape, "location")
        if location == "uri":
            labels.append((member, name))
        elif location == "querystring":
            query.append((member, name, _query_reader(member_shape)))
        elif location == "header":
            headers.append((member, name.lower(), _header_reader(member_shape)))
        elif location == "headers":
            header_maps.append((member, name.lower()))
    return _Plan(
        tuple(labels), tuple(query), tuple(headers), tuple(header_maps), _body_reader(shape)
    )


def _query_reader(shape: Shape) -> Callable[[list[str]], Any]:
    if shape.type_name == "list":
        one = scalar_of(shape.member.type_name)  # type: ignore[attr-defined]
        return lambda values: [one(value) for value in values]
    one = scalar_of(shape.type_name)
    if shape.type_name in ("integer", "long"):
        # A number without digits is as if it were not there, as at AWS.
        return lambda values: one(values[0]) if values[0] else None
    return lambda values: one(values[0])


def _header_reader(shape: Shape) -> Callable[[str], Any]:
    if shape.type_name == "list":
        one = scalar_of(shape.member.type_name)  # type: ignore[attr-defined]
        return lambda text: [one(part) for part in _header_list(text)]
    return scalar_of(shape.type_name)


def _header_list(text: str) -> list[str]:
    """The parts between commas; a quoted part may hold commas."""
    parts, current, quoted, escaped = [], [], False, False
    for character in text:
        if escaped:
            current.append(character)
            escaped = False
        elif quoted and character == "\\":
            escaped = True
        elif character == '"':
            quoted = not quoted
        elif character == "," and not quoted:
            parts.append("".join(current).strip())
            current = []
        else:
            current.append(character)
    parts.append("".join(current).strip())
    return parts


def _no_body(_body: bytes, _found: dict[str, Any]) -> None:
    return None


def _body_reader(shape: Shape) -> Callable[[bytes, dict[str, Any]], None]:
    payload = trait(shape, "payload")
    members = members_of(shape)
    if payload is None:
        inside = {name: s for name, s in members.items() if not trait(s, "location")}
        if not inside:
            return _no_body
        read_members = _member_readers(inside, {})

        def read(body: bytes, found: dict[str, Any]) -> None:
            if body:
                found.update(_structure(read_members, _root(body)))

        return read
    payload_shape = members[payload]
    if payload_shape.type_name == "blob":

        def blob(body: bytes, found: dict[str, Any]) -> None:
            found[payload] = body

        return blob
    if payload_shape.type_name == "string":

        def string(body: bytes, found: dict[str, Any]) -> None:
            try:
                if body:
                    found[payload] = body.decode("utf-8")
            except UnicodeDecodeError:
                raise broken_xml() from None

        return string
    root_name = trait(payload_shape, "name") or payload
    read_root = _reader(payload_shape, {})
    required = payload in shape.required_members

    def structure(body: bytes, found: dict[str, Any]) -> None:
        if not body:
            if required:
                raise ServiceError("MissingRequestBodyError", "Request Body is empty")
            return
        root = _root(body)
        if root.name != root_name:
            raise broken_xml()
        found[payload] = read_root(root)

    return structure


def _root(body: bytes) -> Element:
    try:
        return read_xml(body)
    except (ValueError, LookupError):
        raise broken_xml() from None


#: By element name: the member, its reader, and whether it repeats (a flattened list or map).
_Members = Mapping[str, tuple[str, _Reader, bool]]
_Attributes = Sequence[tuple[str, str]]


def _member_readers(
    members: Mapping[str, Shape], seen: dict[str, Any]
) -> tuple[dict[str, tuple[str, _Reader, bool]], _Attributes]:
    found: dict[str, tuple[str, _Reader, bool]] = {}
    attributes = []
    for member, shape in members.items():
        name = trait(shape, "name") or member
        if trait(shape, "xmlAttribute"):
            attributes.append((member, name))
        elif trait(shape, "flattened") and shape.type_name == "list":
            inner: Shape = shape.member  # type: ignore[attr-defined]
            found[name] = (member, _reader(inner, seen), True)
        else:
            found[name] = (member, _reader(shape, seen), False)
    return found, tuple(attributes)


def _structure(readers: tuple[_Members, _Attributes], element: Element) -> dict[str, Any]:
    members, attributes = readers
    found: dict[str, Any] = {}
    for child in element.children:
        known = members.get(child.name)
        if known is None:
            continue
        member, read, repeats = known
        if repeats:
            found.setdefault(member, []).append(read(child))
        elif member in found:
            raise broken_xml()
        else:
            found[member] = read(child)
    for member, name in attributes:
        if name in element.attributes:
            found[member] = element.attributes[name]
    return found


def _reader(shape: Shape, seen: dict[str, Any]) -> _Reader:
    kind = shape.type_name
    if kind == "structure":
        readers = seen.get(shape.name)
        if readers is None:
            # Filled afterwards, so that a shape within itself finds the same readers.
            members: dict[str, tuple[str, _Reader, bool]] = {}
            attributes: list[tuple[str, str]] = []
            readers = seen[shape.name] = (members, attributes)
            found, found_attributes = _member_readers(members_of(shape), seen)
            members.update(found)
            attributes.extend(found_attributes)
        return lambda element: _structure(readers, element)
    if kind == "list":
        inner: Shape = shape.member  # type: ignore[attr-defined]
        read = _reader(inner, seen)
        name = trait(inner, "name") or "member"
        return lambda element: [read(child) for child in element.children if child.name == name]
    if kind == "map":
        return _map_reader(shape, seen)
    convert = scalar_of(kind)
    strip = kind != "string"

    def scalar(element: Element) -> Any:
        if element.children:
            raise broken_xml()
        try:
            return convert(element.text.strip() if strip else element.text)
        except (ValueError, OverflowError):
            raise broken_xml() from None

    return scalar


def _map_reader(shape: Shape, seen: dict[str, Any]) -> _Reader:
    key: Shape = shape.key  # type: ignore[attr-defined]
    value: Shape = shape.value  # type: ignore[attr-defined]
    read_key, read_value = _reader(key, seen), _reader(value, seen)
    key_name, value_name = trait(key, "name") or "key", trait(value, "name") or "value"

    def pairs(element: Element) -> dict[str, Any]:
        found = {}
        for entry in element.children:
            parts = {child.name: child for child in entry.children}
            if key_name not in parts or value_name not in parts:
                raise broken_xml()
            found[read_key(parts[key_name])] = read_value(parts[value_name])
        return found

    return pairs
