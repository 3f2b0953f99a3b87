"""Aim: small captures of every kind become exactly the lines beside them, and no packet is lost.

Method: the command within this process, byte by byte; the counts against the plain parser.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
sys.path.append(str(GOLDEN))
sys.path.append(str(GOLDEN.parent / "unit" / "capture"))

from make_captures import ENI, FOLDER, LOG_FORMAT, GoldenCapture, captures  # noqa: E402

from vpcflow.app.cli.main import cli  # noqa: E402
from vpcflow.capture.parse_kernels import FRAGMENTS_MAX, PROCESS_SEEDS  # noqa: E402
from vpcflow.capture.parse_reference import ReferenceFragments, parse_packet  # noqa: E402
from vpcflow.capture.parsed_columns import IP_BYTES  # noqa: E402

Run = Callable[..., tuple[bytes, dict[str, Any]]]
CAPTURES = list(captures())
EVERY = pytest.mark.parametrize("capture", CAPTURES, ids=lambda capture: capture.name)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: Any) -> Run:
    """Runs ``vpcflow capture`` on a file; its lines and its report."""
    monkeypatch.chdir(tmp_path)

    def _run(path: Path, *arguments: str) -> tuple[bytes, dict[str, Any]]:
        given = ["capture", "--read", str(path), "--interface-id", ENI, *arguments]
        cli.main([*given, "--output", "-", "--json"], standalone_mode=False)
        sys.stdout.flush()
        lines, report = capfdbinary.readouterr()
        return lines, json.loads(report)

    return _run


@EVERY
def test_committed_file_is_what_the_script_makes(capture: GoldenCapture) -> None:
    """Compressed ones by content: another zlib packs in another way."""
    content, made = (FOLDER / capture.name).read_bytes(), capture.content
    if capture.name.endswith(".gz"):
        content, made = gzip.decompress(content), gzip.decompress(made)
    if capture.name.endswith(".zst"):
        unpack = zstandard.ZstdDecompressor().decompress
        content, made = unpack(content), unpack(made)
    assert content == made


@EVERY
def test_capture_becomes_its_lines(capture: GoldenCapture, run: Run) -> None:
    lines, _ = run(FOLDER / capture.name, *capture.arguments, "--log-format", LOG_FORMAT)
    assert lines.decode() == capture.expected.read_text(encoding="utf-8")


@EVERY
def test_every_packet_is_accounted_for(capture: GoldenCapture, run: Run) -> None:
    lines, report = run(
        FOLDER / capture.name,
        *capture.arguments,
        *("--log-format", "${packets} ${bytes} ${log-status}"),
    )
    printed = [line.split() for line in lines.decode().splitlines()[1:]]
    flows = [(int(packets), int(octets)) for packets, octets, status in printed if status == "OK"]
    assert len(flows) == report["records"]
    assert sum(packets for packets, _ in flows) == report["packets"]
    assert sum(octets for _, octets in flows) == report["bytes"]
    assert len(printed) - len(flows) == report["nodata"] + report["skipdata"]
    left_out = sum(report["excluded_packets"].values()) + report["skipped_packets"]
    metered = report["packets_by_status"].get("metered", 0)
    assert report["packets"] + left_out == metered
    assert sum(report["packets_by_status"].values()) == len(capture.packets)
    fragments = ReferenceFragments(FRAGMENTS_MAX, [int(seed) for seed in PROCESS_SEEDS])
    plain = [
        parse_packet(packet.data, packet.wire_bytes, packet.link_type, packet.time_ns, 0, fragments)
        for packet in capture.packets
    ]
    octets = report["ip_bytes_by_status"]
    assert sum(octets.values()) == sum(columns[IP_BYTES] for columns in plain)
    if not left_out:
        assert report["bytes"] == octets.get("metered", 0)
