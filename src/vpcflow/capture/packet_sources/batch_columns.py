"""The columns that the kernels of a packet source fill, and a batch cut from their front."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vpcflow.capture.packet_batch import BATCH_PACKETS_MAX, LinkType, PacketBatch

#: How many bytes after the end of every packet a batch's reader may read.
GUARD_BYTES = 64


class BatchColumns:
    """Room for one batch; ``arrays`` in the order in which the kernels take them."""

    def __init__(self, packets_max: int = BATCH_PACKETS_MAX) -> None:
        self.packets_max = packets_max
        self.offset = np.zeros(packets_max, np.int64)
        self.captured_bytes = np.zeros(packets_max, np.int32)
        self.wire_bytes = np.zeros(packets_max, np.int32)
        self.time_ns = np.zeros(packets_max, np.int64)
        self.device = np.zeros(packets_max, np.int32)
        self.direction = np.zeros(packets_max, np.int8)
        self.segment_bytes = np.zeros(packets_max, np.int32)
        self.arrays = (
            self.offset,
            self.captured_bytes,
            self.wire_bytes,
            self.time_ns,
            self.device,
            self.direction,
            self.segment_bytes,
        )

    def batch(self, link_type: LinkType, data: npt.NDArray[np.uint8], packets: int) -> PacketBatch:
        """The first packets as a batch: views, nothing is copied."""
        return PacketBatch(
            link_type=link_type,
            data=data,
            offset=self.offset[:packets],
            captured_bytes=self.captured_bytes[:packets],
            wire_bytes=self.wire_bytes[:packets],
            time_ns=self.time_ns[:packets],
            device=self.device[:packets],
            direction=self.direction[:packets],
            segment_bytes=self.segment_bytes[:packets],
        )
