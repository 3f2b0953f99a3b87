"""Parameters against the constraints of the model, worded as each service words it.

Source: the message forms of validation as AWS records them; constraints from the model alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.model import Shape

from vpcflow.api.aws.protocol.models import members_of, operation_of, trait
from vpcflow.api.aws.protocol.patterns import Pattern, translated
from vpcflow.api.aws.protocol.violations import (
    MISSING,
    Violation,
    first_lower,
    refusal,
)

#: Violations that one answer lists.
VIOLATIONS_MAX = 50
#: Shapes whose pattern the models have and AWS does not hold texts against.
_LOOSER_AT_AWS = ("MetricNamespace",)
#: A text longer than this is not held against a pattern: its length is refused, or none is bounded.
PATTERN_TEXT_MAX = 20_480
#: The same for a text whose length the model does not bound: some of their patterns are quadratic.
UNBOUNDED_TEXT_MAX = 4_096

Check = Callable[[Any, str, list[Violation]], None]
#: A constraint on a scalar: its words if the value breaks it.
_Rule = Callable[[Any], str | None]


def style_of(service: str, operation: str) -> str:
    """The style of an operation: which code and words its validation has.

    Shape: ``ec2``, ``rest-xml``, or the error code of a service that words constraints.
    """
    if service == "ec2":
        return "ec2"
    if service == "s3":
        return "rest-xml"
    if service in ("iam", "sts", "cloudwatch"):
        return "ValidationError"
    errors = {shape.name for shape in operation_of(service, operation).error_shapes}
    if service == "logs" and "InvalidParameterException" in errors:
        return "InvalidParameterException"
    return "ValidationException"


def validate(
    parameters: Mapping[str, Any],
    input_shape: Shape | None,
    style: str,
    raw_members: frozenset[str] = frozenset(),
) -> None:
    """Hold parameters against their shape; ``raw_members`` are passed over.

    Errors: ServiceError in the words of the style.
    """
    if input_shape is None:
        return
    found: list[Violation] = []
    for member, required, path, check in _plan(input_shape, style):
        value = parameters.get(member)
        # To EC2 a required text that is empty is one that is not there.
        if value is None or (value == "" and required and style == "ec2"):
            if required:
                found.append(Violation(path, None, (MISSING,)))
        elif check is not None and member not in raw_members:
            check(value, path, found)
    if found:
        raise refusal(found, style)


_Plan = tuple[tuple[str, bool, str, Check | None], ...]
_plans: dict[tuple[int, str], tuple[Shape, _Plan]] = {}


def _plan(shape: Shape, style: str) -> _Plan:
    """The checks of an input shape, compiled once; the shape is kept so that its id stays its own."""
    key = (id(shape), style)
    found = _plans.get(key)
    if found is None:
        compiled = _Compiler(style).members(shape)
        found = _plans.setdefault(key, (shape, compiled))
    return found[1]


class _Compiler:
    """Compiles the checks of an input; None stands for a shape that nothing constrains."""

    def __init__(self, style: str) -> None:
        self._style = style
        self._seen: dict[str, Check | None] = {}

    def members(self, shape: Shape) -> _Plan:
        """Each member with whether it is required, its name in a path, and its check."""
        required = set(shape.required_members)
        return tuple(
            (
                member,
                member in required,
                self._name(member, member_shape),
                self.check(member_shape),
            )
            for member, member_shape in members_of(shape).items()
        )

    def _name(self, member: str, shape: Shape) -> str:
        if self._style == "ec2":
            name = trait(shape, "queryName") or trait(shape, "name") or member
            return name[0].upper() + name[1:]
        return first_lower(member)

    def check(self, shape: Shape) -> Check | None:
        """The check of a shape."""
        if shape.type_name == "structure":
            return self._structure(shape)
        if self._style == "rest-xml" and shape.type_name not in ("list", "map"):
            return None
        if shape.type_name == "list":
            return self._list(shape)
        if shape.type_name == "map":
            return self._map(shape)
        return _scalar_check(shape)

    def _structure(self, shape: Shape) -> Check | None:
        if shape.name in self._seen:
            return self._seen[shape.name]
        plan: list[tuple[str, bool, str, Check | None]] = []

        def structure(value: Any, path: str, found: list[Violation]) -> None:
            if value is None:
                found.append(Violation(path, None, (MISSING,)))
                return
            for member, required, name, check in plan:
                below = value.get(member)
                if below is None:
                    if required:
                        found.append(Violation(f"{path}.{name}", None, (MISSING,)))
                elif check is not None:
                    check(below, f"{path}.{name}", found)

        self._seen[shape.name] = structure
        plan.extend(entry for entry in self.members(shape) if entry[1] or entry[3] is not None)
        if not plan:
            self._seen[shape.name] = None
        return self._seen[shape.name]

    def _list(self, shape: Shape) -> Check | None:
        member: Shape = shape.member  # type: ignore[attr-defined]
        size = None if self._style == "rest-xml" else _size_rule(shape)
        entry_name = "" if self._style == "ec2" else ".member"
        if member.type_name in ("structure", "list", "map"):
            check = self.check(member)
            rules: tuple[_Rule, ...] = ()
        else:
            check, rules = None, () if self._style == "rest-xml" else _rules(member)
        if size is None and check is None and not rules:
            return None
        inner = _constraints(member)
        ec2_entries = self._style == "ec2"

        def entries(value: Any, path: str, found: list[Violation]) -> None:
            if size is not None and (words := size(value)) is not None:
                found.append(Violation(path, value, (words,), shape))
                return
            if rules and not ec2_entries:
                if any(one is None or _broken(rules, one) for one in value):
                    words = f"Member must satisfy constraint: [{', '.join(inner)}]"
                    found.append(Violation(path, value, (words,), shape))
                return
            for number, one in enumerate(value, 1):
                if len(found) >= VIOLATIONS_MAX:
                    return
                if check is not None:
                    check(one, f"{path}.{number}{entry_name}", found)
                elif broken := _broken(rules, one):
                    found.append(Violation(path, one, broken))

        return entries

    def _map(self, shape: Shape) -> Check | None:
        key: Shape = shape.key  # type: ignore[attr-defined]
        below: Shape = shape.value  # type: ignore[attr-defined]
        size = _size_rule(shape)
        key_rules = _rules(key)
        nested = below.type_name in ("structure", "list", "map")
        check = self.check(below) if nested else None
        value_rules = () if nested else _rules(below)
        if size is None and check is None and not key_rules and not value_rules:
            return None
        key_words = f"Map keys must satisfy constraint: [{', '.join(_constraints(key))}]"
        value_words = f"Map value must satisfy constraint: [{', '.join(_constraints(below))}]"

        def pairs(value: Any, path: str, found: list[Violation]) -> None:
            if size is not None and (words := size(value)) is not None:
                found.append(Violation(path, value, (words,), shape))
                return
            if key_rules and any(_broken(key_rules, one) for one in value):
                found.append(Violation(path, value, (key_words,), shape))
            if value_rules and any(_broken(value_rules, one) for one in value.values()):
                found.append(Violation(path, value, (value_words,), shape))
            if check is not None:
                for name, one in value.items():
                    if len(found) >= VIOLATIONS_MAX:
                        return
                    check(one, f"{path}.{name}.member", found)

        return pairs


def _broken(rules: tuple[_Rule, ...], value: Any) -> tuple[str, ...]:
    return tuple(words for rule in rules if (words := rule(value)) is not None)


def _scalar_check(shape: Shape) -> Check | None:
    rules = _rules(shape)
    if not rules:
        return None

    def scalar(value: Any, path: str, found: list[Violation]) -> None:
        broken = _broken(rules, value)
        if broken:
            found.append(Violation(path, value, broken, shape))

    return scalar


def _size_rule(shape: Shape) -> _Rule | None:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if not low and high is None:
        return None

    def size(value: Any) -> str | None:
        if high is not None and len(value) > high:
            return f"Member must have length less than or equal to {high}"
        if low and len(value) < low:
            return f"Member must have length greater than or equal to {low}"
        return None

    return size


def _rules(shape: Shape) -> tuple[_Rule, ...]:
    """The rules of a scalar."""
    kind = shape.type_name
    if kind in ("string", "blob"):
        rules: list[_Rule] = []
        size = _size_rule(shape)
        held = "pattern" in shape.metadata and shape.name not in _LOOSER_AT_AWS
        pattern = translated(shape.metadata["pattern"]) if held else None
        if size is not None:
            rules.append(size)
        if kind == "string" and pattern is not None:
            rules.append(_pattern_rule(pattern, shape.metadata.get("max")))
        if "enum" in shape.metadata:
            rules.append(_enum_rule(shape.metadata["enum"]))
        return tuple(rules)
    if kind in ("integer", "long", "double", "float"):
        return _range_rules(shape)
    return ()


def _pattern_rule(pattern: Pattern, longest: int | None) -> _Rule:
    words = f"Member must satisfy regular expression pattern: {pattern.model}"
    bound = UNBOUNDED_TEXT_MAX if longest is None else min(longest, PATTERN_TEXT_MAX)
    fits = pattern.fits

    def matches(value: Any) -> str | None:
        return None if len(value) > bound or fits(value) else words

    return matches


def _enum_rule(values: list[str]) -> _Rule:
    allowed = frozenset(values)
    words = f"Member must satisfy enum value set: [{', '.join(values)}]"
    return lambda value: None if value in allowed else words


def _range_rules(shape: Shape) -> tuple[_Rule, ...]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is None and high is None:
        return ()

    def in_range(value: Any) -> str | None:
        if high is not None and value > high:
            return f"Member must have value less than or equal to {high}"
        if low is not None and not value >= low:
            return f"Member must have value greater than or equal to {low}"
        return None

    return (in_range,)


def _constraints(shape: Shape) -> list[str]:
    """All that a scalar within a list or map must satisfy, in AWS's order."""
    metadata = shape.metadata
    noun = "length" if shape.type_name in ("string", "blob") else "value"
    words = []
    if "max" in metadata:
        words.append(f"Member must have {noun} less than or equal to {metadata['max']}")
    if "min" in metadata:
        words.append(f"Member must have {noun} greater than or equal to {metadata['min']}")
    if "pattern" in metadata:
        words.append(f"Member must satisfy regular expression pattern: {metadata['pattern']}")
    if "enum" in metadata:
        words.append(f"Member must satisfy enum value set: [{', '.join(metadata['enum'])}]")
    return words
