"""Aim: what is ingested is in the table once, whatever happens. Method: the real command."""

from __future__ import annotations

import gzip
import random
import shutil
import signal
import subprocess
import threading
from pathlib import Path

import pytest
from vpcflow_command import GOLDEN, Vpcflow, default_lines

HEADER = (
    b"version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes "
    b"start end action log-status\n"
)


def test_real_files_of_all_kinds_in_one_run(vpcflow: Vpcflow) -> None:
    """All that real people wrote is read; the one row with a protocol of 8080 is not a record."""
    files = [str(path) for path in sorted(GOLDEN.iterdir()) if path.suffix != ".md"]
    report = vpcflow.json("ingest", *files)
    [entry] = vpcflow.rows("quarantine", "list")
    assert entry["message"].endswith("protocol is 8080, more than 255")
    assert entry["file"].endswith(".parquet")
    assert report["quarantined_lines"] == 1
    assert report["records"] > 30
    assert vpcflow.json("table", "info")["rows"] == report["records"]


def test_second_run_takes_only_what_is_new(vpcflow: Vpcflow, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "a.log").write_bytes(default_lines(10))
    assert vpcflow.json("ingest", str(logs))["records"] == 10
    assert vpcflow.json("ingest", str(logs))["records"] == 0
    with (logs / "a.log").open("ab") as file:
        file.write(default_lines(5, first=10))
    (logs / "b.log.gz").write_bytes(gzip.compress(default_lines(3, first=100)))
    assert vpcflow.json("ingest", str(logs))["records"] == 8
    assert vpcflow.json("table", "info")["rows"] == 18


