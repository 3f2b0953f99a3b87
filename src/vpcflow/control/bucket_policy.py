"""The bucket policy that lets flow logs deliver, as AWS attaches it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from vpcflow.control.arns import partition_of

DELIVERY_SERVICE = "delivery.logs.amazonaws.com"
WRITE_SID = "AWSLogDeliveryWrite"
ACL_SID = "AWSLogDeliveryAclCheck"
POLICY_BYTES_MAX = 20 * 1024
_VERSION = "2012-10-17"


def delivery_folder(prefix: str, account_id: str, *, hive: bool = False) -> str:
    """The folder below which a flow log of an account delivers."""
    account = f"aws-account-id={account_id}" if hive else account_id
    return "/".join(part for part in (prefix.strip("/"), "AWSLogs", account) if part)


def with_delivery(
    policy: str | None, bucket: str, folder: str, account_id: str, region: str
) -> str | None:
    """A policy with the two statements that let flow logs of an account write below a folder.

    Shape: None when they are there already. A second folder joins the first statement's
    resources; statements of others stay as they are.
    """
    document: dict[str, Any] = (
        json.loads(policy) if policy else {"Version": _VERSION, "Statement": []}
    )
    found: Any = document.get("Statement", [])
    statements: list[dict[str, Any]] = [found] if isinstance(found, dict) else list(found)
    conditions = {
        "StringEquals": {"aws:SourceAccount": account_id},
        "ArnLike": {"aws:SourceArn": f"arn:{partition_of(region)}:logs:{region}:{account_id}:*"},
    }
    root = f"arn:{partition_of(region)}:s3:::{bucket}"
    write_conditions = {
        "StringEquals": {
            "s3:x-amz-acl": "bucket-owner-full-control",
            "aws:SourceAccount": account_id,
        },
        "ArnLike": conditions["ArnLike"],
    }
    changed = _add(statements, WRITE_SID, "s3:PutObject", f"{root}/{folder}/*", write_conditions)
    changed |= _add(statements, ACL_SID, "s3:GetBucketAcl", root, conditions)
    return json.dumps({**document, "Statement": statements}) if changed else None


def _add(
    statements: list[dict[str, Any]],
    sid: str,
    action: str,
    resource: str,
    conditions: Mapping[str, Any],
) -> bool:
    for place, statement in enumerate(statements):
        same = statement.get("Condition") == conditions and statement.get("Action") == action
        if statement.get("Effect") != "Allow" or not same:
            continue
        if statement.get("Principal") != {"Service": DELIVERY_SERVICE}:
            continue
        given = statement.get("Resource", [])
        resources = [given] if isinstance(given, str) else list(given)
        if resource in resources:
            return False
        statements[place] = {**statement, "Resource": [*resources, resource]}
        return True
    taken = {statement.get("Sid") for statement in statements}
    name, number = sid, 1
    while name in taken:
        number += 1
        name = f"{sid}{number}"
    statements.append(
        {
            "Sid": name,
            "Effect": "Allow",
            "Principal": {"Service": DELIVERY_SERVICE},
            "Action": action,
            "Resource": resource,
            "Condition": dict(conditions),
        }
    )
    return True
