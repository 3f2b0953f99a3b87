"""NFLOG: the packets that a firewall logs, with the rule's prefix, the hook and the devices.

No library's reader is used: the messages of a whole read are parsed by one kernel call. The
default logger of a protocol family is left alone; a rule that names a group does not need it.
"""

from __future__ import annotations

import errno
import socket
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from vpcflow.base.errors import CaptureError
from vpcflow.capture.nflog_kernels import (
    COUNT_COUNT,
    COUNT_LOST,
    COUNT_MALFORMED,
    COUNT_PACKETS,
    COUNT_PREFIXES_REFUSED,
    FIELD_COUNT,
    PREFIX_PLACES,
    PREFIXES_MAX,
    parse_messages,
    parse_records,
)
from vpcflow.capture.packet_batch import (
    BATCH_PACKETS_MAX,
    LinkType,
    PacketBatch,
    PacketDirection,
    SourceCounts,
)
from vpcflow.capture.packet_sources.namespace_socket import open_in_namespace

#: Groups that one source reads.
GROUPS_MAX = 32
#: One read takes at most so much; what waits beyond it is for the next.
READ_BYTES = 4 << 20
#: A parser may look so far beyond the end of a packet.
SLACK_BYTES = 64
#: Messages that may come before the answer to a request, while packets flow already.
ANSWERS_AFTER_MAX = 4_096

_NETLINK_NETFILTER = 12
_SO_RCVBUFFORCE = 33
_NLM_F_REQUEST_ACK = 0x5
_NLMSG_ERROR = 2
_MESSAGE_PACKET = 0x0400
_MESSAGE_CONFIG = 0x0401
_ATTRIBUTE_COMMAND, _ATTRIBUTE_MODE, _ATTRIBUTE_BUFFER = 1, 2, 3
_ATTRIBUTE_TIMEOUT, _ATTRIBUTE_THRESHOLD, _ATTRIBUTE_FLAGS = 4, 5, 6
_BIND = 1
_COPY_PACKET = 2
_FLAG_SEQUENCE = 1


