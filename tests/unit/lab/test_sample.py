"""The sample is what it says: counted here again from its text, without vpcflow's own reader."""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import re
from collections import Counter
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from pydantic import ValidationError

from vpcflow.base.errors import SettingsError, StoreError
from vpcflow.lab.sample import write
from vpcflow.lab.sample.report import SampleReport
from vpcflow.lab.sample.settings import SampleSettings
from vpcflow.lab.sample.write import write_sample

SMALL = SampleSettings(records=60_000, days=1, version=5, seed=7)
ALLOWED = [
    ip_network(text)
    for text in (
        "10.0.0.0/16",
        "192.0.2.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "2001:db8::/32",
    )
]
NAME = re.compile(
    r"123456789012_vpcflowlogs_eu-west-1_fl-5a3b1e0{11}_(\d{8}T\d{4}Z)_[0-9a-f]{8}\.log\.gz"
)


def objects(root: Path) -> list[Path]:
    return sorted((root / "AWSLogs").rglob("*.log.gz"))


def rows_of(path: Path) -> list[dict[str, str]]:
    header, *lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    names = header.split(" ")
    return [dict(zip(names, line.split(" "), strict=True)) for line in lines]


def digest(root: Path) -> str:
    total = hashlib.sha256()
    for path in [root / "README.txt", *objects(root)]:
        total.update(str(path.relative_to(root)).encode() + path.read_bytes())
    return total.hexdigest()


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SampleReport]:
    root = tmp_path_factory.mktemp("sample")
    return root, write_sample(root, SMALL)


@pytest.fixture(scope="module")
def rows(sample: tuple[Path, SampleReport]) -> list[dict[str, str]]:
    return [row for path in objects(sample[0]) for row in rows_of(path)]


