"""Aim: a session at the real aws CLI goes as at AWS. Method: its commands, in an administrator's order."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aws_endpoint import PROCESS_SECONDS_MAX, AwsServer

LOGS_ACTIONS = (
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "logs:DescribeLogGroups",
    "logs:DescribeLogStreams",
)
FORMAT = "${version} ${interface-id} ${srcaddr} ${dstaddr} ${action} ${start} ${end}"

Aws = Callable[..., Any]


def policy(*actions: str, effect: str = "Allow") -> str:
    """A policy document about everything."""
    statement = {"Effect": effect, "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def trust(principal: dict[str, str]) -> str:
    """Who may assume a role."""
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def eventually(found: Callable[[], Any]) -> Any:
    """Ask until there is an answer."""
    deadline_s = time.monotonic() + PROCESS_SECONDS_MAX
    while not (answer := found()):
        assert time.monotonic() < deadline_s, "it never came"
    return answer


@pytest.fixture
def aws(server: AwsServer, home: Path) -> Aws:
    """The aws CLI."""
    return partial(server.aws, home=home)


def as_user(server: AwsServer, key: dict[str, str]) -> AwsServer:
    """The same server for somebody else's key."""
    return OtherKey(server, key)


class OtherKey(AwsServer):
    """The CLI with another key on a server that runs."""

    def __init__(self, server: AwsServer, key: dict[str, str]) -> None:
        self._server, self._key = server, key

    def environment(self, home: Path) -> dict[str, str]:
        token = self._key.get("SessionToken")
        return {
            **self._server.environment(home),
            "AWS_ACCESS_KEY_ID": self._key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": self._key["SecretAccessKey"],
            **({"AWS_SESSION_TOKEN": token} if token else {}),
        }


def make_vpc(server: AwsServer, block: str) -> tuple[str, str]:
    """A VPC with a subnet; not by the CLI, whose start takes most of a test's time."""
    ec2 = server.client("ec2")
    vpc_id = ec2.create_vpc(CidrBlock=block)["Vpc"]["VpcId"]
    return vpc_id, ec2.create_subnet(VpcId=vpc_id, CidrBlock=block)["Subnet"]["SubnetId"]


def make_user(server: AwsServer, name: str) -> dict[str, str]:
    """A user's key."""
    iam = server.client("iam")
    iam.create_user(UserName=name)
    key: dict[str, str] = iam.create_access_key(UserName=name)["AccessKey"]
    return key


def test_flow_logs_with_every_parameter_then_pages_and_filters(aws: Aws, server: AwsServer) -> None:
    vpc_id, subnet_id = make_vpc(server, "10.50.0.0/24")
    name = ("--role-name", "delivers")
    service = {"Service": "vpc-flow-logs.amazonaws.com"}
    role = aws("iam", "create-role", *name, "--assume-role-policy-document", trust(service))
    document = ("--policy-document", policy(*LOGS_ACTIONS))
    aws("iam", "put-role-policy", *name, "--policy-name", "logs", *document)
    made = aws(
        "ec2", "create-flow-logs",
        "--resource-type", "VPC", "--resource-ids", vpc_id, "--traffic-type", "REJECT",
        "--log-group-name", "cli", "--deliver-logs-permission-arn", role["Role"]["Arn"],
        "--log-format", FORMAT, "--max-aggregation-interval", "60",
        "--client-token", "once",
        "--tag-specifications", "ResourceType=vpc-flow-log,Tags=[{Key=Name,Value=first}]",
    )  # fmt: skip
    assert (made["ClientToken"], made["Unsuccessful"]) == ("once", [])
    aws("s3", "mb", "s3://cli-flows")
    options = "FileFormat=parquet,HiveCompatiblePartitions=true,PerHourPartition=true"
    to_bucket = ("--log-destination-type", "s3", "--log-destination", "arn:aws:s3:::cli-flows/a/")
    on_subnet = ("--resource-type", "Subnet", "--resource-ids", subnet_id)
    for traffic in ("ALL", "ACCEPT"):
        aws(
            "ec2", "create-flow-logs", *on_subnet, "--traffic-type", traffic,
            *to_bucket, "--destination-options", options,
        )  # fmt: skip
    mine = ("--filter", f"Name=resource-id,Values={vpc_id},{subnet_id}")
    first = aws("ec2", "describe-flow-logs", *mine, "--max-items", "2")
    rest = aws("ec2", "describe-flow-logs", *mine, "--starting-token", first["NextToken"])
    assert (len(first["FlowLogs"]), len(rest["FlowLogs"])) == (2, 1)
    named = aws("ec2", "describe-flow-logs", "--filter", "Name=tag:Name,Values=first")["FlowLogs"]
    assert [one["FlowLogId"] for one in named] == made["FlowLogIds"]
    assert (named[0]["LogFormat"], named[0]["MaxAggregationInterval"]) == (FORMAT, 60)
    assert (named[0]["DeliverLogsStatus"], named[0]["TrafficType"]) == ("SUCCESS", "REJECT")
    every = [one["FlowLogId"] for one in first["FlowLogs"] + rest["FlowLogs"]]
    assert aws("ec2", "delete-flow-logs", "--flow-log-ids", *every) == {"Unsuccessful": []}
    assert aws("ec2", "describe-flow-logs", *mine) == {"FlowLogs": []}


