"""The refusals that a protocol itself gives: a broken body, a wrong type, an unknown operation."""

from __future__ import annotations

from vpcflow.api.aws.protocol.resolve import EC2, QUERY, REST_XML, Target
from vpcflow.base.errors import ServiceError

_SHOWN_MAX = 128


def shown(text: str) -> str:
    """What a caller gave, short enough to repeat."""
    return text if len(text) <= _SHOWN_MAX else text[:_SHOWN_MAX] + "..."


def unknown_operation(target: Target) -> ServiceError:
    """The answer to an operation that the model does not know, or that is not offered."""
    named = shown(target.named)
    if target.protocol in (EC2, QUERY):
        if not named:
            return ServiceError(
                "MissingAction", "The request is missing an action or a required parameter."
            )
        return ServiceError(
            "InvalidAction", f"The action {named} is not valid for this web service."
        )
    if target.protocol == REST_XML:
        return ServiceError(
            "MethodNotAllowed",
            "The specified method is not allowed against this resource.",
            status=405,
        )
    return ServiceError("UnknownOperationException", f"The operation {named} is not known.")


def broken_json(message: str = "") -> ServiceError:
    """A JSON or CBOR body that cannot be read into the input shape."""
    return ServiceError("SerializationException", message)


def broken_xml() -> ServiceError:
    """An XML body that is not well-formed, or not of the input shape."""
    return ServiceError(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )


def broken_query(message: str) -> ServiceError:
    """A form whose names contradict each other."""
    return ServiceError("MalformedQueryString", message)


def wrong_value(text: str, parameter: str, expected: str) -> ServiceError:
    """A form's value that its type cannot take."""
    return ServiceError(
        "InvalidParameterValue",
        f"Value ({shown(text)}) for parameter {parameter} is invalid. Expected: {expected}.",
    )
