"""Buckets as resources: whose they are, where, and the documents that are kept for them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from vpcflow.base.errors import ServiceError
from vpcflow.control.arns import partition_of
from vpcflow.control.bucket_policy import (
    DELIVERY_SERVICE,
    POLICY_BYTES_MAX,
    delivery_folder,
    with_delivery,
)
from vpcflow.control.permissions import PolicyUse, evaluate_resource_policy
from vpcflow.control.permissions import check_policy as check_document
from vpcflow.control.state import GLOBAL, Change, Kind, Place, State

#: The region that an empty location constraint means.
FIRST_REGION = "us-east-1"
BUCKETS_MAX = 10_000
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_IP = re.compile(r"\d{1,3}(\.\d{1,3}){3}")
_RESERVED_STARTS = ("xn--", "sthree-")
_RESERVED_ENDS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket.

    Shape: ``documents`` by sub-resource (``policy``, ``tagging``, ``lifecycle``), as they were put.
    Units: ``created_s`` seconds since the epoch.
    """

    name: str
    account_id: str
    region: str
    created_s: float
    documents: Mapping[str, Any] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        """The bucket's ARN."""
        return f"arn:{partition_of(self.region)}:s3:::{self.name}"

    @property
    def policy(self) -> str | None:
        """The bucket's policy, JSON."""
        found = self.documents.get("policy")
        return None if found is None else str(found)


BUCKETS: Kind[Bucket] = Kind("bucket", Bucket)


class Buckets:
    """All accounts' buckets; a name is taken once for everybody.

    Errors: ServiceError as S3 words it.
    """

    def __init__(self, state: State) -> None:
        self.state = state

    def find(self, name: str) -> Bucket | None:
        """A bucket; None when there is none of that name."""
        return self.state.get(BUCKETS, GLOBAL, name)

    def get(self, name: str) -> Bucket:
        """A bucket.

        Errors: ServiceError ``NoSuchBucket``.
        """
        found = self.find(name)
        if found is None:
            raise no_such_bucket(name)
        return found

    def owned_by(self, account_id: str) -> list[Bucket]:
        """An account's buckets, by name."""
        return [
            bucket
            for _, bucket in sorted(self.state.all(BUCKETS, GLOBAL).items())
            if bucket.account_id == account_id
        ]

    @contextmanager
    def creating(
        self, place: Place, name: str, created_s: float, documents: Mapping[str, Any] | None = None
    ) -> Iterator[Bucket | None]:
        """Make a bucket, unless the block fails; the block makes what belongs to it.

        Shape: None when the account has it already and AWS's oldest region answers yes to that.
        Errors: ServiceError ``InvalidBucketName``, ``BucketAlreadyExists``,
        ``BucketAlreadyOwnedByYou``, ``TooManyBuckets``.
        """
        check_name(name)
        with self.state.change() as change:
            found = change.get(BUCKETS, GLOBAL, name)
            if found is not None:
                _refuse_taken(found, place)
                yield None
                return
            mine = change.all(BUCKETS, GLOBAL).values()
            if sum(bucket.account_id == place.account_id for bucket in mine) >= BUCKETS_MAX:
                raise ServiceError(
                    "TooManyBuckets", "You have attempted to create more buckets than allowed"
                )
            made = Bucket(name, place.account_id, place.region, created_s, documents or {})
            yield made
            change.put(BUCKETS, GLOBAL, name, made)

    @contextmanager
    def deleting(self, name: str) -> Iterator[Bucket]:
        """Remove a bucket, unless the block, which removes what belongs to it, fails."""
        with self.state.change() as change:
            yield self._get(change, name)
            change.remove(BUCKETS, GLOBAL, name)

    def keep(self, name: str, document: str, content: Any) -> None:
        """Keep a sub-resource's document; None removes it."""
        with self.state.change() as change:
            found = self._get(change, name)
            _put_document(change, found, document, content)

    def check_delivery(
        self,
        place: Place,
        name: str,
        prefix: str = "",
        *,
        hive: bool = False,
        may_attach: Callable[[str], bool] = lambda _arn: True,
    ) -> tuple[str, str] | None:
        """Whether flow logs of a place may deliver to a bucket; None if so, else code and message.

        Shape: an own bucket's policy gets the statements that allow it, as AWS adds them, where
        ``may_attach`` says of its ARN that the caller may write it; AWS may put them in place of
        what is there, here the statements of others stay.
        """
        folder = delivery_folder(prefix, place.account_id, hive=hive)
        with self.state.change() as change:
            found = change.get(BUCKETS, GLOBAL, name)
            if found is None:
                return "400", f"LogDestination: {name} does not exist"
            if found.account_id == place.account_id:
                policy = with_delivery(
                    found.policy, name, folder, place.account_id, place.region or found.region
                )
                if policy is None:
                    return None
                if not may_attach(found.arn):
                    return None if self._delivery_allowed(found, place, folder) else _denied(name)
                if len(policy.encode()) > POLICY_BYTES_MAX:
                    return (
                        "LogDestinationPermissionIssueException",
                        f"The policy of {name} would be larger than {POLICY_BYTES_MAX} bytes",
                    )
                _put_document(change, found, "policy", policy)
                return None
        if self._delivery_allowed(found, place, folder):
            return None
        return _denied(name)

    def may_deliver(
        self, place: Place, name: str, prefix: str = "", *, hive: bool = False
    ) -> str | None:
        """Whether a delivery that goes on may write: None if so, else why not, in a word for the log."""
        found = self.find(name)
        if found is None:
            return f"LogDestination: {name} does not exist"
        folder = delivery_folder(prefix, place.account_id, hive=hive)
        if found.account_id == place.account_id or self._delivery_allowed(found, place, folder):
            return None
        return f"Access Denied for LogDestination: {name}."

    def _delivery_allowed(self, bucket: Bucket, place: Place, folder: str) -> bool:
        if bucket.policy is None:
            return False
        source = f"arn:{partition_of(place.region)}:logs:{place.region}:{place.account_id}:*"
        context = {
            "s3:x-amz-acl": "bucket-owner-full-control",
            "aws:SourceAccount": place.account_id,
            "aws:SourceArn": source,
        }
        resource = f"{bucket.arn}/{folder}/*"
        return evaluate_resource_policy(
            bucket.policy, DELIVERY_SERVICE, "s3:PutObject", resource, context
        ).allowed

    def _get(self, change: Change, name: str) -> Bucket:
        found = change.get(BUCKETS, GLOBAL, name)
        if found is None:
            raise no_such_bucket(name)
        return found


