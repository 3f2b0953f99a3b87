"""Aim: a capture file gets into the table once and whole, or not at all. Method: the real command."""

from __future__ import annotations

import gzip
import os
import signal
import struct
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from vpcflow_command import GOLDEN, Vpcflow

sys.path.append(str(GOLDEN.parent))
sys.path.append(str(GOLDEN.parent.parent / "unit" / "capture"))

from capture_writer import (
    FilePacket,
    enhanced,
    interface,
    pcap,
    pcap_header,
    pcap_record,
    section,
)
from make_captures import ENI, FOLDER, HOST, PEER, START_S, into
from packet_builder import UDP, ipv4, udp

CONNECTION = FOLDER / "connection.pcap"
POINT = ("--interface-id", ENI, "--address", HOST)


def many_flows(count: int, *, begin_s: float = 0.0) -> list[FilePacket]:
    """One packet each, a millisecond apart."""
    return [
        into(ipv4(udp(1024 + number, 9, b"x"), PEER, HOST, UDP), begin_s + number / 1000)
        for number in range(count)
    ]


def test_capture_is_asked_like_any_record(vpcflow: Vpcflow) -> None:
    report = vpcflow.json("capture", "--read", str(CONNECTION), *POINT)
    assert (report["records"], report["packets"], report["bytes"]) == (2, 10, 1500)
    # The host answers a SYN after 1 ms, the client the host's after 99 ms.
    assert vpcflow.rows(
        "query", "SELECT bytes, flow_direction AS way, rtt_us AS rtt FROM flow_records ORDER BY 1"
    ) == [
        {"bytes": 340, "way": "ingress", "rtt": 1000},
        {"bytes": 1160, "way": "egress", "rtt": 99_000},
    ]
    flows = vpcflow.ok("flows", "--since", "2023-11-14", "--json")
    assert flows.count("198.51.100.7") >= 2
    talkers = vpcflow.ok("talkers", "--since", "2023-11-14", "--json")
    assert "198.51.100.7" in talkers


def test_same_capture_counts_once_and_another_choice_counts_again(vpcflow: Vpcflow) -> None:
    command = ("capture", "--read", str(CONNECTION), *POINT)
    vpcflow.ok(*command)
    done = vpcflow.run(*command)
    assert (done.returncode, done.stdout) == (0, "")
    assert "taken before" in done.stderr
    assert vpcflow.json("table", "info")["rows"] == 2
    vpcflow.ok(*command, "--interval", "1")
    assert vpcflow.json("table", "info")["rows"] == 2 + 4 + 1  # one second is silent


def test_stream_gives_the_same_lines(vpcflow: Vpcflow) -> None:
    command = ("capture", "--read", "-", *POINT, "--output", "-")
    content = CONNECTION.read_bytes()
    plain = vpcflow.ok("capture", "--read", str(CONNECTION), *POINT, "--output", "-")
    assert vpcflow.ok(*command, stdin=content) == plain
    assert vpcflow.ok(*command, stdin=gzip.compress(content)) == plain
    vpcflow.ok("capture", "--read", "-", *POINT, stdin=content)
    assert vpcflow.json("table", "info")["rows"] == 2


def test_cut_file_gives_what_is_whole(vpcflow: Vpcflow, tmp_path: Path) -> None:
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(CONNECTION.read_bytes()[:-10])
    done = vpcflow.run("capture", "--read", str(cut), *POINT)
    assert done.returncode == 0
    assert "9 packets" in done.stdout
    assert f"{cut}: the last record is cut at byte" in done.stderr


def test_damaged_records_are_told(vpcflow: Vpcflow, tmp_path: Path) -> None:
    packet = many_flows(1)[0]
    damaged = tmp_path / "damaged.pcapng"
    # A time that no clock shows.
    blocks = (section(), interface(), enhanced(packet), enhanced(packet, units=2**64 - 1))
    damaged.write_bytes(b"".join(blocks))
    told = vpcflow.ok("capture", "--read", str(damaged), *POINT)
    assert "1 records of 1 packets" in told
    assert "1 damaged records passed over" in told


