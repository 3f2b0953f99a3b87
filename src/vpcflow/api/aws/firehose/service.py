"""Firehose: the operations on delivery streams and their records."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

from vpcflow.api.aws.firehose.destinations import (
    CONFIGURATIONS,
    UPDATES,
    changed_destination,
    describe,
    invalid,
    new_destination,
    roles_of,
)
from vpcflow.api.aws.firehose.http_configuration import typed_configuration
from vpcflow.api.aws.operation import Call, Operation, Result, Service
from vpcflow.base.errors import DeliveryError, ServiceError
from vpcflow.control.arns import arn
from vpcflow.control.delivery_streams import (
    DESTINATION_ID,
    HTTP_ENDPOINT,
    DeliveryStream,
    DeliveryStreams,
)
from vpcflow.control.permissions import WORDED_FOR

LIST_DEFAULT = 10
TAGS_DEFAULT = 50
RECORD_BYTES_MAX = 1_024_000
BATCH_RECORDS_MAX = 500
BATCH_BYTES_MAX = 4 << 20
_NAME = "DeliveryStreamName"
#: Checked here: the model allows https alone, receivers on the own host speak http.
_URL_OF_NEW = frozenset({"HttpEndpointDestinationConfiguration"})
_URL_OF_UPDATE = frozenset({"HttpEndpointDestinationUpdate"})


class RecordReceiver(Protocol):
    """Whoever takes records and drops what waits for a stream that goes."""

    def put(self, stream_arn: str, records: Sequence[bytes]) -> None:
        """Take records, durably; raises DeliveryError if it cannot."""

    def forget(self, stream_arn: str) -> None:
        """Drop what waits."""


def service(streams: DeliveryStreams, receiver: RecordReceiver) -> Service:
    """Firehose over delivery streams and whoever takes their records."""
    handlers = _Handlers(streams, receiver)
    return Service.of(
        "firehose",
        [
            handlers.operation(
                "CreateDeliveryStream",
                handlers.create,
                f"DeliveryStreamType Tags DeliveryStreamEncryptionConfigurationInput"
                f" {' '.join(CONFIGURATIONS)}",
                ignores={"DirectPutSourceConfiguration": "throughput is not throttled"},
                raw=_URL_OF_NEW,
            ),
            handlers.operation(
                "DeleteDeliveryStream",
                handlers.delete,
                ignores={"AllowForceDelete": "nothing keeps a stream from being deleted"},
            ),
            handlers.operation(
                "DescribeDeliveryStream", handlers.describe, "Limit ExclusiveStartDestinationId"
            ),
            Operation(
                "ListDeliveryStreams",
                handlers.list_streams,
                "Limit DeliveryStreamType ExclusiveStartDeliveryStreamName",
            ),
            handlers.operation(
                "UpdateDestination",
                handlers.update,
                f"CurrentDeliveryStreamVersionId DestinationId {' '.join(UPDATES)}",
                raw=_URL_OF_UPDATE,
            ),
            handlers.operation("PutRecord", handlers.put_record, "Record"),
            handlers.operation("PutRecordBatch", handlers.put_record_batch, "Records"),
            handlers.operation("TagDeliveryStream", handlers.tag, "Tags"),
            handlers.operation("UntagDeliveryStream", handlers.untag, "TagKeys"),
            handlers.operation(
                "ListTagsForDeliveryStream", handlers.list_tags, "ExclusiveStartTagKey Limit"
            ),
            handlers.operation(
                "StartDeliveryStreamEncryption",
                handlers.start_encryption,
                "DeliveryStreamEncryptionConfigurationInput",
                note="kept and described; encryption is the disk's",
            ),
            handlers.operation("StopDeliveryStreamEncryption", handlers.stop_encryption),
        ],
    )


class _Handlers:
    """The handlers; each is thread-safe."""

    def __init__(self, streams: DeliveryStreams, receiver: RecordReceiver) -> None:
        self._streams = streams
        self._receiver = receiver

    @staticmethod
    def operation(
        name: str,
        handle: Any,
        takes: str = "",
        ignores: dict[str, str] | None = None,
        raw: frozenset[str] = frozenset(),
        note: str = "",
    ) -> Operation:
        """An operation on one stream."""
        return Operation(
            name,
            handle,
            f"{_NAME} {takes}",
            ignores or {},
            resources=_resources,
            raw_members=raw,
            note=note,
        )

    def create(self, call: Call) -> Result:
        """Make a stream with one destination."""
        if call.get("DeliveryStreamType", "DirectPut") != "DirectPut":
            raise invalid("Only DirectPut delivery streams are supported here.")
        kind, given = _only_one(call, CONFIGURATIONS)
        destination = new_destination(kind, given)
        self._check_roles(call, destination)
        encryption = call.get("DeliveryStreamEncryptionConfigurationInput")
        stream = DeliveryStream(
            call.parameters[_NAME],
            call.caller.account_id,
            call.region,
            call.now_s,
            kind,
            destination,
            tags=_tags(call.get("Tags")),
            encryption=_encryption(encryption) if encryption else {"Status": "DISABLED"},
        )
        self._streams.create(call.place, stream)
        return {"DeliveryStreamARN": stream.arn}

    def delete(self, call: Call) -> Result:
        """Forget a stream and what waits for its destination."""
        gone = self._streams.delete(call.place, call.parameters[_NAME])
        self._receiver.forget(gone.arn)
        return None

    def describe(self, call: Call) -> Result:
        """All that is known of a stream."""
        stream = self._stream(call)
        after = call.get("ExclusiveStartDestinationId")
        destinations = (
            []
            if after and after >= DESTINATION_ID
            else [
                {"DestinationId": DESTINATION_ID, **describe(stream.kind, stream.destination)},
            ]
        )
        return {
            "DeliveryStreamDescription": {
                "DeliveryStreamName": stream.name,
                "DeliveryStreamARN": stream.arn,
                "DeliveryStreamStatus": "ACTIVE",
                "DeliveryStreamEncryptionConfiguration": dict(stream.encryption),
                "DeliveryStreamType": "DirectPut",
                "VersionId": str(stream.version),
                "CreateTimestamp": stream.created_s,
                "LastUpdateTimestamp": stream.updated_s,
                "Destinations": destinations,
                "HasMoreDestinations": False,
            }
        }

    def list_streams(self, call: Call) -> Result:
        """Names of the caller's streams."""
        after = call.get("ExclusiveStartDeliveryStreamName") or ""
        limit = int(call.get("Limit") or LIST_DEFAULT)
        if call.get("DeliveryStreamType", "DirectPut") != "DirectPut":
            return {"DeliveryStreamNames": [], "HasMoreDeliveryStreams": False}
        names, more = self._streams.names(call.place, after, limit)
        return {"DeliveryStreamNames": names, "HasMoreDeliveryStreams": more}

    def update(self, call: Call) -> Result:
        """Change the destination."""
        kind, given = _only_one(call, UPDATES)

        def changed(found: DeliveryStream) -> DeliveryStream:
            if kind != found.kind:
                raise invalid("Changing the destination type is not supported here.")
            destination = changed_destination(kind, found.destination, given)
            self._check_roles(call, destination)
            return replace(found, destination=destination)

        self._streams.update(
            call.place,
            call.parameters[_NAME],
            call.parameters["CurrentDeliveryStreamVersionId"],
            call.parameters["DestinationId"],
            changed,
            call.now_s,
        )
        return None

    def put_record(self, call: Call) -> Result:
        """Take one record."""
        stream = self._stream(call)
        data = bytes(call.parameters["Record"].get("Data") or b"")
        _check_size(data)
        self._put(stream, [data])
        return {"RecordId": _record_id(), "Encrypted": _encrypted(stream)}

    def put_record_batch(self, call: Call) -> Result:
        """Take records: all, or none when there is no room."""
        stream = self._stream(call)
        records = [bytes(one.get("Data") or b"") for one in call.parameters["Records"]]
        if len(records) > BATCH_RECORDS_MAX:
            raise invalid(f"A batch has at most {BATCH_RECORDS_MAX} records")
        for data in records:
            _check_size(data)
        if sum(map(len, records)) > BATCH_BYTES_MAX:
            raise invalid("Records size exceeds 4 MB limit")
        try:
            self._put(stream, records)
        except ServiceError as error:
            refused = {"ErrorCode": error.code, "ErrorMessage": error.message}
            return {
                "FailedPutCount": len(records),
                "Encrypted": _encrypted(stream),
                "RequestResponses": [refused for _ in records],
            }
        return {
            "FailedPutCount": 0,
            "Encrypted": _encrypted(stream),
            "RequestResponses": [{"RecordId": _record_id()} for _ in records],
        }

    def tag(self, call: Call) -> Result:
        """Add or replace tags."""
        tags = _tags(call.get("Tags"))
        self._streams.change_tags(call.place, call.parameters[_NAME], add=tags)
        return None

    def untag(self, call: Call) -> Result:
        """Remove tags."""
        keys = call.parameters["TagKeys"]
        self._streams.change_tags(call.place, call.parameters[_NAME], remove=keys)
        return None

    def list_tags(self, call: Call) -> Result:
        """A stream's tags by key."""
        after, limit = call.get("ExclusiveStartTagKey") or "", int(call.get("Limit", TAGS_DEFAULT))
        left = [pair for pair in sorted(self._stream(call).tags.items()) if pair[0] > after]
        return {
            "Tags": [{"Key": key, "Value": value} for key, value in left[:limit]],
            "HasMoreTags": len(left) > limit,
        }

    def start_encryption(self, call: Call) -> Result:
        """Keep that encryption is on."""
        given = call.get("DeliveryStreamEncryptionConfigurationInput") or {}
        kept = _encryption(given)
        self._streams.set_encryption(call.place, call.parameters[_NAME], kept)
        return None

    def stop_encryption(self, call: Call) -> Result:
        """Keep that encryption is off."""
        off = {"Status": "DISABLED"}
        self._streams.set_encryption(call.place, call.parameters[_NAME], off)
        return None

    def _stream(self, call: Call) -> DeliveryStream:
        return self._streams.get(call.place, call.parameters[_NAME])

    def _put(self, stream: DeliveryStream, records: list[bytes]) -> None:
        try:
            self._receiver.put(stream.arn, records)
        except DeliveryError as error:
            raise ServiceError("ServiceUnavailableException", "Slow down.", status=503) from error

    @staticmethod
    def _check_roles(call: Call, destination: Any) -> None:
        for role in sorted(roles_of(destination)):
            call.authorize(
                call.caller,
                "iam:PassRole",
                (role,),
                {"iam:PassedToService": "firehose.amazonaws.com", WORDED_FOR: "firehose"},
            )


