"""Aim: what AWS never logs makes no record, and nothing else is left out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from flow_row_builder import VPC, point_of, row_of

from vpcflow.capture.exclusions import Exclusion, Exclusions

UDP, TCP = 17, 6
E = Exclusion


def kind_of(row: list[int], **point: Any) -> Exclusion | None:
    every = Exclusions(tuple(Exclusion))
    [number] = every.kinds_of(np.array([row], np.uint64), [point_of(0, **point)])
    return every.kinds[number] if number >= 0 else None


@pytest.mark.parametrize(
    ("source", "destination", "ports", "protocol", "kind"),
    [
        ("10.0.1.10", "10.0.0.2", (5000, 53), UDP, E.AMAZON_DNS),
        ("10.0.0.2", "10.0.1.10", (53, 5000), UDP, E.AMAZON_DNS),
        ("10.0.1.10", "10.0.0.2", (5000, 53), TCP, E.AMAZON_DNS),
        ("10.0.1.10", "169.254.169.253", (5000, 53), UDP, E.AMAZON_DNS),
        ("2001:db8::1", "fd00:ec2::253", (5000, 53), UDP, E.AMAZON_DNS),
        ("10.0.1.10", "10.0.0.2", (53, 5000), UDP, None),
        ("10.0.1.10", "10.0.1.2", (5000, 53), UDP, None),
        ("10.0.1.10", "198.51.100.53", (5000, 53), UDP, None),
        ("10.0.1.10", "169.254.169.254", (5000, 80), TCP, E.METADATA),
        ("169.254.169.254", "10.0.1.10", (80, 5000), TCP, E.METADATA),
        ("2001:db8::1", "fd00:ec2::254", (5000, 80), TCP, E.METADATA),
        ("10.0.1.10", "169.254.169.123", (123, 123), UDP, E.TIME_SYNC),
        ("10.0.1.10", "198.51.100.123", (123, 123), UDP, None),
        ("0.0.0.0", "255.255.255.255", (68, 67), UDP, E.DHCP),
        ("10.0.1.1", "10.0.1.10", (67, 68), UDP, E.DHCP),
        ("fe80::1", "ff02::1:2", (546, 547), UDP, E.DHCP),
        ("10.0.1.1", "10.0.1.10", (67, 68), TCP, E.DEFAULT_ROUTER),
        ("10.0.9.1", "10.0.1.10", (67, 68), TCP, None),
        ("10.0.1.10", "10.0.9.9", (5000, 67), UDP, None),
        ("10.0.1.10", "10.0.1.1", (0, 0), 1, E.DEFAULT_ROUTER),
        ("10.0.1.10", "169.254.169.250", (5000, 1688), TCP, E.WINDOWS_ACTIVATION),
        ("10.0.1.10", "169.254.169.251", (5000, 1688), TCP, E.WINDOWS_ACTIVATION),
        ("10.0.1.10", "169.254.169.250", (5000, 1689), TCP, None),
        ("10.0.1.10", "203.0.113.5", (5000, 443), TCP, None),
    ],
)  # fmt: skip
def test_documented_exclusions(
    source: str, destination: str, ports: tuple[int, int], protocol: int, kind: Exclusion | None
) -> None:
    assert kind_of(row_of(source, destination, ports, protocol)) is kind


def test_mirrored_traffic_at_its_source_alone() -> None:
    out = row_of("10.0.1.10", "10.0.2.20", (6081, 4789), UDP, egress=True)
    into = row_of("10.0.1.10", "10.0.2.20", (6081, 4789), UDP)
    assert kind_of(out, mirrored=True) is E.MIRRORED_TRAFFIC
    assert kind_of(out) is None
    assert kind_of(into, mirrored=True) is None


def test_a_network_that_is_no_cloud_has_no_reserved_addresses() -> None:
    plain = replace(VPC, has_reserved_addresses=False)
    assert kind_of(row_of("10.0.1.10", "10.0.0.2", (5000, 53), UDP), vpc=plain) is None
    assert kind_of(row_of("10.0.1.10", "10.0.1.1", (0, 0), 1), vpc=plain) is None
    assert kind_of(row_of("10.0.1.10", "10.0.0.2", (5000, 53), UDP), vpc=None) is None


def test_only_what_the_setting_names() -> None:
    row = np.array([row_of("10.0.1.10", "169.254.169.254", (5000, 80))], np.uint64)
    assert Exclusions(()).kinds_of(row, [point_of()]).tolist() == [-1]
    assert Exclusions((E.DHCP,)).kinds_of(row, [point_of()]).tolist() == [-1]
    assert Exclusions((E.DHCP, E.METADATA)).kinds_of(row, [point_of()]).tolist() == [1]
