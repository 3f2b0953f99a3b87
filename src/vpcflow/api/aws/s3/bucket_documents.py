"""The sub-resources of a bucket: which are kept, and what is answered where nothing is."""

from __future__ import annotations

import json
import secrets
from typing import Any

from vpcflow.api.aws.operation import Call, Operation, Result
from vpcflow.api.aws.s3.access import Access
from vpcflow.api.aws.s3.kept_documents import (
    CHECKED_BY_PROTOCOL,
    KeptDocument,
    document_operations,
)
from vpcflow.api.aws.s3.object_members import check_each_tag
from vpcflow.base.errors import ServiceError
from vpcflow.control.buckets import check_policy
from vpcflow.control.tags import TAGS_MAX

_KEPT_ONLY = "kept and given back; nothing here acts upon it"
#: What AWS gives every new bucket.
NEW_BUCKET_DOCUMENTS = {
    "ownership": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
    "public-access-block": {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": True,
        "BlockPublicPolicy": True,
        "RestrictPublicBuckets": True,
    },
}


def operations(access: Access) -> list[Operation]:
    """Get, Put and Delete of all sub-resources."""
    kept = [one for document in _DOCUMENTS for one in document_operations(access, document)]
    return [*kept, *_policy_operations(access)]


#: Who owns what others put.
OWNERSHIPS = ("BucketOwnerPreferred", "ObjectWriter", "BucketOwnerEnforced")


def check_tags(tag_set: Any) -> None:
    """Refuse tags that S3 refuses.

    Errors: ServiceError ``InvalidTag``, ``BadRequest``.
    """
    if len(tag_set) > TAGS_MAX:
        raise ServiceError("BadRequest", f"Bucket tag count cannot be greater than {TAGS_MAX}")
    check_each_tag(tag_set, "System tags cannot be added/updated by requester")


def _check_versioning(_: Call, content: Any) -> None:
    if content.get("Status") == "Enabled" or content.get("MFADelete") == "Enabled":
        raise ServiceError(
            "NotImplemented",
            "Versioning is not done here: an object that is put again replaces the one before.",
        )
    if content.get("Status") != "Suspended":
        raise ServiceError(
            "IllegalVersioningConfigurationException",
            "The Versioning element must be specified",
        )


def _check_encryption(_: Call, content: Any) -> None:
    for rule in content.get("Rules", ()):
        wanted = rule.get("ApplyServerSideEncryptionByDefault", {}).get("SSEAlgorithm", "AES256")
        if wanted != "AES256":
            raise ServiceError(
                "NotImplemented",
                f"Encryption {wanted} is not done here; AES256 is left to the disk.",
            )


def _check_ownership(_: Call, content: Any) -> None:
    rules: list[Any] = content.get("Rules") or []
    if len(rules) != 1 or rules[0].get("ObjectOwnership") not in OWNERSHIPS:
        raise ServiceError(
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published"
            " schema",
        )


def _check_tagging(_: Call, content: Any) -> None:
    check_tags(content.get("TagSet", ()))


def _check_lifecycle(_: Call, content: Any) -> None:
    rules = content.get("Rules")
    if not rules:
        raise ServiceError(
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published"
            " schema",
        )
    for rule in rules:
        rule.setdefault("ID", secrets.token_urlsafe(36))
    ids = [rule["ID"] for rule in rules]
    if len(set(ids)) != len(ids):
        raise ServiceError(
            "InvalidArgument", "Rule ID must be unique. Found same ID for more than one rule"
        )


