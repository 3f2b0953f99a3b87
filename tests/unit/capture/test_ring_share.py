"""Aim: the rings of many network namespaces stay within the memory that is set for all of them."""

from __future__ import annotations

import mmap

from vpcflow.capture.packet_sources.ring_settings import RING_BYTES_MIN, RingSettings


def test_the_first_rings_are_whole_and_later_ones_shrink() -> None:
    settings = RingSettings()
    used, sizes = 0, []
    for _ in range(64):
        ring = settings.beside(used)
        # What the kernel asks of a ring, and pydantic did not look at again.
        RingSettings(**ring.model_dump())
        assert ring.block_bytes % mmap.PAGESIZE == 0
        sizes.append(ring.ring_bytes)
        used += ring.ring_bytes
    assert sizes[0] == settings.ring_bytes
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == RING_BYTES_MIN
    assert used - sizes.count(RING_BYTES_MIN) * RING_BYTES_MIN <= settings.total_bytes


def test_a_ring_that_is_set_smaller_than_its_share_stays() -> None:
    small = RingSettings(block_bytes=1 << 16, block_count=4)
    assert small.beside(10**12) is small
