"""Links and addresses of one network namespace over rtnetlink: a first dump, then every change.

A raw socket with parsers for the four messages that count. pyroute2 reads 7,000 links a second and
takes 0.12 s to import; this reads more than ten times as many, so that thousands of interfaces that
come and go do not hold up the meter.
"""

from __future__ import annotations

import errno
import socket
import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from vpcflow.inventory.network_interface import Address

#: What the kernel may keep for us between two reads: about 10,000 changes.
RECEIVE_BUFFER_BYTES = 8 * 2**20
#: A dump that changed while it was read is read again so often; later changes come as events.
DUMP_TRIES_MAX = 8

_MESSAGE_BYTES_MAX = 65_536
_SO_RCVBUFFORCE = 33
_GROUP_LINK, _GROUP_IPV4_ADDRESS, _GROUP_IPV6_ADDRESS = 0x1, 0x10, 0x100
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_RTM_NEWLINK, _RTM_DELLINK, _RTM_GETLINK = 16, 17, 18
_RTM_NEWADDR, _RTM_DELADDR, _RTM_GETADDR = 20, 21, 22
_REQUEST_DUMP = 0x301
_DUMP_INTERRUPTED = 0x10
_SKIP_STATISTICS = 1 << 3

_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_LINKINFO, _IFLA_EXT_MASK, _IFLA_NEW_NETNSID = 1, 3, 18, 29, 45
_IFLA_INFO_KIND = 1
_IFA_ADDRESS, _IFA_LOCAL, _IFA_FLAGS = 1, 2, 8
_ATTRIBUTE_TYPE_MASK = 0x3FFF
_SECONDARY, _DUPLICATE = 0x01, 0x08  # IFA_F_SECONDARY is IFA_F_TEMPORARY for IPv6

_HEADER = struct.Struct("=IHHII")
_LINK = struct.Struct("=BxHiII")
_ADDRESS = struct.Struct("=BBBBI")
_ATTRIBUTE = struct.Struct("=HH")
_UINT = struct.Struct("=I")


@dataclass(frozen=True, slots=True)
class LinkMessage:
    """A device is there (``is_new``), perhaps changed, or gone, perhaps to another namespace."""

    is_new: bool
    ifindex: int
    name: str
    mac: str
    kind: str
    has_moved: bool


@dataclass(frozen=True, slots=True)
class AddressMessage:
    """A device has an address, or has it no longer.

    Shape: ``is_secondary`` for IPv6 is a temporary (privacy) address.
    """

    is_new: bool
    ifindex: int
    address: Address
    prefix_length: int
    is_secondary: bool


@dataclass(frozen=True, slots=True)
class DumpEnd:
    """Everything that exists was told since the dump began; what was not told is gone."""


@dataclass(frozen=True, slots=True)
class DumpStart:
    """Changes were lost; everything is told anew from here on."""


Message = LinkMessage | AddressMessage | DumpStart | DumpEnd


class RouteSocket:
    """Reads what exists and what changes; never waits.

    Shape: made in the namespace that it is to read (see ``network_namespace.run_inside``). While it
    is open the kernel keeps the namespace: close it when the namespace's name goes.
    """

    def __init__(self) -> None:
        self._socket = socket.socket(
            socket.AF_NETLINK,
            socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC,
            socket.NETLINK_ROUTE,
        )
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES)
        except PermissionError:  # the system's own limit then holds
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        self._socket.bind((0, _GROUP_LINK | _GROUP_IPV4_ADDRESS | _GROUP_IPV6_ADDRESS))
        self._buffer = bytearray(_MESSAGE_BYTES_MAX)
        self._sequence = 0
        self._dumping = 0  # the message type of the dump that is running, 0 for none
        self._tries = 0
        self._interrupted = False
        self._again = False
        self.overruns = 0
        self._request(_RTM_GETLINK)

    def fileno(self) -> int:
        """To be polled for reading."""
        return self._socket.fileno()

    def close(self) -> None:
        """Let the namespace go."""
        self._socket.close()

    def read(self, messages_max: int) -> list[Message]:
        """What came since the last read, about ``messages_max`` at most; empty when nothing did."""
        messages: list[Message] = []
        while len(messages) < messages_max:
            try:
                size, (sender, _) = self._socket.recvfrom_into(self._buffer)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                self._lose(messages)
                continue
            if sender == 0:  # the kernel
                self._take(size, messages)
        return messages

    def _lose(self, messages: list[Message]) -> None:
        self.overruns += 1
        if self._dumping:  # the kernel runs one dump at a time
            self._again = True
            return
        messages.append(DumpStart())
        self._tries = 0
        self._request(_RTM_GETLINK)

    def _request(self, message_type: int) -> None:
        self._sequence += 1
        self._dumping = message_type
        self._interrupted = False
        if message_type == _RTM_GETLINK:
            body = _LINK.pack(0, 0, 0, 0, 0) + _ATTRIBUTE.pack(8, _IFLA_EXT_MASK)
            body += _UINT.pack(_SKIP_STATISTICS)
        else:
            body = _ADDRESS.pack(0, 0, 0, 0, 0)
        size = _HEADER.size + len(body)
        self._socket.send(_HEADER.pack(size, message_type, _REQUEST_DUMP, self._sequence, 0) + body)

    def _take(self, size: int, messages: list[Message]) -> None:
        at, buffer = 0, self._buffer
        while at + _HEADER.size <= size:
            length, message_type, flags, sequence, _ = _HEADER.unpack_from(buffer, at)
            if length < _HEADER.size or at + length > size:
                return
            start, end = at + _HEADER.size, at + length
            at += (length + 3) & ~3
            if sequence == self._sequence and flags & _DUMP_INTERRUPTED:
                self._interrupted = True
            if message_type in (_RTM_NEWLINK, _RTM_DELLINK):
                link = parse_link(buffer, start, end, message_type == _RTM_NEWLINK)
                if link is not None:
                    messages.append(link)
            elif message_type in (_RTM_NEWADDR, _RTM_DELADDR):
                address = parse_address(buffer, start, end, message_type == _RTM_NEWADDR)
                if address is not None:
                    messages.append(address)
            elif message_type in (_NLMSG_DONE, _NLMSG_ERROR) and sequence == self._sequence:
                self._end_dump(messages)

    def _end_dump(self, messages: list[Message]) -> None:
        finished = self._dumping
        self._dumping = 0
        if self._again:
            self._again = False
            messages.append(DumpStart())
            self._tries = 0
            self._request(_RTM_GETLINK)
        elif self._interrupted and self._tries < DUMP_TRIES_MAX:
            self._tries += 1
            self._request(finished)
        elif finished == _RTM_GETLINK:
            self._request(_RTM_GETADDR)
        else:
            messages.append(DumpEnd())

    @property
    def is_dumping(self) -> bool:
        """Whether not everything that exists was told yet."""
        return self._dumping != 0


