"""Aim: sets of DHCP options are made, named by VPCs, shown and deleted as AWS does it, and the small
operations beside them answer as recorded there. Method: calls as botocore reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from network_world import ACCOUNT, NetworkWorld, filters

SERVERS = {"Key": "domain-name-servers", "Values": ["10.0.0.2", "10.0.0.3"]}
NAME = {"Key": "domain-name", "Values": ["example.com"]}


@pytest.fixture
def world(tmp_path: Path) -> NetworkWorld:
    return NetworkWorld(tmp_path)


def made(world: NetworkWorld, *options: dict[str, Any], **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = world.call(
        "CreateDhcpOptions", DhcpConfigurations=list(options), **more
    )["DhcpOptions"]
    return found


def test_a_set_is_shown_as_it_was_made(world: NetworkWorld) -> None:
    tags = [{"Key": "k", "Value": "v"}]
    options = made(
        world, NAME, SERVERS, TagSpecifications=[{"ResourceType": "dhcp-options", "Tags": tags}]
    )
    assert options == {
        "OwnerId": ACCOUNT,
        "Tags": tags,
        "DhcpOptionsId": options["DhcpOptionsId"],
        "DhcpConfigurations": [
            {"Key": "domain-name", "Values": [{"Value": "example.com"}]},
            {
                "Key": "domain-name-servers",
                "Values": [{"Value": "10.0.0.2"}, {"Value": "10.0.0.3"}],
            },
        ],
    }
    for name, value in (
        ("dhcp-options-id", options["DhcpOptionsId"]),
        ("value", "10.0.0.3"),
        ("tag:k", "v"),
    ):
        found = world.call("DescribeDhcpOptions", Filters=filters(**{name: value}))
        assert found["DhcpOptions"] == [options], name
    assert len(world.call("DescribeDhcpOptions")["DhcpOptions"]) == 2


def test_a_vpc_names_a_set_or_none(world: NetworkWorld) -> None:
    vpc_id, options_id = world.vpc(), made(world, NAME)["DhcpOptionsId"]

    def named() -> str:
        (vpc,) = world.call("DescribeVpcs", VpcIds=[vpc_id])["Vpcs"]
        return str(vpc["DhcpOptionsId"])

    first = named()
    world.call("AssociateDhcpOptions", DhcpOptionsId=options_id, VpcId=vpc_id)
    assert named() == options_id
    world.refused("DeleteDhcpOptions", "DependencyViolation", DhcpOptionsId=options_id)
    world.call("AssociateDhcpOptions", DhcpOptionsId="default", VpcId=vpc_id)
    assert named() == "default"
    world.call("AssociateDhcpOptions", DhcpOptionsId=first, VpcId=vpc_id)
    assert named() == first
    world.call("DeleteDhcpOptions", DhcpOptionsId=options_id)
    world.refused(
        "DescribeDhcpOptions",
        "InvalidDhcpOptionID.NotFound",
        f"The dhcpOption ID '{options_id}' does not exist",
        DhcpOptionsIds=[options_id],
    )


def test_what_is_refused(world: NetworkWorld) -> None:
    vpc_id, options_id = world.vpc(), made(world, NAME)["DhcpOptionsId"]
    unknown = "InvalidDhcpOptionID.NotFound"
    world.refused("AssociateDhcpOptions", unknown, DhcpOptionsId="dopt-1", VpcId=vpc_id)
    world.refused("DeleteDhcpOptions", unknown, DhcpOptionsId="dopt-1")
    world.refused("DeleteDhcpOptions", "InvalidDhcpOptionsId.Malformed", DhcpOptionsId="foo-1")
    gone = {"DhcpOptionsId": options_id, "VpcId": "vpc-1"}
    world.refused("AssociateDhcpOptions", "InvalidVpcID.NotFound", **gone)
    for key, values in (
        ("ntp-servers", ["10.0.0.1"] * 5),
        ("netbios-node-type", ["0"]),
        ("domain-name", []),
        ("boot-file", ["pxe"]),
    ):
        world.refused(
            "CreateDhcpOptions",
            "InvalidParameterValue",
            DhcpConfigurations=[{"Key": key, "Values": values}],
        )


def test_security_groups_of_a_vpc(world: NetworkWorld) -> None:
    vpc_id, other = world.vpc(), world.vpc()
    world.call("CreateSecurityGroup", GroupName="web", Description="the site", VpcId=vpc_id)
    found = world.call("GetSecurityGroupsForVpc", VpcId=vpc_id)["SecurityGroupForVpcs"]
    assert {one["GroupName"] for one in found} == {"default", "web"}
    (web,) = world.call(
        "GetSecurityGroupsForVpc", VpcId=vpc_id, Filters=filters(**{"group-name": "web"})
    )["SecurityGroupForVpcs"]
    assert web == {
        "Description": "the site",
        "GroupName": "web",
        "OwnerId": ACCOUNT,
        "GroupId": web["GroupId"],
        "Tags": [],
        "PrimaryVpcId": vpc_id,
    }
    assert len(world.call("GetSecurityGroupsForVpc", VpcId=other)["SecurityGroupForVpcs"]) == 1
    world.refused("GetSecurityGroupsForVpc", "InvalidVpcID.NotFound", VpcId="vpc-1")


def test_tenancy_can_only_become_default(world: NetworkWorld) -> None:
    vpc_id = world.vpc(InstanceTenancy="dedicated")
    world.refused(
        "ModifyVpcTenancy",
        "InvalidParameterValue",
        "The tenancy value unknown is not supported.",
        VpcId=vpc_id,
        InstanceTenancy="unknown",
    )
    assert world.call("ModifyVpcTenancy", VpcId=vpc_id, InstanceTenancy="default") == {
        "ReturnValue": True
    }
    (vpc,) = world.call("DescribeVpcs", VpcIds=[vpc_id])["Vpcs"]
    assert vpc["InstanceTenancy"] == "default"


def test_tag_specifications_name_a_type_and_tags(world: NetworkWorld) -> None:
    tags = [{"Key": "k", "Value": "v"}]
    for given, code, text in (
        ({"Tags": tags}, "InvalidParameter", "Tag specification resource type must have a value"),
        (
            {"ResourceType": "vpc"},
            "InvalidParameter",
            "Tag specification must have at least one tag",
        ),
        (
            {"ResourceType": "snapshot", "Tags": tags},
            "InvalidParameterValue",
            "'snapshot' is not a valid taggable resource type for this operation.",
        ),
    ):
        world.refused("CreateVpc", code, text, CidrBlock="10.0.0.0/16", TagSpecifications=[given])


def test_rules_are_refused_in_the_words_recorded_at_aws(world: NetworkWorld) -> None:
    group_id = world.call(
        "CreateSecurityGroup", GroupName="web", Description="the site", VpcId=world.vpc()
    )["GroupId"]
    world.refused(
        "DescribeSecurityGroupRules",
        "InvalidGroupId.Malformed",
        "The security group ID 'foobar' is malformed",
        Filters=filters(**{"group-id": "foobar"}),
    )
    (rule,) = world.call("DescribeSecurityGroupRules", Filters=filters(**{"group-id": group_id}))[
        "SecurityGroupRules"
    ]
    whole = {"IpProtocol": "udp", "FromPort": 1, "ToPort": 2, "CidrIpv4": "10.0.0.0/8"}
    peers = "cidrIp, cidrIpv6, prefixListId, or referencedGroupId"
    for changed, code, text in (
        (
            {"IpProtocol": None},
            "InvalidParameterValue",
            "Invalid value 'null' for protocol. VPC security group rules must specify protocols "
            "explicitly.",
        ),
        (
            {"FromPort": None},
            "InvalidParameterValue",
            "Invalid value for portRange. Must specify both from and to ports with TCP/UDP.",
        ),
        (
            {"CidrIpv4": None},
            "MissingParameter",
            f"The request must contain exactly one of: {peers}",
        ),
        (
            {"CidrIpv6": "::/0"},
            "InvalidParameterCombination",
            f"Only one of {peers} can be specified",
        ),
    ):
        wanted = {key: value for key, value in {**whole, **changed}.items() if value is not None}
        world.refused(
            "ModifySecurityGroupRules",
            code,
            text,
            GroupId=group_id,
            SecurityGroupRules=[
                {
                    "SecurityGroupRuleId": rule["SecurityGroupRuleId"],
                    "SecurityGroupRule": wanted,
                }
            ],
        )


def test_an_entrys_action_is_read_in_any_letters(world: NetworkWorld) -> None:
    acl_id = world.call("CreateNetworkAcl", VpcId=world.vpc())["NetworkAcl"]["NetworkAclId"]
    entry: dict[str, Any] = {
        "RuleNumber": 7,
        "Protocol": "-1",
        "Egress": False,
        "CidrBlock": "10.0.0.0/8",
    }
    world.call("CreateNetworkAclEntry", NetworkAclId=acl_id, RuleAction="DENY", **entry)
    world.call("ReplaceNetworkAclEntry", NetworkAclId=acl_id, RuleAction="Allow", **entry)
    (acl,) = world.call("DescribeNetworkAcls", NetworkAclIds=[acl_id])["NetworkAcls"]
    assert {one["RuleAction"] for one in acl["Entries"] if one["RuleNumber"] == 7} == {"allow"}
    world.refused(
        "ReplaceNetworkAclEntry",
        "InvalidParameterValue",
        NetworkAclId=acl_id,
        RuleAction="maybe",
        **entry,
    )


def test_no_group_is_found_by_the_name_of_one_it_may_send_to(world: NetworkWorld) -> None:
    vpc_id = world.vpc()
    one, other = (
        world.call("CreateSecurityGroup", GroupName=name, Description=name, VpcId=vpc_id)["GroupId"]
        for name in ("one", "other")
    )
    rule = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": other}]}
    world.call("AuthorizeSecurityGroupEgress", GroupId=one, IpPermissions=[rule])
    for word, value, found in (("group-name", "other", 0), ("group-id", other, 1)):
        asked = filters(**{f"egress.ip-permission.{word}": value})
        answer = world.call("DescribeSecurityGroups", Filters=asked)
        assert len(answer["SecurityGroups"]) == found
