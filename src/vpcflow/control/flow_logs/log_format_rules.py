"""Which log formats a flow log may have, by the kind of its resource."""

from __future__ import annotations

from collections.abc import Mapping

from vpcflow.base.errors import FormatError, ServiceError
from vpcflow.record.field_spec import Resource
from vpcflow.record.log_format import LogFormat, default_format, transit_gateway_format

#: The resource type of TagFieldSpecifications behind a tag field's first word.
_TAG_OWNERS = {
    "instance": "instance",
    "interface": "network-interface",
    "asg": "auto-scaling-group",
}


def checked_format(text: str | None, resource: Resource) -> LogFormat:
    """The log format that was asked for, or the default one of the kind of resource.

    Errors: ServiceError ``InvalidParameter``: a form that AWS refuses, a field that stands twice,
    that nobody knows, that only vpcflow has, or that other resources have.
    """
    if text is None:
        gateway = resource is Resource.TRANSIT_GATEWAY
        return transit_gateway_format() if gateway else default_format()
    try:
        found = LogFormat.parse(text)
    except FormatError as error:
        if "twice" in error.what:
            raise ServiceError("InvalidParameter", f"LogFormat: {error.what}.") from error
        raise ServiceError(
            "InvalidParameter",
            f"1 validation error detected: Value '{text}' at 'logFormat' has an invalid format",
        ) from error
    unknown = [
        name
        for name, spec in zip(found.names, found.specs, strict=True)
        if spec is None or spec.is_ours
    ]
    if unknown:
        raise ServiceError("InvalidParameter", f"LogFormat: unknown field {_tokens(unknown)}.")
    foreign = [spec.name for spec in found.specs if spec and resource not in spec.resources]
    if foreign:
        kind = "VPC" if resource is Resource.VPC else "transit gateway"
        raise ServiceError(
            "InvalidParameter",
            f"LogFormat: {_tokens(foreign)} is not a field of {kind} flow logs.",
        )
    return found


def check_tag_fields(log_format: LogFormat, tag_fields: Mapping[str, tuple[str, ...]]) -> None:
    """Tag fields of the format and TagFieldSpecifications must fit one another.

    Errors: ServiceError ``InvalidParameter``.
    """
    wanted: dict[str, int] = {}
    for name in log_format.names:
        owner, kind, number = (*name.split("-"), "", "")[:3]
        if kind == "tag" and owner in _TAG_OWNERS:
            which = _TAG_OWNERS[owner]
            wanted[which] = max(wanted.get(which, 0), 2 if number == "2" else 1)
    if wanted and not tag_fields:
        raise ServiceError(
            "InvalidParameter",
            "The TagFieldSpecifications parameter must be set when including tag fields in the "
            "log format",
        )
    for which, keys in wanted.items():
        if len(tag_fields.get(which, ())) < keys:
            raise ServiceError(
                "InvalidParameter",
                f"TagFieldSpecifications: the log format needs {keys} tag key(s) of {which}.",
            )
    for which in tag_fields:
        if which not in wanted:
            raise ServiceError(
                "InvalidParameter",
                f"TagFieldSpecifications: the log format has no tag field of {which}.",
            )


def _tokens(names: list[str]) -> str:
    return ", ".join(f"${{{name}}}" for name in names)
