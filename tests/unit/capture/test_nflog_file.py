"""Aim: refusals of a firewall's log for which there is no room are told, and damaged ones counted."""

from __future__ import annotations

import struct
from contextlib import closing
from ipaddress import ip_address
from pathlib import Path

from capture_writer import T0_NS, FilePacket, pcap
from packet_builder import UDP, ipv4, udp

from vpcflow.capture.meter import Meter
from vpcflow.capture.nflog_file import NflogFile
from vpcflow.capture.observation_point import ObservationPoint, PointBook
from vpcflow.capture.settings import CaptureSettings
from vpcflow.capture.verdict import RuleNumbers, VerdictSet
from vpcflow.inventory.network_interface import AttachmentSide, NetworkInterface

HOST, PEER = "10.0.1.10", "198.51.100.7"
NFLOG_LINK = 239


def record(number: int) -> bytes:
    """A record of the log: one refused datagram to the host."""
    refused = ipv4(udp(1024 + number, 9, b"x"), PEER, HOST, UDP, identification=number + 1)
    body = struct.pack("!BBH", 2, 0, 5) + struct.pack("<HH", 4 + len(refused), 9) + refused
    return body + b"\0" * (-len(body) % 4)


def test_refusals_beyond_the_room_and_damaged_ones_are_told(tmp_path: Path) -> None:
    path = tmp_path / "refused.pcap"
    packets = [FilePacket(record(number), T0_NS + number) for number in range(6)]
    packets.append(FilePacket(b"\2", T0_NS + 6))
    path.write_bytes(pcap(packets, link_number=NFLOG_LINK))
    interface = NetworkInterface("eni-1", "", "", "0" * 12, (ip_address(HOST),))
    verdicts, rules = VerdictSet(4), RuleNumbers()
    meter = Meter(CaptureSettings(rtt=False), PointBook(), verdicts, rules)
    with closing(NflogFile(str(path), verdicts, rules)) as log:
        log.update(ObservationPoint(0, interface, AttachmentSide.INTERFACE), ())
        meter.open_window(T0_NS)
        log.open_window(meter.window_end_ns)
        log.settle(meter, meter.window_end_ns)
        window = meter.close_window(meter.window_end_ns)
        assert len(window.rows) == 6
        assert (log.dropped, log.malformed) == (2, 1)
    assert window.lost_namespaces == {""}
