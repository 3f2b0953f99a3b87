"""Live packets of all devices of a network namespace: one TPACKET_V3 ring, mapped.

Source: Linux Documentation/networking/packet_mmap.rst, linux/if_packet.h, linux/filter.h.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vpcflow.base.errors import CaptureError
from vpcflow.capture.packet_batch import LinkType, PacketBatch, SourceCounts
from vpcflow.capture.packet_sources.batch_columns import BatchColumns
from vpcflow.capture.packet_sources.namespace_socket import namespace_identity, open_in_namespace
from vpcflow.capture.packet_sources.ring_kernels import (
    LAST_NANOSECONDS_AT,
    LAST_SECONDS_AT,
    STATUS_AT,
    walk_block,
)
from vpcflow.capture.packet_sources.ring_mapping import map_ring
from vpcflow.capture.packet_sources.ring_settings import RingSettings
from vpcflow.inventory.sources.network_namespace import OWN_NAMESPACE

_SOL_PACKET = 263
_PACKET_RX_RING = 5
_PACKET_STATISTICS = 6
_PACKET_VERSION = 10
_PACKET_VNET_HDR = 15
_TPACKET_V3 = 2
_SO_ATTACH_FILTER = 26
_ETH_P_ALL = 0x0003
_ARPHRD_LOOPBACK = 772

#: Block status: the kernel's, or (bit 0) ours.
_STATUS_KERNEL = 0
_STATUS_USER = 1

_LOAD_WORD, _JUMP_EQUAL, _RETURN = 0x20, 0x15, 0x06
#: Where a classic filter finds the device's hardware type (SKF_AD_OFF + SKF_AD_HATYPE).
_HARDWARE_TYPE = 0xFFFF_F000 + 28


def ring_filter(snap_bytes: int) -> list[tuple[int, int, int, int]]:
    """The filter's instructions: no loopback devices, and the first bytes of all else."""
    return [
        (_LOAD_WORD, 0, 0, _HARDWARE_TYPE),
        (_JUMP_EQUAL, 1, 0, _ARPHRD_LOOPBACK),
        (_RETURN, 0, 0, snap_bytes),
        (_RETURN, 0, 0, 0),
    ]