class NflogSettings(BaseModel):
    """How the kernel hands over what a firewall logs.

    Units: bytes, milliseconds, packets.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    copy_bytes: int = Field(
        default=128,
        ge=60,
        le=4096,
        description="How much of a packet is copied: the longest headers are 120 bytes.",
    )
    threshold_packets: int = Field(
        default=64, ge=1, le=1024, description="Packets that the kernel sends together."
    )
    flush_ms: int = Field(
        default=10,
        ge=10,
        le=1000,
        description="How long a packet waits for others; the kernel counts in steps of 10 ms.",
    )
    message_bytes: int = Field(
        default=32 << 10,
        ge=4096,
        le=128 << 10,
        description="The most bytes that the kernel sends together.",
    )
    receive_buffer_bytes: int = Field(
        default=32 << 20,
        ge=4096,
        le=1 << 30,
        description="What the kernel may keep for us; more is lost, and counted.",
    )


@dataclass(slots=True)
class NflogCounts(SourceCounts):
    """What the source met beside packets.

    Units: ``overruns`` times that the receive buffer was full, ``prefixes_refused`` packets.
    """

    overruns: int = 0
    prefixes_refused: int = 0


@dataclass(slots=True)
class NflogBatch:
    """Packets that a firewall logged, link type RAW, with what it said of each.

    Shape: ``fields`` has a row for each of ``nflog_kernels.GROUP`` to ``SEQUENCE``, a column for
    each packet. Valid until the next read.
    """

    packets: PacketBatch
    fields: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.packets)


class PrefixTable:
    """Every distinct prefix once, by number; 0 is the empty one.

    Shape: at most ``PREFIXES_MAX``; packets with more of them are counted and have none.
    """

    def __init__(self) -> None:
        self.texts: list[str] = [""]
        self.hashes = np.zeros(PREFIX_PLACES, np.uint64)
        self.numbers = np.zeros(PREFIX_PLACES, np.int32)
        #: Entry 0: how many there are; entry n: where the kernel met prefix n first, and its size.
        self.places = np.zeros((PREFIXES_MAX + 1, 2), np.int64)

    def learn(self, data: npt.NDArray[np.uint8]) -> None:
        """Read the prefixes that the kernel has just numbered."""
        for number in range(len(self.texts), int(self.places[0, 0]) + 1):
            begin, size = self.places[number]
            self.texts.append(data[begin : begin + size].tobytes().decode("utf-8", "replace"))


class _Columns:
    """Arrays for a batch of packets, filled by a kernel."""

    def __init__(self, packets_max: int) -> None:
        self.offset = np.zeros(packets_max, np.int64)
        self.captured_bytes = np.zeros(packets_max, np.int32)
        self.wire_bytes = np.zeros(packets_max, np.int32)
        self.time_ns = np.zeros(packets_max, np.int64)
        self.device = np.zeros(packets_max, np.int32)
        self.direction = np.full(packets_max, PacketDirection.UNKNOWN, np.int8)
        self.segment_bytes = np.zeros(packets_max, np.int32)
        self.fields = np.zeros((FIELD_COUNT, packets_max), np.int64)
        self.counts = np.zeros(COUNT_COUNT, np.int64)

    def batch(self, data: npt.NDArray[np.uint8], n: int) -> NflogBatch:
        packets = PacketBatch(
            LinkType.RAW,
            data,
            self.offset[:n],
            self.captured_bytes[:n],
            self.wire_bytes[:n],
            self.time_ns[:n],
            self.device[:n],
            self.direction[:n],
            self.segment_bytes[:n],
        )
        return NflogBatch(packets, self.fields[:, :n])

    def add_to(self, counts: NflogCounts) -> int:
        """Move what the kernel counted; the messages that sequence numbers say are lost."""
        found = self.counts.tolist()
        self.counts[:] = 0
        counts.packets += found[COUNT_PACKETS]
        counts.malformed += found[COUNT_MALFORMED]
        counts.prefixes_refused += found[COUNT_PREFIXES_REFUSED]
        return int(found[COUNT_LOST])


def parse_nflog_file_batch(
    batch: PacketBatch, prefixes: PrefixTable, counts: NflogCounts | None = None
) -> NflogBatch:
    """Records of a capture file of link type NFLOG as what a live source gives.

    Shape: shorter than ``batch`` where a record was damaged, which ``counts`` tells.
    Errors: CaptureError when the batch has another link type.
    """
    if batch.link_type is not LinkType.NFLOG:
        raise CaptureError(f"link type {int(batch.link_type)} is not NFLOG")
    columns = _Columns(len(batch))
    found = parse_records(
        batch.data,
        batch.offset,
        batch.captured_bytes,
        batch.time_ns,
        columns.offset,
        columns.captured_bytes,
        columns.wire_bytes,
        columns.time_ns,
        columns.device,
        columns.fields,
        prefixes.hashes,
        prefixes.numbers,
        prefixes.places,
        columns.counts,
    )
    prefixes.learn(batch.data)
    if counts is not None:
        columns.add_to(counts)
    return columns.batch(batch.data, found)


def load_message_kernel() -> None:
    """Load the parser of live messages, before there are any."""
    columns, prefixes, none = _Columns(1), PrefixTable(), np.zeros(0, np.int64)
    parse_messages(
        np.zeros(SLACK_BYTES, np.uint8),
        none,
        none,
        0,
        np.zeros(1, np.int64),
        np.zeros(1, np.int64),
        columns.offset,
        columns.captured_bytes,
        columns.wire_bytes,
        columns.time_ns,
        columns.device,
        columns.fields,
        prefixes.hashes,
        prefixes.numbers,
        prefixes.places,
        columns.counts,
    )


class NflogSource:
    """The NFLOG groups of one network namespace.

    Shape: ``fileno`` becomes readable when packets wait; ``read`` takes them. ``counts.dropped``
    are packets that the kernel had no room for: known exactly once a later packet of the group
    has come, at least one until then. For one thread.
    Errors: CaptureError when a group is taken, the permission is missing, or the kernel has no
    NFLOG.
    """

    def __init__(
        self,
        namespace: str,
        groups: Sequence[int],
        settings: NflogSettings | None = None,
        prefixes: PrefixTable | None = None,
    ) -> None:
        if not 0 < len(set(groups)) <= GROUPS_MAX:
            raise CaptureError(f"NFLOG is read with 1 to {GROUPS_MAX} groups, not {len(groups)}")
        self.namespace = namespace
        self.counts = NflogCounts()
        self.prefixes = prefixes if prefixes is not None else PrefixTable()
        self._settings = settings or NflogSettings()
        self._groups = np.array(sorted(set(groups)), np.int64)
        self._expected = np.zeros(len(self._groups), np.int64)
        self._columns = _Columns(BATCH_PACKETS_MAX)
        self._data = np.zeros(READ_BYTES + SLACK_BYTES, np.uint8)
        self._view = memoryview(self._data.data)
        self._datagrams_max = max(1, BATCH_PACKETS_MAX // self._settings.threshold_packets)
        self._overrun_floor = 0
        self._socket = open_in_namespace(namespace, self._open_socket)
        try:
            for group in self._groups.tolist():
                self._bind(group)
        except BaseException:
            self._socket.close()
            raise
        self._socket.setblocking(False)

    def fileno(self) -> int:
        """The descriptor to wait for."""
        return self._socket.fileno()

    def close(self) -> None:
        """Give the groups back to the system."""
        self._socket.close()

    def read(self) -> NflogBatch:
        """What waits now, at most ``BATCH_PACKETS_MAX`` packets; empty when nothing does."""
        begins: list[int] = []
        ends: list[int] = []
        at = 0
        while len(begins) < self._datagrams_max and READ_BYTES - at >= self._settings.message_bytes:
            try:
                size, sender = self._socket.recvfrom_into(self._view[at:READ_BYTES])
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise CaptureError(
                        f"NFLOG cannot be read: {error.strerror}", where=self.namespace
                    ) from error
                self._overrun()
                continue
            if sender[0] == 0:  # from the kernel: another process may send to a socket too
                begins.append(at)
                ends.append(at + size)
                at = (at + size + 15) & ~15
        columns = self._columns
        found = parse_messages(
            self._data,
            np.array(begins, np.int64),
            np.array(ends, np.int64),
            time.time_ns(),
            self._groups,
            self._expected,
            columns.offset,
            columns.captured_bytes,
            columns.wire_bytes,
            columns.time_ns,
            columns.device,
            columns.fields,
            self.prefixes.hashes,
            self.prefixes.numbers,
            self.prefixes.places,
            columns.counts,
        )
        self.prefixes.learn(self._data)
        lost = columns.add_to(self.counts)
        if lost:
            self.counts.dropped += lost - self._overrun_floor
            self._overrun_floor = 0
        return columns.batch(self._data, found)

    def _overrun(self) -> None:
        """How much was lost shows with the next packet; that something was is known now."""
        self.counts.overruns += 1
        self.counts.dropped += 1 - self._overrun_floor
        self._overrun_floor = 1

    def _open_socket(self) -> socket.socket:
        made = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
        size = self._settings.receive_buffer_bytes
        try:
            made.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, size)
        except PermissionError:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
        made.bind((0, 0))
        return made

    def _bind(self, group: int) -> None:
        settings = self._settings
        request = b"".join(
            (
                _attribute(_ATTRIBUTE_COMMAND, struct.pack("B", _BIND)),
                _attribute(_ATTRIBUTE_MODE, struct.pack("!IBx", settings.copy_bytes, _COPY_PACKET)),
                _attribute(_ATTRIBUTE_BUFFER, struct.pack("!I", settings.message_bytes)),
                _attribute(_ATTRIBUTE_TIMEOUT, struct.pack("!I", settings.flush_ms // 10)),
                _attribute(_ATTRIBUTE_THRESHOLD, struct.pack("!I", settings.threshold_packets)),
                _attribute(_ATTRIBUTE_FLAGS, struct.pack("!H", _FLAG_SEQUENCE)),
            )
        )
        code = self._ask(_MESSAGE_CONFIG, group, request)
        if code == 0:
            return
        where = f"NFLOG group {group}" + (f" of {self.namespace}" if self.namespace else "")
        if code == errno.EPERM and self._ask(_MESSAGE_PACKET, group, b"") == errno.EPERM:
            raise CaptureError(
                "the permission CAP_NET_ADMIN is missing",
                where=where,
                hint="run as root, or grant CAP_NET_ADMIN to the program",
            )
        if code in (errno.EPERM, errno.EBUSY):
            raise CaptureError(
                "another program reads this group already, and a group has one reader",
                where=where,
                hint="stop it (ulogd?), or let the firewall log to another group and name that one",
            )
        raise CaptureError(
            f"the kernel refuses: {errno.errorcode.get(code, code)}",
            where=where,
            hint="NFLOG needs the kernel module nfnetlink_log",
        )

    def _ask(self, kind: int, group: int, attributes: bytes) -> int:
        """Send one request and wait for the kernel's answer: 0 or an errno.

        Shape: packets that come before the answer are dropped, which sequence numbers will show.
        """
        body = struct.pack("!BBH", socket.AF_UNSPEC, 0, group) + attributes
        header = struct.pack("=IHHII", 16 + len(body), kind, _NLM_F_REQUEST_ACK, 1, 0)
        self._socket.sendto(header + body, (0, 0))
        for _ in range(ANSWERS_AFTER_MAX):
            try:
                answer = self._socket.recv(self._settings.message_bytes)
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                continue
            if len(answer) >= 20 and struct.unpack_from("=H", answer, 4)[0] == _NLMSG_ERROR:
                return -int(struct.unpack_from("=i", answer, 16)[0])
        raise CaptureError("the kernel does not answer", where=f"NFLOG group {group}")


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)
