"""Aim: the wizard makes the flow logs that the AWS operation would, and says before and after what is
missing. Method: the API over real HTTP, a real control plane in a copy of nothing but a folder, a
table of generated records; users and roles are real and have real policies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from ipaddress import IPv4Address, ip_network
from pathlib import Path
from typing import Any

import pytest
from rest_harness import ACCOUNT, REGION, RestServer, Root, rest_services, serving

from vpcflow.api.rest.flow_log_example import compile_early, printed_once
from vpcflow.app.settings import Settings
from vpcflow.control.caller import Caller, CallerKind
from vpcflow.control.flow_logs.flow_log import DeliveryStatus
from vpcflow.control.identity import ROLES, USERS, Role, User, iam_place
from vpcflow.control.network.resources import (
    NETWORK_INTERFACES,
    SUBNETS,
    VPCS,
    NetworkInterfaceResource,
    SubnetResource,
    VpcResource,
)
from vpcflow.control.state import Place
from vpcflow.deliver.state import Cursor
from vpcflow.inventory.network_interface import NetworkInterface
from vpcflow.inventory.subnet import Subnet
from vpcflow.inventory.vpc import Vpc
from vpcflow.query.service import FlowQueries

PLACE = Place(ACCOUNT, REGION)
ROLE = f"arn:aws:iam::{ACCOUNT}:role/delivery"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "vpc-flow-logs.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
ALL_LOGS = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}],
}
ORDER: dict[str, Any] = {
    "traffic_type": "ALL",
    "destination_type": "cloud-watch-logs",
    "destination": "/vpc/flows",
    "role_arn": ROLE,
}


class Console:
    """An API with its own control plane, over the table of generated records."""

    def __init__(self, server: RestServer, interface_id: str) -> None:
        self.server = server
        self.services = server.services
        self.interface_id = interface_id

    def order(self, **changes: Any) -> dict[str, Any]:
        return {**ORDER, "resource_ids": [self.interface_id], **changes}

    def create(self, **changes: Any) -> str:
        reply = self.server.post("/flow-logs", self.order(**changes))
        assert reply.status == 201, reply.body
        (made,) = reply.json["flow_log_ids"]
        return str(made)

    def put_role(self, trust: Any = TRUST, policy: Any = ALL_LOGS) -> None:
        inline = {"all": json.dumps(policy)} if policy else {}
        role = Role("delivery", "AROA0000000000000000A", 0.0, json.dumps(trust), inline=inline)
        with self.services.state.change() as change:
            change.put(ROLES, iam_place(ACCOUNT), "delivery", role)

    def sign_in(self, *statements: dict[str, Any]) -> None:
        """As a user who may do that and no more."""
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        user = User("ada", "AIDA0000000000000000A", 0.0, inline={"own": document})
        with self.services.state.change() as change:
            change.put(USERS, iam_place(ACCOUNT), "ada", user)
        arn = f"arn:aws:iam::{ACCOUNT}:user/ada"
        signed_in = self.services.signed_in
        assert isinstance(signed_in, Root)
        signed_in.who = Caller(ACCOUNT, arn, user.unique_id, CallerKind.USER, "ada")


def may(*actions: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": "*"}


@pytest.fixture
def console(rest_table: Settings, tmp_path: Path) -> Iterator[Console]:
    queries = FlowQueries(rest_table.folder)
    seen = queries.ask("flows", {"fields": "interface-id,vpc-id,subnet-id", "limit": 1}).table
    (row,) = seen.to_pylist()
    own = Settings(data=tmp_path / "own")
    delivered = {"fl-never": Cursor(1)}
    with rest_services(own, queries=queries, deliveries=lambda: delivered) as services:
        with services.state.change() as change:
            vpc = Vpc(row["vpc_id"], ACCOUNT, REGION, (ip_network("10.0.0.0/16"),), name="prod")
            change.put(VPCS, PLACE, vpc.vpc_id, VpcResource(vpc))
            subnet = Subnet(row["subnet_id"], vpc.vpc_id, "use1-az1", (ip_network("10.0.1.0/24"),))
            change.put(SUBNETS, PLACE, subnet.subnet_id, SubnetResource(subnet))
            interface = NetworkInterface(
                row["interface_id"],
                subnet.subnet_id,
                vpc.vpc_id,
                ACCOUNT,
                (IPv4Address("10.0.1.5"),),
                name="web",
            )
            change.put(
                NETWORK_INTERFACES,
                PLACE,
                interface.interface_id,
                NetworkInterfaceResource(interface),
            )
        with serving(services) as server:
            made = Console(server, row["interface_id"])
            made.put_role()
            yield made


def test_created_listed_looked_at_and_deleted(console: Console) -> None:
    made = console.create(tags={"Name": "audit", "team": "net"})
    (head,) = console.server.get("/flow-logs").json["flow_logs"]
    assert head["id"] == made
    assert head["name"] == "audit"
    assert (head["resource_name"], head["resource_type"]) == ("web", "NetworkInterface")
    assert head["destination"]["label"] == "log group /vpc/flows"
    assert head["delivery_status"] == "SUCCESS"
    assert head["fields"] == 14
    detail = console.server.get(f"/flow-logs/{made}").json
    assert detail["tags"] == {"Name": "audit", "team": "net"}
    assert detail["problems"] == []
    assert detail["sample"] == "record"
    line = dict(zip(detail["header"].split(), detail["sample_line"].split(), strict=True))
    assert line["interface-id"] == console.interface_id
    assert line["log-status"] == "OK"
    assert console.server.send("DELETE", f"/flow-logs/{made}").status == 204
    assert console.server.get("/flow-logs").json["flow_logs"] == []
    assert console.server.get(f"/flow-logs/{made}").status == 404
    assert console.server.send("DELETE", f"/flow-logs/{made}").status == 404


def test_how_far_it_is_delivered_is_told(console: Console) -> None:
    made = console.create()
    now_s = int(console.services.clock.now_s())
    cursors = console.services.deliveries()
    assert isinstance(cursors, dict)
    cursors[made] = Cursor(7, lost=3, until_s=now_s - 60)
    head = console.server.get(f"/flow-logs/{made}").json
    assert head["delivered_until_s"] == now_s - 60
    assert 60 <= head["lag_s"] < 120
    assert head["lost_records"] == 3


def test_some_resources_may_fail_alone(console: Console) -> None:
    ids = [console.interface_id, "eni-09999999999999999"]
    reply = console.server.post("/flow-logs", console.order(resource_ids=ids))
    assert reply.status == 201
    assert len(reply.json["flow_log_ids"]) == 1
    (refused,) = reply.json["unsuccessful"]
    assert refused["resource_id"] == ids[1]
    assert refused["code"] == "InvalidNetworkInterfaceID.NotFound"


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"resource_ids": []}, "resource_ids"),
        ({"resource_ids": ["eni-09999999999999999"]}, "resource_ids"),
        ({"resource_ids": ["vpc-1", "subnet-1"]}, "resource_ids"),
        ({"traffic_type": "SOME"}, "traffic_type"),
        ({"destination_type": "kafka"}, "destination_type"),
        ({"destination": ""}, "destination"),
        ({"destination": "no good"}, "destination"),
        ({"destination_type": "s3", "destination": "bucket", "role_arn": None}, "destination"),
        ({"role_arn": None}, "role_arn"),
        ({"role_arn": "me"}, "role_arn"),
        ({"log_format": "${srcaddr}  ${dstaddr}"}, "log_format"),
        ({"log_format": "${srcaddr} ${colour}"}, "log_format"),
        ({"interval_s": 61}, "interval_s"),
        ({"options": {"parquet": True}}, "options"),
        ({"tag_fields": {"instance": ["a"]}}, "tag_fields"),
        ({"tags": {"aws:x": "1"}}, "tags"),
        ({"client_token": "x" * 65}, "client_token"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_refusal_points_at_the_member(
    console: Console, change: dict[str, Any], where: str
) -> None:
    reply = console.server.post("/flow-logs", console.order(**change))
    assert reply.status == 400
    assert reply.error["where"] == where
    assert reply.error["message"]
    assert console.server.get("/flow-logs").json["flow_logs"] == []


def test_the_same_flow_log_twice_is_refused(console: Console) -> None:
    console.create()
    again = console.server.post("/flow-logs", console.order())
    assert (again.status, again.error["code"]) == (400, "FlowLogAlreadyExists")


def test_creating_asks_for_what_aws_asks_for(console: Console) -> None:
    console.sign_in(may("ec2:CreateFlowLogs"))
    reply = console.server.post("/flow-logs", console.order())
    assert reply.status == 403
    assert "iam:PassRole" in reply.error["message"]
    assert reply.error["where"] == "role_arn"
    console.sign_in(may("ec2:CreateFlowLogs", "iam:PassRole"))
    tagged = console.server.post("/flow-logs", console.order(tags={"Name": "x"}))
    assert "ec2:CreateTags" in tagged.error["message"]
    assert console.server.post("/flow-logs", console.order()).status == 201
    assert console.server.get("/flow-logs").status == 403


def test_who_may_not_read_records_sees_no_record(console: Console) -> None:
    made = console.create()
    console.sign_in(may("ec2:DescribeFlowLogs"))
    detail = console.server.get(f"/flow-logs/{made}").json
    assert detail["sample"] == "example"
    assert console.interface_id not in detail["sample_line"]


def test_a_failing_delivery_says_why_and_what_to_do(console: Console) -> None:
    made = console.create()
    console.put_role(policy=None)
    console.services.flow_logs.set_status(PLACE, made, DeliveryStatus.FAILED, "Access error")
    detail = console.server.get(f"/flow-logs/{made}").json
    (problem,) = detail["problems"]
    assert problem["message"] == "Access error"
    assert "logs:CreateLogGroup" in problem["why"]
    assert "role" in problem["hint"]
    (finding,) = console.server.get("/findings", start=1, end=2).json["findings"]
    assert (finding["kind"], finding["severity"]) == ("delivery", "critical")
    assert finding["flow_log_id"] == made


def steps(console: Console, **changes: Any) -> dict[str, dict[str, Any]]:
    reply = console.server.post("/flow-logs/check", console.order(**changes))
    assert reply.status == 200
    told = {step["what"]: step for step in reply.json["steps"]}
    assert reply.json["ok"] == all(step["ok"] is not False for step in told.values())
    return told


def test_the_check_walks_through_the_role(console: Console) -> None:
    good = steps(console)
    assert all(step["ok"] for step in good.values())
    assert "will be created" in good["Log group /vpc/flows"]["why"]
    console.put_role(policy=None)
    bare = steps(console)
    assert bare["Trust"]["ok"]
    assert not bare["logs:PutLogEvents"]["ok"]
    console.put_role(policy=bare["logs:PutLogEvents"]["fix"]["document"])
    assert all(step["ok"] for step in steps(console).values())
    console.put_role(trust={**TRUST, "Statement": []})
    untrusted = steps(console)
    assert not untrusted["Trust"]["ok"]
    console.put_role(trust=untrusted["Trust"]["fix"]["document"])
    assert all(step["ok"] for step in steps(console).values())
    missing = steps(console, role_arn=ROLE + "-not")
    assert not missing["Role"]["ok"]
    assert "does not exist" in missing["Role"]["why"]


def test_the_check_of_a_bucket_changes_nothing(console: Console) -> None:
    s3 = {"destination_type": "s3", "role_arn": None, "destination": "arn:aws:s3:::logs-here/net/"}
    missing = steps(console, **s3)
    assert not missing["Bucket logs-here"]["ok"]
    with console.services.buckets.creating(PLACE, "logs-here", 0.0):
        pass
    told = steps(console, **s3)
    assert told["Bucket policy"]["ok"]
    assert "will be added" in told["Bucket policy"]["why"]
    found = console.services.buckets.find("logs-here")
    assert found is not None and found.policy is None
    console.create(**s3)
    found = console.services.buckets.find("logs-here")
    assert found is not None and found.policy is not None
    assert json.loads(found.policy) == told["Bucket policy"]["fix"]["document"]
    assert steps(console, **s3)["Bucket policy"]["why"] == "it lets flow logs deliver"


def test_the_plan_adds_resources_up_and_says_how_sure_it_is(console: Console) -> None:
    one = console.server.post("/flow-logs/plan", {"resource_ids": [console.interface_id]}).json
    assert one["records_per_hour"] > 0
    assert one["ways"][0]["destination_type"] == "cloud-watch-logs"
    assert all(way["usd"] is not None and way["usd"] >= 0 for way in one["ways"])
    assert one["price_date"]
    assert one["taken_for_granted"]
    unknown = "eni-09999999999999999"
    two = console.server.post(
        "/flow-logs/plan", {"resource_ids": [console.interface_id, unknown]}
    ).json
    assert two["records_per_hour"] == one["records_per_hour"]
    assert two["certainty"] == "low"
    assert any(unknown in doubt for doubt in two["doubts"])
    none = console.server.post("/flow-logs/plan", {"resource_ids": [unknown]}).json
    assert (none["certainty"], none["records_per_hour"]) == ("none", 0.0)


def test_the_preview_follows_the_typing(console: Console) -> None:
    def preview(text: str) -> dict[str, Any]:
        body = {"log_format": text, "resource_id": console.interface_id}
        reply = console.server.post("/flow-logs/preview", body)
        assert reply.status == 200
        return dict(reply.json)

    whole = preview("${interface-id} ${vpc-id} ${reject-reason}")
    assert whole["error"] == ""
    assert whole["version"] == 8
    assert whole["sample"] == "record"
    assert whole["fields"][0]["value"] == console.interface_id
    half = preview("${interface-id} ${vp")
    assert [field["name"] for field in half["fields"]] == ["interface-id"]
    assert half["position"] == len("${interface-id} ")
    colour = preview("${interface-id} ${colour}")
    assert [field["known"] for field in colour["fields"]] == [True, False]
    assert "${colour}" in colour["error"]
    assert colour["position"] == len("${interface-id} ")
    assert len(preview("")["fields"]) == 14


def test_the_fields_of_the_builder_are_those_that_aws_takes(console: Console) -> None:
    told = console.server.get("/flow-log-fields").json
    versions = [one["version"] for one in told["versions"]]
    assert versions == sorted(versions)
    assert (versions[0], versions[-1]) == (2, 11)
    names = [field["name"] for one in told["versions"] for field in one["fields"]]
    untagged = [name for name in names if "-tag" not in name]
    text = " ".join(f"${{{name}}}" for name in untagged)
    assert console.create(log_format=text)


def test_the_fields_begin_to_compile_what_plan_and_preview_need(console: Console) -> None:
    assert console.server.get("/flow-log-fields").status == 200
    running = compile_early()
    running.join(timeout=300)
    assert not running.is_alive()
    version, account, *_, status = printed_once().decode().split()
    assert (version, account, status) == ("2", ACCOUNT, "OK")


def test_destinations_to_pick_from(console: Console) -> None:
    with console.services.buckets.creating(PLACE, "logs-here", 0.0):
        pass
    console.services.log_groups.create_group(PLACE, "/vpc/flows", now_ms=1)
    told = console.server.get("/destinations").json
    assert [one["name"] for one in told["buckets"]] == ["logs-here"]
    assert [one["name"] for one in told["log_groups"]] == ["/vpc/flows"]
    assert [(one["arn"], one["note"]) for one in told["roles"]] == [
        (ROLE, "flow logs may assume it")
    ]
    console.sign_in(may("ec2:DescribeFlowLogs", "iam:ListRoles"))
    less = console.server.get("/destinations").json
    assert less["buckets"] == []
    assert "s3:ListAllMyBuckets" in less["not_allowed"]
    assert len(less["roles"]) == 1
