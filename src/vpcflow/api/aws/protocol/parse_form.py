"""EC2 Query and Query forms to parameters: ``Filter.1.Value.2`` to nested lists and structures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.model import Shape

from vpcflow.api.aws.protocol.faults import broken_query, shown, wrong_value
from vpcflow.api.aws.protocol.models import compiled_once, members_of, operation_of, trait
from vpcflow.api.aws.protocol.resolve import EC2, Target
from vpcflow.api.aws.protocol.scalars import scalar_of
from vpcflow.base.errors import ServiceError

#: A name may have this many parts between its dots.
NAME_PARTS_MAX = 32
_INDEX_DIGITS_MAX = 9
#: What every Query request may carry beside its parameters.
_AROUND = frozenset(
    {"Action", "Version", "AWSAccessKeyId", "Timestamp", "Expires", "SecurityToken"}
    | {"Signature", "SignatureMethod", "SignatureVersion", "AWSSignatureVersion"}
    | {"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires"}
    | {"X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Security-Token", "X-Amz-Content-Sha256"}
)

#: A text, or the parts below a name; a text beside parts stands under the empty name.
Node = str | dict[str, Any]
_Reader = Callable[[Node, str], Any]


def parse_form(target: Target) -> dict[str, Any]:
    """The parameters of a form.

    Errors: ServiceError for names that contradict each other, wrong types, and with EC2 parameters
    that the operation does not have.
    """
    assert target.operation is not None
    root = _tree(target.form)
    members = _compiled(target.service, target.operation)
    if target.protocol == EC2:
        for name in root:
            if name not in members and name not in _AROUND:
                raise ServiceError(
                    "UnknownParameter", f"The parameter {shown(name)} is not recognized"
                )
    return _structure(members, root, "")


def _tree(form: Mapping[str, str]) -> dict[str, Any]:
    root: dict[str, Any] = {}
    for name, value in form.items():
        parts = name.split(".", NAME_PARTS_MAX)
        if len(parts) > NAME_PARTS_MAX:
            raise broken_query("The name of a parameter is nested too deeply.")
        node = root
        for part in parts[:-1]:
            below = node.get(part)
            if below is None:
                below = node[part] = {}
            elif isinstance(below, str):
                below = node[part] = {"": below}
            node = below
        last = parts[-1]
        there = node.get(last)
        if isinstance(there, dict):
            there[""] = value
        else:
            node[last] = value
    return root


_Members = Mapping[str, tuple[str, _Reader]]


@compiled_once
def _compiled(service: str, operation: str) -> _Members:
    shape = operation_of(service, operation).input_shape
    ec2 = service == "ec2"
    return {} if shape is None else _Compiler(ec2).members(shape)


def _structure(members: _Members, node: Mapping[str, Any], path: str) -> dict[str, Any]:
    found = {}
    for name, (member, read) in members.items():
        below = node.get(name)
        if below is not None:
            found[member] = read(below, f"{path}.{name}" if path else name)
    return found


class _Compiler:
    """Makes one reader for each shape of an input.

    Recursive shapes are read by a reader that looks itself up when it is called.
    """

    def __init__(self, ec2: bool) -> None:
        self._ec2 = ec2
        self._structures: dict[str, _Members] = {}

    def members(self, shape: Shape) -> _Members:
        """The members of a structure by their name on the wire."""
        found = self._structures.get(shape.name)
        if found is None:
            found = self._structures[shape.name] = {}
            for member, member_shape in members_of(shape).items():
                name = self._name(member_shape, member)
                if member_shape.type_name == "list" and trait(member_shape, "flattened"):
                    name = self._flattened_name(member_shape, name)
                found[name] = (member, self._reader(member_shape))
        return found

    def _name(self, shape: Shape, default: str) -> str:
        if self._ec2:
            query_name = trait(shape, "queryName")
            if query_name:
                return str(query_name)
            name = trait(shape, "name")
            return name[0].upper() + name[1:] if name else default
        return trait(shape, "name") or default

    @staticmethod
    def _flattened_name(shape: Shape, name: str) -> str:
        member: Shape = shape.member  # type: ignore[attr-defined]
        return trait(member, "name") or name

    def _reader(self, shape: Shape) -> _Reader:
        if shape.type_name == "structure":
            members = self.members(shape)

            def structure(node: Node, path: str) -> Any:
                if isinstance(node, str):
                    if node:
                        raise broken_query(f"The parameter {shown(path)} is not a value.")
                    return {}
                return _structure(members, node, path)

            return structure
        if shape.type_name == "list":
            return self._list(shape)
        if shape.type_name == "map":
            return self._map(shape)
        return _scalar(shape)

    def _list(self, shape: Shape) -> _Reader:
        member: Shape = shape.member  # type: ignore[attr-defined]
        read = self._reader(member)
        flattened = self._ec2 or trait(shape, "flattened")
        wrapper = None if flattened else trait(member, "name") or "member"

        def entries(node: Node, path: str) -> list[Any]:
            if wrapper is not None and not isinstance(node, str):
                inner = node.get(wrapper)
                if inner is None:
                    raise broken_query(f"The parameter {shown(path)} is not a list.")
                node, path = inner, f"{path}.{wrapper}"
            return [read(below, f"{path}.{number}") for number, below in _numbered(node, path)]

        return entries

    def _map(self, shape: Shape) -> _Reader:
        key: Shape = shape.key  # type: ignore[attr-defined]
        value: Shape = shape.value  # type: ignore[attr-defined]
        read_key, read_value = self._reader(key), self._reader(value)
        key_name, value_name = trait(key, "name") or "key", trait(value, "name") or "value"
        flattened = trait(shape, "flattened")

        def entries(node: Node, path: str) -> dict[str, Any]:
            if not flattened and not isinstance(node, str):
                node = node.get("entry", node)
            found = {}
            for number, below in _numbered(node, path):
                if isinstance(below, str) or key_name not in below:
                    raise broken_query(f"The parameter {shown(path)} is not a map.")
                name = read_key(below[key_name], f"{path}.{number}.{key_name}")
                found[name] = read_value(below.get(value_name, ""), f"{path}.{number}.{value_name}")
            return found

        return entries


def _numbered(node: Node, path: str) -> list[tuple[int, Node]]:
    """The entries of a list in the order of their numbers, which may leave gaps."""
    if isinstance(node, str):
        if node:
            raise broken_query(f"The parameter {shown(path)} is not a list.")
        return []
    found = []
    for name, below in node.items():
        if not name and not below:
            continue
        if not (name.isascii() and name.isdigit() and len(name) <= _INDEX_DIGITS_MAX):
            raise broken_query(f"The parameter {shown(f'{path}.{name}')} is not a list.")
        found.append((int(name), below))
    found.sort(key=lambda entry: entry[0])
    if len({number for number, _ in found}) != len(found):
        raise broken_query(f"The parameter {shown(path)} names an entry twice.")
    return found


def _scalar(shape: Shape) -> _Reader:
    convert = scalar_of(shape.type_name)
    expected = shape.type_name

    def scalar(node: Node, path: str) -> Any:
        if not isinstance(node, str):
            raise broken_query(f"The parameter {shown(path)} is not a list or a structure.")
        try:
            return convert(node)
        except (ValueError, OverflowError):
            raise wrong_value(node, path, expected) from None

    return scalar
