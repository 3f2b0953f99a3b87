"""Destinations of delivery streams: what is accepted, filled in, changed and described."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from vpcflow.base.errors import DeliveryError, ServiceError
from vpcflow.control.delivery_streams import EXTENDED_S3, HTTP_ENDPOINT
from vpcflow.deliver.firehose.object_names import check_prefix, zone_of

COMMON_ATTRIBUTES_MAX = 50
RETRY_DURATION_S_MAX = 7200
_COMPRESSIONS = ("UNCOMPRESSED", "GZIP")
#: By the parameter of CreateDeliveryStream: the kind that the stream becomes.
CONFIGURATIONS = {
    "ExtendedS3DestinationConfiguration": EXTENDED_S3,
    "S3DestinationConfiguration": EXTENDED_S3,
    "HttpEndpointDestinationConfiguration": HTTP_ENDPOINT,
}
UPDATES = {
    "ExtendedS3DestinationUpdate": EXTENDED_S3,
    "S3DestinationUpdate": EXTENDED_S3,
    "HttpEndpointDestinationUpdate": HTTP_ENDPOINT,
}
#: The delimiter that a processor puts behind each record, by how it is written.
_DELIMITERS = {"\\n": "\n", "\\r\\n": "\r\n", "\\t": "\t"}


def new_destination(kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration with the defaults that AWS describes.

    Errors: ServiceError ``InvalidArgumentException``.
    """
    if kind == EXTENDED_S3:
        made = {**_bucket(given), "S3BackupMode": given.get("S3BackupMode", "Disabled")}
        _check_extended(made)
        return made
    made = _without_none(given)
    if "S3Configuration" not in given:
        raise invalid("HttpEndpointDestinationConfiguration needs an S3Configuration")
    made["S3Configuration"] = _bucket(given["S3Configuration"])
    made["BufferingHints"] = _hints(given, 5, 300, 64)
    made.setdefault("CloudWatchLoggingOptions", {"Enabled": False})
    made["RequestConfiguration"] = {
        "ContentEncoding": "NONE",
        "CommonAttributes": [],
        **(given.get("RequestConfiguration") or {}),
    }
    made.setdefault("RetryOptions", {"DurationInSeconds": 300})
    made.setdefault("S3BackupMode", "FailedDataOnly")
    made.setdefault("ProcessingConfiguration", {"Enabled": False, "Processors": []})
    _check_http(made)
    return made


def changed_destination(
    kind: str, before: Mapping[str, Any], update: Mapping[str, Any]
) -> dict[str, Any]:
    """A destination with the members of an update in place of its own."""
    given = dict(_without_none(update))
    if "S3Update" in given:
        inner = {**(before.get("S3Configuration") or {}), **_without_none(given.pop("S3Update"))}
        given["S3Configuration"] = inner
    if "S3BackupUpdate" in given:
        raise _unsupported("S3BackupMode")
    merged = {**before, **given}
    return new_destination(kind, merged)