def parse_link(buffer: bytearray, start: int, end: int, is_new: bool) -> LinkMessage | None:
    """A link message's parts; None when it is about a bridge's port, or broken."""
    if end - start < _LINK.size:
        return None
    family, _, ifindex, _, _ = _LINK.unpack_from(buffer, start)
    if family != socket.AF_UNSPEC:  # a port joins or leaves its bridge: the device itself stays
        return None
    at = start + _LINK.size
    name = mac = kind = ""
    has_moved = False
    while at + 4 <= end:
        length, kind_of = _ATTRIBUTE.unpack_from(buffer, at)
        if length < 4 or at + length > end:
            return None
        kind_of &= _ATTRIBUTE_TYPE_MASK
        if kind_of == _IFLA_IFNAME:
            name = buffer[at + 4 : at + length - 1].decode("utf-8", "backslashreplace")
        elif kind_of == _IFLA_ADDRESS and length == 10:
            mac = buffer[at + 4 : at + 10].hex(":")
        elif kind_of == _IFLA_LINKINFO:
            kind = _kind(buffer, at + 4, at + length)
        elif kind_of == _IFLA_NEW_NETNSID:
            has_moved = True
        at += (length + 3) & ~3
    if not name:
        return None
    if mac == "00:00:00:00:00:00":
        mac = ""
    return LinkMessage(is_new, ifindex, name, mac, kind, has_moved)


def _kind(buffer: bytearray, at: int, end: int) -> str:
    while at + 4 <= end:
        length, kind_of = _ATTRIBUTE.unpack_from(buffer, at)
        if length < 4 or at + length > end:
            break
        if kind_of == _IFLA_INFO_KIND:
            return buffer[at + 4 : at + length].rstrip(b"\0").decode("ascii", "replace")
        at += (length + 3) & ~3
    return ""


def parse_address(buffer: bytearray, start: int, end: int, is_new: bool) -> AddressMessage | None:
    """An address message's parts; None when it is of another family, or broken.

    A duplicate that the network refused counts as not there.
    """
    if end - start < _ADDRESS.size:
        return None
    family, prefix_length, flags, _, ifindex = _ADDRESS.unpack_from(buffer, start)
    at = start + _ADDRESS.size
    found = local = b""
    while at + 4 <= end:
        length, kind_of = _ATTRIBUTE.unpack_from(buffer, at)
        if length < 4 or at + length > end:
            return None
        if kind_of == _IFA_ADDRESS:
            found = bytes(buffer[at + 4 : at + length])
        elif kind_of == _IFA_LOCAL:
            local = bytes(buffer[at + 4 : at + length])
        elif kind_of == _IFA_FLAGS and length == 8:
            (flags,) = _UINT.unpack_from(buffer, at + 4)
        at += (length + 3) & ~3
    # IFA_ADDRESS is the other end of a point-to-point link where IFA_LOCAL is there as well.
    own = local or found
    address: Address
    if family == socket.AF_INET and len(own) == 4:
        address = IPv4Address(own)
    elif family == socket.AF_INET6 and len(own) == 16:
        address = IPv6Address(own)
    else:
        return None
    is_there = is_new and not flags & _DUPLICATE
    return AddressMessage(is_there, ifindex, address, prefix_length, bool(flags & _SECONDARY))