@pytest.fixture(scope="module")
def flows(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [row for row in rows if row["log-status"] == "OK"]


def test_the_report_counts_what_the_files_hold(sample, rows):
    root, report = sample
    statuses = Counter(row["log-status"] for row in rows)
    assert len(rows) == report.records == SMALL.records
    assert statuses["OK"] == report.ok_records
    assert statuses["NODATA"] == report.nodata_records > 0
    assert statuses["SKIPDATA"] == report.skipdata_records > 0
    assert sum(row["action"] == "REJECT" for row in rows) == report.rejected_records > 0
    assert report.files == len(objects(root))
    assert report.bytes == sum(path.stat().st_size for path in objects(root))
    assert report.start_min == min(int(row["start"]) for row in rows)
    assert report.end_max == max(int(row["end"]) for row in rows)


def test_an_object_holds_the_records_that_end_in_its_five_minutes(sample):
    for path in objects(sample[0])[::7]:
        found = NAME.fullmatch(path.name)
        assert found
        at = datetime.strptime(found[1], "%Y%m%dT%H%MZ").replace(tzinfo=UTC)
        assert path.parent.parts[-3:] == tuple(at.strftime("%Y %m %d").split())
        slot_s = int(at.timestamp())
        assert slot_s % 300 == 0
        assert all(slot_s <= int(row["end"]) < slot_s + 300 for row in rows_of(path))


def test_records_keep_the_rules_of_the_format(flows):
    for row in flows:
        start, end = int(row["start"]), int(row["end"])
        assert SMALL.start_s <= start <= end < SMALL.end_s
        assert end - start < SMALL.interval_s
        assert int(row["packets"]) >= 1
        assert int(row["bytes"]) >= 28 * int(row["packets"])
        assert int(row["tcp-flags"]) in {0, 1, 2, 3, 4, 18, 19, 22}
        assert row["tcp-flags"] == "0" or row["protocol"] == "6"
        assert (row["type"] == "IPv6") == (":" in row["srcaddr"])
        if row["protocol"] == "1":
            assert (row["srcport"], row["dstport"]) == ("0", "0")
        if row["flow-direction"] == "ingress":
            assert row["traffic-path"] == "-"


def test_lines_without_flows_say_only_when_and_where(rows):
    silent = [row for row in rows if row["log-status"] != "OK"]
    for row in silent:
        for name in ("srcaddr", "dstport", "packets", "bytes", "action", "type", "tcp-flags"):
            assert row[name] == "-"
        assert row["interface-id"].startswith("eni-")
        assert int(row["end"]) - int(row["start"]) <= SMALL.interval_s


def test_no_interface_has_flows_and_no_data_in_the_same_interval(rows):
    silent = [row for row in rows if row["log-status"] == "NODATA"]
    busy: dict[str, list[int]] = {}
    for row in rows:
        if row["log-status"] == "OK":
            busy.setdefault(row["interface-id"], []).append(int(row["start"]))
    for row in silent:
        inside = range(int(row["start"]), int(row["end"]) + 1)
        assert not any(start in inside for start in busy.get(row["interface-id"], ()))


def test_addresses_name_no_real_network(flows):
    addresses = {row[name] for row in flows for name in ("srcaddr", "dstaddr", "pkt-srcaddr")}
    for text in addresses:
        address = ip_address(text)
        assert any(address in network for network in ALLOWED if network.version == address.version)


def test_a_connection_inside_is_seen_at_both_ends(flows):
    seen: dict[tuple[str, ...], set[str]] = {}
    for row in flows:
        if row["action"] == "ACCEPT" and row["dstport"] == "8080" and row["protocol"] == "6":
            key = (row["srcaddr"], row["srcport"], row["dstaddr"])
            seen.setdefault(key, set()).add(row["flow-direction"])
    both = sum(directions == {"ingress", "egress"} for directions in seen.values())
    assert len(seen) > 100
    assert both > 0.95 * len(seen)


def test_the_nat_gateway_shows_the_packets_own_addresses(flows):
    translated = [row for row in flows if row["dstaddr"] != row["pkt-dstaddr"]]
    assert translated
    for row in translated:
        assert row["instance-id"] == "-"
        assert row["flow-direction"] == "ingress"
        assert ip_address(row["dstaddr"]) in ALLOWED[0]
        assert ip_address(row["pkt-dstaddr"]) not in ALLOWED[0]


def test_services_have_their_codes(flows):
    codes = {row["pkt-dst-aws-service"] for row in flows}
    assert codes == {"-", "S3", "DYNAMODB"}


def test_the_planted_scan_is_there(sample, flows):
    fact = sample[1].fact("port scan")
    ports = [
        row
        for row in flows
        if row["srcaddr"] == fact.source
        and fact.start_s <= int(row["start"]) <= fact.end_s
        and row["action"] == "REJECT"
    ]
    assert len(ports) >= fact.rejected_records >= 50
    assert len({row["dstaddr"] for row in ports}) >= 10


def test_the_planted_brute_force_is_there(sample, flows):
    fact = sample[1].fact("brute force")
    tried = [row for row in flows if row["srcaddr"] == fact.source]
    answered = [row for row in flows if row["dstaddr"] == fact.source]
    assert {(row["dstaddr"], row["dstport"]) for row in tried} == {(fact.target, "22")}
    assert len(tried) + len(answered) == fact.records
    assert sum(int(row["bytes"]) for row in tried) == fact.sent_bytes


def test_the_planted_beacon_and_exfiltration_are_there(sample, flows):
    for name in ("beacon", "exfiltration"):
        fact = sample[1].fact(name)
        sent = [
            row for row in flows if row["dstaddr"] == fact.target and row["srcaddr"] == fact.source
        ]
        assert sum(int(row["bytes"]) for row in sent) == fact.sent_bytes > 0
        assert {row["dstport"] for row in sent} == {str(fact.port)}


def test_the_top_source_is_the_planted_one(sample, flows):
    sums: Counter[str] = Counter()
    for row in flows:
        sums[row["srcaddr"]] += int(row["bytes"])
    (address, volume), *_ = sums.most_common(1)
    report = sample[1]
    assert (address, volume) == (report.top_source, report.top_source_bytes)
    assert address == report.fact("top talker").source


def test_the_day_is_busier_than_the_night(rows):
    hours = Counter(int(row["start"]) // 3600 % 24 for row in rows)
    assert hours[14] > 1.5 * hours[3]


def test_the_same_settings_give_the_same_bytes(tmp_path):
    settings = SampleSettings(records=5_000, days=1, seed=3)
    write_sample(tmp_path / "a", settings)
    write_sample(tmp_path / "b", settings)
    write_sample(tmp_path / "c", settings.model_copy(update={"seed": 4}))
    assert digest(tmp_path / "a") == digest(tmp_path / "b") != digest(tmp_path / "c")


@pytest.mark.parametrize("interval_s", [60, 600])
@pytest.mark.parametrize(("records", "days"), [(2_000, 2), (20_000, 1)])
def test_any_size_has_exactly_the_records_asked(tmp_path, interval_s, records, days):
    settings = SampleSettings(records=records, days=days, interval_s=interval_s)
    report = write_sample(tmp_path / "s", settings)
    found = [row for path in objects(tmp_path / "s") for row in rows_of(path)]
    assert len(found) == report.records == records
    assert all(next(iter(row)) == "version" and row["version"] == "2" for row in found)


def test_a_large_slot_comes_in_several_objects(tmp_path, monkeypatch):
    monkeypatch.setattr(write, "FILE_RECORDS_MAX", 10)
    report = write_sample(tmp_path / "s", SampleSettings(records=10_000, days=1))
    assert report.files > 900
    assert len({path.name for path in objects(tmp_path / "s")}) == report.files


def test_an_older_sample_is_replaced_only_with_force(tmp_path):
    settings = SampleSettings(records=2_000, days=1)
    write_sample(tmp_path, settings)
    with pytest.raises(SettingsError, match="already holds a sample") as refused:
        write_sample(tmp_path, settings)
    assert "--force" in refused.value.hint
    stale = tmp_path / "AWSLogs" / "stale.log.gz"
    stale.write_bytes(b"")
    write_sample(tmp_path, settings, force=True)
    assert not stale.exists()
    assert (tmp_path / "README.txt").read_text().startswith("Generated by vpcflow sample")


@pytest.mark.parametrize("name", ["notes.txt", "AWSLogs"])
def test_a_folder_with_anything_else_is_left_alone(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(SettingsError, match="something else"):
        write_sample(tmp_path, SampleSettings(records=2_000), force=True)
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_a_sample_with_a_strange_file_beside_it_is_left_alone(tmp_path):
    write_sample(tmp_path, SampleSettings(records=2_000, days=1))
    (tmp_path / "mine.txt").write_text("keep me")
    with pytest.raises(SettingsError, match="something else"):
        write_sample(tmp_path, SampleSettings(records=2_000, days=1), force=True)


def test_a_file_in_place_of_the_folder_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot write the sample"):
        write_sample(tmp_path / "file" / "sample", SampleSettings(records=2_000))


@pytest.mark.skipif(os.geteuid() == 0, reason="the administrator may write anywhere")
def test_a_folder_without_permission_is_a_clear_error(tmp_path):
    (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(StoreError, match="cannot write the sample"):
        write_sample(tmp_path / "closed" / "sample", SampleSettings(records=2_000))


def test_a_full_disk_is_a_clear_error(tmp_path, monkeypatch):
    def full(path: Path, text: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(write, "_write_gzip", full)
    with pytest.raises(StoreError, match="disk is full") as refused:
        write_sample(tmp_path / "s", SampleSettings(records=2_000, days=1))
    assert refused.value.where.endswith(".log.gz")


@pytest.mark.parametrize(
    "wrong",
    [
        {"records": 10},
        {"days": 0},
        {"records": 2_000, "days": 3},
        {"interval_s": 30},
        {"version": 3},
        {"account_id": "12"},
        {"flow_log_id": "fl-../../x"},
        {"region": "../.."},
        {"hosts": 1},
        {"unknown": 1},
    ],
)
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        SampleSettings(**wrong)


def test_progress_counts_up(tmp_path):
    seen: list[int] = []
    settings = SampleSettings(records=2_000, days=1)
    write_sample(tmp_path, settings, on_progress=lambda records, _: seen.append(records))
    assert seen == sorted(seen)
    assert seen[-1] == 2_000
