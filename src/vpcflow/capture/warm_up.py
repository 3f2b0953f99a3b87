"""Loads the kernels of live capture before the first packet: a ring does not wait for a compiler."""

from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np

from vpcflow.capture.device_map import DeviceMap
from vpcflow.capture.meter import Meter
from vpcflow.capture.observation_point import PointBook
from vpcflow.capture.packet_batch import LinkType, PacketBatch
from vpcflow.capture.packet_sources.nflog import PrefixTable, load_message_kernel
from vpcflow.capture.packet_sources.nflog import parse_nflog_file_batch as parse_records
from vpcflow.capture.settings import CaptureSettings
from vpcflow.capture.verdict import RuleNumbers, VerdictSet
from vpcflow.capture.verdict_feed import VerdictFeed
from vpcflow.inventory.network_interface import AttachmentSide

#: Room behind a packet that a parser may look at.
_SLACK_BYTES = 64
_IPV4_TCP_SYN = bytes.fromhex("4500002800000000400600000a00000a0a00000b") + struct.pack(
    "!HHIIBBHHH", 50_000, 443, 1, 0, 0x50, 2, 1024, 0, 0
)


def load_kernels(settings: CaptureSettings) -> None:
    """Run one made-up packet through everything that live packets go through."""
    small = settings.model_copy(update={"flows_max": 16, "rtt_connections_max": 1024})
    verdicts, rules, prefixes = VerdictSet(16), RuleNumbers(), PrefixTable()
    meter = Meter(small, PointBook(), verdicts, rules)
    meter.open_window(0)
    feed = meter.feed()
    feed.devices.put(1, 0, AttachmentSide.INTERFACE)
    ethernet = bytes(12) + b"\x08\x00" + _IPV4_TCP_SYN
    batch = _batch(LinkType.ETHERNET, ethernet)
    feed.unknown_devices(batch)
    feed.load(batch)
    meter.advance(feed)
    load_message_kernel()
    log = VerdictFeed("", DeviceMap(), verdicts, rules, prefixes, small)
    payload = struct.pack("=HH", 4 + len(_IPV4_TCP_SYN), 9) + _IPV4_TCP_SYN
    log.update(())
    logged = parse_records(_batch(LinkType.NFLOG, b"\x02\x00\x00\x40" + payload), prefixes)
    # Columns cut from a longer array, as of live messages: another type for the compiler.
    fields = np.repeat(logged.fields, 2, axis=1)[:, :1]
    log.take(replace(logged, fields=fields), 0)
    log.expire(0)
    log.advance(meter)
    meter.close_window(1)


def _batch(link_type: LinkType, packet: bytes) -> PacketBatch:
    return PacketBatch(
        link_type,
        np.frombuffer(bytearray(packet + bytes(_SLACK_BYTES)), np.uint8),
        np.zeros(1, np.int64),
        np.full(1, len(packet), np.int32),
        np.full(1, len(packet), np.int32),
        np.ones(1, np.int64),
        np.ones(1, np.int32),
        np.zeros(1, np.int8),
        np.zeros(1, np.int32),
    )
