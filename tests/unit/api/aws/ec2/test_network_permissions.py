"""Aim: what is asked of IAM is about the very resources, whatever the caller calls them.

Method: the operations' own ARNs and questions, over a network of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from network_world import ACCOUNT, NOW_S, REGION, NetworkWorld

from vpcflow.api.aws.ec2 import service
from vpcflow.api.aws.ec2.flow_logs import operations
from vpcflow.api.aws.operation import Call, RawRequest
from vpcflow.base.clock import ManualClock
from vpcflow.control.caller import Caller, root_caller
from vpcflow.control.flow_logs.service import FlowLogService
from vpcflow.control.flow_logs.surroundings import Surroundings

ARN = f"arn:aws:ec2:{REGION}:{ACCOUNT}:"


@pytest.fixture
def world(tmp_path: Path) -> NetworkWorld:
    return NetworkWorld(tmp_path)


class _Asked:
    """Writes down what is asked."""

    def __init__(self) -> None:
        self.questions: list[tuple[str, Sequence[str], Mapping[str, Any]]] = []

    def __call__(
        self,
        _caller: Caller,
        action: str,
        resources: Sequence[str],
        context: Mapping[str, Any] | None = None,
    ) -> None:
        self.questions.append((action, resources, context or {}))


def call(name: str, asked: _Asked, **parameters: Any) -> Call:
    raw = RawRequest("POST", "/", "", (), b"")
    root = root_caller(ACCOUNT)
    return Call("ec2", name, parameters, root, REGION, "request", NOW_S, raw, asked)


def resources(world: NetworkWorld, name: str, **parameters: Any) -> list[str]:
    found = world.service.operations[name].resources
    assert found is not None
    return list(found(call(name, _Asked(), **parameters)))


def test_a_group_is_the_same_by_name_and_by_id(world: NetworkWorld) -> None:
    world.call("CreateDefaultVpc")
    made = world.call("CreateSecurityGroup", GroupName="web", Description="web")["GroupId"]
    for name in ("AuthorizeSecurityGroupIngress", "DeleteSecurityGroup"):
        by_id = resources(world, name, GroupId=made)
        assert by_id == resources(world, name, GroupName="web") == [f"{ARN}security-group/{made}"]
        assert resources(world, name, GroupName="other") == [f"{ARN}security-group/*"]


def test_an_association_is_its_owners(world: NetworkWorld) -> None:
    vpc = world.call("CreateVpc", CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]
    block = vpc["Ipv6CidrBlockAssociationSet"][0]["AssociationId"]
    owner = [f"{ARN}vpc/{vpc['VpcId']}"]
    assert resources(world, "DisassociateVpcCidrBlock", AssociationId=block) == owner
    subnet = world.call("CreateSubnet", VpcId=vpc["VpcId"], CidrBlock="10.0.1.0/24")["Subnet"]
    table = world.call("CreateRouteTable", VpcId=vpc["VpcId"])["RouteTable"]["RouteTableId"]
    made = world.call("AssociateRouteTable", RouteTableId=table, SubnetId=subnet["SubnetId"])
    assert resources(world, "DisassociateRouteTable", AssociationId=made["AssociationId"]) == [
        f"{ARN}route-table/{table}"
    ]


def test_who_tags_what_they_make_must_be_allowed_to(world: NetworkWorld) -> None:
    asked = _Asked()
    tags = [{"ResourceType": "vpc", "Tags": [{"Key": "a", "Value": "b"}]}]
    made = world.service.operations["CreateVpc"]
    made.handle(call("CreateVpc", asked, CidrBlock="10.0.0.0/16"))
    assert asked.questions == []
    made.handle(call("CreateVpc", asked, CidrBlock="10.1.0.0/16", TagSpecifications=tags))
    assert asked.questions == [
        (
            "ec2:CreateTags",
            [f"{ARN}vpc/*"],
            {
                "ec2:CreateAction": "CreateVpc",
                "aws:RequestTag/a": "b",
                "aws:TagKeys": ("a",),
            },
        )
    ]


def test_flow_logs_are_asked_for_by_their_arns(world: NetworkWorld) -> None:
    around = Surroundings(
        resource_exists=lambda *_: True,
        role_problem=lambda *_: None,
        bucket_problem=lambda *_: None,
        stream_problem=lambda *_: None,
    )
    flow_logs = FlowLogService(world.state, ManualClock(), around)
    world.service = service(world.network, operations(flow_logs))
    assert resources(
        world, "CreateFlowLogs", ResourceType="Subnet", ResourceIds=["subnet-1", "subnet-2"]
    ) == [f"{ARN}vpc-flow-log/*", f"{ARN}subnet/subnet-1", f"{ARN}subnet/subnet-2"]
    assert resources(world, "DeleteFlowLogs", FlowLogIds=["fl-1"]) == [f"{ARN}vpc-flow-log/fl-1"]
