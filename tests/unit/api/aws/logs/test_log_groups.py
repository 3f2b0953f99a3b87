"""Aim: groups as AWS answers for them. Method: boto3 over the service, answers as recorded on AWS."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from log_world import ACCOUNT, NOW_MS, PLACE, LogWorld

from vpcflow.control.logs.log_group import PAST_LOG_GROUPS

ARN = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:"


def refused(call: Any, **parameters: Any) -> tuple[str, str]:
    """Code and message of a refusal."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return error["Code"], error["Message"]


def test_a_new_group_as_recorded(world: LogWorld) -> None:
    world.logs.create_log_group(logGroupName="g")
    (item,) = world.logs.describe_log_groups(logGroupNamePrefix="g")["logGroups"]
    assert item == {
        "arn": f"{ARN}g:*",
        "creationTime": NOW_MS,
        "deletionProtectionEnabled": False,
        "logGroupArn": f"{ARN}g",
        "logGroupClass": "STANDARD",
        "logGroupName": "g",
        "metricFilterCount": 0,
        "storedBytes": 0,
    }


def test_the_refusals_as_recorded(world: LogWorld) -> None:
    logs = world.logs
    logs.create_log_group(logGroupName="g")
    assert refused(logs.create_log_group, logGroupName="g") == (
        "ResourceAlreadyExistsException",
        "The specified log group already exists",
    )
    assert refused(logs.create_log_group, logGroupName="g" * 513) == (
        "InvalidParameterException",
        "Invalid LogGroup or LogStream, both must have length less than or equal to 512.",
    )
    assert refused(logs.delete_log_group, logGroupName="other") == (
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    )
    assert refused(logs.describe_log_groups, logGroupNamePrefix="g", logGroupNamePattern="g") == (
        "InvalidParameterException",
        "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
    )


def test_names_are_listed_in_the_order_of_ascii_page_by_page(world: LogWorld) -> None:
    names = ["b", "B", "a/1", "a-1", "_x", "Z"]
    for name in names:
        world.logs.create_log_group(logGroupName=name)
    pages = world.logs.get_paginator("describe_log_groups").paginate(
        PaginationConfig={"PageSize": 2}
    )
    listed = [group["logGroupName"] for page in pages for group in page["logGroups"]]
    assert listed == sorted(names)
    last = world.logs.describe_log_groups(limit=6)
    assert "nextToken" not in last
    token = world.logs.describe_log_groups(limit=2)["nextToken"]
    code, message = refused(world.logs.describe_log_groups, logGroupNamePrefix="a", nextToken=token)
    assert (code, message) == (
        "InvalidParameterException",
        "The specified nextToken is invalid.",
    )


def test_a_pattern_is_a_part_of_the_name_in_its_case(world: LogWorld) -> None:
    for name in ("/aws/vpc/one", "/aws/VPC/two"):
        world.logs.create_log_group(logGroupName=name)
    (item,) = world.logs.describe_log_groups(logGroupNamePattern="VPC")["logGroups"]
    assert item["logGroupName"] == "/aws/VPC/two"
    assert "storedBytes" not in item
    assert "deletionProtectionEnabled" not in item
    listed = world.logs.list_log_groups(logGroupNamePattern="^/aws/vpc|two")["logGroups"]
    assert listed == [
        {"logGroupName": name, "logGroupArn": f"{ARN}{name}", "logGroupClass": "STANDARD"}
        for name in ("/aws/VPC/two", "/aws/vpc/one")
    ]
    assert not world.logs.list_log_groups(logGroupNamePattern="^two")["logGroups"]


def test_retention_is_set_and_taken_away(world: LogWorld) -> None:
    logs = world.logs
    logs.create_log_group(logGroupName="g")
    logs.put_retention_policy(logGroupName="g", retentionInDays=7)
    assert logs.describe_log_groups()["logGroups"][0]["retentionInDays"] == 7
    logs.delete_retention_policy(logGroupName="g")
    assert "retentionInDays" not in logs.describe_log_groups()["logGroups"][0]
    code, _ = refused(logs.put_retention_policy, logGroupName="g", retentionInDays=8)
    assert code == "InvalidParameterException"
    code, _ = refused(logs.put_retention_policy, logGroupName="h", retentionInDays=7)
    assert code == "ResourceNotFoundException"


