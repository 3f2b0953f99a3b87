"""Whether the packet filter's rules of a network namespace have changed, without reading them.

Source: linux/netfilter/nf_tables.h (NFT_MSG_GETGEN), linux/netfilter/nfnetlink.h.
"""

from __future__ import annotations

import contextlib
import socket
import struct

from vpcflow.base.errors import CaptureError
from vpcflow.capture.packet_sources.namespace_socket import open_in_namespace

_NETLINK_NETFILTER = 12
_GET_GENERATION = 10 << 8 | 16
_NEW_GENERATION = 10 << 8 | 15
_REQUEST = 1
_GENERATION_ID = 1
_HEADER = struct.Struct("=IHHII")
_FAMILY = struct.Struct("=BBH")
_ATTRIBUTE = struct.Struct("=HH")
_ANSWER_BYTES_MAX = 4096


class RulesetGeneration:
    """Asks the kernel for the number that every change of nftables rules raises.

    Shape: ``read`` costs two system calls. An open one keeps its namespace alive.
    """

    def __init__(self, namespace: str) -> None:
        self._socket: socket.socket | None = None
        # Without nf_tables in the kernel there is nothing that could change.
        with contextlib.suppress(OSError, CaptureError):
            self._socket = open_in_namespace(namespace, _open)

    def read(self) -> int:
        """The number now; 0 when the kernel does not say."""
        if self._socket is None:
            return 0
        try:
            self._socket.send(
                _HEADER.pack(_HEADER.size + _FAMILY.size, _GET_GENERATION, _REQUEST, 0, 0)
                + _FAMILY.pack(0, 0, 0)
            )
            # The kernel answers while it is asked.
            answer = self._socket.recv(_ANSWER_BYTES_MAX)
        except OSError:
            return 0
        return generation_of(answer)

    def close(self) -> None:
        """Let the namespace go."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def generation_of(answer: bytes) -> int:
    """The generation that an answer of the kernel tells; 0 when it tells none."""
    if len(answer) < _HEADER.size or _HEADER.unpack_from(answer)[1] != _NEW_GENERATION:
        return 0
    at = _HEADER.size + _FAMILY.size
    while at + 8 <= len(answer):
        length, kind = _ATTRIBUTE.unpack_from(answer, at)
        if kind == _GENERATION_ID and length == 8:
            return int.from_bytes(answer[at + 4 : at + 8], "big")
        at += max((length + 3) & ~3, 4)
    return 0


def _open() -> socket.socket:
    kind = socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
    opened = socket.socket(socket.AF_NETLINK, kind, _NETLINK_NETFILTER)
    opened.bind((0, 0))
    return opened
