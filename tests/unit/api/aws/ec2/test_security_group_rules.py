"""Aim: rules of security groups are added, taken away and shown as AWS does it, and Terraform's
sequence of requests works. Method: calls as botocore reads them; Hypothesis for permissions."""

from __future__ import annotations

import re
import tempfile
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from network_world import ACCOUNT, PLACE, REGION, NetworkWorld, filters

from vpcflow.control.network import SECURITY_GROUPS
from vpcflow.control.network.permissions import (
    Permission,
    permission_answer,
    permission_of,
    read_permissions,
)
from vpcflow.policy.security_group import Direction, SecurityGroupRule

EVERYONE = [{"CidrIp": "0.0.0.0/0"}]
SSH: dict[str, Any] = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": EVERYONE}


@pytest.fixture
def world(tmp_path: Path) -> NetworkWorld:
    return NetworkWorld(tmp_path)


def test_a_new_group(world: NetworkWorld) -> None:
    vpc_id = world.vpc()
    made = world.call(
        "CreateSecurityGroup",
        GroupName="web",
        Description="the site",
        VpcId=vpc_id,
        TagSpecifications=[
            {"ResourceType": "security-group", "Tags": [{"Key": "k", "Value": "v"}]}
        ],
    )
    group_id = made["GroupId"]
    assert made == {
        "GroupId": group_id,
        "Tags": [{"Key": "k", "Value": "v"}],
        "SecurityGroupArn": f"arn:aws:ec2:{REGION}:{ACCOUNT}:security-group/{group_id}",
    }
    (shown,) = world.call("DescribeSecurityGroups", GroupIds=[group_id])["SecurityGroups"]
    assert shown["IpPermissions"] == []
    assert shown["IpPermissionsEgress"] == [
        {
            "IpProtocol": "-1",
            "UserIdGroupPairs": [],
            "IpRanges": EVERYONE,
            "Ipv6Ranges": [],
            "PrefixListIds": [],
        }
    ]
    world.refused(
        "CreateSecurityGroup",
        "InvalidGroup.Duplicate",
        f"The security group 'web' already exists for VPC '{vpc_id}'",
        GroupName="web",
        Description="d",
        VpcId=vpc_id,
    )
    world.refused("CreateSecurityGroup", "VPCIdNotSpecified", GroupName="x", Description="d")
    assert world.call("DeleteSecurityGroup", GroupId=group_id) == {
        "Return": True,
        "GroupId": group_id,
    }
    gone = f"The security group '{group_id}' does not exist"
    world.refused("DescribeSecurityGroups", "InvalidGroup.NotFound", gone, GroupIds=[group_id])


def test_the_default_group_stays(world: NetworkWorld) -> None:
    world.vpc()
    (group,) = world.call("DescribeSecurityGroups")["SecurityGroups"]
    world.refused("DeleteSecurityGroup", "CannotDelete", GroupId=group["GroupId"])


def test_a_rule_that_is_there_already(world: NetworkWorld) -> None:
    group_id = world.group(world.vpc())
    made = world.call("AuthorizeSecurityGroupIngress", GroupId=group_id, IpPermissions=[SSH])
    (rule,) = made["SecurityGroupRules"]
    assert re.fullmatch("sgr-[0-9a-f]{17}", rule.pop("SecurityGroupRuleId"))
    assert rule.pop("SecurityGroupRuleArn").startswith(f"arn:aws:ec2:{REGION}:{ACCOUNT}:")
    assert made["Return"] is True
    assert rule == {
        "GroupId": group_id,
        "GroupOwnerId": ACCOUNT,
        "IsEgress": False,
        "IpProtocol": "tcp",
        "FromPort": 22,
        "ToPort": 22,
        "CidrIpv4": "0.0.0.0/0",
        "Tags": [],
    }
    world.refused(
        "AuthorizeSecurityGroupIngress",
        "InvalidPermission.Duplicate",
        'the specified rule "peer: 0.0.0.0/0, TCP, from port: 22, to port: 22, ALLOW" '
        "already exists",
        GroupId=group_id,
        IpPermissions=[SSH],
    )
    world.refused(
        "AuthorizeSecurityGroupEgress",
        "InvalidPermission.Duplicate",
        'the specified rule "peer: 0.0.0.0/0, ALL, ALLOW" already exists',
        GroupId=group_id,
        IpPermissions=[{"IpProtocol": "-1", "FromPort": 0, "ToPort": 0, "IpRanges": EVERYONE}],
    )


