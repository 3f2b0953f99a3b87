"""Sizes of the ring into which the kernel puts packets."""

from __future__ import annotations

import mmap

from pydantic import BaseModel, ConfigDict, Field, field_validator

from vpcflow.capture.packet_batch import BATCH_PACKETS_MAX

KIB = 1 << 10
MIB = 1 << 20
#: What each of very many namespaces has at least, in how many blocks.
RING_BYTES_MIN, SMALL_RING_BLOCKS = MIB, 32
BLOCK_BYTES_MIN = 16 * KIB
#: The fewest bytes of a block that the kernel spends on a packet: its header, and no data.
PACKET_BYTES_MIN = 112


class RingSettings(BaseModel):
    """How much memory the kernel has for packets of one network namespace.

    Units: bytes, counts, milliseconds, as the names say.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    block_bytes: int = Field(
        default=256 * KIB,
        ge=BLOCK_BYTES_MIN,
        le=BATCH_PACKETS_MAX * PACKET_BYTES_MIN,
        description="Size of a block of the ring; the kernel hands out whole blocks.",
    )
    block_count: int = Field(
        default=256,
        ge=2,
        le=16_384,
        description="Blocks of a ring; with block_bytes the memory of one network namespace, with "
        "retire_ms how long the meter may be kept from a quiet one.",
    )
    total_bytes: int = Field(
        default=512 * MIB,
        ge=MIB,
        description="Memory of the rings of all network namespaces; the kernel cannot swap it. "
        "Further namespaces have smaller rings, of 1 MiB at least.",
    )
    retire_ms: int = Field(
        default=40,
        ge=1,
        le=1000,
        description="After how long a block with packets is handed out although it is not full.",
    )
    snap_bytes: int = Field(
        default=192,
        ge=96,
        le=9216,
        description="How much of a packet is kept: its headers. Mirrored traffic needs 256.",
    )

    @field_validator("block_bytes")
    @classmethod
    def _whole_pages(cls, value: int) -> int:
        if value % mmap.PAGESIZE:
            raise ValueError(f"block_bytes must be a multiple of {mmap.PAGESIZE}")
        return value

    def beside(self, used_bytes: int) -> RingSettings:
        """The settings of one more ring when others have so much memory: half of what is left."""
        share = max(RING_BYTES_MIN, (self.total_bytes - used_bytes) // 2)
        if share >= self.ring_bytes:
            return self
        block_bytes = min(self.block_bytes, share // SMALL_RING_BLOCKS)
        block_bytes = max(BLOCK_BYTES_MIN, block_bytes // mmap.PAGESIZE * mmap.PAGESIZE)
        return self.model_copy(
            update={"block_bytes": block_bytes, "block_count": max(2, share // block_bytes)}
        )

    @property
    def ring_bytes(self) -> int:
        """The memory of the whole ring."""
        return self.block_bytes * self.block_count
