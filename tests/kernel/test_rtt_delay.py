"""Aim: a set delay is what real TCP is measured to take. Method: two namespaces, a delaying wire."""

from __future__ import annotations

import os
import socket
from statistics import median

import pytest
from delayed_tcp import CLIENT, bring_up, measure, new_namespace

from vpcflow.base.errors import CaptureError
from vpcflow.capture.packet_sources.namespace_socket import open_in_namespace
from vpcflow.lab.delay_line import DelayLine

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not os.path.exists("/dev/net/tun"),
    reason="needs root and /dev/net/tun, to make namespaces and TAP devices",
)


def devices(namespace: str) -> list[str]:
    return [name for _, name in open_in_namespace(namespace, socket.if_nameindex)]


#: One segment, two, and a transfer.
REQUESTS = [100, 2 * 1448] * 5 + [200_000]


def test_median_is_the_set_delay() -> None:
    measured = measure(0.020, 2, REQUESTS)
    # Wide, since the machine may be busy: the benchmark says how close it is.
    assert len(measured.client_median) == len(measured.server_median) == 2
    for least, middle in zip(measured.client_least, measured.client_median, strict=True):
        assert 19.9 <= least <= 22
        assert 19.9 <= middle <= 25
    assert all(middle < 10 for middle in measured.server_median), "the client answers at once"
    assert all(count >= len(REQUESTS) for count in measured.client_samples)
    assert measured.counts.solid >= 8
    assert measured.counts.dropped == measured.counts.implausible == 0
    assert 19.9 <= median(measured.pings) <= 25, "or the wire is wrong, not the measurement"


def test_wire_is_gone_when_it_is_closed() -> None:
    with new_namespace() as first, new_namespace() as second:
        line = DelayLine(first, second, 0.001, "wire7")
        for namespace in (first, second):
            assert "wire7" in devices(namespace)
        bring_up(first, "wire7", CLIENT)
        line.close()
        for namespace in (first, second):
            assert devices(namespace) == ["lo"]


def test_wire_needs_a_namespace() -> None:
    with pytest.raises(CaptureError), new_namespace() as first:
        DelayLine(first, "/proc/self/ns/no-such", 0.001)