def test_all_rules_of_a_request_or_none(world: NetworkWorld) -> None:
    group_id = world.group(world.vpc())
    world.call("AuthorizeSecurityGroupIngress", GroupId=group_id, IpPermissions=[SSH])
    before = world.call("DescribeSecurityGroups", GroupIds=[group_id])
    other = {**SSH, "FromPort": 80, "ToPort": 80}
    world.refused(
        "AuthorizeSecurityGroupIngress",
        "InvalidPermission.Duplicate",
        GroupId=group_id,
        IpPermissions=[other, SSH],
    )
    world.refused(
        "AuthorizeSecurityGroupIngress",
        "InvalidParameterValue",
        "The same permission must not appear multiple times",
        GroupId=group_id,
        IpPermissions=[other, other],
    )
    world.refused(
        "RevokeSecurityGroupIngress",
        "InvalidPermission.NotFound",
        "The specified rule does not exist in this security group.",
        GroupId=group_id,
        IpPermissions=[SSH, other],
    )
    assert world.call("DescribeSecurityGroups", GroupIds=[group_id]) == before


@pytest.mark.parametrize(
    ("permission", "code"),
    [
        ({"IpProtocol": "tcp", "IpRanges": EVERYONE}, "InvalidParameterValue"),
        ({**SSH, "ToPort": 70_000}, "InvalidParameterValue"),
        ({**SSH, "FromPort": 30}, "InvalidParameterValue"),
        ({**SSH, "IpProtocol": "nothing"}, "InvalidParameterValue"),
        ({**SSH, "IpRanges": [{"CidrIp": "10.0.0.0/33"}]}, "InvalidParameterValue"),
        ({**SSH, "IpRanges": [{"CidrIp": "::/0"}]}, "InvalidParameterValue"),
        ({**SSH, "IpRanges": []}, "MissingParameter"),
        ({"IpRanges": EVERYONE}, "MissingParameter"),
        ({**SSH, "UserIdGroupPairs": [{"GroupId": "sg-1"}]}, "InvalidGroup.NotFound"),
        ({**SSH, "PrefixListIds": [{"PrefixListId": "pl-1"}]}, "InvalidPrefixListID.NotFound"),
        (
            {"IpProtocol": "icmp", "FromPort": 300, "ToPort": 0, "IpRanges": EVERYONE},
            "InvalidParameterValue",
        ),
    ],
)
def test_rules_that_are_none(world: NetworkWorld, permission: dict[str, Any], code: str) -> None:
    group_id = world.group(world.vpc())
    world.refused(
        "AuthorizeSecurityGroupIngress", code, GroupId=group_id, IpPermissions=[permission]
    )


def test_rule_of_plain_parameters(world: NetworkWorld) -> None:
    group_id = world.group(world.vpc())
    plain = {"IpProtocol": "udp", "FromPort": 53, "ToPort": 53, "CidrIp": "10.0.0.0/8"}
    world.call("AuthorizeSecurityGroupIngress", GroupId=group_id, **plain)
    (shown,) = world.call("DescribeSecurityGroups", GroupIds=[group_id])["SecurityGroups"]
    assert shown["IpPermissions"][0]["IpRanges"] == [{"CidrIp": "10.0.0.0/8"}]
    world.call("RevokeSecurityGroupIngress", GroupId=group_id, **plain)
    (shown,) = world.call("DescribeSecurityGroups", GroupIds=[group_id])["SecurityGroups"]
    assert shown["IpPermissions"] == []
    world.refused("RevokeSecurityGroupIngress", "MissingParameter", GroupId=group_id)


