"""Which bucket a request is about, and whether its caller may do that there."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from vpcflow.api.aws.operation import Call
from vpcflow.base.errors import ServiceError
from vpcflow.control.buckets import Bucket, Buckets
from vpcflow.control.caller import Caller

T = TypeVar("T")
_ACCOUNT_ID = re.compile(r"\d{12}", re.ASCII)
#: What the root of a bucket's account may always do, so that no policy locks its owner out.
_NEVER_LOCKED = frozenset({"s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"})


class ResourcePermissions(Protocol):
    """Says no, or nothing, with the policy and the owner of what is asked for."""

    def check(
        self,
        caller: Caller,
        action: str,
        resource: str,
        context: Mapping[str, Any] | None = None,
        *,
        resource_policy: str | None = None,
        owner: str | None = None,
    ) -> None:
        """Raise ServiceError unless the caller may do that."""


class Access:
    """Finds buckets and asks for permission on them."""

    def __init__(self, buckets: Buckets, permissions: ResourcePermissions) -> None:
        self.buckets = buckets
        self._permissions = permissions

    def bucket(self, call: Call, action: str) -> Bucket:
        """The bucket of a call whose caller may do ``s3:action`` on it.

        Errors: ServiceError ``NoSuchBucket``, ``AccessDenied``.
        """
        found = self.find(call)
        self.require(call, found, action, found.arn)
        return found

    def object(self, call: Call, action: str) -> Bucket:
        """The same for the object that the call names."""
        found = self.find(call)
        arn = f"{found.arn}/{call.get('Key', '')}"
        self.require(call, found, action, arn)
        if action == "PutObject" and call.get("Tagging"):
            self.require(call, found, "PutObjectTagging", arn)
        return found

    def looked_up(self, call: Call, bucket: Bucket, look: Callable[[], T]) -> T:
        """What a look at a bucket's content finds; who may not list does not learn what is not there.

        Errors: those of the look; ``AccessDenied`` in their place.
        """
        try:
            return look()
        except ServiceError:
            if not self.may(call, bucket, "ListBucket", bucket.arn):
                raise access_denied() from None
            raise

    def find(self, call: Call) -> Bucket:
        """The bucket of a call, owned by whom the caller expects."""
        expected = call.get("ExpectedBucketOwner")
        if expected and not _ACCOUNT_ID.fullmatch(expected):
            raise ServiceError(
                "InvalidBucketOwnerAWSAccountID",
                "The value of the expected bucket owner parameter must be an AWS Account ID... "
                f"[{expected}]",
            )
        found = self.buckets.get(str(call.get("Bucket", "")))
        if expected and expected != found.account_id:
            raise access_denied()
        return found

    def require(self, call: Call, bucket: Bucket, action: str, resource: str) -> None:
        """Refuse unless the caller may do that."""
        action = f"s3:{action}"
        own_root = call.caller.is_root and call.caller.account_id == bucket.account_id
        policy = None if own_root and action in _NEVER_LOCKED else bucket.policy
        self._permissions.check(
            call.caller,
            action,
            resource,
            self._context(call),
            resource_policy=policy,
            owner=bucket.account_id,
        )

    def may(self, call: Call, bucket: Bucket, action: str, resource: str) -> bool:
        """Whether the caller may do that."""
        try:
            self.require(call, bucket, action, resource)
        except ServiceError:
            return False
        return True

    @staticmethod
    def _context(call: Call) -> dict[str, Any]:
        keys = {
            "s3:prefix": call.get("Prefix"),
            "s3:delimiter": call.get("Delimiter"),
            "s3:max-keys": call.get("MaxKeys"),
            "s3:x-amz-acl": call.get("ACL"),
            "aws:RequestedRegion": call.region,
            "aws:SourceIp": call.raw.client or None,
        }
        return {name: str(value) for name, value in keys.items() if value is not None}


def access_denied() -> ServiceError:
    """The plain refusal."""
    return ServiceError("AccessDenied", "Access Denied", status=403)


def check_encoding(call: Call) -> None:
    """Refuse another encoding of keys than ``url``.

    Errors: ServiceError ``InvalidArgument``.
    """
    asked = call.get("EncodingType")
    if asked not in (None, "url"):
        raise ServiceError(
            "InvalidArgument",
            "Invalid Encoding Method specified in Request",
            fields={"ArgumentName": "encoding-type", "ArgumentValue": asked},
        )


def owner_of(account_id: str) -> dict[str, str]:
    """An account as S3 names owners: 64 hexadecimal digits."""
    digits = hashlib.sha256(f"canonical user of {account_id}".encode()).hexdigest()
    return {"ID": digits}
