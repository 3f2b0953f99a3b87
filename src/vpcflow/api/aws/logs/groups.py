"""Operations on log groups, their retention, keys and tags."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from vpcflow.api.aws.logs.requests import (
    any_group,
    group_name,
    group_resources,
    now_ms,
    tagged_resources,
)
from vpcflow.api.aws.logs.tokens import invalid_token
from vpcflow.api.aws.operation import Call, Operation
from vpcflow.control.logs.log_group import (
    LogGroup,
    group_arn,
    invalid,
    name_of_identifier,
)
from vpcflow.control.logs.service import LogGroupService
from vpcflow.control.paging import BadToken, page
from vpcflow.control.state import Place

DESCRIBE_MAX = 50
LIST_MAX = 1_000
_OTHER_ACCOUNTS = "there are no linked accounts here"


class GroupOperations:
    """Handlers for log groups; ``filters_of`` counts a group's metric filters."""

    def __init__(self, service: LogGroupService, filters_of: Callable[[Place, str], int]) -> None:
        self._service = service
        self._filters_of = filters_of

    def operations(self) -> list[Operation]:
        """All of them."""
        return [*self._group_operations(), *self._tag_operations()]

    def _group_operations(self) -> list[Operation]:
        linked = {"includeLinkedAccounts": _OTHER_ACCOUNTS, "accountIdentifiers": _OTHER_ACCOUNTS}
        return [
            Operation(
                "CreateLogGroup",
                self._create,
                "logGroupName logGroupClass tags kmsKeyId deletionProtectionEnabled",
                resources=group_resources,
                note="the class is kept and shown, groups of all classes work alike; the key is "
                "kept, events are not encrypted with it",
            ),
            Operation("DeleteLogGroup", self._delete, "logGroupName", resources=group_resources),
            Operation(
                "DescribeLogGroups",
                self._describe,
                "logGroupNamePrefix logGroupNamePattern logGroupIdentifiers logGroupClass limit "
                "nextToken",
                linked,
                resources=any_group,
            ),
            Operation(
                "ListLogGroups",
                self._list,
                "logGroupNamePattern logGroupClass limit nextToken",
                linked,
                resources=any_group,
            ),
            Operation(
                "PutRetentionPolicy",
                self._put_retention,
                "logGroupName retentionInDays",
                resources=group_resources,
            ),
            Operation(
                "DeleteRetentionPolicy",
                self._delete_retention,
                "logGroupName",
                resources=group_resources,
            ),
            Operation(
                "PutLogGroupDeletionProtection",
                self._protect,
                "logGroupIdentifier deletionProtectionEnabled",
                resources=group_resources,
            ),
            Operation(
                "AssociateKmsKey",
                self._associate_key,
                "logGroupName resourceIdentifier kmsKeyId",
                resources=group_resources,
                note="the key is kept; events are not encrypted with it",
            ),
            Operation(
                "DisassociateKmsKey",
                self._disassociate_key,
                "logGroupName resourceIdentifier",
                resources=group_resources,
            ),
        ]

    def _tag_operations(self) -> list[Operation]:
        return [
            Operation(name, handle, takes, resources=tagged_resources)
            for name, handle, takes in (
                ("TagResource", self._tag_resource, "resourceArn tags"),
                ("UntagResource", self._untag_resource, "resourceArn tagKeys"),
                ("ListTagsForResource", self._list_tags_of_resource, "resourceArn"),
                ("TagLogGroup", self._tag_group, "logGroupName tags"),
                ("UntagLogGroup", self._untag_group, "logGroupName tags"),
                ("ListTagsLogGroup", self._list_tags_of_group, "logGroupName"),
            )
        ]

    def _create(self, call: Call) -> None:
        self._service.create_group(
            call.place,
            call.get("logGroupName"),
            now_ms(call),
            log_group_class=call.get("logGroupClass") or "STANDARD",
            kms_key_id=call.get("kmsKeyId"),
            tags=call.get("tags"),
            deletion_protection=bool(call.get("deletionProtectionEnabled")),
        )

    def _delete(self, call: Call) -> None:
        self._service.delete_group(call.place, call.get("logGroupName"), now_ms(call))

    def _describe(self, call: Call) -> dict[str, Any]:
        prefix, pattern = call.get("logGroupNamePrefix"), call.get("logGroupNamePattern")
        if prefix and pattern:
            raise invalid(
                "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."
            )
        groups = self._of_class(call)
        if identifiers := call.get("logGroupIdentifiers"):
            wanted = {
                name_of_identifier(call.place, one, "logGroupIdentifiers") for one in identifiers
            }
            groups = [group for group in groups if group.name in wanted]
        if prefix:
            groups = [group for group in groups if group.name.startswith(prefix)]
        if pattern:
            groups = [group for group in groups if pattern in group.name]
        question = f"{prefix}\0{pattern}\0{call.get('logGroupClass')}"
        given, token = _page(call, groups, DESCRIBE_MAX, question)
        items = [self._item(call, group, short=bool(pattern)) for group in given]
        return {"logGroups": items, "nextToken": token}

    def _item(self, call: Call, group: LogGroup, *, short: bool) -> dict[str, Any]:
        bare = group_arn(call.place, group.name)
        item: dict[str, Any] = {
            "logGroupName": group.name,
            "creationTime": group.created_ms,
            "retentionInDays": group.retention_days,
            "metricFilterCount": self._filters_of(call.place, group.name),
            "arn": f"{bare}:*",
            "kmsKeyId": group.kms_key_id,
            "logGroupClass": group.log_group_class,
            "logGroupArn": bare,
        }
        if not short:
            item["storedBytes"] = self._service.stored_bytes(call.place, group, now_ms(call))
            item["deletionProtectionEnabled"] = group.deletion_protection
        return {name: value for name, value in item.items() if value is not None}

    def _list(self, call: Call) -> dict[str, Any]:
        pattern = call.get("logGroupNamePattern")
        groups = self._of_class(call)
        if pattern:
            parts = pattern.split("|")
            groups = [group for group in groups if any(_fits(part, group.name) for part in parts)]
        question = f"list\0{pattern}\0{call.get('logGroupClass')}"
        given, token = _page(call, groups, LIST_MAX, question, default=DESCRIBE_MAX)
        items = [
            {
                "logGroupName": group.name,
                "logGroupArn": group_arn(call.place, group.name),
                "logGroupClass": group.log_group_class,
            }
            for group in given
        ]
        return {"logGroups": items, "nextToken": token}

    def _of_class(self, call: Call) -> list[LogGroup]:
        wanted = call.get("logGroupClass")
        groups = self._service.groups(call.place).values()
        return [group for group in groups if wanted in (None, group.log_group_class)]

    def _put_retention(self, call: Call) -> None:
        self._service.set_retention(
            call.place, call.get("logGroupName"), call.get("retentionInDays")
        )

    def _delete_retention(self, call: Call) -> None:
        self._service.set_retention(call.place, call.get("logGroupName"), None)

    def _protect(self, call: Call) -> None:
        self._service.update_group(
            call.place, group_name(call), deletion_protection=call.get("deletionProtectionEnabled")
        )

    def _associate_key(self, call: Call) -> None:
        self._service.update_group(call.place, _keyed(call), kms_key_id=call.get("kmsKeyId"))

    def _disassociate_key(self, call: Call) -> None:
        self._service.update_group(call.place, _keyed(call), kms_key_id=None)

    def _tag_resource(self, call: Call) -> None:
        name = self._service.name_of_arn(call.place, call.get("resourceArn"))
        self._service.add_tags(call.place, name, call.get("tags"))

    def _untag_resource(self, call: Call) -> None:
        name = self._service.name_of_arn(call.place, call.get("resourceArn"))
        self._service.remove_tags(call.place, name, call.get("tagKeys"))

    def _list_tags_of_resource(self, call: Call) -> dict[str, Any]:
        name = self._service.name_of_arn(call.place, call.get("resourceArn"))
        return {"tags": dict(self._service.group(call.place, name).tags)}

    def _tag_group(self, call: Call) -> None:
        self._service.add_tags(call.place, group_name(call), call.get("tags"))

    def _untag_group(self, call: Call) -> None:
        self._service.remove_tags(call.place, group_name(call), call.get("tags"))

    def _list_tags_of_group(self, call: Call) -> dict[str, Any]:
        return {"tags": dict(self._service.group(call.place, group_name(call)).tags)}


def _fits(part: str, name: str) -> bool:
    return name.startswith(part[1:]) if part.startswith("^") else part in name


def _keyed(call: Call) -> str:
    identifier = call.get("resourceIdentifier")
    if identifier is None:
        return group_name(call)
    if call.get("logGroupName") is not None:
        raise invalid("Give either a log group's name or a resource identifier, not both.")
    return name_of_identifier(call.place, identifier, "resourceIdentifier")


def _page(
    call: Call,
    groups: Sequence[LogGroup],
    limit_max: int,
    question: str,
    *,
    default: int | None = None,
) -> tuple[list[LogGroup], str | None]:
    limit = call.get("limit") or default or limit_max
    try:
        return page(
            groups, lambda group: group.name, limit, call.get("nextToken"), question=question
        )
    except BadToken as error:
        raise invalid_token() from error


__all__ = ["DESCRIBE_MAX", "GroupOperations"]