def test_old_and_new_tag_operations_share_their_tags(world: LogWorld) -> None:
    logs = world.logs
    logs.create_log_group(logGroupName="g", tags={"a": "1"})
    logs.tag_log_group(logGroupName="g", tags={"b": "2"})
    logs.tag_resource(resourceArn=f"{ARN}g", tags={"c": "3"})
    expected = {"a": "1", "b": "2", "c": "3"}
    assert logs.list_tags_log_group(logGroupName="g")["tags"] == expected
    assert logs.list_tags_for_resource(resourceArn=f"{ARN}g")["tags"] == expected
    logs.untag_resource(resourceArn=f"{ARN}g", tagKeys=["a"])
    logs.untag_log_group(logGroupName="g", tags=["b"])
    assert logs.list_tags_for_resource(resourceArn=f"{ARN}g")["tags"] == {"c": "3"}
    many = {f"k{number}": "" for number in range(50)}
    code, _ = refused(logs.tag_resource, resourceArn=f"{ARN}g", tags=many)
    assert code == "TooManyTagsException"
    code, _ = refused(logs.list_tags_for_resource, resourceArn=f"{ARN}other")
    assert code == "ResourceNotFoundException"
    # Permission was asked for the text as it is, which another partition would get around.
    elsewhere = f"{ARN}g".replace("arn:aws:", "arn:aws-cn:")
    code, _ = refused(logs.list_tags_for_resource, resourceArn=elsewhere)
    assert code == "ResourceNotFoundException"


def test_a_protected_group_is_not_deleted(world: LogWorld) -> None:
    world.logs.create_log_group(logGroupName="g", deletionProtectionEnabled=True)
    code, _ = refused(world.logs.delete_log_group, logGroupName="g")
    assert code == "ValidationException"
    world.logs.put_log_group_deletion_protection(
        logGroupIdentifier=f"{ARN}g", deletionProtectionEnabled=False
    )
    world.logs.delete_log_group(logGroupName="g")
    assert not world.logs.describe_log_groups()["logGroups"]


def test_a_key_is_kept(world: LogWorld) -> None:
    world.logs.create_log_group(logGroupName="g")
    world.logs.associate_kms_key(logGroupName="g", kmsKeyId="arn:aws:kms:us-east-1:1:key/2")
    (item,) = world.logs.describe_log_groups()["logGroups"]
    assert item["kmsKeyId"] == "arn:aws:kms:us-east-1:1:key/2"
    world.logs.disassociate_kms_key(logGroupName="g")
    assert "kmsKeyId" not in world.logs.describe_log_groups()["logGroups"][0]


def test_a_deleted_group_leaves_nothing_to_the_next_of_its_name(world: LogWorld) -> None:
    logs = world.logs
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    world.put("s", [(NOW_MS, "old")], group="g")
    assert logs.describe_log_groups()["logGroups"][0]["storedBytes"] > 0
    logs.delete_log_group(logGroupName="g")
    assert world.state.get(PAST_LOG_GROUPS, PLACE, "g")
    logs.create_log_group(logGroupName="g")
    assert not logs.describe_log_streams(logGroupName="g")["logStreams"]
    assert not world.filtered("g")
    assert world.groups.group(PLACE, "g").visible_from_s == NOW_MS // 1000 + 1
    assert world.groups.group(PLACE, "g").created_ms > NOW_MS


def test_saved_queries_are_kept(world: LogWorld) -> None:
    logs = world.logs
    token = "t" * 36
    saved = {"name": "top", "queryString": "stats count(*)", "logGroupNames": ["g"]}
    made = logs.put_query_definition(**saved, clientToken=token)["queryDefinitionId"]
    assert logs.put_query_definition(**saved, clientToken=token)["queryDefinitionId"] == made
    logs.put_query_definition(**{**saved, "name": "topmost"}, queryDefinitionId=made)
    (item,) = logs.describe_query_definitions(queryDefinitionNamePrefix="topm")["queryDefinitions"]
    assert item["name"] == "topmost"
    assert item["lastModified"] == NOW_MS
    assert logs.delete_query_definition(queryDefinitionId=made)["success"] is True
    assert not logs.describe_query_definitions()["queryDefinitions"]
    code, _ = refused(logs.delete_query_definition, queryDefinitionId=made)
    assert code == "ResourceNotFoundException"


def test_resource_policies_are_kept_up_to_ten(world: LogWorld) -> None:
    logs = world.logs
    for number in range(10):
        logs.put_resource_policy(policyName=f"p{number}", policyDocument="{}")
    code, message = refused(logs.put_resource_policy, policyName="more", policyDocument="{}")
    assert (code, message) == ("LimitExceededException", "Resource limit exceeded.")
    logs.delete_resource_policy(policyName="p0")
    names = [one["policyName"] for one in logs.describe_resource_policies()["resourcePolicies"]]
    assert names == [f"p{number}" for number in range(1, 10)]
    code, _ = refused(logs.delete_resource_policy, policyName="p0")
    assert code == "ResourceNotFoundException"
