"""Aim: VPCs and what is in them are made, changed, shown and refused as AWS does it.
Method: calls as botocore reads them, over SQLite; every answer is held against the model."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from network_world import ACCOUNT, REGION, NetworkWorld, filters

from vpcflow.control.network.resources import RESOURCE_TYPES


@pytest.fixture
def world(tmp_path: Path) -> NetworkWorld:
    return NetworkWorld(tmp_path)


def _filter_names(operation: str) -> list[str]:
    model = botocore.session.get_session().get_service_model("ec2").operation_model(operation)
    text = model.input_shape.members["Filters"].documentation
    names = re.findall(r"<li> *<p> *<code>([^<]+)</code>", text)
    return [
        name.replace("&lt;key&gt;", "key").replace("tag:", "tag:")
        for name in names
        if name != "tag"
    ]


DESCRIBED = (
    "DescribeVpcs",
    "DescribeSubnets",
    "DescribeNetworkInterfaces",
    "DescribeSecurityGroups",
    "DescribeSecurityGroupRules",
    "DescribeNetworkAcls",
    "DescribeRouteTables",
    "DescribeInternetGateways",
    "DescribeManagedPrefixLists",
    "DescribePrefixLists",
    "DescribeDhcpOptions",
    "DescribeAvailabilityZones",
    "DescribeRegions",
    "DescribeTags",
)


@pytest.mark.parametrize("operation", DESCRIBED)
def test_every_documented_filter_is_known(world: NetworkWorld, operation: str) -> None:
    world.interface(world.subnet(world.vpc()))
    names = _filter_names(operation)
    assert names
    for name in names:
        if name != "addresses.association.owner-id" or operation == "DescribeNetworkInterfaces":
            world.call(operation, Filters=[{"Name": name, "Values": ["sg-no such value"]}])
    world.refused(
        operation,
        "InvalidParameterValue",
        "The filter 'no-such' is invalid",
        Filters=[{"Name": "no-such", "Values": ["x"]}],
    )


def test_parameters_are_those_of_the_model(world: NetworkWorld) -> None:
    model = botocore.session.get_session().get_service_model("ec2")
    for name, operation in world.service.operations.items():
        known = set(model.operation_model(name).input_shape.members)
        assert {*operation.takes.split(), *operation.ignores} <= known, name


def test_create_vpc_answers_pending_and_then_it_is_available(world: NetworkWorld) -> None:
    made = world.call("CreateVpc", CidrBlock="10.0.0.0/16")["Vpc"]
    assert made["State"] == "pending"
    assert re.fullmatch(r"vpc-[0-9a-f]{17}", made["VpcId"])
    assert made["IsDefault"] is False
    assert made["InstanceTenancy"] == "default"
    assert made["OwnerId"] == ACCOUNT
    assert made["DhcpOptionsId"].startswith("dopt-")
    assert made["Ipv6CidrBlockAssociationSet"] == []
    (association,) = made["CidrBlockAssociationSet"]
    assert association["AssociationId"].startswith("vpc-cidr-assoc-")
    assert association["CidrBlockState"] == {"State": "associated"}
    (shown,) = world.call("DescribeVpcs", VpcIds=[made["VpcId"]])["Vpcs"]
    assert shown == {**made, "State": "available"}


def test_create_vpc_brings_group_table_and_acl(world: NetworkWorld) -> None:
    vpc_id = world.vpc()
    (group,) = world.call(
        "DescribeSecurityGroups", Filters=filters(group_name="default", vpc_id=vpc_id)
    )["SecurityGroups"]
    assert group["Description"] == "default VPC security group"
    assert group["IpPermissions"] == [
        {
            "IpProtocol": "-1",
            "UserIdGroupPairs": [{"UserId": ACCOUNT, "GroupId": group["GroupId"]}],
            "IpRanges": [],
            "Ipv6Ranges": [],
            "PrefixListIds": [],
        }
    ]
    assert group["IpPermissionsEgress"][0]["IpRanges"] == [{"CidrIp": "0.0.0.0/0"}]
    (acl,) = world.call("DescribeNetworkAcls", Filters=filters(default="true", vpc_id=vpc_id))[
        "NetworkAcls"
    ]
    assert [
        (entry["Egress"], entry["RuleNumber"], entry["RuleAction"]) for entry in acl["Entries"]
    ] == [
        (True, 100, "allow"),
        (True, 32767, "deny"),
        (False, 100, "allow"),
        (False, 32767, "deny"),
    ]
    (table,) = world.call(
        "DescribeRouteTables",
        Filters=[
            {"Name": "association.main", "Values": ["true"]},
            {"Name": "vpc-id", "Values": [vpc_id]},
        ],
    )["RouteTables"]
    assert table["Routes"] == [
        {
            "DestinationCidrBlock": "10.0.0.0/16",
            "GatewayId": "local",
            "Origin": "CreateRouteTable",
            "State": "active",
        }
    ]
    assert table["Associations"][0]["Main"] is True


def test_vpc_attributes(world: NetworkWorld) -> None:
    vpc_id = world.vpc()
    for attribute, member, value in (
        ("enableDnsSupport", "EnableDnsSupport", True),
        ("enableDnsHostnames", "EnableDnsHostnames", False),
        ("enableNetworkAddressUsageMetrics", "EnableNetworkAddressUsageMetrics", False),
    ):
        answer = world.call("DescribeVpcAttribute", VpcId=vpc_id, Attribute=attribute)
        assert answer == {"VpcId": vpc_id, member: {"Value": value}}
        world.call("ModifyVpcAttribute", VpcId=vpc_id, **{member: {"Value": not value}})
        answer = world.call("DescribeVpcAttribute", VpcId=vpc_id, Attribute=attribute)
        assert answer[member] == {"Value": not value}
    world.refused("ModifyVpcAttribute", "InvalidParameterCombination", VpcId=vpc_id)


@pytest.mark.parametrize("cidr", ["10.0.0.0/15", "10.0.0.0/29"])
def test_vpc_sizes(world: NetworkWorld, cidr: str) -> None:
    world.refused("CreateVpc", "InvalidVpc.Range", CidrBlock=cidr)


def test_vpc_block_is_read_as_aws_does(world: NetworkWorld) -> None:
    assert world.call("CreateVpc", CidrBlock="100.68.0.18/18")["Vpc"]["CidrBlock"] == (
        "100.68.0.0/18"
    )
    world.refused("CreateVpc", "InvalidParameterValue", CidrBlock="10.0.0.0")
    world.refused("CreateVpc", "MissingParameter")


def test_more_blocks_come_and_go(world: NetworkWorld) -> None:
    vpc_id = world.vpc()
    made = world.call("AssociateVpcCidrBlock", VpcId=vpc_id, CidrBlock="10.1.0.0/16")
    added = made["CidrBlockAssociation"]
    assert added["CidrBlockState"] == {"State": "associating"}
    world.refused(
        "AssociateVpcCidrBlock", "InvalidVpc.Range", VpcId=vpc_id, CidrBlock="10.1.2.0/24"
    )
    six = world.call("AssociateVpcCidrBlock", VpcId=vpc_id, AmazonProvidedIpv6CidrBlock=True)
    block = six["Ipv6CidrBlockAssociation"]["Ipv6CidrBlock"]
    assert block.endswith("/56")
    subnet_id = world.subnet(vpc_id, "10.1.0.0/24", Ipv6CidrBlock=block.replace("/56", "/64"))
    world.refused(
        "DisassociateVpcCidrBlock", "DependencyViolation", AssociationId=added["AssociationId"]
    )
    world.call("DeleteSubnet", SubnetId=subnet_id)
    world.call("DisassociateVpcCidrBlock", AssociationId=added["AssociationId"])
    (shown,) = world.call("DescribeVpcs")["Vpcs"]
    assert len(shown["CidrBlockAssociationSet"]) == 1
    assert len(shown["Ipv6CidrBlockAssociationSet"]) == 1
    world.refused(
        "DisassociateVpcCidrBlock",
        "InvalidVpcCidrBlockAssociationID.NotFound",
        AssociationId=added["AssociationId"],
    )
    primary = shown["CidrBlockAssociationSet"][0]["AssociationId"]
    world.refused("DisassociateVpcCidrBlock", "OperationNotSupported", AssociationId=primary)


def test_default_vpc(world: NetworkWorld) -> None:
    made = world.call("CreateDefaultVpc")["Vpc"]
    assert (made["CidrBlock"], made["IsDefault"]) == ("172.31.0.0/16", True)
    subnets = world.call("DescribeSubnets", Filters=filters(vpc_id=made["VpcId"]))["Subnets"]
    assert {one["AvailabilityZone"] for one in subnets} == {f"{REGION}{x}" for x in "abc"}
    assert all(one["DefaultForAz"] and one["MapPublicIpOnLaunch"] for one in subnets)
    assert all(one["AvailableIpAddressCount"] == 4091 for one in subnets)
    world.refused("CreateDefaultVpc", "DefaultVpcAlreadyExists")
    group_id = world.call("CreateSecurityGroup", GroupName="x", Description="d")["GroupId"]
    (group,) = world.call("DescribeSecurityGroups", GroupNames=["x"])["SecurityGroups"]
    assert (group["GroupId"], group["VpcId"]) == (group_id, made["VpcId"])


def test_delete_vpc_waits_for_what_is_in_it(world: NetworkWorld) -> None:
    vpc_id = world.vpc()
    subnet_id = world.subnet(vpc_id)
    text = f"The vpc '{vpc_id}' has dependencies and cannot be deleted."
    world.refused("DeleteVpc", "DependencyViolation", text, VpcId=vpc_id)
    world.call("DeleteSubnet", SubnetId=subnet_id)
    group_id = world.group(vpc_id)
    world.refused("DeleteVpc", "DependencyViolation", text, VpcId=vpc_id)
    world.call("DeleteSecurityGroup", GroupId=group_id)
    world.call("DeleteVpc", VpcId=vpc_id)
    gone = f"The vpc ID '{vpc_id}' does not exist"
    world.refused("DescribeVpcs", "InvalidVpcID.NotFound", gone, VpcIds=[vpc_id])
    for operation, member in (
        ("DescribeSecurityGroups", "SecurityGroups"),
        ("DescribeRouteTables", "RouteTables"),
        ("DescribeNetworkAcls", "NetworkAcls"),
    ):
        assert world.call(operation)[member] == []


def test_subnet_members(world: NetworkWorld) -> None:
    vpc_id = world.vpc()
    made = world.call(
        "CreateSubnet",
        VpcId=vpc_id,
        CidrBlock="10.0.1.0/24",
        AvailabilityZone=f"{REGION}b",
        TagSpecifications=[{"ResourceType": "subnet", "Tags": [{"Key": "Name", "Value": "one"}]}],
    )["Subnet"]
    assert made["State"] == "available"
    assert made["AvailableIpAddressCount"] == 251
    assert (made["AvailabilityZone"], made["AvailabilityZoneId"]) == ("us-east-1b", "use1-az1")
    assert made["SubnetArn"] == f"arn:aws:ec2:{REGION}:{ACCOUNT}:subnet/{made['SubnetId']}"
    assert made["Tags"] == [{"Key": "Name", "Value": "one"}]
    assert made["Ipv6CidrBlockAssociationSet"] == []
    world.interface(made["SubnetId"], SecondaryPrivateIpAddressCount=2)
    (shown,) = world.call("DescribeSubnets", SubnetIds=[made["SubnetId"]])["Subnets"]
    assert shown == {**made, "AvailableIpAddressCount": 248}


def test_subnet_refusals(world: NetworkWorld) -> None:
    vpc_id = world.vpc()
    world.subnet(vpc_id)
    for cidr, code in (
        ("10.1.0.0/24", "InvalidSubnet.Range"),
        ("10.0.0.0/15", "InvalidSubnet.Range"),
        ("10.0.2.0/29", "InvalidSubnet.Range"),
        ("10.0.1.128/25", "InvalidSubnet.Conflict"),
        ("10.0.0.0/16", "InvalidSubnet.Conflict"),
    ):
        world.refused("CreateSubnet", code, VpcId=vpc_id, CidrBlock=cidr)
    world.refused("CreateSubnet", "MissingParameter", VpcId=vpc_id)
    world.refused(
        "CreateSubnet",
        "InvalidParameterValue",
        VpcId=vpc_id,
        CidrBlock="10.0.2.0/24",
        AvailabilityZone="us-east-1z",
    )
    world.refused(
        "DescribeSubnets",
        "InvalidSubnetID.NotFound",
        "The subnet ID 'subnet-1' does not exist",
        SubnetIds=["subnet-1"],
    )


def test_subnet_attributes(world: NetworkWorld) -> None:
    subnet_id = world.subnet(world.vpc())
    world.call("ModifySubnetAttribute", SubnetId=subnet_id, MapPublicIpOnLaunch={"Value": True})
    world.call(
        "ModifySubnetAttribute", SubnetId=subnet_id, PrivateDnsHostnameTypeOnLaunch="resource-name"
    )
    (shown,) = world.call("DescribeSubnets")["Subnets"]
    assert shown["MapPublicIpOnLaunch"] is True
    assert shown["PrivateDnsNameOptionsOnLaunch"]["HostnameType"] == "resource-name"
    world.refused(
        "ModifySubnetAttribute",
        "InvalidParameterValue",
        SubnetId=subnet_id,
        AssignIpv6AddressOnCreation={"Value": True},
    )


def test_interface_members(world: NetworkWorld) -> None:
    vpc_id = world.vpc()
    subnet_id = world.subnet(vpc_id)
    made = world.interface(
        subnet_id,
        Description="front",
        PrivateIpAddresses=[{"Primary": True, "PrivateIpAddress": "10.0.1.10"}],
        ClientToken="terraform-1",
    )
    assert made["Status"] == "pending"
    assert re.fullmatch(r"eni-[0-9a-f]{17}", made["NetworkInterfaceId"])
    assert re.fullmatch(r"02(:[0-9a-f]{2}){5}", made["MacAddress"])
    assert made["PrivateIpAddress"] == "10.0.1.10"
    assert made["PrivateIpAddresses"] == [{"Primary": True, "PrivateIpAddress": "10.0.1.10"}]
    assert [group["GroupName"] for group in made["Groups"]] == ["default"]
    assert made["InterfaceType"] == "interface"
    assert made["Ipv6Addresses"] == made["TagSet"] == []
    assert made["SourceDestCheck"] is True
    assert "Attachment" not in made
    again = world.interface(
        subnet_id,
        Description="front",
        PrivateIpAddresses=[{"Primary": True, "PrivateIpAddress": "10.0.1.10"}],
        ClientToken="terraform-1",
    )
    assert again["NetworkInterfaceId"] == made["NetworkInterfaceId"]
    world.refused(
        "CreateNetworkInterface",
        "IdempotentParameterMismatch",
        SubnetId=subnet_id,
        ClientToken="terraform-1",
    )
    (shown,) = world.call("DescribeNetworkInterfaces")["NetworkInterfaces"]
    assert shown["Status"] == "available"
    for attribute, answer in (
        ("description", {"Description": {"Value": "front"}}),
        ("sourceDestCheck", {"SourceDestCheck": {"Value": True}}),
        ("groupSet", {"Groups": made["Groups"]}),
    ):
        assert world.call(
            "DescribeNetworkInterfaceAttribute",
            NetworkInterfaceId=made["NetworkInterfaceId"],
            Attribute=attribute,
        ) == {"NetworkInterfaceId": made["NetworkInterfaceId"], **answer}


def test_interface_addresses(world: NetworkWorld) -> None:
    subnet_id = world.subnet(world.vpc(), "10.0.1.0/28")
    first = world.interface(subnet_id)
    assert first["PrivateIpAddress"] == "10.0.1.4"
    for address, code, text in (
        ("10.0.1.4", "InvalidIPAddress.InUse", "Address 10.0.1.4 is in use."),
        ("10.0.1.3", "InvalidParameterValue", ""),
        ("10.0.1.15", "InvalidParameterValue", ""),
        ("10.0.2.1", "InvalidParameterValue", ""),
        ("x", "InvalidParameterValue", ""),
    ):
        world.refused(
            "CreateNetworkInterface", code, text, SubnetId=subnet_id, PrivateIpAddress=address
        )
    interface_id = first["NetworkInterfaceId"]
    answer = world.call(
        "AssignPrivateIpAddresses",
        NetworkInterfaceId=interface_id,
        SecondaryPrivateIpAddressCount=2,
    )
    assert answer["AssignedPrivateIpAddresses"] == [
        {"PrivateIpAddress": "10.0.1.5"},
        {"PrivateIpAddress": "10.0.1.6"},
    ]
    world.call(
        "UnassignPrivateIpAddresses",
        NetworkInterfaceId=interface_id,
        PrivateIpAddresses=["10.0.1.5"],
    )
    for address in ("10.0.1.4", "10.0.1.5"):
        world.refused(
            "UnassignPrivateIpAddresses",
            "InvalidParameterValue",
            NetworkInterfaceId=interface_id,
            PrivateIpAddresses=[address],
        )
    world.refused(
        "CreateNetworkInterface",
        "InsufficientFreeAddressesInSubnet",
        SubnetId=subnet_id,
        SecondaryPrivateIpAddressCount=9,
    )
    world.interface(subnet_id, SecondaryPrivateIpAddressCount=8)
    world.refused("CreateNetworkInterface", "InsufficientFreeAddressesInSubnet", SubnetId=subnet_id)


def test_a_secondary_address_moves_when_it_may(world: NetworkWorld) -> None:
    subnet_id = world.subnet(world.vpc())
    first = world.interface(subnet_id, SecondaryPrivateIpAddressCount=1)
    second = world.interface(subnet_id)["NetworkInterfaceId"]
    moved = {"NetworkInterfaceId": second, "PrivateIpAddresses": ["10.0.1.5"]}
    world.refused("AssignPrivateIpAddresses", "InvalidIPAddress.InUse", **moved)
    world.call("AssignPrivateIpAddresses", **moved, AllowReassignment=True)
    (left,) = world.call(
        "DescribeNetworkInterfaces", NetworkInterfaceIds=[first["NetworkInterfaceId"]]
    )["NetworkInterfaces"]
    assert left["PrivateIpAddresses"] == [{"Primary": True, "PrivateIpAddress": "10.0.1.4"}]
    world.refused(
        "AssignPrivateIpAddresses",
        "InvalidIPAddress.InUse",
        NetworkInterfaceId=second,
        PrivateIpAddresses=["10.0.1.4"],
        AllowReassignment=True,
    )


def test_ipv6_addresses(world: NetworkWorld) -> None:
    made = world.call("CreateVpc", CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)
    vpc = made["Vpc"]
    block = vpc["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"].replace("/56", "/64")
    subnet_id = world.subnet(vpc["VpcId"])
    world.refused(
        "CreateNetworkInterface", "InvalidParameterValue", SubnetId=subnet_id, Ipv6AddressCount=1
    )
    answer = world.call("AssociateSubnetCidrBlock", SubnetId=subnet_id, Ipv6CidrBlock=block)
    association = answer["Ipv6CidrBlockAssociation"]["AssociationId"]
    wanted = block.replace("/64", "42")
    interface = world.interface(subnet_id, Ipv6Addresses=[{"Ipv6Address": wanted}])
    assert [one["Ipv6Address"] for one in interface["Ipv6Addresses"]] == [wanted]
    interface_id = interface["NetworkInterfaceId"]
    more = world.call("AssignIpv6Addresses", NetworkInterfaceId=interface_id, Ipv6AddressCount=2)
    assert len(set(more["AssignedIpv6Addresses"])) == 2
    gone = world.call(
        "UnassignIpv6Addresses",
        NetworkInterfaceId=interface_id,
        Ipv6Addresses=more["AssignedIpv6Addresses"],
    )
    assert gone["UnassignedIpv6Addresses"] == more["AssignedIpv6Addresses"]
    world.refused("DisassociateSubnetCidrBlock", "DependencyViolation", AssociationId=association)
    world.call("DeleteNetworkInterface", NetworkInterfaceId=interface_id)
    world.call(
        "ModifySubnetAttribute", SubnetId=subnet_id, AssignIpv6AddressOnCreation={"Value": True}
    )
    assert len(world.interface(subnet_id)["Ipv6Addresses"]) == 1


def test_ipv6_of_a_vpc_is_allowed_as_much_as_ipv4(world: NetworkWorld) -> None:
    first = world.vpc(AmazonProvidedIpv6CidrBlock=True)
    second = world.vpc()
    world.call("AssociateVpcCidrBlock", VpcId=second, AmazonProvidedIpv6CidrBlock=True)
    for vpc_id in (first, second):
        (acl,) = world.call("DescribeNetworkAcls", Filters=filters(vpc_id=vpc_id))["NetworkAcls"]
        numbers = [entry["RuleNumber"] for entry in acl["Entries"]]
        assert numbers == [100, 101, 32767, 32768] * 2
        (group,) = world.call("DescribeSecurityGroups", Filters=filters(vpc_id=vpc_id))[
            "SecurityGroups"
        ]
        assert group["IpPermissionsEgress"][0]["Ipv6Ranges"] == [{"CidrIpv6": "::/0"}]


def test_interface_groups(world: NetworkWorld) -> None:
    vpc_id, other_vpc = world.vpc(), world.vpc("10.9.0.0/16")
    subnet_id = world.subnet(vpc_id)
    web, other = world.group(vpc_id), world.group(other_vpc)
    interface_id = world.interface(subnet_id)["NetworkInterfaceId"]
    world.call("ModifyNetworkInterfaceAttribute", NetworkInterfaceId=interface_id, Groups=[web])
    (shown,) = world.call("DescribeNetworkInterfaces", Filters=filters(group_id=web))[
        "NetworkInterfaces"
    ]
    assert shown["Groups"] == [{"GroupId": web, "GroupName": "web"}]
    world.refused(
        "ModifyNetworkInterfaceAttribute",
        "InvalidParameter",
        NetworkInterfaceId=interface_id,
        Groups=[other],
    )
    world.refused(
        "CreateNetworkInterface",
        "InvalidGroup.NotFound",
        "The security group 'sg-1' does not exist",
        SubnetId=subnet_id,
        Groups=["sg-1"],
    )
    world.refused(
        "DeleteSecurityGroup",
        "DependencyViolation",
        f"resource {web} has a dependent object",
        GroupId=web,
    )
    world.refused(
        "DescribeNetworkInterfaces",
        "InvalidNetworkInterfaceID.NotFound",
        "The networkInterface ID 'eni-1' does not exist",
        NetworkInterfaceIds=["eni-1"],
    )


def test_network_acls(world: NetworkWorld) -> None:
    vpc_id = world.vpc()
    subnet_id = world.subnet(vpc_id)
    (default,) = world.call("DescribeNetworkAcls")["NetworkAcls"]
    (association,) = default["Associations"]
    assert association["SubnetId"] == subnet_id
    made = world.call("CreateNetworkAcl", VpcId=vpc_id)["NetworkAcl"]
    assert [entry["RuleAction"] for entry in made["Entries"]] == ["deny", "deny"]
    acl_id = made["NetworkAclId"]
    entry: dict[str, Any] = {
        "NetworkAclId": acl_id,
        "RuleNumber": 100,
        "Protocol": "6",
        "RuleAction": "allow",
        "Egress": False,
        "CidrBlock": "10.0.0.0/8",
        "PortRange": {"From": 22, "To": 22},
    }
    world.call("CreateNetworkAclEntry", **entry)
    world.refused("CreateNetworkAclEntry", "NetworkAclEntryAlreadyExists", **entry)
    world.call("ReplaceNetworkAclEntry", **{**entry, "RuleAction": "deny"})
    world.refused(
        "ReplaceNetworkAclEntry",
        "InvalidNetworkAclEntry.NotFound",
        **{**entry, "RuleNumber": 7},
    )
    new = world.call(
        "ReplaceNetworkAclAssociation",
        AssociationId=association["NetworkAclAssociationId"],
        NetworkAclId=acl_id,
    )["NewAssociationId"]
    (shown,) = world.call("DescribeNetworkAcls", NetworkAclIds=[acl_id])["NetworkAcls"]
    assert shown["Associations"] == [
        {"NetworkAclAssociationId": new, "NetworkAclId": acl_id, "SubnetId": subnet_id}
    ]
    assert shown["Entries"][1] == {
        "CidrBlock": "10.0.0.0/8",
        "Egress": False,
        "Protocol": "6",
        "RuleAction": "deny",
        "RuleNumber": 100,
        "PortRange": {"From": 22, "To": 22},
    }
    world.refused("DeleteNetworkAcl", "DependencyViolation", NetworkAclId=acl_id)
    world.call("DeleteNetworkAclEntry", NetworkAclId=acl_id, RuleNumber=100, Egress=False)
    world.refused(
        "DeleteNetworkAclEntry",
        "InvalidNetworkAclEntry.NotFound",
        NetworkAclId=acl_id,
        RuleNumber=100,
        Egress=False,
    )


def test_route_tables_and_gateways(world: NetworkWorld) -> None:
    vpc_id = world.vpc()
    subnet_id = world.subnet(vpc_id)
    gateway = world.call("CreateInternetGateway")["InternetGateway"]
    assert gateway["Attachments"] == []
    gateway_id = gateway["InternetGatewayId"]
    table_id = world.call("CreateRouteTable", VpcId=vpc_id)["RouteTable"]["RouteTableId"]
    world.call("AttachInternetGateway", InternetGatewayId=gateway_id, VpcId=vpc_id)
    world.refused(
        "AttachInternetGateway",
        "Resource.AlreadyAssociated",
        InternetGatewayId=gateway_id,
        VpcId=vpc_id,
    )
    route = {"RouteTableId": table_id, "DestinationCidrBlock": "0.0.0.0/0"}
    assert world.call("CreateRoute", **route, GatewayId=gateway_id) == {"Return": True}
    world.refused("CreateRoute", "RouteAlreadyExists", **route, GatewayId=gateway_id)
    association = world.call("AssociateRouteTable", RouteTableId=table_id, SubnetId=subnet_id)
    world.refused("DeleteRouteTable", "DependencyViolation", RouteTableId=table_id)
    (shown,) = world.call(
        "DescribeRouteTables",
        Filters=[{"Name": "association.subnet-id", "Values": [subnet_id]}],
    )["RouteTables"]
    assert shown["Routes"][1] == {
        "DestinationCidrBlock": "0.0.0.0/0",
        "GatewayId": gateway_id,
        "Origin": "CreateRoute",
        "State": "active",
    }
    world.call("DeleteRoute", **route)
    world.refused("DeleteRoute", "InvalidRoute.NotFound", **route)
    world.refused(
        "DeleteRoute",
        "InvalidParameterValue",
        RouteTableId=table_id,
        DestinationCidrBlock="10.0.0.0/16",
    )
    world.call("DisassociateRouteTable", AssociationId=association["AssociationId"])
    world.call("DeleteRouteTable", RouteTableId=table_id)
    world.refused("DeleteInternetGateway", "DependencyViolation", InternetGatewayId=gateway_id)
    world.call("DetachInternetGateway", InternetGatewayId=gateway_id, VpcId=vpc_id)
    world.call("DeleteInternetGateway", InternetGatewayId=gateway_id)


def test_prefix_lists(world: NetworkWorld) -> None:
    made = world.call(
        "CreateManagedPrefixList",
        PrefixListName="offices",
        AddressFamily="IPv4",
        MaxEntries=2,
        Entries=[{"Cidr": "10.0.0.0/8", "Description": "all"}],
    )["PrefixList"]
    list_id = made["PrefixListId"]
    assert (made["State"], made["Version"]) == ("create-in-progress", 1)
    world.refused(
        "ModifyManagedPrefixList",
        "PrefixListVersionMismatch",
        PrefixListId=list_id,
        CurrentVersion=2,
        AddEntries=[{"Cidr": "192.0.2.0/24"}],
    )
    world.call(
        "ModifyManagedPrefixList",
        PrefixListId=list_id,
        CurrentVersion=1,
        AddEntries=[{"Cidr": "192.0.2.0/24"}],
    )
    assert world.call("GetManagedPrefixListEntries", PrefixListId=list_id)["Entries"] == [
        {"Cidr": "10.0.0.0/8", "Description": "all"},
        {"Cidr": "192.0.2.0/24"},
    ]
    old = world.call("GetManagedPrefixListEntries", PrefixListId=list_id, TargetVersion=1)
    assert len(old["Entries"]) == 1
    world.refused(
        "ModifyManagedPrefixList",
        "PrefixListMaxEntriesExceeded",
        PrefixListId=list_id,
        CurrentVersion=2,
        AddEntries=[{"Cidr": "198.51.100.0/24"}],
    )
    group_id = world.group(world.vpc())
    world.call(
        "AuthorizeSecurityGroupIngress",
        GroupId=group_id,
        IpPermissions=[{"IpProtocol": "-1", "PrefixListIds": [{"PrefixListId": list_id}]}],
    )
    world.refused("DeleteManagedPrefixList", "DependencyViolation", PrefixListId=list_id)


def test_zones_and_regions(world: NetworkWorld) -> None:
    zones = world.call("DescribeAvailabilityZones", Filters=filters(state="available"))
    assert [(one["ZoneName"], one["ZoneId"]) for one in zones["AvailabilityZones"]] == [
        ("us-east-1a", "use1-az6"),
        ("us-east-1b", "use1-az1"),
        ("us-east-1c", "use1-az2"),
    ]
    local = world.call("DescribeAvailabilityZones", region="local")["AvailabilityZones"]
    assert (local[0]["ZoneName"], local[0]["ZoneId"]) == ("locala", "local-az1")
    world.refused("DescribeAvailabilityZones", "InvalidParameterValue", ZoneNames=["us-east-1z"])
    regions = world.call("DescribeRegions", RegionNames=["eu-west-1"])["Regions"]
    assert regions == [
        {
            "OptInStatus": "opt-in-not-required",
            "RegionName": "eu-west-1",
            "Endpoint": "ec2.eu-west-1.amazonaws.com",
        }
    ]
    attributes = world.call("DescribeAccountAttributes", AttributeNames=["default-vpc"])
    assert attributes["AccountAttributes"][0]["AttributeValues"] == [{"AttributeValue": "none"}]
    vpc_id = world.vpc()
    (vpc,) = world.call("DescribeVpcs", VpcIds=[vpc_id])["Vpcs"]
    (options,) = world.call("DescribeDhcpOptions", DhcpOptionsIds=[vpc["DhcpOptionsId"]])[
        "DhcpOptions"
    ]
    assert options["DhcpConfigurations"][0]["Key"] == "domain-name"


def test_tags_on_every_kind(world: NetworkWorld) -> None:
    vpc_id = world.vpc()
    subnet_id = world.subnet(vpc_id)
    group_id = world.group(vpc_id)
    rule_id = world.call("DescribeSecurityGroupRules")["SecurityGroupRules"][0][
        "SecurityGroupRuleId"
    ]
    ids = [
        vpc_id,
        subnet_id,
        group_id,
        rule_id,
        world.interface(subnet_id)["NetworkInterfaceId"],
        world.call("DescribeNetworkAcls")["NetworkAcls"][0]["NetworkAclId"],
        world.call("DescribeRouteTables")["RouteTables"][0]["RouteTableId"],
        world.call("CreateInternetGateway")["InternetGateway"]["InternetGatewayId"],
        world.call("DescribeDhcpOptions")["DhcpOptions"][0]["DhcpOptionsId"],
    ]
    world.call("CreateTags", Resources=ids, Tags=[{"Key": "k", "Value": "v"}])
    tags = world.call("DescribeTags", Filters=[{"Name": "tag:k", "Values": ["v"]}])["Tags"]
    assert {(tag["ResourceId"], tag["ResourceType"]) for tag in tags} == {
        (one, RESOURCE_TYPES[one.partition("-")[0]]) for one in ids
    }
    assert (
        len(world.call("DescribeVpcs", Filters=[{"Name": "tag:k", "Values": ["v"]}])["Vpcs"]) == 1
    )
    (rule,) = world.call("DescribeSecurityGroupRules", SecurityGroupRuleIds=[rule_id])[
        "SecurityGroupRules"
    ]
    assert rule["Tags"] == [{"Key": "k", "Value": "v"}]
    world.call("DeleteTags", Resources=ids, Tags=[{"Key": "k", "Value": "other"}])
    assert len(world.call("DescribeTags")["Tags"]) == len(ids)
    world.call("DeleteTags", Resources=ids, Tags=[{"Key": "k"}])
    assert world.call("DescribeTags")["Tags"] == []
    world.refused(
        "CreateTags",
        "InvalidID",
        "The ID 'nothing' is not valid",
        Resources=["nothing"],
        Tags=[{"Key": "k", "Value": "v"}],
    )
    world.refused(
        "CreateTags",
        "InvalidVpcID.NotFound",
        Resources=["vpc-1"],
        Tags=[{"Key": "k", "Value": "v"}],
    )


def test_tags_end_with_their_resource(world: NetworkWorld) -> None:
    tags = [{"Key": "k", "Value": "v"}]
    vpc_id = world.vpc(TagSpecifications=[{"ResourceType": "vpc", "Tags": tags}])
    assert world.call("DescribeVpcs")["Vpcs"][0]["Tags"] == tags
    world.call("DeleteVpc", VpcId=vpc_id)
    assert world.call("DescribeTags")["Tags"] == []


def test_pages(world: NetworkWorld) -> None:
    vpc_id = world.vpc()
    subnet_id = world.subnet(vpc_id)
    made = {world.interface(subnet_id)["NetworkInterfaceId"] for _ in range(12)}
    seen: list[str] = []
    more: dict[str, Any] = {}
    while True:
        answer = world.call("DescribeNetworkInterfaces", MaxResults=5, **more)
        seen += [one["NetworkInterfaceId"] for one in answer["NetworkInterfaces"]]
        if "NextToken" not in answer:
            break
        more = {"NextToken": answer["NextToken"]}
    assert len(seen) == 12
    assert set(seen) == made
    world.refused("DescribeNetworkInterfaces", "InvalidNextToken", NextToken="x", MaxResults=5)
    world.refused("DescribeVpcs", "InvalidNextToken", MaxResults=5, **more)
    world.refused("DescribeNetworkInterfaces", "InvalidParameterValue", MaxResults=4)
    world.refused(
        "DescribeNetworkInterfaces",
        "InvalidParameterCombination",
        MaxResults=5,
        NetworkInterfaceIds=[seen[0]],
    )


def test_places_do_not_see_each_other(world: NetworkWorld) -> None:
    vpc_id = world.vpc()
    assert world.call("DescribeVpcs", region="eu-west-1")["Vpcs"] == []
    assert world.call("DescribeVpcs")["Vpcs"][0]["VpcId"] == vpc_id
