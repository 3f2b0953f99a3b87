"""XML bodies as a small tree, with bounds: no document type, no entities, no depth without end."""

from __future__ import annotations

from collections.abc import Mapping
from xml.parsers import expat

#: Bounds of a body.
DEPTH_MAX = 64
ELEMENTS_MAX = 200_000


class Element:
    """One element: its name without prefix, its attributes with theirs, its children and text."""

    __slots__ = ("attributes", "children", "name", "parts")

    def __init__(self, name: str, attributes: Mapping[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.children: list[Element] = []
        self.parts: list[str] = []

    @property
    def text(self) -> str:
        """The text directly inside."""
        return "".join(self.parts)


def read_xml(body: bytes) -> Element:
    """The root element of a body.

    Errors: ValueError for one that is not well-formed, has a document type, or exceeds a bound.
    """
    # UTF-8 whatever the declaration says: no other encoding is on the wire.
    parser = expat.ParserCreate("utf-8")
    root = Element("", {})
    stack = [root]
    count = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if len(stack) > DEPTH_MAX or count > ELEMENTS_MAX:
            raise ValueError("the body exceeds a bound")
        element = Element(name.rpartition(":")[2], attributes)
        stack[-1].children.append(element)
        stack.append(element)

    def end(_name: str) -> None:
        stack.pop()

    def text(data: str) -> None:
        stack[-1].parts.append(data)

    def refuse(*_arguments: object) -> None:
        raise ValueError("a document type is not accepted")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.buffer_text = True
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        raise ValueError(str(error)) from error
    return root.children[0]
