"""The types of an HTTP endpoint's configuration, which the protocol leaves to us.

The model allows ``https`` URLs alone; a receiver on the own host speaks ``http``. So the protocol
hands the configuration over as it came, and what it would have checked is checked here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vpcflow.base.errors import ServiceError

_LOGGING = {"Enabled": bool, "LogGroupName": str, "LogStreamName": str}
_HINTS = {"SizeInMBs": int, "IntervalInSeconds": int}
_PARAMETER = {"ParameterName": str, "ParameterValue": str}
_PROCESSING = {
    "Enabled": bool,
    "Processors": [{"Type": str, "Parameters": [_PARAMETER]}],
}
_BUCKET = {
    "RoleARN": str,
    "BucketARN": str,
    "Prefix": str,
    "ErrorOutputPrefix": str,
    "BufferingHints": _HINTS,
    "CompressionFormat": str,
    "EncryptionConfiguration": {
        "NoEncryptionConfig": str,
        "KMSEncryptionConfig": {"AWSKMSKeyARN": str},
    },
    "CloudWatchLoggingOptions": _LOGGING,
}
_SHAPE: dict[str, Any] = {
    "EndpointConfiguration": {"Url": str, "Name": str, "AccessKey": str},
    "BufferingHints": _HINTS,
    "CloudWatchLoggingOptions": _LOGGING,
    "RequestConfiguration": {
        "ContentEncoding": str,
        "CommonAttributes": [{"AttributeName": str, "AttributeValue": str}],
    },
    "ProcessingConfiguration": _PROCESSING,
    "RoleARN": str,
    "RetryOptions": {"DurationInSeconds": int},
    "S3BackupMode": str,
    "S3Configuration": _BUCKET,
    "S3Update": _BUCKET,
    "SecretsManagerConfiguration": {"SecretARN": str, "RoleARN": str, "Enabled": bool},
}
_WORDS = {str: "a string", int: "an integer", bool: "a boolean"}


def typed_configuration(given: Any) -> dict[str, Any]:
    """The members that the model knows, each of its type; None members are left out.

    Errors: ServiceError ``SerializationException``.
    """
    found = _typed(given, _SHAPE, "HttpEndpointDestinationConfiguration")
    assert isinstance(found, dict)
    return found


def _typed(value: Any, shape: Any, where: str) -> Any:
    if isinstance(shape, Mapping):
        if not isinstance(value, Mapping):
            raise _wrong(where, "a structure")
        return {
            name: _typed(value[name], inner, f"{where}.{name}")
            for name, inner in shape.items()
            if value.get(name) is not None
        }
    if isinstance(shape, list):
        if not isinstance(value, list):
            raise _wrong(where, "a list")
        return [_typed(part, shape[0], where) for part in value]
    if not isinstance(value, shape) or (shape is int and isinstance(value, bool)):
        raise _wrong(where, _WORDS[shape])
    return value


def _wrong(where: str, kind: str) -> ServiceError:
    return ServiceError("SerializationException", f"{where} is not {kind}")