_DOCUMENTS = (
    KeptDocument(
        "cors",
        "GetBucketCors",
        "PutBucketCors",
        "DeleteBucketCors",
        "CORSConfiguration",
        absent=("NoSuchCORSConfiguration", "The CORS configuration does not exist"),
        get_action="GetBucketCORS",
        put_action="PutBucketCORS",
        note=_KEPT_ONLY,
    ),
    KeptDocument(
        "website",
        "GetBucketWebsite",
        "PutBucketWebsite",
        "DeleteBucketWebsite",
        "WebsiteConfiguration",
        absent=(
            "NoSuchWebsiteConfiguration",
            "The specified bucket does not have a website configuration",
        ),
        note=_KEPT_ONLY,
    ),
    KeptDocument(
        "lifecycle",
        "GetBucketLifecycleConfiguration",
        "PutBucketLifecycleConfiguration",
        "DeleteBucketLifecycle",
        "LifecycleConfiguration",
        absent=("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"),
        get_action="GetLifecycleConfiguration",
        put_action="PutLifecycleConfiguration",
        note=_KEPT_ONLY,
        check=_check_lifecycle,
        unchecked=frozenset({"ContentMD5"}),
        beside=("TransitionDefaultMinimumObjectSize", "all_storage_classes_128K"),
    ),
    KeptDocument(
        "replication",
        "GetBucketReplication",
        delete="DeleteBucketReplication",
        absent=(
            "ReplicationConfigurationNotFoundError",
            "The replication configuration was not found",
        ),
        get_action="GetReplicationConfiguration",
        put_action="PutReplicationConfiguration",
    ),
    KeptDocument(
        "encryption",
        "GetBucketEncryption",
        "PutBucketEncryption",
        "DeleteBucketEncryption",
        "ServerSideEncryptionConfiguration",
        wrapped=True,
        absent=(
            "ServerSideEncryptionConfigurationNotFoundError",
            "The server side encryption configuration was not found",
        ),
        get_action="GetEncryptionConfiguration",
        put_action="PutEncryptionConfiguration",
        note="kept and given back; encryption is the disk's",
        check=_check_encryption,
    ),
    KeptDocument(
        "object-lock",
        "GetObjectLockConfiguration",
        member="ObjectLockConfiguration",
        wrapped=True,
        absent=(
            "ObjectLockConfigurationNotFoundError",
            "Object Lock configuration does not exist for this bucket",
        ),
        get_action="GetBucketObjectLockConfiguration",
    ),
    KeptDocument(
        "tagging",
        "GetBucketTagging",
        "PutBucketTagging",
        "DeleteBucketTagging",
        "Tagging",
        absent=("NoSuchTagSet", "The TagSet does not exist"),
        status=204,
        check=_check_tagging,
        none_without="TagSet",
    ),
    KeptDocument(
        "versioning",
        "GetBucketVersioning",
        "PutBucketVersioning",
        member="VersioningConfiguration",
        note="Suspended is kept, Enabled refused",
        check=_check_versioning,
    ),
    KeptDocument(
        "accelerate",
        "GetBucketAccelerateConfiguration",
        get_action="GetAccelerateConfiguration",
        get_ignores={"RequestPayer": "nothing costs"},
    ),
    KeptDocument("request-payment", "GetBucketRequestPayment", default={"Payer": "BucketOwner"}),
    KeptDocument("abac", "GetBucketAbac", default={"AbacStatus": {"Status": "Disabled"}}),
    KeptDocument(
        "logging",
        "GetBucketLogging",
        "PutBucketLogging",
        member="BucketLoggingStatus",
        note="kept and given back; no access logs are written",
    ),
    KeptDocument(
        "notification",
        "GetBucketNotificationConfiguration",
        "PutBucketNotificationConfiguration",
        member="NotificationConfiguration",
        get_action="GetBucketNotification",
        put_action="PutBucketNotification",
        note="kept and given back; nobody is told",
        ignores={"SkipDestinationValidation": "destinations are not looked at"},
        unchecked=frozenset({"ContentMD5", "ChecksumAlgorithm"}),
    ),
    KeptDocument(
        "ownership",
        "GetBucketOwnershipControls",
        "PutBucketOwnershipControls",
        "DeleteBucketOwnershipControls",
        "OwnershipControls",
        wrapped=True,
        absent=(
            "OwnershipControlsNotFoundError",
            "The bucket ownership controls were not found",
        ),
        check=_check_ownership,
        note="kept and given back; access lists are not kept in any case",
    ),
    KeptDocument(
        "public-access-block",
        "GetPublicAccessBlock",
        "PutPublicAccessBlock",
        "DeletePublicAccessBlock",
        "PublicAccessBlockConfiguration",
        wrapped=True,
        absent=(
            "NoSuchPublicAccessBlockConfiguration",
            "The public access block configuration was not found",
        ),
        get_action="GetBucketPublicAccessBlock",
        put_action="PutBucketPublicAccessBlock",
        note="kept and given back; nothing here is public",
    ),
)


def _policy_operations(access: Access) -> list[Operation]:
    def get(call: Call) -> Result:
        bucket = access.bucket(call, "GetBucketPolicy")
        if bucket.policy is None:
            raise _no_policy(bucket.name)
        return {"Policy": bucket.policy}

    def put(call: Call) -> Result:
        bucket = access.bucket(call, "PutBucketPolicy")
        policy = call.get("Policy", "")
        text = policy.decode(errors="replace") if isinstance(policy, bytes) else str(policy)
        check_policy(text, bucket.name)
        access.buckets.keep(bucket.name, "policy", text)
        return {"ResponseMetadata": {"HTTPStatusCode": 204}}

    def delete(call: Call) -> Result:
        bucket = access.bucket(call, "DeleteBucketPolicy")
        access.buckets.keep(bucket.name, "policy", None)
        return None

    def status(call: Call) -> Result:
        bucket = access.bucket(call, "GetBucketPolicyStatus")
        if bucket.policy is None:
            raise _no_policy(bucket.name)
        return {"PolicyStatus": {"IsPublic": _is_public(bucket.policy)}}

    whose = "Bucket ExpectedBucketOwner"
    return [
        Operation("GetBucketPolicy", get, whose, authorizes_itself=True),
        Operation(
            "PutBucketPolicy",
            put,
            f"{whose} Policy",
            {
                **CHECKED_BY_PROTOCOL,
                "ConfirmRemoveSelfBucketAccess": "the owner's root is never locked out",
            },
            authorizes_itself=True,
        ),
        Operation("DeleteBucketPolicy", delete, whose, authorizes_itself=True),
        Operation("GetBucketPolicyStatus", status, whose, authorizes_itself=True),
    ]


def _no_policy(bucket: str) -> ServiceError:
    return ServiceError(
        "NoSuchBucketPolicy",
        "The bucket policy does not exist",
        status=404,
        fields={"BucketName": bucket},
    )


def _is_public(policy: str) -> bool:
    statements = json.loads(policy).get("Statement", [])
    for statement in statements if isinstance(statements, list) else [statements]:
        everybody = statement.get("Principal") in ("*", {"AWS": "*"}, {"AWS": ["*"]})
        if statement.get("Effect") == "Allow" and everybody and not statement.get("Condition"):
            return True
    return False