BAD_FILES = {
    "text": (b"not a capture\n", "is text"),
    "empty": (b"", "empty"),
    "flow-log": ((GOLDEN / "aws-default.log").read_bytes(), "vpcflow ingest"),
    "short": (b"\xd4\xc3\xb2\xa1\x02\x00", "capture file"),
    "gzip-of-text": (gzip.compress(b"not a capture\n"), "is text"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_what_is_no_capture_is_refused(vpcflow: Vpcflow, tmp_path: Path, kind: str) -> None:
    content, told = BAD_FILES[kind]
    (tmp_path / "file").write_bytes(content)
    into_table = vpcflow.run("capture", "--read", "file", *POINT)
    as_lines = vpcflow.run("capture", "--read", "-", *POINT, "--output", "-", stdin=content)
    for done in (into_table, as_lines):
        assert (done.returncode, done.stdout) == (6, ""), done.stderr
        assert told in done.stderr
        assert "Traceback" not in done.stderr
    assert not list(vpcflow.data.rglob("*.parquet"))


def test_pipe_with_a_name_is_read_once(vpcflow: Vpcflow, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(CONNECTION.read_bytes(),))
    writer.start()
    report = vpcflow.json("capture", "--read", str(pipe), *POINT)
    writer.join()
    assert (report["records"], report["packets"]) == (2, 10)


def test_file_of_somebody_else(vpcflow: Vpcflow, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read every file")
    path = tmp_path / "closed.pcap"
    path.write_bytes(CONNECTION.read_bytes())
    path.chmod(0)
    done = vpcflow.run("capture", "--read", str(path), *POINT)
    assert (done.returncode, done.stdout) == (6, "")
    assert "Permission denied" in done.stderr


def test_files_that_cannot_be_opened(vpcflow: Vpcflow, tmp_path: Path) -> None:
    for path, told in (("missing.pcap", "No such file"), (str(tmp_path), "directory")):
        done = vpcflow.run("capture", "--read", path, *POINT)
        assert (done.returncode, done.stdout) == (6, ""), done.stderr
        assert told in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--interface-id", "eth0", "--address", HOST), "--interface-id"),
        (("--interface-id", "eni-12345", "--address", HOST), "--interface-id"),
        (("--address", HOST), "--interface-id"),
        (("--interface-id", ENI), "--address"),
        (("--interface-id", ENI, "--address", "10.0.1"), "--address"),
        (("--interface-id", ENI, "--address", "10.0.1.0/24"), "--address"),
        ((*POINT, "--mac", "02-00-0a"), "--mac"),
        ((*POINT, "--interval", "601"), "--interval"),
        ((*POINT, "--output", "file"), "--output"),
        ((*POINT, "--log-format", "${srcaddr}"), "--output"),
        ((*POINT, "--inventory", "missing.toml"), "missing.toml"),
    ],
)
def test_wrong_choices_are_refused(vpcflow: Vpcflow, arguments: tuple[str, ...], told: str) -> None:
    done = vpcflow.run("capture", "--read", str(CONNECTION), *arguments)
    assert done.returncode in (2, 3), done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout


def test_address_of_another_host_leaves_no_records_and_says_so(vpcflow: Vpcflow) -> None:
    report = vpcflow.json(
        "capture", "--read", str(CONNECTION), "--interface-id", ENI, "--address", "192.0.2.1"
    )
    assert report["records"] == 0
    assert report["packets_by_status"] == {"other-host": 10}


def test_full_flow_table_is_told_by_a_record(vpcflow: Vpcflow, tmp_path: Path) -> None:
    """16 flows are kept; 84 packets find no room, and the next interval is whole again."""
    vpcflow.environment["VPCFLOW_CAPTURE__FLOWS_MAX"] = "16"
    path = tmp_path / "many.pcap"
    path.write_bytes(pcap(many_flows(100) + many_flows(16, begin_s=60)))
    report = vpcflow.json("capture", "--read", str(path), *POINT)
    assert (report["records"], report["skipdata"], report["skipped_packets"]) == (32, 1, 84)
    [row] = vpcflow.rows(
        "query",
        "SELECT interface_id, start, \"end\" FROM flow_records WHERE log_status = 'SKIPDATA'",
    )
    assert (row["interface_id"], row["start"], row["end"]) == (ENI, START_S, START_S + 59)


def test_firewalls_log_of_any_group_refuses(vpcflow: Vpcflow, tmp_path: Path) -> None:
    packets = many_flows(3)
    refused = packets[1].data[14:]
    body = struct.pack("!BBH", 2, 0, 1000)  # IPv4, version 0, the group
    body += (
        struct.pack("<HH", 7, 10) + b"in\0\0" + struct.pack("<HH", 4 + len(refused), 9) + refused
    )
    log, seen = tmp_path / "refused.pcap", tmp_path / "seen.pcap"
    log.write_bytes(pcap([FilePacket(body, packets[1].time_ns + 1_000_000)], link_number=239))
    seen.write_bytes(pcap(packets))
    vpcflow.ok("capture", "--read", str(seen), "--nflog", str(log), *POINT)
    assert vpcflow.rows(
        "query", "SELECT action, reject_rule AS rule FROM flow_records ORDER BY srcport"
    ) == [
        {"action": "ACCEPT", "rule": None},
        {"action": "REJECT", "rule": "in"},
        {"action": "ACCEPT", "rule": None},
    ]


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT])
def test_stopped_run_leaves_nothing(vpcflow: Vpcflow, tmp_path: Path, stop: int) -> None:
    """The stream stays open, so the command waits for more when it is stopped."""
    process = vpcflow.start(
        *("capture", "--read", "-", *POINT),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    packets = many_flows(40_000)
    process.stdin.write(pcap_header() + b"".join(map(pcap_record, packets)))
    process.stdin.flush()
    # The command has read all but what the pipe holds, so it is at work.
    process.send_signal(stop)
    _, err = process.communicate(timeout=60)
    assert process.returncode == (-stop if stop == signal.SIGKILL else 130), err
    assert b"Traceback" not in err
    assert vpcflow.json("table", "info")["rows"] == 0
    whole = tmp_path / "whole.pcap"
    whole.write_bytes(pcap(packets))
    assert vpcflow.json("capture", "--read", str(whole), *POINT)["records"] == 40_000
    assert vpcflow.json("table", "info")["rows"] == 40_000
