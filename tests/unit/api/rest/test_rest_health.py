"""Aim: what runs, what waits, what was lost and what cannot be read is told with what to do. Method:
the API over real HTTP, files really ingested, statuses as a running capture tells them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rest_harness import (
    END_S,
    RECORDS,
    START_S,
    RestServer,
    Root,
    add_records,
    make_table,
    rest_services,
    serving,
)

from vpcflow.app.console_service import shown_settings
from vpcflow.app.ingest import Ingest
from vpcflow.app.settings import Settings
from vpcflow.base.clock import ManualClock
from vpcflow.collect.files import FileSource
from vpcflow.control.caller import Caller, CallerKind
from vpcflow.control.identity import USERS, User, iam_place

STATUS: dict[str, Any] = {
    "interfaces": 2,
    "namespaces": 1,
    "interval_s": 60,
    "interval_opened": 1_780_000_000,
    "packets": {"metered": 10},
    "lost": {"ring-dropped": 7, "verdicts-lost": 0},
    "records": 5,
    "problem": "",
    "endpoint": "http://127.0.0.1:4600",
    "flow_logs": {"SUCCESS": 3},
    "delivery": {"journal_bytes": 10, "oldest_waits_s": 5, "lost_records": 4},
    "control_problem": "",
    "mirror": {"packets": 3},
    "interface": {"web": "eni-1"},
}
LINE = "2 123456789012 eni-1 10.0.0.1 10.0.0.2 40000 443 6 10 840 1780272000 1780272060 ACCEPT OK"


@pytest.fixture
def server(rest_table: Settings) -> Iterator[RestServer]:
    changes: dict[str, Any] = {
        "status": lambda: STATUS,
        "settings": lambda: shown_settings(rest_table),
    }
    with rest_services(rest_table, **changes) as services, serving(services) as made:
        yield made


def test_health_in_groups(server: RestServer) -> None:
    told = server.get("/health").json
    assert told["capture"]["running"]
    assert told["capture"]["interfaces"] == 2
    assert told["records"]["rows"] == RECORDS
    assert told["records"]["lag_s"] > 0
    assert told["delivery"]["flow_logs"] == {"SUCCESS": 3}
    assert told["endpoint"] == "http://127.0.0.1:4600"
    assert [(loss["reason"], loss["count"]) for loss in told["losses"]] == [
        ("ring-dropped", 7),
        ("delivery-full", 4),
    ]
    assert told["storage"]["free_bytes"] <= told["storage"]["disk_bytes"]
    assert told["storage"]["bytes_a_day"] > 0
    assert told["storage"]["days_until_full"] > 0
    assert told["status"] != "ok"
    assert all(problem["hint"] for problem in told["problems"])
    assert {"name": "mirror.packets", "value": 3} in told["facts"]


def test_without_capture_all_is_calm(rest_server: RestServer) -> None:
    told = rest_server.get("/health").json
    assert not told["capture"]["running"]
    assert told["losses"] == []
    parts = {problem["part"] for problem in told["problems"]}
    assert parts <= {"storage"}


def test_findings_of_a_range_say_what_to_do(server: RestServer) -> None:
    reply = server.get("/findings", start=START_S, end=END_S)
    assert reply.status == 200
    found = reply.json["findings"]
    assert reply.json["notes"] == []
    kinds = {one["kind"] for one in found}
    assert "loss" in kinds
    order = ("critical", "high", "medium", "low", "info")
    ranks = [order.index(one["severity"]) for one in found]
    assert ranks == sorted(ranks)
    assert len({one["id"] for one in found}) == len(found)
    assert all(one["next"] and one["evidence"] for one in found)


def test_the_filter_of_a_finding_shows_its_records(server: RestServer) -> None:
    seen = server.get("/questions/coverage", start=START_S, end=END_S, limit=5).json["data"]
    assert max(seen["longest_gap"]) >= 300
    found = server.get("/findings", start=START_S, end=END_S).json["findings"]
    gaps = [one for one in found if one["kind"] == "coverage-gap"]
    assert gaps
    for gap in gaps:
        during = server.get(
            "/questions/figures", start=gap["start_s"], end=gap["end_s"], filter=gap["filter"]
        ).json["data"]
        assert during["records"] == [0]
        ever = server.get("/questions/figures", filter=gap["filter"]).json["data"]
        assert ever["records"][0] > 0


def test_a_burst_is_told_with_who_and_its_records(server: RestServer) -> None:
    seen = server.get("/questions/bursts", start=START_S, end=END_S).json["data"]
    assert seen["rejected"], "the sample has incidents"
    found = server.get("/findings", start=START_S, end=END_S).json["findings"]
    bursts = [one for one in found if one["kind"] == "rejected-burst"]
    assert len(bursts) == len(seen["rejected"])
    for burst in bursts:
        assert burst["severity"] in ("critical", "high")
        shown = server.get(
            "/questions/figures", start=burst["start_s"], end=burst["end_s"], filter=burst["filter"]
        ).json["data"]
        assert shown["rejected"][0] == shown["records"][0] > 0


def test_bursts_of_other_hours_are_no_findings_of_a_range(server: RestServer) -> None:
    ever = server.get("/findings", start=START_S, end=END_S).json
    assert ever["interfaces"] > 0
    assert ever["records"] == RECORDS
    burst = next(one for one in ever["findings"] if one["kind"] == "rejected-burst")

    def told(start_s: int, end_s: int) -> list[dict[str, Any]]:
        found = server.get("/findings", start=start_s, end=end_s).json["findings"]
        return [one for one in found if one["kind"] == "rejected-burst"]

    # Within the same hour, and therefore from the same rows.
    assert burst["start_s"] in [one["start_s"] for one in told(START_S, burst["start_s"] + 1)]
    assert burst["start_s"] not in [one["start_s"] for one in told(START_S, burst["start_s"])]
    assert burst["end_s"] not in [one["end_s"] for one in told(burst["end_s"], END_S)]


def test_findings_are_asked_anew_after_a_minute_of_other_records(tmp_path: Path) -> None:
    clock = ManualClock(float(END_S))
    settings = make_table(tmp_path, records=2_000)
    with rest_services(settings, clock=clock) as services, serving(services) as server:
        asked = {"start": START_S, "end": END_S}
        assert server.get("/findings", **asked).json["records"] == 2_000
        add_records(settings, tmp_path / "more", 2_000, seed=2)
        assert server.get("/findings", **asked).json["records"] == 2_000
        clock.advance(61)
        assert server.get("/findings", **asked).json["records"] == 4_000


def test_a_calm_network_has_no_findings(tmp_path: Path) -> None:
    with rest_services(Settings(data=tmp_path)) as services, serving(services) as server:
        told = server.get("/findings", start=1, end=2, filter="dstport = 443").json
        assert told == {"findings": [], "notes": [], "interfaces": 0, "records": 0}


def test_sources_name_folders_and_files(server: RestServer) -> None:
    told = server.get("/sources", limit=2).json
    assert told["live"] == [{"name": "web", "interface_id": "eni-1"}]
    assert sum(source["lines"] for source in told["sources"]) >= RECORDS
    assert all(source["kind"] == "folder" for source in told["sources"])
    assert all(source["bad_lines"] == 0 for source in told["sources"])
    assert all(source["changed_s"] for source in told["sources"])
    assert len(told["objects"]) == 2
    everything = {one["name"] for one in told["objects"]}
    while told["next_before"]:
        told = server.get("/sources", limit=2, before=told["next_before"]).json
        names = {one["name"] for one in told["objects"]}
        assert not names & everything
        everything |= names
    one = sorted(everything)[0]
    (found,) = server.get("/sources", name=one).json["objects"]
    assert found["complete"]
    assert found["log_format"].startswith("version ")


def test_bad_lines_by_source_and_one_by_one(tmp_path: Path) -> None:
    lines = [LINE, "<script>alert(1)</script>", LINE.replace("443", "x"), LINE]
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "bad.log").write_text("\n".join(lines) + "\n")
    settings = Settings(data=tmp_path / "data")
    with settings.folder.writer_lock(wait_s=0), Ingest(settings) as run:
        run.run([FileSource([str(folder)], settings.collect)])
    with rest_services(settings) as services, serving(services) as server:
        told = server.get("/quarantine").json
        assert (told["lines"], told["sources"]) == (2, 1)
        assert [entry["line_number"] for entry in told["entries"]] == [2, 3]
        assert told["entries"][0]["text"] == lines[1]
        assert all(entry["message"] for entry in told["entries"])
        assert sum(group["lines"] for group in told["groups"]) == 2
        assert told["retry_command"] == "vpcflow quarantine retry"
        first = server.get("/quarantine", limit=1).json
        rest = server.get("/quarantine", limit=1, after=first["next_after"]).json
        assert rest["entries"][0]["line_number"] == 3
        one = server.get(f"/quarantine/{first['entries'][0]['id']}").json
        assert one == first["entries"][0]
        assert server.get("/quarantine/99").status == 404
        filtered = server.get("/quarantine", source="no such; rm").json
        assert filtered["entries"] == []
        assert filtered["retry_command"] == "vpcflow quarantine retry --file 'no such; rm'"
        (source,) = server.get("/sources").json["sources"]
        assert source["bad_lines"] == 2


def test_settings_say_what_differs_and_hide_secrets(
    rest_table: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    control = rest_table.control.model_copy(
        update={"database_url": "postgresql://me:hush@db.example/x"}
    )
    changed = rest_table.model_copy(update={"control": control})
    monkeypatch.setenv("VPCFLOW_STORE__ROWS", "1")
    with (
        rest_services(rest_table, settings=lambda: shown_settings(changed)) as services,
        serving(services) as server,
    ):
        reply = server.get("/settings")
        assert b"hush" not in reply.body
        told = {one["name"]: one for one in reply.json["settings"]}
        assert told["control.database_url"]["secret"]
        assert told["control.database_url"]["source"] == "file"
        assert told["capture.interval_s"]["is_default"]
        assert all(one["description"] for one in told.values())


def test_retention_is_told_before_it_deletes(rest_table: Settings) -> None:
    def settings_of(days: int | None) -> dict[str, Any]:
        table = rest_table.table.model_copy(update={"retention_days": days})
        return shown_settings(rest_table.model_copy(update={"table": table}))

    asked: list[int | None] = [None]
    with (
        rest_services(rest_table, settings=lambda: settings_of(asked[0])) as services,
        serving(services) as server,
    ):
        kept = server.get("/retention").json
        assert (kept["days"], kept["rows_kept"]) == ([], RECORDS)
        assert "table.retention_days" in kept["hint"]
        asked[0] = 1
        gone = server.get("/retention").json
        assert gone["retention_days"] == 1
        assert gone["rows"] + gone["rows_kept"] == RECORDS
        now_s = services.clock.now_s()
        assert all(day["day_s"] + 86_400 <= now_s - 86_400 for day in gone["days"])
        assert {day["reason"] for day in gone["days"]} == {"age"}


@pytest.mark.parametrize(
    ("path", "action"),
    [
        ("/health", "vpcflow:GetStatus"),
        ("/sources", "vpcflow:GetStatus"),
        ("/quarantine", "vpcflow:GetQuarantine"),
        ("/settings", "vpcflow:GetSettings"),
        ("/retention", "vpcflow:GetSettings"),
        ("/findings", "vpcflow:QueryFlowRecords"),
        ("/dashboards", "vpcflow:ListDashboards"),
        ("/flow-logs", "ec2:DescribeFlowLogs"),
        ("/destinations", "ec2:DescribeFlowLogs"),
    ],
)
def test_each_page_has_its_permission(server: RestServer, path: str, action: str) -> None:
    account = server.services.account_id

    def sign_in(*actions: str) -> None:
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        user = User("ada", "AIDA0000000000000000A", 0.0, inline={"own": document})
        with server.services.state.change() as change:
            change.put(USERS, iam_place(account), "ada", user)
        arn = f"arn:aws:iam::{account}:user/ada"
        signed_in = server.services.signed_in
        assert isinstance(signed_in, Root)
        signed_in.who = Caller(account, arn, user.unique_id, CallerKind.USER, "ada")

    sign_in("s3:GetObject")
    refused = server.get(path)
    assert refused.status in (400, 403)
    assert action in refused.error["message"]
    sign_in(action)
    assert server.get(path).status == 200
