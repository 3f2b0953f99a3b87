"""What an interface is about to be attached to: whether it is there, and who would be cut off."""

from __future__ import annotations

import os
import socket
from functools import partial
from pathlib import Path

from vpcflow.base.errors import CaptureError
from vpcflow.inventory.network_interface import Attachment
from vpcflow.inventory.sources.network_namespace import (
    OWN_NAMESPACE,
    namespace_path,
    open_namespace,
    run_inside,
)

_ROUTES = Path("/proc/thread-self/net/route")
_ROUTES_IPV6 = Path("/proc/thread-self/net/ipv6_route")
#: What ``device_state`` says of a device that is there.
FOUND = "found"
#: RTF_UP without RTF_REJECT: a route that leads somewhere.
_IS_UP, _IS_REFUSED = 0x1, 0x200


def device_state(attachment: Attachment) -> str:
    """What is known of the device, in words that follow its name."""
    path = namespace_path(attachment.namespace)
    handle = open_namespace(path)
    if handle is None:
        return f"not there yet: {path} is no network namespace yet"
    look = partial(socket.if_nametoindex, attachment.device)
    try:
        own = attachment.namespace == OWN_NAMESPACE
        # One's own namespace needs no permission to be entered.
        _ = look() if own else run_inside(handle, look, attachment.namespace)
    except CaptureError:
        return "not looked at: that needs root"
    except OSError:
        return "not there yet"
    finally:
        os.close(handle)
    return FOUND


def is_own_namespace(namespace: str) -> bool:
    """Whether a name or path stands for the namespace of this process."""
    try:
        here, there = (namespace_path(name).stat() for name in (OWN_NAMESPACE, namespace))
    except OSError:
        return False
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)


def default_route_devices() -> frozenset[str]:
    """The devices of this namespace that carry a default route, of IPv4 or IPv6.

    Source: Linux, net/ipv4/fib_trie.c and net/ipv6/route.c: the columns of these files.
    """
    found = set()
    for path, destination, mask, flags, device in (
        (_ROUTES, 1, 7, 3, 0),
        (_ROUTES_IPV6, 0, 1, 8, 9),
    ):
        try:
            lines = path.read_text(encoding="ascii", errors="replace").splitlines()
        except OSError:
            continue
        for line in lines:
            parts = line.split()
            if len(parts) <= max(destination, mask, flags, device):
                continue
            is_default = not parts[destination].strip("0") and not parts[mask].strip("0")
            if not is_default:
                continue
            bits = int(parts[flags], 16)
            if bits & _IS_UP and not bits & _IS_REFUSED and parts[device] != "lo":
                found.add(parts[device])
    return frozenset(found)
