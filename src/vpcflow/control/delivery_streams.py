"""Firehose's delivery streams as resources."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from vpcflow.base.errors import ServiceError
from vpcflow.control.arns import arn
from vpcflow.control.buckets import BUCKETS
from vpcflow.control.caller import Caller, CallerKind
from vpcflow.control.permissions import evaluate_resource_policy, role_problem
from vpcflow.control.state import GLOBAL, Change, Kind, Place, State

STREAMS_MAX = 5000
TAGS_MAX = 50
FIREHOSE_PRINCIPAL = "firehose.amazonaws.com"
PUT_ACTION = "s3:PutObject"
DESTINATION_ID = "destinationId-000000000001"
EXTENDED_S3 = "ExtendedS3"
HTTP_ENDPOINT = "HttpEndpoint"


@dataclass(frozen=True, slots=True)
class DeliveryStream:
    """One stream.

    Shape: ``kind`` is ExtendedS3 or HttpEndpoint, ``destination`` the members of its configuration
    with defaults filled in; ``version`` counts the changes; ``encryption`` is what was asked for.
    Units: seconds since the epoch.
    """

    name: str
    account_id: str
    region: str
    created_s: float
    kind: str
    #: Not shown: an endpoint's access key is in it.
    destination: Mapping[str, Any] = field(repr=False)
    version: int = 1
    updated_s: float | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    encryption: Mapping[str, str] = field(default_factory=lambda: {"Status": "DISABLED"})

    @property
    def arn(self) -> str:
        """The stream's ARN."""
        return arn("firehose", self.region, self.account_id, f"deliverystream/{self.name}")


DELIVERY_STREAMS: Kind[DeliveryStream] = Kind("delivery-stream", DeliveryStream)


class DeliveryStreams:
    """All accounts' delivery streams.

    Errors: ServiceError as Firehose words it.
    """

    def __init__(self, state: State) -> None:
        self._state = state

    def find_arn(self, stream_arn: str) -> DeliveryStream | None:
        """A stream by its ARN; None when there is none."""
        parts = stream_arn.split(":")
        if len(parts) != 6 or parts[2] != "firehose" or not parts[5].startswith("deliverystream/"):
            return None
        place = Place(parts[4], parts[3])
        found = self._state.get(DELIVERY_STREAMS, place, parts[5].partition("/")[2])
        return found if found is not None and found.arn == stream_arn else None

    def get(self, place: Place, name: str) -> DeliveryStream:
        """A stream.

        Errors: ServiceError ``ResourceNotFoundException``.
        """
        return _found(self._state.get(DELIVERY_STREAMS, place, name), place, name)

    def names(self, place: Place, after: str, limit: int) -> tuple[list[str], bool]:
        """Names in order, after one, and whether there are more."""
        left = sorted(
            name for name in self._state.all(DELIVERY_STREAMS, place) if name > (after or "")
        )
        return left[:limit], len(left) > limit

    def create(self, place: Place, stream: DeliveryStream) -> None:
        """Keep a new stream.

        Errors: ServiceError ``ResourceInUseException``, ``LimitExceededException``.
        """
        with self._state.change() as change:
            if change.get(DELIVERY_STREAMS, place, stream.name) is not None:
                raise ServiceError(
                    "ResourceInUseException",
                    f"Firehose {stream.name} under accountId {place.account_id} already exists",
                )
            if len(change.all(DELIVERY_STREAMS, place)) >= STREAMS_MAX:
                raise ServiceError(
                    "LimitExceededException",
                    f"You have already consumed your firehose quota of {STREAMS_MAX} hoses.",
                )
            _check_tags(stream.tags)
            change.put(DELIVERY_STREAMS, place, stream.name, stream)

    def delete(self, place: Place, name: str) -> DeliveryStream:
        """Forget a stream."""
        with self._state.change() as change:
            found = self._in(change, place, name)
            change.remove(DELIVERY_STREAMS, place, name)
        return found

    def update(
        self,
        place: Place,
        name: str,
        version: str,
        destination_id: str,
        changed: Callable[[DeliveryStream], DeliveryStream],
        now_s: float,
    ) -> None:
        """Change a stream's destination, if it is at a version.

        Errors: ServiceError ``ConcurrentModificationException``, ``InvalidArgumentException``.
        """
        with self._state.change() as change:
            found = self._in(change, place, name)
            if version != str(found.version):
                raise ServiceError(
                    "ConcurrentModificationException",
                    f"Cannot update firehose: {name} since the current version id: {found.version}"
                    f" and specified version id: {version} do not match",
                )
            if destination_id != DESTINATION_ID:
                raise ServiceError(
                    "InvalidArgumentException",
                    f"Destination Id {destination_id} not found",
                )
            made = replace(changed(found), version=found.version + 1, updated_s=now_s)
            change.put(DELIVERY_STREAMS, place, name, made)

    def change_tags(
        self,
        place: Place,
        name: str,
        add: Mapping[str, str] | None = None,
        remove: Iterable[str] = (),
    ) -> None:
        """Add, replace and remove tags."""
        with self._state.change() as change:
            found = self._in(change, place, name)
            gone = set(remove)
            tags = {key: value for key, value in found.tags.items() if key not in gone}
            tags |= add or {}
            _check_tags(tags)
            change.put(DELIVERY_STREAMS, place, name, replace(found, tags=tags))

    def set_encryption(self, place: Place, name: str, encryption: Mapping[str, str]) -> None:
        """Keep what encryption was asked for."""
        with self._state.change() as change:
            found = self._in(change, place, name)
            change.put(DELIVERY_STREAMS, place, name, replace(found, encryption=encryption))

    def bucket_problem(
        self, stream: DeliveryStream, role_arn: str, bucket: str, prefix: str
    ) -> str | None:
        """What keeps a stream's role from writing to a bucket, as a sentence; None when nothing does.

        Shape: the role must trust Firehose and may put objects; a bucket of another account must
        allow the role, too.
        """
        found = self._state.get(BUCKETS, GLOBAL, bucket)
        if found is None:
            return "The specified bucket does not exist"
        resource = f"{found.arn}/{prefix.partition('!{')[0]}{stream.name}"
        problem = role_problem(
            self._state,
            role_arn,
            stream.account_id,
            FIREHOSE_PRINCIPAL,
            (PUT_ACTION,),
            (resource,),
            stream.arn,
        )
        if problem is not None or found.account_id == stream.account_id:
            return problem
        caller = Caller(stream.account_id, role_arn, "", CallerKind.ROLE)
        if (
            found.policy
            and evaluate_resource_policy(
                found.policy, caller, PUT_ACTION, resource, principal_arn=role_arn
            ).allowed
        ):
            return None
        return f"The policy of bucket {bucket} does not allow {role_arn} to put objects"

    @staticmethod
    def _in(change: Change, place: Place, name: str) -> DeliveryStream:
        return _found(change.get(DELIVERY_STREAMS, place, name), place, name)


def _found(stream: DeliveryStream | None, place: Place, name: str) -> DeliveryStream:
    if stream is None:
        raise ServiceError(
            "ResourceNotFoundException",
            f"Firehose {name} under account {place.account_id} not found.",
        )
    return stream


def _check_tags(tags: Mapping[str, str]) -> None:
    if len(tags) > TAGS_MAX:
        raise ServiceError(
            "LimitExceededException",
            f"A delivery stream cannot have more than {TAGS_MAX} tags.",
        )
    for key in tags:
        if key.lower().startswith("aws:"):
            raise ServiceError(
                "InvalidArgumentException",
                "Tag keys starting with 'aws:' are reserved for internal use",
            )
