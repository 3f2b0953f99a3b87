"""Packets of a capture file: pcap or pcapng, plain, gzip or zstd, from disk or a pipe."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from vpcflow.base.errors import CaptureError
from vpcflow.capture.packet_batch import LinkType, PacketBatch, SourceCounts
from vpcflow.capture.packet_sources import pcap_kernels as kernel
from vpcflow.capture.packet_sources.batch_columns import GUARD_BYTES, BatchColumns
from vpcflow.capture.packet_sources.capture_bytes import open_capture
from vpcflow.capture.packet_sources.pcap_format import (
    PCAP_HEADER_BYTES,
    PCAPNG_MAGIC,
    link_name,
    link_type_of,
    not_a_capture,
    read_drops,
    read_interface,
    read_pcap_header,
)

#: How much of a file is read at a time; small enough to stay in the processor's cache.
CHUNK_BYTES = 1 << 20
#: How far the next good record is searched for after damage.
RESYNC_BYTES_MAX = 64 << 20
#: Interfaces of a pcapng file, over all its sections.
INTERFACES_MAX = 65_536
#: Sentences that are kept; damage beyond is counted.
WARNINGS_MAX = 100
_HEAD_BYTES = 512
_SECTION_BYTES = 28
_NANOSECOND_DIGITS = 1_000_000_000


class PcapFileSource:
    """The packets of one capture file, in the order in which they lie there.

    Shape: ``path`` ``-`` is standard input. ``device`` is the number of the interface in the file,
    counted over all sections of a pcapng file, 0 for pcap. One batch has one link type.
    ``warnings`` say what was wrong with the file; ``counts.malformed`` are its damaged places and
    packets. Memory is bounded whatever the file's size.
    Errors: CaptureError at once when the file cannot be opened or is no capture file; none later.
    """

    def __init__(self, path: str, *, chunk_bytes: int = CHUNK_BYTES) -> None:
        self.path = path
        self.counts = SourceCounts()
        self.warnings: list[str] = []
        self._chunk_bytes = chunk_bytes
        # A record that is not whole yet is kept, and a chunk read behind it.
        self._buffer = np.zeros(kernel.BLOCK_BYTES_MAX + chunk_bytes + GUARD_BYTES, np.uint8)
        self._base = self._buffer.ctypes.data
        self._columns = BatchColumns()
        self._state = np.zeros(kernel.STATE_LENGTH, np.int64)
        self._state[kernel.AT] = self._state[kernel.END] = self._base
        self._interfaces = np.zeros((4, kernel.ROW_LENGTH), np.int64)
        self._lost_by_interface: dict[int, int] = {}
        #: Position in the file of the buffer's first byte.
        self._position = 0
        self._pass_over = 0
        self._damaged = 0
        self._searched = -1
        self._bytes = open_capture(path)
        try:
            self._is_pcapng = self._read_head()
        except BaseException:
            self.close()
            raise

    def batches(self) -> Iterator[PacketBatch]:
        """Every packet to the end of the file; a batch's buffer is used again for the next."""
        while True:
            yield from self._indexed()
            if self._state[kernel.FILE_END]:
                break
            self._fill()
        if self._pass_over:
            self._damage("the last record is cut")
        if self._bytes.fault:
            self._warn(f"{self._bytes.fault}; what came before was read")

    def close(self) -> None:
        """Close the file."""
        self._bytes.close()

    def _read_head(self) -> bool:
        """Find out what the file is; whether it is pcapng."""
        state = self._state
        while state[kernel.END] - self._base < _SECTION_BYTES and not state[kernel.FILE_END]:
            self._fill()
        head = self._buffer[: state[kernel.END] - self._base][:_HEAD_BYTES].tobytes()
        if not head and self._bytes.fault:
            raise CaptureError(f"cannot be read: {self._bytes.fault}", where=self.path)
        if head.startswith(PCAPNG_MAGIC):
            orders = {_integer(head[8:12], swapped=swapped) for swapped in (False, True)}
            if kernel.BYTE_ORDER not in orders:
                raise not_a_capture(head, self.path)
            return True
        header = read_pcap_header(head, self.path)
        state[kernel.SWAPPED] = header.swapped
        state[kernel.NANOSECONDS] = header.unit_ns
        state[kernel.HEADER_BYTES] = header.record_bytes
        state[kernel.LINK] = header.link_type
        state[kernel.AT] += PCAP_HEADER_BYTES
        return False

    def _fill(self) -> None:
        """Move what is left to the front of the buffer and read on behind it."""
        state = self._state
        begin = int(state[kernel.AT]) - self._base
        end = int(state[kernel.END]) - self._base
        kept = end - begin
        if begin and kept:
            self._buffer[:kept] = self._buffer[begin:end]
        self._position += begin
        count = self._bytes.read_into(self._buffer.data[kept : kept + self._chunk_bytes])
        if not count:
            state[kernel.FILE_END] = 1
        if self._pass_over:
            passed = min(self._pass_over, count)
            self._pass_over -= passed
            state[kernel.AT] = self._base + passed
        else:
            state[kernel.AT] = self._base
        state[kernel.END] = self._base + kept + count

    def _indexed(self) -> Iterator[PacketBatch]:
        """The packets of what is in the buffer."""
        state = self._state
        while True:
            if self._searched >= 0 and not self._find():
                return
            if self._is_pcapng:
                kernel.index_pcapng(self._base, state, self._interfaces, *self._columns.arrays)
            else:
                kernel.index_pcap(self._base, state, *self._columns.arrays)
            status, packets = int(state[kernel.STATUS]), int(state[kernel.COUNT])
            state[kernel.COUNT] = 0
            self.counts.packets += packets
            self._count()
            if packets:
                link = LinkType(int(state[kernel.LINK]))
                yield self._columns.batch(link, self._buffer, packets)
            if status == kernel.NEED_MORE:
                if not state[kernel.FILE_END] or state[kernel.AT] == state[kernel.END]:
                    return
                self._damage("the last record is cut")
            elif status not in {kernel.FULL, kernel.OTHER_LINK} and not self._act(status):
                return

    def _act(self, status: int) -> bool:
        """Do what the kernel cannot; whether it can go on in this buffer."""
        state = self._state
        if status == kernel.DAMAGED:
            self._damage("damaged")
        elif status == kernel.SECTION:
            return self._begin_section()
        elif status == kernel.PASS_OVER:
            self._pass_over = int(state[kernel.SKIP])
            here = min(self._pass_over, int(state[kernel.END] - state[kernel.AT]))
            self._pass_over -= here
            state[kernel.AT] += here
        else:
            at = int(state[kernel.AT]) - self._base
            swapped = bool(state[kernel.SWAPPED])
            total = _integer(self._buffer[at + 4 : at + 8].tobytes(), swapped=swapped)
            block = self._buffer[at : at + total].tobytes()
            if status == kernel.INTERFACE:
                self._add_interface(block, swapped=swapped)
            else:
                number, drops = read_drops(block, swapped=swapped)
                number += int(state[kernel.INTERFACE_BASE])
                if number < state[kernel.INTERFACES]:
                    self._lost_by_interface[number] = drops
            state[kernel.AT] += total
        return True

    def _begin_section(self) -> bool:
        """Take the byte order of a section; False when its header is not whole yet."""
        state = self._state
        at = int(state[kernel.AT]) - self._base
        head = self._buffer[at : int(state[kernel.END]) - self._base][:_SECTION_BYTES].tobytes()
        if len(head) < _SECTION_BYTES and not state[kernel.FILE_END]:
            return False
        swapped = _integer(head[8:12], swapped=True) == kernel.BYTE_ORDER
        total = _integer(head[4:8], swapped=swapped)
        known = _integer(head[8:12], swapped=swapped) == kernel.BYTE_ORDER
        fits = _SECTION_BYTES <= total <= kernel.BLOCK_BYTES_MAX and total % 4 == 0
        if not known or not fits:
            self._damage("damaged section header")
            return True
        if self._base + at + total > state[kernel.END]:
            if state[kernel.FILE_END]:
                self._damage("the last record is cut")
                return True
            return False
        state[kernel.SWAPPED] = swapped
        state[kernel.INTERFACE_BASE] = state[kernel.INTERFACES]
        state[kernel.AT] += total
        return True

    def _add_interface(self, block: bytes, *, swapped: bool) -> None:
        number = int(self._state[kernel.INTERFACES])
        if number == INTERFACES_MAX:
            self._warn(f"more than {INTERFACES_MAX} interfaces; packets of the others are not read")
            return
        if number == len(self._interfaces):
            self._interfaces = np.concatenate([self._interfaces, np.zeros_like(self._interfaces)])
        interface = read_interface(block, swapped=swapped)
        link_type = link_type_of(interface.link_number)
        if link_type is None:
            self._warn(
                f"interface {number} has link type {link_name(interface.link_number)}, "
                "whose packets are not read"
            )
        elif not interface.per_second:
            self._warn(f"interface {number} has units of time too fine to be read")
            link_type = None
        self._interfaces[number] = _interface_row(
            -1 if link_type is None else link_type,
            interface.snap_bytes,
            interface.offset_s,
            interface.per_second or 1,
            is_binary=interface.is_binary,
        )
        self._state[kernel.INTERFACES] = number + 1

    def _damage(self, what: str) -> None:
        self._damaged += 1
        self._count()
        self._searched = 0
        position = self._position + int(self._state[kernel.AT]) - self._base
        self._warn(f"{what} at byte {position}")

    def _find(self) -> bool:
        """Search for the next good record after damage; False when more bytes are needed."""
        state = self._state
        begin = int(state[kernel.AT])
        find = kernel.find_block if self._is_pcapng else kernel.find_record
        find(state)
        self._searched += int(state[kernel.AT]) - begin
        if state[kernel.STATUS] == kernel.FOUND:
            self._warn(f"{self._searched} bytes were passed over to the next good record")
            self._searched = -1
            return True
        if self._searched > RESYNC_BYTES_MAX:
            self._warn(f"no good record within {RESYNC_BYTES_MAX} bytes; the rest is not read")
            state[kernel.FILE_END] = 1
        return False

    def _count(self) -> None:
        state = self._state
        self.counts.malformed = self._damaged + int(state[kernel.MALFORMED])
        self.counts.unread = int(state[kernel.UNREAD])
        # Packets and statistics tell of the same losses.
        lost = sum(self._lost_by_interface.values())
        self.counts.dropped = max(lost, int(state[kernel.DROPPED]))

    def _warn(self, what: str) -> None:
        if len(self.warnings) < WARNINGS_MAX:
            self.warnings.append(f"{self.path}: {what}")


def _integer(data: bytes, *, swapped: bool) -> int:
    return int.from_bytes(data, "big" if swapped else "little")


def _interface_row(
    link: int, snap_bytes: int, offset_s: int, per_second: int, *, is_binary: bool
) -> npt.NDArray[np.int64]:
    """An interface as the kernel takes it."""
    row = np.zeros(kernel.ROW_LENGTH, np.int64)
    row[kernel.ROW_LINK] = link
    row[kernel.ROW_SNAP_BYTES] = snap_bytes
    row[kernel.ROW_OFFSET_S] = offset_s
    row[kernel.ROW_PER_SECOND] = per_second
    row[kernel.ROW_SHIFT] = max(0, per_second.bit_length() - 31) if is_binary else -1
    row[kernel.ROW_DIVISOR] = 0 if is_binary else max(1, per_second // _NANOSECOND_DIGITS)
    return row
