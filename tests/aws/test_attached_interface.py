"""Aim: an interface made over the API, attached to a device, is recorded and under its rules.

Method: the real service, unmodified clients, and real packets between two network namespaces.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import pytest
from aws_endpoint import PROCESS_SECONDS_MAX, AwsServer
from botocore.exceptions import ClientError

needs = [program for program in ("ip", "nft", "nsenter") if shutil.which(program) is None]
pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or bool(needs), reason=f"needs root and the programs {needs}"
)

#: How long a record may take from its packet to the log group; a bound, not a wait.
ANSWER_SECONDS_MAX = 60.0
#: The documented pattern for refused SSH and RDP of AWS's VPC flow log examples, for SSH.
REFUSED_SSH = (
    "[version, account, eni, source, destination, srcport, destport=22, protocol=6, packets, "
    "bytes, windowstart, windowend, action=REJECT, flowlogstatus]"
)
WEB, PEER = "10.42.1.10", "10.42.1.20"
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
DELIVER = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": [
                "logs:CreateLogGroup",
                "logs:CreateLogStream",
                "logs:PutLogEvents",
                "logs:DescribeLogGroups",
                "logs:DescribeLogStreams",
            ],
            "Resource": "*",
        }
    ],
}

Found = TypeVar("Found")


class Hosts(NamedTuple):
    """Two network namespaces with a wire between them, by name; the device is ``eth0`` in both."""

    web: str
    peer: str


def run_in(namespace: str, command: str) -> str:
    return subprocess.run(
        ["nsenter", f"--net=/run/netns/{namespace}", "sh", "-ec", command],
        capture_output=True,
        text=True,
        timeout=PROCESS_SECONDS_MAX,
        check=True,
    ).stdout


def ping(hosts: Hosts) -> bool:
    """Whether an ICMP echo is answered."""
    program = (
        "import socket, sys\n"
        "pinger = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)\n"
        "pinger.settimeout(2)\n"
        "pinger.connect((sys.argv[1], 0))\n"
        'pinger.send(bytes.fromhex("0800f7fd00010001"))\n'
        "while pinger.recv(1500)[20] != 0: pass\n"
    )
    return not _fails(hosts.peer, f"{sys.executable} -c '{program}' {WEB}")


def connects(hosts: Hosts, port: int) -> bool:
    """Whether a TCP connection to the web host comes about, also one that nobody answers there."""
    program = (
        "import socket, sys\n"
        "try: socket.create_connection((sys.argv[1], int(sys.argv[2])), 1.5).close()\n"
        "except TimeoutError: sys.exit(1)\n"
        "except ConnectionRefusedError: pass\n"
    )
    return not _fails(hosts.peer, f"{sys.executable} -c '{program}' {WEB} {port}")


def _fails(namespace: str, command: str) -> bool:
    try:
        run_in(namespace, command)
    except subprocess.CalledProcessError:
        return True
    return False


def until(ask: Callable[[], Found], what: str) -> Found:
    """Ask until there is an answer that is not empty."""
    deadline_s = time.monotonic() + ANSWER_SECONDS_MAX
    while not (found := ask()):
        assert time.monotonic() < deadline_s, f"no {what}"
    return found


def vpcflow(data: Path, *arguments: str, fails: bool = False) -> str:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("vpcflow")), "--data", str(data), *arguments],
        capture_output=True,
        text=True,
        timeout=PROCESS_SECONDS_MAX,
        check=False,
    )
    assert bool(done.returncode) == fails, f"{arguments}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    """Two hosts with a wire."""
    made = Hosts(f"web-{os.getpid()}", f"peer-{os.getpid()}")
    try:
        for name in made:
            subprocess.run(["ip", "netns", "add", name], check=True)
        subprocess.run(
            f"ip -n {made.web} link add eth0 type veth peer name eth0 netns {made.peer}".split(),
            check=True,
        )
        for name, address in zip(made, (WEB, PEER), strict=True):
            run_in(
                name, f"ip addr add {address}/24 dev eth0; ip link set eth0 up; ip link set lo up"
            )
        yield made
    finally:
        for name in made:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[AwsServer]:
    """The service on a host without anything to meter."""
    with AwsServer(tmp_path / "data", "--interval", "2", waits_for="metering") as running:
        yield running


class Account:
    """What the tests make over the API."""

    def __init__(self, server: AwsServer) -> None:
        self.ec2, self.logs = server.client("ec2"), server.client("logs")
        self._iam = server.client("iam")

    def subnet(self) -> tuple[str, str]:
        vpc = self.ec2.create_vpc(CidrBlock="10.42.0.0/16")["Vpc"]["VpcId"]
        made = self.ec2.create_subnet(VpcId=vpc, CidrBlock="10.42.1.0/24")
        return vpc, made["Subnet"]["SubnetId"]

    def interface(self, vpc: str, subnet: str) -> tuple[str, str]:
        group = self.ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc)
        self.allow(group["GroupId"], "icmp", -1)
        made = self.ec2.create_network_interface(
            SubnetId=subnet, PrivateIpAddress=WEB, Groups=[group["GroupId"]]
        )
        return made["NetworkInterface"]["NetworkInterfaceId"], group["GroupId"]

    def allow(self, group: str, protocol: str, port: int) -> None:
        self.ec2.authorize_security_group_ingress(
            GroupId=group,
            IpPermissions=[
                {
                    "IpProtocol": protocol,
                    "FromPort": port,
                    "ToPort": port,
                    "IpRanges": [{"CidrIp": f"{PEER}/32"}],
                }
            ],
        )

    def role(self) -> str:
        made = self._iam.create_role(RoleName="deliver", AssumeRolePolicyDocument=json.dumps(TRUST))
        self._iam.put_role_policy(
            RoleName="deliver", PolicyName="deliver", PolicyDocument=json.dumps(DELIVER)
        )
        return str(made["Role"]["Arn"])

    def flow_log(self, kind: str, resource: str, traffic: str, group: str, role: str) -> str:
        made = self.ec2.create_flow_logs(
            ResourceType=kind,
            ResourceIds=[resource],
            TrafficType=traffic,
            LogGroupName=group,
            DeliverLogsPermissionArn=role,
        )
        assert not made["Unsuccessful"]
        return str(made["FlowLogIds"][0])

    def lines(self, group: str, **asked: Any) -> list[str]:
        """Messages of a log group; none while there is no such group."""
        try:
            pages = self.logs.get_paginator("filter_log_events").paginate(
                logGroupName=group, **asked
            )
            return [event["message"] for page in pages for event in page["events"]]
        except ClientError as error:
            assert error.response["Error"]["Code"] == "ResourceNotFoundException"
            return []

    def of(self, group: str, eni: str, protocol: int, action: str, **asked: Any) -> list[str]:
        """Lines about packets of an interface."""
        return [
            line
            for line in self.lines(group, **asked)
            if (parts := line.split())[2] == eni
            and parts[7] == str(protocol)
            and parts[12] == action
        ]


def test_an_attached_interface_is_recorded_and_under_its_rules(
    server: AwsServer, hosts: Hosts
) -> None:
    account = Account(server)
    vpc, subnet = account.subnet()
    role = account.role()
    # Before there is any interface: those that come later inherit it.
    of_subnet = account.flow_log("Subnet", subnet, "ALL", "flows", role)
    eni, group = account.interface(vpc, subnet)
    said = vpcflow(server.data, "attach", eni, "--interface", "eth0", "--netns", hosts.web)
    assert "found" in said
    assert "the running capture says: metered, rules in force" in said
    account.flow_log("NetworkInterface", eni, "REJECT", "refused", role)

    assert ping(hosts)
    assert not connects(hosts, 22)
    pinged = until(lambda: account.of("flows", eni, 1, "ACCEPT"), "record of the ping")
    assert {tuple(line.split()[3:5]) for line in pinged} == {(PEER, WEB), (WEB, PEER)}
    refused = until(
        lambda: account.of("flows", eni, 6, "REJECT", filterPattern=REFUSED_SSH),
        "record of the refused connection",
    )
    assert all(line.split()[3:5] == [PEER, WEB] for line in refused)
    assert until(lambda: account.of("refused", eni, 6, "REJECT"), "record in the other flow log")
    assert not account.of("refused", eni, 1, "ACCEPT")
    streams = account.logs.describe_log_streams(logGroupName="refused")["logStreams"]
    assert [stream["logStreamName"] for stream in streams] == [f"{eni}-reject"]
    streams = account.logs.describe_log_streams(logGroupName="flows")["logStreams"]
    assert [stream["logStreamName"] for stream in streams] == [f"{eni}-all"]

    account.allow(group, "tcp", 22)
    until(lambda: connects(hosts, 22), "connection after the rule was authorised")
    until(lambda: account.of("flows", eni, 6, "ACCEPT"), "record of the connection")
    explained = vpcflow(server.data, "firewall", "explain", f"tcp {PEER}:50000 -> {WEB}:22")
    assert group in explained

    account.ec2.delete_flow_logs(FlowLogIds=[of_subnet])
    # What was under way may still come; records that begin later do not.
    deleted_ms = int(time.time() * 1000) + 1000
    kept = len(account.lines("flows", endTime=deleted_ms))
    account.ec2.revoke_security_group_ingress(
        GroupId=group,
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 22,
                "ToPort": 22,
                "IpRanges": [{"CidrIp": f"{PEER}/32"}],
            }
        ],
    )
    until(
        lambda: (
            not connects(hosts, 22)
            and account.of("refused", eni, 6, "REJECT", startTime=deleted_ms + 2000)
        ),
        "record in the flow log that stays",
    )
    assert not account.of("flows", eni, 6, "REJECT", startTime=deleted_ms + 2000)
    assert len(account.lines("flows", endTime=deleted_ms)) >= kept > 0

    vpcflow(server.data, "detach", eni)
    until(lambda: "vpcflow" not in run_in(hosts.web, "nft list tables"), "end of the rules")
    assert connects(hosts, 22)
    account.ec2.delete_network_interface(NetworkInterfaceId=eni)
    server.stop()
    assert not [line for line in server.lines if line.startswith("problem")], server.lines


def test_rules_end_with_the_run_unless_they_were_there_before(
    server: AwsServer, hosts: Hosts
) -> None:
    account = Account(server)
    eni, _ = account.interface(*account.subnet())
    vpcflow(server.data, "attach", eni, "--interface", "eth0", "--netns", hosts.web)
    assert not connects(hosts, 22)
    server.stop()
    assert run_in(hosts.web, "nft list tables") == ""
    assert connects(hosts, 22)
    assert "applied" in vpcflow(server.data, "firewall", "apply")
    assert not connects(hosts, 22)
    with AwsServer(server.data, "--interval", "2", waits_for="metering") as again:
        shown = again.client("ec2").describe_network_interfaces(NetworkInterfaceIds=[eni])
        assert shown["NetworkInterfaces"][0]["Status"] == "in-use"
        Account(again).allow(shown["NetworkInterfaces"][0]["Groups"][0]["GroupId"], "tcp", 22)
        until(lambda: connects(hosts, 22), "rule in a table that was there before")
        again.stop()
    assert "inet vpcflow" in run_in(hosts.web, "nft list tables")
    assert not connects(hosts, 23)


def test_rules_that_a_killed_run_left_end_with_the_next_or_with_the_attachment(
    server: AwsServer, hosts: Hosts
) -> None:
    account = Account(server)
    eni, group = account.interface(*account.subnet())
    vpcflow(server.data, "attach", eni, "--interface", "eth0", "--netns", hosts.web)
    server.kill()
    assert not connects(hosts, 22)
    with AwsServer(server.data, "--interval", "2", waits_for="metering") as again:
        # It knows the table as a run's own: it follows the API, and ends with this run.
        Account(again).allow(group, "tcp", 22)
        until(lambda: connects(hosts, 22), "rule in the table that was left")
        again.kill()
    said = vpcflow(server.data, "detach", eni)
    assert "killed capture" in said
    assert run_in(hosts.web, "nft list tables") == ""


def test_devices_of_the_host_appear_and_go_over_the_api(tmp_path: Path, hosts: Hosts) -> None:
    environment = {"VPCFLOW_INVENTORY__NAMESPACES": json.dumps([hosts.web])}
    with AwsServer(tmp_path, waits_for="metering", environment=environment) as server:
        ec2 = server.client("ec2")

        def addresses() -> set[str]:
            found = ec2.describe_network_interfaces()["NetworkInterfaces"]
            return {one["PrivateIpAddress"] for one in found if "PrivateIpAddress" in one}

        assert WEB in addresses()
        run_in(
            hosts.web,
            "ip link add more type veth peer name less; ip addr add 10.43.0.9/24 dev more",
        )
        until(lambda: "10.43.0.9" in addresses(), "interface that came later")
        run_in(hosts.web, "ip link del more")
        until(lambda: "10.43.0.9" not in addresses(), "end of the interface that went")

        def metered() -> set[str]:
            return set(json.loads(vpcflow(tmp_path, "status", "--json"))["interface"].values())

        # One of the API takes a device over, and gives it back.
        of_host = until(metered, "interface that is metered")
        account = Account(server)
        eni, _ = account.interface(*account.subnet())
        vpcflow(tmp_path, "attach", eni, "--interface", "eth0", "--netns", hosts.web)
        assert metered() == {eni}
        until(lambda: addresses() == {WEB}, "end of the host's own interface")
        vpcflow(tmp_path, "detach", eni)
        until(lambda: metered() == of_host, "return of the host's own interface")
        server.stop()


def test_the_device_of_the_default_route_is_not_put_under_rules_by_mistake(
    server: AwsServer,
) -> None:
    account = Account(server)
    eni, _ = account.interface(*account.subnet())
    routes = subprocess.run(
        ["ip", "-json", "route", "show", "default"], capture_output=True, text=True, check=True
    ).stdout
    devices = [route["dev"] for route in json.loads(routes or "[]")]
    if not devices:
        pytest.skip("this machine has no default route")
    said = vpcflow(server.data, "attach", eni, "--interface", devices[0], fails=True)
    assert "default route" in said and "--force" in said
    shown = account.ec2.describe_network_interfaces(NetworkInterfaceIds=[eni])
    assert shown["NetworkInterfaces"][0]["Status"] == "available"
