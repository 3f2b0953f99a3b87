"""What parameters break, and the refusal that says so in the words of a style."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from botocore.model import Shape

from vpcflow.api.aws.protocol.faults import broken_xml, shown
from vpcflow.api.aws.protocol.java_values import java_text
from vpcflow.base.errors import ServiceError

MISSING = "Member must not be null"
_BOUND = re.compile(r"(value|length) (less|greater) than or equal to (\S+)")
_ENUM = "Member must satisfy enum value set: ["
#: Shapes whose breach CloudWatch Logs words by itself: shape, words of the breach, message.
_OWN_WORDS = (
    (
        frozenset({"LogGroupName", "LogStreamName"}),
        "Member must have length less than or equal to 512",
        "Invalid LogGroup or LogStream, both must have length less than or equal to 512.",
    ),
)


@dataclass(frozen=True, slots=True)
class Violation:
    """One value that breaks constraints.

    Shape: ``path`` leads to it with dots, ``words`` say what it breaks.
    """

    path: str
    value: Any
    words: tuple[str, ...]
    shape: Shape | None = None


def first_lower(name: str) -> str:
    """A member as AWS's own messages spell it."""
    return name[:1].lower() + name[1:]


def refusal(found: Sequence[Violation], style: str) -> ServiceError:
    """The error for violations, at least one."""
    if style == "rest-xml":
        return _rest_refusal(found)
    if style == "ec2":
        return _ec2_refusal(found)
    for violation in found:
        for shapes, words, message in _OWN_WORDS:
            name = "" if violation.shape is None else violation.shape.name
            if name in shapes and words in violation.words:
                return ServiceError(style, message)
    texts = [
        f"Value {_quoted(violation)} at '{violation.path}' failed to satisfy constraint: {words}"
        for violation in found
        for words in violation.words
    ]
    noun = "error" if len(texts) == 1 else "errors"
    return ServiceError(style, f"{len(texts)} validation {noun} detected: {'; '.join(texts)}")


def _quoted(violation: Violation) -> str:
    if violation.value is None:
        return "null"
    return f"'{java_text(violation.value, violation.shape)}'"


def _rest_refusal(found: Sequence[Violation]) -> ServiceError:
    if any("." in violation.path for violation in found):
        return broken_xml()
    name = found[0].path
    return ServiceError("InvalidRequest", f"Missing required parameter for this request: {name}")


def _ec2_refusal(found: Sequence[Violation]) -> ServiceError:
    missing = next((one for one in found if one.words[0] == MISSING), None)
    if missing is not None:
        return ServiceError(
            "MissingParameter", f"The request must contain the parameter {missing.path}"
        )
    violation = found[0]
    words = violation.words[0]
    name = first_lower(violation.path)
    if (bound := _BOUND.search(words)) is not None:
        # EC2 says "greater than" of a least value that it accepts.
        than = "greater than" if bound[2] == "greater" else "less than or equal to"
        reason = f"Expecting a {bound[1]} {than} {bound[3]}."
        value = f" {java_text(violation.value)} "
    elif words.startswith(_ENUM):
        reason = f"Valid values are: {words[len(_ENUM) : -1]}."
        value = java_text(violation.value)
    else:
        reason = f"{words}."
        value = java_text(violation.value)
    return ServiceError(
        "InvalidParameterValue", f"Value ({shown(value)}) for parameter {name} is invalid. {reason}"
    )