def test_a_role_that_may_not_deliver_is_mended_in_place(aws: Aws, server: AwsServer) -> None:
    vpc_id, _ = make_vpc(server, "10.51.0.0/24")
    name = ("--role-name", "wrong")
    other = trust({"Service": "ec2.amazonaws.com"})
    role = aws("iam", "create-role", *name, "--assume-role-policy-document", other)["Role"]["Arn"]
    made = aws(
        "ec2", "create-flow-logs",
        "--resource-type", "VPC", "--resource-ids", vpc_id, "--traffic-type", "ALL",
        "--log-group-name", "mended", "--deliver-logs-permission-arn", role,
    )  # fmt: skip
    ids = ("--flow-log-ids", *made["FlowLogIds"])

    def status() -> tuple[str, str | None]:
        (found,) = aws("ec2", "describe-flow-logs", *ids)["FlowLogs"]
        return found["DeliverLogsStatus"], found.get("DeliverLogsErrorMessage")

    assert status() == ("FAILED", "Access error")
    document = ("--policy-document", policy(*LOGS_ACTIONS))
    aws("iam", "put-role-policy", *name, "--policy-name", "logs", *document)
    assert status() == ("FAILED", "Access error")
    right = trust({"Service": "vpc-flow-logs.amazonaws.com"})
    aws("iam", "update-assume-role-policy", *name, "--policy-document", right)
    eventually(lambda: status() == ("SUCCESS", None))


def test_a_refusal_names_the_permission_that_is_missing(
    aws: Aws, server: AwsServer, home: Path
) -> None:
    vpc_id, _ = make_vpc(server, "10.52.0.0/24")
    service = trust({"Service": "vpc-flow-logs.amazonaws.com"})
    role = aws(
        "iam", "create-role", "--role-name", "passed", "--assume-role-policy-document", service
    )["Role"]["Arn"]
    user = ("--user-name", "kim")
    key = make_user(server, "kim")
    kim = as_user(server, key)
    create = (
        "ec2", "create-flow-logs",
        "--resource-type", "VPC", "--resource-ids", vpc_id, "--traffic-type", "ALL",
        "--log-group-name", "kims", "--deliver-logs-permission-arn", role,
    )  # fmt: skip

    def allow(*actions: str) -> None:
        document = ("--policy-document", policy(*actions))
        aws("iam", "put-user-policy", *user, "--policy-name", "may", *document)

    allow("ec2:DescribeFlowLogs")
    refused = kim.aws(*create, home=home, fails=True)
    assert "(UnauthorizedOperation)" in refused
    assert "ec2:CreateFlowLogs" in refused
    assert kim.aws("ec2", "describe-flow-logs", home=home)["FlowLogs"] is not None
    allow("ec2:CreateFlowLogs", "logs:CreateLogDelivery", "logs:DeleteLogDelivery")
    assert "iam:PassRole" in kim.aws(*create, home=home, fails=True)
    assert "(DryRunOperation)" in server.aws(*create, "--dry-run", home=home, fails=True)
    allow("ec2:CreateFlowLogs", "logs:CreateLogDelivery", "logs:DeleteLogDelivery", "iam:PassRole")
    assert kim.aws(*create, home=home)["Unsuccessful"] == []


