"""Output shapes as XML: one writer compiled for each shape, text put together with escapes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from botocore.model import Shape

from vpcflow.api.aws.protocol.models import members_of, trait
from vpcflow.api.aws.protocol.scalars import (
    blob_text,
    double_text,
    timestamp_text,
)

#: A writer puts the text of a value, its element included, at the end of a list.
Writer = Callable[[Any, list[str]], None]

_SPECIAL = re.compile('[&<>"\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]')
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;"}


def escape(text: str) -> str:
    """Text as XML holds it; characters that XML 1.0 cannot hold become U+FFFD."""
    if _SPECIAL.search(text) is None:
        return text
    return _SPECIAL.sub(lambda match: _ENTITIES.get(match[0], "\ufffd"), text)


class XmlWriters:
    """Compiles the shapes of one operation's output.

    Shape: ``item`` is the name of list entries that the model does not name; ``millis`` whether
    ISO 8601 timestamps carry milliseconds.
    """

    def __init__(self, item: str, millis: bool) -> None:
        self._item = item
        self._millis = millis
        self._seen: dict[str, list[tuple[str, Writer]]] = {}

    def members(self, shape: Shape) -> list[tuple[str, Writer]]:
        """The writers of the members that travel in a body, in the model's order."""
        found = self._seen.get(shape.name)
        if found is None:
            # Filled afterwards, so that a shape within itself finds the same list.
            found = self._seen[shape.name] = []
            for member, member_shape in members_of(shape).items():
                if not trait(member_shape, "location") and not trait(member_shape, "xmlAttribute"):
                    name = trait(member_shape, "name") or member
                    found.append((member, self.writer(member_shape, name)))
        return found

    def writer(self, shape: Shape, name: str) -> Writer:
        """The writer of a value as an element of that name."""
        kind = shape.type_name
        if kind == "structure":
            return self._structure(shape, name)
        if kind == "list":
            return self._list(shape, name)
        if kind == "map":
            return self._map(shape, name)
        opening, closing = f"<{name}>", f"</{name}>"
        if kind in ("string", "character"):

            def string(value: Any, out: list[str]) -> None:
                text = value if type(value) is str else str(value)
                if _SPECIAL.search(text) is not None:
                    text = escape(text)
                out.append(f"{opening}{text}{closing}")

            return string
        if kind == "boolean":
            yes, no = f"{opening}true{closing}", f"{opening}false{closing}"
            return lambda value, out: out.append(yes if value else no)
        text_of = self.text_of(shape)
        return lambda value, out: out.append(f"{opening}{text_of(value)}{closing}")

    def text_of(self, shape: Shape) -> Callable[[Any], str]:
        """The text of a scalar that needs no escape."""
        kind = shape.type_name
        if kind == "timestamp":
            form, millis = trait(shape, "timestampFormat") or "iso8601", self._millis
            return lambda value: timestamp_text(value, form, millis)
        texts: dict[str, Callable[[Any], str]] = {
            "integer": lambda value: str(int(value)),
            "long": lambda value: str(int(value)),
            "double": double_text,
            "float": double_text,
            "blob": blob_text,
        }
        return texts[kind]

    def _structure(self, shape: Shape, name: str) -> Writer:
        members = self.members(shape)
        attributes = [
            (member, trait(member_shape, "name") or member)
            for member, member_shape in members_of(shape).items()
            if trait(member_shape, "xmlAttribute")
        ]
        namespace = namespace_of(shape)
        opening, closing, empty = f"<{name}{namespace}>", f"</{name}>", f"<{name}{namespace}/>"

        def structure(value: Mapping[str, Any], out: list[str]) -> None:
            start = len(out)
            if attributes:
                given = "".join(
                    f' {attribute}="{escape(str(value[member]))}"'
                    for member, attribute in attributes
                    if value.get(member) is not None
                )
                out.append(f"<{name}{namespace}{given}>")
            else:
                out.append(opening)
            get = value.get
            for member, write in members:
                below = get(member)
                if below is not None:
                    write(below, out)
            if len(out) == start + 1 and not attributes:
                out[start] = empty
            else:
                out.append(closing)

        return structure

    def _list(self, shape: Shape, name: str) -> Writer:
        member: Shape = shape.member  # type: ignore[attr-defined]
        if trait(shape, "flattened"):
            write = self.writer(member, trait(member, "name") or name)

            def flat(values: Any, out: list[str]) -> None:
                for value in values:
                    write(value, out)

            return flat
        write = self.writer(member, trait(member, "name") or self._item)
        opening, closing, empty = f"<{name}>", f"</{name}>", f"<{name}/>"

        def entries(values: Any, out: list[str]) -> None:
            if not values:
                out.append(empty)
                return
            out.append(opening)
            for value in values:
                write(value, out)
            out.append(closing)

        return entries

    def _map(self, shape: Shape, name: str) -> Writer:
        key: Shape = shape.key  # type: ignore[attr-defined]
        value: Shape = shape.value  # type: ignore[attr-defined]
        write_key = self.writer(key, trait(key, "name") or "key")
        write_value = self.writer(value, trait(value, "name") or "value")
        flattened = trait(shape, "flattened")
        entry = name if flattened else "entry"

        def pairs(values: Mapping[Any, Any], out: list[str]) -> None:
            if not flattened:
                out.append(f"<{name}>" if values else f"<{name}/>")
            for one_key, one_value in values.items():
                out.append(f"<{entry}>")
                write_key(one_key, out)
                write_value(one_value, out)
                out.append(f"</{entry}>")
            if not flattened and values:
                out.append(f"</{name}>")

        return pairs


def namespace_of(shape: Shape) -> str:
    """The namespace attribute that the model asks for, with its blank."""
    namespace = trait(shape, "xmlNamespace")
    if not namespace:
        return ""
    if isinstance(namespace, str):
        return f' xmlns="{namespace}"'
    prefix = f":{namespace['prefix']}" if namespace.get("prefix") else ""
    return f' xmlns{prefix}="{namespace["uri"]}"'
