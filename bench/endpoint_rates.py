"""The AWS endpoint over HTTP: its start, signed requests, DescribeFlowLogs, puts and first pages."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pyarrow.parquet as pq

from endpoint_process import ACCOUNT, Endpoint, loaded
from machine import BENCH, PYTHON, median, run
from peers import peers_python
from results import Result
from signed_load import REGION
from vpcflow.base.data_folder import DataFolder
from vpcflow.control.flow_logs.flow_log import FLOW_LOGS, DestinationType, FlowLog
from vpcflow.control.state import Database, Place, State
from vpcflow.record.flow_log_selection import ScopeColumn, TrafficType
from vpcflow.record.log_format import default_format
from vpcflow.store.file_index import FileIndex

MIB = 1 << 20
FLOW_LOGS_COUNT = 10_000
PAGE = 1_000
LOAD_S = 4.0
CONNECTIONS = 16
VARIANTS = 500
HOUR_S = 3_600
#: A server loads kernels a second after its start.
WARM_UP_S = 4.0
SSH_REJECTS = "[v, account, eni, s, d, sp, dp=22, p=6, packets, bytes, st, en, action=REJECT, ls]"
PLACE = Place(ACCOUNT, REGION)
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
PUT = {
    "Content-Type": "application/x-amz-json-1.1",
    "X-Amz-Target": "Logs_20140328.PutLogEvents",
}
ROLE = "flow-logs"
TRUST = json.dumps(
    {
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "vpc-flow-logs.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    }
)
MAY_DELIVER = json.dumps({"Statement": {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}})
#: A put holds at most 10,000 events and 1 MiB, each event counted with 26 bytes more.
PUT_EVENTS, PUT_CLIENTS = 10_000, (1, 2, 4)
EVENT_BYTES = MIB // PUT_EVENTS - 26


def start(folder: Path, runs: int) -> list[Result]:
    """From the process's start on an empty folder to its first answer; memory when it idles."""
    done, idle = [], []
    for number in range(runs + 1):
        with Endpoint(folder / f"start-{number}") as endpoint:
            done.append((endpoint.ready_s, endpoint.ready_cpu_s))
            endpoint.client("sts").get_caller_identity()
            time.sleep(WARM_UP_S)
            idle.append(endpoint.rss_bytes() / MIB)
    # The first one may have had to compile imported files.
    walls, processors = zip(*done[1:], strict=True)
    note = f"{median(processors):.2f} s of CPU"
    return [
        Result(
            "endpoint: start to answer", median(walls), "s", "lower", None, "", 3, note, [*walls]
        ),
        Result("endpoint: memory, idle", median(idle), "MiB", "lower", note="empty folder"),
    ]


def signed_requests(folder: Path) -> list[Result]:
    """Requests a second that one worker verifies and answers."""
    results = []
    asked = (
        ("sts", "GetCallerIdentity", "2011-06-15"),
        ("ec2", "DescribeVpcs", "2016-11-15"),
    )
    with Endpoint(folder / "signed") as endpoint:
        for service, operation, version in asked:
            bodies = [f"Action={operation}&Version={version}"] * VARIANTS
            if service == "ec2":
                endpoint.client(service).create_vpc(CidrBlock="10.0.0.0/16")
            told = {"headers": FORM, "connections": CONNECTIONS}
            loaded(endpoint.url, service, bodies, seconds=1, **told)
            count, seconds = loaded(endpoint.url, service, bodies, seconds=LOAD_S, **told)
            note = f"{CONNECTIONS} connections kept alive"
            results.append(
                Result(
                    f"signed {operation}",
                    count / seconds,
                    "requests/s",
                    "higher",
                    bar=1500,
                    note=note,
                )
            )
    return results