def test_temporary_keys_of_a_role(aws: Aws, server: AwsServer, home: Path) -> None:
    account = aws("sts", "get-caller-identity")["Account"]
    user = ("--user-name", "lee")
    key = make_user(server, "lee")
    aws(
        "iam", "put-user-policy", *user, "--policy-name", "may",
        "--policy-document", policy("sts:AssumeRole"),
    )  # fmt: skip
    role = aws(
        "iam", "create-role", "--role-name", "reads",
        "--assume-role-policy-document", trust({"AWS": account}),
    )["Role"]["Arn"]  # fmt: skip
    aws(
        "iam", "put-role-policy", "--role-name", "reads", "--policy-name", "may",
        "--policy-document", policy("logs:Describe*"),
    )  # fmt: skip
    assume = ("sts", "assume-role", "--role-arn", role, "--role-session-name", "today")
    given = as_user(server, key).aws(*assume, home=home)["Credentials"]
    session = as_user(server, given)
    assert session.aws("sts", "get-caller-identity", home=home)["Arn"].endswith("/reads/today")
    assert "logGroups" in session.aws("logs", "describe-log-groups", home=home)
    refused = session.aws(
        "logs", "create-log-group", "--log-group-name", "no", home=home, fails=True
    )
    assert "(AccessDeniedException)" in refused
    assert "logs:CreateLogGroup" in refused


def test_log_events_are_put_read_and_filtered(aws: Aws) -> None:
    stream = ("--log-group-name", "notes", "--log-stream-name", "one")
    aws("logs", "create-log-group", "--log-group-name", "notes")
    aws("logs", "create-log-stream", *stream)
    now_ms = int(time.time() * 1000)
    texts = [f"line {number} {'error' if number % 2 else 'fine'}" for number in range(4)]
    events = [{"timestamp": now_ms + n, "message": text} for n, text in enumerate(texts)]
    aws("logs", "put-log-events", *stream, "--log-events", json.dumps(events))
    read = aws("logs", "get-log-events", *stream, "--start-from-head")["events"]
    assert [event["message"] for event in read] == texts
    group = ("--log-group-name", "notes")
    found = aws("logs", "filter-log-events", *group, "--filter-pattern", "error")["events"]
    assert [event["message"] for event in found] == texts[1::2]
    pages = aws("logs", "filter-log-events", *group, "--max-items", "3")
    assert len(pages["events"]) == 3
    missing = aws("logs", "get-log-events", *group, "--log-stream-name", "none", fails=True)
    assert "(ResourceNotFoundException)" in missing
    assert "The specified log stream does not exist." in missing


def test_files_go_to_a_bucket_and_back(aws: Aws, home: Path) -> None:
    folder = home / "from"
    (folder / "deep").mkdir(parents=True)
    (folder / "plain.txt").write_text("plain")
    (folder / "deep" / "größe & more.txt").write_bytes(b"x" * 9_000_000)
    aws("s3", "mb", "s3://files")
    quiet = ("--only-show-errors",)
    aws("s3", "sync", str(folder), "s3://files/all", *quiet)
    aws("s3", "sync", "s3://files/all", str(home / "to"), *quiet)
    for path in (path for path in folder.rglob("*") if path.is_file()):
        assert (home / "to" / path.relative_to(folder)).read_bytes() == path.read_bytes()
    aws("s3", "cp", "s3://files/all/plain.txt", "s3://files/copy.txt", *quiet)
    keys = aws("s3api", "list-objects-v2", "--bucket", "files", "--query", "Contents[].Key")
    assert keys == ["all/deep/größe & more.txt", "all/plain.txt", "copy.txt"]
    assert "(BucketNotEmpty)" in aws("s3", "rb", "s3://files", fails=True)
    aws("s3", "rm", "s3://files", "--recursive", *quiet)
    aws("s3api", "delete-bucket", "--bucket", "files")
    assert "(NoSuchBucket)" in aws("s3api", "list-objects-v2", "--bucket", "files", fails=True)
