"""The kernel that turns one block of a TPACKET_V3 ring into the columns of a packet batch.

Source: linux/if_packet.h, linux/virtio_net.h.
"""

# mypy: disable-error-code="untyped-decorator,no-any-return"

from __future__ import annotations

from typing import Any

import numpy as np

from vpcflow.base.compiled import njit
from vpcflow.record.memory_kernels import (
    load_i32,
    load_network_u16,
    load_u8,
    load_u32,
    store_u16,
    store_u64,
)

#: A block's descriptor: where its fields are.
STATUS_AT = 8
_PACKETS_AT = 12
_FIRST_AT = 16
LAST_SECONDS_AT = 40
LAST_NANOSECONDS_AT = 44

# A packet's header, and the address of the link that follows it.
_NEXT_AT, _SECONDS_AT, _NANOSECONDS_AT, _CAPTURED_AT, _WIRE_AT = 0, 4, 8, 12, 16
_MAC_AT, _NET_AT = 24, 26
_PROTOCOL_AT, _DEVICE_AT, _HARDWARE_AT, _PACKET_TYPE_AT = 50, 52, 56, 58
_HEADER_BYTES = 68

# The offload's header ends where the packet starts.
_OFFLOAD_BYTES, _OFFLOAD_KIND_AT, _OFFLOAD_SIZE_AT = 10, 1, 4

_ARPHRD_ETHER = 1
_PACKET_OUTGOING = 4
_RECEIVED, _SENT = 0, 1
_ETHERNET_BYTES = 14
_U = np.uint64


@njit(nogil=True, error_model="numpy", forceinline=True)
def _host_u16(at: int) -> int:
    """The machines of this kernel's headers are little-endian, as the tests see to."""
    return load_u8(at) | (load_u8(at + 1) << 8)


@njit(cache=True, nogil=True, error_model="numpy")
def walk_block(
    ring: int,
    block: int,
    block_bytes: int,
    offset: Any,
    captured_bytes: Any,
    wire_bytes: Any,
    time_ns: Any,
    device: Any,
    direction: Any,
    segment_bytes: Any,
) -> int:
    """Fill the columns with the packets of the block at ``block`` bytes; return how many.

    Every packet becomes an Ethernet frame. Where the device has no Ethernet header (tun,
    WireGuard, PPP, tunnels), one is written into the gap that the kernel leaves before a packet,
    so that a block stays one batch in the order of arrival. A VLAN tag that the kernel took off
    needs nothing: the IP header follows the Ethernet header then.
    """
    start = ring + block
    end = start + block_bytes
    waiting = np.int64(load_u32(start + _PACKETS_AT))
    at = start + np.int64(load_u32(start + _FIRST_AT))
    count = 0
    while count < waiting and count < len(offset) and at + _HEADER_BYTES <= end:
        captured = np.int64(load_u32(at + _CAPTURED_AT))
        wire = np.int64(load_u32(at + _WIRE_AT))
        mac = _host_u16(at + _MAC_AT)
        net = _host_u16(at + _NET_AT)
        first = at + mac
        if first + captured > end:
            break
        segment = 0
        offload = first - _OFFLOAD_BYTES
        if load_u8(offload + _OFFLOAD_KIND_AT) != 0:
            segment = _host_u16(offload + _OFFLOAD_SIZE_AT)
        if _host_u16(at + _HARDWARE_AT) != _ARPHRD_ETHER:
            protocol = load_network_u16(at + _PROTOCOL_AT)
            cut = net - mac
            first = at + net - _ETHERNET_BYTES
            captured = max(captured - cut, 0) + _ETHERNET_BYTES
            wire = max(wire - cut, 0) + _ETHERNET_BYTES
            store_u64(first, _U(0))
            store_u64(first + 4, _U(0))
            store_u16(first + 12, _U(((protocol & 0xFF) << 8) | (protocol >> 8)))
        offset[count] = first - ring
        captured_bytes[count] = captured
        wire_bytes[count] = min(wire, np.int64(0x7FFFFFFF))
        time_ns[count] = np.int64(load_u32(at + _SECONDS_AT)) * 1_000_000_000 + np.int64(
            load_u32(at + _NANOSECONDS_AT)
        )
        device[count] = load_i32(at + _DEVICE_AT)
        # A bridge's port and a hypervisor's end of a veth receive frames for other hosts.
        sent = load_u8(at + _PACKET_TYPE_AT) == _PACKET_OUTGOING
        direction[count] = _SENT if sent else _RECEIVED
        segment_bytes[count] = segment
        count += 1
        following = np.int64(load_u32(at))
        if following == 0:
            break
        at += following
    return count