def _resources(call: Call) -> tuple[str, ...]:
    name = f"deliverystream/{call.get(_NAME, '')}"
    return (arn("firehose", call.region, call.caller.account_id, name),)


def _only_one(call: Call, names: dict[str, str]) -> tuple[str, dict[str, Any]]:
    given = [name for name in names if call.get(name) is not None]
    if len(given) != 1:
        raise invalid("Exactly one destination configuration is supported for a Firehose")
    kind, found = names[given[0]], call.get(given[0])
    return kind, typed_configuration(found) if kind == HTTP_ENDPOINT else found


def _tags(given: Any) -> dict[str, str]:
    return {tag["Key"]: tag.get("Value", "") for tag in given or ()}


def _encryption(given: Any) -> dict[str, str]:
    kept = {"Status": "ENABLED", "KeyType": given.get("KeyType", "AWS_OWNED_CMK")}
    if given.get("KeyARN"):
        kept["KeyARN"] = given["KeyARN"]
    return kept


def _encrypted(stream: DeliveryStream) -> bool:
    return stream.encryption.get("Status") == "ENABLED"


def _check_size(data: bytes) -> None:
    if len(data) > RECORD_BYTES_MAX:
        raise ServiceError(
            "ValidationException",
            "1 validation error detected: Value at 'record.data' failed to satisfy constraint:"
            f" Member must have length less than or equal to {RECORD_BYTES_MAX}",
        )


def _record_id() -> str:
    return f"{uuid.uuid4().hex * 4}"