def describe(kind: str, destination: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a destination's description, without secrets."""
    if kind == EXTENDED_S3:
        plain = {name: destination[name] for name in _PLAIN_S3 if name in destination}
        return {
            "S3DestinationDescription": plain,
            "ExtendedS3DestinationDescription": dict(destination),
        }
    described = dict(destination)
    endpoint = dict(described["EndpointConfiguration"])
    endpoint.pop("AccessKey", None)
    described["EndpointConfiguration"] = endpoint
    described["S3DestinationDescription"] = described.pop("S3Configuration")
    return {"HttpEndpointDestinationDescription": described}


def roles_of(destination: Mapping[str, Any]) -> set[str]:
    """The roles that a destination names."""
    found = {destination.get("RoleARN")}
    found.add((destination.get("S3Configuration") or {}).get("RoleARN"))
    return {role for role in found if role}


def delimiter_of(destination: Mapping[str, Any]) -> str:
    """What goes behind each record."""
    processing = destination.get("ProcessingConfiguration") or {}
    if not processing.get("Enabled"):
        return ""
    for processor in processing.get("Processors") or ():
        for parameter in processor.get("Parameters") or ():
            if parameter.get("ParameterName") == "Delimiter":
                text = str(parameter.get("ParameterValue", ""))
                return _DELIMITERS.get(text, text)
        return "\n"
    return ""


def invalid(message: str) -> ServiceError:
    """A configuration that cannot be."""
    return ServiceError("InvalidArgumentException", message)


_PLAIN_S3 = (
    "RoleARN",
    "BucketARN",
    "Prefix",
    "ErrorOutputPrefix",
    "BufferingHints",
    "CompressionFormat",
    "EncryptionConfiguration",
    "CloudWatchLoggingOptions",
)


def _bucket(given: Mapping[str, Any]) -> dict[str, Any]:
    made = _without_none(given)
    for name in ("RoleARN", "BucketARN"):
        if not made.get(name):
            raise invalid(f"{name} must be provided")
    if not str(made["BucketARN"]).partition(":::")[2]:
        raise invalid("BucketARN is not the ARN of a bucket")
    made["BufferingHints"] = _hints(given, 5, 300, 128)
    made.setdefault("CompressionFormat", "UNCOMPRESSED")
    made.setdefault("EncryptionConfiguration", {"NoEncryptionConfig": "NoEncryption"})
    made.setdefault("CloudWatchLoggingOptions", {"Enabled": False})
    if made["CompressionFormat"] not in _COMPRESSIONS:
        raise _unsupported(f"CompressionFormat {made['CompressionFormat']}")
    if "KMSEncryptionConfig" in made["EncryptionConfiguration"]:
        raise _unsupported("KMSEncryptionConfig")
    for name in ("Prefix", "ErrorOutputPrefix"):
        of_errors = name == "ErrorOutputPrefix"
        wrong = check_prefix(made.get(name) or "", of_errors=of_errors)
        if wrong:
            raise invalid(f"{name}: {wrong}")
    return made


def _check_extended(made: Mapping[str, Any]) -> None:
    if made["S3BackupMode"] != "Disabled":
        raise _unsupported("S3BackupMode Enabled")
    for name in ("DataFormatConversionConfiguration", "DynamicPartitioningConfiguration"):
        if (made.get(name) or {}).get("Enabled"):
            raise _unsupported(name)
    try:
        zone_of(made.get("CustomTimeZone") or "UTC")
    except DeliveryError as error:
        raise invalid(str(error)) from error
    _check_processing(made)


def _check_http(made: Mapping[str, Any]) -> None:
    endpoint = made.get("EndpointConfiguration") or {}
    try:
        parts = urlsplit(str(endpoint.get("Url") or ""))
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or len(str(endpoint.get("Url"))) > 1000:
        raise invalid("EndpointConfiguration.Url is not an http or https URL")
    key = str(endpoint.get("AccessKey") or "")
    if len(key) > 4096 or any(letter < " " for letter in key) or not key.isascii():
        raise invalid("EndpointConfiguration.AccessKey cannot be a header")
    if (made.get("SecretsManagerConfiguration") or {}).get("Enabled"):
        raise _unsupported("SecretsManagerConfiguration")
    request = made["RequestConfiguration"]
    if request["ContentEncoding"] not in ("NONE", "GZIP"):
        raise invalid("RequestConfiguration.ContentEncoding is NONE or GZIP")
    if len(request["CommonAttributes"]) > COMMON_ATTRIBUTES_MAX:
        raise invalid(f"There are more than {COMMON_ATTRIBUTES_MAX} common attributes")
    for attribute in request["CommonAttributes"]:
        if not attribute.get("AttributeName") or "AttributeValue" not in attribute:
            raise invalid("A common attribute has a name and a value")
        if not all(letter.isprintable() for letter in attribute["AttributeName"]):
            raise invalid("The name of a common attribute cannot be printed")
    duration = made["RetryOptions"].get("DurationInSeconds", 300)
    if not 0 <= duration <= RETRY_DURATION_S_MAX:
        raise invalid(f"RetryOptions.DurationInSeconds is between 0 and {RETRY_DURATION_S_MAX}")
    if made["S3BackupMode"] not in ("FailedDataOnly", "AllData"):
        raise invalid("S3BackupMode is FailedDataOnly or AllData")
    _check_processing(made)


def _check_processing(made: Mapping[str, Any]) -> None:
    processing = made.get("ProcessingConfiguration") or {}
    if not processing.get("Enabled"):
        return
    kinds = [processor.get("Type") for processor in processing.get("Processors") or ()]
    if kinds not in ([], ["AppendDelimiterToRecord"]):
        raise _unsupported(f"the processors {', '.join(map(str, kinds))}")


def _hints(given: Mapping[str, Any], size: int, interval: int, size_max: int) -> dict[str, int]:
    hints = given.get("BufferingHints") or {}
    made = {
        "SizeInMBs": hints.get("SizeInMBs", size),
        "IntervalInSeconds": hints.get("IntervalInSeconds", interval),
    }
    for name, low, high in (("SizeInMBs", 1, size_max), ("IntervalInSeconds", 0, 900)):
        if not low <= made[name] <= high:
            raise invalid(f"BufferingHints.{name} is between {low} and {high}")
    return made


def _without_none(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}


def _unsupported(what: str) -> ServiceError:
    return invalid(f"{what} is not supported here.")