def describe(folder: Path, runs: int) -> list[Result]:
    """A page of DescribeFlowLogs among many, against moto's server; both asked by the same signed bytes."""
    data = DataFolder(folder / "describe")
    vpc_id = prepared(data)
    with state_of(data) as state, state.change() as change:
        for number in range(FLOW_LOGS_COUNT):
            made = flow_log(number, vpc_id, f"group-{number}", int(time.time() * 1000))
            change.put(FLOW_LOGS, PLACE, made.flow_log_id, made)
    page = [f"Action=DescribeFlowLogs&Version=2016-11-15&MaxResults={PAGE}"]
    told = {"headers": FORM, "connections": 1}
    with Endpoint(data.root) as endpoint, _moto() as moto_url:
        ours = endpoint.client("ec2")
        found = ours.describe_flow_logs(MaxResults=PAGE)["FlowLogs"]
        assert [one["DeliverLogsStatus"] for one in found] == ["SUCCESS"] * PAGE
        mine, peer = [], []
        # One after the other, so that a noisy neighbour disturbs both alike.
        for _ in range(min(runs, 3)):
            for url, seconds, taken in ((endpoint.url, 1.0, mine), (moto_url, 0.1, peer)):
                count, spent = loaded(url, "ec2", page, seconds=seconds, **told)
                taken.append(spent / count * 1000)
        read = [_ms(lambda: ours.describe_flow_logs(MaxResults=PAGE)) for _ in range(runs)]
    note = f"{median(read):.0f} ms with boto3, which reads the page"
    name, figures = f"DescribeFlowLogs, a page of {FLOW_LOGS_COUNT:,}", ("ms", "lower")
    against = "moto server, which answers all at once"
    return [
        Result(name, median(mine), *figures, bar=50, note=note, runs=mine),
        Result(
            f"{name}, against moto", median(mine), *figures, median(peer), against, 5, runs=[peer]
        ),
    ]


def puts(folder: Path, runs: int) -> list[Result]:
    """Events a second of full batches, each on the disk when it is answered."""
    best: dict[str, list[float]] = {}
    with Endpoint(folder / "puts") as endpoint:
        logs = endpoint.client("logs")
        logs.create_log_group(logGroupName="put")
        for number in range(max(PUT_CLIENTS)):
            logs.create_log_stream(logGroupName="put", logStreamName=f"s-{number}")
        for _ in range(runs):
            for clients in PUT_CLIENTS:
                now_ms = int(time.time() * 1000)
                bodies = [_batch(f"s-{number}", now_ms) for number in range(clients)]
                told = {"headers": PUT, "connections": clients, "seconds": 2.0}
                count, seconds = loaded(endpoint.url, "logs", bodies, **told)
                best.setdefault(f"{clients} clients", []).append(count * PUT_EVENTS / seconds)
    medians = {clients: median(rates) for clients, rates in best.items()}
    note = ", ".join(f"{clients} {rate:,.0f}" for clients, rate in medians.items())
    note += f"; {PUT_EVENTS} events of {EVENT_BYTES} bytes a batch"
    return [
        Result(
            "PutLogEvents, full batches",
            max(medians.values()),
            "events/s",
            "higher",
            bar=200_000,
            note=note,
        )
    ]


def first_pages(folder: Path, table: Path, runs: int) -> list[Result]:
    """First pages of FilterLogEvents of one hour: of a process seconds after its start, and later ones."""
    data = DataFolder(folder / "pages")
    shutil.copytree(table, data.root, copy_function=_linked)
    index = FileIndex(data)
    totals, path = index.totals(), index.entries()[0].path
    begin_s, end_s = totals.start_min or 0, totals.start_max or 0
    scopes = (ScopeColumn.VPC, ScopeColumn.INTERFACE)
    groups = [scope.value for scope in scopes]
    prepared(data, *groups)
    with state_of(data) as state, state.change() as change:
        for number, scope in enumerate(scopes):
            column = pq.ParquetFile(path).read_row_group(0, columns=[scope.value]).column(0)
            value = next(text for text in column.unique().to_pylist() if text)
            made = flow_log(number, value, scope.value, begin_s * 1000)
            change.put(FLOW_LOGS, PLACE, made.flow_log_id, made)
    hours = (end_s - begin_s) // HOUR_S
    results = []
    for pattern in ("", SSH_REJECTS):
        cold, warm, events = [], [], 0
        for number in range(max(3, runs)):
            with Endpoint(data.root) as endpoint:
                logs = endpoint.client("logs")
                time.sleep(WARM_UP_S)
                for at, group in enumerate(groups * 3):
                    hour_s = begin_s + (number * 37 + at * 5) % hours * HOUR_S
                    asked = {
                        "logGroupName": group,
                        "startTime": hour_s * 1000,
                        "endTime": (hour_s + HOUR_S) * 1000 - 1,
                        **({"filterPattern": pattern} if pattern else {}),
                    }
                    begun = time.perf_counter()
                    answer = logs.filter_log_events(**asked)
                    (warm if at else cold).append((time.perf_counter() - begun) * 1000)
                    events += len(answer["events"])
        assert events, "no event was found"
        name = (
            f"FilterLogEvents, {'SSH rejects' if pattern else 'all'}, one hour in {totals.rows:,}"
        )
        for when, taken in (("first of its process", cold), ("later", warm)):
            note = f"worst {max(taken):.0f} ms; boto3's reading included"
            what = f"{name}, {when}"
            results.append(Result(what, median(taken), "ms", "lower", None, "", 150, note, taken))
    return results


