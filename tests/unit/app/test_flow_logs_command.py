"""Aim: flow logs from the command line, and a plan whose figures are those of the records. Method:
the commands over a data folder with a table of known lines, surroundings that the test owns."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from vpcflow.app.cli.main import cli
from vpcflow.base.clock import ManualClock
from vpcflow.base.errors import FlowLogError
from vpcflow.control.flow_logs.service import FlowLogService
from vpcflow.control.flow_logs.surroundings import Surroundings
from vpcflow.control.state import Database, State

ACCOUNT = "000000000000"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/flow-logs"
FORMAT = "${interface-id} ${bytes} ${action}"


def fake_control_plane(settings: Any) -> SimpleNamespace:
    state = State(Database.in_folder(settings.data))
    around = Surroundings(
        lambda _place, _type, one: not one.endswith("-none"),
        lambda _place, role, _group, _id: None if role == ROLE else "no such role",
        lambda _place, bucket, _prefix, _hive, _may: (
            None if bucket == "bucket" else ("400", f"LogDestination: {bucket} does not exist")
        ),
        lambda *_: None,
    )
    service = FlowLogService(state, ManualClock(), around)
    return SimpleNamespace(state=state, flow_logs=service, close=state.database.close)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    module = ModuleType("vpcflow.app.control_plane")
    module.control_plane = fake_control_plane  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "vpcflow.app.control_plane", module)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.chdir(tmp_path)
    yield tmp_path / "data"


def ask(data: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["--data", str(data), "flow-logs", *arguments])


def rows(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_create_list_show_delete(data: Path) -> None:
    made = rows(
        ask(data, "create", "vpc-1", "vpc-2", "--to", "s3://bucket/logs", "--parquet", "--json")
    )
    assert [one["ResourceId"] for one in made] == ["vpc-1", "vpc-2"]
    assert made[0]["LogDestination"] == "arn:aws:s3:::bucket/logs"
    assert made[0]["DestinationOptions"]["FileFormat"] == "parquet"
    assert rows(ask(data, "list", "--json")) == made
    assert rows(ask(data, "list", "--json", "--resource", "vpc-2")) == made[1:]
    first = made[0]["FlowLogId"]
    assert rows(ask(data, "show", first, "--json")) == made[:1]
    assert "arn:aws:s3:::bucket/logs" in ask(data, "show", first).stdout
    assert ask(data, "delete", first).stdout == f"deleted {first}\n"
    assert rows(ask(data, "list", "--json")) == made[1:]
    assert made[1]["FlowLogId"] in ask(data, "list").stdout


@pytest.mark.parametrize(
    ("to", "kind", "member", "value"),
    [
        ("group", "cloud-watch-logs", "LogGroupName", "group"),
        (
            f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/a/b",
            "cloud-watch-logs",
            "LogGroupName",
            "/a/b",
        ),
    ],
)
def test_where_to(data: Path, to: str, kind: str, member: str, value: str) -> None:
    (made,) = rows(
        ask(data, "create", "eni-1", "--to", to, "--role", ROLE, "--tag", "a=b=c", "--json")
    )
    assert (made["LogDestinationType"], made[member]) == (kind, value)
    assert made["Tags"] == [{"Key": "a", "Value": "b=c"}]


def test_a_stream_and_a_choice_of_records(data: Path) -> None:
    stream = f"arn:aws:firehose:us-east-1:{ACCOUNT}:deliverystream/stream"
    given = ("--to", stream, "--format", FORMAT, "--interval", "60", "--traffic-type", "reject")
    (made,) = rows(ask(data, "create", "subnet-1", *given, "--json"))
    assert made["LogDestinationType"] == "kinesis-data-firehose"
    assert (made["LogFormat"], made["MaxAggregationInterval"]) == (FORMAT, 60)
    assert made["TrafficType"] == "REJECT"


def test_tag_fields(data: Path) -> None:
    given = ("--to", "s3://bucket", "--format", "${instance-tag-2} ${asg-tag}")
    fields = ("--tag-field", "instance=a", "--tag-field", "instance=b")
    (made,) = rows(
        ask(
            data,
            "create",
            "vpc-1",
            *given,
            *fields,
            "--tag-field",
            "auto-scaling-group=c",
            "--json",
        )
    )
    assert made["TagFieldSpecifications"] == [
        {"ResourceType": "instance", "TagKeys": ["a", "b"]},
        {"ResourceType": "auto-scaling-group", "TagKeys": ["c"]},
    ]


def test_a_role_that_cannot_deliver_is_told_at_once(data: Path) -> None:
    result = ask(
        data, "create", "vpc-1", "--to", "group", "--role", ROLE.replace("flow-logs", "weak")
    )
    assert result.exit_code == 0
    assert "Access error" in result.stdout
    assert "no such role" in result.stderr
    (made,) = rows(ask(data, "list", "--json"))
    assert "no such role" in ask(data, "show", made["FlowLogId"]).stderr


def test_what_could_not_be_made_is_an_error(data: Path) -> None:
    result = ask(data, "create", "vpc-1", "--to", "s3://nowhere")
    assert result.exit_code == 12
    assert "vpc-1: LogDestination: nowhere does not exist" in result.stderr
    some = ask(data, "create", "vpc-1", "vpc-none", "--to", "s3://bucket", "--json")
    assert some.exit_code == 12
    assert len(some.stdout.splitlines()) == 1


@pytest.mark.parametrize("resources", [("vpc-1", "subnet-1"), ("i-1",)])
def test_resources_of_one_known_kind(data: Path, resources: tuple[str, ...]) -> None:
    assert ask(data, "create", *resources, "--to", "group").exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("show", "fl-1"), "there is no flow log fl-1"),
        (("delete", "fl-1"), "[TotalCount: 1] fl-1"),
        (("create", "vpc-1", "--to", "group"), "DeliverLogsPermissionArn"),
        (("create", "vpc-none", "--to", "s3://bucket"), "The vpc ID 'vpc-none' does not exist"),
        (("plan", "vpc-1"), "no record of vpc-1"),
        (("plan", "vpc-1", "--format", "${nothing}"), "${nothing}"),
        (("plan", "vpc-1", "--prices", "nowhere.toml"), "nowhere.toml"),
    ],
)
def test_errors_are_clear(data: Path, arguments: tuple[str, ...], part: str) -> None:
    result = ask(data, *arguments)
    assert isinstance(result.exception, FlowLogError)
    assert part in str(result.exception)


def write_table(data: Path) -> int:
    """An hour of one interface: 60 accepted and 60 refused flows; bytes of text in FORMAT."""
    names = "version account-id interface-id vpc-id srcaddr dstaddr srcport dstport protocol "
    names += "packets bytes start end action log-status"
    lines = [names]
    size = 0
    begin = 1_700_000_100 // 60 * 60
    for minute in range(60):
        start = begin + minute * 60
        for action in ("ACCEPT", "REJECT"):
            lines.append(
                f"3 {ACCOUNT} eni-1 vpc-1 10.0.0.1 10.0.0.{minute} 40000 443 6 3 {minute} "
                f"{start} {start + 59} {action} OK"
            )
            size += len(f"eni-1 {minute} {action}")
    file = data.parent / "flows.log"
    file.write_text("\n".join(lines) + "\n")
    done = CliRunner().invoke(cli, ["--data", str(data), "ingest", str(file)])
    assert done.exit_code == 0, done.output
    return size


def test_a_plan_has_the_figures_of_the_records(data: Path) -> None:
    size = write_table(data)
    (plan,) = rows(ask(data, "plan", "vpc-1", "--format", FORMAT, "--json"))
    assert plan["window"]["hours"] == 1
    assert plan["window"]["records"] == 120
    assert plan["window"]["interfaces"] == 1
    assert plan["window"]["coverage"] == 1
    assert plan["records_per_hour"] == 120
    assert plan["records_per_month"] == 120 * 730
    assert plan["sample"]["records"] == 120
    assert plan["sample"]["text_bytes_per_record"] == round(size / 120, 2)
    (refused,) = rows(ask(data, "plan", "eni-1", "--traffic-type", "REJECT", "--json"))
    assert refused["records_per_hour"] == 60
    ways = [one["way"] for one in plan["ways"]]
    assert ways[0] == "CloudWatch Logs, Standard"
    assert len(ways) == 5
    assert all(one["usd_per_month"] is not None for one in plan["ways"])


def test_a_plan_for_people_says_what_it_rests_on(data: Path) -> None:
    write_table(data)
    prices = data.parent / "prices.toml"
    prices.write_text(
        'date = 2026-01-02\nsource = "my own"\ngb_bytes = 1000\n'
        "[regions.us-east-1]\ns3 = [[0, 1.0]]\n"
    )
    shown = ask(data, "plan", "vpc-1", "--prices", str(prices), "--hours", "2").stdout
    assert "100.0% of their minutes known" in shown
    assert "prices of 2026-01-02, us-east-1: my own" in shown
    assert "no price known" in shown
    assert "not counted:" in shown