def test_same_object_twice_counts_once(vpcflow: Vpcflow, tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(default_lines(10))
    (tmp_path / "link.log").symlink_to(log)
    copy = tmp_path / "copies" / "a.log"
    copy.parent.mkdir()
    shutil.copy(log, copy)
    done = vpcflow.run("ingest", str(log), str(tmp_path / "link.log"), str(copy), str(log))
    assert done.returncode == 0
    assert vpcflow.json("table", "info")["rows"] == 10


def test_one_bad_line_costs_that_line_only(vpcflow: Vpcflow, tmp_path: Path) -> None:
    lines = default_lines(100).splitlines(keepends=True)
    lines[49] = lines[49].replace(b" 443 ", b" 70000 ")
    (tmp_path / "a.log").write_bytes(HEADER + b"".join(lines))
    report = vpcflow.json("ingest", str(tmp_path / "a.log"))
    assert (report["records"], report["quarantined_lines"]) == (99, 1)
    [entry] = vpcflow.rows("quarantine", "list")
    assert entry["file"] == str(tmp_path / "a.log")
    assert entry["line_number"] == 51
    assert "dstport" in entry["message"]
    assert entry["bytes"].encode() == lines[49].rstrip(b"\n")


def test_retry_with_the_right_format_brings_the_records(vpcflow: Vpcflow, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(b"10.0.0.1 10.0.0.2 443\n10.0.0.3 10.0.0.4 22\n")
    assert vpcflow.json("ingest", "a.log")["quarantined_lines"] == 2
    done = vpcflow.json("quarantine", "retry", "--log-format", "${srcaddr} ${dstaddr} ${dstport}")
    assert done == {"records": 2, "lines_left": 0}
    assert vpcflow.rows("query", "SELECT dstport FROM flow_records ORDER BY 1") == [
        {"dstport": 22},
        {"dstport": 443},
    ]


def test_standard_input_and_its_repeat(vpcflow: Vpcflow) -> None:
    data = gzip.compress(default_lines(20))
    assert vpcflow.json("ingest", "-", stdin=data)["records"] == 20
    assert vpcflow.json("ingest", "-", stdin=data)["records"] == 0


def test_truncated_gzip_keeps_whole_lines_and_the_rest_comes_later(
    vpcflow: Vpcflow, tmp_path: Path
) -> None:
    path = tmp_path / "a.log.gz"
    whole = gzip.compress(default_lines(5_000))
    path.write_bytes(whole[: len(whole) // 2])
    done = vpcflow.run("ingest", "a.log.gz")
    assert done.returncode == 0
    assert "cut" in done.stderr
    kept = vpcflow.json("table", "info")["rows"]
    assert 0 < kept < 5_000
    path.write_bytes(whole)
    vpcflow.ok("ingest", "a.log.gz")
    assert vpcflow.json("table", "info")["rows"] == 5_000
    assert vpcflow.json("table", "info")["quarantined_lines"] == 0


def test_json_is_the_only_thing_on_standard_output(vpcflow: Vpcflow, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(b"nonsense\n" + default_lines(1))
    (tmp_path / "b.bin").write_bytes(bytes(range(256)) * 100)
    done = vpcflow.run("ingest", "a.log", "b.bin", "missing.log", "--json")
    assert len(done.stdout.splitlines()) == 1


def test_killed_at_any_moment_and_started_again(vpcflow: Vpcflow, tmp_path: Path) -> None:
    """The table ends the same as that of a run that was left alone."""
    logs = tmp_path / "logs"
    logs.mkdir()
    for number in range(12):
        content = default_lines(2_000, first=number * 2_000) + b"broken line\n"
        (logs / f"{number:02}.log.gz").write_bytes(gzip.compress(content, 1))
    vpcflow.environment = {"VPCFLOW_INGEST__COMMIT_RECORDS_MAX": "4000"}
    other = Vpcflow(tmp_path / "other")
    other.ok("ingest", str(logs))
    chance = random.Random(7)
    for _ in range(8):
        process = vpcflow.start("ingest", str(logs), stderr=subprocess.DEVNULL)
        timer = threading.Timer(chance.uniform(0.8, 3.0), process.kill)
        timer.start()
        process.wait()
        timer.cancel()
        if process.returncode == 0:
            break
    vpcflow.ok("ingest", str(logs))
    assert vpcflow.records() == other.records()
    assert len(vpcflow.records()) == 24_000
    assert vpcflow.json("table", "info")["quarantined_lines"] == 12


def test_interrupt_is_clean_and_keeps_what_was_read(vpcflow: Vpcflow) -> None:
    process = vpcflow.start(
        "ingest", "--follow", "-", stdin=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin is not None
    process.stdin.write(default_lines(50))
    process.stdin.flush()
    state = vpcflow.data / "spool"
    while not list(state.glob("*.arrow")) and not vpcflow.run("table", "info").stdout.count(" 50"):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode in (0, 130), err.decode()
    assert b"Traceback" not in err
    assert vpcflow.json("table", "info")["rows"] == 50


def test_live_input_survives_kill(vpcflow: Vpcflow) -> None:
    """Acknowledged is on disk: what reached the spool is in the table after the next run."""
    vpcflow.environment = {"VPCFLOW_INGEST__LIVE_BATCH_S": "3600"}
    process = vpcflow.start("ingest", "--follow", "-", stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(default_lines(50))
    process.stdin.flush()
    while not list((vpcflow.data / "spool").glob("*.arrow")):
        assert process.poll() is None
    process.kill()
    process.wait()
    process.stdin.close()
    vpcflow.ok("ingest", "-", stdin=b"")
    assert vpcflow.json("table", "info")["rows"] == 50


def test_second_writer_is_told(vpcflow: Vpcflow) -> None:
    process = vpcflow.start("ingest", "--follow", "-", stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(default_lines(1))
    process.stdin.flush()
    while not list((vpcflow.data / "spool").glob("*.arrow")):
        assert process.poll() is None
    done = vpcflow.run("ingest", "-", stdin=default_lines(1))
    process.kill()
    process.wait()
    assert done.returncode == 9
    assert "another vpcflow process" in done.stderr


@pytest.mark.parametrize("place", ["/proc/nowhere", "/dev/null/x"])
def test_data_folder_that_cannot_be_made(vpcflow: Vpcflow, place: str) -> None:
    done = Vpcflow(Path(place)).run("ingest", "-", stdin=default_lines(1))
    assert done.returncode == 8
    assert "Traceback" not in done.stderr
    assert place in done.stderr


def test_table_info_tells_gaps_and_days(vpcflow: Vpcflow) -> None:
    lines = (
        default_lines(1) + default_lines(1, first=86_400 * 3) + default_lines(1, first=86_400 * 4)
    )
    vpcflow.ok("ingest", "-", stdin=lines)
    facts = vpcflow.json("table", "info")
    assert [(gap["first_day"], gap["last_day"], gap["days"]) for gap in facts["gaps"]] == [
        ("2023-11-15", "2023-11-16", 2)
    ]
    assert [day["rows"] for day in facts["days"]] == [1, 1, 1]


def test_follow_takes_what_comes_and_waits_for_the_end_of_a_line(
    vpcflow: Vpcflow, tmp_path: Path
) -> None:
    log = tmp_path / "logs" / "a.log"
    log.parent.mkdir()
    first, second = default_lines(5), default_lines(1, first=5)
    log.write_bytes(first + second[:40])
    vpcflow.environment = {"VPCFLOW_INGEST__FOLLOW_INTERVAL_S": "0.1"}
    process = vpcflow.start("ingest", "--follow", str(log.parent), stderr=subprocess.DEVNULL)

    def wait_for(rows: int) -> None:
        while vpcflow.json("table", "info")["rows"] != rows:
            assert process.poll() is None

    wait_for(5)
    with log.open("ab") as file:
        file.write(second[40:])
    wait_for(6)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0
    assert vpcflow.json("table", "info")["quarantined_lines"] == 0


def test_a_source_that_cannot_be_read_does_not_lose_the_others(vpcflow: Vpcflow) -> None:
    vpcflow.environment = {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "VPCFLOW_COLLECT__S3_ATTEMPTS_MAX": "1",
    }
    Path("a.log").write_bytes(default_lines(3))
    done = vpcflow.run("ingest", "a.log", "s3://b/", "--endpoint-url", "http://127.0.0.1:9")
    assert done.returncode == 5
    assert "127.0.0.1:9" in done.stderr
    assert vpcflow.json("table", "info")["rows"] == 3


def test_nothing_to_read_is_not_success(vpcflow: Vpcflow) -> None:
    done = vpcflow.run("ingest", "missing.log")
    assert done.returncode == 5
    assert "missing.log" in done.stderr