def lag(folder: Path, intervals: int, records: int) -> list[Result]:
    """From an interval's end to its records being read over HTTP, at a rate of flow records."""
    arguments = [str(folder / "lag"), str(intervals), str(records)]
    told = json.loads(run([PYTHON, BENCH / "delivery_lag.py", *arguments]).output)
    if told["records"] != intervals * records:
        raise RuntimeError(f"{told['records']} records are in the table")
    lags = told["lags"]
    note = f"{intervals} intervals; median {median(lags):.2f} s, {median(told['cpu']):.1f} s of CPU"
    worst = sorted(lags)[math.ceil(len(lags) * 0.95) - 1]
    name = f"interval of {records:,} records: its end to readable, p95"
    return [Result(name, worst, "s", "lower", bar=10, note=note, runs=lags)]


def _ms(ask: Callable[[], object]) -> float:
    begun = time.perf_counter()
    ask()
    return (time.perf_counter() - begun) * 1000


def prepared(data: DataFolder, *groups: str) -> str:
    """Make log groups, and a role that delivers to them; the id of a VPC."""
    with Endpoint(data.root) as endpoint:
        iam, logs = endpoint.client("iam"), endpoint.client("logs")
        iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=TRUST)
        iam.put_role_policy(RoleName=ROLE, PolicyName="deliver", PolicyDocument=MAY_DELIVER)
        for group in groups:
            logs.create_log_group(logGroupName=group)
        vpc = endpoint.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]
    return str(vpc["VpcId"])


def _batch(stream: str, now_ms: int) -> str:
    events = [
        {"timestamp": now_ms + at // 100, "message": f"{at:0{EVENT_BYTES}d}"}
        for at in range(PUT_EVENTS)
    ]
    asked = {"logGroupName": "put", "logStreamName": stream, "logEvents": events}
    return orjson.dumps(asked).decode()


def flow_log(number: int, resource_id: str, group: str, created_ms: int) -> FlowLog:
    """A flow log of the default format into a log group."""
    return FlowLog(
        f"fl-{number:017x}",
        resource_id,
        TrafficType.ALL,
        DestinationType.LOG_GROUP,
        str(default_format()),
        created_ms,
        f"token-{number}",
        log_group_name=group,
        deliver_logs_permission_arn=f"arn:aws:iam::{ACCOUNT}:role/{ROLE}",
    )


def _linked(source: str, target: str) -> None:
    """Data files are never changed, so that a link does; databases are."""
    if source.endswith(".parquet"):
        Path(target).hardlink_to(source)
    else:
        shutil.copy2(source, target)


@contextmanager
def state_of(data: DataFolder) -> Iterator[State]:
    """The state of a data folder that no process serves."""
    data.make()
    state = State(Database.in_folder(data.root))
    try:
        yield state
    finally:
        state.database.close()


@contextmanager
def _moto() -> Iterator[str]:
    command = [peers_python(), BENCH / "peer_moto.py", str(FLOW_LOGS_COUNT)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as peer:
        assert peer.stdin is not None
        assert peer.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(peer.stdout.readline())}"
        finally:
            peer.stdin.close()