class AfPacketSource:
    """The packets of every device of a network namespace but loopback, new devices too.

    Shape: ``peek`` gives the oldest waiting block as a batch, ``release`` gives it back to the
    kernel; ``batches`` does both in a loop. ``device`` is the ifindex; the link type is always
    Ethernet (see ``walk_block``). For one thread.
    The ring's file descriptor stays ready while blocks wait, held ones too: wait for it only when
    ``waiting_blocks`` is 0, and by time otherwise.
    An open ring keeps its namespace alive: when ``vanished`` is true, take what waits and close.
    Errors: CaptureError when the namespace cannot be entered, a permission or memory is missing.
    """

    def __init__(
        self, namespace: str = OWN_NAMESPACE, settings: RingSettings | None = None
    ) -> None:
        self.namespace = namespace
        self.settings = settings or RingSettings()
        self.counts = SourceCounts()
        self._identity = namespace_identity(namespace)
        self._columns = BatchColumns()
        self._where = f"network namespace {namespace}" if namespace else "this network namespace"
        # The kernel is ready before the first packet comes: while it loads, a ring can run over.
        blank = np.zeros(LAST_NANOSECONDS_AT + 4, np.uint8)
        walk_block(blank.ctypes.data, 0, len(blank), *self._columns.arrays)
        self._socket = open_in_namespace(namespace, self._open)
        try:
            self._ring = map_ring(self._socket.fileno(), self.settings.ring_bytes)
            _bind_to_all_devices(self._socket)
        except OSError as error:
            self._socket.close()
            raise self._refused(error) from error
        words = self._ring[: self.settings.ring_bytes].view(np.uint32)
        words = words.reshape(self.settings.block_count, -1)
        self._status = words[:, STATUS_AT // 4]
        self._last_s = words[:, LAST_SECONDS_AT // 4]
        self._last_ns = words[:, LAST_NANOSECONDS_AT // 4]
        self._next = 0
        self._current: PacketBatch | None = None
        self._is_open = True

    def fileno(self) -> int:
        """For poll: ready when a block waits."""
        return self._socket.fileno()

    def waiting_blocks(self) -> int:
        """How many blocks the kernel has handed out and has not got back."""
        if not self._is_open:
            return 0
        return int(np.count_nonzero(self._status & _STATUS_USER))

    def peek(self, hold_ns: int = 0, now_ns: int = 0) -> PacketBatch | None:
        """The oldest waiting block, the same again until it is released.

        None when there is none, or when its newest packet is younger than ``hold_ns`` and at most
        half of the ring waits.
        """
        if self._current is not None:
            return self._current
        block = self._next
        if not self._is_open or not self._status[block] & _STATUS_USER:
            return None
        if hold_ns:
            newest_ns = int(self._last_s[block]) * 1_000_000_000 + int(self._last_ns[block])
            if (
                newest_ns > now_ns - hold_ns
                and self.waiting_blocks() * 2 <= self.settings.block_count
            ):
                return None
        size = self.settings.block_bytes
        packets = walk_block(self._ring.ctypes.data, block * size, size, *self._columns.arrays)
        self.counts.packets += packets
        self._current = self._columns.batch(LinkType.ETHERNET, self._ring, packets)
        return self._current

    def release(self) -> None:
        """Give the block of the last batch back to the kernel; its bytes may change from now on."""
        if self._current is None:
            return
        self._current = None
        if self._is_open:
            self._status[self._next] = _STATUS_KERNEL
            self._next = (self._next + 1) % self.settings.block_count

    def batches(self, hold_ns: int = 0, now_ns: int = 0) -> Iterator[PacketBatch]:
        """What waits now, block by block; one is released when the next is asked for.

        At most one turn of the ring, so that other sources get theirs.
        """
        for _ in range(self.settings.block_count):
            batch = self.peek(hold_ns, now_ns)
            if batch is None:
                break
            yield batch
            self.release()
        self.refresh_counts()

    def refresh_counts(self) -> None:
        """Add the kernel's count of dropped packets, and take an error off the socket.

        A device or namespace that went away leaves an error behind, which would make the
        descriptor ready for ever; what waits in the ring stays good.
        """
        if not self._is_open:
            return
        self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        statistics = self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 12)
        self.counts.dropped += struct.unpack_from("=II", statistics)[1]

    def vanished(self) -> bool:
        """Whether the namespace's name is gone, or stands for another namespace now."""
        return namespace_identity(self.namespace) != self._identity

    def close(self) -> None:
        """Close the socket; a batch that is still held stays readable."""
        if self._is_open:
            self.refresh_counts()
            self._is_open = False
            self._socket.close()

    def _open(self) -> socket.socket:
        """The socket with filter and ring, not bound yet: no packet comes before all is set."""
        settings = self.settings
        try:
            opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        except OSError as error:
            raise self._refused(error) from error
        try:
            opened.setsockopt(_SOL_PACKET, _PACKET_VERSION, _TPACKET_V3)
            # The offload's header tells the segment size; it must be asked for before the ring.
            opened.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
            _attach_filter(opened, ring_filter(settings.snap_bytes))
            request = struct.pack(
                "=7I",
                settings.block_bytes,
                settings.block_count,
                settings.block_bytes,
                settings.block_count,
                settings.retire_ms,
                0,
                0,
            )
            opened.setsockopt(_SOL_PACKET, _PACKET_RX_RING, request)
        except OSError as error:
            opened.close()
            raise self._refused(error) from error
        return opened

    def _refused(self, error: OSError) -> CaptureError:
        if error.errno in {errno.EPERM, errno.EACCES}:
            python = Path(sys.executable).resolve()
            return CaptureError(
                "no permission to see packets",
                where=self._where,
                hint=f"sudo setcap cap_net_raw,cap_net_admin+ep {python}   or run with sudo",
            )
        if error.errno == errno.ENOMEM:
            return CaptureError(
                f"no memory for a ring of {self.settings.ring_bytes >> 20} MiB",
                where=self._where,
                hint="make block_count smaller",
            )
        return CaptureError(f"packets cannot be seen: {error.strerror}", where=self._where)


def _bind_to_all_devices(opened: socket.socket) -> None:
    """Start to receive; Python's own ``bind`` wants the name of one device."""
    libc = ctypes.CDLL(None, use_errno=True)
    address = struct.pack("=HHiHBB8s", socket.AF_PACKET, socket.htons(_ETH_P_ALL), 0, 0, 0, 0, b"")
    if libc.bind(opened.fileno(), address, len(address)) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _attach_filter(opened: socket.socket, instructions: list[tuple[int, int, int, int]]) -> None:
    """Set a classic filter: struct sock_fprog points to the instructions."""
    code = ctypes.create_string_buffer(
        b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions)
    )
    program = struct.pack("@HP", len(instructions), ctypes.addressof(code))
    opened.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
