"""The columns of a parsed packet: one row of a 64-bit matrix a column, one column a packet.

``parse_kernels`` fills the matrix from a packet batch; the flow table, the verdicts and the
round-trip times read it. Words that hold several values are read with the shifts named here.
"""

from __future__ import annotations

from typing import Final

#: Why a packet has no flow, or METERED. In the low byte of the column.
STATUS: Final = 0
METERED: Final = 0
ARP: Final = 1
NOT_IP: Final = 2  # any other protocol of the link: LLDP, spanning tree, ...
TRUNCATED: Final = 3  # the capture was cut before the addresses
MALFORMED: Final = 4  # a length or version that cannot be
#: What the meter says of packets that parsed well and still make no flow.
NEIGHBOUR_DISCOVERY: Final = 5  # IPv6 neighbour discovery and multicast listener reports
OTHER_HOST: Final = 6  # seen, but neither from nor to the interface: a promiscuous capture
NOT_METERED: Final = 7  # the device is not under metering
STATUS_COUNT: Final = 8
#: What each status is called in counts.
STATUS_NAMES: Final = (
    "metered",
    "arp",
    "not-ip",
    "truncated",
    "malformed",
    "neighbour-discovery",
    "other-host",
    "not-metered",
)

#: Addresses as they lie in memory: 16 bytes, IPv4 mapped into IPv6, in two words.
SOURCE_0: Final = 1
SOURCE_1: Final = 2
DESTINATION_0: Final = 3
DESTINATION_1: Final = 4
#: Source port in bits 0-15, destination port in 16-31, protocol in 32-39; 0 ports without ports.
FLOW_WORD: Final = 5
DESTINATION_PORT_SHIFT: Final = 16
PROTOCOL_SHIFT: Final = 32
#: Bits 40-47 of FLOW_WORD and of a row: direction at the interface, then the verdict.
DIRECTION_SHIFT: Final = 40  # 0 ingress, 1 egress
VERDICT_SHIFT: Final = 41  # 2 bits, see Verdict
SLOT_SHIFT: Final = 48  # 16 bits: the observation point
#: Packets in bits 0-39 (more than one when an offload joined several), flags of AWS's tcp-flags
#: in 40-47, the reject rule's number in 48-63 (0: none).
COUNT_WORD: Final = 6
TCP_FLAGS_SHIFT: Final = 40
RULE_SHIFT: Final = 48
#: IP bytes (total length; of all segments where an offload joined several).
IP_BYTES: Final = 7
#: Time in nanoseconds since the epoch.
TIME_NS: Final = 8
#: A hash of the addresses and FLOW_WORD.
HASH: Final = 9
#: TCP only, else 0: sequence number in 0-31, acknowledgement number in 32-63.
TCP_NUMBERS: Final = 10
#: TCP only: TSval in 0-31, TSecr in 32-63; both 0 without the timestamp option.
TCP_TIMESTAMPS: Final = 11
#: Payload bytes in 0-31, the header's own TCP flag byte in 32-39, bit 40 the timestamp option
#: is there, bit 41 a fragment that is not the first, bit 42 any fragment. For ICMP and ICMPv6:
#: type in 48-55, code in 56-63.
TRANSPORT_WORD: Final = 12
TIMESTAMPS_BIT: Final = 40
LATER_FRAGMENT_BIT: Final = 41
FRAGMENT_BIT: Final = 42
TCP_HEADER_FLAGS_SHIFT: Final = 32
ICMP_TYPE_SHIFT: Final = 48
ICMP_CODE_SHIFT: Final = 56
#: IPv4 identification, fragment offset and total length; what tells one packet from the next.
IDENTITY_WORD: Final = 13
COLUMN_COUNT: Final = 14

#: Verdicts, as in VERDICT_SHIFT.
VERDICT_UNKNOWN: Final = 0
VERDICT_ACCEPT: Final = 1
VERDICT_REJECT: Final = 2
