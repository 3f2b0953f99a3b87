"""The operation of a REST request: method, path and query string against the model's templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cache

from vpcflow.api.aws.protocol.models import members_of, model_of, operation_of

_BUCKET = ("Bucket",)
_KEY = ("Bucket", "Key")


@dataclass(frozen=True, slots=True)
class _Template:
    """What one operation asks of a request.

    Shape: ``fixed`` are query parameters of the template with the value they must have (None: any),
    ``query`` and ``headers`` the names of required members that travel there.
    """

    operation: str
    fixed: Mapping[str, str | None]
    query: tuple[str, ...]
    headers: tuple[str, ...]
    deprecated: bool


def rest_operation(
    service: str,
    method: str,
    labels: Mapping[str, str],
    query: Mapping[str, Sequence[str]],
    headers: Set[str],
) -> str | None:
    """The operation that fits best, None if the method means nothing there.

    The template with the most fixed parameters wins, whatever else it requires, so that a request
    that lacks a required parameter never turns into a plainer operation.
    """
    place = _KEY if "Key" in labels else _BUCKET if "Bucket" in labels else ()
    fitting = [
        template
        for template in _templates(service).get((method, place), ())
        if all(
            name in query and (value is None or value in query[name])
            for name, value in template.fixed.items()
        )
    ]
    if not fitting:
        return None
    most = max(len(template.fixed) for template in fitting)

    def rank(template: _Template) -> tuple[bool, int, bool, bool, int]:
        wanted = len(template.query) + len(template.headers)
        complete = all(name in query for name in template.query) and all(
            name in headers for name in template.headers
        )
        return (
            complete,
            wanted if complete else -wanted,
            not template.deprecated,
            template.operation in query.get("x-id", ()),
            -len(template.operation),
        )

    return max((t for t in fitting if len(t.fixed) == most), key=rank).operation


@cache
def _templates(service: str) -> Mapping[tuple[str, tuple[str, ...]], tuple[_Template, ...]]:
    found: dict[tuple[str, tuple[str, ...]], list[_Template]] = {}
    for name in model_of(service).operation_names:
        operation = operation_of(service, name)
        path, _, fixed_text = operation.http["requestUri"].partition("?")
        places = {"/": (), "/{Bucket}": _BUCKET, "/{Bucket}/{Key+}": _KEY}
        if path not in places:
            continue
        fixed: dict[str, str | None] = {}
        for part in filter(None, fixed_text.split("&")):
            parameter, equals, value = part.partition("=")
            if parameter != "x-id":
                fixed[parameter] = value if equals else None
        required: dict[str, list[str]] = {"querystring": [], "header": []}
        shape = operation.input_shape
        if shape is not None:
            for member in shape.required_members:
                traits = members_of(shape)[member].serialization
                location = traits.get("location")
                if location in required and member != "ExpectedBucketOwner":
                    required[location].append(traits.get("name", member))
        found.setdefault((operation.http["method"], places[path]), []).append(
            _Template(
                name,
                fixed,
                tuple(required["querystring"]),
                tuple(header.lower() for header in required["header"]),
                operation.deprecated,
            )
        )
    return {key: tuple(templates) for key, templates in found.items()}
