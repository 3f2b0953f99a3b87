"""Aim: real packets of a lab VPC arrive where a flow log of the aws CLI says, and are read back.

Method: a lab, `vpcflow run --lab` over it, the real aws CLI and flowlogs-reader; nothing is made up.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aws_endpoint import ACCOUNT_ID, PROCESS_SECONDS_MAX, AwsServer

from vpcflow.lab.testbed.lab import Lab
from vpcflow.lab.testbed.topology import HOSTS, REGION, host_address

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")

SSH_REJECTS = (
    '[version, account, eni, source, destination, srcport, destport="22", protocol="6", packets, '
    'bytes, windowstart, windowend, action="REJECT", flowlogstatus]'
)
TRUST = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",'
    '"Principal":{"Service":"vpc-flow-logs.amazonaws.com"}}]}'
)
MAY_DELIVER = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"*","Action":['
    '"logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents","logs:DescribeLogGroups",'
    '"logs:DescribeLogStreams"]}]}'
)
#: Objects are published as soon as the interval allows, not every five minutes.
SOON = {"VPCFLOW_DELIVER__PUBLISH_INTERVAL_S": "1", "VPCFLOW_DELIVER__PUBLISH_LATENESS_S": "0"}
_READER = Path(sys.executable).with_name("flowlogs_reader")


class World(NamedTuple):
    """A lab, the server over it, and the aws CLI that speaks to it."""

    lab: Lab
    server: AwsServer
    aws: Callable[..., Any]
    home: Path


def until(found: Callable[[], Any]) -> Any:
    """Ask until there is an answer."""
    deadline_s = time.monotonic() + PROCESS_SECONDS_MAX
    while not (answer := found()):
        assert time.monotonic() < deadline_s, "it never came"
    return answer


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    data, home = tmp_path_factory.mktemp("lab-flow-log"), tmp_path_factory.mktemp("home")
    with ExitStack() as stack:
        lab = stack.enter_context(Lab.start(data / "lab", offload=False))
        options = ("--lab", "--interval", "2")
        server = stack.enter_context(
            AwsServer(data, *options, environment=SOON, waits_for="metering")
        )

        def aws(*arguments: str) -> Any:
            return server.aws("--region", REGION, *arguments, home=home)

        (vpc,) = until(lambda: aws("ec2", "describe-vpcs")["Vpcs"])
        role = aws(
            "iam", "create-role", "--role-name", "deliver", "--assume-role-policy-document", TRUST
        )["Role"]["Arn"]
        allow = ("--policy-name", "deliver", "--policy-document", MAY_DELIVER)
        aws("iam", "put-role-policy", "--role-name", "deliver", *allow)
        here = ("--create-bucket-configuration", f"LocationConstraint={REGION}")
        aws("s3api", "create-bucket", "--bucket", "lab-flows", *here)
        on_vpc = (
            "--resource-type", "VPC", "--resource-ids", vpc["VpcId"], "--traffic-type", "ALL"
        )  # fmt: skip
        for destination in (
            ("--log-group-name", "lab", "--deliver-logs-permission-arn", role),
            ("--log-destination-type", "s3", "--log-destination", "arn:aws:s3:::lab-flows/flows/"),
        ):
            made = aws("ec2", "create-flow-logs", *on_vpc, *destination)
            assert made["Unsuccessful"] == []
        yield World(lab, server, aws, home)


def events(world: World, *options: str) -> list[list[str]]:
    found = world.server.client("logs", region=REGION)
    if "lab" not in [g["logGroupName"] for g in found.describe_log_groups()["logGroups"]]:
        return []
    answer = world.aws("logs", "filter-log-events", "--log-group-name", "lab", *options)
    return [event["message"].split() for event in answer["events"]]


def test_a_ping_and_a_refused_connection_are_read_from_the_log_group(world: World) -> None:
    world.lab.once("ping")
    world.lab.once("scan", ports="22")
    attacker, web = str(host_address("attacker")), str(host_address("web"))
    refused = until(lambda: events(world, "--filter-pattern", SSH_REJECTS))
    assert (attacker, web) in {(line[3], line[4]) for line in refused}
    assert {(line[1], line[6], line[7], line[12], line[13]) for line in refused} == {
        (ACCOUNT_ID, "22", "6", "REJECT", "OK")
    }
    pings = until(lambda: [line for line in events(world) if line[7] == "1"])
    assert {line[12] for line in pings} == {"ACCEPT"}
    streams = world.aws("logs", "describe-log-streams", "--log-group-name", "lab")["logStreams"]
    enis = {host.interface_id for host in HOSTS.values() if host.interface_id}
    assert {stream["logStreamName"] for stream in streams} <= {f"{eni}-all" for eni in enis}
    found = world.aws("ec2", "describe-flow-logs")["FlowLogs"]
    assert {flow_log["DeliverLogsStatus"] for flow_log in found} == {"SUCCESS"}


def test_flowlogs_reader_reads_the_same_records_from_the_bucket(world: World) -> None:
    world.lab.once("scan", ports="22")

    def read(*arguments: str) -> list[list[str]]:
        done = subprocess.run(
            [str(_READER), "--region", REGION, *arguments, "print"],
            env=world.server.environment(world.home),
            capture_output=True,
            text=True,
            timeout=PROCESS_SECONDS_MAX,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [line.split()[:14] for line in done.stdout.splitlines()]

    def refused(lines: list[list[str]]) -> list[list[str]]:
        return [line for line in lines if line[6:8] == ["22", "6"] and line[12] == "REJECT"]

    in_bucket = until(lambda: refused(read("--location-type", "s3", "lab-flows/flows")))
    in_group = read("lab")
    assert {tuple(line) for line in in_bucket} <= {tuple(line) for line in in_group}
    threaded = read("--thread-count", "2", "lab")
    assert {tuple(line) for line in in_bucket} <= {tuple(line) for line in threaded}