def test_rules_by_id(world: NetworkWorld) -> None:
    vpc_id = world.vpc()
    group_id, peer_id = world.group(vpc_id), world.group(vpc_id, "db")
    (rule,) = world.call(
        "AuthorizeSecurityGroupIngress",
        GroupId=group_id,
        IpPermissions=[
            {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": peer_id, "Description": "db"}]}
        ],
        TagSpecifications=[
            {"ResourceType": "security-group-rule", "Tags": [{"Key": "k", "Value": "v"}]}
        ],
    )["SecurityGroupRules"]
    assert rule["ReferencedGroupInfo"] == {"GroupId": peer_id, "UserId": ACCOUNT}
    assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("-1", -1, -1)
    rule_id = rule["SecurityGroupRuleId"]
    assert world.call("DescribeSecurityGroupRules", SecurityGroupRuleIds=[rule_id]) == {
        "SecurityGroupRules": [rule]
    }
    world.refused(
        "DeleteSecurityGroup",
        "DependencyViolation",
        f"resource {peer_id} has a dependent object",
        GroupId=peer_id,
    )
    world.call(
        "UpdateSecurityGroupRuleDescriptionsIngress",
        GroupId=group_id,
        SecurityGroupRuleDescriptions=[{"SecurityGroupRuleId": rule_id, "Description": "new"}],
    )
    world.call(
        "ModifySecurityGroupRules",
        GroupId=group_id,
        SecurityGroupRules=[
            {
                "SecurityGroupRuleId": rule_id,
                "SecurityGroupRule": {
                    "IpProtocol": "6",
                    "FromPort": 80,
                    "ToPort": 81,
                    "CidrIpv6": "::/0",
                },
            }
        ],
    )
    (changed,) = world.call("DescribeSecurityGroupRules", SecurityGroupRuleIds=[rule_id])[
        "SecurityGroupRules"
    ]
    assert (changed["IpProtocol"], changed["CidrIpv6"]) == ("tcp", "::/0")
    revoked = world.call(
        "RevokeSecurityGroupIngress", GroupId=group_id, SecurityGroupRuleIds=[rule_id]
    )
    assert [one["SecurityGroupRuleId"] for one in revoked["RevokedSecurityGroupRules"]] == [rule_id]
    world.refused(
        "RevokeSecurityGroupIngress",
        "InvalidSecurityGroupRuleId.NotFound",
        f"The security group rule ID '{rule_id}' does not exist",
        GroupId=group_id,
        SecurityGroupRuleIds=[rule_id],
    )
    assert world.call("DescribeTags", Filters=filters(resource_id=rule_id))["Tags"] == []


def test_descriptions_by_permission(world: NetworkWorld) -> None:
    group_id = world.group(world.vpc())
    world.call("AuthorizeSecurityGroupIngress", GroupId=group_id, IpPermissions=[SSH])
    described = {**SSH, "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "all"}]}
    world.call(
        "UpdateSecurityGroupRuleDescriptionsIngress", GroupId=group_id, IpPermissions=[described]
    )
    (shown,) = world.call("DescribeSecurityGroups", GroupIds=[group_id])["SecurityGroups"]
    assert shown["IpPermissions"][0]["IpRanges"] == described["IpRanges"]
    world.refused(
        "UpdateSecurityGroupRuleDescriptionsEgress",
        "InvalidPermission.NotFound",
        GroupId=group_id,
        IpPermissions=[described],
    )


def test_at_most_sixty_rules_of_a_family(world: NetworkWorld) -> None:
    group_id = world.group(world.vpc())
    ranges = [{"CidrIp": f"10.0.0.{number}/32"} for number in range(61)]
    world.refused(
        "AuthorizeSecurityGroupIngress",
        "RulesPerSecurityGroupLimitExceeded",
        "The maximum number of rules per security group has been reached.",
        GroupId=group_id,
        IpPermissions=[{**SSH, "IpRanges": ranges}],
    )
    world.call(
        "AuthorizeSecurityGroupIngress",
        GroupId=group_id,
        IpPermissions=[{**SSH, "IpRanges": ranges[:60], "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}],
    )


def test_filters_on_rules(world: NetworkWorld) -> None:
    vpc_id = world.vpc()
    group_id = world.group(vpc_id)
    world.call("AuthorizeSecurityGroupIngress", GroupId=group_id, IpPermissions=[SSH])
    for name, value in (
        ("ip-permission.protocol", "tcp"),
        ("ip-permission.from-port", "22"),
        ("ip-permission.cidr", "0.0.0.0/0"),
    ):
        answer = world.call("DescribeSecurityGroups", Filters=[{"Name": name, "Values": [value]}])
        assert [one["GroupId"] for one in answer["SecurityGroups"]] == [group_id], name


def test_what_terraform_sends(world: NetworkWorld) -> None:
    """Create, second look without a change, and destroy, in the order of provider 5.100."""
    zones = world.call("DescribeAvailabilityZones", Filters=filters(state="available"))
    assert zones["AvailabilityZones"]
    vpc = world.call(
        "CreateVpc",
        AmazonProvidedIpv6CidrBlock=False,
        CidrBlock="10.0.0.0/16",
        InstanceTenancy="default",
        TagSpecifications=[{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "t"}]}],
    )["Vpc"]
    vpc_id = vpc["VpcId"]
    world.call("ModifyVpcAttribute", VpcId=vpc_id, EnableDnsHostnames={"Value": True})
    subnet_id = world.subnet(vpc_id)
    group_id = world.group(vpc_id)
    world.call(
        "RevokeSecurityGroupEgress",
        GroupId=group_id,
        IpPermissions=[{"IpProtocol": "-1", "FromPort": 0, "ToPort": 0, "IpRanges": EVERYONE}],
    )
    world.refused(
        "RevokeSecurityGroupEgress",
        "InvalidPermission.NotFound",
        GroupId=group_id,
        IpPermissions=[
            {
                "IpProtocol": "-1",
                "FromPort": 0,
                "ToPort": 0,
                "Ipv6Ranges": [{"CidrIpv6": "::/0"}],
            }
        ],
    )
    world.call("AuthorizeSecurityGroupIngress", GroupId=group_id, IpPermissions=[SSH])
    world.call(
        "AuthorizeSecurityGroupEgress",
        GroupId=group_id,
        IpPermissions=[{"IpProtocol": "-1", "FromPort": 0, "ToPort": 0, "IpRanges": EVERYONE}],
    )
    interface = world.interface(
        subnet_id,
        ClientToken="terraform-20261127130000000000000001",
        PrivateIpAddresses=[{"Primary": True, "PrivateIpAddress": "10.0.1.10"}],
        Groups=[group_id],
        TagSpecifications=[
            {"ResourceType": "network-interface", "Tags": [{"Key": "Name", "Value": "t"}]}
        ],
    )
    interface_id = interface["NetworkInterfaceId"]

    def look() -> list[Any]:
        seen = [world.call("DescribeVpcs", VpcIds=[vpc_id])]
        for attribute in (
            "enableDnsHostnames",
            "enableDnsSupport",
            "enableNetworkAddressUsageMetrics",
        ):
            seen.append(world.call("DescribeVpcAttribute", VpcId=vpc_id, Attribute=attribute))
        for operation, wanted in (
            ("DescribeNetworkAcls", {"default": "true"}),
            ("DescribeRouteTables", {"association.main": "true"}),
            ("DescribeSecurityGroups", {"group-name": "default"}),
        ):
            answer = world.call(
                operation,
                Filters=[
                    *({"Name": key, "Values": [value]} for key, value in wanted.items()),
                    *filters(vpc_id=vpc_id),
                ],
            )
            assert len(next(iter(answer.values()))) == 1
            seen.append(answer)
        seen.append(world.call("DescribeSubnets", SubnetIds=[subnet_id]))
        seen.append(world.call("DescribeSecurityGroups", GroupIds=[group_id]))
        seen.append(world.call("DescribeNetworkInterfaces", NetworkInterfaceIds=[interface_id]))
        return seen

    assert look() == look()
    world.call("DeleteNetworkInterface", NetworkInterfaceId=interface_id)
    for name, value in (("subnet-id", subnet_id), ("group-id", group_id)):
        found = world.call("DescribeNetworkInterfaces", Filters=[{"Name": name, "Values": [value]}])
        assert found["NetworkInterfaces"] == []
    world.call("DeleteSubnet", SubnetId=subnet_id)
    world.refused("DescribeSubnets", "InvalidSubnetID.NotFound", SubnetIds=[subnet_id])
    world.call("DeleteSecurityGroup", GroupId=group_id)
    world.call("DeleteVpc", VpcId=vpc_id)
    world.refused("DescribeVpcs", "InvalidVpcID.NotFound", VpcIds=[vpc_id])


_V4 = st.builds(
    lambda value, length: str(ip_network((value, length), strict=False)),
    st.integers(0, 2**32 - 1),
    st.integers(0, 32),
)
_V6 = st.builds(
    lambda value, length: str(ip_network((value, length), strict=False)),
    st.integers(2**64, 2**128 - 1),
    st.integers(0, 128),
)
_PORTS = st.tuples(st.integers(0, 65_535), st.integers(0, 65_535)).map(sorted)


@st.composite
def _permissions(draw: st.DrawFn) -> dict[str, Any]:
    protocol = draw(st.sampled_from(["tcp", "udp", "6", "icmp", "icmpv6", "58", "-1", "50"]))
    made: dict[str, Any] = {"IpProtocol": protocol}
    if protocol in ("tcp", "udp", "6"):
        made["FromPort"], made["ToPort"] = draw(_PORTS)
    elif protocol in ("icmp", "icmpv6", "58"):
        kind = draw(st.integers(-1, 255))
        made["FromPort"] = kind
        made["ToPort"] = -1 if kind == -1 else draw(st.integers(-1, 255))
    made["IpRanges"] = [{"CidrIp": one} for one in draw(st.lists(_V4, max_size=3))]
    made["Ipv6Ranges"] = [{"CidrIpv6": one} for one in draw(st.lists(_V6, max_size=2))]
    made["UserIdGroupPairs"] = [{"GroupId": "sg-1"}]
    return made


def _rules(permissions: list[Permission]) -> list[SecurityGroupRule]:
    return [one.rule(f"sgr-{number}", Direction.INGRESS) for number, one in enumerate(permissions)]


def _group_id(pair: Any) -> str:
    return str(pair["GroupId"])


@given(st.lists(_permissions(), max_size=4))
def test_what_is_answered_reads_as_what_was_asked(asked: list[dict[str, Any]]) -> None:
    first = read_permissions(asked, _group_id)
    answer = permission_answer(_rules(first), Direction.INGRESS, ACCOUNT)
    second = read_permissions(answer, _group_id)
    assert {one.key for one in second} == {one.key for one in first}
    assert permission_answer(_rules(second), Direction.INGRESS, ACCOUNT) == answer


@given(_permissions())
def test_a_rule_keeps_what_makes_it_the_same(asked: dict[str, Any]) -> None:
    for one in read_permissions([asked], _group_id):
        assert permission_of(one.rule("sgr-1", Direction.EGRESS)) == one


@settings(deadline=None)
@given(st.lists(_permissions(), min_size=1, max_size=3))
def test_what_was_authorised_can_be_revoked(asked: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = NetworkWorld(Path(folder))
        group_id = world.group(world.vpc())
        for item in asked:
            item["UserIdGroupPairs"] = [{"GroupId": group_id}]
        permissions = read_permissions(asked, _group_id)
        if len({one.key for one in permissions}) < len(permissions):
            return
        world.call("AuthorizeSecurityGroupIngress", GroupId=group_id, IpPermissions=asked)
        held = world.state.all(SECURITY_GROUPS, PLACE)[group_id].group.rules
        assert len(held) == len(permissions) + 1
        (shown,) = world.call("DescribeSecurityGroups", GroupIds=[group_id])["SecurityGroups"]
        world.call(
            "RevokeSecurityGroupIngress",
            GroupId=group_id,
            IpPermissions=shown["IpPermissions"],
        )
        (shown,) = world.call("DescribeSecurityGroups", GroupIds=[group_id])["SecurityGroups"]
        assert shown["IpPermissions"] == []
        world.state.database.close()
