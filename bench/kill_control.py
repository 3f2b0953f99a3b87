"""kill -9 at random moments of creation; then everything that was acknowledged must be there, whole.

The real server runs on a folder; clients make flow logs (with client tokens), VPCs, objects and
log events, and delete flow logs, as fast as it answers. It is killed at a random moment and started
again: what was acknowledged is there, what was under way is there wholly or not at all, a client
token gives the flow log that it gave before, each event is read once and keeps its id.
Run: ``python bench/kill_control.py --moments 50``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

LIFE_S_MAX = 2.0
START_S_MAX = 60.0
EVENTS_A_PUT = 20
OBJECT_BYTES_MAX = 300_000
VPCS_MAX = 40
REGION = "us-east-1"
KEY = ("AKIATESTTESTTESTTEST", "test/secret+of/the+root=for+benches/only")
BUCKET = "kill-control"
GROUP = "kill-control"
STREAM = "s"
ROLE = "kill-control"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "vpc-flow-logs.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)


class Server:
    """The server's process on a folder that outlives it."""

    def __init__(self, data: Path) -> None:
        self.process = subprocess.Popen(
            [
                str(Path(sys.executable).parent / "vpcflow"),
                *("--data", str(data), "run", "--port", "0", "--no-capture"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "VPCFLOW_ACCOUNT_ID": "123456789012",
                "VPCFLOW_ROOT_ACCESS_KEY_ID": KEY[0],
                "VPCFLOW_ROOT_SECRET_ACCESS_KEY": KEY[1],
                "VPCFLOW_INVENTORY__REGION": REGION,
            },
        )
        lines = []
        assert self.process.stderr is not None
        for line in self.process.stderr:
            lines.append(line)
            if line.startswith("AWS endpoint "):
                self.url = line.split()[2].rstrip(",")
                break
        else:
            raise SystemExit(f"the server does not start: {''.join(lines)}")
        self.lines = lines
        self._reader = threading.Thread(target=lines.extend, args=(self.process.stderr,))
        self._reader.start()

    def client(self, service: str) -> Any:
        """A boto3 client that does not try again."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=KEY[0],
            aws_secret_access_key=KEY[1],
            config=Config(retries={"total_max_attempts": 1}, read_timeout=START_S_MAX),
        )

    def kill(self) -> None:
        """As a power failure does."""
        self.process.kill()
        self.process.wait()
        self._reader.join()
        faults = [line for line in self.lines if "Traceback" in line or "request failed" in line]
        assert not faults, "".join(self.lines)


class Ledger:
    """What clients tried and what was acknowledged; it lives in this process, which is not killed.

    Shape: ``flow_logs`` is the id by client token, ``objects`` the digests that a key may have, the
    last one acknowledged first; ``events`` numbers of events, ``ids`` their ids once they were read.
    """

    def __init__(self) -> None:
        self.flow_logs: dict[str, str] = {}
        self.tried_tokens: dict[str, str] = {}
        self.deleted: set[str] = set()
        self.tried_deletes: set[str] = set()
        self.vpcs: set[str] = set()
        self.objects: dict[str, list[str]] = {}
        self.tried_objects: set[str] = set()
        self.put: set[int] = set()
        self.tried_events: set[int] = set()
        self.ids: dict[int, str] = {}


class Clients:
    """Threads that change things until the server goes away."""

    def __init__(self, server: Server, ledger: Ledger, moment: int, seed: int) -> None:
        self._server, self._ledger, self._moment = server, ledger, moment
        self._failures: list[str] = []
        self._stop = threading.Event()
        loops = (self._flow_logs, self._vpcs, self._events, self._objects, self._read_objects)
        self._threads = [
            threading.Thread(target=self._loop, args=(loop, random.Random(seed + number)))
            for number, loop in enumerate(loops)
        ]
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        """Wait for the end; the server is dead already.

        Errors: AssertionError for an answer that should never come.
        """
        self._stop.set()
        for thread in self._threads:
            thread.join()
        assert not self._failures, self._failures

    def _loop(self, work: Callable[[random.Random, int], None], rng: random.Random) -> None:
        number = 0
        while not self._stop.is_set():
            try:
                work(rng, number)
            except BotoCoreError:
                return
            except (ClientError, AssertionError) as error:
                self._failures.append(f"{work.__name__}: {error}")
                return
            number += 1

    def _flow_logs(self, rng: random.Random, number: int) -> None:
        ledger = self._ledger
        ec2 = self._client("ec2")
        if rng.random() < 0.4 and (alive := sorted({*ledger.flow_logs.values()} - ledger.deleted)):
            gone = rng.choice(alive)
            if gone not in ledger.tried_deletes:
                ledger.tried_deletes.add(gone)
                assert not ec2.delete_flow_logs(FlowLogIds=[gone])["Unsuccessful"]
                ledger.deleted.add(gone)
                return
        token = f"t-{self._moment}-{number}"
        ledger.tried_tokens[token] = f"kill-{self._moment}-{number}"
        ledger.flow_logs[token] = create_flow_log(ec2, ledger, token)

    def _vpcs(self, rng: random.Random, number: int) -> None:
        ec2 = self._client("ec2")
        vpcs = [one["VpcId"] for one in ec2.describe_vpcs()["Vpcs"] if "Tags" not in one]
        if len(vpcs) > VPCS_MAX:
            gone = rng.choice(vpcs)
            self._ledger.vpcs.discard(gone)
            ec2.delete_vpc(VpcId=gone)
        made = ec2.create_vpc(CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)
        self._ledger.vpcs.add(made["Vpc"]["VpcId"])

    def _events(self, rng: random.Random, number: int) -> None:
        first = (self._moment * 100_000 + number) * EVENTS_A_PUT
        numbers = range(first, first + EVENTS_A_PUT)
        self._ledger.tried_events.update(numbers)
        now_ms = int(time.time() * 1000)
        self._client("logs").put_log_events(
            logGroupName=GROUP,
            logStreamName=STREAM,
            logEvents=[{"timestamp": now_ms, "message": f"event {one}"} for one in numbers],
        )
        self._ledger.put.update(numbers)

    def _objects(self, rng: random.Random, number: int) -> None:
        body = rng.randbytes(rng.randrange(OBJECT_BYTES_MAX))
        key = f"k{rng.randrange(30)}"
        digests = self._ledger.objects.setdefault(key, [])
        digests.append(hashlib.sha256(body).hexdigest())
        self._ledger.tried_objects.add(digests[-1])
        self._client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)
        del digests[:-1]

    def _read_objects(self, rng: random.Random, number: int) -> None:
        """A reader meanwhile: an object is one that was put."""
        key = f"k{rng.randrange(30)}"
        try:
            body = self._client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
        except ClientError as error:
            assert error.response["Error"]["Code"] == "NoSuchKey"
            return
        digest = hashlib.sha256(body).hexdigest()
        assert digest in self._ledger.tried_objects, f"{key} is half an object"

    def _client(self, service: str) -> Any:
        local = threading.current_thread().__dict__.setdefault("clients", {})
        if service not in local:
            local[service] = self._server.client(service)
        return local[service]


def create_flow_log(ec2: Any, ledger: Ledger, token: str) -> str:
    """The flow log of a client token, made now or before."""
    answer = ec2.create_flow_logs(
        ResourceIds=[ec2.describe_vpcs(Filters=[OURS])["Vpcs"][0]["VpcId"]],
        ResourceType="VPC",
        TrafficType="ALL",
        LogGroupName=ledger.tried_tokens[token],
        DeliverLogsPermissionArn=f"arn:aws:iam::123456789012:role/{ROLE}",
        ClientToken=token,
    )
    assert not answer["Unsuccessful"], answer
    made: str = answer["FlowLogIds"][0]
    return made


OURS = {"Name": "tag:kept", "Values": ["yes"]}


def prepare(server: Server) -> None:
    """What the clients need, once."""
    tags = [{"ResourceType": "vpc", "Tags": [{"Key": "kept", "Value": "yes"}]}]
    server.client("ec2").create_vpc(CidrBlock="10.9.0.0/16", TagSpecifications=tags)
    server.client("iam").create_role(RoleName=ROLE, AssumeRolePolicyDocument=TRUST)
    server.client("s3").create_bucket(Bucket=BUCKET)
    logs = server.client("logs")
    logs.create_log_group(logGroupName=GROUP)
    logs.create_log_stream(logGroupName=GROUP, logStreamName=STREAM)


def check(server: Server, ledger: Ledger) -> dict[str, int]:
    """Everything that was acknowledged is there and whole; how much there is."""
    _check_flow_logs(server.client("ec2"), ledger)
    vpcs = _check_vpcs(server.client("ec2"), ledger)
    s3 = server.client("s3")
    for key, digests in ledger.objects.items():
        try:
            body = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        except s3.exceptions.NoSuchKey:
            assert len(digests) == 1, f"{key} was acknowledged and is gone"
            continue
        assert hashlib.sha256(body).hexdigest() in digests, f"{key} is not what was put"
        digests[:] = [hashlib.sha256(body).hexdigest()]
    events = _check_events(server.client("logs"), ledger)
    return {"flow_logs": len(ledger.flow_logs), "vpcs": vpcs, "events": events}


def _check_flow_logs(ec2: Any, ledger: Ledger) -> None:
    pages = ec2.get_paginator("describe_flow_logs").paginate()
    there = [one for page in pages for one in page["FlowLogs"]]
    ids = [one["FlowLogId"] for one in there]
    assert len(ids) == len(set(ids)), "an id twice"
    for made in ledger.flow_logs.values():
        if made not in ledger.tried_deletes:
            assert made in ids, f"{made} was acknowledged and is gone"
    assert not ledger.deleted & set(ids), "a deleted flow log is back"
    groups = {one["LogGroupName"]: one["FlowLogId"] for one in there}
    assert len(groups) == len(there), "a flow log was made twice for a token"
    for one in there:
        assert one["FlowLogStatus"] == "ACTIVE"
        assert one["LogGroupName"] in ledger.tried_tokens.values()
    under_way = [token for token in ledger.tried_tokens if token not in ledger.flow_logs]
    for token in under_way:
        made = create_flow_log(ec2, ledger, token)
        assert groups.get(ledger.tried_tokens[token], made) == made, "another one for a token"
        ledger.flow_logs[token] = made
    alive = [token for token, made in ledger.flow_logs.items() if made not in ledger.tried_deletes]
    for token in alive[-5:]:
        assert create_flow_log(ec2, ledger, token) == ledger.flow_logs[token]


def _check_vpcs(ec2: Any, ledger: Ledger) -> int:
    there = {one["VpcId"]: one for one in ec2.describe_vpcs()["Vpcs"]}
    assert ledger.vpcs <= there.keys(), "a VPC was acknowledged and is gone"
    groups = [one["VpcId"] for one in ec2.describe_security_groups()["SecurityGroups"]]
    acls = [one["VpcId"] for one in ec2.describe_network_acls()["NetworkAcls"] if one["IsDefault"]]
    tables = [one["VpcId"] for one in ec2.describe_route_tables()["RouteTables"]]
    for parts in (groups, acls, tables):
        assert sorted(parts) == sorted(there), "a VPC is half made, or a part of one is left"
    return len(there)


def _check_events(logs: Any, ledger: Ledger) -> int:
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=GROUP)
    there = [event for page in pages for event in page["events"]]
    numbers = [int(event["message"].split()[1]) for event in there]
    assert len(numbers) == len(set(numbers)), "an event twice"
    assert len({event["eventId"] for event in there}) == len(there), "an event id twice"
    found = set(numbers)
    lost = sorted(ledger.put - found)
    assert not lost, f"{len(lost)} acknowledged events are gone: {lost[:5]}"
    assert found <= ledger.tried_events
    for event, number in zip(there, numbers, strict=True):
        assert ledger.ids.setdefault(number, event["eventId"]) == event["eventId"], "another id"
    for first in {number - number % EVENTS_A_PUT for number in found}:
        batch = {*range(first, first + EVENTS_A_PUT)}
        assert batch <= found, "half of a put"
    # What was under way and is there stays there from now on.
    ledger.put |= found
    return len(found)


def run(data: Path, moments: int, seed: int) -> Iterator[dict[str, Any]]:
    """Work, kill, start again, check; once for each moment."""
    rng = random.Random(seed)
    ledger = Ledger()
    server = Server(data)
    prepare(server)
    for moment in range(moments):
        clients = Clients(server, ledger, moment, seed)
        life_s = rng.uniform(0, LIFE_S_MAX)
        time.sleep(life_s)
        server.kill()
        clients.join()
        server = Server(data)
        counts = check(server, ledger)
        yield {"moment": moment, "killed_after_s": round(life_s, 3), **counts}
    server.kill()


def main() -> None:
    """Print one JSON line a moment; exit 1 when something acknowledged is gone or half made."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, default=50)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--folder", default=None)
    options = parser.parse_args()
    root = Path(options.folder or tempfile.mkdtemp(prefix="vpcflow-kill-"))
    print(json.dumps({"seed": options.seed, "folder": str(root)}), file=sys.stderr)
    for result in run(root / "data", options.moments, options.seed):
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