def check_name(name: str) -> None:
    """Refuse what is no name of a bucket.

    Errors: ServiceError ``InvalidBucketName``.
    """
    good = (
        _NAME.fullmatch(name)
        and ".." not in name
        and not _IP.fullmatch(name)
        and not name.startswith(_RESERVED_STARTS)
        and not name.endswith(_RESERVED_ENDS)
    )
    if not good:
        raise ServiceError(
            "InvalidBucketName",
            "The specified bucket is not valid.",
            fields={"BucketName": name},
        )


def check_policy(policy: str, bucket: str) -> None:
    """Refuse a policy that is no JSON object of statements about the bucket.

    Errors: ServiceError ``MalformedPolicy``.
    """
    if len(policy.encode()) > POLICY_BYTES_MAX:
        raise ServiceError("PolicyTooLarge", "The policy is larger than 20 KB.")
    try:
        document = json.loads(policy)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or not policy.lstrip().startswith("{"):
        raise _malformed("Policies must be valid JSON and the first byte must be '{'")
    statements = document.get("Statement")
    if not statements:
        raise _malformed("Missing required field Statement")
    try:
        check_document(policy, PolicyUse.RESOURCE)
    except ServiceError as error:
        raise _malformed(error.message) from error
    for statement in statements if isinstance(statements, list) else [statements]:
        given = statement.get("Resource", statement.get("NotResource")) or []
        for resource in [given] if isinstance(given, str) else given:
            named = str(resource).split(":", 5)[-1].split("/", 1)[0]
            if "*" not in named and "?" not in named and named != bucket:
                raise _malformed("Policy has invalid resource")


def no_such_bucket(name: str) -> ServiceError:
    """There is no bucket of that name."""
    return ServiceError(
        "NoSuchBucket",
        "The specified bucket does not exist",
        status=404,
        fields={"BucketName": name},
    )


def _malformed(message: str) -> ServiceError:
    return ServiceError("MalformedPolicy", message)


def _denied(name: str) -> tuple[str, str]:
    return (
        "400",
        f"Access Denied for LogDestination: {name}. Please check LogDestination permission.",
    )


def _put_document(change: Change, bucket: Bucket, document: str, content: Any) -> None:
    documents = {name: kept for name, kept in bucket.documents.items() if name != document}
    if content is not None:
        documents[document] = content
    change.put(BUCKETS, GLOBAL, bucket.name, replace(bucket, documents=documents))


def _refuse_taken(found: Bucket, place: Place) -> None:
    fields = {"BucketName": found.name}
    if found.account_id != place.account_id:
        raise ServiceError(
            "BucketAlreadyExists",
            "The requested bucket name is not available. The bucket namespace is shared by all users"
            " of the system. Please select a different name and try again.",
            status=409,
            fields=fields,
        )
    if not found.region == place.region == FIRST_REGION:
        raise ServiceError(
            "BucketAlreadyOwnedByYou",
            "Your previous request to create the named bucket succeeded and you already own it.",
            status=409,
            fields=fields,
        )
