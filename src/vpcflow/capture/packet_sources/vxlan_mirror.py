"""Mirrored packets, as traffic mirroring sends them: VXLAN, also within GENEVE."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from vpcflow.capture.packet_batch import BATCH_PACKETS_MAX, LinkType, PacketBatch
from vpcflow.capture.packet_sources import vxlan_kernels as kernel
from vpcflow.capture.packet_sources.batch_columns import BatchColumns

#: The largest VNI: 24 bits.
VNI_MAX = 0xFF_FFFF
#: VNIs without an interface that are remembered by number.
UNKNOWN_VNIS_MAX = 64


class Decapsulator:
    """Takes mirrored packets out of the packets of any source.

    Shape: ``vni_to_device`` names the device, not negative, that each VNI's packets get; it may be
    changed with ``set_devices``. The properties count outer packets since the beginning, each in
    one of them.
    """

    def __init__(self, vni_to_device: Mapping[int, int]) -> None:
        self._counts = np.zeros(kernel.OUTCOME_COUNT, np.int64)
        self._strangers = np.zeros(1 + UNKNOWN_VNIS_MAX, np.int64)
        self._ethernet = BatchColumns()
        self._raw = BatchColumns()
        self.set_devices(vni_to_device)

    def set_devices(self, vni_to_device: Mapping[int, int]) -> None:
        """Take another mapping; VNIs that were not known are forgotten."""
        for vni, device in vni_to_device.items():
            if not 0 <= vni <= VNI_MAX or device < 0:
                raise ValueError(f"no VNI and device: {vni}, {device}")
        pairs = np.array(sorted(vni_to_device.items()), np.int64).reshape(-1, 2)
        self._vnis = np.ascontiguousarray(pairs[:, 0])
        self._devices = np.ascontiguousarray(pairs[:, 1])
        self._strangers[0] = 0

    def decapsulate(self, batch: PacketBatch) -> list[PacketBatch]:
        """The mirrored packets: at most one batch of Ethernet frames and one of bare IP packets.

        Both lie in the buffer of ``batch``, in its order. Bare IP packets come from GENEVE that
        carries IP without VXLAN. Their direction is not known, and ``wire_bytes`` is what they
        were before mirroring cut them, by their own IP header.
        """
        if len(batch) > BATCH_PACKETS_MAX:
            raise ValueError(f"a batch of more than {BATCH_PACKETS_MAX} packets")
        before = int(self._counts[kernel.RAW_INSIDE])
        batches = []
        frames = self._run(batch, kernel.ETHERNET_INSIDE, self._ethernet)
        if frames:
            batches.append(self._ethernet.batch(LinkType.ETHERNET, batch.data, frames))
        if self._counts[kernel.RAW_INSIDE] > before:
            packets = self._run(batch, kernel.RAW_INSIDE, self._raw)
            batches.append(self._raw.batch(LinkType.RAW, batch.data, packets))
        return batches

    def _run(self, batch: PacketBatch, wanted: int, columns: BatchColumns) -> int:
        return int(
            kernel.decapsulate(
                batch.data.ctypes.data,
                int(batch.link_type),
                self._vnis,
                self._devices,
                self._counts,
                self._strangers,
                batch.offset,
                batch.captured_bytes,
                batch.time_ns,
                batch.segment_bytes,
                wanted,
                *columns.arrays,
            )
        )

    @property
    def mirrored(self) -> int:
        """Packets that were handed on."""
        return int(self._counts[kernel.ETHERNET_INSIDE] + self._counts[kernel.RAW_INSIDE])

    @property
    def other(self) -> int:
        """Packets that carry no mirrored traffic."""
        return int(self._counts[kernel.OTHER])

    @property
    def unknown_vni(self) -> int:
        """Mirrored packets whose VNI has no device; ``unknown_vnis`` are the first such VNIs."""
        return int(self._counts[kernel.UNKNOWN_VNI])

    @property
    def malformed(self) -> int:
        """Packets to a mirror port that are cut or no VXLAN or GENEVE."""
        return int(self._counts[kernel.MALFORMED])

    @property
    def fragments(self) -> int:
        """Later fragments of outer packets: what they carry cannot be told."""
        return int(self._counts[kernel.FRAGMENT])

    @property
    def unknown_vnis(self) -> list[int]:
        """VNIs that came and have no device, at most ``UNKNOWN_VNIS_MAX``."""
        return [int(vni) for vni in self._strangers[1 : 1 + int(self._strangers[0])]]
